using System;
using System.Collections.Generic;

namespace Myrmex.Replication.Engine;

// A read is good as of a commit index if the replica was still the leader after that index was taken. Either a round
// of beats proves it, with answers of so many members that no election can have been won without one of them; or the
// same members have granted that no election takes place for a while, which saves the round. The clock is looked at
// after the value was taken.
public sealed partial class ReplicaEngine
{
    private const int RoundsKept = 64;

    private readonly List<RunningRead> _reads = [];
    private readonly List<(ulong Tag, bool Lease)> _waitingReads = []; // For the first commit of the term.
    private readonly long[] _roundMs = new long[RoundsKept];

    private ulong _round;
    private ulong _confirmedRound;
    private long _quorumMs; // When a quorum last answered, or was last given time to.
    private long _leaseUntilMs;
    private Term _grantTerm;
    private Term _released; // Terms up to here get no grants any more.
    private long _grantUntilMs;

    /// <summary>
    /// A client's read: <see cref="OutputKind.ReadReady"/> or Refused. With <paramref name="useLease"/> the answer may
    /// come at once and then needs <see cref="LeaseCovers"/> after the value was taken; if that fails, read again
    /// without.
    /// </summary>
    public void Read(ulong tag, bool useLease, long nowMs)
    {
        _now = nowMs;
        if (_role != ReplicaRole.Active || _reads.Count + _waitingReads.Count >= Limits.WaitingReadsMax)
        {
            Refuse(tag, _role == ReplicaRole.Active ? Refusal.Busy : Refusal.NotLeader);
        }
        else if (IsServing || Breaks(ReplicaMutations.ReadEarly))
        {
            BeginRead(tag, useLease);
        }
        else
        {
            _waitingReads.Add((tag, useLease));
        }
    }

    /// <summary>A value taken in <paramref name="term"/> under the lease is good if this holds afterwards.</summary>
    public bool LeaseCovers(Term term, long nowMs) =>
        _role == ReplicaRole.Active && term == _term && nowMs < _leaseUntilMs
        && (IsServing || Breaks(ReplicaMutations.ReadEarly));

    /// <summary>
    /// Up to when <see cref="LeaseCovers"/> holds in the present term, in milliseconds of the clock of the inputs; 0
    /// when it does not.
    /// </summary>
    public long LeaseUntilMs => _role == ReplicaRole.Active && IsServing ? _leaseUntilMs : 0;

    private void BeginRead(ulong tag, bool useLease)
    {
        if (IsConfirmed(useLease))
        {
            EmitRead(tag, _commit, needsLease: !Breaks(ReplicaMutations.ReadUnconfirmed));
            return;
        }

        // The next round, not the running one: its beats left before this read came.
        AwaitRound(new RunningRead(tag, _commit, _round + 1));
    }

    /// <summary>A read needs no round of beats now.</summary>
    private bool IsConfirmed(bool useLease) =>
        (useLease && _options.ReadLease && LeaseCovers(_term, _now)) || Breaks(ReplicaMutations.ReadUnconfirmed);

    private void AwaitRound(in RunningRead read)
    {
        _reads.Add(read);
        if (_confirmedRound == _round)
        {
            StartRound();
        }
    }

    private void EmitRead(ulong tag, JournalIndex index, bool needsLease) =>
        Emit(new ReplicaOutput(OutputKind.ReadReady)
        {
            Ticket = tag,
            Index = index,
            NeedsLease = needsLease,
            Term = _term
        });

    private void ReleaseWaitingReads()
    {
        foreach (var (tag, lease) in _waitingReads)
        {
            BeginRead(tag, lease);
        }

        _waitingReads.Clear();
    }

    private void StartRound()
    {
        _round++;
        _beatMs = _now;
        _roundMs[_round % RoundsKept] = _now;
        var needed = LowestNeeded();
        foreach (var member in Configuration!.AllMembers)
        {
            if (member != Self)
            {
                Send(member, new ReplicaMessage.Beat
                {
                    From = From(_term),
                    Round = _round,
                    Commit = _commit,
                    LowestNeeded = needed,
                    WantsGrant = _options.ReadLease,
                    Settled = Configuration.AllWitnesses.IsEmpty ? JournalIndex.None : Min(_commit, _durable),
                });
            }
        }

        ConfirmRounds(); // A leader that needs nobody confirms itself.
    }

    private JournalIndex LowestNeeded()
    {
        var lowest = _durable.Value;
        foreach (var member in Configuration!.AllMembers)
        {
            lowest = member == Self || IsWitnessed(member) ? lowest : Math.Min(lowest, Peer(member).Durable);
        }

        return new JournalIndex(lowest + 1);
    }

    private void OnBeatAnswer(ReplicaMessage.BeatAnswer message)
    {
        if (HearAnswer(message, message.Promised, message.Status) is not { } peer)
        {
            return;
        }

        peer.Room = message.Room;
        peer.Applied = message.Applied.Value;
        peer.Round = Math.Max(peer.Round, message.Round);
        if (message.Granted && message.Round <= _round && _round - message.Round < RoundsKept)
        {
            peer.GrantedMs = Math.Max(peer.GrantedMs, _roundMs[message.Round % RoundsKept]);
        }

        ConfirmRounds();
        if (_role == ReplicaRole.Active)
        {
            Progress(peer, message.Durable, message.Written);
        }
    }

    private void ConfirmRounds()
    {
        var confirmed = ReadReached(static peer => peer.Round, _round);
        if (confirmed > _confirmedRound)
        {
            _confirmedRound = confirmed;
            _quorumMs = _now;
            FinishReads();
        }

        if (_options.ReadLease && _role == ReplicaRole.Active)
        {
            var granted = (long)ReadReached(static peer => (ulong)peer.GrantedMs, (ulong)_now);
            var span = _options.GrantMs * (1000 - _options.GrantMarginPerMille) / 1000;
            span = Breaks(ReplicaMutations.GrantOverrun) ? span * 8 : span;
            _leaseUntilMs = granted == 0 ? 0 : Math.Max(_leaseUntilMs, granted + span);
        }
    }

    /// <summary>The value that so many members have reached that no election is possible without one of them.</summary>
    private ulong ReadReached(Func<PeerState, ulong> valueOf, ulong own)
    {
        var configuration = Configuration!;
        foreach (var member in configuration.AllMembers)
        {
            var peer = Peer(member);
            _reached[member.Value] = member == Self ? own : Counts(peer) ? valueOf(peer) : 0;
        }

        if (configuration.Mode == ReplicaMode.Quorum)
        {
            return (ulong)configuration.ReadQuorumReached(_reached);
        }

        var reached = own;
        foreach (var member in Required)
        {
            reached = Math.Min(reached, _reached[member.Value]);
        }

        return reached;
    }

    private void FinishReads()
    {
        var kept = 0;
        for (var i = 0; i < _reads.Count; i++)
        {
            if (_reads[i].Round <= _confirmedRound)
            {
                Finish(_reads[i]);
            }
            else
            {
                _reads[kept++] = _reads[i];
            }
        }

        _reads.RemoveRange(kept, _reads.Count - kept);
        if (kept > 0 && _confirmedRound == _round)
        {
            StartRound();
        }
    }

    private void Finish(in RunningRead read)
    {
        if (read.Peer is { } peer)
        {
            Confirmed(peer, in read);
        }
        else
        {
            EmitRead(read.Tag, read.Index, needsLease: false);
        }
    }

    private void EndReads()
    {
        EndPeerReads();
        foreach (var read in _reads)
        {
            if (read.Peer is null)
            {
                Refuse(read.Tag, Refusal.NotLeader);
            }
        }

        foreach (var (tag, _) in _waitingReads)
        {
            Refuse(tag, Refusal.NotLeader);
        }

        _reads.Clear();
        _waitingReads.Clear();
        _round++;
        _confirmedRound = _round;
    }

    /// <summary>
    /// A grant of an earlier start may still run: until it must have ended, no other term is promised. Whether leases
    /// are used now says nothing about that one.
    /// </summary>
    private void StartGrants()
    {
        if (_promised != Term.None && _options.MayHaveGranted && !Breaks(ReplicaMutations.GrantForgotten))
        {
            _grantTerm = Term.None;
            _grantUntilMs = _now + _options.GrantMs;
        }
    }

    private bool GiveGrant(Term term)
    {
        if (IsGrantedToOther(term) || term <= _released)
        {
            return false;
        }

        _grantTerm = term;
        _grantUntilMs = _now + _options.GrantMs;
        return true;
    }

    /// <summary>The leader of the term reads no more, ever: what it was granted needs not be waited for.</summary>
    private void ReleaseGrant(Term term)
    {
        _released = term > _released ? term : _released;
        _grantUntilMs = _grantTerm != Term.None && _grantTerm == term ? 0 : _grantUntilMs;
    }

    private bool IsGrantedToOther(Term term) =>
        (_grantTerm != term && _now < _grantUntilMs) || IsPromisedInOther(term);

    /// <summary>A read that waits for a round of beats, of a client here or at a follower.</summary>
    private readonly record struct RunningRead(ulong Tag, JournalIndex Index, ulong Round)
    {
        /// <summary>The follower that asks; null for a client of this leader.</summary>
        public MemberId? Peer { get; init; }

        /// <summary>Which start of that one asks.</summary>
        public ulong Asker { get; init; }

        /// <summary>What the main store must have first.</summary>
        public JournalIndex Through { get; init; }

        /// <summary>When the question came.</summary>
        public long SinceMs { get; init; }
    }
}
