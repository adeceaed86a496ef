using System;

namespace Myrmex.Base;

/// <summary>
/// How a POSIX lock goes to another connection without a moment in which somebody else could get it: what
/// <see cref="InfoName"/> of the former open file says, in the xdata of the LK that asks for the same lock again. The
/// value is known to nobody but the holder and the brick.
/// </summary>
public static class LockMove
{
    /// <summary>XData of LK: locks taken through the open file that the value names are the asker's own.</summary>
    public static ReadOnlySpan<byte> Key => "myrmex.lock-move"u8;

    /// <summary>The name of the value, for FGETXATTR. Source: GlusterFS' lock migration.</summary>
    public static ReadOnlySpan<byte> InfoName => "trusted.glusterfs.lockinfo"u8;
}
