using System;

namespace Myrmex.Replication.Engine;

// How a replica becomes leader: it takes a term and the lead in the state store by one transaction, collects durable
// promises of an election quorum, takes the best journal among them over, and begins its term with an entry of its
// own. Everything before the transaction is advice: it buys speed and saves terms, and no safety depends on it.
public sealed partial class ReplicaEngine
{
    private const long PositionFreshMs = 500;

    /// <summary>
    /// Times <see cref="ReplicaOptions.LeaderGraceMs"/> for which a candidate that nobody gave what it lacks leaves the
    /// lead to others: as long as any of them waits.
    /// </summary>
    private const int GapPauses = 3;

    private const ulong FetchStepGrowth = 8;

    private long _leadLostMs; // Since when nobody leads, as far as is known here; 0 while somebody does.
    private long _leadSeenMs; // Since when the view has the lead that it has.
    private long _askedMs;
    private long _notBeforeMs;

    private long _candidateMs;
    private long _fencedMs;
    private ulong _selfTicket; // The superblock with our own promise.
    private MemberId? _fetchFrom;
    private JournalIndex _fetchAfter; // What the last question asked for: the entries after this one.
    private JournalIndex? _otherAt; // The lowest entry that is known to be another one in the best journal.
    private JournalIndex? _droppedAt; // The highest one that it is known not to have any more.
    private ulong _fetchStep;
    private JournalIndex _goalIndex;
    private UInt128 _goalChain;
    private long _fetchedMs;
    private bool _isLossy;
    private MemberId? _outOfReach; // Its journal begins after ours ends: others come first.
    private bool _hasReached; // And now it may go on where ours ends.
    private Term _fetchAnswerTerm;

    private void ElectionTick()
    {
        TakeOverTick();
        if (_view?.Lead is { } lead && !IsSilent(lead))
        {
            _leadLostMs = 0;
            if (lead.Member == Self && lead.Incarnation == _incarnation && _storePurpose == StorePurpose.None
                && !IsHandingOver)
            {
                // Ours, and we do not lead: nobody must wait for it.
                Issue(StorePurpose.Resign, _transactions.Resign(lead));
            }

            return;
        }

        if (_view?.Configuration is not { } configuration || !configuration.AllMembers.Contains(Self))
        {
            _leadLostMs = 0;
            return;
        }

        if (_leadLostMs == 0)
        {
            _leadLostMs = _now;
            AskPositions();
        }

        if (MayCampaign(configuration))
        {
            Campaign(_view.Lead);
        }
    }

    /// <summary>Another's key is in the store, and nothing was heard of that one for long.</summary>
    private bool IsSilent(TermOwner lead) =>
        lead.Member != Self && _now - Math.Max(_leadSeenMs, _leaderMs) >= _options.LeaderSilentMs;

    /// <summary>More than half of the members, this one included, have said lately that they do not hear it.</summary>
    private bool IsGivenUp(ReplicaConfiguration configuration)
    {
        var count = 1;
        foreach (var member in configuration.AllMembers)
        {
            if (member == Self || FreshPosition(member) is not { } position)
            {
                continue;
            }

            if (position.HearsLeader)
            {
                return false;
            }

            count++;
        }

        return 2 * count > configuration.AllMembers.Count;
    }

    private bool MayCampaign(ReplicaConfiguration configuration)
    {
        if (_now < _notBeforeMs || !MayAsk(configuration))
        {
            return false;
        }

        var waited = _now - _leadLostMs;
        if (_now - _leaderMs < 2 * _options.BeatMs && waited < _options.LeaderGraceMs)
        {
            return false; // It lives and only lost its key.
        }

        var isLeaving = configuration.Pending is { } pending && !pending.Set.Contains(Self);
        if (waited < (isLeaving ? _options.LeaderGraceMs : _options.ElectionStepMs))
        {
            return false;
        }

        if (!CanLead(configuration) || (_view!.Lead is not null && !IsGivenUp(configuration)))
        {
            if (_now - _askedMs >= _options.RetransmitMs)
            {
                AskPositions();
            }

            return false;
        }

        return waited >= (_options.ElectionStepMs * (1 + Rank(configuration))) + (Hindrances * _options.LeaderGraceMs);
    }

    /// <summary>
    /// Others first: on a full disk what is committed waits for room, a store that may have what is lost is of less
    /// use, who wants a copy takes no journal over, and who counts for nothing makes do with the votes of others.
    /// </summary>
    private int Hindrances =>
        (_room.IsOut || (_isStoreAhead && _status != MemberStatus.Voter) ? 1 : 0) + (_isDiverged ? 1 : 0);

    /// <summary>The lead may be asked for now, if nobody has it.</summary>
    private bool MayAsk(ReplicaConfiguration configuration) =>
        _storePurpose == StorePurpose.None && !_readOwed && IsFit && !_isOverfull && _lease.Value != 0 && !MayNotLead
            && (configuration.Mode != ReplicaMode.InSync
                || _view!.InSync.Contains(Self)); // Also a condition of the transaction.

    /// <summary>As far as the others have told, an election would succeed.</summary>
    private bool CanLead(ReplicaConfiguration configuration)
    {
        var heard = MemberSet.Of(Self);
        var voters = CountsAtOnce(_status) ? heard : MemberSet.Empty;
        foreach (var member in configuration.AllMembers)
        {
            if (FreshPosition(member) is { } position)
            {
                heard = heard.With(member);
                voters = CountsAtOnce(position.Status) ? voters.With(member) : voters;
            }
        }

        if (CountsAtOnce(_status)
            && (configuration.Mode == ReplicaMode.InSync || configuration.IsElectionQuorum(voters)))
        {
            return true;
        }

        return LeadsUncounted(configuration, voters)
            || (_status is MemberStatus.Voter or MemberStatus.Recovering && IsComplete(configuration, heard, voters));
    }

    /// <summary>
    /// No election quorum has all it acknowledged, but nobody is missing: whatever is left is known, and the best of
    /// it goes on.
    /// </summary>
    private bool IsComplete(ReplicaConfiguration configuration, MemberSet heard, MemberSet voters) =>
        configuration.Mode == ReplicaMode.InSync
            ? heard.ContainsAll(_view!.InSync) && (voters & _view.InSync).IsEmpty
            : heard.ContainsAll(configuration.AllMembers) && !configuration.IsElectionQuorum(voters);

    private static bool CountsAtOnce(MemberStatus status) => status == MemberStatus.Voter;

    /// <summary>How many of the others should rather lead.</summary>
    private int Rank(ReplicaConfiguration configuration)
    {
        var rank = 0;
        foreach (var member in configuration.AllMembers)
        {
            if (member == Self || FreshPosition(member) is not { CanLead: true } position
                || (CountsAtOnce(_status) && !CountsAtOnce(position.Status)))
            {
                continue;
            }

            var order = position.LastTerm.CompareTo(_log.LastTerm);
            order = order != 0 ? order : position.LastIndex.CompareTo(_log.Last);
            order = order != 0 ? order : (member == Preferred).CompareTo(Self == Preferred);
            order = order != 0 ? order : Self.Value.CompareTo(member.Value);
            rank += order > 0 ? 1 : 0;
        }

        return rank;
    }

    /// <summary>What a member has said of itself lately; null when it has not.</summary>
    private ReplicaMessage.Position? FreshPosition(MemberId member) =>
        _peers[member.Value] is { } peer && _now - peer.PositionMs < PositionFreshMs ? peer.Position : null;

    private void AskPositions()
    {
        _askedMs = _now;
        foreach (var member in _view!.Configuration!.AllMembers)
        {
            if (member != Self)
            {
                Send(member, Position(isQuestion: true));
            }
        }
    }

    private ReplicaMessage.Position Position(bool isQuestion) => new()
    {
        From = From(_promised),
        IsQuestion = isQuestion,
        Status = _status,
        CanLead = _status is MemberStatus.Voter or MemberStatus.Recovering && IsFit && !_room.IsOut && _lease.Value != 0
            && !MayNotLead && (Configuration?.Mode != ReplicaMode.InSync || _view!.InSync.Contains(Self)),
        HearsLeader = _role is ReplicaRole.Active or ReplicaRole.Candidate
            || _now - _leaderMs < _options.LeaderSilentMs / 2,
        LastTerm = _log.LastTerm,
        LastIndex = _log.Last,
    };

    private void OnPosition(ReplicaMessage.Position message)
    {
        var peer = Peer(message.Sender);
        peer.Position = message;
        peer.PositionMs = _now;
        if (message.IsQuestion)
        {
            Send(message.Sender, Position(isQuestion: false));
        }
    }

    private void Campaign(TermOwner? former)
    {
        var owner = new TermOwner(new Term(_view!.Term.Term.Value + 1), Self, _incarnation, _boot);
        if (owner.Term <= _promised)
        {
            _readOwed = true; // The view is old: somebody has this term already.
            return;
        }

        Issue(StorePurpose.Campaign, _transactions.Campaign(_view, owner, _lease, former));
    }

    private void CampaignAnswered(bool? succeeded)
    {
        // A win shows in the state that came with the answer, or will come by the watch.
        if (succeeded != true)
        {
            _notBeforeMs = _now + _options.ElectionStepMs;
        }
    }

    /// <summary>The term is ours, and was never used.</summary>
    private void Won(TermOwner owner)
    {
        Promise(owner.Term);
        _term = owner.Term;
        _role = ReplicaRole.Candidate;
        _selfTicket = _superblockTicket;
        _candidateMs = _now;
        _fetchFrom = null;
        _isLossy = false;
        _outOfReach = null;
        _hasReached = false;
        BeginInSync();
        foreach (var peer in _peers)
        {
            if (peer is not null)
            {
                peer.Promise = null;
            }
        }

        Emit(new ReplicaOutput(OutputKind.RoleChanged) { Term = _term });
        if (_needsCopy)
        {
            GiveUp(); // A copy was begun after the lead was asked for: half a store leads nobody.
            return;
        }

        SendFences();
        TryFinishFence();
    }

    private void SendFences()
    {
        _fencedMs = _now;
        foreach (var member in Configuration!.AllMembers)
        {
            if (member != Self && _peers[member.Value]?.Promise is null)
            {
                Send(member, new ReplicaMessage.Fence
                {
                    From = From(_term),
                    Released = _released < _term ? _released : Term.None,
                });
            }
        }
    }

    private void OnFence(ReplicaMessage.Fence message)
    {
        if (message.Term < _promised
            || (message.Term == _promised && _role is ReplicaRole.Active or ReplicaRole.Candidate))
        {
            Send(message.Sender, new ReplicaMessage.FenceAnswer { From = From(message.Term), Promised = _promised });
            return;
        }

        _leaderMs = _now; // One that is about to lead, and may have much to fetch before it does.
        ReleaseGrant(message.Released);
        EndPromises(message.Term);
        if (message.Term > _promised && IsGrantedToOther(message.Term))
        {
            return; // A leader may be reading by our grant, or was promised for. The candidate asks again.
        }

        if (!Breaks(ReplicaMutations.NoFence))
        {
            Promise(message.Term);
        }

        SendDurably(message.Sender, new ReplicaMessage.FenceAnswer
        {
            From = From(message.Term),
            Promised = Breaks(ReplicaMutations.NoFence) ? message.Term : _promised,
            Status = _status,
            LastTerm = _log.LastTerm,
            LastIndex = _log.Last,
            LastChain = _log.LastChain,
        });
    }

    private void OnFenceAnswer(ReplicaMessage.FenceAnswer message)
    {
        if (_role != ReplicaRole.Candidate || message.Term != _term)
        {
            return;
        }

        if (message.Promised > _term)
        {
            _readOwed = true;
            GiveUp();
            return;
        }

        Peer(message.Sender).Promise = message;
        TryFinishFence();
    }

    /// <summary>Goes on once enough promises, our own included, are on disk.</summary>
    private void TryFinishFence()
    {
        if (_role != ReplicaRole.Candidate || _fetchFrom is not null || _superblockSaved < _selfTicket
            || IsGrantedToOther(_term))
        {
            return;
        }

        var configuration = Configuration!;
        var voters = CountsAtOnce(_status) ? MemberSet.Of(Self) : MemberSet.Empty;
        var present = WithPromise();
        foreach (var member in present.Without(Self))
        {
            voters = CountsAtOnce(_peers[member.Value]!.Promise!.Status) ? voters.With(member) : voters;
        }

        var isElected = (voters.Contains(Self) && (configuration.Mode == ReplicaMode.InSync
            ? _view!.InSync.Contains(Self)
            : IsElected(configuration, voters))) || LeadsUncounted(configuration, voters);
        _isLossy = !isElected && IsComplete(configuration, present, voters);
        if (isElected || _isLossy)
        {
            AdoptBest(configuration.Mode == ReplicaMode.InSync && isElected ? MemberSet.Of(Self) : _isLossy ? present
                : voters);
        }
    }

    private bool IsElected(ReplicaConfiguration configuration, MemberSet voters)
    {
        if (Breaks(ReplicaMutations.NoJointQuorum))
        {
            configuration = configuration with { Pending = null };
        }

        return configuration.IsElectionQuorum(voters)
            || (Breaks(ReplicaMutations.UnsoundQuorums)
                && voters.Count >= configuration.Members.Count - configuration.WriteQuorum);
    }

    private void AdoptBest(MemberSet among)
    {
        ReplicaMessage.FenceAnswer? best = null;
        foreach (var member in among)
        {
            if (member != Self && _peers[member.Value]!.Promise is { } promise && IsBetter(
                promise.LastTerm, promise.LastIndex, best?.LastTerm ?? _log.LastTerm, best?.LastIndex ?? _log.Last))
            {
                best = promise;
            }
        }

        if (best is null || Breaks(ReplicaMutations.NoAdoption))
        {
            Activate();
            return;
        }

        if (best.LastIndex < _commit || _isDiverged)
        {
            // A restart from less gave up what we have committed, and we want a copy if we know: who has that journal
            // must lead.
            GiveUp();
            return;
        }

        _fetchFrom = best.Sender;
        (_otherAt, _droppedAt, _fetchStep) = (null, null, 1);
        _goalIndex = best.LastIndex;
        _goalChain = best.LastChain;
        SendFetch(Min(_log.Last, _goalIndex));
    }

    private bool IsBetter(Term leftTerm, JournalIndex left, Term rightTerm, JournalIndex right)
    {
        var order = Breaks(ReplicaMutations.LengthOnly) ? 0 : leftTerm.CompareTo(rightTerm);
        return order > 0 || (order == 0 && left > right);
    }

    private void SendFetch(JournalIndex previous)
    {
        _fetchedMs = _now;
        _fetchAfter = previous;
        Send(_fetchFrom!.Value, new ReplicaMessage.Fetch
        {
            From = From(_term),
            PreviousIndex = previous,
            PreviousChain = _log.ChainAt(previous),
        });
    }

    private void OnFetch(ReplicaMessage.Fetch message)
    {
        if (message.Term != _promised && !Breaks(ReplicaMutations.NoFence))
        {
            return;
        }

        _leaderMs = _now;
        var previous = message.PreviousIndex;
        if (previous < _log.Base)
        {
            ReadJournalFor(Peer(message.Sender), previous);
            return;
        }

        var matches = previous < _log.Last && _log.ChainAt(previous) == message.PreviousChain;
        SendDurably(message.Sender, new ReplicaMessage.Entries
        {
            From = From(message.Term),
            Answer = matches ? EntriesAnswer.Given : EntriesAnswer.NoMatch,
            PreviousIndex = previous,
            PreviousChain = message.PreviousChain,
            Items = matches ? Slice(previous, Limits.MessageEntriesMax, out _) : [],
        });
    }

    /// <summary>Has entries before those in memory read, or says that there are none.</summary>
    private void ReadJournalFor(PeerState peer, JournalIndex previous)
    {
        if (previous.Value + 1 < JournalStart.Value)
        {
            SendDurably(peer.Id, new ReplicaMessage.Entries
            {
                From = From(_promised),
                Answer = EntriesAnswer.TooOld,
                PreviousIndex = previous,
            });
        }
        else if (!peer.IsReadingJournal || _now - peer.ReadingSinceMs > _options.CandidateMs)
        {
            peer.IsReadingJournal = true;
            peer.ReadingSinceMs = _now;
            _fetchAnswerTerm = _promised;
            Emit(new ReplicaOutput(OutputKind.FetchJournal) { Peer = peer.Id, Index = previous });
        }
    }

    private void OnEntries(ReplicaMessage.Entries message)
    {
        if (_role != ReplicaRole.Candidate || message.Term != _term || message.Sender != _fetchFrom
            || message.PreviousIndex != _fetchAfter)
        {
            return; // Also the answer to an earlier question: it would ask the later ones again.
        }

        var fits = message.Answer == EntriesAnswer.Given
            && Fits(message.PreviousIndex, message.PreviousChain, out _);
        if (fits && message.Items.Count > 0 && TakeEntries(message.Items, message.PreviousIndex))
        {
            ContinueFetch(message.Items[^1].Index);
        }
        else if (message.Answer == EntriesAnswer.TooOld)
        {
            _droppedAt = message.PreviousIndex;
            FetchBetween(message.Sender);
        }
        else if (!fits && message.PreviousIndex > _commit)
        {
            _otherAt = message.PreviousIndex;
            FetchBetween(message.Sender);
        }
        else
        {
            FenceAgain(); // The journal we wanted is not what it was: its owner was started again.
        }
    }

    /// <summary>
    /// Looks for the last entry that the best journal and ours share: farther back as long as its owner has what is
    /// asked for, with what is committed at the latest; and then in between, because it may not have that any more.
    /// </summary>
    private void FetchBetween(MemberId owner)
    {
        if (_droppedAt is { } dropped)
        {
            if (_otherAt is { } other && other.Value > dropped.Value + 1)
            {
                SendFetch(new JournalIndex(dropped.Value + ((other.Value - dropped.Value) / 2)));
                return;
            }

            AdoptWithout(owner);
            return;
        }

        var back = Math.Min(_fetchStep, _otherAt!.Value.Value - _commit.Value); // One of the two is known.
        _fetchStep *= FetchStepGrowth;
        SendFetch(new JournalIndex(_otherAt.Value.Value - back));
    }

    /// <summary>
    /// Up to an entry our journal is the best one. What is ours behind it says nothing: it may be as long, and another.
    /// </summary>
    private void ContinueFetch(JournalIndex reached)
    {
        if (reached < _goalIndex)
        {
            SendFetch(reached);
        }
        else if (_log.Knows(_goalIndex) && _log.ChainAt(_goalIndex) == _goalChain)
        {
            if (_outOfReach is not null && !_hasReached)
            {
                _hasReached = true;
                _outOfReach = null;
                AdoptBest(WithPromise());
                return;
            }

            Activate();
        }
        else
        {
            FenceAgain();
        }
    }

    /// <summary>
    /// The best of what is left begins after our journal ends, and its owner cannot lead with it. What was synced
    /// another member has as well, whose journal may be the bridge.
    /// </summary>
    private void AdoptWithout(MemberId member)
    {
        var configuration = Configuration!;
        var hasOther = configuration.Mode == ReplicaMode.InSync ? !_view!.InSync.Without(member).IsEmpty
            : configuration.WriteQuorum > 1 && (configuration.Pending?.WriteQuorum ?? int.MaxValue) > 1;
        if (Breaks(ReplicaMutations.AdoptsWithGap))
        {
            Activate();
            return;
        }

        if (!_isLossy || _outOfReach is not null || !hasOther)
        {
            GiveUp();
            _notBeforeMs = _now + (GapPauses * _options.LeaderGraceMs); // Whoever has them comes first.
            return;
        }

        _outOfReach = member;
        _fetchFrom = null;
        AdoptBest(WithPromise().Without(member));
    }

    /// <summary>Who has promised our term, with ourselves.</summary>
    private MemberSet WithPromise()
    {
        var set = MemberSet.Of(Self);
        foreach (var member in Configuration!.AllMembers)
        {
            set = _peers[member.Value]?.Promise is null ? set : set.With(member);
        }

        return set;
    }

    private void FenceAgain()
    {
        Peer(_fetchFrom!.Value).Promise = null;
        _fetchFrom = null;
        SendFences();
    }

    private void CandidateTick()
    {
        if (_now - _candidateMs > _options.CandidateMs || !IsFit)
        {
            GiveUp();
        }
        else if (_fetchFrom is null)
        {
            TryFinishFence();
            if (_role == ReplicaRole.Candidate && _fetchFrom is null && _now - _fencedMs >= _options.BeatMs)
            {
                SendFences();
            }
        }
        else if (_now - _fetchedMs >= _options.RetransmitMs)
        {
            SendFetch(_fetchAfter);
        }
    }

    /// <summary>Steps down by our own decision and gives the lead back.</summary>
    private void GiveUp()
    {
        var lead = OwnTerm;
        StepDown();
        _notBeforeMs = _now + _options.BackoffMs;
        if (_storePurpose == StorePurpose.None)
        {
            Issue(StorePurpose.Resign, _transactions.Resign(lead));
        }
    }
}
