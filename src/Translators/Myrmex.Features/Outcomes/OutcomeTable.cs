using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Features.Outcomes;

/// <summary>What is to be done with a step.</summary>
internal enum StepVerdict
{
    /// <summary>It is new: carry it out, then <see cref="OutcomeTable.End"/>.</summary>
    Run,

    /// <summary>New, but it may have been known before: carry it out with the guards of a retry.</summary>
    RunGuarded,

    /// <summary>It is under way: wait, then ask again.</summary>
    Wait,

    /// <summary>It has been carried out.</summary>
    Known,

    /// <summary>ECANCELED: another run has taken the change over.</summary>
    Superseded,

    /// <summary>EBADE: the client has said that it has the outcome, or that it has left.</summary>
    Acknowledged,
}

/// <summary>
/// The outcomes of one brick process, by session, number and label. Safe for all threads.
/// </summary>
/// <remarks>
/// Invariant: of a step that is under way or known, no second one begins. Invariant: after <see cref="TakeOverAsync"/>
/// no step of another run of that change begins, and none is under way. Invariant: what is forgotten is not asked for
/// again, or the question is answered as one of a table that does not know: see <see cref="IsUncertain"/>.
/// </remarks>
internal sealed class OutcomeTable(IClock clock)
{
    private readonly Lock _lock = new(); // Guards everything below; a leaf lock.
    private readonly Dictionary<UInt128, SessionState> _sessions = [];
    private long _certainFromNs = clock.MonotonicNs; // Of changes sent before, something may be missing.
    private long _sweptNs = clock.MonotonicNs;
    private int _outcomes;
    private long _bytes;
    private long _repeats;

    /// <summary>Sessions, outcomes, their bytes, steps answered from what is known.</summary>
    public (int Sessions, int Outcomes, long Bytes, long Repeats) Counts
    {
        get
        {
            lock (_lock)
            {
                return (_sessions.Count, _outcomes, _bytes, _repeats);
            }
        }
    }

    /// <summary>Begins a step, or finds it.</summary>
    public StepVerdict Begin(in Change change, out Outcome? outcome)
    {
        var nowNs = clock.MonotonicNs;
        lock (_lock)
        {
            Sweep(nowNs);
            outcome = null;
            if (Use(in change, nowNs) is not { } session)
            {
                return IsUncertain(in change, null) ? StepVerdict.RunGuarded : StepVerdict.Run;
            }

            if (Refusal(session, in change, out var state) is { } refusal)
            {
                return refusal;
            }

            outcome = Find(state, change.Label);
            if (outcome is not null)
            {
                _repeats++;
                return outcome.Reply is null ? StepVerdict.Wait : StepVerdict.Known;
            }

            var isUncertain = IsUncertain(in change, session);
            if (HasRoom(session))
            {
                outcome = new Outcome(change.Label, change.Note);
                Need(session, change.Number, state, change.Run).Outcomes.Add(outcome);
                session.OutcomeCount++;
                _outcomes++;
            }
            else
            {
                session.IncompleteUpTo = Math.Max(session.IncompleteUpTo, change.Number);
            }

            return isUncertain ? StepVerdict.RunGuarded : StepVerdict.Run;
        }
    }

    /// <summary>A step has ended: with a reply that is kept, or without an effect worth remembering.</summary>
    /// <param name="reply">Kept as it is; null when it has failed.</param>
    public void End(in Change change, Outcome outcome, Reply? reply)
    {
        lock (_lock)
        {
            if (_sessions.TryGetValue(change.Session, out var session)
                && session.Changes.TryGetValue(change.Number, out var state) && state.Outcomes.Contains(outcome))
            {
                if (reply is null)
                {
                    Remove(session, change.Number, state, outcome);
                }
                else
                {
                    outcome.Reply = reply;
                    outcome.Bytes = OutcomeLimits.OutcomeBytes + (reply.XData?.Encoded.Length ?? 0);
                    _bytes += outcome.Bytes;
                }
            }
        }

        outcome.Done.SetResult();
    }

    /// <summary>
    /// Another run of a change begins: waits for what is under way of the others, refuses the rest of them, and tells
    /// what is known.
    /// </summary>
    public async ValueTask<TakenOver> TakeOverAsync(Change change)
    {
        var underWay = new List<Task>();
        lock (_lock)
        {
            var session = Use(in change, clock.MonotonicNs);
            if (session is null || session.IsEnded || change.Number <= session.AcknowledgedUpTo)
            {
                return new TakenOver(session is null ? Errno.EAGAIN : Errno.EBADE, [], IsUncertain: true);
            }

            session.Changes.TryGetValue(change.Number, out var state);
            state = Need(session, change.Number, state, change.Run);
            state.Run = change.Run;
            underWay.AddRange(state.Outcomes.Where(o => o.Reply is null).Select(o => o.Done.Task));
        }

        foreach (var task in underWay)
        {
            await task;
        }

        lock (_lock)
        {
            if (!_sessions.TryGetValue(change.Session, out var session)
                || !session.Changes.TryGetValue(change.Number, out var state) || state.Run != change.Run)
            {
                return new TakenOver(Errno.ECANCELED, [], IsUncertain: true);
            }

            var steps = state.Outcomes.Where(o => o.Reply is not null).Select(o => new KnownStep(o.Label, o.Note));
            return new TakenOver(Errno.Ok, [.. steps], IsUncertain(in change, session));
        }
    }

    /// <summary>False when the session is not known and cannot be made.</summary>
    public bool TryBegin(UInt128 session)
    {
        lock (_lock)
        {
            return Use(new Change(session, 1, 0, MayBeKnown: false), clock.MonotonicNs) is { IsEnded: false };
        }
    }

    /// <summary>Nothing is asked for again, and what comes late is refused until it is forgotten.</summary>
    public void EndSession(UInt128 id)
    {
        lock (_lock)
        {
            if (_sessions.TryGetValue(id, out var session))
            {
                session.IsEnded = true;
                foreach (var (number, state) in session.Changes.ToList())
                {
                    Forget(session, number, state);
                }
            }
        }
    }

    /// <summary>Ok while the run of a step may take locks.</summary>
    public Errno CheckRun(in Change change)
    {
        lock (_lock)
        {
            return Use(in change, clock.MonotonicNs) is not { } session ? Errno.Ok
                : Refusal(session, in change, out _) switch
                {
                    StepVerdict.Superseded => Errno.ECANCELED,
                    StepVerdict.Acknowledged => Errno.EBADE,
                    _ => Errno.Ok,
                };
        }
    }

    /// <summary>
    /// The step is not known, but it was sent before, and what happened then may have been forgotten: the process has
    /// started since, there was no room, or nobody has used the session for too long.
    /// </summary>
    private bool IsUncertain(in Change change, SessionState? session) =>
        change.MayBeKnown
        && (change.SentNs <= _certainFromNs + OutcomeLimits.SlackNs
            || (session is not null && change.Number <= session.IncompleteUpTo)
            || ChangeRecord.AgeMs(in change, clock.MonotonicNs) > ChangeRecord.AgeMaxMs);

    /// <summary>The session, made when missing; null when there is no room for another.</summary>
    private SessionState? Use(in Change change, long nowNs)
    {
        if (!_sessions.TryGetValue(change.Session, out var session))
        {
            if (_sessions.Count >= OutcomeLimits.SessionsMax)
            {
                _certainFromNs = nowNs;
                return null;
            }

            session = new SessionState();
            _sessions.Add(change.Session, session);
        }

        session.UsedNs = nowNs;
        if (change.AcknowledgedUpTo > session.AcknowledgedUpTo)
        {
            Acknowledge(session, change.AcknowledgedUpTo);
        }

        return session;
    }

    private static StepVerdict? Refusal(SessionState session, in Change change, out ChangeState? state)
    {
        session.Changes.TryGetValue(change.Number, out state);
        return session.IsEnded || change.Number <= session.AcknowledgedUpTo ? StepVerdict.Acknowledged
            : state is not null && state.Run != change.Run && (state.Run != 0 || change.Run == 0)
                ? StepVerdict.Superseded
            : null;
    }

    private void Acknowledge(SessionState session, ulong upTo)
    {
        var isSmall = upTo - session.AcknowledgedUpTo < (ulong)session.Changes.Count;
        for (var number = session.AcknowledgedUpTo + 1; isSmall && number <= upTo; number++)
        {
            if (session.Changes.TryGetValue(number, out var state))
            {
                Forget(session, number, state);
            }
        }

        if (!isSmall)
        {
            foreach (var (number, state) in session.Changes.Where(c => c.Key <= upTo).ToList())
            {
                Forget(session, number, state);
            }
        }

        session.AcknowledgedUpTo = upTo;
    }

    private bool HasRoom(SessionState session) =>
        session.OutcomeCount < OutcomeLimits.SessionOutcomesMax && _outcomes < OutcomeLimits.OutcomesMax
        && _bytes < OutcomeLimits.BytesMax;

    private static ChangeState Need(SessionState session, ulong number, ChangeState? state, uint run)
    {
        if (state is null)
        {
            state = new ChangeState();
            session.Changes.Add(number, state);
        }

        state.Run = state.Run == 0 ? run : state.Run; // It was not here when it took over.
        return state;
    }

    private static Outcome? Find(ChangeState? state, uint label)
    {
        for (var i = 0; i < state?.Outcomes.Count; i++)
        {
            if (state.Outcomes[i].Label == label)
            {
                return state.Outcomes[i];
            }
        }

        return null;
    }

    private void Remove(SessionState session, ulong number, ChangeState state, Outcome outcome)
    {
        state.Outcomes.Remove(outcome);
        session.OutcomeCount--;
        _outcomes--;
        _bytes -= outcome.Bytes;
        DropIdle(session, number, state);
    }

    private static void DropIdle(SessionState session, ulong number, ChangeState state)
    {
        if (state.IsIdle)
        {
            session.Changes.Remove(number);
        }
    }

    private void Forget(SessionState session, ulong number, ChangeState state)
    {
        session.Changes.Remove(number);
        session.OutcomeCount -= state.Outcomes.Count;
        _outcomes -= state.Outcomes.Count;
        _bytes -= state.Outcomes.Sum(o => o.Bytes);
    }

    private void Sweep(long nowNs)
    {
        if (nowNs - _sweptNs < OutcomeLimits.SweepNs)
        {
            return;
        }

        _sweptNs = nowNs;
        var sinceNs = nowNs - (ChangeRecord.SessionIdleMs * 1_000_000);
        foreach (var (id, session) in _sessions.Where(s => s.Value.UsedNs < sinceNs).ToList())
        {
            foreach (var (number, state) in session.Changes.ToList())
            {
                Forget(session, number, state);
            }

            _sessions.Remove(id);
        }
    }
}

/// <summary>What a run finds that takes a change over.</summary>
internal readonly record struct TakenOver(
    Errno Error, IReadOnlyCollection<KnownStep> Steps, bool IsUncertain);
