using System;
using Myrmex.Base;

namespace Myrmex.Replication.Journal;

/// <summary>Writing: batches of entries, cuts, repairs. One write and one sync for each batch.</summary>
public sealed partial class ReplicaJournal
{
    /// <summary>
    /// Writes one batch with the first <paramref name="taken"/> entries, at least one, durable when it returns Ok;
    /// call again with the rest. The entries are borrowed. Errors change nothing: EINVAL they do not follow the last
    /// one or are too large by <see cref="JournalEntry"/>, EFBIG an entry no segment can hold, ENOSPC until <see
    /// cref="Compact"/> makes room (the disk may be full too), EUCLEAN the last entry is damaged (repair or cut it
    /// first), or <see cref="Failure"/>.
    /// </summary>
    /// <param name="entries">The next ones.</param>
    /// <param name="taken">How many were written.</param>
    /// <param name="isDurable">False: written only, to be synced later; see <see cref="BeginSync"/>.</param>
    public Errno Append(ReadOnlySpan<JournalEntry> entries, out int taken, bool isDurable = true)
    {
        taken = 0;
        if (Failure != Errno.Ok)
        {
            return Failure;
        }

        if (!TryGetHeader(Last, out var last) && _table.Count > 0)
        {
            return Errno.EUCLEAN;
        }

        if (entries.IsEmpty || !Follows(entries, last.Term))
        {
            return Errno.EINVAL;
        }

        var plan = BatchPlan.For(entries, AppendRoomBlocks(), RoomRecords());
        if (plan.Count == 0)
        {
            if (BatchPlan.For(entries, (_options.SegmentBytes / JournalLimits.BlockBytes) - 2, int.MaxValue).Count == 0)
            {
                return Errno.EFBIG;
            }

            var error = OpenNextSegment(isReserved: false);
            if (error != Errno.Ok)
            {
                return error;
            }

            plan = BatchPlan.For(entries, RoomBlocks(), RoomRecords());
        }

        var result = WriteBatch(
            BatchKind.Append, entries[..plan.Count], cutFrom: 0, last.Term.Value, last.Chain, isDurable);
        taken = result == Errno.Ok ? plan.Count : 0;
        return result;
    }

    /// <summary>
    /// Takes away all entries from <paramref name="index"/> on, durably: none of them ever comes back. What the
    /// checkpoint covers cannot be cut (EINVAL).
    /// </summary>
    public Errno CutFrom(JournalIndex index)
    {
        if (Failure != Errno.Ok)
        {
            return Failure;
        }

        if (index.Value > Last.Value + 1 || index <= State.Checkpoint || index < First)
        {
            return Errno.EINVAL;
        }

        if (index.Value == Last.Value + 1)
        {
            return Errno.Ok;
        }

        var error = Sync();
        if (error == Errno.Ok && RoomBlocks() < 1)
        {
            error = OpenNextSegment(isReserved: true);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        _ = TryGetHeader(new JournalIndex(index.Value - 1), out var before);
        error = WriteBatch(BatchKind.Cut, [], index.Value, before.Term.Value, before.Chain);
        if (error != Errno.Ok)
        {
            return error;
        }

        _cuts = _cuts.And(index);
        _table.CutFrom(index.Value);
        foreach (var segment in _segments)
        {
            segment.LiveMax = Math.Min(segment.LiveMax, index.Value - 1);
        }

        // The second witness of the cut: the journal's last batch may be damaged one day.
        return SaveState(state => state);
    }

    /// <summary>
    /// Writes again an entry that was damaged, with bytes fetched from elsewhere; durable when it returns Ok. EINVAL
    /// when it is not what was there, as far as that can be told: by its header and checksums, or else by the chain
    /// of the entry after it. An entry that is good stays as it is (Ok). ENOENT when the journal has no such place.
    /// </summary>
    public Errno Repair(JournalEntry entry)
    {
        if (Failure != Errno.Ok)
        {
            return Failure;
        }

        if (!_table.Contains(entry.Index.Value))
        {
            return Errno.ENOENT;
        }

        if (!IsPossible(entry) || !CanBe(entry))
        {
            return Errno.EINVAL;
        }

        if (_table[entry.Index.Value].State == EntryState.Good)
        {
            return Errno.Ok;
        }

        JournalEntry[] entries = [entry];
        if (BatchPlan.For(entries, RoomBlocks(), RoomRecords()).Count == 0)
        {
            var error = OpenNextSegment(isReserved: true);
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        _ = TryGetHeader(new JournalIndex(entry.Index.Value - 1), out var before);
        var result = WriteBatch(BatchKind.Repair, entries, cutFrom: 0, before.Term.Value, before.Chain);
        Metrics.Repaired += result == Errno.Ok ? 1 : 0;
        return result;
    }

    /// <summary>
    /// After a <see cref="Failure"/>: goes on in a new segment. What was not acknowledged before is gone for good;
    /// the last entry is the last one that was durable. Not after a sync of batches that were only written has failed.
    /// </summary>
    public Errno Reopen()
    {
        var failure = Failure;
        if (failure == Errno.Ok)
        {
            return Errno.Ok;
        }

        if (!IsSynced)
        {
            return failure; // What of the batches before the last one is there, only a new start can say.
        }

        Failure = Errno.Ok;
        _isTailClosed = true;
        var error = OpenNextSegment(isReserved: true);
        if (error != Errno.Ok)
        {
            Failure = failure;
        }

        return error;
    }

    /// <summary>
    /// Writes what the header index has in memory, without a sync. Call it when the journal has been idle for a
    /// moment: then damage to the very last batch cannot be mistaken for a torn write.
    /// </summary>
    public void FlushIndex() => Metrics.WrittenBytes += _segments[^1].FlushIndex();

    private static bool IsPossible(JournalEntry entry) =>
        entry.Meta.Length <= JournalEntry.MetaMax && entry.DataLength <= JournalEntry.DataMax && entry.Index.Value > 0;

    private bool Follows(ReadOnlySpan<JournalEntry> entries, Term term)
    {
        var index = Last.Value;
        foreach (var entry in entries)
        {
            if (entry.Index.Value != ++index || entry.Term < term || !IsPossible(entry))
            {
                return false;
            }

            term = entry.Term;
        }

        return true;
    }

    /// <summary>Whether an entry can be the one that is known, or was, at its place.</summary>
    private bool CanBe(JournalEntry entry)
    {
        var index = entry.Index.Value;
        ref var record = ref _table[index];
        if (record.HasHeader)
        {
            return record.Header == entry.Header && record.IsElided == entry.IsElided
                && record.MetaLength == BatchPlan.MetaLengthOf(entry) && record.DataLength == entry.Data.Length
                && record.MetaChecksum == BatchPlan.MetaChecksum(entry);
        }

        var fits = !TryGetHeader(new JournalIndex(index - 1), out var before) || before.Term <= entry.Term;
        if (fits && _table.Contains(index + 1) && _table[index + 1].HasHeader)
        {
            ref var after = ref _table[index + 1];
            fits = after.Header.Term >= entry.Term
                && (!after.KnowsPreviousChain || after.PreviousChain == entry.Header.Chain);
        }

        return fits;
    }

    private long RoomBlocks() => _isTailClosed ? 0 : _segments[^1].RoomBytes / JournalLimits.BlockBytes;

    /// <summary>Entries never go into the segment that is kept back for cuts and repairs.</summary>
    private long AppendRoomBlocks() =>
        _segments.Count >= SegmentsNow || RoomRecords() == 0 ? 0 : RoomBlocks();

    private int RoomRecords() =>
        (int)Math.Max(0, (_options.IndexBytesMax - _segments[^1].IndexLength) / JournalFormat.EntrySize);

    private Errno WriteBatch(
        BatchKind kind, ReadOnlySpan<JournalEntry> entries, ulong cutFrom, ulong previousTerm, UInt128 previousChain,
        bool isDurable = true)
    {
        if (isDurable && Sync() is not Errno.Ok and var failure)
        {
            return failure;
        }

        var segment = _segments[^1];
        Invariant.Check(!_isTailClosed);
        var head = new BatchHead
        {
            Segment = segment.Number,
            Number = _nextBatch,
            Block = segment.Next,
            Kind = kind,
            KnowsPreviousChain = TryGetHeader(new JournalIndex(PreviousIndex(kind, entries, cutFrom)), out _),
            LastBefore = Last.Value,
            CutFrom = cutFrom,
            PreviousTerm = previousTerm,
            PreviousChain = previousChain,
            Cuts = _cuts,
        };
        using var batch = new BatchWriter(head, entries, _superblock.State.Incarnation, _seed);
        Invariant.Check(segment.Next + batch.Head.Blocks <= segment.EndBlock);
        var (offset, bytes) = ((long)segment.Next * JournalLimits.BlockBytes,
            (long)batch.Head.Blocks * JournalLimits.BlockBytes);
        var error = isDurable ? segment.File.WriteDurably(offset, batch.Pieces)
            : WriteOnly(segment, offset, batch.Pieces, bytes);
        Metrics.Syncs += isDurable ? 1 : 0;
        if (error != Errno.Ok)
        {
            Failure = error;
            return error;
        }

        if (!isDurable)
        {
            (_syncedLast, _syncedBatch) = IsSynced ? (Last, _nextBatch - 1) : (_syncedLast, _syncedBatch);
            _unsyncedBatches++;
        }

        segment.Next += (uint)batch.Head.Blocks;
        _nextBatch++;
        Metrics.Batches++;
        Metrics.WrittenBytes += bytes;
        Take(segment, batch.Records, isDurable);
        if (MayShare)
        {
            TellWhereStored(segment, entries, batch.Records);
        }

        return Errno.Ok;
    }

    private ulong PreviousIndex(BatchKind kind, ReadOnlySpan<JournalEntry> entries, ulong cutFrom) => kind switch
    {
        BatchKind.Append => Last.Value,
        BatchKind.Cut => cutFrom - 1,
        _ => entries[0].Index.Value - 1,
    };

    private void TellWhereStored(
        Segment segment, ReadOnlySpan<JournalEntry> entries, ReadOnlySpan<EntryRecord> records)
    {
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i].Data.Length >= JournalLimits.StoredBytesMin)
            {
                var offset = (long)records[i].DataBlock * JournalLimits.BlockBytes;
                var length = entries[i].Data.Length & -JournalLimits.BlockBytes;
                entries[i].Stored = new StoredEntryData(segment, offset, length, Metrics);
            }
        }
    }

    /// <summary>Entries enter the table, and the header index only when they are durable.</summary>
    private void Take(Segment segment, ReadOnlySpan<EntryRecord> records, bool isDurable)
    {
        foreach (ref readonly var record in records)
        {
            var index = record.Header.Index.Value;
            if (_table.Contains(index))
            {
                _table[index] = record;
            }
            else
            {
                Invariant.Check(index == _table.Last + 1);
                _table.Add(record);
            }

            segment.LiveMax = Math.Max(segment.LiveMax, index);
            Metrics.Entries++;
            Metrics.PayloadBytes += record.MetaLength + record.DataLength;
            if (isDurable)
            {
                Metrics.WrittenBytes += segment.AddToIndex(record, _seed);
            }
            else
            {
                _unsynced.Add(record);
            }
        }
    }
}
