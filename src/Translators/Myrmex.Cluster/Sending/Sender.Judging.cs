using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>What answers mean.</summary>
internal sealed partial class Sender
{
    /// <summary>
    /// Remembers what a success has opened or locked. A lock granted where its fd is not any more does not count.
    /// </summary>
    private Verdict Accept<TFop, TReply>(in TFop fop, Call call, in Way way, in Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (FopFacts.OpenedFd(in fop) is { } opened)
        {
            Fds.Add(opened, way.Choice!, TFop.XDataOf(in fop));
            BeginLooking();
        }
        else if (FopFacts.TryPosixLock(in fop, out var asked, out var end)
            && (trip.Lock is null || ReferenceEquals(trip.Lock, LockTrip.Change)))
        {
            if (asked.Type == LockType.Unlock || way is not { Open: { } open, Place: { } place })
            {
                return Verdict.Answer;
            }

            var held = new HeldLock(
                asked.Fd, place, call.LockOwner, call.Pid, asked.Flock.Pid, asked.Type, asked.Flock.Start, end)
            {
                Session = LockSession.Of(asked.XData),
            };
            return open.TryAdd(Fds.Locks, held) ? Verdict.Answer : Verdict.Again;
        }
        else if (FopFacts.AsksForChanges<TFop>())
        {
            return way.Open is { } changed && changed.TakeLostChange() ? Verdict.LostChange : Verdict.Answer;
        }
        else if (FopFacts.IsInternalLock<TFop>())
        {
            var granted = InternalLock.Of(in fop, out var unlocks);
            if (!unlocks)
            {
                _internalLocks.Add(call.LockOwner, in granted, way.Choice!, way.Losses);
            }
        }

        return Verdict.Answer;
    }

    /// <summary>What an error means for the fop.</summary>
    private Verdict Judge<TFop, TReply>(in TFop fop, Call call, TReply reply, in Way way, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        switch (reply.Error)
        {
            case Errno.EREMOTE:
                _finder.Lost(way.Choice!, _finder.HintOf(reply));
                return IsInternalUnlock(in fop) ? Verdict.Gone : Verdict.Again;
            case Errno.EAGAIN when reply.XData is { Count: > 0 } said
                && said.TryGetInt(LeaseKeys.Wait, out var wait):
                return wait == LeaseKeys.ComeAgain ? WaitForLease(ref trip) : Verdict.Answer;
            case Errno.EAGAIN when !FopFacts.AnswersAgain<TFop>():
                return Verdict.AgainLater;
            case Errno.ENOTCONN:
                var isLost = IsLost(in way);
                if (isLost)
                {
                    _finder.Lost(way.Choice!, null);
                }

                trip.IsUnknown |= trip.IsNumbered;
                return IsInternalUnlock(in fop) ? Verdict.Gone
                    : !FopFacts.MayRepeat<TFop, TReply>(in fop, trip.IsNumbered) ? Verdict.Answer
                    : isLost ? Verdict.Again
                    : Verdict.AgainLater;
            case Errno.EBADE when trip is { IsStep: true, HasBegun: false }
                && ChangeRecord.AgeMs(call.Change, _seams.Clock.MonotonicNs) <= ChangeRecord.AgeMaxMs:
                return Verdict.Begin;
            case Errno.EBADE when trip.Session is { } session:
                Sessions.Drop(session);
                if (_rules.KeepsLocks)
                {
                    LoseLocks();
                }

                if (trip.IsUnknown)
                {
                    return Verdict.Unknown;
                }

                Finish(ref trip);
                trip.Turn?.Renew(null, 0);
                return Verdict.Again;
            case Errno.EBADFD
                when way is { Open: { } open, Place: { } place } && trip.Reopens < SendingLimits.ReopensMax:
                trip.Reopens++;
                open.Stale(place);
                return Verdict.Again;
            case Errno.EBADF when FopFacts.TryPosixLock(in fop, out _, out _)
                && way is { Open: { IsClosed: false, IsBad: false } moved, Place: { } old }
                && !ReferenceEquals(moved.Place, old):
                return Verdict.Again; // It has waited at a server that was left, where the file is closed.
            default:
                return Verdict.Answer;
        }
    }

    /// <summary>
    /// A lease is in the way, and nothing was done. A number that was never sent before is given back: what waits for
    /// long must not hold up others.
    /// </summary>
    private Verdict WaitForLease(ref Trip trip)
    {
        if (!trip.IsUnknown)
        {
            Finish(ref trip);
            trip.Turn?.Renew(null, 0);
        }

        trip.BeginAnew();
        return Verdict.AgainLater;
    }

    /// <summary>The answer comes from a broken connection, or from a server that is left when it says so.</summary>
    private bool IsLost(in Way way) =>
        !_rules.StaysWithoutConnection || !way.Choice!.Server.MayBeUp || way.Choice.Server.Losses != way.Losses;

    private static bool IsInternalUnlock<TFop>(in TFop fop)
        where TFop : struct
    {
        if (!FopFacts.IsInternalLock<TFop>())
        {
            return false;
        }

        InternalLock.Of(in fop, out var unlocks);
        return unlocks;
    }

    /// <summary>
    /// What is known of an internal lock without asking: one that went with its server is given up by forgetting it,
    /// and who has lost one gets no other. Null when the server has to be asked.
    /// </summary>
    private Errno? CheckLost<TFop>(in TFop fop, Call call, Choice choice)
        where TFop : struct
    {
        var asked = InternalLock.Of(in fop, out var unlocks);
        if (unlocks)
        {
            var isLost = _internalLocks.TryRemove(call.LockOwner, in asked, choice, out var wasLost) && wasLost;
            return isLost ? Errno.Ok : null;
        }

        return _internalLocks.HasLost(call.LockOwner, choice) ? Errno.ENOTCONN : null;
    }

    /// <summary>What becomes of a fop after a reply.</summary>
    private enum Verdict
    {
        /// <summary>The reply is the answer.</summary>
        Answer,

        Again,

        /// <summary>Again after a pause: the server is too busy, or does not reach what is behind it.</summary>
        AgainLater,

        /// <summary>It can never be known whether it took effect.</summary>
        Unknown,

        /// <summary>It has succeeded, and somebody has to hear of a change before it that is lost.</summary>
        LostChange,

        /// <summary>Again, after the session of a client further up was begun.</summary>
        Begin,

        /// <summary>What it was to give up is gone.</summary>
        Gone,
    }
}
