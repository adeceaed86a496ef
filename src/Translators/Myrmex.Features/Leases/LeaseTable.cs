using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Leases;

/// <summary>
/// Who has which files open and which leases, and who waits for them. A pure state machine: time comes with each call,
/// and what is to be done goes to <c>carryOut</c>, outside of all locks. Any thread.
/// </summary>
/// <remarks>
/// With a log the leases of an inode are those of the log, taken anew whenever it is looked at; what is here besides is
/// what a server that decides has to know: open files, recalls and waits.
/// </remarks>
/// <param name="log">Keeps the leases; null when they live as long as the connections of their holders.</param>
/// <param name="carryOut">Tells holders, ends waits.</param>
internal sealed partial class LeaseTable(ILeaseLog? log, Action<LeaseEffects> carryOut)
{
    private readonly Shard[] _shards = Shard.Make();
    private readonly Lock _clientsGuard = new(); // Guards what follows; below those of shards.
    private readonly Dictionary<UInt128, HashSet<Gfid>> _holders = []; // Of connections; not with a log.
    private readonly HashSet<LeaseWait> _waiting = [];
    private readonly HashSet<Gfid> _looking = []; // Files that are looked at soon.
    private long _recalled;
    private long _revoked;

    public long RecallTimeoutMs { get; set; }

    public int HolderCount
    {
        get
        {
            lock (_clientsGuard)
            {
                return _holders.Count;
            }
        }
    }

    public int WaitCount
    {
        get
        {
            lock (_clientsGuard)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Leases recalled so far, and those that were not given back in time.</summary>
    public (long Recalled, long Revoked) Counts => (Volatile.Read(ref _recalled), Volatile.Read(ref _revoked));

    /// <summary>Inodes that somebody has a lease of, has open or uses, and leases.</summary>
    public (int Inodes, int Leases) Size
    {
        get
        {
            var (inodes, leases) = (0, 0);
            foreach (var shard in _shards)
            {
                lock (shard.Guard)
                {
                    inodes += shard.ByGfid.Count;
                    foreach (var inode in shard.ByGfid.Values)
                    {
                        leases += inode.Held.Count;
                    }
                }
            }

            return (inodes, leases);
        }
    }

    /// <summary>A file is about to be opened: from now on it is in the way of new leases of others.</summary>
    public void Open(Gfid gfid, Fd fd, in LeaseUser user)
    {
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            shard.Of(gfid).Opens.Add((fd, user, (fd.Flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly));
        }
    }

    /// <summary>It is closed, or was not opened. With the last one of a lease id its leases end.</summary>
    public void Close(Gfid gfid, Fd fd, LeaseFate fate, long nowMs)
    {
        var effects = default(LeaseEffects);
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                return;
            }

            var at = inode.Opens.FindIndex(open => ReferenceEquals(open.Fd, fd));
            if (at < 0)
            {
                return;
            }

            var user = inode.Opens[at].User;
            inode.Opens.RemoveAt(at);
            if (fate != LeaseFate.Stays && inode.Find(in user) is { } held && !inode.HasOpen(in user)
                && !HasGoneOn(held, in user))
            {
                EndOrLeave(inode, held, fate, nowMs, ref effects);
            }

            Settle(shard, inode, nowMs, ref effects);
        }

        carryOut(effects);
    }

    /// <summary>
    /// Null when no lease of others is in the way of a fop, else what ends when none is, or with why it must not go on.
    /// With <paramref name="isUse"/> and Go <see cref="Leave"/> has to follow.
    /// </summary>
    public LeaseWait? Enter(
        Gfid gfid, in LeaseUser user, LeaseClash clash, bool mayWait, bool isUse, long nowMs)
    {
        var effects = default(LeaseEffects);
        LeaseWait? wait = null;
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            var inode = shard.Of(gfid);
            Refresh(inode);
            if (!inode.IsInTheWay(in user, clash))
            {
                if (isUse)
                {
                    inode.Uses.Add((user, clash));
                }
            }
            else
            {
                Recall(inode, in user, clash, nowMs, ref effects);
                wait = new LeaseWait(gfid, user, clash, isUse);
                if (!mayWait)
                {
                    effects.End(wait, LeaseVerdict.MustNotWait);
                }
                else if (inode.Waits.Count >= LeaseLimits.WaitsPerInodeMax || !TryWait(wait))
                {
                    effects.End(wait, LeaseVerdict.TooMany);
                }
                else
                {
                    inode.Waits.Add(wait);
                }
            }

            shard.Forget(inode);
        }

        carryOut(effects);
        return wait;
    }

    /// <summary>A fop is done.</summary>
    public void Leave(Gfid gfid, in LeaseUser user, LeaseClash clash)
    {
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                inode.Uses.Remove((user, clash));
                shard.Forget(inode);
            }
        }
    }

    /// <summary>The strongest lease that anybody has.</summary>
    public uint TypeOf(Gfid gfid)
    {
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            var inode = shard.Of(gfid);
            Refresh(inode);
            var type = inode.Type;
            shard.Forget(inode);
            return type;
        }
    }

    /// <summary>The strongest lease of one holder.</summary>
    public uint TypeOf(Gfid gfid, in LeaseUser user)
    {
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            return shard.ByGfid.TryGetValue(gfid, out var inode) ? inode.Find(in user)?.Type ?? LeaseType.None
                : LeaseType.None;
        }
    }

    /// <summary>
    /// Ok when the lease is granted; with a log <see cref="Granted"/> has to follow. Else EPERM.
    /// Source: what GlusterFS 10 answers (docs/reference/leases.md).
    /// </summary>
    public Errno Set(Gfid gfid, in LeaseUser user, uint type, long nowMs)
    {
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            var inode = shard.Of(gfid);
            Refresh(inode);
            var held = inode.Find(in user);
            var isNew = held is null || held.Type < type;
            if (held is not null && held.IsLate(in user))
            {
                return Errno.ECANCELED;
            }

            if (nowMs < inode.WantedUntilMs || !inode.MayGrant(in user, type)
                || (isNew && log is { MayGrantLeases: false })
                || (held is null && inode.Held.Count >= LeaseLimits.PerInodeMax)
                || (held is null && !TryHold(in user, gfid)))
            {
                shard.Forget(inode);
                return Errno.EPERM;
            }

            if (held is null)
            {
                held = new HeldLease(user) { SinceMs = nowMs };
                inode.Held.Add(held);
            }

            (held.User, held.LeftMs) = (user, 0); // It speaks, over this connection.
            held.Count(type, 1);
            held.UnderWay += log is null ? 0 : 1;
            return Errno.Ok;
        }
    }

    /// <summary>What was set is in the log, or is not because of an error.</summary>
    public void Granted(Gfid gfid, in LeaseUser user, uint type, bool isLogged, long nowMs)
    {
        var effects = default(LeaseEffects);
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var inode) || inode.Find(in user) is not { } held)
            {
                return;
            }

            held.UnderWay = Math.Max(0, held.UnderWay - 1);
            if (!isLogged)
            {
                held.Count(type, -1);
                Refresh(inode);
            }

            if (held is { IsRecalled: true, IsTold: false, UnderWay: 0 })
            {
                effects.Recall(gfid, held); // Somebody wanted it while it was being granted.
            }

            Settle(shard, inode, nowMs, ref effects);
        }

        carryOut(effects);
    }

    /// <summary>
    /// A lease is given back. The type that is left to its holder; with a log that is to be asked for it first.
    /// </summary>
    public uint Unlock(Gfid gfid, in LeaseUser user, uint type, long nowMs)
    {
        var effects = default(LeaseEffects);
        var left = LeaseType.None;
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                return left;
            }

            if (inode.Find(in user) is { } held && !held.IsLate(in user))
            {
                held.Count(type, -1);
                left = held.Type;
                if (left == LeaseType.None && log is null)
                {
                    Remove(inode, held);
                }
            }

            Settle(shard, inode, nowMs, ref effects);
        }

        carryOut(effects);
        return left;
    }

    private Shard ShardOf(in Gfid gfid) => _shards[(int)((gfid.Low ^ (gfid.High >> 7)) % LeaseLimits.Shards)];

    private bool TryHold(in LeaseUser user, Gfid gfid)
    {
        if (log is not null)
        {
            return true; // The log has its own bounds.
        }

        lock (_clientsGuard)
        {
            if (user.Client is { IsGone: true })
            {
                return false;
            }

            if (!_holders.TryGetValue(user.Session, out var files))
            {
                _holders.Add(user.Session, files = []);
            }

            return files.Count < LeaseLimits.PerClientMax && (files.Add(gfid) || true);
        }
    }

    private bool TryWait(LeaseWait wait)
    {
        lock (_clientsGuard)
        {
            var count = 0;
            foreach (var one in _waiting)
            {
                count += ReferenceEquals(one.User.Client, wait.User.Client) ? 1 : 0;
            }

            return wait.User.Client is not { IsGone: true } && count < LeaseLimits.WaitsPerClientMax
                && _waiting.Add(wait);
        }
    }

    private sealed class Shard
    {
        public Lock Guard { get; } = new();

        public Dictionary<Gfid, InodeLeases> ByGfid { get; } = [];

        public static Shard[] Make()
        {
            var shards = new Shard[LeaseLimits.Shards];
            for (var i = 0; i < shards.Length; i++)
            {
                shards[i] = new Shard();
            }

            return shards;
        }

        public InodeLeases Of(Gfid gfid)
        {
            if (!ByGfid.TryGetValue(gfid, out var inode))
            {
                inode = new InodeLeases(gfid);
                ByGfid.Add(gfid, inode);
            }

            return inode;
        }

        /// <summary>Nobody has anything to do with it any more.</summary>
        public void Forget(InodeLeases inode)
        {
            if (inode.IsIdle)
            {
                ByGfid.Remove(inode.Gfid);
            }
        }
    }
}
