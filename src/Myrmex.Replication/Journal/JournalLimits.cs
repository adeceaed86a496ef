namespace Myrmex.Replication.Journal;

/// <summary>The named maxima of the journal.</summary>
public static class JournalLimits
{
    /// <summary>Everything in a segment starts at a multiple of this; also the grain of data checksums.</summary>
    public const int BlockBytes = 4096;

    /// <summary>Entries in one batch.</summary>
    public const int BatchEntriesMax = 1024;

    /// <summary>Bytes of a batch above which no further entry is added to it; one entry may be larger.</summary>
    public const int BatchBytesMax = 8 << 20;

    /// <summary>Bytes of headers, meta and checksums of a batch.</summary>
    public const int HeadBytesMax = 4 << 20;

    /// <summary>Pieces of one gathering write.</summary>
    public const int PiecesMax = 64;

    /// <summary>Data at least so long, and aligned, is written from where it is instead of being copied.</summary>
    public const int InPlaceBytesMin = 64 << 10;

    /// <summary>Bytes of a batch that is not synced at once and goes through the page cache.</summary>
    public const int CachedBatchBytesMax = 64 << 10;

    /// <summary>
    /// Data at least so long is told to be in the journal: below, sharing blocks costs more than writing them again,
    /// and breaks files into pieces.
    /// </summary>
    public const int StoredBytesMin = 64 << 10;

    public const int SegmentBytesMin = 8 * BlockBytes;

    public const int SegmentBytesMax = 1 << 30;

    /// <summary>A segment of a small disk: the largest entry fits.</summary>
    public const int SizedSegmentBytesMin = 4 << 20;

    /// <summary>A journal beside a store takes this part of the disk at most.</summary>
    public const int DiskShare = 8;

    /// <summary>Bytes of segments that a journal beside a store has from the start, at least.</summary>
    public const int ReservedBytesMin = 48 << 20;

    public const int ReservedSegmentsMin = 4;

    /// <summary>This part of a disk is left free.</summary>
    public const int DiskReserve = 32;

    public const long DiskReserveMin = 16L << 20;

    public const long DiskReserveMax = 1L << 30;

    /// <summary>Looks whether to prepare a segment for which a look at the free room of the disk is good.</summary>
    public const int LooksPerDiskLook = 64;

    /// <summary>Segments of one journal.</summary>
    public const int SegmentsMax = 4096;

    /// <summary>Peers whose durable index the superblock keeps.</summary>
    public const int PeersMax = 32;

    /// <summary>Bytes read or zeroed at once.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>The same by who wants meta parts only.</summary>
    public const int MetaWindowBytes = 64 << 10;

    /// <summary>Requests waiting for a <see cref="JournalWriter"/>; its owner hears EAGAIN beyond.</summary>
    public const int QueueMax = 8192;

    /// <summary>Milliseconds that a batch which was only written waits for its sync, by default.</summary>
    public const int LazyMs = 100;

    /// <summary>Bytes of such batches, by default.</summary>
    public const long LazyBytes = 16 << 20;

    /// <summary>Faults that one scan or scrub lists; more are only counted.</summary>
    public const int FaultsListedMax = 1 << 16;
}
