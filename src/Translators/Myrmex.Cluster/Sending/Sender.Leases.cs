using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Leases, for this process, for clients of its door or of its proxy. Servers that keep them for sessions
/// (<see cref="SendingRules.KeepsLocks"/>) are asked at each new leader whether they are still held; at another proxy
/// (<see cref="SendingRules.NamesLocks"/>) they are asked for again by our name. Who has one is told when it is
/// recalled, and when it is found to be lost.
/// </summary>
internal sealed partial class Sender
{
    private readonly LeaseBook _leases = new();
    private Choice? _leasesSeenAt; // Where they were looked at last.

    /// <summary>Tells those above of a lease that is wanted back, or lost.</summary>
    public Action<GraphEvent>? Recalled { get; set; }

    public int LeasesCount => _leases.Count;

    /// <summary>The server wants a lease back; other recalls are for others.</summary>
    public void Recall(in GraphEvent graphEvent)
    {
        if (graphEvent.Only is not null)
        {
            return;
        }

        var (gfid, id) = (graphEvent.Gfid, graphEvent.LeaseId);
        var clients = _leases.ClientsOf(new LeaseKey(gfid, id, graphEvent.Holder));
        if (clients.Count == 0)
        {
            clients = _leases.ClientsOf(new LeaseKey(gfid, id, Holder: 0)); // Our own session has a name, too.
        }

        Tell(graphEvent, clients);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> LeaseAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var asked = FopFacts.CopyAs<TFop, LeaseFop>(fop);
        var lease = asked.Lease;
        var name = _rules.KeepsLocks ? LockSession.Of(asked.XData) : default;
        var key = new LeaseKey(asked.Gfid, lease.Id, name.Id);
        if (!_rules.KeepsLocks && !_rules.NamesLocks)
        {
            return TReply.Fail(Errno.EOPNOTSUPP); // It would go with the server, and nobody would say so.
        }

        switch (lease.Command)
        {
            case LeaseCommand.Set:
                return await SetLeaseAsync<TFop, TReply>(fop, new KnownLease(key, name, lease.Type), lease, call);
            case LeaseCommand.Unlock when _rules.KeepsLocks && LockSession.HasLeft(asked.XData):
                if (LockSession.HasLeftForGood(asked.XData) && _leases.Take(in key).Count > 0)
                {
                    GiveUpLease(new KnownLease(key, name, lease.Type));
                }

                return Granted<TReply>(lease); // That a client has gone is known here.
            case LeaseCommand.Unlock when _leases.Remove(in key, lease.Type, call.Client):
                return Granted<TReply>(lease); // Another client has the same one.
            case LeaseCommand.Unlock:
                return await UnlockLeaseAsync<TFop, TReply>(fop, key, lease, call);
            default:
                return await SendAsync<TFop, TReply>(fop, call);
        }
    }

    private static TReply Granted<TReply>(Lease lease)
        where TReply : Reply, IReply<TReply>
    {
        var reply = TReply.Rent();
        Unsafe.As<LeaseReply>(reply).Lease = lease; // The fop says so.
        return reply;
    }

    /// <summary>It is in the book before it is asked for: it may be recalled before the answer is here.</summary>
    private async ValueTask<TReply> SetLeaseAsync<TFop, TReply>(TFop fop, KnownLease asked, Lease lease, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var (key, client) = (asked.Key, call.Client);
        while (_book.Owed(LeaseSpace.Of(key.Gfid), LeaseSpace.OwnerOf(key.Id)) is { } owed)
        {
            await owed;
        }

        if (_endingLeases.ContainsKey(key) || !_leases.TryAdd(in key, asked.Name, lease.Type, client))
        {
            return TReply.Fail(Errno.EPERM);
        }

        var (choice, seenAt) = (_finder.Choice, _leasesSeenAt);
        var reply = await SendAsync<TFop, TReply>(fop, call, _rules.KeepsLocks ? LockTrip.Change : null);
        if (reply.IsOk)
        {
            var isAgain = LockSession.WasHeld(FopFacts.CopyAs<TFop, LeaseFop>(fop).XData);
            _leases.Granted(in key, lease.Type, client, isAgain);
            OnGranted(key, choice, seenAt, client);
        }
        else if (!_leases.Refused(in key, lease.Type, client)
            && reply.Error is not (Errno.EPERM or Errno.EINVAL or Errno.EOPNOTSUPP or Errno.ENOLCK)
            && !IsGoneOn(reply, asked.Name) && !_leases.Has(in key))
        {
            GiveUpLease(asked); // It is not known whether it was granted.
        }

        return reply;
    }

    private void OnGranted(LeaseKey key, Choice? choice, Choice? seenAt, ClientIdentity? client)
    {
        if (client is { IsGone: true })
        {
            GiveUpLeases(client);
        }

        if (_rules.KeepsLocks)
        {
            TellHolding();
            if (_leases.Find(in key) is { } held && !ReferenceEquals(_leasesSeenAt, seenAt))
            {
                _ = CheckLeaseAsync(held); // Those that were held were looked at meanwhile.
            }
        }
        else if (_finder.Choice is { } now && !ReferenceEquals(now, choice))
        {
            ReclaimOne(now, key); // It may have been granted at a proxy that was left meanwhile.
        }
        else if (choice is not null)
        {
            MakeSure(choice, in key);
        }
    }

    /// <summary>Who gives a lease back is done with it, whatever becomes of the proxy.</summary>
    private async ValueTask<TReply> UnlockLeaseAsync<TFop, TReply>(TFop fop, LeaseKey key, Lease lease, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (_rules.KeepsLocks)
        {
            return await SendAsync<TFop, TReply>(fop, call, LockTrip.Change);
        }

        var reply = await SendAsync<TFop, TReply>(fop, call);
        if (reply.Error is Errno.ENOTCONN or Errno.ETIMEDOUT && !_leases.Has(in key))
        {
            reply.Release();
            GiveUpLease(new KnownLease(key, default, lease.Type));
            reply = Granted<TReply>(lease);
        }

        return reply;
    }

    /// <summary>
    /// A client of the door has left: nobody else would give its leases back. One that may come through another proxy
    /// keeps them.
    /// </summary>
    private void GiveUpLeases(ClientIdentity client)
    {
        var gone = new Dictionary<UInt128, LockSession>();
        foreach (var lease in _leases.TakeOf(client))
        {
            if (lease.Name.CanReturn)
            {
                gone[lease.Name.Id] = lease.Name;
            }
            else
            {
                GiveUpLease(lease);
            }
        }

        if (gone.Count > 0)
        {
            TellLeft(gone);
        }
    }

    private void GiveUpLease(KnownLease lease)
    {
        if (_rules.KeepsLocks)
        {
            GiveUp(
                LeaseSpace.Of(lease.Key.Gfid), LeaseSpace.OwnerOf(lease.Key.Id), 0, HeldLock.EndOfFile, pid: 0,
                lease.Owner);
        }
        else
        {
            _ = UnlockAsync(lease);
        }
    }

    /// <summary>Clients behind this proxy that hold locks or leases, once each.</summary>
    private LockSession[] Behind()
    {
        var locks = Fds.Locks.Sessions();
        if (_leases.IsEmpty)
        {
            return locks;
        }

        var all = new Dictionary<UInt128, LockSession>();
        Array.ForEach(locks, one => all[one.Id] = one);
        foreach (var name in _leases.Names())
        {
            if (!(all.TryGetValue(name.Id, out var known) && known.Epoch >= name.Epoch))
            {
                all[name.Id] = name;
            }
        }

        return [.. all.Values];
    }

    /// <summary>
    /// Another server leads: one before it may have revoked leases of ours. Those that are lost are told to their
    /// holders as recalled.
    /// </summary>
    private async Task CheckLeasesAsync(Choice choice)
    {
        if (ReferenceEquals(Interlocked.Exchange(ref _leasesSeenAt, choice), choice))
        {
            return;
        }

        foreach (var lease in _leases.All())
        {
            await CheckLeaseAsync(lease);
        }
    }

    private async Task CheckLeaseAsync(KnownLease lease)
    {
        var call = Call.Internal();
        call.LockOwner = LeaseSpace.OwnerOf(lease.Key.Id);
        var space = LeaseSpace.Of(lease.Key.Gfid);
        var xdata = lease.Owner.RentXData();
        var fop = new LkFop
        {
            Gfid = space,
            Fd = call.AnonymousFd(space),
            Command = LockCommand.SetLock,
            Type = LockType.Read,
            Flock = new Flock(LockType.Read, 0, 0, 0, 0, call.LockOwner),
            XData = xdata,
        };
        var reply = await SendAsync<LkFop, LkReply>(fop, call, new LockTrip { Ask = LockAsk.Check });
        if (reply.Error == Errno.ENOLCK)
        {
            LoseLease(lease.Key);
        }
        else if (IsGoneOn(reply, lease.Name))
        {
            _ = _leases.Lose(lease.Key); // Its client has it through another proxy.
        }

        reply.Release();
        xdata?.Release();
        call.Release();
    }

    /// <summary>Those of our session; clients behind this proxy have sessions of their own.</summary>
    private void LoseLeases()
    {
        foreach (var lease in _leases.All())
        {
            if (lease.Name.IsNone)
            {
                LoseLease(lease.Key);
            }
        }
    }

    private void LoseLease(in LeaseKey key) => Tell(
        new GraphEvent(GraphEventKind.RecallLease, key.Gfid, LeaseType.None) { LeaseId = key.Id },
        _leases.Lose(in key));

    private void Tell(GraphEvent graphEvent, List<ClientIdentity?> clients)
    {
        foreach (var client in clients)
        {
            Recalled?.Invoke(graphEvent with { Only = client, Holder = 0 });
        }
    }
}
