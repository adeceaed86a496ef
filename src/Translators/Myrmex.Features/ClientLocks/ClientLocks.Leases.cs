using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>
/// Leases of clients that share one connection to the bricks: each has a name there, recalls go to the client of the
/// name, and what one leaves behind is said to be left.
/// </summary>
public sealed partial class ClientLocks
{
    /// <summary>
    /// So long leases are asked for again whose brick is not reached, which keeps them a little longer; then clients
    /// that have not been answered for are told that they are wanted back.
    /// </summary>
    private const long AskMsMax = 8_000;

    /// <summary>Leases that are asked for at the same time.</summary>
    private const int AskWindow = 64;

    private const long AskAgainMs = 500;

    private readonly ClientLeaseBook _leases = new();

    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) =>
        call.Client is { } client ? LeaseAsync(fop, call, client) : Next.Lease(in fop, call);

    /// <summary>With a lease id it counts for leases: the brick has to know whose it is.</summary>
    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
        call.Client is { } client && LeaseKeys.IdOf(fop.XData) is { IsNull: false } id
            ? OpenAsync(fop, call, client, id) : Next.Open(in fop, call);

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) =>
        call.Client is { } client && LeaseKeys.IdOf(fop.XData) is { IsNull: false } id
            ? CreateAsync(fop, call, client, id) : Next.Create(in fop, call);

    /// <summary>A recall of a brick says whose the lease is; no other client hears of it.</summary>
    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        if (graphEvent.Kind == GraphEventKind.LeasesUnsure)
        {
            AskForAll();
        }
        else if (graphEvent is not { Kind: GraphEventKind.RecallLease, Only: null })
        {
            base.Notify(in graphEvent, source);
        }
        else if (_leases.ClientOf(graphEvent.Holder) is { } client)
        {
            base.Notify(graphEvent with { Only = client, Holder = 0 }, source);
        }
    }

    private async ValueTask<OpenReply> OpenAsync(OpenFop fop, Call call, ClientIdentity client, Gfid id)
    {
        var reply = await NamedAsync<OpenFop, OpenReply>(fop, call, NameOf(client, fop.XData));
        if (reply.IsOk)
        {
            Note(fop.Fd, client, new LeaseOf(fop.Fd.FileOf(fop.Gfid), id));
        }

        return reply;
    }

    private async ValueTask<CreateReply> CreateAsync(CreateFop fop, Call call, ClientIdentity client, Gfid id)
    {
        var reply = await NamedAsync<CreateFop, CreateReply>(fop, call, NameOf(client, fop.XData));
        if (reply.IsOk)
        {
            Note(fop.Fd, client, new LeaseOf(reply.Iatt.Gfid, id));
        }

        return reply;
    }

    private void Note(Fd fd, ClientIdentity client, LeaseOf lease)
    {
        _leases.Open(client, lease);
        fd.Set(Slot, new OpenMark(lease));
    }

    /// <summary>
    /// The last open file of a lease id is closed: the brick ends its lease with it, unless the graph below was
    /// replaced in between, so it is told, too.
    /// </summary>
    private void Close(Fd fd, ClientIdentity client, XData? xdata)
    {
        if (!fd.IsAnonymous && fd.Take(Slot) is OpenMark mark && !client.IsGone && !LockSession.HasLeft(xdata)
            && _leases.Close(client, mark.Lease) is { IsNone: false } name)
        {
            _ = GiveBackAsync(mark.Lease, LeaseType.Read, name, client, LockSession.LeftForGood);
        }
    }

    private LockSession NameOf(ClientIdentity client, XData? xdata) => _leases.NameOf(client, xdata, Seams);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> NamedAsync<TFop, TReply>(TFop fop, Call call, LockSession name)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (name.IsNone)
        {
            return TReply.Fail(Errno.ENOTCONN); // It has left.
        }

        var xdata = TFop.XDataOf(in fop) is { } request ? request.Clone() : XData.Rent();
        name.WriteTo(xdata);
        var reply = await TFop.Invoke(Next, TFop.WithXData(in fop, xdata), call);
        AskAgain(reply, xdata);
        xdata.Release();
        return reply;
    }

    private async ValueTask<LeaseReply> LeaseAsync(LeaseFop fop, Call call, ClientIdentity client)
    {
        var lease = new LeaseOf(fop.Gfid, fop.Lease.Id);
        var name = NameOf(client, fop.XData);
        if (fop.Lease.Command == LeaseCommand.Unlock)
        {
            _leases.Unhold(client, lease, fop.Lease.Type, isAll: LockSession.HasLeftForGood(fop.XData));
        }

        var reply = await NamedAsync<LeaseFop, LeaseReply>(fop, call, name);
        if (reply.IsOk && fop.Lease.Command == LeaseCommand.Set
            && !(LockSession.WasHeld(fop.XData) && _leases.Has(client, lease))
            && !_leases.TryHold(client, lease, fop.Lease.Type))
        {
            // It has left while it asked, or has more than can be remembered: nobody else would give it up.
            reply.Release();
            await GiveBackAsync(lease, fop.Lease.Type, name, client, client.IsGone ? LeftAs(name) : 0);
            reply = LeaseReply.Fail(client.IsGone ? Errno.ENOTCONN : Errno.EPERM);
        }

        return reply;
    }

    /// <summary>
    /// What is held without an open file goes with no RELEASE. A client with a name of its own may come back for it.
    /// </summary>
    private void LeaveLeases(ClientIdentity client)
    {
        var (name, held) = _leases.Left(client);
        foreach (var lease in held)
        {
            _ = GiveBackAsync(lease, LeaseType.Read, name, client, LeftAs(name));
        }
    }

    private static int LeftAs(LockSession name) => name.CanReturn ? 1 : LockSession.LeftForGood;

    /// <param name="left">How its client has left; 0: it is given back once.</param>
    private async Task GiveBackAsync(LeaseOf lease, uint type, LockSession name, ClientIdentity client, int left)
    {
        var xdata = XData.Rent();
        if (left > 0)
        {
            xdata.SetInt(LockSession.LeftKey, left);
        }

        await AskAsync(lease, new Lease(LeaseCommand.Unlock, type, lease.Id, 0), name, xdata, client);
    }

    /// <summary>Asks in the name of a client, and for it; takes the dictionary.</summary>
    private async Task<Errno> AskAsync(
        LeaseOf lease, Lease asked, LockSession name, XData xdata, ClientIdentity client)
    {
        name.WriteTo(xdata);
        var call = Call.Internal();
        call.Client = client; // Books below are by client.
        var reply = await Next.Lease(new LeaseFop { Gfid = lease.Gfid, Lease = asked, XData = xdata }, call);
        var error = reply.Error;
        reply.Release();
        xdata.Release();
        call.Release();
        return error;
    }

    /// <summary>
    /// A way to some brick was lost, or the graph was replaced: what clients have there is asked for again.
    /// </summary>
    private void AskForAll()
    {
        var all = _leases.All();
        if (all.Count > 0)
        {
            var round = new LeaseRound(all);
            Seams.Scheduler.Schedule(AskMsMax, () => EndRound(round));
            _ = AskForAsync(round);
        }
    }

    private async Task AskForAsync(LeaseRound round)
    {
        var window = new Task[AskWindow];
        for (var i = 0; i < window.Length; i++)
        {
            window[i] = AskForNextAsync(round);
        }

        await Task.WhenAll(window);
        if (round.GoesOn())
        {
            Seams.Scheduler.Schedule(AskAgainMs, () => _ = AskForAsync(round));
        }
    }

    private async Task AskForNextAsync(LeaseRound round)
    {
        while (round.TryTake(out var held))
        {
            var error = Errno.Ok;
            if (_leases.Has(held.Client, held.Lease))
            {
                var xdata = XData.Rent();
                xdata.SetInt(LockSession.HeldKey, 1);
                error = await AskAsync(
                    held.Lease, new Lease(LeaseCommand.Set, held.Type, held.Lease.Id, 0), held.Name, xdata,
                    held.Client);
            }

            if (error == Errno.ENOTCONN)
            {
                round.Again(held);
            }
            else if (round.Answered(held) && error is not (Errno.Ok or Errno.ECANCELED))
            {
                Lose(held);
            }
        }
    }

    /// <summary>Its time is over: of what was not answered by now nobody knows whether it is held.</summary>
    private void EndRound(LeaseRound round)
    {
        foreach (var held in round.End())
        {
            if (_leases.Has(held.Client, held.Lease))
            {
                Lose(held);
            }
        }
    }

    private void Lose(ClientLease held)
    {
        _leases.Lose(held.Client, held.Lease);
        NotifyParents(new GraphEvent(GraphEventKind.RecallLease, held.Lease.Gfid, LeaseType.None)
        {
            Only = held.Client,
            LeaseId = held.Lease.Id,
        });
    }

    /// <summary>What is kept on an fd that was opened by a lease id.</summary>
    private sealed record OpenMark(LeaseOf Lease);
}
