using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>What a leader knows of a file besides the locks that are held. Under the lock of its owner.</summary>
internal sealed class LockedFile
{
    /// <summary>Changes that have come and are not in the table yet, in order.</summary>
    public List<LockChange> Changes { get; } = [];

    /// <summary>Who waits, those first who asked first.</summary>
    public List<LockWait> Waits { get; } = [];

    /// <summary>What is kept for those who have waited, and until when.</summary>
    public List<(RangeLock Lock, long UntilMs)> Kept { get; } = [];

    public bool IsIdle => Changes.Count == 0 && Waits.Count == 0 && Kept.Count == 0;

    /// <summary>Whether nothing before it has to be in the table first.</summary>
    /// <param name="change">Which.</param>
    /// <param name="place">Its place among the changes.</param>
    public bool MayBegin(LockChange change, int place)
    {
        for (var i = 0; i < place; i++)
        {
            var earlier = Changes[i].Record;
            if (earlier.Action == LockAction.Clear || change.Record.Action == LockAction.Clear
                || earlier.SharesHolder(change.Record) || earlier.Lock.Conflicts(change.Record.Lock))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Something that conflicts is kept for another holder.</summary>
    public bool IsKept(in RangeLock wanted, long nowMs)
    {
        foreach (var (kept, untilMs) in Kept)
        {
            if (nowMs < untilMs && kept.Conflicts(in wanted))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Something that conflicts is on its way into the table.</summary>
    public bool IsTaken(in RangeLock wanted)
    {
        foreach (var change in Changes)
        {
            if (change.Record.Lock.Conflicts(in wanted))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Its holder has come: what was kept in the range is not any more.</summary>
    public void Release(RangeLock change) =>
        Kept.RemoveAll(kept => kept.Lock.IsOfHolder(in change) && kept.Lock.Overlaps(in change));
}

/// <summary>A change of a lock on its way into the table.</summary>
internal sealed class LockChange(LockRecord record)
{
    private TaskCompletionSource? _turn;

    public LockRecord Record => record;

    public bool HasBegun { get; set; } = true;

    /// <summary>Ends with <see cref="Begin"/>.</summary>
    public Task Wait()
    {
        HasBegun = false;
        _turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _turn.Task;
    }

    public void Begin() => _turn!.SetResult(); // It waits.
}

/// <summary>A request that waits until nobody is in the way. Ended once, by who takes it out of its list.</summary>
internal sealed class LockWait(
    Gfid gfid, RangeLock wanted, (UInt128 Asker, ulong Number) name, long sinceMs, ClientIdentity? client)
{
    private readonly TaskCompletionSource<Errno> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Gfid Gfid => gfid;

    public RangeLock Lock => wanted;

    /// <summary>The session that asks: that of the holder, or that of the proxy which it is behind.</summary>
    public UInt128 Asker => name.Asker;

    /// <summary>Its number in that session.</summary>
    public ulong Number => name.Number;

    /// <summary>When it was asked first, here or at another leader.</summary>
    public long SinceMs { get; set; } = sinceMs;

    public ClientIdentity? Client => client;

    public Task<Errno> Task => _end.Task;

    public void End(Errno error) => _end.SetResult(error);
}
