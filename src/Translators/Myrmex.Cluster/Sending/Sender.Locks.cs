using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Record locks that the servers keep for our session (<see cref="SendingRules.KeepsLocks"/>), whichever of them
/// leads. Taking and giving up are changes with a number. Waiting is not: the server says when nobody is in the way any
/// more, and the lock is asked for again then; a number that waits for hours would hold up all others.
/// </summary>
internal sealed partial class Sender
{
    private readonly LockBook _book = new();
    private Choice? _heldAt; // Where the session was said to be ours, and which one.
    private UInt128 _heldSession;
    private int _isRenewing;
    private volatile bool _isStopped;

    /// <summary>The servers keep locks for us: who leads has to be found even if no fop wants to know.</summary>
    public bool HoldsLocks => _rules.KeepsLocks && !(Fds.Locks.IsEmpty && _leases.IsEmpty);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> LockAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var asked = FopFacts.CopyAs<TFop, LkFop>(in fop);
        if (asked.Command is not (LockCommand.SetLock or LockCommand.SetLockWait))
        {
            return await SendAsync<TFop, TReply>(fop, call, new LockTrip { Ask = LockAsk.Look });
        }

        var change = FopFacts.CopyAs<LkFop, TFop>(asked with { Command = LockCommand.SetLock });
        if (asked.Type == LockType.Unlock && LockSession.HasLeft(asked.XData))
        {
            TakeBack(_book.TakeBack(asked.Fd.Gfid, call.LockOwner, asked.Flock));
            return TReply.Rent();
        }

        if (asked.Type == LockType.Unlock)
        {
            _book.Cancel(asked.Fd.Gfid, call.LockOwner, (asked.Flock.Start, asked.Flock.Length));
            if (HeldLock.TryGetEnd(asked.Flock, out var end))
            {
                Fds.Locks.Remove(asked.Fd.Gfid, call.LockOwner, asked.Flock.Start, end);
            }

            return await ChangeLockAsync<TFop, TReply>(change, asked, call);
        }

        while (_book.Owed(asked.Fd.Gfid, call.LockOwner) is { } owed)
        {
            await owed;
        }

        return asked.Command == LockCommand.SetLock
            ? await ChangeLockAsync<TFop, TReply>(change, asked, call)
            : await WaitForLockAsync<TFop, TReply>(fop, change, asked, call);
    }

    private async ValueTask<TReply> WaitForLockAsync<TFop, TReply>(TFop fop, TFop change, LkFop asked, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var waiting = _book.Begin(asked, call.LockOwner);
        var trip = new LockTrip
        {
            Ask = LockAsk.Look,
            SinceNs = _seams.Clock.MonotonicNs,
            Wait = waiting.Number,
        };
        try
        {
            while (!waiting.IsCancelled)
            {
                var reply = await ChangeLockAsync<TFop, TReply>(change, asked, call);
                if (waiting.IsCancelled && reply.IsOk && !waiting.IsTakenBack)
                {
                    reply.Release();
                    // What was to end the wait came before this.
                    GiveUp(asked, call.LockOwner, call.Pid, waiting.Session);
                    break;
                }

                if (reply.Error != Errno.EAGAIN)
                {
                    return reply;
                }

                reply.Release();
                if (waiting.IsCancelled)
                {
                    break;
                }

                reply = await SendAsync<TFop, TReply>(fop, call, trip);
                if (!reply.IsOk)
                {
                    return reply;
                }

                reply.Release();
            }

            return TReply.Fail(Errno.EINTR);
        }
        finally
        {
            _book.End(waiting);
        }
    }

    /// <summary>
    /// Takes or gives up a lock. Of what is not known the owner's FLUSH, or the RELEASE, has to take care.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ChangeLockAsync<TFop, TReply>(TFop change, LkFop asked, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var behind = LockSession.Of(asked.XData);
        if (asked.Type == LockType.Read && HeldLock.TryGetEnd(asked.Flock, out var end))
        {
            // A server that has done it and could not say so must not be asked for the write lock of before.
            Fds.Locks.Weaken(asked.Fd.Gfid, call.LockOwner, asked.Flock.Start, end);
        }

        var reply = await SendAsync<TFop, TReply>(change, call, LockTrip.Change);
        if (reply.Error is not (Errno.Ok or Errno.EAGAIN or Errno.ENOLCK or Errno.EINVAL)
            && !IsGoneOn(reply, behind))
        {
            _book.Doubt(asked.Fd, call.LockOwner, behind);
        }
        else if (reply.IsOk && asked.Type != LockType.Unlock)
        {
            TellHolding();
        }

        return reply;
    }

    /// <summary>The client behind this proxy has gone on to another one, which speaks for it now.</summary>
    private static bool IsGoneOn(Reply reply, LockSession behind) =>
        reply.Error == Errno.ECANCELED && !behind.IsNone;

    /// <summary>
    /// FLUSH of an owner that has locks on the file, or may have some. A client behind this proxy may have taken some
    /// through another one.
    /// </summary>
    private bool EndsLocks(in Gfid gfid, LkOwner owner, XData? xdata) =>
        _book.Cancel(in gfid, owner, range: null) | Fds.Locks.HasOwner(in gfid, owner)
        | _book.IsDoubtful(in gfid, owner) | !LockSession.Of(xdata).IsNone;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> FlushLocksAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var fd = TFop.FdOf(in fop)!; // A FLUSH has one.
        var behind = LockSession.Of(TFop.XDataOf(in fop));
        Fds.Locks.RemoveOwner(fd.Gfid, call.LockOwner);
        var reply = await SendAsync<TFop, TReply>(fop, call, LockTrip.Change);
        if (reply.IsOk)
        {
            _book.Settle(fd.Gfid, call.LockOwner);
        }
        else if (!IsGoneOn(reply, behind))
        {
            GiveUp(fd.Gfid, call.LockOwner, 0, HeldLock.EndOfFile, call.Pid, behind);
        }

        return reply;
    }

    /// <summary>
    /// An fd is closed, or cannot be used any more: what came by it is given up. What a client behind this proxy holds
    /// stays when that has left without a word: it may be on its way to another proxy.
    /// </summary>
    private void LeaveLocks(Fd fd, bool hasLeft)
    {
        var gone = new Dictionary<UInt128, LockSession>();
        foreach (var held in Fds.Locks.TakeFd(fd))
        {
            if (hasLeft && !held.Session.IsNone)
            {
                gone[held.Session.Id] = held.Session;
            }
            else
            {
                GiveUp(fd.Gfid, held.Owner, held.Start, held.End, held.CallerPid, held.Session);
            }
        }

        foreach (var (owner, session) in _book.TakeDoubtful(fd))
        {
            if (!hasLeft || session.IsNone)
            {
                GiveUp(fd.Gfid, owner, 0, HeldLock.EndOfFile, pid: 0, session);
            }
        }

        if (gone.Count > 0)
        {
            TellLeft(gone);
        }
    }

    private void GiveUp(in LkFop asked, LkOwner owner, int pid, LockSession session)
    {
        if (HeldLock.TryGetEnd(asked.Flock, out var end))
        {
            GiveUp(asked.Fd.Gfid, owner, asked.Flock.Start, end, pid, session);
        }
    }

    private void GiveUp(Gfid gfid, LkOwner owner, long start, long end, int pid, LockSession session) =>
        _ = GiveUpAsync(gfid, owner, start, end, pid, session);

    /// <summary>Gives up a range however long it takes; new locks of the owner wait for that.</summary>
    private async Task GiveUpAsync(Gfid gfid, LkOwner owner, long start, long end, int pid, LockSession session)
    {
        var owed = _book.Owe(in gfid, owner, out var former);
        if (former is not null)
        {
            await former;
        }

        var call = Call.Internal(pid);
        call.LockOwner = owner;
        var xdata = session.RentXData();
        while (!_isStopped)
        {
            var fop = new LkFop
            {
                Gfid = gfid,
                Fd = call.AnonymousFd(gfid),
                Command = LockCommand.SetLock,
                Type = LockType.Unlock,
                Flock = new Flock(
                    LockType.Unlock, 0, start, end == HeldLock.EndOfFile ? 0 : end - start + 1, 0, owner),
                XData = xdata,
            };
            var reply = await SendAsync<LkFop, LkReply>(fop, call, LockTrip.Change);
            var error = reply.Error;
            reply.Release();
            if (error is not (Errno.ENOTCONN or Errno.EIO))
            {
                break;
            }

            await PauseAsync(SendingLimits.GiveUpPauseMs, mayBlock: false);
        }

        xdata?.Release();
        call.Release();
        _book.Paid(in gfid, owner, owed);
    }

    /// <summary>A client of a door has left: what it waits for is taken back.</summary>
    private void CancelWaits(ClientIdentity client)
    {
        var cancelled = _book.CancelOf(client);
        foreach (var waiting in cancelled)
        {
            if (!waiting.IsTakenBack)
            {
                GiveUp(waiting.Asked, waiting.Owner, pid: 0, session: default);
            }
        }

        TakeBack(cancelled.FindAll(static waiting => waiting.IsTakenBack));
    }

    /// <summary>
    /// Clients behind this proxy have left it: their waits are over at the server, and what they hold stays.
    /// </summary>
    private void TakeBack(List<LockWaiting> waits)
    {
        foreach (var waiting in waits)
        {
            _ = TakeBackAsync(waiting.Asked.Fd.Gfid, waiting.Owner, waiting.Asked.Flock, waiting.Number);
        }
    }

    private async Task TakeBackAsync(Gfid gfid, LkOwner owner, Flock flock, ulong number)
    {
        var call = Call.Internal();
        call.LockOwner = owner;
        var xdata = XData.Rent();
        xdata.SetInt(LockSession.LeftKey, 1);
        var fop = new LkFop
        {
            Gfid = gfid,
            Fd = call.AnonymousFd(gfid),
            Command = LockCommand.SetLock,
            Type = LockType.Unlock,
            Flock = flock with { Type = LockType.Unlock },
            XData = xdata,
        };
        (await SendAsync<LkFop, LkReply>(fop, call, new LockTrip { Ask = LockAsk.Look, Wait = number })).Release();
        xdata.Release();
        call.Release();
    }

    /// <summary>
    /// Who holds something through an fd, for a process that takes the locks along; null when that is not what is
    /// asked. Clients behind this proxy come by their names.
    /// </summary>
    private FgetxattrReply? HoldersOf(in FgetxattrFop fop)
    {
        if (!fop.Name.Span.SequenceEqual(LockMove.InfoName) || Sessions.Current is not { } session)
        {
            return null;
        }

        var owners = new HashSet<LkOwner>();
        var held = Fds.Locks.Of(fop.Fd);
        foreach (var one in held)
        {
            if (one.Session.IsNone)
            {
                owners.Add(one.Owner);
            }
        }

        if (held.Count == 0)
        {
            return null;
        }

        var value = LockMove.WriteHolders(session.Id, owners);
        var reply = FgetxattrReply.Rent();
        reply.Values = XData.Rent();
        reply.Values.SetBytes(LockMove.InfoName, value);
        reply.OpRet = value.Length;
        return reply;
    }

    /// <summary>
    /// The servers do not know the session any more, nor what it held: its holders have to hear. What clients behind
    /// this proxy hold is in sessions of their own.
    /// </summary>
    private void LoseLocks()
    {
        foreach (var fd in Fds.Locks.Fds(ownOnly: true))
        {
            Fds.Spoil(fd);
        }

        LoseLeases();
    }

    /// <summary>
    /// Says, at the server that is asked, that the session is the one of this connection, and which clients behind this
    /// proxy are there; and again after a while, to find out about a server that does not lead any more.
    /// </summary>
    private void TellHolding()
    {
        if (_finder.Choice is { } choice && Sessions.Current is { } session
            && !(ReferenceEquals(Volatile.Read(ref _heldAt), choice) && _heldSession == session.Id))
        {
            _ = HoldAsync(choice, session);
        }

        if (Interlocked.Exchange(ref _isRenewing, 1) == 0)
        {
            _seams.Scheduler.Schedule(SendingLimits.HoldAgainMs, HoldAgain);
        }
    }

    private void OnFound()
    {
        if (HoldsLocks)
        {
            TellHolding();
        }
    }

    private void HoldAgain()
    {
        Volatile.Write(ref _isRenewing, 0);
        if (!_isStopped && HoldsLocks)
        {
            Volatile.Write(ref _heldAt, null);
            TellHolding();
            if (_finder.Choice is null)
            {
                _finder.Want(true);
            }
        }
    }

    private async Task HoldAsync(Choice choice, Session session)
    {
        _heldSession = session.Id;
        Volatile.Write(ref _heldAt, choice);
        var behind = Behind();
        var error = Errno.Ok;
        for (var i = 0; error == Errno.Ok && (i == 0 || i < behind.Length); i += LockClaim.BehindMax)
        {
            var xdata = XDataOf(session.Id);
            xdata.SetInt(LockClaim.Grace, _rules.LockGraceMs);
            error = await TellAsync(choice, LockClaim.HoldSession, xdata, BehindFrom(behind, i));
        }

        if (error is Errno.EREMOTE or Errno.ENOTCONN)
        {
            Volatile.Write(ref _heldAt, null);
            _finder.Want(true);
        }
        else if (!_leases.IsEmpty)
        {
            await CheckLeasesAsync(choice);
        }
    }

    /// <summary>
    /// Says of clients behind this proxy that they have left it. A server that does not hear it has no connection of
    /// ours, or does not lead: it knows nothing of them through us.
    /// </summary>
    private void TellLeft(Dictionary<UInt128, LockSession> gone)
    {
        foreach (var present in Behind())
        {
            gone.Remove(present.Id);
        }

        if (_finder.Choice is { } choice)
        {
            LockSession[] left = [.. gone.Values];
            for (var i = 0; i < left.Length; i += LockClaim.BehindMax)
            {
                _ = TellAsync(choice, LockClaim.LeaveSessions, XData.Rent(), BehindFrom(left, i));
            }
        }
    }

    private static ReadOnlyMemory<LockSession> BehindFrom(LockSession[] sessions, int first) =>
        sessions.AsMemory(first, Math.Min(LockClaim.BehindMax, sessions.Length - first));

    /// <summary>Tells a server something about clients behind this proxy; takes the dictionary.</summary>
    private async Task<Errno> TellAsync(
        Choice choice, int operation, XData xdata, ReadOnlyMemory<LockSession> behind)
    {
        if (behind.Length > 0)
        {
            LockClaim.WriteBehind(xdata, behind.Span);
        }

        var call = Call.Internal();
        var reply = await choice.Server.Translator.Ipc(new IpcFop { Operation = operation, XData = xdata }, call);
        var error = reply.Error;
        if (error is Errno.EREMOTE or Errno.ENOTCONN)
        {
            _finder.Lost(choice, _finder.HintOf(reply));
        }

        reply.Release();
        call.Release();
        xdata.Release();
        return error;
    }
}
