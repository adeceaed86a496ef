using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Leases that the servers keep for our session (<see cref="SendingRules.KeepsLocks"/>), for this process or for
/// clients of its door: who has one is told when it is recalled, and when it is found to be lost.
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
        if (graphEvent.Only is null)
        {
            Tell(graphEvent, _leases.ClientsOf(graphEvent.Gfid, graphEvent.LeaseId));
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> LeaseAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var asked = FopFacts.CopyAs<TFop, LeaseFop>(fop);
        var (gfid, lease, client) = (asked.Gfid, asked.Lease, call.Client);
        if (!_rules.KeepsLocks)
        {
            return TReply.Fail(Errno.EOPNOTSUPP); // It would go with the server, and nobody would say so.
        }

        switch (lease.Command)
        {
            case LeaseCommand.Set:
                return await SetLeaseAsync<TFop, TReply>(fop, gfid, lease, call);
            case LeaseCommand.Unlock when _leases.Remove(in gfid, lease.Id, client):
                return Granted<TReply>(lease); // Another client has the same one.
            case LeaseCommand.Unlock:
                return await SendAsync<TFop, TReply>(fop, call, LockTrip.Change);
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
    private async ValueTask<TReply> SetLeaseAsync<TFop, TReply>(TFop fop, Gfid gfid, Lease lease, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var owner = LeaseSpace.OwnerOf(lease.Id);
        while (_book.Owed(LeaseSpace.Of(gfid), owner) is { } owed)
        {
            await owed;
        }

        var client = call.Client;
        if (!_leases.TryAdd(in gfid, in lease, client))
        {
            return TReply.Fail(Errno.EPERM);
        }

        var reply = await SendAsync<TFop, TReply>(fop, call, LockTrip.Change);
        if (reply.IsOk)
        {
            if (client is { IsGone: true })
            {
                GiveUpLeases(client);
            }

            TellHolding();
        }
        else if (!_leases.Remove(in gfid, lease.Id, client)
            && reply.Error is not (Errno.EPERM or Errno.EINVAL or Errno.EOPNOTSUPP)
            && _leases.ClientsOf(in gfid, lease.Id).Count == 0)
        {
            GiveUpLease(gfid, lease.Id); // It is not known whether it was granted.
        }

        return reply;
    }

    /// <summary>A client of the door has left: nobody else would give its leases back.</summary>
    private void GiveUpLeases(ClientIdentity client)
    {
        foreach (var (gfid, id) in _leases.TakeOf(client))
        {
            GiveUpLease(gfid, id);
        }
    }

    private void GiveUpLease(Gfid gfid, Gfid id) => GiveUp(
        LeaseSpace.Of(gfid), LeaseSpace.OwnerOf(id), 0, HeldLock.EndOfFile, pid: 0, session: default);

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

        foreach (var (gfid, id) in _leases.All())
        {
            var call = Call.Internal();
            call.LockOwner = LeaseSpace.OwnerOf(id);
            var space = LeaseSpace.Of(gfid);
            var fop = new LkFop
            {
                Gfid = space,
                Fd = call.AnonymousFd(space),
                Command = LockCommand.SetLock,
                Type = LockType.Read,
                Flock = new Flock(LockType.Read, 0, 0, 0, 0, call.LockOwner),
            };
            var reply = await SendAsync<LkFop, LkReply>(fop, call, new LockTrip { Ask = LockAsk.Check });
            if (reply.Error == Errno.ENOLCK)
            {
                LoseLease(gfid, id);
            }

            reply.Release();
            call.Release();
        }
    }

    private void LoseLeases()
    {
        foreach (var (gfid, id) in _leases.All())
        {
            LoseLease(gfid, id);
        }
    }

    private void LoseLease(Gfid gfid, Gfid id) => Tell(
        new GraphEvent(GraphEventKind.RecallLease, gfid, LeaseType.None) { LeaseId = id }, _leases.Take(gfid, id));

    private void Tell(GraphEvent graphEvent, List<ClientIdentity?> clients)
    {
        foreach (var client in clients)
        {
            Recalled?.Invoke(graphEvent with { Only = client });
        }
    }
}
