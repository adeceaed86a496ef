using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Leases;

/// <summary>Grants leases, notes who has what open, and lets fops wait for leases of others.</summary>
public readonly struct LeasesPolicy : IFopPolicy
{
    internal LeasesPolicy(LeaseState state)
    {
        State = state;
    }

    internal LeaseState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (fop is ReleaseFop release)
        {
            Forget(release.Fd, FateOf(release, call));
        }

        if (fop is LeaseFop lease)
        {
            return !State.IsOn ? new ValueTask<TReply>(TReply.Fail(Errno.EOPNOTSUPP))
                : State.Decides && (State.Log is not null || call.Client is not null)
                    ? As<LeaseReply, TReply>(LeaseAsync(next, lease, call))
                : TFop.Invoke(next, in fop, call);
        }

        if (!State.Decides)
        {
            return TFop.Invoke(next, in fop, call);
        }

        if (fop is OpenFop open && (State.Log is not null || call is { Client: not null, Pid: >= 0 }))
        {
            return As<OpenReply, TReply>(OpenAsync(next, open, call));
        }

        if (call.Client is not { } client || call.Pid < 0)
        {
            return TFop.Invoke(next, in fop, call);
        }

        if (fop is CreateFop create)
        {
            return As<CreateReply, TReply>(CreateAsync(next, create, call, client));
        }

        var uses = FileUses.By(in fop);
        return uses.IsEmpty ? TFop.Invoke(next, in fop, call)
            : UseAsync<TFop, TReply>(next, fop, uses, call, client);
    }

    private static ValueTask<TReply> As<TActual, TReply>(ValueTask<TActual> task) =>
        Unsafe.As<ValueTask<TActual>, ValueTask<TReply>>(ref task); // They are the same: the fop says so.

    /// <summary>
    /// Without a lease id it has the one that its file was opened with: caches of clients write for programs, and do
    /// not say for whom.
    /// </summary>
    private Gfid IdOf(XData? xdata, Fd? fd)
    {
        var id = LeaseKeys.IdOf(xdata);
        return id.IsNull && fd is { IsAnonymous: false } && fd.Get(State.Slot) is OpenMark mark ? mark.User.Id : id;
    }

    /// <summary>
    /// Of the client that has opened the file by a lease id; 0 when nobody has said. Without a name a session of a log
    /// may have been followed by another one since.
    /// </summary>
    private UInt128 SessionOf(Fd? fd) =>
        fd is { IsAnonymous: false } && fd.Get(State.Slot) is OpenMark { User: { Id.IsNull: false } user }
        && (State.Log is null || user.IsNamed)
            ? user.Session : 0;

    private static bool MayWait(Fd? fd) => fd is null || (fd.Flags & OpenFlags.NonBlock) == 0;

    private static LeaseClash ClashOf(uint flags) =>
        (flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly || (flags & OpenFlags.Truncate) != 0
            ? LeaseClash.Change : LeaseClash.Read;

    private static async ValueTask<Gfid> FindAsync(Translator next, (Gfid Parent, Name Name) at, Call call)
    {
        if (at.Parent.IsNull)
        {
            return Gfid.Null;
        }

        var reply = await next.Lookup(new LookupFop { Parent = at.Parent, Name = at.Name }, call);
        var gfid = reply.IsOk ? reply.Iatt.Gfid : Gfid.Null;
        reply.Release();
        return gfid;
    }

    /// <summary>It waits for the leases of others first, and no new one is granted before it is done.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> UseAsync<TFop, TReply>(
        Translator next, TFop fop, FileUses uses, Call call, ClientIdentity client)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var user = new LeaseUser(IdOf(TFop.XDataOf(in fop), uses.Fd), SessionOf(uses.Fd), client);
        var first = uses.Count > 0 ? uses[0] : (await FindAsync(next, uses.Source, call), LeaseClash.Change);
        var second = uses.Count > 1 ? uses[1] : (await FindAsync(next, uses.Target, call), LeaseClash.Change);
        var verdict = await EnterAsync(first, user, uses.Fd);
        if (verdict != LeaseVerdict.Go)
        {
            return LeaseAnswers.Fail<TReply>(verdict);
        }

        verdict = await EnterAsync(second, user, uses.Fd);
        var reply = verdict == LeaseVerdict.Go ? await TFop.Invoke(next, in fop, call)
            : LeaseAnswers.Fail<TReply>(verdict);
        if (verdict == LeaseVerdict.Go)
        {
            Leave(second, user);
        }

        Leave(first, user);
        return reply;
    }

    private ValueTask<LeaseVerdict> EnterAsync((Gfid Gfid, LeaseClash Clash) use, LeaseUser user, Fd? fd) =>
        use.Gfid.IsNull ? new ValueTask<LeaseVerdict>(LeaseVerdict.Go)
            : State.EnterAsync(use.Gfid, user, use.Clash, MayWait(fd), isUse: true);

    private void Leave((Gfid Gfid, LeaseClash Clash) use, LeaseUser user)
    {
        if (!use.Gfid.IsNull)
        {
            State.Table.Leave(use.Gfid, in user, use.Clash);
        }
    }

    /// <summary>
    /// The file counts as open before it waits, so that no new lease comes in between. One that a client opens again at
    /// another server counts, and is in nobody's way: it was open all the time.
    /// </summary>
    private async ValueTask<OpenReply> OpenAsync(Translator next, OpenFop fop, Call call)
    {
        var user = State.UserOf(LeaseKeys.IdOf(fop.XData), call.Client, fop.XData);
        if (call.Pid < 0)
        {
            Note(fop.Gfid, fop.Fd, in user);
        }
        else if (await EnterOpenAsync(fop.Gfid, fop.Fd, fop.Flags, user) is var verdict
            && verdict != LeaseVerdict.Go)
        {
            return LeaseAnswers.Fail<OpenReply>(verdict);
        }

        var reply = await next.Open(in fop, call);
        if (!reply.IsOk)
        {
            Forget(fop.Fd, LeaseFate.Stays);
        }

        return reply;
    }

    private async ValueTask<CreateReply> CreateAsync(Translator next, CreateFop fop, Call call, ClientIdentity client)
    {
        var user = State.UserOf(LeaseKeys.IdOf(fop.XData), client, fop.XData);
        var found = (fop.Flags & OpenFlags.Exclusive) != 0 ? Gfid.Null
            : await FindAsync(next, (fop.Parent, fop.Name), call);
        var verdict = found.IsNull ? LeaseVerdict.Go : await EnterOpenAsync(found, fop.Fd, fop.Flags, user);
        if (verdict != LeaseVerdict.Go)
        {
            return LeaseAnswers.Fail<CreateReply>(verdict);
        }

        var reply = await next.Create(in fop, call);
        if (!reply.IsOk || reply.Iatt.Gfid != found)
        {
            Forget(fop.Fd, LeaseFate.Stays);
        }

        if (reply.IsOk && reply.Iatt.Gfid != found)
        {
            // Made now, or a moment ago by somebody else who may have a lease by now: that is told, and not waited for.
            Note(reply.Iatt.Gfid, fop.Fd, in user);
            State.Table.Enter(
                reply.Iatt.Gfid, in user, ClashOf(fop.Flags), mayWait: false, isUse: false, State.NowMs);
        }

        return reply;
    }

    /// <summary>The fd is known when it may go on, and not otherwise.</summary>
    private async ValueTask<LeaseVerdict> EnterOpenAsync(Gfid gfid, Fd fd, uint flags, LeaseUser user)
    {
        Note(gfid, fd, in user);
        var verdict = await State.EnterAsync(
            gfid, user, ClashOf(flags), (flags & OpenFlags.NonBlock) == 0, isUse: false);
        if (verdict != LeaseVerdict.Go)
        {
            Forget(fd, LeaseFate.Stays);
        }

        return verdict;
    }

    private void Note(Gfid gfid, Fd fd, in LeaseUser user)
    {
        Forget(fd, LeaseFate.Stays);
        State.Table.Open(gfid, fd, in user);
        fd.Set(State.Slot, new OpenMark(gfid, user));
    }

    private void Forget(Fd fd, LeaseFate fate)
    {
        if (!fd.IsAnonymous && fd.Take(State.Slot) is OpenMark mark)
        {
            State.Close(mark.Gfid, fd, fate);
        }
    }

    /// <summary>
    /// With a log who has lost its connection may come back, and files are closed to be opened anew: the session
    /// decides. Without one so may a client behind a proxy, and nobody else.
    /// </summary>
    private LeaseFate FateOf(in ReleaseFop release, Call call)
    {
        var hasLeft = LockSession.HasLeft(release.XData);
        if (State.Log is not null)
        {
            return call.Pid < 0 || hasLeft || !State.Decides ? LeaseFate.Stays : LeaseFate.Ends;
        }

        return !release.Fd.IsAnonymous && release.Fd.Get(State.Slot) is OpenMark mark
            && (call.Client is { IsGone: true } ? mark.User.IsNamed : hasLeft && mark.User.MayReturn)
            ? LeaseFate.IsLeft : LeaseFate.Ends;
    }

    private async ValueTask<LeaseReply> LeaseAsync(Translator next, LeaseFop fop, Call call)
    {
        var lease = fop.Lease;
        var user = State.UserOf(lease.Id, call.Client, fop.XData);
        switch (lease.Command)
        {
            case LeaseCommand.Get:
                return Answer(lease with { Type = State.Table.TypeOf(fop.Gfid) });
            case LeaseCommand.Set or LeaseCommand.Unlock
                when lease.Id.IsNull || lease.Type is not (LeaseType.Read or LeaseType.ReadWrite):
                return LeaseReply.Fail(Errno.EINVAL);
            case LeaseCommand.Set or LeaseCommand.Unlock when State.Log is not null && user.Session == 0:
                return LeaseReply.Fail(Errno.EOPNOTSUPP); // Nobody could say whose it is when another server decides.
            case LeaseCommand.Set when LockSession.WasHeld(fop.XData):
                return await ReclaimAsync(next, fop, user, call);
            case LeaseCommand.Set:
                return await SetAsync(next, fop, user, call);
            case LeaseCommand.Unlock when State.Log is null && LockSession.HasLeft(fop.XData):
                State.GiveUp(fop.Gfid, user, mayReturn: !LockSession.HasLeftForGood(fop.XData));
                return Answer(lease);
            case LeaseCommand.Unlock:
                return await UnlockAsync(next, fop, user, call);
            default:
                return LeaseReply.Fail(Errno.EINVAL);
        }
    }

    private async ValueTask<LeaseReply> SetAsync(Translator next, LeaseFop fop, LeaseUser user, Call call)
    {
        var type = fop.Lease.Type;
        var error = State.Table.Set(fop.Gfid, in user, type, State.NowMs);
        if (error != Errno.Ok)
        {
            return LeaseReply.Fail(error);
        }

        if (State.Log is null)
        {
            return Answer(fop.Lease);
        }

        var strongest = State.Table.TypeOf(fop.Gfid, in user);
        var reply = await next.Lease(fop with { Lease = fop.Lease with { Type = strongest } }, call);
        State.Table.Granted(fop.Gfid, in user, type, reply.IsOk, State.NowMs);
        reply.Lease = fop.Lease;
        return reply;
    }

    /// <summary>
    /// A client that has lost its proxy comes for what it has. The log is asked first: by that it knows, too, over
    /// which connection the holder is told.
    /// </summary>
    private async ValueTask<LeaseReply> ReclaimAsync(Translator next, LeaseFop fop, LeaseUser user, Call call)
    {
        var error = Errno.Ok;
        if (State.Log is not null)
        {
            var reply = await next.Lease(in fop, call);
            error = reply.Error;
            reply.Release();
        }

        error = error == Errno.Ok ? State.Table.Reclaim(fop.Gfid, in user, fop.Lease.Type) : error;
        return error == Errno.Ok ? Answer(fop.Lease) : LeaseReply.Fail(error);
    }

    /// <summary>What was not held is given back all the same. Source: what GlusterFS 10 answers.</summary>
    private async ValueTask<LeaseReply> UnlockAsync(Translator next, LeaseFop fop, LeaseUser user, Call call)
    {
        var left = State.Table.Unlock(fop.Gfid, in user, fop.Lease.Type, State.NowMs);
        if (State.Log is null)
        {
            return Answer(fop.Lease);
        }

        var change = left == LeaseType.None ? fop.Lease : fop.Lease with { Command = LeaseCommand.Set, Type = left };
        var reply = await next.Lease(fop with { Lease = change }, call);
        State.Table.Look(fop.Gfid, State.NowMs);
        reply.Lease = fop.Lease;
        return reply;
    }

    private static LeaseReply Answer(Lease lease)
    {
        var reply = LeaseReply.Rent();
        reply.Lease = lease;
        return reply;
    }

    /// <summary>What is kept on an fd: the file it is counted for, and who has opened it by which lease id.</summary>
    private sealed record OpenMark(Gfid Gfid, LeaseUser User);
}
