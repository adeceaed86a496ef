namespace Myrmex.Performance;

/// <summary>Bounds of performance/shared-cache.</summary>
internal static class SharedCacheLimits
{
    /// <summary>
    /// For how long an answer is kept after it was asked for. Bricks remember looks for a half longer
    /// (features/cache-leases).
    /// </summary>
    public const long KeepNs = 60_000_000_000;

    /// <summary>Bytes of a page of content.</summary>
    public const int PageBytes = 4 << 10;

    /// <summary>A longer read goes to the bricks, and brings nothing.</summary>
    public const int ReadBytesMax = 1 << 20;

    /// <summary>Largest dictionary that is kept, of a request or of an answer.</summary>
    public const int XDataBytesMax = 132 << 10;

    /// <summary>
    /// Inodes that changed while looks were under way, remembered one by one; beyond it none of those looks counts.
    /// </summary>
    public const int ChangedInodesMax = 16384;
}
