using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Leases;

/// <summary>Leases of clients behind proxies: they live as long as the client, not as the connection.</summary>
internal sealed partial class LeaseTable
{
    private int _leftCount; // Guarded by _clientsGuard: whether anybody has to look for what was left.

    /// <summary>
    /// A client that has lost its proxy asks for what it has. Ok: it still has it, over this connection, and hears
    /// again that it is wanted back. ENOLCK: it has lost it; ECANCELED: it has gone on to another proxy since.
    /// </summary>
    public Errno Reclaim(Gfid gfid, in LeaseUser user, uint type)
    {
        var effects = default(LeaseEffects);
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            var inode = shard.Of(gfid); // The log may have more than was looked at here.
            Refresh(inode);
            if (inode.Find(in user) is not { } held || held.Type < type || held.IsEnding)
            {
                shard.Forget(inode);
                return Errno.ENOLCK;
            }

            if (held.IsLate(in user))
            {
                return Errno.ECANCELED;
            }

            (held.User, held.LeftMs) = (user, 0);
            if (held.IsRecalled)
            {
                effects.Recall(gfid, held);
            }
        }

        carryOut(effects);
        return Errno.Ok;
    }

    /// <summary>A client has left its proxy, or has closed a file: what it has of that ends, or is left.</summary>
    public void GiveUp(Gfid gfid, in LeaseUser user, LeaseFate fate, long nowMs)
    {
        var effects = default(LeaseEffects);
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                return;
            }

            if (inode.Find(in user) is { } held && !held.IsLate(in user))
            {
                EndOrLeave(inode, held, fate, nowMs, ref effects);
            }

            Settle(shard, inode, nowMs, ref effects);
        }

        carryOut(effects);
    }

    /// <summary>Whether this has somebody look for what was left behind; the caller is the one.</summary>
    public bool TakeLeft()
    {
        lock (_clientsGuard)
        {
            var isLeft = _leftCount > 0;
            _leftCount = 0;
            return isLeft;
        }
    }

    /// <summary>Ends leases whose clients had left by then and have not come back.</summary>
    public void DropLeft(long untilMs, long nowMs)
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
                DropLeft(shard, gfid, untilMs, nowMs);
            }
        }
    }

    /// <summary>What is held of the files that are known here, and of those that the log has.</summary>
    public List<LeaseReport> Report(long nowMs)
    {
        var files = new HashSet<Gfid>();
        var logged = new List<Gfid>();
        log?.ListLeasedFiles(logged);
        files.UnionWith(logged);
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                files.UnionWith(shard.ByGfid.Keys);
            }
        }

        var reports = new List<LeaseReport>();
        foreach (var gfid in files)
        {
            Report(gfid, nowMs, reports);
        }

        return reports;
    }

    private void Report(Gfid gfid, long nowMs, List<LeaseReport> reports)
    {
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            var inode = shard.Of(gfid);
            Refresh(inode);
            foreach (var held in inode.Held)
            {
                reports.Add(new LeaseReport(gfid, held.User.Id, held.Type, held.User.Session, ClientsOf(held))
                {
                    HeldMs = held.SinceMs > 0 ? nowMs - held.SinceMs : -1,
                    IsRecalled = held.IsRecalled,
                    Waiting = inode.Waits.Count,
                });
            }

            shard.Forget(inode);
        }
    }

    /// <summary>Under the lock: the connections that a holder is behind.</summary>
    private List<ClientIdentity> ClientsOf(HeldLease held)
    {
        List<ClientIdentity?> clients = [];
        if (log is not null)
        {
            log.ListClients(held.User.Session, clients);
        }
        else if (held.LeftMs == 0)
        {
            clients.Add(held.User.Client);
        }

        return [.. clients.OfType<ClientIdentity>()];
    }

    private void DropLeft(Shard shard, Gfid gfid, long untilMs, long nowMs)
    {
        var effects = default(LeaseEffects);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var inode))
            {
                return;
            }

            for (var i = inode.Held.Count - 1; i >= 0; i--)
            {
                var held = inode.Held[i];
                if (held.LeftMs > 0 && held.LeftMs <= untilMs)
                {
                    End(inode, held, ref effects);
                }
            }

            Settle(shard, inode, nowMs, ref effects);
        }

        carryOut(effects);
    }

    /// <summary>
    /// Under the lock: its holder has gone on to another connection, and what is closed is what was left at the former
    /// one.
    /// </summary>
    private bool HasGoneOn(HeldLease held, in LeaseUser user) =>
        log is null && held.User.IsNamed && !ReferenceEquals(held.User.Client, user.Client);

    /// <summary>Under the lock.</summary>
    private void EndOrLeave(InodeLeases inode, HeldLease held, LeaseFate fate, long nowMs, ref LeaseEffects effects)
    {
        if (fate == LeaseFate.IsLeft)
        {
            MarkLeft(held, nowMs);
        }
        else
        {
            End(inode, held, ref effects);
        }
    }

    private void MarkLeft(HeldLease held, long nowMs)
    {
        if (held.LeftMs == 0)
        {
            held.LeftMs = nowMs;
            lock (_clientsGuard)
            {
                _leftCount++;
            }
        }
    }

    /// <summary>The connection of a proxy has gone: what clients behind it have is left.</summary>
    private void LeaveNamed(ClientIdentity client, long nowMs)
    {
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                foreach (var inode in shard.ByGfid.Values)
                {
                    foreach (var held in inode.Held)
                    {
                        if (held.User.IsNamed && ReferenceEquals(held.User.Client, client))
                        {
                            MarkLeft(held, nowMs);
                        }
                    }
                }
            }
        }
    }
}
