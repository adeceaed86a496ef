using System;

namespace Myrmex.Replication.Engine;

// The lead goes to another member without anybody missing it. The leader waits until that member nearly has
// everything, takes no more operations, waits until it has everything and all is committed, and leads no more: in its
// term never again, so what was granted to it is void at once. It says so to the other one, who takes the next term
// and the key of the lead in one transaction, while the key is the former leader's still: nobody else campaigns in
// between. Whatever fails ends in an election as after any other loss of the lead.
public sealed partial class ReplicaEngine
{
    private const long FirstReturnMs = 1000;

    private MemberId? _transferTo;
    private ulong _transferTag;
    private long _transferMs;
    private long? _closedMs; // Since when no operations are taken; null while they are.

    private (Term Term, MemberId To, long Ms)? _handedOver; // The lead that was ours.
    private (Term Term, MemberId From, long Ms)? _taking; // The lead that is to be ours.

    private (Term Term, MemberId From)? _taken;

    private MemberId? _preferred;
    private long? _returnMs;
    private long _returnSinceMs; // Since when the preferred member could lead instead.

    /// <summary>
    /// A leader that takes no operations for a moment, because it hands the lead over: they should wait.
    /// </summary>
    public bool IsClosed => _role == ReplicaRole.Active && _transferTo is not null && _closedMs is not null;

    /// <summary>The member that should lead, others being equal; an administrator's wish comes first.</summary>
    public MemberId? Preferred =>
        (_view?.Preferred ?? _preferred) is { } member && Configuration?.Set.Contains(member) == true
            && HasStore(member) ? member : null;

    /// <summary>Who should lead where the state store has no wish, and whether the lead goes back to it.</summary>
    /// <param name="returnMs">
    /// How long it must have been well before the lead goes back to it; null for never.
    /// </param>
    public void Prefer(MemberId? member, long? returnMs) => (_preferred, _returnMs) = (member, returnMs);

    /// <summary>
    /// Hands the lead over to a member that has everything; <see cref="OutputKind.Completed"/> when this replica leads
    /// no more, or Refused. Whether the other one leads then is for the other one to say.
    /// </summary>
    public void TransferLead(ulong tag, MemberId target, long nowMs)
    {
        _now = nowMs;
        if (_role != ReplicaRole.Active || !IsServing || _transferTo is not null || target == Self || !MayLead(target))
        {
            Refuse(tag, _role == ReplicaRole.Active ? Refusal.NotServing : Refusal.NotLeader);
            return;
        }

        BeginTransfer(tag, target);
    }

    /// <summary>Who can lead next: the preferred one, or who has most; null when nobody can, or for others.</summary>
    public MemberId? Successor()
    {
        MemberId? best = null;
        foreach (var member in _role == ReplicaRole.Active ? Configuration!.AllMembers : MemberSet.Empty)
        {
            if (member != Self && MayLead(member) && !Peer(member).Room.IsOut
                && (best is not { } other || member == Preferred
                    || (other != Preferred && Peer(member).Durable > Peer(other).Durable)))
            {
                best = member;
            }
        }

        return best;
    }

    /// <summary>The leader of the promised term has sent something.</summary>
    public bool HearsLeader => _role == ReplicaRole.Follower && _leader is not null;

    /// <summary>Who handed the lead of this term over to this replica; null when it was elected.</summary>
    public MemberId? TakenFrom =>
        _taken is { } taken && taken.Term.Value + 1 == _term.Value && _role == ReplicaRole.Active ? taken.From : null;

    /// <summary>Members that count and keep up, this leader among them; empty for all others.</summary>
    public MemberSet InStep(long nowMs)
    {
        if (_role != ReplicaRole.Active)
        {
            return MemberSet.Empty;
        }

        var set = MemberSet.Of(Self);
        foreach (var member in Configuration!.Set)
        {
            var peer = Peer(member);
            var isInStep = member != Self && Counts(peer) && KeepsUp(peer, nowMs)
                && (Configuration.Mode != ReplicaMode.InSync || _inSync.Contains(member));
            set = isInStep ? set.With(member) : set;
        }

        return set;
    }

    private MemberId? HandedTo => _handedOver is { } handed && handed.Term == _promised ? handed.To : null;

    /// <summary>The key of the lead is ours still, for the one to take that it was handed over to.</summary>
    private bool IsHandingOver =>
        _handedOver is { } handed && handed.Term == _promised && _now - handed.Ms <= _options.HandOverMs;

    private void BeginTransfer(ulong tag, MemberId target)
    {
        _transferTo = target;
        _transferTag = tag;
        _transferMs = _now;
        _closedMs = null;
        _endsPromises = false;
        TransferTick();
    }

    private void EndTransfer(Refusal refusal)
    {
        Refuse(_transferTag, refusal);
        _transferTo = null;
        _closedMs = null;
        _endsPromises = false;
    }

    private void TransferTick()
    {
        if (_role != ReplicaRole.Active || _transferTo is not { } target)
        {
            return;
        }

        if (_now - _transferMs > _options.TransferMs || _now - (_closedMs ?? _now) > _options.ClosedMs
            || !MayLead(target))
        {
            EndTransfer(Refusal.NotServing);
            return;
        }

        var isNear = IsNear(target);
        _endsPromises |= isNear; // Not while it may come to nothing.
        _closedMs ??= ArePromisesOver && isNear ? _now : null;
        if (_closedMs is not null && _commit == _log.Last && Peer(target).Durable == _log.Last.Value
            && _storePurpose == StorePurpose.None)
        {
            HandOver(target);
        }
    }

    /// <summary>What the member lacks, on its disk and in its main store, takes no time.</summary>
    private bool IsNear(MemberId member) =>
        Peer(member).Durable + Limits.CaughtUpEntries >= _log.Last.Value
            && Peer(member).Applied + Limits.AppliedSoonEntries >= _commit.Value;

    private void HandOver(MemberId target)
    {
        Emit(new ReplicaOutput(OutputKind.Completed) { Ticket = _transferTag, Peer = target });
        _transferTo = null;
        _closedMs = null;
        _endsPromises = false;
        Send(target, new ReplicaMessage.Transfer { From = From(_term) });
        if (Breaks(ReplicaMutations.HandOverLeads))
        {
            return;
        }

        _handedOver = (_term, target, _now);
        ReleaseGrant(_term);
        StepDown();
        _notBeforeMs = _now + _options.BackoffMs;
    }

    private void OnTransfer(ReplicaMessage.Transfer message)
    {
        ReleaseGrant(message.Term);
        if (message.Term == _promised && _role == ReplicaRole.Follower && _status == MemberStatus.Voter)
        {
            _taking = (message.Term, message.Sender, _now);
            _notBeforeMs = 0;
            TakeOverTick();
        }
    }

    /// <summary>Takes the lead from who has handed it over, as soon as that can be asked of the store.</summary>
    private void TakeOverTick()
    {
        if (_taking is not { } taking)
        {
            return;
        }

        if (taking.Term != _promised || _now - taking.Ms > _options.HandOverMs
            || _view?.Configuration is not { } configuration || !configuration.AllMembers.Contains(Self)
            || _view.Term.Term > taking.Term)
        {
            _taking = null;
        }
        else if (MayAsk(configuration))
        {
            if (_view.Term.Term < taking.Term || (_view.Lead is { } lead && lead != _view.Term))
            {
                _readOwed = true; // The view is old.
                return;
            }

            _taking = null;
            _taken = (taking.Term, taking.From);
            Campaign(_view.Lead);
        }
    }

    /// <summary>
    /// The lead goes back to the preferred member once it has been well for a while. When a set begins, whoever came up
    /// first has it: then there is no failure that could come again, and it goes at once.
    /// </summary>
    private void ReturnTick()
    {
        var isFirstTerm = _termStart.Value == 1;
        if (_returnMs is not { } returnMs || !IsServing || _transferTo is not null || Preferred is not { } member
            || member == Self || Configuration!.Pending is not null || !IsWell(member))
        {
            _returnSinceMs = _now;
        }
        else if (_now - _returnSinceMs >= (isFirstTerm ? Math.Min(returnMs, FirstReturnMs) : returnMs))
        {
            _returnSinceMs = _now; // However it ends, the next try is not at once.
            BeginTransfer(tag: 0, member);
        }
    }

    private bool IsWell(MemberId member)
    {
        var peer = Peer(member);
        return MayLead(member) && !peer.Room.IsOut && _now - peer.ProgressMs <= _options.OutOfSyncMs;
    }
}
