using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>
/// Batches that are written and not synced: they survive the end of the process, not that of the machine. What has to
/// be behind them on the disk (cuts, repairs, other segments, checkpoints) syncs them first.
/// </summary>
public sealed partial class ReplicaJournal
{
    private readonly List<EntryRecord> _unsynced = []; // Entries of such batches, for the header index.
    private JournalIndex _syncedLast; // What was durable when the first of them was written.
    private ulong _syncedBatch;
    private int _unsyncedBatches;
    private ulong _syncs; // Ends of syncs: one that was begun before another one has ended is of no use.

    /// <summary>The last entry that is durable, with all before it.</summary>
    public JournalIndex Durable => IsSynced ? Last : _syncedLast;

    /// <summary>Everything that was written is durable.</summary>
    public bool IsSynced => _unsyncedBatches == 0;

    private ulong DurableBatch => IsSynced ? _nextBatch - 1 : _syncedBatch;

    /// <summary>What is to be synced now; null for nothing.</summary>
    /// <remarks>
    /// <see cref="JournalSync.Run"/> may run beside appends, on any thread; <see cref="EndSync"/> is a call like all
    /// others.
    /// </remarks>
    public JournalSync? BeginSync() => IsSynced || Failure != Errno.Ok ? null
        : new JournalSync(_segments[^1], Last, _nextBatch - 1, _unsynced.Count, _unsyncedBatches, _syncs);

    /// <summary>Takes in how a sync has ended.</summary>
    public Errno EndSync(JournalSync sync)
    {
        Metrics.Syncs++;
        if (sync.Number == _syncs && Failure == Errno.Ok)
        {
            return TakeSync(sync);
        }

        // Something that came between has synced it all; but an error is told only once.
        if (sync.Error is not (Errno.Ok or Errno.EBADF) && Failure == Errno.Ok)
        {
            Failure = sync.Error;
        }

        return Failure;
    }

    /// <summary>Makes everything durable that was written.</summary>
    public Errno Sync()
    {
        if (Failure != Errno.Ok || BeginSync() is not { } sync)
        {
            return Failure;
        }

        sync.Run();
        Metrics.Syncs++;
        return TakeSync(sync);
    }

    private Errno TakeSync(JournalSync sync)
    {
        _syncs++;
        if (sync.Error != Errno.Ok)
        {
            return Failure = sync.Error;
        }

        (_syncedLast, _syncedBatch) = (sync.Last, sync.Batch);
        _unsyncedBatches -= sync.Batches;
        for (var i = 0; i < sync.Records; i++)
        {
            Metrics.WrittenBytes += _segments[^1].AddToIndex(_unsynced[i], _seed);
        }

        _unsynced.RemoveRange(0, sync.Records);
        return Errno.Ok;
    }

    /// <summary>
    /// Small batches go to the page cache: that is no wait, and what comes until the next sync goes to the disk in few
    /// pieces. Large ones go past it as ever.
    /// </summary>
    private static Errno WriteOnly(Segment segment, long offset, ReadOnlySpan<Payload> pieces, long bytes)
    {
        var file = bytes <= JournalLimits.CachedBatchBytesMax ? segment.CachedFile : segment.File;
        return file.WriteFully(offset, pieces);
    }
}

/// <summary>A sync that is under way.</summary>
public sealed class JournalSync
{
    private readonly Segment _segment;

    internal JournalSync(Segment segment, JournalIndex last, ulong batch, int records, int batches, ulong number)
    {
        _segment = segment;
        (Last, Batch, Records, Batches, Number) = (last, batch, records, batches, number);
    }

    /// <summary>How it has ended.</summary>
    public Errno Error { get; private set; }

    internal JournalIndex Last { get; }

    internal ulong Batch { get; }

    internal int Records { get; }

    internal int Batches { get; }

    internal ulong Number { get; }

    /// <summary>Waits for the disk.</summary>
    public void Run() => Error = _segment.File.Sync();
}
