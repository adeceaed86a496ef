using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// A running replica: the engine with its journal on disk, the state store and the way to its peers. One scheduler
/// owns it; the public members may be called from any thread and take effect on that scheduler, in order.
/// </summary>
/// <remarks>
/// Invariants: what the engine wants of the journal is done in the order it wanted it; a superblock is on disk before
/// the engine hears so; a checkpoint names an entry that the main store has on disk; nothing is compacted that the
/// checkpoint does not cover. A replica whose journal fails ends its part at once: its process or its owner opens it
/// anew.
/// </remarks>
public sealed partial class Replica : IJournalOwner
{
    private const long AppliedLookMs = 1;

    private readonly ReplicaSetup _setup;
    private readonly ReplicaEngine _engine;
    private readonly JournalWriter _writer;
    private readonly IScheduler _scheduler;
    private readonly IReplicaMachine _machine;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<ReplicaOutput> _outputs = [];
    private readonly Lock _proposalLock = new(); // Guards _proposals; a leaf lock.
    private readonly Proposing _proposing;
    private List<(Proposal Proposal, Term? Term)> _proposals = [];
    private List<(Proposal Proposal, Term? Term)> _taken = []; // Empty between the turns of the scheduler.
    private IDisposable? _timer;
    private bool _isStopped;
    private long _leaseUntilMs; // Written by the scheduler only.
    private long _promiseUntilMs; // As well.
    private bool _offersPromises;
    private bool _isCarrying;
    private bool _hasMachineFailed;
    private bool _isAppliedDue;

    private Replica(ReplicaSetup setup, ReplicaEngine engine, ReplicaJournal journal, CheckpointFile checkpoint)
    {
        _setup = setup;
        _copyBytesPerSecond = setup.CopyBytesPerSecond;
        _engine = engine;
        _scheduler = setup.Seams.Scheduler;
        _machine = setup.Machine;
        _checkpoint = checkpoint.Index;
        (_machine as WitnessMachine)?.GoOnAfter(checkpoint.Index);
        _copies = engine.Boot << 32;
        _writer = new JournalWriter(journal, setup.Seams.Workers, _scheduler, this);
        _said = new Said(journal.State.FromMemory, journal.State.StoreAhead, IsOfThisBoot: false);
        StoreAheadThrough = engine.Status == MemberStatus.Voter ? Term.None : journal.State.StoreAhead;
        _proposing = new Proposing(this);
        // Required by the setup.
        _toldStatus = engine.Status;
        _probe = new DiskProbe(setup.Seams.Disk!, setup.Directories, setup.Seams.Workers, _scheduler);
    }

    public MemberId Self => _setup.Self;

    /// <summary>Counters of the journal.</summary>
    public JournalMetrics JournalMetrics => _writer.Metrics;

    /// <summary>On the replica's scheduler only.</summary>
    public ReplicaRole Role => _engine.Role;

    /// <summary>Takes operations and reads. On the replica's scheduler only.</summary>
    public bool IsServing => _engine.IsServing;

    /// <summary>On the replica's scheduler only.</summary>
    public Term Term => _engine.Term;

    /// <summary>Who leads, as far as is known. On the replica's scheduler only.</summary>
    public MemberId? Leader => _engine.Leader;

    /// <summary>The last entry known to be committed. On the replica's scheduler only.</summary>
    public JournalIndex Commit => _engine.Commit;

    /// <summary>The last entry. On the replica's scheduler only.</summary>
    public JournalIndex Last => _engine.Last;

    /// <summary>
    /// Up to here the main store must have everything before it may be read by anybody but a leader that serves, see
    /// <see cref="ReplicaEngine.ElidedThrough"/>. On the replica's scheduler only.
    /// </summary>
    public JournalIndex ElidedThrough => _engine.ElidedThrough;

    /// <summary>Entries that were sent without their data, and bytes of it. On the replica's scheduler only.</summary>
    public (long Entries, long Bytes) Elided => (_engine.ElidedEntries, _engine.ElidedBytes);

    /// <summary>The first entry the journal on disk still has. On the replica's scheduler only.</summary>
    public JournalIndex JournalStart => _engine.JournalStart;

    /// <summary>
    /// What the end of the process does not take away. On the replica's scheduler only.
    /// </summary>
    public JournalIndex Written => _engine.Written;

    /// <summary>What is on this disk. On the replica's scheduler only.</summary>
    public JournalIndex Durable => _engine.Durable;

    /// <summary>
    /// The numbers of the members as they are known; none before they are. On the replica's scheduler only.
    /// </summary>
    public IReadOnlyList<byte> Members =>
        [.. (_engine.Configuration?.Members ?? []).Select(m => m.Id.Value)];

    /// <summary>The in-sync set where one decides, else empty. On the replica's scheduler only.</summary>
    public MemberSet InSync => _engine.InSync;

    /// <summary>
    /// The other members as a leader sees them: what it knows to be on their disks, and milliseconds since they
    /// answered, -1 for never in this term. Empty for all others. On the replica's scheduler only.
    /// </summary>
    public IReadOnlyList<(MemberId Member, JournalIndex Durable, long SilentMs)> Peers => _engine.PeersAt(NowMs);

    /// <summary>What the replica may count for. On the replica's scheduler only.</summary>
    public MemberStatus Status => _engine.Status;

    /// <summary>
    /// The main store has everything up to here on its disk. On the replica's scheduler, or before the start.
    /// </summary>
    public JournalIndex Checkpoint => _checkpoint;

    /// <summary>The byte range locks that are held by what is committed. Any thread.</summary>
    public LockTable Locks => _engine.Sessions.Locks;

    private long NowMs => _setup.Seams.Clock.BootNs / 1_000_000;

    /// <summary>
    /// Opens the journal and makes the replica from what is in it. Waits for the disk. Everything after the
    /// checkpoint will be told as committed again, so the machine must begin with a store that holds the checkpoint,
    /// and more of the entries after it does no harm.
    /// </summary>
    /// <returns>
    /// The error of the disk or the journal; EUCLEAN for a damaged checkpoint; ESTALE for the journal of another
    /// member.
    /// </returns>
    public static Errno Open(ReplicaSetup setup, out Replica? replica, out string problem)
    {
        replica = null;
        var disk = setup.Seams.Disk!; // Required by the setup.
        var error = ReplicaJournal.Open(disk, setup.Journal, out var journal, out problem);
        if (error != Errno.Ok)
        {
            return error;
        }

        if (setup.Incarnation is { } wanted && journal!.State.Incarnation != wanted)
        {
            problem = $"the journal in {setup.Journal.Path} is that of another member or of another replica set: is "
                + "the right directory mounted there?";
            journal.Dispose();
            return Errno.ESTALE;
        }

        if (ReplicaStartup.MayHaveLostMemory(journal!, setup))
        {
            Log.Warning("replica", "the machine has lost what was answered from memory and not synced: this member "
                + "counts for nothing until a leader has told it what it must have", ("set", setup.StorePrefix),
                ("member", setup.Self), ("last", journal!.Last));
        }

        error = ReplicaStartup.Read(disk, setup, journal!, out var start, out var checkpoint, out problem); // Opened.
        if (error != Errno.Ok)
        {
            journal!.Dispose();
            return error;
        }

        replica = new Replica(setup, new ReplicaEngine(start!), journal!, checkpoint)
        {
            _wasDamaged = start!.MayHaveLostEntries,
        };
        return Errno.Ok;
    }

    /// <summary>
    /// Begins to take part. The waiting for the state store runs where the caller's synchronization context says.
    /// </summary>
    public void Start()
    {
        _scheduler.Post(() => TellOfDamage());
        _ = FollowStoreAsync();
        _ = RunTransactionsAsync();
        if (!_setup.IsWitness)
        {
            _ = KeepLeaseAsync(); // What a lead hangs on.
        }

        _scheduler.Post(Tick);
    }

    /// <summary>
    /// Takes no part any more; calls back when the journal is closed. Who leads gives the lead back first.
    /// </summary>
    public void Stop(Action<Errno> stopped) => _scheduler.Post(() =>
    {
        Invariant.Check(!_isStopped);
        _isStopped = true;
        PublishLease();
        _timer?.Dispose();
        _stop.Cancel();
        _writer.Stop(stopped);
        DropBacklog();
        DropUntold();
        _engine.Log.Release(_engine.Log.Last); // What the writer still has to write it holds itself.
    });

    /// <summary>A message of another member; borrowed until this returns, so only on the replica's scheduler.</summary>
    public void Receive(ReplicaMessage message)
    {
        if (!_isStopped)
        {
            if (message is ReplicaMessage.CopyOffer or ReplicaMessage.CopyRequest or ReplicaMessage.CopyPiece)
            {
                OnCopyMessage(message);
            }
            else
            {
                ReportHealth();
                if (message is ReplicaMessage.ReadQuestion)
                {
                    _engine.ReportApplied(_machine.AppliedIndex); // The later, the fewer have to ask once more.
                }

                _engine.Receive(message, NowMs);
            }

            Carry();
        }
    }

    /// <summary>
    /// Wants an operation in the journal. The machine hears Accepted, Answered or Refused with its tag. Takes over
    /// one reference to the data of the proposal. What is proposed before the scheduler comes to it is logged and sent
    /// together, and may come before other calls that were made earlier.
    /// </summary>
    /// <param name="proposal">What.</param>
    /// <param name="term">If given, the operation is refused unless this replica leads and serves in that term.</param>
    public void Propose(in Proposal proposal, Term? term = null)
    {
        bool isFirst;
        lock (_proposalLock)
        {
            isFirst = _proposals.Count == 0;
            _proposals.Add((proposal, term));
        }

        if (isFirst)
        {
            _scheduler.Post(_proposing);
        }
    }

    /// <summary>
    /// Looks for an operation that may have been proposed before, here or at another leader: the machine hears
    /// Accepted (as known), Answered, NotFound or Refused with the tag.
    /// </summary>
    /// <param name="term">Refused unless this replica leads and serves in that term.</param>
    /// <param name="run">Refused when another run has taken the operation over.</param>
    public void Find(
        ulong tag, UInt128 session, ulong sequence, uint step, uint run, Term term) => _scheduler.Post(() =>
    {
        if (_isStopped || !_engine.IsServing || _engine.Term != term)
        {
            _machine.Refused(tag, Refusal.NotLeader, _engine.Leader, _setup.Options.RetryAfterMs);
            return;
        }

        _engine.Sessions.Use(session, NowMs);
        if (_engine.Sessions.IsSuperseded(session, sequence, run))
        {
            _machine.Refused(tag, Refusal.Superseded, Self, _setup.Options.RetryAfterMs);
            return;
        }

        switch (_engine.Sessions.Find(session, sequence, step, out var index, out var outcome))
        {
            case SessionFinding.New:
                _machine.NotFound(tag);
                break;
            case SessionFinding.Logged:
                _machine.Accepted(tag, index, isKnown: true);
                break;
            case SessionFinding.Committed:
                _machine.Answered(tag, index, outcome);
                break;
            default:
                _machine.Refused(tag, Refusal.SessionUnknown, Self, _setup.Options.RetryAfterMs);
                break;
        }
    });

    /// <summary>
    /// The steps of an operation that are in the journal, told on the replica's scheduler: null when the session is not
    /// known, the client has the outcome, or another run has taken the operation over.
    /// </summary>
    public void ListSteps(
        UInt128 session, ulong sequence, uint run,
        Action<System.Collections.Generic.List<(uint Step, ReadOnlyMemory<byte> Outcome)>?> done) =>
        _scheduler.Post(() => done(
            _isStopped || _engine.Sessions.RunOf(session, sequence) != run
                ? null : _engine.Sessions.StepsOf(session, sequence)));

    /// <summary>Wants to read: ReadReady or Refused.</summary>
    public void Read(ulong tag, bool useLease) =>
        _scheduler.Post(() => Do(() => _engine.Read(tag, useLease, NowMs), tag));

    /// <summary>
    /// Wants to read from the main store of this follower: ReadHere or Refused, or neither when a message is lost.
    /// </summary>
    /// <param name="through">What the leader's main store must have by then; or None.</param>
    public void ReadHere(ulong tag, JournalIndex through) =>
        _scheduler.Post(() => Do(() => _engine.ReadHere(tag, through, NowMs), tag));

    /// <summary>Wants everything up to an entry on the disks of a write quorum: Synced or Refused.</summary>
    public void Sync(ulong tag, JournalIndex index) =>
        _scheduler.Post(() => Do(() => _engine.Sync(tag, index, NowMs), tag));

    /// <summary>
    /// Wants everything that was answered so far on the disks of a write quorum: Synced, or Refused, also when this
    /// replica does not serve in a term.
    /// </summary>
    public void SyncCommitted(ulong tag, Term term) => _scheduler.Post(() =>
    {
        if (!_engine.IsServing || _engine.Term != term)
        {
            _machine.Refused(tag, Refusal.NotLeader, _engine.Leader, _setup.Options.RetryAfterMs);
            return;
        }

        Do(() => _engine.Sync(tag, _engine.Commit, NowMs), tag);
    });

    /// <summary>Changes members or quorums: Completed or Refused, or neither when the lead is lost meanwhile.</summary>
    public void ChangeMembers(ulong tag, ReplicaConfiguration next) =>
        _scheduler.Post(() => Do(() => _engine.ChangeMembers(tag, next, NowMs), tag));

    /// <summary>
    /// A value that was taken while this replica served in a term is good if this holds afterwards and it serves in
    /// the same term still. Any thread.
    /// </summary>
    public bool HasLease => NowMs < Volatile.Read(ref _leaseUntilMs);

    /// <summary>
    /// Up to when others may be promised that no other member leads, by <c>IClock.BootNs</c>; 0 for not at all. It
    /// holds when this leadership is over, too. Never while <see cref="OfferPromises"/> was not asked for. Any thread.
    /// </summary>
    public long PromiseUntilNs => Volatile.Read(ref _promiseUntilMs) * 1_000_000;

    /// <summary>
    /// Promises are wanted, or not any more. While they are, a lead that is handed over goes on until they have run
    /// out. Any thread.
    /// </summary>
    public void OfferPromises(bool isWanted) => _scheduler.Post(() =>
    {
        _offersPromises = isWanted;
        PublishLease();
    });

    /// <summary>
    /// The entries after the checkpoint as the journal had them when it was opened, committed or not; lent. Before
    /// <see cref="Start"/> only.
    /// </summary>
    public IReadOnlyList<JournalEntry> Uncheckpointed()
    {
        var entries = new List<JournalEntry>();
        for (var at = _checkpoint.Value + 1; at <= _engine.Last.Value; at++)
        {
            entries.Add(_engine.Log[new JournalIndex(at)]);
        }

        return entries;
    }

    /// <summary>
    /// The machine takes no more entries in: this replica leads no longer and is not elected. Its journal goes on. Any
    /// thread.
    /// </summary>
    public void MachineFailed() => _scheduler.Post(() => _hasMachineFailed = true); // The next tick looks.

    private void TakeProposals()
    {
        if (HoldsProposals())
        {
            return;
        }

        lock (_proposalLock)
        {
            (_proposals, _taken) = (_taken, _proposals);
        }

        foreach (ref readonly var taken in CollectionsMarshal.AsSpan(_taken))
        {
            ReportHealth();
            _unhandedBytes += JournalWriter.BytesOf(taken.Proposal.Meta.Length, taken.Proposal.Data.Length);
            Take(in taken.Proposal, taken.Term);
            taken.Proposal.Data.Release();
        }

        _taken.Clear();
        Carry();
        _unhandedBytes = 0;
    }

    private void Take(in Proposal proposal, Term? term)
    {
        if (_isStopped || (term is { } wanted && !(_engine.IsServing && _engine.Term == wanted)))
        {
            _machine.Refused(proposal.Tag, Refusal.NotLeader, _engine.Leader, _setup.Options.RetryAfterMs);
        }
        else
        {
            _engine.Propose(
                proposal with { FromMemory = proposal.FromMemory && MayLeadFromMemory }, NowMs);
        }
    }

    private void Do(Action step, ulong tag)
    {
        if (_isStopped)
        {
            _machine.Refused(tag, Refusal.NotLeader, _engine.Leader, _setup.Options.RetryAfterMs);
            return;
        }

        step();
        Carry();
    }

    private void Tick()
    {
        if (_isStopped)
        {
            return;
        }

        _timer = _scheduler.Schedule(_setup.Options.ElectionStepMs, Tick);
        LookAtDisk();
        LookAtRoom();
        ReportHealth();
        _engine.ReportApplied(_machine.AppliedIndex);
        _engine.Tick(NowMs);
        Carry();
        TellOfStall();
        MaybeHandOver();
        FollowMemory();
        MaybeCheckpoint();
        CopyTick();
        MaybeGiveLeaseUp();
        FollowWish();
        TellOfStatus();
        LookAtMembers();
        ScrubTick();
    }

    /// <summary>
    /// Carries out what the engine wants. What that brings about synchronously is carried out in the same loop.
    /// </summary>
    private void Carry()
    {
        if (_isCarrying)
        {
            return;
        }

        _isCarrying = true;
        _engine.Drain(_outputs);
        PublishLease();
        while (_outputs.Count > 0)
        {
            for (var i = 0; i < _outputs.Count; i++)
            {
                CarryOut(_outputs[i]);
            }

            _outputs.Clear();
            _engine.Drain(_outputs);
            PublishLease();
        }

        _engine.ReleaseSettled();
        _isCarrying = false;
        ReleaseProposals();
        OweApplied();
    }

    /// <summary>A follower waits to hear that the main store here has more: it is looked at soon.</summary>
    private void OweApplied()
    {
        if (_engine.OwesApplied && !_isAppliedDue && !_isStopped)
        {
            _isAppliedDue = true;
            _ = _scheduler.Schedule(AppliedLookMs, () =>
            {
                _isAppliedDue = false;
                if (!_isStopped)
                {
                    _engine.ReportApplied(_machine.AppliedIndex);
                    Carry();
                }
            });
        }
    }

    /// <summary>
    /// Before anything that the engine says leaves: whoever hears that the lead was given back must not be overtaken
    /// by a read here that still counts on it.
    /// </summary>
    private void PublishLease()
    {
        Volatile.Write(ref _leaseUntilMs, _isStopped ? 0 : _engine.LeaseUntilMs);
        Volatile.Write(ref _promiseUntilMs, _isStopped || !_offersPromises ? 0 : _engine.OfferPromises());
    }

    private void CarryOut(in ReplicaOutput output)
    {
        switch (output.Kind)
        {
            case OutputKind.Send:
                _setup.Transport.Send(output.Peer, output.Message!);
                break;
            case OutputKind.Append or OutputKind.Cut or OutputKind.ResetJournal
                or OutputKind.SaveSuperblock or OutputKind.FetchJournal:
                ToJournal(output);
                break;
            case OutputKind.SyncJournal:
                _writer.Sync();
                break;
            case OutputKind.PlanElision:
                PlanElision(output);
                break;
            case OutputKind.StoreTransaction:
                AddTransaction(output.Ticket, output.Transaction!);
                break;
            default:
                Tell(output);
                break;
        }
    }

    private void Tell(in ReplicaOutput output)
    {
        switch (output.Kind)
        {
            case OutputKind.Committed:
                TellCommitted(output.Entry!);
                break;
            case OutputKind.Superseded:
                _machine.Superseded(output.Entry!);
                break;
            case OutputKind.Accepted:
                _machine.Accepted(output.Ticket, output.Index, output.IsKnown);
                break;
            case OutputKind.Answered:
                _machine.Answered(output.Ticket, output.Index, output.Outcome);
                break;
            case OutputKind.Refused:
                _machine.Refused(output.Ticket, output.Refusal, output.LeaderHint, output.RetryAfterMs);
                break;
            case OutputKind.ReadReady:
                _machine.ReadReady(output.Ticket, output.Index, output.NeedsLease ? output.Term : null);
                break;
            case OutputKind.ReadHere:
                _machine.ReadHere(output.Ticket, output.Index, output.LeaderApplied);
                break;
            case OutputKind.Synced:
                _machine.Synced(output.Ticket);
                break;
            case OutputKind.Completed or OutputKind.Refused when output.Ticket is WishTag or HandOverTag:
                break; // Looked at again by the next tick.
            case OutputKind.Completed:
                _machine.Completed(output.Ticket);
                break;
            case OutputKind.RoleChanged:
                Log.Information(
                    "replica", "role", ("set", _setup.StorePrefix), ("member", Self), ("role", _engine.Role),
                        ("term", _engine.Term),
                    ("leader", _engine.Leader));
                TellUntold(); // Who leads waits for nothing.
                _machine.RoleChanged(_engine.Role, _engine.Term, _engine.Leader);
                TellOfLead();
                break;
            case OutputKind.NeedsIndexOrFull:
                OfferCopy(output.Peer);
                break;
            case OutputKind.InstallReady:
                _isMarkOwed = true;
                MarkCopying();
                break;
            case OutputKind.LossyRestart:
                Log.Error("replica", "no member knows everything that was answered: operations after the last sync "
                    + "may be lost, those before it are not. The set goes on from the longest journal",
                    ("set", _setup.StorePrefix), ("member", Self), ("last", output.Index), ("term", output.Term),
                    ("store_may_differ", _said.StoreAhead != Term.None));
                break;
            default:
                break;
        }
    }

    private sealed class Proposing(Replica replica) : IWork
    {
        public void Run() => replica.TakeProposals();
    }
}
