using System;
using System.Numerics;
using Myrmex.Base;
using Myrmex.Runtime;

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

    /// <summary>
    /// Segments that have their blocks on the disk from the start, used or not: as far as these go, a full disk stops
    /// no append. 0 for none.
    /// </summary>
    public int SegmentsReserved { get; init; }

    /// <summary>
    /// More than <see cref="SegmentsReserved"/> are made only while that leaves so much of the disk free; 0 makes them
    /// without a look.
    /// </summary>
    public long DiskFreeMin { get; init; }

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

    /// <summary>
    /// A journal for a store on the same disk: it takes an eighth of the disk at most, and has what it cannot do
    /// without from the start.
    /// </summary>
    /// <param name="path">Its directory.</param>
    /// <param name="disk">The size of the disk.</param>
    public static JournalOptions For(string path, DiskSpace disk)
    {
        var usual = new JournalOptions { Path = path };
        var share = Math.Max(disk.TotalBytes / JournalLimits.DiskShare, JournalLimits.ReservedBytesMin);
        share = Math.Min(share, (long)usual.SegmentsMax * usual.SegmentBytes);
        var wanted = Math.Clamp(share / usual.SegmentsMax, JournalLimits.SizedSegmentBytesMin, usual.SegmentBytes);
        var segment = (int)BitOperations.RoundUpToPowerOf2((uint)wanted / 2 + 1); // Down, so that it seldom changes.
        var reserved = (JournalLimits.ReservedBytesMin / segment) + 1;
        return usual with
        {
            SegmentBytes = segment,
            SegmentsMax = (int)Math.Clamp(share / segment, reserved, 2 * usual.SegmentsMax),
            SegmentsReserved = (int)Math.Clamp(reserved, JournalLimits.ReservedSegmentsMin, usual.SegmentsMax),
            DiskFreeMin = ReserveOf(disk),
        };
    }

    /// <summary>
    /// What is left free of a disk, so that everything that is under way finds room: the file system's own needs, and
    /// what is not counted.
    /// </summary>
    public static long ReserveOf(DiskSpace disk) =>
        Math.Clamp(disk.TotalBytes / JournalLimits.DiskReserve, JournalLimits.DiskReserveMin,
            JournalLimits.DiskReserveMax);

    internal void Check()
    {
        Invariant.Check(SegmentBytes % JournalLimits.BlockBytes == 0);
        Invariant.Check(SegmentBytes is >= JournalLimits.SegmentBytesMin and <= JournalLimits.SegmentBytesMax);
        Invariant.Check(SegmentsMax is >= 3 and <= JournalLimits.SegmentsMax);
        Invariant.Check(SparesMax >= 0);
        Invariant.Check(SegmentsReserved >= 0 && SegmentsReserved <= SegmentsMax);
    }
}
