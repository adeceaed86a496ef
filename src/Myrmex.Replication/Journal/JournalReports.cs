using System.Collections.Generic;

namespace Myrmex.Replication.Journal;

/// <summary>
/// An entry this replica may have had and cannot show. It must never be taken for "did not have it".
/// </summary>
/// <param name="Index">Its place.</param>
/// <param name="State">What is lost.</param>
/// <param name="Header">The header; null when that is lost too.</param>
public sealed record FaultyEntry(JournalIndex Index, EntryState State, EntryHeader? Header);

/// <summary>What a start found.</summary>
public sealed record JournalReport
{
    /// <summary>Batches found in good order.</summary>
    public long Batches { get; init; }

    /// <summary>Batches that were on their way when the power went, and were dropped.</summary>
    public int TornBatches { get; init; }

    /// <summary>Places where batches are lost that must have been complete.</summary>
    public int Holes { get; init; }

    /// <summary>Entries that are not good.</summary>
    public int FaultyEntries { get; init; }

    /// <summary>Entries whose header came from the index because the one in the batch was damaged.</summary>
    public int HeadersFromIndex { get; init; }

    /// <summary>
    /// The end of the journal could not be read: there may have been entries after the last one. The replica must not
    /// say that it had none.
    /// </summary>
    public bool EndIsInDoubt { get; init; }

    /// <summary>One copy of the superblock was damaged and has been written again.</summary>
    public bool SuperblockRepaired { get; init; }

    /// <summary>The last close was in good order.</summary>
    public bool WasClean { get; init; }
}

/// <summary>Room in a journal, in bytes of batches.</summary>
public readonly record struct JournalSpace(long CapacityBytes, long FreeBytes)
{
    public long UsedBytes => CapacityBytes - FreeBytes;

    /// <summary>
    /// Less than a part of it is left, or, where half of it is more than some bytes, less than those.
    /// </summary>
    public bool IsBelow(int percent, long bytes)
    {
        var part = CapacityBytes * percent / 100;
        return FreeBytes < (bytes <= CapacityBytes / 2 ? System.Math.Max(part, bytes) : part);
    }

    /// <summary>How full it is, 0 to 100.</summary>
    public int UsedPercent => CapacityBytes == 0 ? 100 : (int)(UsedBytes * 100 / CapacityBytes);
}

/// <summary>
/// Where the data of an entry is on the disk: whole 4 KiB blocks, the last one padded with zeroes, so that it can be
/// cloned into another file of the same file system.
/// </summary>
public readonly record struct JournalExtent(string Path, ulong Segment, long OffsetBytes, int LengthBytes);

/// <summary>What a look at some entries found.</summary>
public sealed record ScrubReport(long ReadBytes, int Entries, IReadOnlyList<FaultyEntry> Faults, bool IsRoundComplete);
