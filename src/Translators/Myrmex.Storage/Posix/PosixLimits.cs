namespace Myrmex.Storage;

/// <summary>The named maxima of this translator.</summary>
internal static class PosixLimits
{
    /// <summary>Open directories kept by gfid.</summary>
    public const int DirectoriesMax = 4096;

    /// <summary>Inodes whose gfid and times are kept in memory, about 150 bytes each.</summary>
    public const int InodesMax = 128 * 1024;

    /// <summary>Files kept open for fops with anonymous fds.</summary>
    public const int AnonymousFilesMax = 256;

    /// <summary>What a range of blocks that files share begins and ends at.</summary>
    public const int BlockBytes = 4096;

    /// <summary>Levels of directories above one another; more means that the handles form a loop.</summary>
    public const int DepthMax = 4096;

    /// <summary>Locks that serialise changes of one name, and of one inode.</summary>
    public const int LockStripes = 1024;

    /// <summary>Longest read answered.</summary>
    public const int ReadBytesMax = 64 << 20;

    /// <summary>Longest write always done on the thread that received it.</summary>
    public const int InlineWriteBytesMax = 64 << 10;

    /// <summary>Longest write done there while the file system is quick; longer ones go to a worker.</summary>
    public const int GatedWriteBytesMax = 1 << 20;

    /// <summary>Longest read tried on the thread that received it.</summary>
    public const int InlineReadBytesMax = 256 << 10;

    /// <summary>Largest file whose content a LOOKUP carries.</summary>
    public const int LookupContentMax = 1 << 20;

    /// <summary>Most bytes of contents that a READDIRP carries.</summary>
    public const int ListedContentsMax = 2 << 20;

    /// <summary>Longest range of RCHECKSUM.</summary>
    public const int ChecksumBytesMax = 16 << 20;

    /// <summary>Entries in one listing reply; older clients decode the list recursively.</summary>
    public const int ListingEntriesMax = 1800;

    /// <summary>Bytes of directory records read at once.</summary>
    public const int ListingBufferMax = 64 << 10;

    /// <summary>
    /// Seconds an inode must have existed before what is read about it may be kept by inode number and birth time.
    /// </summary>
    public const long SettledSeconds = 2;

    /// <summary>Nanoseconds between two looks at the free space of the file system.</summary>
    public const long SpaceCheckNs = 1_000_000_000;

    /// <summary>Milliseconds between two sweeps of the landfill.</summary>
    public const long JanitorMs = 10_000;
}
