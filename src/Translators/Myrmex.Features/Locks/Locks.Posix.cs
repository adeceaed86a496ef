using System;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>POSIX record locks: LK, and what FLUSH and RELEASE mean for them.</summary>
public sealed partial class Locks
{
    public override ValueTask<LkReply> Lk(in LkFop fop, Call call)
    {
        if (!TryGetRange(fop.Flock, out var start, out var end, out var error))
        {
            return new ValueTask<LkReply>(Answer(fop.Flock, error));
        }

        AdoptAwaited(call);

        // The type that counts is the fop's own, like on the wire; the owner that counts is the credential's.
        var flock = fop.Flock with { Type = fop.Type };
        var gfid = fop.Fd.FileOf(fop.Gfid);
        var wanted = new PosixLock(
            LockHolder.Of(call, fop.XData), fop.Type, start, end, flock.Pid, fop.Fd.IsAnonymous ? null : fop.Fd);
        var former = fop.Type < LockType.Unlock ? FormerOf(fop.XData) : null;
        switch (fop.Command)
        {
            case LockCommand.GetLock when fop.Type <= LockType.Unlock:
                return new ValueTask<LkReply>(GetLock(in gfid, in wanted, in flock));
            case LockCommand.SetLock when fop.Type == LockType.Unlock && LockSession.HasLeft(fop.XData):
                return new ValueTask<LkReply>(Answer(in flock, TakeBack(in gfid, in wanted)));
            case LockCommand.SetLock when fop.Type <= LockType.Unlock:
            case LockCommand.SetLockWait when fop.Type == LockType.Unlock:
                return new ValueTask<LkReply>(Answer(in flock, SetLock(in gfid, in wanted, former)));
            case LockCommand.SetLockWait when fop.Type < LockType.Unlock:
                return WaitLock(in gfid, in wanted, in flock, former);
            default:
                return new ValueTask<LkReply>(Answer(in flock, Errno.EINVAL));
        }
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        if (_posixFileCount != 0 && !fop.Fd.IsAnonymous)
        {
            var effects = LockEffects.Rent();
            var hasLeft = call.Client is { IsGone: true } || LockSession.HasLeft(fop.XData);
            lock (_posixGuard)
            {
                if (_posix.DropFd(fop.Fd.FileOf(fop.Gfid), fop.Fd, effects, hasLeft ? NowMs : 0))
                {
                    LookForLeft();
                }

                _posixFileCount = _posix.FileCount;
            }

            CarryOut(effects);
        }

        return Next.Release(in fop, call);
    }

    private static LkReply Answer(in Flock flock, Errno error)
    {
        var reply = error == Errno.Ok ? LkReply.Rent() : LkReply.Fail(error);
        reply.Flock = flock;
        return reply;
    }

    private LkReply GetLock(in Gfid gfid, in PosixLock wanted, in Flock flock)
    {
        lock (_posixGuard)
        {
            return wanted.Type != LockType.Unlock && _posix.TryFindConflict(in gfid, in wanted, out var conflict)
                ? Answer(conflict.ToFlock(), Errno.Ok)
                : Answer(flock with { Type = LockType.Unlock }, Errno.Ok);
        }
    }

    private LockVerdict Set(in PosixLockRequest request, Predicate<Fd>? former, LockEffects effects) =>
        former is null ? _posix.Set(in request, effects) : _posix.Move(in request, former, effects);

    private Errno SetLock(in Gfid gfid, in PosixLock wanted, Predicate<Fd>? former)
    {
        var effects = LockEffects.Rent();
        LockVerdict verdict;
        lock (_posixGuard)
        {
            verdict = !_posix.TryEnter(wanted.Holder.Session, effects) ? LockVerdict.Late
                : Set(new PosixLockRequest(gfid, wanted, Ticket: null), former, effects);
            _posixFileCount = _posix.FileCount;
        }

        CarryOut(effects);
        return ToErrno(verdict);
    }

    /// <summary>A client behind a proxy has left it: its wait is over, and what it holds stays.</summary>
    private Errno TakeBack(in Gfid gfid, in PosixLock wanted)
    {
        var effects = LockEffects.Rent();
        LockVerdict verdict;
        lock (_posixGuard)
        {
            verdict = !_posix.TryEnter(wanted.Holder.Session, effects) ? LockVerdict.Late
                : _posix.Cancel(new PosixLockRequest(gfid, wanted, Ticket: null), effects);
            _posixFileCount = _posix.FileCount;
        }

        CarryOut(effects);
        return ToErrno(verdict);
    }

    private ValueTask<LkReply> WaitLock(
        in Gfid gfid, in PosixLock wanted, in Flock flock, Predicate<Fd>? former)
    {
        var ticket = PosixLockTicket.Rent(in flock, out var task);
        var effects = LockEffects.Rent();
        LockVerdict verdict;
        lock (_posixGuard)
        {
            verdict = !_posix.TryEnter(wanted.Holder.Session, effects) ? LockVerdict.Late
                : Set(new PosixLockRequest(gfid, wanted, ticket), former, effects);
            _posixFileCount = _posix.FileCount;
        }

        CarryOut(effects);
        if (verdict != LockVerdict.Waiting)
        {
            ticket.Complete(ToErrno(verdict));
        }

        return task;
    }

    /// <summary>FLUSH of an owner ends all it has on the file. Source: close(2) and fcntl(2).</summary>
    private void DropHolder(in Gfid gfid, Call call, XData? xdata)
    {
        if (_posixFileCount == 0)
        {
            return;
        }

        AdoptAwaited(call);
        var effects = LockEffects.Rent();
        lock (_posixGuard)
        {
            var holder = LockHolder.Of(call, xdata);
            if (_posix.TryEnter(holder.Session, effects))
            {
                _posix.DropHolder(in gfid, in holder, effects);
            }

            _posixFileCount = _posix.FileCount;
        }

        CarryOut(effects);
    }

    /// <summary>
    /// Under the guard of the POSIX locks: what was left behind is dropped when nobody takes it over.
    /// </summary>
    private void LookForLeft() =>
        _leftLook ??= Seams.Scheduler.Schedule(LockLimits.LeftMs + LockLimits.LeftSlackMs, DropLeft);

    /// <summary>The same, not under the guard, if there is something.</summary>
    private void LookForLeft(bool isLeft)
    {
        if (isLeft)
        {
            lock (_posixGuard)
            {
                LookForLeft();
            }
        }
    }

    private void DropLeft()
    {
        var effects = LockEffects.Rent();
        var untilMs = NowMs - LockLimits.LeftMs;
        lock (_posixGuard)
        {
            _leftLook = null;
            if (_posix.DropLeft(untilMs, effects))
            {
                LookForLeft();
            }

            _posixFileCount = _posix.FileCount;
        }

        var isLeft = false;
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                isLeft |= shard.Inodes.DropLeft(untilMs, effects);
                isLeft |= shard.Entries.DropLeft(untilMs, effects);
            }
        }

        LookForLeft(isLeft);
        CarryOut(effects);
    }
}
