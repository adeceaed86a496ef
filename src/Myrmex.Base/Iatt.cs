namespace Myrmex.Base;

/// <summary>Which fields of an <see cref="Iatt"/> are valid. Source: ia_flags of gfx_iattx.</summary>
[System.Flags]
public enum IattFlags : ulong
{
    None = 0,
    Type = 1,
    Mode = 2,
    Nlink = 4,
    Uid = 8,
    Gid = 0x10,
    Atime = 0x20,
    Mtime = 0x40,
    Ctime = 0x80,
    Ino = 0x100,
    Size = 0x200,
    Blocks = 0x400,
    Btime = 0x800,
    Gfid = 0x1000,

    /// <summary>What a brick sends: everything but the birth time.</summary>
    Brick = 0x17ff,
}

/// <summary>File type and permission bits of <see cref="Iatt.Mode"/>: plain Linux st_mode.</summary>
public static class FileMode
{
    public const uint TypeMask = 0xF000;
    public const uint Socket = 0xC000;
    public const uint SymbolicLink = 0xA000;
    public const uint Regular = 0x8000;
    public const uint BlockDevice = 0x6000;
    public const uint Directory = 0x4000;
    public const uint CharDevice = 0x2000;
    public const uint Fifo = 0x1000;
    public const uint SetUid = 0x800;
    public const uint SetGid = 0x400;
    public const uint Sticky = 0x200;
    public const uint PermissionMask = 0xFFF;
}

/// <summary>
/// Attributes of a file as they travel between translators. Times are seconds and nanoseconds since the epoch,
/// <see cref="Size"/> is bytes, <see cref="Blocks"/> counts 512-byte units. The default value means "no attributes".
/// Source: gfx_iattx, 148 bytes on the wire.
/// </summary>
public record struct Iatt
{
    public const int WireSize = 148;

    public Gfid Gfid;
    public IattFlags Flags;
    public ulong Ino;
    public ulong Dev;

    /// <summary>Device number of a special file as <see cref="DeviceNumber"/> packs it; not the Linux dev_t that Mknod carries.</summary>
    public ulong Rdev;
    public ulong Size;
    public ulong Blocks;
    public ulong Attributes;
    public ulong AttributesMask;
    public long Atime;
    public long Mtime;
    public long Ctime;
    public long Btime;
    public uint AtimeNsec;
    public uint MtimeNsec;
    public uint CtimeNsec;
    public uint BtimeNsec;
    public uint Nlink;
    public uint Uid;
    public uint Gid;
    public uint BlockSize;
    public uint Mode;

    public readonly bool IsNull => Mode == 0 && Gfid.IsNull;

    public readonly bool IsDirectory => (Mode & FileMode.TypeMask) == FileMode.Directory;

    public readonly bool IsRegular => (Mode & FileMode.TypeMask) == FileMode.Regular;

    public readonly bool IsSymbolicLink => (Mode & FileMode.TypeMask) == FileMode.SymbolicLink;

    /// <summary>Type bits only, e.g. <see cref="FileMode.Directory"/>.</summary>
    public readonly uint Type => Mode & FileMode.TypeMask;

    /// <summary>Linux DT_* value for directory entries.</summary>
    public readonly uint DirType => Type >> 12;
}
