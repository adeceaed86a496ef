using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>What an administrator takes away, and what goes to another holder.</summary>
internal sealed partial class JournalLocks
{
    /// <summary>
    /// Takes locks from those who hold them, by entries of the journal, or ends what waits with EAGAIN. Who has held
    /// one finds out when it looks, or never; as with any other brick.
    /// </summary>
    /// <returns>How many of each; with an error, what could not be told.</returns>
    public async ValueTask<(Errno Error, int Held, int Waiting)> ClearAsync(Gfid gfid, LockClearing clearing)
    {
        if (_log.ServingTerm == Term.None)
        {
            return (Errno.EREMOTE, 0, 0);
        }

        var waiting = clearing.Waiting ? EndWaits(gfid, clearing) : 0;
        var held = new List<RangeLock>();
        if (clearing.Held)
        {
            _log.Locks.List(in gfid, held);
            held.RemoveAll(one => !clearing.Covers(one.Start, one.End));
        }

        var all = new RangeLock(0, default, LockType.Unlock, 0, long.MaxValue, 0);
        IEnumerable<LockRecord> records = held.Count == 0 ? []
            : clearing.Range is null ? [new LockRecord(LockAction.Clear, gfid, all)]
            : held.Select(one => new LockRecord(LockAction.Set, gfid, one with { Type = LockType.Unlock }));
        foreach (var record in records)
        {
            var error = await ChangeAsync(session: default, record, endsWaits: false);
            if (error != Errno.Ok)
            {
                return (error, 0, waiting);
            }
        }

        return (Errno.Ok, held.Count, waiting);
    }

    /// <summary>
    /// The former holder of a lock that goes to another session, as the value of <see cref="LockMove.Key"/> names it:
    /// the one who has exactly this lock, or else some of it. With nobody's owner when none has: then there is nothing
    /// to take along.
    /// </summary>
    public (System.UInt128 Session, LkOwner Owner) FormerOf(Gfid gfid, RangeLock wanted, XData? xdata)
    {
        var owners = new List<LkOwner>();
        if (wanted.Type == LockType.Unlock || xdata is not { Count: > 0 }
            || !xdata.TryGetBytes(LockMove.Key, out var bytes)
            || !LockMove.TryReadHolders(bytes, out var session, owners))
        {
            return default;
        }

        var held = new List<RangeLock>();
        _log.Locks.List(in gfid, held);
        held.RemoveAll(one => one.Session != session || !one.Overlaps(in wanted) || !owners.Contains(one.Owner));
        var exact = held.FindIndex(one => (one.Start, one.End, one.Type) == (wanted.Start, wanted.End, wanted.Type));
        return held.Count == 0 ? (session, default) : (session, held[exact < 0 ? 0 : exact].Owner);
    }

    private int EndWaits(Gfid gfid, LockClearing clearing)
    {
        List<LockWait> ended;
        lock (_lock)
        {
            ended = TakeWaitsLocked(
                wait => wait.Gfid == gfid && clearing.Covers(wait.Lock.Start, wait.Lock.End));
        }

        ended.ForEach(static wait => wait.End(Errno.EAGAIN));
        return ended.Count;
    }
}
