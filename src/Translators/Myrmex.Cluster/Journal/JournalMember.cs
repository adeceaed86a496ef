using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Joins a <see cref="Replica"/> with the store of its brick: what is committed is applied, here by the fop that waits
/// for it and otherwise in the order of the journal, one after the other.
/// </summary>
/// <remarks>
/// Invariants: an entry is applied when it is committed and everything before it is applied, except that entries
/// proposed here, whose fops hold their keys until then, are applied side by side; this member serves in a term once
/// its store has everything up to the first entry of that term and no replay is under way; a proposal that was in the
/// journal before is answered when its entry is in the store.
/// </remarks>
/// <param name="redo">Applies to the store.</param>
/// <param name="seams">Its workers apply what is committed; the scheduler is the replica's.</param>
/// <param name="syncStore">Brings the store to its disk.</param>
public sealed partial class JournalMember(Redo redo, Seams seams, Func<ValueTask<Errno>> syncStore)
    : IReplicaLog, IReplicaMachine
{
    private readonly WorkerSignal _wake = new(seams.Workers);
    private readonly InlineGate _applyGate = new(seams.Clock);
    private readonly Lock _lock = new(); // Guards everything below; a leaf lock.
    private readonly Dictionary<ulong, ProposalWaiter> _byTag = [];
    private readonly Dictionary<ulong, ProposalWaiter> _byIndex = []; // Proposed here, not committed.
    private readonly List<(ulong Index, ProposalWaiter Waiter)> _known = []; // Proposed before; wait for the store.
    private readonly Queue<JournalEntry> _queue = []; // Committed, to be applied in order; owns its data.
    private readonly HashSet<ulong> _ahead = []; // Applied, with something before them that is not.
    private readonly List<(JournalIndex Through, Action<Errno> Done)> _persists = [];
    private readonly LockTable _noLocks = new(); // Before the start.
    private Replica? _replica;
    private ulong _tag;
    private ReplayWindow _window = ReplayWindow.Empty;
    private bool _isReplaying; // Until the window is over; the loop that applies alone writes it.
    private ulong _applied;
    private Term _serving;
    private (Term Term, ulong Index) _start; // The first entry of our own term, once it is committed.
    private Errno _failure;
    private (ReplicaRole Role, Term Term) _role;
    private MemberId? _leader;
    private bool _isStopped;
    private bool _isStuck;
    private int _isFailureTold;
    private bool _isWakeDue; // A timer will wake the loop.
    private bool _offersPromises; // Told to the replica before its start, and with each change.
    private ulong _published; // What ServingTerm answers: written under the lock, read without.

    /// <summary>
    /// Where the inode and entry locks are that translators of clients take among themselves, if this member has some.
    /// </summary>
    public ILockTables? InternalLocks { get; init; }

    public LockTable Locks => _replica?.Locks ?? _noLocks;

    /// <summary>What the member runs on.</summary>
    internal Seams Seams => seams;

    /// <summary>
    /// Nothing comes right here without a new member in place of this one; with the reason. Any thread, once.
    /// </summary>
    public event Action<string>? Failing;

    /// <summary>Role, term or leader changed. Any thread.</summary>
    public event Action? RoleChanged;

    /// <summary>The disk hangs: who waits for this member should be told to go elsewhere. Any thread.</summary>
    public event Action? Hanging;

    public Term ServingTerm => new(Volatile.Read(ref _published));

    public bool IsFirstTerm
    {
        get
        {
            lock (_lock)
            {
                return _start.Index == 1;
            }
        }
    }

    /// <summary>Which calls to the store are under way.</summary>
    internal StoreWatch Watch => redo.Watch;

    /// <summary>Everything up to here is in the store.</summary>
    public JournalIndex AppliedIndex
    {
        get
        {
            lock (_lock)
            {
                return new JournalIndex(_applied);
            }
        }
    }

    /// <summary>
    /// Not Ok once a committed entry could not be applied: nothing more is, until the store is replayed.
    /// </summary>
    public Errno Failure
    {
        get
        {
            lock (_lock)
            {
                return _failure;
            }
        }
    }

    /// <summary>Who leads as far as is known; null when nobody is known to.</summary>
    public MemberId? Leader
    {
        get
        {
            lock (_lock)
            {
                return _leader;
            }
        }
    }

    /// <summary>
    /// Takes what is to be replayed from the opened replica and begins to apply, where the caller's synchronization
    /// context says; then start the replica.
    /// </summary>
    public void Start(Replica replica)
    {
        redo.Room = this;
        lock (_lock)
        {
            _replica = replica;
            if (_offersPromises)
            {
                replica.OfferPromises(isWanted: true);
            }
        }

        _window = new ReplayWindow(replica.Uncheckpointed(), replica.StoreAheadThrough);
        _applied = replica.Checkpoint.Value;
        _horizon = replica.ElidedThrough.Value;
        _touches.MarkAll(replica.Checkpoint);
        _applying = 1; // The beginning of the replay.
        _ = ApplyAllAsync();
    }

    /// <summary>Applies nothing more; who waits, or comes from now on, hears ENOTCONN.</summary>
    public void Stop()
    {
        List<ProposalWaiter> asking;
        lock (_lock)
        {
            _isStopped = true;
            _serving = Term.None;
            _start = default;
            Publish();
            EndWaitToServe();
            asking = [.. _byTag.Values];
            _byTag.Clear(); // The replica need not answer once it is stopped.
        }

        _endWaiting.Cancel();
        EndReadsHere();
        Leave(asking);
        LeaveAll();
        DropQueue();
        _wake.Set();
    }

    public ValueTask<ProposeResult> ProposeAsync(
        Term term, SessionKey session, ReadOnlyMemory<byte> meta, Payload data)
    {
        if (NewWaiter(out var tag) is not { } waiter)
        {
            return new(new ProposeResult(Errno.ENOTCONN, default));
        }

        var task = waiter.Task;
        var (uses, bytes) = OperationRoom.Of(meta.Span, data.Length);
        data.Retain(); // For the replica.
        _replica!.Propose(
            new Proposal(tag, EntryKind.Operation, session.Session, session.Sequence, session.Step, meta, data)
            {
                AcknowledgedUpTo = session.AcknowledgedUpTo,
                Uses = uses,
                RoomBytes = bytes,
                Run = session.Run,
                FromMemory = session.FromMemory,
            },
            term);
        return task;
    }

    public async ValueTask<Errno> SyncAsync(Term term)
    {
        if (NewWaiter(out var tag) is not { } waiter)
        {
            return Errno.ENOTCONN;
        }

        var task = waiter.Task;
        _replica!.SyncCommitted(tag, term);
        return (await task).Error;
    }

    public ValueTask<ProposeResult> ProposeLockAsync(Term term, SessionKey session, LockRecord record)
    {
        if (NewWaiter(out var tag) is not { } waiter)
        {
            return new(new ProposeResult(Errno.ENOTCONN, default));
        }

        var task = waiter.Task;
        _replica!.Propose(
            new Proposal(
                tag, EntryKind.Lock, session.Session, session.Sequence, session.Step, record.Encode(session.Session),
                default)
            {
                AcknowledgedUpTo = session.AcknowledgedUpTo,
                Run = session.Run,
                FromMemory = session.FromMemory,
            },
            term);
        return task;
    }

    public ValueTask<ProposeResult> FindAsync(Term term, SessionKey session)
    {
        if (NewWaiter(out var tag) is not { } waiter)
        {
            return new(new ProposeResult(Errno.ENOTCONN, default));
        }

        var task = waiter.Task;
        _replica!.Find(tag, session.Session, session.Sequence, session.Step, session.Run, term);
        return task;
    }

    /// <summary>Makes a session or ends it: Ok when that is committed. Errors as for proposals.</summary>
    public async ValueTask<Errno> ChangeSessionAsync(UInt128 session, SessionAction action) =>
        (await ProposeSessionAsync(new Change(session, 0, 0, MayBeKnown: false), action)).Error;

    private ValueTask<ProposeResult> ProposeSessionAsync(in Change change, SessionAction action)
    {
        if (NewWaiter(out var tag) is not { } waiter)
        {
            return new(new ProposeResult(Errno.ENOTCONN, default));
        }

        var task = waiter.Task;
        var meta = new SessionRecord(action, 0).Encode();
        _replica!.Propose(
            new Proposal(tag, EntryKind.Session, change.Session, change.Number, change.Run, meta, default)
            {
                AcknowledgedUpTo = change.AcknowledgedUpTo,
            });
        return task;
    }

    /// <summary>
    /// Whether what was read from the store while <see cref="ServingTerm"/> was <paramref name="term"/> is good: by
    /// the lease, without asking anybody.
    /// </summary>
    public bool LeaseCovers(Term term) => _replica is { HasLease: true } && ServingTerm == term;

    /// <summary>
    /// The same, by asking the other members when the lease does not cover it: Ok, or EREMOTE when nobody can say that
    /// this member still leads.
    /// </summary>
    public async ValueTask<Errno> ConfirmAsync(Term term)
    {
        if (LeaseCovers(term))
        {
            return Errno.Ok;
        }

        if (NewWaiter(out var tag) is not { } waiter)
        {
            return Errno.ENOTCONN;
        }

        var task = waiter.Task;
        _replica!.Read(tag, useLease: false);
        var result = await task;
        return result.Error != Errno.Ok ? result.Error : ServingTerm == term ? Errno.Ok : Errno.EREMOTE;
    }

    /// <summary>Up to when no other member can begin to lead, see <see cref="Replica.PromiseUntilNs"/>.</summary>
    public long PromiseUntilNs => _replica?.PromiseUntilNs ?? 0;

    /// <summary>See <see cref="Replica.OfferPromises"/>.</summary>
    public void OfferPromises(bool isWanted)
    {
        lock (_lock)
        {
            _offersPromises = isWanted;
            _replica?.OfferPromises(isWanted); // Under the lock, so that it hears last what was said last.
        }
    }

    public void Applied(JournalIndex index, Errno error)
    {
        Done(index, error);
        EndApplying();
    }

    private void Done(JournalIndex index, Errno error)
    {
        if (error != Errno.Ok)
        {
            Fail(index, error);
            return;
        }

        bool isWaitedFor;
        bool isReadHere;
        lock (_lock)
        {
            MarkApplied(index.Value);
            isWaitedFor = _queue.Count > 0 || _known.Count > 0 || _persists.Count > 0;
            isReadHere = _waitingHere.Count > 0;
        }

        if (isReadHere)
        {
            AnswerWaitingHere();
        }

        if (isWaitedFor)
        {
            _wake.Set();
        }
    }

    void IReplicaMachine.Accepted(ulong tag, JournalIndex index, bool isKnown)
    {
        lock (_lock)
        {
            if (!_byTag.Remove(tag, out var waiter))
            {
                return;
            }

            if (!isKnown)
            {
                _byIndex.Add(index.Value, waiter);
                return;
            }

            _known.Add((index.Value, waiter));
        }

        _wake.Set(); // There may be nothing left to wait for.
    }

    void IReplicaMachine.Committed(JournalEntry entry)
    {
        _touches.Committed(entry.Index);
        ProposalWaiter? waiter;
        var isQueued = false;
        var isLater = false;
        lock (_lock)
        {
            if (entry.Elided is { } elided)
            {
                NoteHorizon(elided.Through);
            }

            // Who waits for an operation applies it; of other entries there is nothing to apply.
            if (_byIndex.Remove(entry.Index.Value, out waiter) && entry.Header.Kind == EntryKind.Operation)
            {
                _applying++;
            }
            else if (_failure == Errno.Ok && !_isStopped)
            {
                entry.Data.Retain();
                _queue.Enqueue(entry);
                isQueued = true;
                isLater = _role.Role == ReplicaRole.Follower && _queue.Count < JournalLimits.ApplyLaterMax;
            }

            if (entry.Header.Kind == EntryKind.TermStart && _replica!.Role == ReplicaRole.Active
                && entry.Term == _replica.Term)
            {
                _start = (entry.Term, entry.Index.Value);
            }

            foreach (var (index, known) in _known)
            {
                known.Outcome = index == entry.Index.Value ? OutcomeOf(entry) : known.Outcome;
            }
        }

        if (waiter is not null)
        {
            Complete(waiter, entry);
        }

        if (isLater)
        {
            WakeLater();
        }
        else if (isQueued)
        {
            _wake.Set();
        }
    }

    /// <summary>
    /// Nobody waits for what a follower applies: it is done for many entries at once, since waking a thread costs more
    /// than a small entry. Whoever is going to lead does not wait for it.
    /// </summary>
    private void WakeLater()
    {
        lock (_lock)
        {
            if (_isWakeDue)
            {
                return;
            }

            _isWakeDue = true;
        }

        _ = seams.Scheduler.Schedule(JournalLimits.ApplyLaterMs, () =>
        {
            lock (_lock)
            {
                _isWakeDue = false;
            }

            _wake.Set();
        });
    }

    void IReplicaMachine.Superseded(JournalEntry entry)
    {
        List<ProposalWaiter> waiters = [];
        lock (_lock)
        {
            if (_byIndex.Remove(entry.Index.Value, out var waiter))
            {
                waiters.Add(waiter);
            }

            TakeKnown(k => k.Index == entry.Index.Value, waiters);
        }

        Leave(waiters);
    }

    void IReplicaMachine.Refused(ulong tag, Refusal refusal, MemberId? leader, long retryAfterMs)
    {
        var error = refusal switch
        {
            Refusal.Busy or Refusal.Full => Errno.EAGAIN, // The next checkpoint makes room.
            Refusal.NoRoom => Errno.ENOSPC,
            Refusal.SessionUnknown or Refusal.AlreadyAcknowledged => Errno.EBADE,
            Refusal.Superseded => Errno.ECANCELED,
            _ => Errno.EREMOTE,
        };
        if (!EndQuestion(tag, new ProposeResult(Errno.EREMOTE, default), default))
        {
            Complete(tag, new ProposeResult(error, default));
        }
    }

    void IReplicaMachine.Answered(ulong tag, JournalIndex index, ReadOnlyMemory<byte> outcome)
    {
        lock (_lock)
        {
            if (_byTag.Remove(tag, out var waiter))
            {
                waiter.Outcome = outcome;
                _known.Add((index.Value, waiter));
            }
        }

        _wake.Set();
    }

    void IReplicaMachine.NotFound(ulong tag) => Complete(tag, new ProposeResult(Errno.Ok, default));

    void IReplicaMachine.ReadReady(ulong tag, JournalIndex index, Term? term) =>
        Complete(tag, new ProposeResult(Errno.Ok, index));

    void IReplicaMachine.Synced(ulong tag) => Complete(tag, new ProposeResult(Errno.Ok, default));

    void IReplicaMachine.Completed(ulong tag) => Complete(tag, default);

    void IReplicaMachine.RoleChanged(ReplicaRole role, Term term, MemberId? leader)
    {
        var isNew = false;
        lock (_lock)
        {
            isNew = (role, term) != _role;
            _role = (role, term);
            _leader = leader;
            if (role != ReplicaRole.Active)
            {
                _serving = Term.None;
                _start = default;
                Publish();
            }

            if (!MayServeSoon)
            {
                EndWaitToServe();
            }
        }

        if (role != ReplicaRole.Active)
        {
            LeaveAll();
        }

        if (role == ReplicaRole.Failed)
        {
            TellOfFailure("the journal takes nothing more");
        }

        if (isNew)
        {
            InternalLocks?.DropAllLocks(); // They were good for a term.
            RoleChanged?.Invoke();
            _wake.Set(); // What was left for later.
        }
    }

    IElision IReplicaMachine.BeginElision() => new OverwrittenData();

    long IReplicaMachine.OldestWorkMs(long nowMs) => redo.Watch.OldestMs(nowMs);

    void IReplicaMachine.Hung() => Hanging?.Invoke();

    void IReplicaMachine.Persist(JournalIndex through, Action<Errno> done)
    {
        lock (_lock)
        {
            _persists.Add((through, done));
        }

        _wake.Set();
    }

    /// <summary>
    /// What was logged here may be committed by another leader: nobody waits for that, a retry finds it out there.
    /// </summary>
    private void LeaveAll()
    {
        List<ProposalWaiter> waiters;
        lock (_lock)
        {
            waiters = [.. _byIndex.Values, .. _known.Select(k => k.Waiter)];
            _byIndex.Clear();
            _known.Clear();
        }

        Leave(waiters);
    }

    private void Leave(List<ProposalWaiter> waiters) => Complete(waiters, new ProposeResult(Errno.ENOTCONN, default));

    private void Complete(List<ProposalWaiter> waiters, in ProposeResult result)
    {
        foreach (var waiter in waiters)
        {
            waiter.Complete(seams.Workers, in result);
        }
    }

    private void Complete(ulong tag, ProposeResult result)
    {
        ProposalWaiter? waiter;
        lock (_lock)
        {
            _ = _byTag.Remove(tag, out waiter);
        }

        waiter?.Complete(seams.Workers, result);
    }

    /// <summary>
    /// To apply a small entry and answer takes less than waking a thread for it: who brought the news does it.
    /// </summary>
    private void Complete(ProposalWaiter waiter, JournalEntry entry)
    {
        var result = new ProposeResult(Errno.Ok, entry.Index) { Entry = entry };
        if (IsBrief(entry))
        {
            waiter.CompleteBriefly(seams.Workers, _applyGate, in result);
        }
        else
        {
            waiter.Complete(seams.Workers, in result);
        }
    }

    /// <summary>What a brick without a journal does on its loops too.</summary>
    private static bool IsBrief(JournalEntry entry)
    {
        if (entry.Header.Kind != EntryKind.Operation)
        {
            return true; // There is nothing to apply.
        }

        var fop = OperationCodec.FopOf(entry.Meta.Span);
        return (FopTable.Has(fop, FopTraits.Brief) || fop == FopCode.Write)
            && entry.Data.Length <= JournalLimits.MessageDataCopyBytesMax;
    }

    /// <summary>Null when nobody will answer any more.</summary>
    private ProposalWaiter? NewWaiter(out ulong tag)
    {
        lock (_lock)
        {
            tag = ++_tag;
            if (_isStopped)
            {
                return null;
            }

            var waiter = ProposalWaiter.Rent();
            _byTag.Add(tag, waiter);
            return waiter;
        }
    }

    private async Task ApplyAllAsync()
    {
        await GuardedAsync(BeginReplayAsync);
        EndApplying();
        while (!IsStopped)
        {
            await GuardedAsync(ApplyReadyAsync);
            _ = await _wake.WaitAsync(); // What came since we looked has set it.
        }
    }

    private bool IsStopped
    {
        get
        {
            lock (_lock)
            {
                return _isStopped;
            }
        }
    }

    private async ValueTask ApplyReadyAsync()
    {
        while (TryTake(out var entry))
        {
            try
            {
                await ApplyAsync(entry);
            }
            finally
            {
                EndApplying();
            }
        }

        AnswerKnown();
        await PersistAsync();
    }

    /// <summary>The loop goes on whatever is thrown: others wait for what it says.</summary>
    private async ValueTask GuardedAsync(Func<ValueTask> step)
    {
        try
        {
            await step();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.Error("journal", "taking entries into the store has thrown", ("exception", e));
            Fail(new JournalIndex(AppliedIndex.Value + 1), Errno.EIO);
        }
    }

    private async ValueTask BeginReplayAsync()
    {
        var error = _window.Problem;
        if (error == Errno.Ok && (_window.Operations.Count > 0 || _window.IsOpen))
        {
            lock (_lock)
            {
                _isReplaying = true;
            }

            Log.Information("journal", "replay begins", ("operations", _window.Operations.Count));
            error = await WhenThereIsRoomAsync(() => redo.BeginReplayAsync(_window.Operations));
        }

        if (error != Errno.Ok)
        {
            Fail(_window.Last, error);
        }
    }

    private async ValueTask EndReplayAsync()
    {
        var error = await WhenThereIsRoomAsync(redo.EndReplayAsync);
        if (error != Errno.Ok)
        {
            Fail(_window.Last, error);
            return;
        }

        Log.Information("journal", "replay is over", ("applied", AppliedIndex));
        lock (_lock)
        {
            _isReplaying = false;
            ServeIfReady();
        }
    }

    /// <summary>The next entry, if everything before it is applied.</summary>
    private bool TryTake(out JournalEntry entry)
    {
        lock (_lock)
        {
            entry = null!; // Set when the answer is true.
            if (_isStopped || _failure != Errno.Ok || _isSuspended || !_queue.TryPeek(out var next)
                || next.Index.Value != _applied + 1)
            {
                return false;
            }

            entry = _queue.Dequeue();
            _applying++;
            return true;
        }
    }

    /// <summary>Retries whose entry is in the store, or will not be.</summary>
    private void AnswerKnown()
    {
        List<ProposalWaiter> ready = [];
        List<ProposalWaiter> lost = [];
        lock (_lock)
        {
            if (_known.Count == 0)
            {
                return;
            }

            TakeKnown(k => k.Index <= _applied, ready);
            if (_failure != Errno.Ok)
            {
                TakeKnown(static _ => true, lost);
            }
        }

        foreach (var waiter in ready)
        {
            waiter.Complete(seams.Workers, new ProposeResult(Errno.Ok, default) { Outcome = waiter.Outcome });
        }

        Leave(lost);
    }

    /// <summary>
    /// What a retry of an operation is answered from: its meta part, or when that is large what the client gets of it.
    /// </summary>
    public static ReadOnlyMemory<byte> OutcomeOf(JournalEntry entry)
    {
        if (entry.Meta.Length <= Replication.Engine.Limits.OutcomeBytesMax
            || !OperationCodec.TryDecode(entry.Meta.Span, out var operation))
        {
            return entry.Meta;
        }

        return OperationCodec.Encode(new JournalOperation
        {
            Fop = operation.Fop,
            Gfid = operation.Gfid,
            Outcome = operation.Outcome,
            Note = operation.Note,
        });
    }

    private void TakeKnown(Predicate<(ulong Index, ProposalWaiter Waiter)> which, List<ProposalWaiter> taken) =>
        _known.RemoveAll(k =>
        {
            var isTaken = which(k);
            if (isTaken)
            {
                taken.Add(k.Waiter);
            }

            return isTaken;
        });

    private async ValueTask ApplyAsync(JournalEntry entry)
    {
        if (_isReplaying && _window.IsOverBefore(entry))
        {
            await EndReplayAsync();
            if (_isReplaying)
            {
                entry.Data.Release(); // It has failed.
                return;
            }
        }

        var error = Errno.Ok;
        if (entry.Header.Kind == EntryKind.Operation)
        {
            error = OperationCodec.TryDecode(entry.Meta.Span, out var operation)
                ? (await redo.ApplyAsync(operation, entry.Data, entry.Stored, entry.Elided)).Error : Errno.EUCLEAN;
        }
        else if (entry.Header.Kind == EntryKind.Lock
            && LockRecord.Decode(entry.Meta.Span, entry.Header.Session) is null)
        {
            error = Errno.EUCLEAN; // It was not taken into the table either.
        }

        entry.Data.Release();
        Done(entry.Index, error);
        if (_isReplaying && _window.IsOverAfter(entry) && error == Errno.Ok)
        {
            await EndReplayAsync();
        }
    }

    private async ValueTask PersistAsync()
    {
        List<Action<Errno>> ready = [];
        lock (_lock)
        {
            if (_persists.Count == 0)
            {
                return;
            }

            _persists.RemoveAll(p =>
            {
                // In the middle of a replay the store is no state that one could go on from.
                var isReady = (p.Through.Value <= _applied && !_isReplaying) || _failure != Errno.Ok
                    || _isSuspended;
                if (isReady)
                {
                    ready.Add(p.Done);
                }

                return isReady;
            });
        }

        if (ready.Count > 0)
        {
            var error = IsSuspended ? Errno.EBUSY : Failure == Errno.Ok ? await syncStore() : Failure;
            foreach (var done in ready)
            {
                done(error);
            }
        }
    }

    private void MarkApplied(ulong index)
    {
        _ = _ahead.Add(index);
        while (_ahead.Remove(_applied + 1))
        {
            _applied++;
        }

        ServeIfReady();
    }

    private void ServeIfReady()
    {
        if (_start.Index != 0 && _applied >= _start.Index && !_isReplaying)
        {
            _serving = _start.Term;
            Publish();
            EndWaitToServe();
        }
    }

    /// <summary>
    /// The replica does not get on, because a thread of its waits for the disk: until it does, everybody is sent
    /// elsewhere, and who waits here is told to go, at each call. Any thread.
    /// </summary>
    /// <returns>Whether it is news.</returns>
    internal bool SetStuck(bool isStuck)
    {
        bool isNews;
        lock (_lock)
        {
            isNews = isStuck != _isStuck;
            _isStuck = isStuck;
            Publish();
            if (isStuck)
            {
                EndWaitToServe();
            }
        }

        if (isStuck)
        {
            Hanging?.Invoke();
        }

        return isNews;
    }

    /// <summary>Under the lock, after each change of what it depends on.</summary>
    private void Publish() => Volatile.Write(
        ref _published, _failure == Errno.Ok && !_isStuck ? _serving.Value : Term.None.Value);

    /// <summary>
    /// Nothing more is applied: somebody else has to lead, who waits for the store waits in vain, and the journal keeps
    /// what the store lacks.
    /// </summary>
    private void Fail(JournalIndex index, Errno error)
    {
        if (_endWaiting.IsCancellationRequested)
        {
            return; // What waited for room was told to end.
        }

        Log.Error(
            "journal", "a committed entry cannot be applied; the brick is started anew", ("index", index),
            ("error", error));
        lock (_lock)
        {
            _failure = error;
            Publish();
        }

        DropQueue();
        _replica?.MachineFailed();
        _wake.Set(); // Who waits for the store is told in the loop.
        TellOfFailure($"a committed operation cannot be applied to the files: {error}");
    }

    private void TellOfFailure(string reason)
    {
        if (Interlocked.Exchange(ref _isFailureTold, 1) == 0)
        {
            Failing?.Invoke(reason);
        }
    }

    /// <summary>What will not be applied; nothing is added to it any more.</summary>
    private void DropQueue()
    {
        List<JournalEntry> left;
        lock (_lock)
        {
            left = [.. _queue];
            _queue.Clear();
        }

        foreach (var entry in left)
        {
            entry.Data.Release();
        }
    }
}
