using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>Requests that wait.</summary>
internal sealed partial class JournalLocks
{
    /// <summary>
    /// Waits until nothing is in the way of a lock. Ok: it is kept for its holder for a moment; EDEADLK: that would
    /// never be; EINTR: the holder has given it up; ENOLCK: too many wait; EREMOTE: another member has to be asked.
    /// </summary>
    /// <param name="gfid">The file.</param>
    /// <param name="wanted">The lock.</param>
    /// <param name="claim">Which wait of the session, and since when: at a new leader those come first who did.</param>
    /// <param name="client">The connection it came over.</param>
    public async ValueTask<Errno> WaitAsync(Gfid gfid, RangeLock wanted, LockClaim claim, ClientIdentity? client)
    {
        if (_log.ServingTerm == Term.None)
        {
            return Errno.EREMOTE;
        }

        LockWait? former;
        LockWait? wait = null;
        Errno error;
        lock (_lock)
        {
            var file = FileOf(gfid);
            former = file.Waits.Find(w => w.Asker == claim.Session && w.Number == claim.Wait);
            if (former is not null)
            {
                file.Waits.Remove(former); // It has come over another connection, with the same place in the order.
            }

            error = !IsBlocked(gfid, file, in wanted) ? Errno.Ok
                : client is { IsGone: true } ? Errno.ENOTCONN
                : file.Waits.Count >= JournalLimits.LockWaitsMax ? Errno.ENOLCK
                : WouldDeadlock(gfid, in wanted) ? Errno.EDEADLK
                : Errno.EAGAIN;
            if (error == Errno.Ok)
            {
                Keep(file, in wanted);
            }
            else if (error == Errno.EAGAIN)
            {
                var sinceMs = former?.SinceMs ?? (NowMs - claim.AgeMs);
                wait = new LockWait(gfid, wanted, (claim.Session, claim.Wait), sinceMs, client);
                var place = file.Waits.FindIndex(w => w.SinceMs > sinceMs);
                file.Waits.Insert(place < 0 ? file.Waits.Count : place, wait);
            }
        }

        former?.End(Errno.ENOTCONN);
        return wait is null ? error : await wait.Task;
    }

    /// <summary>A client behind a proxy has left it: its wait is over, and what it holds stays.</summary>
    public void TakeBack(LockClaim claim) =>
        TakeWaits(wait => wait.Asker == claim.Session && wait.Number == claim.Wait, Errno.EINTR);

    /// <summary>
    /// An unlock of exactly the range of a wait ends it; so does giving up all of a file. What was kept is free.
    /// </summary>
    private void EndWaits(LockRecord record)
    {
        var gone = record.Lock;
        TakeWaits(
            wait => wait.Gfid == record.Gfid
                && (record.Action == LockAction.Clear
                    || (wait.Lock.IsOfHolder(in gone) && (record.Action == LockAction.DropOwner
                        || (wait.Lock.Start == gone.Start && wait.Lock.End == gone.End)))),
            Errno.EINTR);
    }

    private void TakeWaits(System.Predicate<LockWait> which, Errno error)
    {
        List<LockWait> ended;
        lock (_lock)
        {
            ended = TakeWaitsLocked(which);
        }

        ended.ForEach(wait => wait.End(error));
    }

    private List<LockWait> TakeWaitsLocked(System.Predicate<LockWait> which)
    {
        List<LockWait> taken = [];
        foreach (var file in _files.Values)
        {
            for (var i = file.Waits.Count - 1; i >= 0; i--)
            {
                if (which(file.Waits[i]))
                {
                    taken.Add(file.Waits[i]);
                    file.Waits.RemoveAt(i);
                }
            }
        }

        return taken;
    }

    /// <summary>Looks at all who wait again.</summary>
    private void WakeAll()
    {
        List<LockWait> ready = [];
        lock (_lock)
        {
            foreach (var (gfid, file) in new List<KeyValuePair<Gfid, LockedFile>>(_files))
            {
                TakeReady(gfid, file, ready);
            }
        }

        ready.ForEach(static wait => wait.End(Errno.Ok));
    }

    /// <summary>Takes those out of whose way everything has gone, and keeps their locks for them.</summary>
    private void TakeReady(Gfid gfid, LockedFile file, List<LockWait> ready)
    {
        var nowMs = NowMs;
        file.Kept.RemoveAll(kept => kept.UntilMs <= nowMs);
        for (var i = 0; i < file.Waits.Count;)
        {
            var wait = file.Waits[i];
            if (IsBlocked(gfid, file, wait.Lock))
            {
                i++;
                continue;
            }

            file.Waits.RemoveAt(i);
            Keep(file, wait.Lock);
            ready.Add(wait);
        }

        if (file.IsIdle)
        {
            _files.Remove(gfid);
        }
    }

    private bool IsBlocked(Gfid gfid, LockedFile file, in RangeLock wanted) =>
        _log.Locks.TryFindConflict(in gfid, in wanted, out _) || file.IsTaken(in wanted)
        || file.IsKept(in wanted, NowMs);

    private void Keep(LockedFile file, in RangeLock wanted)
    {
        file.Release(wanted);
        file.Kept.Add((wanted, NowMs + JournalLimits.LockKeptMs));
        _ = _seams.Scheduler.Schedule(JournalLimits.LockKeptMs, WakeAll);
    }

    /// <summary>
    /// True when the holders in the way wait, directly or through others, for the one that asks. One holder is one
    /// process, whose threads may have several requests waiting.
    /// </summary>
    private bool WouldDeadlock(Gfid gfid, in RangeLock wanted)
    {
        var reached = new List<RangeLock>();
        AddHoldersInTheWay(gfid, wanted, reached);
        var steps = 0;
        for (var i = 0; i < reached.Count; i++)
        {
            if (reached[i].IsOfHolder(in wanted))
            {
                return true;
            }

            foreach (var (other, file) in _files)
            {
                foreach (var wait in file.Waits)
                {
                    if (++steps > JournalLimits.DeadlockStepsMax)
                    {
                        return false;
                    }

                    if (wait.Lock.IsOfHolder(reached[i]))
                    {
                        AddHoldersInTheWay(other, wait.Lock, reached);
                    }
                }
            }
        }

        return false;
    }

    private void AddHoldersInTheWay(Gfid gfid, RangeLock wanted, List<RangeLock> reached)
    {
        var held = new List<RangeLock>();
        _log.Locks.List(in gfid, held);
        foreach (var one in held)
        {
            var holder = one;
            if (one.Conflicts(in wanted) && !reached.Exists(r => r.IsOfHolder(in holder)))
            {
                reached.Add(one);
            }
        }
    }
}
