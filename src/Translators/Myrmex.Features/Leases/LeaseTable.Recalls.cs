using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Leases;

/// <summary>How leases end other than by their holders' will.</summary>
internal sealed partial class LeaseTable
{
    /// <summary>Revokes what was recalled and not given back in time; looks at those who wait again.</summary>
    /// <returns>Something is recalled, or somebody waits.</returns>
    public bool Look(Gfid gfid, long nowMs)
    {
        var effects = default(LeaseEffects);
        var isOpen = false;
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                return false;
            }

            for (var i = inode.Held.Count - 1; i >= 0; i--)
            {
                var held = inode.Held[i];
                if (held is { IsRecalled: true, IsTold: false, UnderWay: 0 })
                {
                    effects.Recall(gfid, held);
                }
                else if (held.IsRecalled && !held.IsEnding && held.UnderWay == 0 && nowMs >= held.UntilMs)
                {
                    Interlocked.Increment(ref _revoked);
                    End(inode, held, ref effects);
                }
            }

            Settle(shard, inode, nowMs, ref effects);
            isOpen = inode.Waits.Count > 0 || inode.Held.Exists(static held => held.IsRecalled);
        }

        carryOut(effects);
        return isOpen;
    }

    /// <summary>False when the file is about to be looked at already.</summary>
    public bool TryLookAgain(Gfid gfid)
    {
        lock (_clientsGuard)
        {
            return _looking.Add(gfid);
        }
    }

    /// <summary>It is looked at now.</summary>
    public void LooksAgain(Gfid gfid)
    {
        lock (_clientsGuard)
        {
            _looking.Remove(gfid);
        }
    }

    /// <summary>The log has ended a lease, or has failed to.</summary>
    public void Ended(Gfid gfid, HeldLease held, bool isLogged, long nowMs)
    {
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            held.IsEnding = false;
            held.UntilMs = isLogged ? held.UntilMs : nowMs + LeaseLimits.LookAgainMs;
            if (isLogged && shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                Remove(inode, held);
            }
        }

        Look(gfid, nowMs);
    }

    /// <summary>The holder of a lease has been told that it is wanted back: its time begins.</summary>
    public void Told(Gfid gfid, HeldLease held, long nowMs)
    {
        lock (ShardOf(gfid).Guard)
        {
            held.IsTold = true;
            held.UntilMs = Math.Min(held.UntilMs, nowMs + RecallTimeoutMs);
        }
    }

    /// <summary>A connection has ended: its leases too, unless a log keeps them; and nobody waits there.</summary>
    public void ClientGone(ClientIdentity client, UInt128 session, long nowMs)
    {
        List<LeaseWait> waits = [];
        Gfid[] files = [];
        lock (_clientsGuard)
        {
            foreach (var wait in _waiting)
            {
                if (ReferenceEquals(wait.User.Client, client))
                {
                    waits.Add(wait);
                }
            }

            if (_holders.TryGetValue(session, out var held))
            {
                files = [.. held];
            }
        }

        foreach (var wait in waits)
        {
            Cancel(wait, LeaseVerdict.Gone, nowMs);
        }

        foreach (var gfid in files)
        {
            EndAll(gfid, session, nowMs);
        }

        if (log is null)
        {
            LeaveNamed(client, nowMs);
        }
    }

    /// <summary>All leases end, and all who wait go on. For a switch that is turned off.</summary>
    public void Clear(long nowMs)
    {
        foreach (var shard in _shards)
        {
            List<Gfid> all;
            lock (shard.Guard)
            {
                all = [.. shard.ByGfid.Keys];
            }

            foreach (var gfid in all)
            {
                EndAll(gfid, session: null, nowMs);
            }
        }
    }

    /// <summary>Under the lock: what the log has is what is held.</summary>
    private void Refresh(InodeLeases inode)
    {
        if (log is null)
        {
            return;
        }

        if (inode.Term != log.LeaseTerm)
        {
            inode.Term = log.LeaseTerm;
            inode.Held.Clear();
        }

        List<LoggedLease> logged = [];
        log.ListLeases(inode.Gfid, logged);
        inode.Held.RemoveAll(held => held.UnderWay == 0
            && !logged.Exists(one => one.Id == held.User.Id && one.Session == held.User.Session));
        foreach (var one in logged)
        {
            var user = new LeaseUser(one.Id, one.Session, Client: null);
            var held = inode.Find(in user);
            if (held is null)
            {
                held = new HeldLease(user);
                inode.Held.Add(held);
            }

            if (held.UnderWay == 0)
            {
                held.Reads = one.Type == LeaseType.Read ? Math.Max(1, held.Reads) : held.Reads;
                held.Writes = one.Type == LeaseType.ReadWrite ? Math.Max(1, held.Writes) : 0;
            }
        }
    }

    /// <summary>Under the lock: the holders of what is in the way are told.</summary>
    private void Recall(
        InodeLeases inode, in LeaseUser user, LeaseClash clash, long nowMs, ref LeaseEffects effects)
    {
        foreach (var held in inode.Held)
        {
            if (held.IsInTheWay(in user, clash) && !held.IsRecalled)
            {
                Interlocked.Increment(ref _recalled);
                held.IsRecalled = true;
                if (held.UnderWay == 0) // Else when it is granted: its holder must know it by then.
                {
                    effects.Recall(inode.Gfid, held);
                }
            }
        }
    }

    /// <summary>Under the lock: who is not in anybody's way any more goes on.</summary>
    private void Settle(Shard shard, InodeLeases inode, long nowMs, ref LeaseEffects effects)
    {
        Refresh(inode);
        for (var i = 0; i < inode.Waits.Count;)
        {
            var wait = inode.Waits[i];
            if (inode.IsInTheWay(wait.User, wait.Clash))
            {
                Recall(inode, wait.User, wait.Clash, nowMs, ref effects); // A log may have brought others.
                i++;
                continue;
            }

            inode.Waits.RemoveAt(i);
            if (wait.IsUse)
            {
                inode.Uses.Add((wait.User, wait.Clash));
            }

            Forget(wait);
            effects.End(wait, LeaseVerdict.Go);
        }

        shard.Forget(inode);
    }

    /// <summary>
    /// A fop does not wait here any longer; if it is to come again, nobody gets a lease before it has time for that.
    /// </summary>
    public void Cancel(LeaseWait wait, LeaseVerdict verdict, long nowMs)
    {
        var shard = ShardOf(wait.Gfid);
        var isThere = false;
        lock (shard.Guard)
        {
            if (shard.ByGfid.TryGetValue(wait.Gfid, out var inode))
            {
                isThere = inode.Waits.Remove(wait);
                inode.WantedUntilMs = isThere && verdict == LeaseVerdict.ComeAgain
                    ? nowMs + LeaseLimits.WantedMs : inode.WantedUntilMs;
                shard.Forget(inode);
            }
        }

        if (isThere)
        {
            Forget(wait);
            wait.End(verdict);
        }
    }

    /// <summary>Ends the leases of a session, null for all, of one inode.</summary>
    private void EndAll(Gfid gfid, UInt128? session, long nowMs)
    {
        var effects = default(LeaseEffects);
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                return;
            }

            Refresh(inode);
            for (var i = inode.Held.Count - 1; i >= 0; i--)
            {
                var held = inode.Held[i];
                if (session is null || held.User.Session == session)
                {
                    if (session is null)
                    {
                        effects.Recall(gfid, held);
                    }

                    End(inode, held, ref effects);
                }
            }

            Settle(shard, inode, nowMs, ref effects);
        }

        carryOut(effects);
    }

    /// <summary>Under the lock: ends a lease, with a log when that has done so.</summary>
    private void End(InodeLeases inode, HeldLease held, ref LeaseEffects effects)
    {
        if (log is null)
        {
            Remove(inode, held);
        }
        else if (!held.IsEnding)
        {
            held.IsEnding = true;
            effects.End(inode.Gfid, held);
        }
    }

    private void Remove(InodeLeases inode, HeldLease held)
    {
        inode.Held.Remove(held);
        lock (_clientsGuard)
        {
            if (!inode.Held.Exists(other => other.User.Session == held.User.Session)
                && _holders.TryGetValue(held.User.Session, out var files))
            {
                files.Remove(inode.Gfid);
                if (files.Count == 0)
                {
                    _holders.Remove(held.User.Session);
                }
            }
        }
    }

    private void Forget(LeaseWait wait)
    {
        lock (_clientsGuard)
        {
            _waiting.Remove(wait);
        }
    }
}
