namespace Myrmex.Fuse;

/// <summary>The named maxima of this room.</summary>
internal static class FuseLimits
{
    /// <summary>Most bytes of one READ or WRITE: 256 pages.</summary>
    public const int IOBytesMax = 1 << 20;

    public const int PagesMax = 256;

    /// <summary>
    /// Requests taken from the device in one turn of a loop before other descriptors get their share.
    /// </summary>
    public const int RequestsPerTurn = 64;

    /// <summary>Reader loops that may be asked for.</summary>
    public const int LoopsMax = 64;

    /// <summary>
    /// Bytes asked of the graph for one chunk of a directory; what the kernel does not take is kept for its next call.
    /// </summary>
    public const int DirectoryChunkBytes = 128 << 10;

    /// <summary>Nanoseconds after which a kept chunk of a directory is asked for anew.</summary>
    public const long DirectoryChunkNs = 1_000_000_000;

    /// <summary>Interrupts remembered because they came before their request.</summary>
    public const int EarlyInterruptsMax = 64;

    /// <summary>Processes whose supplementary groups are remembered.</summary>
    public const int GroupCacheEntries = 256;

    /// <summary>Largest value of an extended attribute. Source: XATTR_SIZE_MAX.</summary>
    public const int XattrBytesMax = 64 << 10;

    /// <summary>Largest list of extended attribute names. Source: XATTR_LIST_MAX.</summary>
    public const int XattrListBytesMax = 64 << 10;

    /// <summary>Largest single copy_file_range.</summary>
    public const uint CopyBytesMax = 1 << 30;

    /// <summary>
    /// Invalidations waiting to be told to the kernel; beyond it the oldest news is that everything may have changed.
    /// </summary>
    public const int NotificationsMax = 4096;

    /// <summary>
    /// Files of which it is remembered that somebody has asked for a lock; beyond it all count as such.
    /// </summary>
    public const int LockedNodesMax = 65536;

    /// <summary>Milliseconds to wait at the end for fops that are still under way.</summary>
    public const int DrainMsMax = 3000;

    /// <summary>
    /// Milliseconds to wait at the end for files that are closed: what was written behind is still to be done.
    /// </summary>
    public const int CloseMsMax = 60_000;
}
