using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

// The leader of a term: logs operations, sends them on without waiting for earlier ones, and commits what enough
// members have.
public sealed partial class ReplicaEngine
{
    private const ulong RenewEvery = 64;

    /// <summary>Meta of the first entry of a term: term and index of the one before.</summary>
    private const int TermStartBytes = 16;

    private readonly Queue<ulong> _durableOnly = new(); // Uncommitted entries that memory does not commit.
    private readonly List<(ulong Tag, JournalIndex Index)> _syncs = [];
    private readonly ulong[] _reached = new ulong[Limits.MemberIdMax + 1];

    private JournalIndex _termStart;
    private JournalIndex _quorumDurable;
    private long _beatMs;
    private bool _owesEntries; // Logged and not sent: with the next drain.
    private bool _owesSync; // Something that memory does not commit was logged: after that.

    /// <summary>
    /// A client's operation. Leads to <see cref="OutputKind.Accepted"/> (and later <see cref="OutputKind.Committed"/>
    /// or <see cref="OutputKind.Superseded"/> for the entry), <see cref="OutputKind.Answered"/> or <see
    /// cref="OutputKind.Refused"/>.
    /// </summary>
    public void Propose(in Proposal proposal, long nowMs)
    {
        _now = nowMs;
        var refusal = _role != ReplicaRole.Active ? Refusal.NotLeader
            : !IsServing || IsClosed ? Refusal.NotServing
            : Refusal.None;
        if (refusal != Refusal.None)
        {
            Refuse(proposal.Tag, refusal);
            return;
        }

        _sessions.Use(proposal.Session, _now);
        if (proposal.Session != 0 && proposal.Kind != EntryKind.Session && IsKnown(proposal))
        {
            return;
        }

        refusal = AdmissionProblem(proposal);
        if (refusal != Refusal.None)
        {
            Refuse(proposal.Tag, refusal);
            return;
        }

        var isOverfull = proposal.Kind != EntryKind.Session
            && _sessions.OutcomesOf(proposal.Session) >= Limits.SessionOutcomesMax;
        RenewSession(proposal, isOverfull ? 1 : RenewEvery);
        if (isOverfull)
        {
            _owesEntries = true;
            Refuse(proposal.Tag, Refusal.Busy); // What the client has acknowledged makes room.
            return;
        }

        var entry = LogOwn(proposal.Kind, proposal.Session, proposal.Sequence, proposal.Step, proposal.Meta,
            proposal.Data);
        _sessions.Use(proposal.Session, _now); // That it begins.
        if (!proposal.FromMemory)
        {
            NeedsDisk(entry.Index);
        }

        Emit(new ReplicaOutput(OutputKind.Accepted) { Ticket = proposal.Tag, Index = entry.Index, Term = _term });
        _owesEntries = true;
    }

    /// <summary>
    /// Wants everything up to an entry on the disks of a write quorum: <see cref="OutputKind.Synced"/> or
    /// <see cref="OutputKind.Refused"/>.
    /// </summary>
    public void Sync(ulong tag, JournalIndex index, long nowMs)
    {
        _now = nowMs;
        if (_role != ReplicaRole.Active || !IsServing || index > _log.Last || _syncs.Count >= Limits.WaitingSyncsMax)
        {
            Refuse(tag, _role == ReplicaRole.Active ? Refusal.NotServing : Refusal.NotLeader);
            return;
        }

        _syncs.Add((tag, index));
        FinishSyncs();
        if (_syncs.Count > 0)
        {
            RequestSync(index);
        }
    }

    private bool MayLead(MemberId member) =>
        Configuration!.AllMembers.Contains(member) && HasStore(member) && Counts(Peer(member)) && IsFresh(member)
        && (Configuration.Mode != ReplicaMode.InSync || _inSync.Contains(member));

    /// <summary>
    /// The first entry of the term goes after the journal that was adopted; its commit commits all before it.
    /// </summary>
    private void Activate()
    {
        if (_log.Last < _elidedThrough)
        {
            GiveUp(); // The entries that make this store whole are lost: only damage beyond all quorums does that.
            return;
        }

        _fetchFrom = null;
        _role = ReplicaRole.Active;
        IsServing = false;
        BeginSessions();
        _beatMs = 0;
        _quorumMs = _now;
        _leaseUntilMs = 0;
        _quorumDurable = JournalIndex.None;
        _durableOnly.Clear();
        _historyOwed = true;
        _leader = Self;
        _returnSinceMs = _now;
        if (_isLossy)
        {
            _status = MemberStatus.Voter; // Nobody knows more than this journal any longer.
            SaveSuperblock();
            Emit(new ReplicaOutput(OutputKind.LossyRestart) { Index = _log.Last, Term = _term });
        }

        if (Breaks(ReplicaMutations.VolatileOutcomes))
        {
            _sessions.ForgetOutcomes();
        }

        _termStart = new JournalIndex(_log.Last.Value + 1);
        foreach (var member in Configuration!.AllMembers)
        {
            Peer(member).Begin(_termStart.Value, _now);
        }

        Emit(new ReplicaOutput(OutputKind.RoleChanged) { Term = _term, LeaderHint = Self });
        var start = new BinaryBuilder();
        start.UInt64(_log.LastTerm.Value);
        start.UInt64(_log.Last.Value);
        if (_isLossy)
        {
            start.Byte(1); // See HasLostFor.
        }

        LogOwn(EntryKind.TermStart, default, 0, 0, start.ToArray(), default);
        NeedsDisk(_termStart);
        StartRound();
        SendToAll();
        AdvanceCommit();
    }

    /// <summary>Where memory commits, it does not commit this entry.</summary>
    private void NeedsDisk(JournalIndex index)
    {
        if (Configuration!.AllowsMemory)
        {
            _durableOnly.Enqueue(index.Value);
            _owesSync = true;
        }
    }

    private JournalEntry LogOwn(
        EntryKind kind, UInt128 session, ulong sequence, uint step, ReadOnlyMemory<byte> meta, Payload data)
    {
        var header = new EntryHeader(_term, new JournalIndex(_log.Last.Value + 1), default, kind, session, sequence,
            step);
        var entry = new JournalEntry(EntryChain.Seal(_log.LastChain, header, meta.Span, data.Span), meta, data);
        LogEntry(entry);
        return entry;
    }

    /// <summary>Answers an operation that is in the journal already, or was; true when it was.</summary>
    private bool IsKnown(in Proposal proposal)
    {
        if (Breaks(ReplicaMutations.NoOutcomes))
        {
            return false;
        }

        if (_sessions.IsSuperseded(proposal.Session, proposal.Sequence, proposal.Run))
        {
            Refuse(proposal.Tag, Refusal.Superseded);
            return true;
        }

        var finding = _sessions.Find(proposal.Session, proposal.Sequence, proposal.Step, out var index,
            out var outcome);
        switch (finding)
        {
            case SessionFinding.New:
                return false;
            case SessionFinding.Logged:
                Emit(new ReplicaOutput(OutputKind.Accepted)
                {
                    Ticket = proposal.Tag,
                    Index = index,
                    Term = _term,
                    IsKnown = true,
                });
                return true;
            case SessionFinding.Committed:
                Emit(new ReplicaOutput(OutputKind.Answered)
                {
                    Ticket = proposal.Tag,
                    Index = index,
                    Outcome = outcome
                });
                return true;
            default:
                Refuse(proposal.Tag, finding == SessionFinding.Dropped ? Refusal.AlreadyAcknowledged
                    : Refusal.SessionUnknown);
                return true;
        }
    }

    /// <summary>
    /// Checked before an operation is logged, because afterwards there is no taking back: an entry waits for its
    /// quorum until this leader or the next one gets it.
    /// </summary>
    private Refusal AdmissionProblem(in Proposal proposal)
    {
        Invariant.Check(proposal.Kind is not (EntryKind.TermStart or EntryKind.Configuration));
        if (proposal.Kind == EntryKind.Session && _sessions.Count >= Limits.SessionsMax)
        {
            return Refusal.Busy;
        }

        if (_isFull)
        {
            return Refusal.Full;
        }

        if (_log.Last.Value - _commit.Value >= Limits.UncommittedEntriesMax
            || _log.HasMoreAfter(_commit, Limits.UncommittedBytesMax))
        {
            return Refusal.Busy;
        }

        var fresh = MemberSet.Of(Self);
        foreach (var member in Configuration!.AllMembers)
        {
            fresh = member != Self && IsFresh(member) && Counts(Peer(member)) ? fresh.With(member) : fresh;
        }

        var isEnough = Configuration.Mode == ReplicaMode.InSync
            ? (fresh & _inSync).Count >= Configuration.InSyncMin
            : Configuration.IsWriteQuorum(fresh);
        return !isEnough ? Refusal.NoQuorum : HasRoomFor(in proposal) ? Refusal.None : Refusal.NoRoom;
    }

    private void RenewSession(in Proposal proposal, ulong every)
    {
        if (proposal.Session != 0 && proposal.Kind != EntryKind.Session
            && proposal.AcknowledgedUpTo >= _sessions.RenewedUpTo(proposal.Session) + every)
        {
            var record = new SessionRecord(SessionAction.Renew, proposal.AcknowledgedUpTo);
            LogOwn(EntryKind.Session, proposal.Session, 0, 0, record.Encode(), default);
        }
    }

    private void Refuse(ulong tag, Refusal refusal) => Emit(new ReplicaOutput(OutputKind.Refused)
    {
        Ticket = tag,
        Refusal = refusal,
        LeaderHint = _role == ReplicaRole.Active ? Self : Leader,
        RetryAfterMs = _options.RetryAfterMs,
    });

    private bool IsFresh(MemberId member) => _now - Peer(member).AnsweredMs <= _options.FreshMs;

    /// <summary>What the member acknowledges counts.</summary>
    private bool Counts(PeerState peer) => peer.Status == MemberStatus.Voter;

    private void SendToAll()
    {
        foreach (var member in Configuration!.AllMembers)
        {
            if (member != Self)
            {
                SendEntries(Peer(member));
            }
        }
    }

    /// <summary>
    /// Sends what the member lacks and the window allows; one message at a time while the place is being found.
    /// </summary>
    private void SendEntries(PeerState peer)
    {
        // A probe may be empty: the answer says where the follower ends.
        while (!peer.IsReadingJournal && !peer.IsRelayed
            && (peer.Next <= _log.Last.Value || (peer.IsProbing && peer.Acknowledged < _log.Last.Value)))
        {
            var isWaiting = peer.IsProbing && _now - peer.SentMs < _options.RetransmitMs;
            if (isWaiting || (!peer.IsProbing && peer.IsFlightFull))
            {
                return;
            }

            var previous = new JournalIndex(peer.Next - 1);
            if (WaitsForPlan(peer, previous))
            {
                return;
            }

            if (previous < _log.Base)
            {
                FetchFor(peer, previous);
                return;
            }

            var items = Slice(previous, peer.IsProbing ? _options.ProbeEntries : Limits.MessageEntriesMax,
                out var bytes, peer.Plan);
            var relay = RelayFor(peer, bytes);
            SendAppend(peer, previous, _log.ChainAt(previous), items, relay?.Id);
            if (peer.IsProbing)
            {
                return;
            }

            peer.Next += (ulong)items.Length;
            peer.FlightBytes += bytes;
            if (bytes >= RelayBytesMin)
            {
                peer.BulkTo = peer.Next - 1;
            }

            if (relay is not null)
            {
                NoteRelayed(relay, peer, bytes);
            }
        }
    }

    private void SendAppend(
        PeerState peer, JournalIndex previous, UInt128 chain, IReadOnlyList<JournalEntry> items,
        MemberId? relayTo = null)
    {
        peer.SentMs = _now;
        Send(peer.Id, new ReplicaMessage.Append
        {
            From = From(_term),
            PreviousIndex = previous,
            PreviousChain = chain,
            Commit = _commit,
            RelayTo = relayTo,
            Items = items,
        });
    }

    private JournalEntry[] Slice(JournalIndex previous, int countMax, out long bytes, ElisionPlan? plan = null)
    {
        bytes = 0;
        var count = 0;
        var available = (int)Math.Min((ulong)countMax, _log.Last.Value - previous.Value);
        var items = new JournalEntry[available];
        while (count < available && (count == 0 || bytes < Limits.MessageBytesMax))
        {
            items[count] = ForPeer(_log[new JournalIndex(previous.Value + 1 + (ulong)count)], plan);
            bytes += ReplicaLog.SizeOf(items[count++]);
        }

        return count == available ? items : items[..count];
    }

    private void FetchFor(PeerState peer, JournalIndex previous)
    {
        if (previous.Value + 1 < JournalStart.Value)
        {
            if (_now - peer.SentMs >= _options.RetransmitMs)
            {
                peer.SentMs = _now;
                OfferCopy(peer.Id, previous);

                // It may have more than we know of, as after a copy, and then takes no other one: the answer tells.
                SendAppend(peer, _log.Last, _log.LastChain, []);
            }

            return;
        }

        peer.IsReadingJournal = true;
        peer.ReadingSinceMs = _now;
        Emit(new ReplicaOutput(OutputKind.FetchJournal) { Peer = peer.Id, Index = previous });
    }

    /// <summary>
    /// Who takes a copy gives its journal up, with what it has acknowledged: all that this leader took over is on its
    /// own disk first. It is asked for again until then.
    /// </summary>
    private void OfferCopy(MemberId peer, JournalIndex index)
    {
        if (_durable >= _termStart)
        {
            Emit(new ReplicaOutput(OutputKind.NeedsIndexOrFull) { Peer = peer, Index = index });
        }
    }

    private void SendFromJournal(
        PeerState peer, JournalIndex previous, UInt128 chain, IReadOnlyList<JournalEntry> entries)
    {
        if (entries.Count == 0 || previous.Value + 1 != peer.Next)
        {
            return;
        }

        if (peer.IsProbing && entries.Count > _options.ProbeEntries)
        {
            entries = [.. entries.Take(_options.ProbeEntries)]; // What is not needed is found out when it has answered.
        }

        SendAppend(peer, previous, chain, ForPeer(entries, peer.Plan));
        if (!peer.IsProbing)
        {
            peer.Next += (ulong)entries.Count;
        }
    }

    private void OnAppendAnswer(ReplicaMessage.AppendAnswer message)
    {
        if (HearAnswer(message, message.Promised, message.Status) is not { } peer)
        {
            return;
        }

        peer.Room = message.Room;
        switch (message.Outcome)
        {
            case AppendOutcome.Taken:
                Progress(peer, message.Durable, message.Written);
                break;
            case AppendOutcome.NoMatch:
                var next = Math.Max(Math.Min(message.Hint.Value, _log.Last.Value), peer.Acknowledged) + 1;
                // A later place is asked for by who cannot compare so early an entry any more.
                if (next < peer.Next || (next > peer.Next && peer.IsProbing))
                {
                    PauseRelay(peer);
                    peer.Probe(next);
                    SendEntries(peer);
                }

                break;
            case AppendOutcome.NeedsCopy:
                peer.SentMs = _now;
                OfferCopy(peer.Id, message.Hint);
                break;
            default:
                ProbeAgain(peer); // Full or damaged: tried again after a while.
                peer.SentMs = _now;
                break;
        }
    }

    /// <summary>Who answered in our term, if it is a member; a higher promise ends our lead.</summary>
    private PeerState? HearAnswer(ReplicaMessage message, Term promised, MemberStatus status)
    {
        if (_role != ReplicaRole.Active || message.Term != _term)
        {
            return null;
        }

        if (promised > _term)
        {
            _readOwed = true;
            StepDown();
            return null;
        }

        var peer = Peer(message.Sender);
        if (!Configuration!.AllMembers.Contains(message.Sender) || message.From.Boot < peer.Boot)
        {
            return null;
        }

        if (message.From.Boot > peer.Boot)
        {
            if (peer.Boot != 0)
            {
                // What it had in memory only may be gone; everything, if it says that it does not count.
                peer.Durable = status == MemberStatus.Voter ? peer.Durable : 0;
                peer.Written = peer.Durable;
                ProbeAgain(peer);
            }

            peer.Boot = message.From.Boot;
        }

        if (status != MemberStatus.Voter && peer.Status == MemberStatus.Voter)
        {
            // It does not have any longer what it acknowledged, and what it says from now on is the truth.
            peer.Durable = 0;
            peer.Written = 0;
            ProbeAgain(peer);
        }

        peer.AnsweredMs = _now;
        peer.Status = status;
        return peer;
    }

    private void Progress(PeerState peer, JournalIndex durable, JournalIndex written)
    {
        var before = peer.Acknowledged;
        peer.Said = Math.Max(durable.Value, written.Value);
        peer.Durable = Math.Max(peer.Durable, durable.Value);
        peer.Written = Math.Max(peer.Written, written.Value);
        Invariant.Check(peer.Acknowledged <= _log.Last.Value || _mutations != 0);
        if (peer.Acknowledged > before)
        {
            peer.ProgressMs = _now;
            peer.FlightBytes = 0;
            peer.IsProbing = false;
            peer.Plan = peer.Acknowledged >= peer.PlannedTo ? null : peer.Plan;
            peer.Next = Math.Max(peer.Next, peer.Acknowledged + 1);
        }

        if (peer.Durable >= _log.Last.Value)
        {
            peer.ProgressMs = _now;
        }

        AdvanceCommit();
        if (_role == ReplicaRole.Active)
        {
            SendEntries(peer);
            TransferTick();
        }
    }

    /// <summary>
    /// Commits what enough members have, if that is an entry of this term: for entries of earlier terms copies alone
    /// prove nothing, since a leader of a term in between may not have seen them.
    /// </summary>
    private void AdvanceCommit()
    {
        if (_role != ReplicaRole.Active)
        {
            return;
        }

        _quorumDurable = new JournalIndex(Math.Min(QuorumReached(isDurable: true), _log.Last.Value));
        var target = Max(_commit, _quorumDurable);
        if (Configuration!.AllowsMemory)
        {
            while (_durableOnly.TryPeek(out var index) && index <= target.Value)
            {
                _durableOnly.Dequeue();
            }

            var limit = _durableOnly.TryPeek(out var first) ? first - 1 : _log.Last.Value;
            target = Max(target, new JournalIndex(Math.Min(limit, QuorumReached(isDurable: false))));
        }

        if (target > _commit && (target >= _termStart || Breaks(ReplicaMutations.CountOldTerms)))
        {
            var before = _commit;
            SetCommit(target);
            OwnCommitted(before);
        }

        FinishSyncs();
    }

    private ulong QuorumReached(bool isDurable)
    {
        var configuration = Configuration!;
        foreach (var member in configuration.AllMembers)
        {
            var peer = Peer(member);
            _reached[member.Value] = member == Self ? (isDurable ? _durable.Value : _written.Value)
                : !Counts(peer) ? 0
                : isDurable ? peer.Durable
                : peer.Acknowledged;
        }

        if (configuration.Mode == ReplicaMode.Quorum)
        {
            return (Breaks(ReplicaMutations.NoJointQuorum) ? configuration with { Pending = null } : configuration)
                .WriteQuorumReached(_reached);
        }

        var reached = ulong.MaxValue;
        foreach (var member in Required)
        {
            reached = Math.Min(reached, _reached[member.Value]);
        }

        return reached;
    }

    private void OwnCommitted(JournalIndex before)
    {
        if (!IsServing && _commit >= _termStart)
        {
            IsServing = true;
            Emit(new ReplicaOutput(OutputKind.RoleChanged) { Term = _term, LeaderHint = Self });
            ReleaseWaitingReads();
        }

        if (before < _changeIndex && _commit >= _changeIndex)
        {
            _isChangeCommitted = true;
        }

        TransferTick();
    }

    private void FinishSyncs()
    {
        for (var i = _syncs.Count - 1; i >= 0; i--)
        {
            if (_syncs[i].Index <= Min(_quorumDurable, _commit))
            {
                Emit(new ReplicaOutput(OutputKind.Synced) { Ticket = _syncs[i].Tag, Index = _syncs[i].Index });
                _syncs.RemoveAt(i);
            }
        }
    }

    private void RequestSync(JournalIndex index)
    {
        Emit(new ReplicaOutput(OutputKind.SyncJournal) { Index = index, Generation = _generation });
        foreach (var member in Configuration!.AllMembers)
        {
            if (member != Self)
            {
                Send(member, new ReplicaMessage.SyncRequest { From = From(_term), Index = index });
            }
        }
    }

    private void LeaderTick()
    {
        if (!IsFit || _now - _quorumMs > _options.QuorumStallMs)
        {
            GiveUp(); // Somebody else can do better; and nobody else may, as long as we hold the lead.
            return;
        }

        if (_now - _beatMs >= _options.BeatMs)
        {
            StartRound();
        }

        foreach (var member in Configuration!.AllMembers)
        {
            if (member != Self)
            {
                Retransmit(Peer(member));
            }
        }

        if (_syncs.Count > 0)
        {
            RequestSync(_syncs[^1].Index);
        }

        TransferTick();
        if (_role != ReplicaRole.Active)
        {
            return;
        }

        KeepLead();
        ReturnTick();
        SessionTick();
        InSyncTick();
        MembershipTick();
    }

    /// <summary>Goes on after what is known to agree; if nothing is, the follower says where it ends.</summary>
    private void ProbeAgain(PeerState peer) =>
        peer.Probe((peer.Acknowledged == 0 ? _log.Last.Value : peer.Acknowledged) + 1);

    private void Retransmit(PeerState peer)
    {
        if (peer.IsReadingJournal && _now - peer.ReadingSinceMs > _options.CandidateMs)
        {
            peer.IsReadingJournal = false;
        }

        var isSilent = _now - peer.SentMs >= _options.RetransmitMs && _now - peer.ProgressMs >= _options.RetransmitMs;
        if (peer.Acknowledged < _log.Last.Value && !peer.IsProbing && !peer.IsPlanning && isSilent)
        {
            PauseRelay(peer);
            ProbeAgain(peer);
        }

        SendEntries(peer);
        var agreed = new JournalIndex(peer.Acknowledged);
        if (peer.Said < peer.Acknowledged && _log.Knows(agreed) && _now - peer.SentMs >= _options.RetransmitMs)
        {
            // It was started again: it may follow the commit index once more.
            SendAppend(peer, agreed, _log.ChainAt(agreed), []);
        }
    }

    private void KeepLead()
    {
        if (_storePurpose != StorePurpose.None || _readOwed || _view!.Term != OwnTerm)
        {
            return;
        }

        if (_view.Lead is null && _lease.Value != 0)
        {
            Issue(StorePurpose.TakeLead, _transactions.TakeLead(OwnTerm, _lease));
        }
        else if (_historyOwed && IsServing)
        {
            _historyOwed = false;
            Issue(StorePurpose.History, _transactions.WriteHistory(OwnTerm, _termStart));
        }
    }

    private void EndLeadership()
    {
        foreach (var (tag, _) in CollectionsMarshal.AsSpan(_syncs))
        {
            Refuse(tag, Refusal.NotLeader);
        }

        _syncs.Clear();
        _durableOnly.Clear();
        if (_transferTo is not null)
        {
            EndTransfer(Refusal.NotLeader);
        }

        _leader = _leader == Self ? null : _leader;
        _changeIndex = JournalIndex.None;
        _isChangeCommitted = false;
        EndChange();
    }
}
