namespace Myrmex.Replication.Journal;

/// <summary>
/// Counters of a journal since it was opened. Plain numbers: read them anywhere, they may be a moment old.
/// </summary>
public sealed class JournalMetrics
{
    /// <summary>Batches that became durable.</summary>
    public long Batches;

    /// <summary>Entries that became durable.</summary>
    public long Entries;

    /// <summary>Bytes of meta and data of those entries.</summary>
    public long PayloadBytes;

    /// <summary>Bytes given to the disk: batches, segment heads, header indexes. Without zeroing.</summary>
    public long WrittenBytes;

    /// <summary>Bytes of zeroes written into new segments.</summary>
    public long ZeroedBytes;

    /// <summary>Bytes of data whose blocks the main store has taken over instead of writing them again.</summary>
    public long SharedBytes;

    /// <summary>Syncs of segments.</summary>
    public long Syncs;

    /// <summary>Bytes that readers and scrubs took from the disk.</summary>
    public long ReadBytes;

    /// <summary>Entries that turned out to be damaged when they were read or scrubbed.</summary>
    public long FaultsFound;

    public long Repaired;

    public long SegmentsOpened;

    /// <summary>Segments that were used again.</summary>
    public long SegmentsRecycled;

    /// <summary>Bytes given to the disk per byte of meta and data.</summary>
    public double WriteAmplification => PayloadBytes == 0 ? 0 : (double)WrittenBytes / PayloadBytes;

    public double EntriesPerBatch => Batches == 0 ? 0 : (double)Entries / Batches;
}
