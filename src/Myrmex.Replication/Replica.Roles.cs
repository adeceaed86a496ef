using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>Who leads by plan, and what people hear of it.</summary>
public sealed partial class Replica
{
    private const long MembersPeriodMs = 1_000;

    private bool _wasDamaged; // As it was opened.
    private bool _isHeld; // Proposals wait until it is clear who leads.
    private Term _toldTerm;
    private MemberStatus _toldStatus;
    private MemberSet _inStep; // As it was told.
    private MemberSet _inStepBefore; // As it was at the last look.
    private long _membersMs;

    /// <summary>The member that should lead, others being equal. On the replica's scheduler only.</summary>
    public MemberId? Preferred => _engine.Preferred;

    /// <summary>Another member leads and was heard of in its term. On the replica's scheduler only.</summary>
    public bool HearsLeader => _engine.HearsLeader;

    /// <summary>Who can lead next; null for nobody, and for others than leaders. On the scheduler only.</summary>
    public MemberId? Successor => _engine.Successor();

    /// <summary>Members that count and keep up, for a leader; empty for others. On the scheduler only.</summary>
    public MemberSet InStep => _engine.InStep(NowMs);

    /// <summary>The journal's part of the disk. On the replica's scheduler only.</summary>
    public Journal.JournalSpace JournalSpace => _writer.Space;

    /// <summary>Hands the lead over: Completed or Refused.</summary>
    public void TransferLead(ulong tag, MemberId target) =>
        _scheduler.Post(() => Do(() => _engine.TransferLead(tag, target, NowMs), tag));

    /// <summary>See <see cref="ReplicaOptions.RelayBytesMin"/>. Any thread.</summary>
    public void RelayFrom(long bytes) => _scheduler.Post(() => _engine.RelayBytesMin = bytes);

    /// <summary>See <see cref="ReplicaEngine.Prefer"/>. Any thread.</summary>
    public void Prefer(MemberId? member, long? returnMs) => _scheduler.Post(() => _engine.Prefer(member, returnMs));

    /// <summary>While the lead is being handed over nobody can say who will take an operation: it waits.</summary>
    private bool HoldsProposals()
    {
        _isHeld = _engine.IsClosed && !_isStopped;
        return _isHeld;
    }

    private void ReleaseProposals()
    {
        if (_isHeld && !_engine.IsClosed)
        {
            _isHeld = false;
            _scheduler.Post(_proposing);
        }
    }

    private void Tell(ReplicaNewsKind kind, MemberId? other = null) =>
        _setup.News?.Invoke(new ReplicaNews(kind, _engine.Term, other ?? Self));

    private void TellOfLead()
    {
        if (!_engine.IsServing || _toldTerm == _engine.Term)
        {
            return;
        }

        _toldTerm = _engine.Term;
        _membersMs = NowMs + MembersPeriodMs; // They need a moment to answer.
        _inStep = _inStepBefore = _engine.Configuration!.Set; // It serves.
        if (_engine.TakenFrom is { } former)
        {
            Tell(ReplicaNewsKind.LeadMoved, former);
        }
        else
        {
            Tell(ReplicaNewsKind.Elected);
        }
    }

    private void TellOfDamage()
    {
        if (_wasDamaged)
        {
            Log.Warning("replica", "the journal is damaged: this member counts for nothing until the others have made "
                + "it whole", ("set", _setup.StorePrefix), ("member", Self), ("directory", _setup.Journal.Path),
                ("readable_to", _engine.Last));
            Tell(ReplicaNewsKind.JournalDamaged);
        }
    }

    private void TellOfStatus()
    {
        var before = _toldStatus;
        _toldStatus = _engine.Status;
        if (before != _toldStatus && _toldStatus == MemberStatus.Voter)
        {
            Log.Information("replica", "this member counts again", ("set", _setup.StorePrefix), ("member", Self));
            Tell(ReplicaNewsKind.Whole);
        }
    }

    /// <summary>What has changed and stays so from one look to the next.</summary>
    private void LookAtMembers()
    {
        if (!_engine.IsServing || NowMs - _membersMs < MembersPeriodMs)
        {
            return;
        }

        _membersMs = NowMs;
        var now = _engine.InStep(NowMs);
        var steady = now == _inStepBefore;
        _inStepBefore = now;
        if (!steady || now == _inStep)
        {
            return;
        }

        foreach (var member in (_inStep & _engine.Configuration!.Set).Except(now)) // It serves.
        {
            Log.Warning("replica", "a member is lost", ("set", _setup.StorePrefix), ("member", member));
            Tell(ReplicaNewsKind.MemberLost, member);
        }

        foreach (var member in now.Except(_inStep))
        {
            Log.Information("replica", "a member is in step", ("set", _setup.StorePrefix), ("member", member));
            Tell(ReplicaNewsKind.MemberInSync, member);
        }

        _inStep = now;
    }
}
