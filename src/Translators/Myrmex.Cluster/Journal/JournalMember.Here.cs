using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Reads at a member that follows. The leader is asked as of when they are good; questions are put together: one is
/// under way, and who comes meanwhile waits for the next, because what was answered before he came may be newer than
/// what the leader has heard of.
/// </summary>
public sealed partial class JournalMember
{
    private readonly TouchTable _touches = redo.Touches;
    private readonly List<(ulong Index, ProposalWaiter Waiter)> _waitingHere = []; // For the store. Under _lock.
    private readonly QuestionLane _asks = new(); // Under _lock, as all of these.
    private readonly QuestionLane _asksThrough = new(); // Those that the leader may let wait, apart from the others.
    private ulong _leaderApplied; // What some leader has said its store has; that stays so.
    private ulong _horizon; // With elided entries, the store is not read before it has everything up to here.
    private int _storeLife; // Which content the store has: counts the copies that were begun, and elided entries.
    private long _readsHere;
    private long _readsAskedAgain;

    /// <summary>Reads that were answered here while another member led.</summary>
    public long ReadsHere => Volatile.Read(ref _readsHere);

    /// <summary>Of these, those for which the leader was asked twice.</summary>
    public long ReadsAskedAgain => Volatile.Read(ref _readsAskedAgain);

    /// <summary>
    /// Returns when the store may be read: it has everything that was answered before this was called.
    /// </summary>
    /// <returns>
    /// With what <see cref="EndReadHereAsync"/> wants; EREMOTE when this member cannot answer reads, or not soon.
    /// </returns>
    internal async ValueTask<(Errno Error, int StoreLife)> BeginReadHereAsync()
    {
        if (!IsCopyable)
        {
            return (Errno.EREMOTE, 0);
        }

        var storeLife = Volatile.Read(ref _storeLife);
        var told = await AskAsync(JournalIndex.None);
        var error = told.Error == Errno.Ok ? await WaitAppliedAsync(told.Index) : told.Error;
        return (error == Errno.Ok && !IsReadable(storeLife) ? Errno.EREMOTE : error, storeLife);
    }

    /// <summary>
    /// Whether what was read of a file since is good: EREMOTE when the store was made anew, or when it is not known
    /// that readers at the leader see what was seen here.
    /// </summary>
    internal async ValueTask<Errno> EndReadHereAsync(Gfid file, int storeLife)
    {
        var seen = _touches.ThroughOf(file);
        if (!IsReadable(storeLife))
        {
            return Errno.EREMOTE;
        }

        if (seen.Value > Volatile.Read(ref _leaderApplied))
        {
            Interlocked.Increment(ref _readsAskedAgain);
            var told = await AskAsync(seen);
            if (told.Error != Errno.Ok || seen.Value > Volatile.Read(ref _leaderApplied))
            {
                return Errno.EREMOTE;
            }
        }

        Interlocked.Increment(ref _readsHere);
        return Errno.Ok;
    }

    void IReplicaMachine.ReadHere(ulong tag, JournalIndex index, JournalIndex leaderApplied) =>
        EndQuestion(tag, new ProposeResult(Errno.Ok, index), leaderApplied);

    private bool IsReadable(int storeLife)
    {
        lock (_lock)
        {
            return _failure == Errno.Ok && !_isStuck && !_isStopped && !_isSuspended && !_isReplaying
                && _applied >= _horizon && storeLife == Volatile.Read(ref _storeLife);
        }
    }

    /// <summary>Under the lock, before an elided entry is applied: what is being read may be of neither time.</summary>
    private void NoteHorizon(JournalIndex through)
    {
        _horizon = Math.Max(_horizon, through.Value);
        _ = Interlocked.Increment(ref _storeLife);
    }

    private ValueTask<ProposeResult> AskAsync(JournalIndex through)
    {
        var waiter = ProposalWaiter.Rent();
        var task = waiter.Task;
        Question? begun = null;
        bool isStopped;
        lock (_lock)
        {
            var lane = through == JournalIndex.None ? _asks : _asksThrough;
            isStopped = _isStopped || (lane.Next?.Waiters.Count ?? 0) >= JournalLimits.ReadsHereMax;
            if (!isStopped)
            {
                lane.Next ??= new Question();
                lane.Next.Through = Math.Max(lane.Next.Through, through.Value);
                lane.Next.Waiters.Add(waiter);
                begun = BeginQuestion(lane);
            }
        }

        if (isStopped)
        {
            waiter.Complete(seams.Workers, new ProposeResult(Errno.EREMOTE, default));
        }

        Send(begun);
        return task;
    }

    /// <summary>Under the lock: the next question, if none is under way.</summary>
    private Question? BeginQuestion(QuestionLane lane)
    {
        if (lane.Asked is not null || lane.Next is null)
        {
            return null;
        }

        (lane.Asked, lane.Next) = (lane.Next, null);
        lane.Asked.Tag = ++_tag;
        return lane.Asked;
    }

    private void Send(Question? question)
    {
        if (question is not null)
        {
            var tag = question.Tag;
            question.Patience = seams.Scheduler.Schedule(
                JournalLimits.ReadHereMs, () => EndQuestion(tag, new ProposeResult(Errno.EREMOTE, default), default));
            _replica!.ReadHere(tag, new JournalIndex(question.Through));
        }
    }

    /// <summary>False when no such question is under way.</summary>
    private bool EndQuestion(ulong tag, ProposeResult result, JournalIndex leaderApplied)
    {
        Question ended;
        Question? begun;
        lock (_lock)
        {
            var lane = _asks.Asked?.Tag == tag ? _asks : _asksThrough;
            if (lane.Asked is null || lane.Asked.Tag != tag)
            {
                return false;
            }

            ended = lane.Asked;
            lane.Asked = null;
            Volatile.Write(ref _leaderApplied, Math.Max(_leaderApplied, leaderApplied.Value));
            begun = BeginQuestion(lane);
        }

        ended.Patience?.Dispose();
        Complete(ended.Waiters, in result);
        Send(begun);
        return true;
    }

    private async ValueTask<Errno> WaitAppliedAsync(JournalIndex index)
    {
        ProposalWaiter waiter;
        ValueTask<ProposeResult> task;
        lock (_lock)
        {
            if (_applied >= index.Value)
            {
                return Errno.Ok;
            }

            if (_isStopped || _failure != Errno.Ok || _waitingHere.Count >= JournalLimits.ReadsHereMax)
            {
                return Errno.EREMOTE;
            }

            waiter = ProposalWaiter.Rent();
            task = waiter.Task;
            _waitingHere.Add((index.Value, waiter));
        }

        _wake.Set(); // What was left for later.
        using var patience = seams.Scheduler.Schedule(JournalLimits.ReadHereMs, () => GiveUp(waiter));
        return (await task).Error;
    }

    private void GiveUp(ProposalWaiter waiter)
    {
        bool isWaiting;
        lock (_lock)
        {
            isWaiting = _waitingHere.RemoveAll(w => ReferenceEquals(w.Waiter, waiter)) > 0;
        }

        if (isWaiting)
        {
            waiter.Complete(seams.Workers, new ProposeResult(Errno.EREMOTE, default));
        }
    }

    /// <summary>After something was applied.</summary>
    private void AnswerWaitingHere()
    {
        List<ProposalWaiter> ready = [];
        lock (_lock)
        {
            _waitingHere.RemoveAll(w =>
            {
                var isReady = w.Index <= _applied;
                if (isReady)
                {
                    ready.Add(w.Waiter);
                }

                return isReady;
            });
        }

        Complete(ready, new ProposeResult(Errno.Ok, default));
    }

    /// <summary>The member ends.</summary>
    private void EndReadsHere()
    {
        List<ProposalWaiter> waiting;
        lock (_lock)
        {
            waiting = [.. _waitingHere.ConvertAll(w => w.Waiter), .. _asks.TakeAll(), .. _asksThrough.TakeAll()];
            _waitingHere.Clear();
        }

        Complete(waiting, new ProposeResult(Errno.EREMOTE, default));
    }

    /// <summary>The question that is under way, and the next one.</summary>
    private sealed class QuestionLane
    {
        public Question? Asked { get; set; }

        /// <summary>Of those who came since that one was asked.</summary>
        public Question? Next { get; set; }

        public List<ProposalWaiter> TakeAll()
        {
            List<ProposalWaiter> waiters = [.. Asked?.Waiters ?? [], .. Next?.Waiters ?? []];
            (Asked, Next) = (null, null);
            return waiters;
        }
    }

    /// <summary>One message to the leader, for all who wait for its answer.</summary>
    private sealed class Question
    {
        public ulong Tag { get; set; }

        public ulong Through { get; set; }

        public List<ProposalWaiter> Waiters { get; } = [];

        public IDisposable? Patience { get; set; }
    }
}
