using System;
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
                if (waiting.IsCancelled && reply.IsOk)
                {
                    reply.Release();
                    GiveUp(asked, call.LockOwner, call.Pid); // What was to end the wait came before this.
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

    /// <summary>Takes or gives up a lock. What is not known goes with the owner's FLUSH, or the RELEASE.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ChangeLockAsync<TFop, TReply>(TFop change, LkFop asked, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var reply = await SendAsync<TFop, TReply>(change, call, LockTrip.Change);
        if (reply.Error is not (Errno.Ok or Errno.EAGAIN or Errno.ENOLCK or Errno.EINVAL))
        {
            _book.Doubt(asked.Fd, call.LockOwner);
        }
        else if (reply.IsOk && asked.Type != LockType.Unlock)
        {
            TellHolding();
        }

        return reply;
    }

    /// <summary>FLUSH of an owner that has locks on the file, or may have some.</summary>
    private bool EndsLocks(in Gfid gfid, LkOwner owner) =>
        _book.Cancel(in gfid, owner, range: null) | Fds.Locks.HasOwner(in gfid, owner)
        | _book.IsDoubtful(in gfid, owner);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> FlushLocksAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var fd = TFop.FdOf(in fop)!; // A FLUSH has one.
        Fds.Locks.RemoveOwner(fd.Gfid, call.LockOwner);
        var reply = await SendAsync<TFop, TReply>(fop, call, LockTrip.Change);
        if (reply.IsOk)
        {
            _book.Settle(fd.Gfid, call.LockOwner);
        }
        else
        {
            GiveUp(fd.Gfid, call.LockOwner, 0, HeldLock.EndOfFile, call.Pid);
        }

        return reply;
    }

    /// <summary>An fd is closed, or cannot be used any more: what came by it is given up.</summary>
    private void LeaveLocks(Fd fd)
    {
        foreach (var held in Fds.Locks.TakeFd(fd))
        {
            GiveUp(fd.Gfid, held.Owner, held.Start, held.End, held.CallerPid);
        }

        foreach (var owner in _book.TakeDoubtful(fd))
        {
            GiveUp(fd.Gfid, owner, 0, HeldLock.EndOfFile, pid: 0);
        }
    }

    private void GiveUp(in LkFop asked, LkOwner owner, int pid)
    {
        if (HeldLock.TryGetEnd(asked.Flock, out var end))
        {
            GiveUp(asked.Fd.Gfid, owner, asked.Flock.Start, end, pid);
        }
    }

    private void GiveUp(Gfid gfid, LkOwner owner, long start, long end, int pid) =>
        _ = GiveUpAsync(gfid, owner, start, end, pid);

    /// <summary>Gives up a range however long it takes; new locks of the owner wait for that.</summary>
    private async Task GiveUpAsync(Gfid gfid, LkOwner owner, long start, long end, int pid)
    {
        var owed = _book.Owe(in gfid, owner, out var former);
        if (former is not null)
        {
            await former;
        }

        var call = Call.Internal(pid);
        call.LockOwner = owner;
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

        call.Release();
        _book.Paid(in gfid, owner, owed);
    }

    /// <summary>A client of a door has left: what it waits for is taken back.</summary>
    private void CancelWaits(ClientIdentity client)
    {
        foreach (var waiting in _book.CancelOf(client))
        {
            GiveUp(waiting.Asked, waiting.Owner, pid: 0);
        }
    }

    /// <summary>The servers do not know the session any more, nor what it held: its holders have to hear.</summary>
    private void LoseLocks()
    {
        foreach (var fd in Fds.Locks.Fds())
        {
            Fds.Spoil(fd);
        }
    }

    /// <summary>
    /// Says, at the server that is asked, that the session is the one of this connection; and again after a while, to
    /// find out about a server that does not lead any more.
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
        if (!Fds.Locks.IsEmpty)
        {
            TellHolding();
        }
    }

    private void HoldAgain()
    {
        Volatile.Write(ref _isRenewing, 0);
        if (!_isStopped && !Fds.Locks.IsEmpty)
        {
            Volatile.Write(ref _heldAt, null);
            TellHolding();
        }
    }

    private async Task HoldAsync(Choice choice, Session session)
    {
        _heldSession = session.Id;
        Volatile.Write(ref _heldAt, choice);
        var xdata = XDataOf(session.Id);
        xdata.SetInt(LockClaim.Grace, _rules.LockGraceMs);
        var call = Call.Internal();
        var reply = await choice.Server.Translator.Ipc(
            new IpcFop { Operation = LockClaim.HoldSession, XData = xdata }, call);
        if (reply.Error is Errno.EREMOTE or Errno.ENOTCONN)
        {
            Volatile.Write(ref _heldAt, null);
            _finder.Lost(choice, _finder.HintOf(reply));
            _finder.Want(true);
        }

        reply.Release();
        call.Release();
        xdata.Release();
    }
}
