using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>What a batch, or a hole where batches were, does to the entries.</summary>
internal sealed partial class JournalScan
{
    private SegmentReader? _heads; // Stays behind the one that walks, so that each has its window.
    private Segment? _headsOf;
    private Pending? _rewrite; // The last batch, when all of it is good.

    /// <param name="batch">The batch.</param>
    /// <param name="isProven">It was complete once: what is wrong now is damage.</param>
    /// <param name="isLast">Nothing was found after it, so all of it is looked at.</param>
    private Errno Apply(Pending batch, bool isProven, bool isLast)
    {
        var head = batch.Head;
        if (head.LastBefore != Table.Last)
        {
            return Refuse($"batch {head.Number} follows entry {head.LastBefore}, not {Table.Last}");
        }

        var records = ReadRecords(batch, isLast, out var isIntact, out var isUnreadable);
        if (!isIntact && !isProven)
        {
            // On its way when the power went; or, when it cannot be read, nobody knows.
            _endIsInDoubt |= isUnreadable;
            _tornBatches += isUnreadable ? 0 : 1;
            _expected = head.Number;
            batch.Segment.Next = head.Block;
            return Errno.Ok;
        }

        _batches++;
        IsTailClosed |= isLast && !isIntact;
        _rewrite = isLast && isIntact ? batch : null;
        switch (head.Kind)
        {
            case BatchKind.Cut:
                ApplyCut(head);
                break;
            case BatchKind.Repair:
                ApplyRepairs(batch.Segment, records);
                break;
            default:
                ApplyAppend(batch, records);
                break;
        }

        return Errno.Ok;
    }

    private void ApplyCut(in BatchHead head)
    {
        Cuts = Cuts.And(new JournalIndex(head.CutFrom));
        if (head.CutFrom <= Table.Base + 1)
        {
            SetBase(head.PreviousTerm, head.PreviousChain, head.KnowsPreviousChain);
        }

        Cut(head.CutFrom);
    }

    private void Cut(ulong from)
    {
        Table.CutFrom(from);
        foreach (var segment in Segments)
        {
            segment.LiveMax = Math.Min(segment.LiveMax, from - 1);
        }
    }

    private void ApplyAppend(Pending batch, ReadOnlySpan<EntryRecord> records)
    {
        var head = batch.Head;
        if (head.KnowsPreviousChain && Table.Contains(Table.Last) && Table[Table.Last] is { HasHeader: true } before
            && before.Header.Chain != head.PreviousChain)
        {
            // The entry before is not the one this batch was written after: whatever it is, it is not to be shown.
            Table[Table.Last].State = EntryState.HeaderLost;
        }

        foreach (ref readonly var record in records)
        {
            Table.Add(record);
            batch.Segment.MayBeCloned |= record.DataLength >= JournalLimits.StoredBytesMin;
        }

        batch.Segment.LiveMax = Math.Max(batch.Segment.LiveMax, Table.Last);
    }

    private void ApplyRepairs(Segment segment, ReadOnlySpan<EntryRecord> records)
    {
        foreach (ref readonly var record in records)
        {
            if (record.State == EntryState.Good && Table.Contains(record.Header.Index.Value))
            {
                Table[record.Header.Index.Value] = record;
                segment.LiveMax = Math.Max(segment.LiveMax, record.Header.Index.Value);
            }
        }
    }

    private EntryRecord[] ReadRecords(Pending batch, bool isLast, out bool isIntact, out bool isUnreadable)
    {
        var head = batch.Head;
        var records = new EntryRecord[head.Count];
        var hasBytes = HeadReader(batch.Segment).TryGet(head.Block, head.HeadBlocks, out var bytes);
        isUnreadable = !hasBytes;
        var headersEnd = JournalFormat.HeadSize + (head.Count * JournalFormat.EntrySize);
        isIntact = hasBytes && JournalFormat.IsTrailerOf(bytes[head.TrailerOffset..], head,
            Crc32C.Of(bytes[..headersEnd]));
        for (var i = 0; i < records.Length; i++)
        {
            var index = head.Kind == BatchKind.Append ? head.LastBefore + 1 + (ulong)i : 0;
            ref var record = ref records[i];
            var isFound = hasBytes && JournalFormat.TryReadEntry(
                bytes[(JournalFormat.HeadSize + (i * JournalFormat.EntrySize))..], _seed, batch.Segment.Bytes,
                    out record)
                && IsOf(record, head, index);
            isIntact &= isFound;
            if (!isFound && !TryFindInIndex(batch.Segment, head.Number, index, out record))
            {
                record = new EntryRecord
                {
                    Header = new EntryHeader(default, new JournalIndex(index), default, default, default, 0, 0),
                    State = EntryState.HeaderLost,
                };
                continue;
            }

            record.State = StateOf(batch.Segment, record, hasBytes && isFound ? bytes : default, isLast
                || options.VerifiesDataAtStart);
            isIntact &= record.State == EntryState.Good;
        }

        return records;
    }

    private SegmentReader HeadReader(Segment segment)
    {
        if (_heads is null || !ReferenceEquals(_headsOf, segment))
        {
            _heads?.Dispose();
            _heads = new SegmentReader(segment.File, segment.Bytes);
            _headsOf = segment;
        }

        return _heads;
    }

    private static bool IsOf(in EntryRecord record, in BatchHead head, ulong index) =>
        record.Batch == head.Number && record.Segment == head.Segment && record.BatchBlock == head.Block
        && (index == 0 || record.Header.Index.Value == index)
        && (long)record.MetaOffset + record.MetaPartLength <= head.TrailerOffset;

    /// <param name="segment">Where the entry is.</param>
    /// <param name="record">Its header.</param>
    /// <param name="bytes">The head part of its batch; empty when that is not at hand.</param>
    /// <param name="withData">Looks at the data too.</param>
    private static EntryState StateOf(Segment segment, in EntryRecord record, ReadOnlySpan<byte> bytes, bool withData)
    {
        if (bytes.IsEmpty || withData)
        {
            var state = SegmentReader.ReadEntry(segment.File, record, out var entry);
            entry?.Data.Release();
            return state;
        }

        return Crc32C.Of(bytes.Slice(record.MetaOffset, record.MetaPartLength)) == record.MetaChecksum
            ? EntryState.Good : EntryState.MetaLost;
    }

    /// <summary>
    /// Batches are lost that were complete once, up to but not including <paramref name="until"/>: the entries they
    /// may have had are faulty, and so are those before that a lost cut may have replaced.
    /// </summary>
    private Errno Hole(ulong until, ulong lastBefore, CutHistory cuts)
    {
        var lost = until - _expected;
        var lowest = Math.Min(Table.Last + 1, cuts.LowestSince(Cuts));
        var entries = lastBefore < lowest ? 0 : lastBefore - lowest + 1;
        var isPossible = lowest > 0 && lastBefore + 1 >= lowest && cuts.Count >= Cuts.Count
            && entries <= Table.Last + 1 - lowest + (Math.Min(lost, 1 << 20) * JournalLimits.BatchEntriesMax)
            && (ulong)Table.Count + entries <= int.MaxValue / 256;
        if (!isPossible)
        {
            return Refuse(
                $"batches {_expected} to {until - 1} are lost, and what follows them does not fit what is before");
        }

        var hasCuts = cuts.Count > Cuts.Count;
        if (lowest <= Table.Base)
        {
            SetBase(0, default, isKnown: false);
        }

        Cut(lowest);
        AddLost(lastBefore);
        if (!hasCuts)
        {
            foreach (var segment in Segments)
            {
                TakeFromIndex(segment, _expected, until);
            }
        }

        Cuts = cuts;
        _expected = until;
        _holes++;
        _rewrite = null;
        return Errno.Ok;
    }

    private void AddLost(ulong through)
    {
        while (Table.Last < through)
        {
            Table.Add(new EntryRecord
            {
                Header = new EntryHeader(default, new JournalIndex(Table.Last + 1), default, default, default, 0, 0),
                State = EntryState.HeaderLost,
            });
        }
    }

    /// <summary>
    /// What the superblock and the header index of the last segment say was there, and is not: the end of the journal
    /// is damaged, not torn.
    /// </summary>
    private Errno ApplyEvidenceOfTheEnd()
    {
        var error = Errno.Ok;
        if (state.DurableBatch >= _expected)
        {
            error = Hole(state.DurableBatch + 1, state.DurableFloor.Value, state.Cuts);
            IsTailClosed = true;
        }

        var last = Segments[^1];
        if (error == Errno.Ok && LastBatchInIndex(last) is var batch && batch >= _expected)
        {
            var highest = Table.Last;
            foreach (var record in Index(last))
            {
                highest = record.Batch >= _expected ? Math.Max(highest, record.Header.Index.Value) : highest;
            }

            error = Hole(batch + 1, highest, Cuts);
            IsTailClosed = true;
        }

        return error;
    }

    /// <summary>
    /// Only what the checkpoint covers is ever compacted: a journal that begins later has lost segments.
    /// </summary>
    private Errno AddMissingFront()
    {
        var checkpoint = state.Checkpoint.Value;
        if (StartsFresh || Table.Base <= checkpoint)
        {
            return Errno.Ok;
        }

        if (Table.Base - checkpoint > 1 << 20)
        {
            return Refuse(
                $"it begins after entry {Table.Base}, and the main store holds entries up to {checkpoint} only");
        }

        var found = new List<EntryRecord>();
        for (var i = Table.Base + 1; i <= Table.Last; i++)
        {
            found.Add(Table[i]);
        }

        var first = Table.Base;
        Table.Reset(checkpoint);
        SetBase(0, default, isKnown: false);
        AddLost(first);
        _holes++;
        foreach (var record in found)
        {
            Table.Add(record);
        }

        return Errno.Ok;
    }

    // The header indexes.
    private ulong LastBatchInIndex(Segment segment)
    {
        ulong last = 0;
        foreach (var record in Index(segment))
        {
            last = Math.Max(last, record.Batch);
        }

        return last;
    }

    private bool TryFindInIndex(Segment segment, ulong batch, ulong index, out EntryRecord record)
    {
        record = default;
        foreach (var candidate in Index(segment))
        {
            if (candidate.Batch == batch && candidate.Header.Index.Value == index)
            {
                record = candidate;
                _headersFromIndex++;
                return true;
            }
        }

        return false;
    }

    private void TakeFromIndex(Segment segment, ulong from, ulong until)
    {
        foreach (var record in Index(segment))
        {
            var index = record.Header.Index.Value;
            if (record.Batch >= from && record.Batch < until && Table.Contains(index)
                && Table[index].State != EntryState.Good)
            {
                var found = record;
                found.State = StateOf(segment, record, default, withData: true);
                Table[index] = found;
                segment.LiveMax = Math.Max(segment.LiveMax, index);
                _headersFromIndex++;
            }
        }
    }

    private long IndexLength(Segment segment)
    {
        if (disk.Open(segment.IndexPath, DiskOpen.Read, out var file) != Errno.Ok)
        {
            return 0;
        }

        using (file)
        {
            return file!.GetLength(out var length) == Errno.Ok ? length : 0; // Opened above.
        }
    }

    private List<EntryRecord> Index(Segment segment)
    {
        if (_indexes.TryGetValue(segment.Number, out var records))
        {
            return records;
        }

        records = [];
        _indexes.Add(segment.Number, records);
        if (disk.Open(segment.IndexPath, DiskOpen.Read | (options.IsDirect ? DiskOpen.Direct : 0),
            out var file) != Errno.Ok)
        {
            return records;
        }

        var block = PayloadPool.Shared.Rent(JournalLimits.BlockBytes);
        var bytes = block.GetSpan()[..JournalLimits.BlockBytes];
        using (file)
        {
            for (var at = 0L; at < Math.Max(segment.Bytes, options.IndexBytesMax); at += JournalLimits.BlockBytes)
            {
                if (file!.ReadFully(at, bytes, out var count) != Errno.Ok) // Opened above.
                {
                    continue; // A witness less.
                }

                for (var i = 0; i + JournalFormat.EntrySize <= count; i += JournalFormat.EntrySize)
                {
                    if (JournalFormat.TryReadEntry(bytes[i..], _seed, segment.Bytes, out var record)
                        && record.Segment == segment.Number)
                    {
                        records.Add(record);
                    }
                }

                if (count < bytes.Length)
                {
                    break;
                }
            }
        }

        block.Release();
        return records;
    }
}
