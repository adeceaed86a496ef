namespace Myrmex.Features.Upcall;

/// <summary>
/// What CACHE_INVALIDATION says has changed; whatever it is, the client is told to drop all attributes and extended
/// attributes (<see cref="Drop"/>), for the callback carries none. Source: glusterfs/upcall-utils.h of GlusterFS 10.
/// </summary>
internal static class UpcallFlags
{
    public const uint Links = 0x1;
    public const uint Mode = 0x2;
    public const uint Owner = 0x4;
    public const uint Size = 0x8;
    public const uint Times = 0x10;
    public const uint Permissions = 0x40;
    public const uint Renamed = 0x80;
    public const uint Forgotten = 0x100;

    /// <summary>Of a directory: its names.</summary>
    public const uint Names = 0x200;

    public const uint Xattrs = 0x400;
    public const uint XattrRemoved = 0x800;
    public const uint Drop = 0x2000;

    public const uint OfWrite = Size | Times | Drop;
    public const uint OfAttributes = Size | Times | Owner | Mode | Permissions | Drop;
    public const uint OfXattr = Xattrs | Times | Drop;
    public const uint OfXattrRemoval = XattrRemoved | Times | Drop;
    public const uint OfLink = Links | Times | Drop;
    public const uint OfNames = Names | Times | Drop;
    public const uint OfRename = Renamed | Times | Drop;
    public const uint OfForgetting = Forgotten | Drop;
}
