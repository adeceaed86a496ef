using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>
/// features/client-locks: keeps the locks of clients apart that share one connection to the bricks, and gives up what a
/// client leaves behind. See README.md.
/// </summary>
public sealed partial class ClientLocks(TranslatorPlace place) : Translator(place), IClientLocks
{
    /// <summary>Milliseconds until the waits of a client that has left are looked at again.</summary>
    private const long LookAgainMs = 1_000;

    /// <summary>Leases that a state dump names.</summary>
    private const int DumpedLeasesMax = 1_000;

    private readonly ClientLockBook _book = new();

    public static TranslatorRegistration Registration { get; } =
        new("features/client-locks", static place => new ClientLocks(place), [], Maturity.Experimental);

    public override bool Reconfigure(OptionValues options) => true;

    public override void DumpState(StateDump dump)
    {
        dump.Put("clients", _book.ClientCount);
        dump.Put("waiting", _book.WaitingCount);
        var leases = _leases.All();
        dump.Put("leases", leases.Count);
        foreach (var held in leases.Take(DumpedLeasesMax))
        {
            var name = LockSession.Shown(held.Name.Id);
            dump.Put("lease", $"{held.Lease.Gfid} {held.Lease.Id} {name} {held.Client}");
        }
    }

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) =>
        call.Client is { } client ? LkAsync(fop, call, client) : Next.Lk(in fop, call);

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) =>
        call.Client is { } client ? FlushAsync(fop, call, client) : Next.Flush(in fop, call);

    /// <summary>
    /// The locks of an open file go with it. A client that has left without a word may be on its way to another proxy:
    /// the brick keeps what it holds by session for a while.
    /// </summary>
    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        if (call.Client is { } client)
        {
            var fd = fop.Fd;
            _book.Unhold(client, held => held.RemoveFd(fd));
            Close(fd, client, fop.XData);
        }

        return call.Client is { IsGone: true } ? LeaveAsync(fop, call) : Next.Release(in fop, call);
    }

    public IReadOnlyList<HeldLock> LocksOf(ClientIdentity client, Fd fd) => _book.HeldOf(client, fd);

    public bool HoldsOthers(ClientIdentity client) => _book.HoldsOthers(client) || _leases.HasHeld(client);

    public void TakeBackWaits(ClientIdentity client)
    {
        foreach (var waiting in _book.WaitsOf(client))
        {
            waiting.IsTakenBack = true;
            _ = TakeBackAsync(waiting, client);
        }
    }

    public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) =>
        InternalAsync<InodelkFop, InodelkReply>(in fop, call);

    public override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) =>
        InternalAsync<FinodelkFop, FinodelkReply>(in fop, call);

    public override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) =>
        InternalAsync<EntrylkFop, EntrylkReply>(in fop, call);

    public override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) =>
        InternalAsync<FentrylkFop, FentrylkReply>(in fop, call);

    /// <summary>
    /// What the client waits for is taken back, so that its requests end; locks that go with no fd are given up. Those
    /// of open files go with their release.
    /// </summary>
    public override void ClientGone(ClientIdentity client)
    {
        GiveUp(client);
        LeaveLeases(client);
        base.ClientGone(client);
    }

    private static Call OwnedCall(Call call, ClientIdentity client)
    {
        var owned = Call.Rent();
        owned.CopyIdentityFrom(call);
        owned.LockOwner = ClientOwner.Of(client, call.LockOwner);
        return owned;
    }

    private async ValueTask<ReleaseReply> LeaveAsync(ReleaseFop fop, Call call)
    {
        var xdata = fop.XData is { } request ? request.Clone() : XData.Rent();
        xdata.SetInt(LockSession.LeftKey, 1);
        var reply = await Next.Release(fop with { XData = xdata }, call);
        xdata.Release();
        return reply;
    }

    /// <summary>
    /// The session has gone on to another proxy: if its client still waits here, it has to ask again.
    /// </summary>
    private static void AskAgain(Reply reply, XData? xdata)
    {
        if (reply.Error == Errno.ECANCELED && xdata is not null && xdata.Contains(LockSession.Key))
        {
            reply.Error = Errno.ENOTCONN;
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LkReply> LkAsync(LkFop fop, Call call, ClientIdentity client)
    {
        if (fop.Fd.IsAnonymous && fop.XData is { } xdata && xdata.Contains(LockSession.Key))
        {
            fop = fop with { XData = null }; // What is given up by the file cannot be taken along.
        }

        var owned = OwnedCall(call, client);
        var isKept = HeldLock.TryGetEnd(fop.Flock, out var last) && !fop.Fd.IsAnonymous
            && fop.Command != LockCommand.GetLock;
        if (isKept && fop.Type == LockType.Unlock)
        {
            Unhold(client, in fop, call.LockOwner, last);
        }

        var reply = fop.Command == LockCommand.SetLockWait && fop.Type != LockType.Unlock
            ? await WaitAsync(fop, owned, client)
            : await Next.Lk(in fop, owned);
        AskAgain(reply, fop.XData);
        if (reply.IsOk && fop.Fd.IsAnonymous && fop.Command != LockCommand.GetLock && fop.Type != LockType.Unlock
            && !_book.TryKeep(client, new OrphanLock(fop.Gfid, owned.LockOwner)))
        {
            reply.Release();
            (await Next.Lk(Unlocking(in fop), owned)).Release();
            reply = LkReply.Fail(client.IsGone ? Errno.EINTR : Errno.ENOLCK);
        }

        if (reply.IsOk && fop.Command == LockCommand.GetLock && ClientOwner.IsOf(client, reply.Flock.Owner))
        {
            reply.Flock = reply.Flock with { Owner = call.LockOwner };
        }

        if (reply.IsOk && isKept && fop.Type != LockType.Unlock)
        {
            _book.Hold(client, new HeldLock(
                fop.Fd, client, call.LockOwner, call.Pid, fop.Flock.Pid, fop.Type, fop.Flock.Start, last)
            {
                Session = LockSession.Of(fop.XData),
            });
        }

        owned.Release();
        return reply;
    }

    private void Unhold(ClientIdentity client, in LkFop fop, LkOwner owner, long end)
    {
        var (gfid, start) = (fop.Fd.Gfid, fop.Flock.Start);
        _book.Unhold(client, held => held.Remove(in gfid, owner, start, end));
    }

    /// <summary>The request is known for as long as it may wait, so that it can be taken back.</summary>
    private async ValueTask<LkReply> WaitAsync(LkFop fop, Call owned, ClientIdentity client)
    {
        var waiting = new WaitingPosixLock(
            fop.Gfid, fop.Fd, fop.Flock, owned.LockOwner, owned.Pid, LockSession.Of(fop.XData));
        if (!_book.TryWait(client, waiting))
        {
            return LkReply.Fail(Errno.EINTR);
        }

        var reply = await Next.Lk(in fop, owned);
        _book.Ended(client, waiting);
        if (waiting.IsTakenBack)
        {
            reply.Release();
            reply = LkReply.Fail(Errno.EINTR);
        }

        return reply;
    }

    private static LkFop Unlocking(in LkFop fop) => fop with
    {
        Command = LockCommand.SetLock,
        Type = LockType.Unlock,
        Flock = fop.Flock with { Type = LockType.Unlock },
    };

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<FlushReply> FlushAsync(FlushFop fop, Call call, ClientIdentity client)
    {
        var owned = OwnedCall(call, client);
        var (gfid, owner) = (fop.Fd.Gfid, call.LockOwner);
        _book.Unhold(client, held => held.RemoveOwner(in gfid, owner));
        var reply = await Next.Flush(in fop, owned);
        owned.Release();
        return reply;
    }

    private ValueTask<TReply> InternalAsync<TFop, TReply>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        call.Client is { } client
            ? InternalAsync<TFop, TReply>(fop, call, client)
            : TFop.Invoke(Next, in fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> InternalAsync<TFop, TReply>(TFop fop, Call call, ClientIdentity client)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var owned = OwnedCall(call, client);
        var asked = InternalLock.Of(in fop, out var unlocks);
        var reply = await TFop.Invoke(Next, in fop, owned);
        if (reply.IsOk && unlocks)
        {
            _book.Forget(client, asked, owned.LockOwner);
        }
        else if (reply.IsOk && !_book.TryKeep(client, asked, owned.LockOwner))
        {
            // It has left while it waited, or holds more than can be remembered: nobody else would give it up.
            reply.Release();
            await asked.GiveUpAsync(Next, owned.LockOwner, client);
            reply = TReply.Fail(client.IsGone ? Errno.EINTR : Errno.ENOLCK);
        }

        owned.Release();
        return reply;
    }

    private void GiveUp(ClientIdentity client)
    {
        var left = _book.Left(client);
        foreach (var waiting in left.Waiting)
        {
            _ = TakeBackAsync(waiting, client);
        }

        foreach (var (held, owner) in left.Internal)
        {
            _ = held.GiveUpAsync(Next, owner, client);
        }

        foreach (var orphan in left.Orphans)
        {
            _ = UnlockAsync(orphan, client);
        }

        if (left.Waiting.Count > 0)
        {
            // A request may have been on its way to where it waits, behind the one that was to take it back.
            Seams.Scheduler.Schedule(LookAgainMs, () => GiveUp(client));
        }
    }

    /// <summary>
    /// An unlock of exactly the range ends the wait of the same owner. Of a session only the wait ends: what it holds
    /// there it takes along.
    /// </summary>
    private async Task TakeBackAsync(WaitingPosixLock waiting, ClientIdentity client)
    {
        var call = Call.Internal(waiting.Pid);
        call.Client = client;
        call.LockOwner = waiting.Owner;
        var fop = new LkFop
        {
            Gfid = waiting.Gfid,
            Fd = waiting.Fd.IsAnonymous ? call.AnonymousFd(waiting.Gfid) : waiting.Fd,
            Command = LockCommand.SetLock,
            Type = LockType.Unlock,
            Flock = waiting.Flock with { Type = LockType.Unlock },
            XData = waiting.Session.RentXData(),
        };
        fop.XData?.SetInt(LockSession.LeftKey, 1);
        (await Next.Lk(in fop, call)).Release();
        fop.XData?.Release();
        call.Release();
    }

    private async Task UnlockAsync(OrphanLock orphan, ClientIdentity client)
    {
        var call = Call.Internal();
        call.Client = client;
        call.LockOwner = orphan.Owner;
        var fop = new LkFop
        {
            Gfid = orphan.Gfid,
            Fd = call.AnonymousFd(orphan.Gfid),
            Command = LockCommand.SetLock,
            Type = LockType.Unlock,
            Flock = new Flock(LockType.Unlock, 0, 0, 0, 0, orphan.Owner),
        };
        (await Next.Lk(in fop, call)).Release();
        call.Release();
    }
}
