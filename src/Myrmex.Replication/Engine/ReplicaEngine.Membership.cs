namespace Myrmex.Replication.Engine;

// The members change by the state store and one entry: the store says that a change is pending, from then on every
// election and every commit needs both the old and the new members; an entry committed by both puts everything before
// it on the new ones; then the store says that the change is done. A leader that does not know of a pending change yet
// can do no harm: it commits with the old members, and every election asks those too.
public sealed partial class ReplicaEngine
{
    private ulong? _changeTag;
    private JournalIndex _changeIndex;
    private ulong _changeEpoch; // Of the change that the entry at that index is about.
    private bool _isChangeCommitted;

    /// <summary>
    /// Begins a change of members or quorums: <see cref="OutputKind.Completed"/> once it is done, or Refused; without
    /// either when the lead is lost in between: then the next leader finishes it. <paramref name="next"/> needs the
    /// next epoch.
    /// </summary>
    public void ChangeMembers(ulong tag, ReplicaConfiguration next, long nowMs)
    {
        _now = nowMs;
        var isGood = _role == ReplicaRole.Active && IsServing && _storePurpose == StorePurpose.None && !_readOwed
            && Configuration!.Pending is null && _changeTag is null && _view!.Term == OwnTerm
            && (Configuration with { Pending = next }).Problem() is null;
        if (!isGood)
        {
            Refuse(tag, _role == ReplicaRole.Active ? Refusal.NotServing : Refusal.NotLeader);
            return;
        }

        _changeTag = tag;
        Issue(
            StorePurpose.BeginChange,
            _transactions.SetConfiguration(OwnTerm, _view!,
                Configuration! with { Pending = next, Epoch = Configuration.Epoch }));
    }

    private void BeginChangeAnswered(bool? succeeded)
    {
        if (succeeded == false && _changeTag is { } tag)
        {
            _changeTag = null;
            Refuse(tag, Refusal.NotServing);
        }
    }

    private void ConfigurationChanged(MemberSet before)
    {
        if (Configuration!.Pending?.Epoch != _changeEpoch)
        {
            // Another change, or none: what was committed for the one before says nothing about it.
            _changeIndex = JournalIndex.None;
            _isChangeCommitted = false;
        }

        foreach (var member in Configuration!.AllMembers.Except(before))
        {
            Peer(member).Begin(_log.Last.Value + 1, _now);
        }

        if (_role == ReplicaRole.Active && !Configuration.AllMembers.Contains(Self))
        {
            GiveUp(); // This leader removed itself.
        }

        if (_role == ReplicaRole.Active)
        {
            RecountLease();
        }

        AdvanceCommit(); // Fewer may be needed now, and nobody else may be left to say anything.
    }

    private void MembershipTick()
    {
        var pending = Configuration!.Pending;
        if (pending is null)
        {
            if (_changeTag is { } tag && _storePurpose != StorePurpose.BeginChange && !_readOwed)
            {
                _changeTag = null;
                Emit(new ReplicaOutput(OutputKind.Completed) { Ticket = tag });
            }

            _changeIndex = JournalIndex.None;
            _isChangeCommitted = false;
            return;
        }

        if (Configuration.Mode == ReplicaMode.InSync && !pending.Set.Contains(Self))
        {
            LeaveFirst(pending);
        }
        else if (_changeIndex == JournalIndex.None)
        {
            if (IsServing && AreReady(pending))
            {
                _changeIndex = LogOwn(EntryKind.Configuration, default, 0, 0, pending.Encode(), default).Index;
                NeedsDisk(_changeIndex);
                _changeEpoch = pending.Epoch;
                SendToAll();
                AdvanceCommit();
            }
        }
        else if (_isChangeCommitted && AreFormerPromisesOver && _storePurpose == StorePurpose.None && !_readOwed
            && _view!.Term == OwnTerm)
        {
            Issue(StorePurpose.FinishChange, _transactions.SetConfiguration(OwnTerm, _view, pending));
        }
    }

    /// <summary>
    /// A leader cannot take itself out of the in-sync set: one that stays takes the lead and finishes the change.
    /// </summary>
    private void LeaveFirst(ReplicaConfiguration pending)
    {
        foreach (var member in pending.Set & _inSync)
        {
            if (IsServing && _transferTo is null && MayLead(member))
            {
                BeginTransfer(tag: 0, member);
                return;
            }
        }
    }

    /// <summary>So many of the new members have nearly everything that the change will not stop the set.</summary>
    private bool AreReady(ReplicaConfiguration pending)
    {
        var ready = MemberSet.Empty;
        foreach (var member in pending.Set)
        {
            var isReady = member == Self
                || (Counts(Peer(member)) && IsFresh(member)
                    && Peer(member).Durable + Limits.CaughtUpEntries >= _log.Last.Value);
            ready = isReady ? ready.With(member) : ready;
        }

        return pending.Mode == ReplicaMode.InSync ? pending.Set.ContainsAll(_inSync) : pending.IsWriteQuorum(ready);
    }

    private void EndChange() => _changeTag = null;
}
