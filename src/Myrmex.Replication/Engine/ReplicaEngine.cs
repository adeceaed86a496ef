using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>
/// One replica of a replica set as a pure state machine. Each public method is one step: it takes an input and leaves
/// outputs, which the driver drains and carries out. No I/O, no clock, no task; not thread-safe, one loop owns it.
/// What crosses the border is borrowed in both directions; the engine retains the data of entries it keeps.
/// </summary>
/// <remarks>
/// Invariants: the promise never goes back and is on disk before an answer depends on it; only what is equal to the
/// leader's journal is acknowledged; an entry at or below the commit index is never replaced; a leader's journal only
/// grows in its term; only entries of its own term make a leader's commit index move. README.md has the rules with
/// their reasons.
/// </remarks>
public sealed partial class ReplicaEngine
{
    private readonly ReplicaOptions _options;
    private readonly ReplicaMutations _mutations;
    private readonly StoreTransactions _transactions;
    private readonly List<ReplicaOutput> _outputs = [];
    private readonly List<HeldMessage> _held = [];
    private readonly ReplicaLog _log;
    private readonly SessionTable _sessions;
    private readonly PeerState?[] _peers = new PeerState?[Limits.MemberIdMax + 1];

    private readonly ulong _incarnation;
    private readonly ulong _boot;

    private long _now;
    private long _tickedMs;
    private ReplicaRole _role;
    private Term _term; // Our own, as candidate or leader.
    private Term _promised;
    private MemberStatus _status;
    private ulong _superblockTicket;
    private ulong _superblockSaved;
    private long _superblockMs; // Since when a superblock is owed, or when the last one that is owed got on.
    private JournalIndex _commit;
    private MemberId? _leader; // Of the promised term, as far as we heard from it.
    private bool _hasUsedMemory; // Or may have; never unlearnt in a life.
    private bool _isHealthy = true;
    private bool _isFull;
    private bool _isOverfull;

    public ReplicaEngine(ReplicaStart start)
    {
        Self = start.Self;
        _options = start.Options;
        RelayBytesMin = _options.RelayBytesMin;
        _mutations = start.Mutations;
        _transactions = new StoreTransactions(start.StorePrefix);
        _incarnation = start.Superblock.Incarnation;
        _boot = start.Superblock.Boot;
        _now = start.NowMs;
        _tickedMs = start.NowMs;
        _log = start.Log;
        JournalStart = start.JournalStart;
        _sessions = new SessionTable(_options.OutcomeOf);
        _promised = start.Superblock.Promised > _log.LastTerm ? start.Superblock.Promised : _log.LastTerm;
        if (Breaks(ReplicaMutations.VolatilePromise))
        {
            _promised = _log.LastTerm;
        }

        _status = start.Superblock.Status;
        Invariant.Check(start.Checkpoint >= _log.Base);
        Invariant.Check(start.Checkpoint <= _log.Last);
        _commit = start.Checkpoint;
        _effected = start.Checkpoint;
        _durable = _log.Last;
        _written = _log.Last;
        _elidedThrough = Breaks(ReplicaMutations.HorizonNotKept) ? JournalIndex.None : start.ElidedThrough;
        RebuildSessions(start.Sessions.Span);
        StartGrants();
        _hasUsedMemory = start.HasUsedMemory;
        _isStoreAhead = start.IsStoreAhead;
        _needsCopy = start.NeedsCopy && !Breaks(ReplicaMutations.CopyForgotten);
        _hasNoStore = start.IsWitness;
        if (start.MayHaveLostEntries && _status == MemberStatus.Voter && !Breaks(ReplicaMutations.RecoveringCounts))
        {
            _status = MemberStatus.Recovering;
            SaveSuperblock();
        }
    }

    public MemberId Self { get; }

    public ReplicaRole Role => _role;

    /// <summary>The term this replica leads or campaigns in; the promised one otherwise.</summary>
    public Term Term => _role is ReplicaRole.Active or ReplicaRole.Candidate ? _term : _promised;

    /// <summary>
    /// The highest term promised; on disk once <see cref="OutputKind.SaveSuperblock"/> was carried out.
    /// </summary>
    public Term Promised => _promised;

    public MemberStatus Status => _status;

    /// <summary>Leads, and has committed an entry of its own term: takes operations and reads.</summary>
    public bool IsServing { get; private set; }

    /// <summary>Who leads, as far as this replica knows.</summary>
    public MemberId? Leader => _role == ReplicaRole.Active ? Self : _leader ?? HandedTo ?? _view?.Lead?.Member;

    public JournalIndex Commit => _commit;

    /// <summary>The last entry, committed or not.</summary>
    public JournalIndex Last => _log.Last;

    /// <summary>What is on this replica's disk.</summary>
    public JournalIndex Durable => _durable;

    /// <summary>What a crash of the process does not take away.</summary>
    public JournalIndex Written => _written;

    /// <summary>The entries in memory; lent.</summary>
    public ReplicaLog Log => _log;

    public SessionTable Sessions => _sessions;

    /// <summary>The first entry that can be read from the journal on disk.</summary>
    public JournalIndex JournalStart { get; private set; }

    public ReplicaConfiguration? Configuration => _view?.Configuration;

    /// <summary>What an administrator wants <see cref="Configuration"/> to be; null for no wish.</summary>
    public ReplicaConfiguration? Wanted => _view?.Wanted;

    /// <summary>Who must have an entry, in mode InSync; empty in mode Quorum.</summary>
    public MemberSet InSync =>
        Configuration is { Mode: ReplicaMode.InSync } ? _view!.InSync : MemberSet.Empty; // It has the configuration.

    /// <summary>See <see cref="Replica.Peers"/>.</summary>
    public IReadOnlyList<(MemberId Member, JournalIndex Durable, long SilentMs)> PeersAt(long nowMs)
    {
        var peers = new List<(MemberId Member, JournalIndex Durable, long SilentMs)>();
        foreach (var member in _role == ReplicaRole.Active ? Configuration!.AllMembers : MemberSet.Empty)
        {
            if (member != Self)
            {
                var peer = Peer(member);
                var silentMs = peer.AnsweredMs == 0 ? -1 : nowMs - peer.AnsweredMs;
                peers.Add((member, new JournalIndex(peer.Durable), silentMs));
            }
        }

        return peers;
    }

    /// <summary>
    /// Moves the outputs of all steps since the last call to the end of <paramref name="target"/>. Operations that were
    /// proposed in between go to the other members together.
    /// </summary>
    public void Drain(List<ReplicaOutput> target)
    {
        if (_owesEntries)
        {
            _owesEntries = false;
            if (_role == ReplicaRole.Active)
            {
                SendToAll();
            }
        }

        if (_owesSync)
        {
            _owesSync = false;
            if (_role == ReplicaRole.Active)
            {
                RequestSync(_log.Last);
            }
        }

        target.AddRange(_outputs);
        _outputs.Clear();
    }

    /// <summary>A message of another member arrived. Borrows it.</summary>
    public void Receive(ReplicaMessage message, long nowMs)
    {
        _now = nowMs;
        if (_role == ReplicaRole.Failed || message.Sender == Self || IsOtherIncarnation(message))
        {
            return;
        }

        switch (message)
        {
            case ReplicaMessage.Append append:
                OnAppend(append);
                break;
            case ReplicaMessage.AppendAnswer answer:
                OnAppendAnswer(answer);
                break;
            case ReplicaMessage.Beat beat:
                OnBeat(beat);
                break;
            case ReplicaMessage.BeatAnswer answer:
                OnBeatAnswer(answer);
                break;
            case ReplicaMessage.Fence fence:
                OnFence(fence);
                break;
            case ReplicaMessage.FenceAnswer answer:
                OnFenceAnswer(answer);
                break;
            case ReplicaMessage.Fetch fetch:
                OnFetch(fetch);
                break;
            case ReplicaMessage.Entries entries:
                OnEntries(entries);
                break;
            case ReplicaMessage.SyncRequest sync:
                OnSyncRequest(sync);
                break;
            case ReplicaMessage.Transfer transfer:
                OnTransfer(transfer);
                break;
            case ReplicaMessage.Recover recover:
                OnRecover(recover);
                break;
            case ReplicaMessage.RecoverAnswer answer:
                OnRecoverAnswer(answer);
                break;
            case ReplicaMessage.ReadQuestion question:
                OnReadQuestion(question);
                break;
            case ReplicaMessage.ReadAnswer answer:
                OnReadAnswer(answer);
                break;
            case ReplicaMessage.Position position:
                OnPosition(position);
                break;
            default:
                break;
        }
    }

    /// <summary>Time has passed. Wants to be called about every <see cref="ReplicaOptions.ElectionStepMs"/>.</summary>
    /// <param name="nowMs">Milliseconds of a clock that never goes back and also runs while the machine sleeps.</param>
    public void Tick(long nowMs)
    {
        _now = nowMs;
        if (_role == ReplicaRole.Failed)
        {
            return;
        }

        if (_now - _tickedMs > _options.GrantMs)
        {
            // This replica stood still. Nothing it believed about time can be trusted.
            _leaseUntilMs = 0;
            _beatMs = 0;
        }

        _tickedMs = _now;
        ForgetPeerReads();
        StoreTick();
        switch (_role)
        {
            case ReplicaRole.Active:
                LeaderTick();
                break;
            case ReplicaRole.Candidate:
                CandidateTick();
                break;
            default:
                ElectionTick();
                RecoveryTick();
                break;
        }
    }

    /// <summary>The superblock with this ticket, and so all before it, is durable.</summary>
    public void SuperblockSaved(ulong ticket, long nowMs)
    {
        _now = nowMs;
        if (_role == ReplicaRole.Failed)
        {
            return;
        }

        _superblockMs = ticket > _superblockSaved ? _now : _superblockMs;
        _superblockSaved = Math.Max(_superblockSaved, ticket);
        var released = 0;
        while (released < _held.Count && _held[released].Ticket <= _superblockSaved)
        {
            Emit(new ReplicaOutput(OutputKind.Send) { Peer = _held[released].Peer, Message = _held[released].Message });
            released++;
        }

        _held.RemoveRange(0, released);
        FinishInstallBegin();
        TryFinishFence();
    }

    /// <summary>
    /// The disks of this replica are fine or not, and the journal takes more or not. A leader that is not healthy
    /// gives the lead back.
    /// </summary>
    /// <param name="isHealthy">The disks are fine.</param>
    /// <param name="isFull">No room is left for what clients want.</param>
    /// <param name="isOverfull">
    /// None for what a leader sends either. Must not stay so where only the commit of what is in the journal makes
    /// room, because that needs a leader, and an entry of it.
    /// </param>
    /// <param name="nowMs">As for <see cref="Tick"/>.</param>
    public void ReportHealth(bool isHealthy, bool isFull, bool isOverfull, long nowMs)
    {
        _now = nowMs;
        _isHealthy = isHealthy;
        _isFull = isFull;
        _isOverfull = isOverfull;
    }

    /// <summary>
    /// The lease of this node may be kept alive: renewing it proves more than that a network thread lives. A failed
    /// replica keeps none, because the key of the lead may still be below it.
    /// </summary>
    public bool MayKeepLease(long nowMs) =>
        _role is ReplicaRole.Follower or ReplicaRole.Candidate
        || (_role == ReplicaRole.Active
            && _isHealthy && nowMs - _tickedMs <= _options.QuorumStallMs && !IsJournalStalled(nowMs)
            && nowMs - _quorumMs <= _options.QuorumStallMs);

    private bool Breaks(ReplicaMutations rule) => (_mutations & rule) != 0;

    private void Emit(in ReplicaOutput output) => _outputs.Add(output);

    private void Send(MemberId peer, ReplicaMessage message) =>
        Emit(new ReplicaOutput(OutputKind.Send) { Peer = peer, Message = message });

    /// <summary>
    /// Sends an answer that tells of the promise or the status: not before they are on disk. Entries are lent and
    /// cannot be held that long; they are lost, and the candidate asks again.
    /// </summary>
    private void SendDurably(MemberId peer, ReplicaMessage message)
    {
        if (_superblockSaved >= _superblockTicket || Breaks(ReplicaMutations.PromiseAnsweredEarly))
        {
            Send(peer, message);
        }
        else if (_held.Count < Limits.HeldMessagesMax && message is not ReplicaMessage.Entries { Items.Count: > 0 })
        {
            _held.Add(new HeldMessage(_superblockTicket, peer, message));
        }
    }

    // After a copy was installed, what was said before is as void as after a restart.
    private MessageOrigin From(Term term) =>
        new(term, Self, _incarnation, _boot << 16 | (ushort)_installs, Configuration?.Epoch ?? 0);

    /// <summary>Which start of this replica it is.</summary>
    internal ulong Boot => _boot;

    /// <summary>What a message says that a driver sends in the name of this replica.</summary>
    internal MessageOrigin Origin => From(Term);

    /// <summary>The message is of a member, and of the life of it that the configuration names.</summary>
    internal bool IsOfMember(ReplicaMessage message) =>
        Configuration?.AllMembers.Contains(message.Sender) == true && !IsOtherIncarnation(message);

    private bool IsOtherIncarnation(ReplicaMessage message) =>
        Configuration?.Find(message.Sender) is { } member && member.Incarnation != message.From.Incarnation;

    private bool IsOld(Term term) => term < _promised && !Breaks(ReplicaMutations.NoFence);

    private PeerState Peer(MemberId id) => _peers[id.Value] ??= new PeerState(id);

    private void SaveSuperblock()
    {
        _superblockMs = _superblockTicket == _superblockSaved ? _now : _superblockMs;
        Emit(new ReplicaOutput(OutputKind.SaveSuperblock)
        {
            Ticket = ++_superblockTicket,
            Superblock = new Superblock(_promised, _status, _incarnation, _boot),
        });
    }

    /// <summary>Promises a term. Ends what this replica did in a lower one.</summary>
    private void Promise(Term term)
    {
        if (term <= _promised)
        {
            return;
        }

        _promised = term;
        _leader = null;
        _heardCommit = JournalIndex.None;
        _matched = Agreed;
        _acknowledged = JournalIndex.None;
        _recoverEnd = null;
        SaveSuperblock();
        if (_role is ReplicaRole.Active or ReplicaRole.Candidate && _term < term)
        {
            StepDown();
        }
    }

    private void StepDown()
    {
        Invariant.Check(_role is ReplicaRole.Active or ReplicaRole.Candidate);
        _role = ReplicaRole.Follower;
        IsServing = false;
        _leaseUntilMs = 0;
        _leadLostMs = 0;
        _fetchFrom = null;
        _matched = Agreed;
        EndReads();
        EndLeadership();
        Emit(new ReplicaOutput(OutputKind.RoleChanged) { Term = _promised, LeaderHint = Leader });
    }

    private void ImportSessions(ReadOnlySpan<byte> snapshot)
    {
        Invariant.Check(_sessions.Import(snapshot));
        if (Breaks(ReplicaMutations.LocksNotKept))
        {
            _sessions.Locks.Clear();
        }
    }

    private void RebuildSessions(ReadOnlySpan<byte> snapshot)
    {
        if (!snapshot.IsEmpty)
        {
            ImportSessions(snapshot);
        }

        for (var index = _log.First; index <= _log.Last; index = new JournalIndex(index.Value + 1))
        {
            NoteElided(_log[index]);
            _sessions.Logged(_log[index]);
            if (index <= _commit)
            {
                _sessions.Committed(_log[index]);
            }
        }
    }

    private readonly record struct HeldMessage(ulong Ticket, MemberId Peer, ReplicaMessage Message);
}
