using System;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>What both stores decide alike.</summary>
internal static class StorageRules
{
    /// <summary>Name of the directory in the root of a brick with its own state.</summary>
    public static ReadOnlySpan<byte> InternalDirectory => ".glusterfs"u8;

    /// <summary>EPERM for the brick's own directory, EINVAL or ENAMETOOLONG for what can be no name.</summary>
    public static Errno CheckName(in Gfid parent, Name name)
    {
        var error = name.CheckEntry();
        return error == Errno.Ok && IsInternal(parent, name.Span) ? Errno.EPERM : error;
    }

    /// <summary>The brick keeps its own state there; clients never see it.</summary>
    public static bool IsInternal(in Gfid parent, ReadOnlySpan<byte> name) =>
        parent.IsRoot && name.SequenceEqual(InternalDirectory);

    /// <summary>
    /// True when a write goes to the end of the file and not to its offset: the client's kernel has computed that from
    /// a size that may be old, and only here appends of several clients are put one behind the other. The flags of the
    /// open decide, not those of the write: a disperse graph opens bricks without O_APPEND, because it writes whole
    /// stripes, and hands the application's flags on with the write. Heal and rebalance put bytes where they are told.
    /// </summary>
    public static bool Appends(uint openFlags, Call call) => (openFlags & OpenFlags.Append) != 0 && call.Pid >= 0;
}
