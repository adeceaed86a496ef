using System;
using Myrmex.Base;

namespace Myrmex.Replication.Journal;

/// <summary>Where a journal is and how large it may become.</summary>
public sealed record JournalOptions
{
    /// <summary>The journal's own directory; absolute. Its parent must exist.</summary>
    public required string Path { get; init; }

    /// <summary>Bytes of a segment, a multiple of 4096. New segments have it; older ones keep theirs.</summary>
    public int SegmentBytes { get; init; } = 128 << 20;

    /// <summary>
    /// Segments there may be at once, spare ones included; the journal never takes more than this many.
    /// </summary>
    public int SegmentsMax { get; init; } = 16;

    /// <summary>Emptied segments kept to be used again instead of zeroing a new one.</summary>
    public int SparesMax { get; init; } = 1;

    /// <summary>Opens segments past the page cache where the file system can.</summary>
    public bool IsDirect { get; init; } = true;

    /// <summary>Checks the data of all entries at start, not only of the last batch.</summary>
    public bool VerifiesDataAtStart { get; init; }

    /// <summary>
    /// Bytes on the disk the journal may take: segments with their header indexes, and the superblock.
    /// </summary>
    public long BytesMax => ((long)SegmentsMax * (SegmentBytes + IndexBytesMax)) + (2 * JournalLimits.BlockBytes);

    /// <summary>Bytes a header index may have; a segment whose index is full is closed.</summary>
    internal int IndexBytesMax => Math.Max(
        4 * JournalLimits.BlockBytes, SegmentBytes / 8 / JournalLimits.BlockBytes * JournalLimits.BlockBytes);

    internal void Check()
    {
        Invariant.Check(SegmentBytes % JournalLimits.BlockBytes == 0);
        Invariant.Check(SegmentBytes is >= JournalLimits.SegmentBytesMin and <= JournalLimits.SegmentBytesMax);
        Invariant.Check(SegmentsMax is >= 3 and <= JournalLimits.SegmentsMax);
        Invariant.Check(SparesMax >= 0);
    }
}
