using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// What a member lets through: everything while it leads, nothing while it does not. A read is taken from the store
/// first, which has everything that was ever answered, and then shown to be the leader's: by the lease, or by asking
/// the other members. Stateless but for what it holds; all threads.
/// </summary>
/// <param name="inner">Makes operations of fops that change something; the store is below.</param>
/// <param name="locks">Record locks.</param>
/// <param name="slot">Where the term in which a file was opened is kept on its fd.</param>
internal sealed class JournalGate(Translator inner, JournalMember member, JournalLocks locks, int slot)
{
    private const int NotWatched = -1;

    private volatile OpenMark _openMark = new(Term.None); // Of the newest term in which a file was opened.

    public ValueTask<TReply> Handle<TFop, TReply>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        switch (TFop.Code)
        {
            case FopCode.Flush when member.ServingTerm == Term.None && member.IsTakingLead
                && SessionKey.Of(TFop.XDataOf(in fop)).Session != 0:
                return WhenServingAsync<TFop, TReply>(fop, call); // It gives up locks.
            case FopCode.Release or FopCode.Releasedir or FopCode.Flush:
                return TFop.Invoke(inner, in fop, call); // Of what was opened here, whoever leads now.
            case FopCode.Ipc:
                return SessionAsync<TFop, TReply>(fop, call.Client);
            default:
                break;
        }

        var term = member.ServingTerm;
        if (term == Term.None)
        {
            if (member.IsTakingLead)
            {
                return WhenServingAsync<TFop, TReply>(fop, call);
            }

            return typeof(TFop) == typeof(ReadFop) && MayReadHere(TFop.XDataOf(in fop))
                ? ReadHereAsync<TFop, TReply>(fop, call) : new ValueTask<TReply>(Fail<TReply>(Errno.EREMOTE));
        }

        return ServeAsync<TFop, TReply>(term, in fop, call);
    }

    /// <summary>
    /// As <see cref="Handle"/>, but only while this member serves in the term: EREMOTE when another one does, else
    /// EAGAIN. It waits for no lead.
    /// </summary>
    public ValueTask<TReply> HandleIn<TFop, TReply>(Term term, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var serving = member.ServingTerm;
        return serving == term ? ServeAsync<TFop, TReply>(term, in fop, call)
            : new ValueTask<TReply>(Fail<TReply>(
                serving == Term.None && !member.IsTakingLead ? Errno.EREMOTE : Errno.EAGAIN));
    }

    private ValueTask<TReply> ServeAsync<TFop, TReply>(Term term, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (!IsOfTerm<TFop, TReply>(in fop, term))
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EBADFD));
        }

        if (FopTable.Has(TFop.Code, FopTraits.Mutates) || TFop.Code is FopCode.Lk or FopCode.Lease
            || ClearsLocks(in fop))
        {
            return TFop.Invoke(inner, in fop, call);
        }

        var watched = MayWait(TFop.Code) ? NotWatched : member.Watch.Begin();
        var task = TFop.Invoke(inner, in fop, call);
        if (task.IsCompletedSuccessfully)
        {
            EndWatch(watched);
            if (member.LeaseCovers(term))
            {
                return task;
            }

            watched = NotWatched;
        }

        return ConfirmedAsync<TFop, TReply>(task, fop, term, watched);
    }

    private static bool MayReadHere(XData? xdata) => xdata is not null && xdata.Contains(MemberKeys.Here);

    /// <summary>
    /// A read while another member leads. Whatever goes wrong, also in the store, sends the reader to the leader.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ReadHereAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var read = (ReadFop)(object)fop;
        var (error, storeLife) = await member.BeginReadHereAsync();
        if (error != Errno.Ok)
        {
            return Fail<TReply>(Errno.EREMOTE);
        }

        var watched = member.Watch.Begin();
        ReadReply reply;
        try
        {
            reply = await inner.Read(read with { XData = null }, call);
        }
        finally
        {
            EndWatch(watched);
        }

        error = reply.IsOk
            ? await member.EndReadHereAsync(read.Fd.FileOf(read.Gfid), storeLife) : Errno.EREMOTE;
        if (error == Errno.Ok)
        {
            return (TReply)(object)reply;
        }

        reply.Release();
        return Fail<TReply>(Errno.EREMOTE);
    }

    /// <summary>It waits for the journal, not for the store.</summary>
    private static bool ClearsLocks<TFop>(in TFop fop) =>
        typeof(TFop) == typeof(GetxattrFop) && ClearLocksName.IsOne(((GetxattrFop)(object)fop!).Name);

    private async ValueTask<TReply> WhenServingAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        await member.WaitToServeAsync();
        return member.ServingTerm == Term.None
            ? Fail<TReply>(Errno.EREMOTE) : await Handle<TFop, TReply>(in fop, call);
    }

    /// <summary>A lock is waited for as long as its holder likes.</summary>
    private static bool MayWait(FopCode code) =>
        code is FopCode.Inodelk or FopCode.Finodelk or FopCode.Entrylk or FopCode.Fentrylk;

    private void EndWatch(int watched)
    {
        if (watched != NotWatched)
        {
            member.Watch.End(watched);
        }
    }

    /// <summary>
    /// A file that was opened in an earlier term must be opened again: its locks may have been revoked by a leader
    /// between, and their holder is to look. Marks what is opened now.
    /// </summary>
    private bool IsOfTerm<TFop, TReply>(in TFop fop, Term term)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (FopFacts.OpenedFd(in fop) is { } opened)
        {
            opened.Set(slot, MarkOf(term));
            return true;
        }

        return TFop.FdOf(in fop) is not { IsAnonymous: false, IsDirectory: false } fd
            || fd.Get(slot) is not OpenMark mark || mark.Term == term;
    }

    private OpenMark MarkOf(Term term)
    {
        var mark = _openMark;
        if (mark.Term != term)
        {
            _openMark = mark = new OpenMark(term);
        }

        return mark;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ConfirmedAsync<TFop, TReply>(
        ValueTask<TReply> task, TFop fop, Term term, int watched)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        TReply reply;
        try
        {
            reply = await task;
        }
        finally
        {
            EndWatch(watched);
        }

        // Who leads after the value was taken led when it was taken.
        var error = await member.ConfirmAsync(term);
        if (error == Errno.Ok)
        {
            return reply;
        }

        if (reply.IsOk)
        {
            await CloseAsync(fop);
        }

        reply.Release();
        return Fail<TReply>(error);
    }

    /// <summary>What an open whose answer does not count has opened.</summary>
    private async ValueTask CloseAsync(object fop)
    {
        var call = Call.Internal();
        switch (fop)
        {
            case OpenFop open:
                (await inner.Release(new ReleaseFop { Gfid = open.Gfid, Fd = open.Fd }, call)).Release();
                break;
            case OpendirFop open:
                (await inner.Releasedir(new ReleasedirFop { Gfid = open.Gfid, Fd = open.Fd }, call)).Release();
                break;
            default:
                break;
        }

        call.Release();
    }

    private async ValueTask<TReply> SessionAsync<TFop, TReply>(TFop fop, ClientIdentity? client)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var ipc = (IpcFop)(object)fop; // Only an IPC comes here.
        var session = SessionKey.IdOf(ipc.XData);
        if (ipc.Operation == ChangeRecord.TakeOver)
        {
            return await TakeOverAsync<TReply>(ipc.XData);
        }

        if (ipc.Operation == ChangeRecord.FreeLocks && member.ServingTerm != Term.None)
        {
            await TellLocksAsync(in ipc);
            return TReply.Rent();
        }

        if (ipc.Operation is LockClaim.HoldSession or LockClaim.LeaveSessions && member.IsTakingLead)
        {
            await member.WaitToServeAsync();
        }

        var error = ipc.Operation switch
        {
            ChangeRecord.FreeLocks => Errno.EREMOTE,
            LockClaim.HoldSession when session != 0 => await HoldAsync(session, client, ipc.XData),
            LockClaim.LeaveSessions => LeaveBehind(client, ipc.XData),
            ChangeRecord.BeginSession when session != 0 =>
                await member.ChangeSessionAsync(session, SessionAction.Begin),
            ChangeRecord.EndSession when session != 0 => await member.ChangeSessionAsync(session, SessionAction.End),
            ChangeRecord.BeginSession or ChangeRecord.EndSession or LockClaim.HoldSession => Errno.EINVAL,
            _ => Errno.EOPNOTSUPP,
        };
        if (error == Errno.Ok && ipc.Operation == ChangeRecord.EndSession)
        {
            locks.SessionEnded(session);
        }

        return error == Errno.Ok ? TReply.Rent() : Fail<TReply>(error);
    }

    private async ValueTask<Errno> HoldAsync(UInt128 session, ClientIdentity? client, XData? xdata)
    {
        var graceMs = GraceOf(xdata);
        await locks.HoldBehindAsync(LockClaim.ReadBehind(xdata), client); // In order with those who leave.
        return await locks.HoldAsync(session, client, graceMs);
    }

    private Errno LeaveBehind(ClientIdentity? client, XData? xdata)
    {
        if (member.ServingTerm == Term.None)
        {
            return Errno.EREMOTE;
        }

        locks.LeaveBehind(LockClaim.ReadBehind(xdata), client);
        return Errno.Ok;
    }

    private static long? GraceOf(XData? xdata) =>
        xdata is not null && xdata.TryGetInt(LockClaim.Grace, out var graceMs) ? graceMs : null;

    private async ValueTask<TReply> TakeOverAsync<TReply>(XData? xdata)
        where TReply : Reply, IReply<TReply>
    {
        if (!ChangeRecord.TryRead(xdata, nowNs: 0, out var change) || change.IsNone || change.Run == 0)
        {
            return TReply.Fail(Errno.EINVAL);
        }

        // A session that would have been ended since it was used for this change is not begun anew.
        var isYoung = ChangeRecord.AgeMs(in change, nowNs: 0) <= ChangeRecord.AgeMaxMs;
        var (error, steps) = member.ServingTerm == Term.None
            ? (Errno.EREMOTE, []) : await member.TakeOverAsync(change, begins: isYoung);
        if (error != Errno.Ok)
        {
            return Fail<TReply>(error);
        }

        await TellLocksAsync(new IpcFop { Operation = ChangeRecord.TakeOver, XData = xdata });
        var reply = TReply.Rent();
        reply.NeedXData().SetBytes(ChangeRecord.Steps, KnownSteps.Encode(steps));
        return reply;
    }

    /// <summary>features/locks below has the inode and entry locks of runs.</summary>
    private ValueTask TellLocksAsync(in IpcFop fop)
    {
        var call = Call.Internal();
        return EndAsync(inner.Ipc(in fop, call), call);

        static async ValueTask EndAsync(ValueTask<IpcReply> task, Call call)
        {
            (await task).Release();
            call.Release();
        }
    }

    /// <summary>With who leads, where that helps.</summary>
    private TReply Fail<TReply>(Errno error)
        where TReply : Reply, IReply<TReply>
    {
        var reply = TReply.Fail(error);
        if (error == Errno.EREMOTE && member.Leader is { } leader)
        {
            reply.NeedXData().SetInt(MemberKeys.Leader, leader.Value);
        }

        return reply;
    }
}
