using Myrmex.Base;
using Myrmex.Coordination;

namespace Myrmex.Replication.Engine;

// The state store gives out terms, names the leader, keeps the in-sync set and the configuration. One transaction at a
// time is on the way; each answer and each change that is watched brings the whole state of the set. The store decides
// nothing about safety except where a condition of a transaction says so: a view may be as old as it likes.
public sealed partial class ReplicaEngine
{
    private StoreState? _view;
    private LeaseId _lease;
    private ulong _storeTicket;
    private StorePurpose _storePurpose;
    private bool _readOwed; // An answer was lost: what the store holds must be read.
    private long _readMs;
    private bool _historyOwed;

    private enum StorePurpose
    {
        None,
        Read,
        Campaign,
        Resign,
        TakeLead,
        InSync,
        BeginChange,
        FinishChange,
        History,
    }

    /// <summary>The keys of the set changed; states may come late, and older ones are ignored.</summary>
    public void StoreChanged(StoreState state, long nowMs)
    {
        _now = nowMs;
        AdoptView(state);
    }

    /// <summary>The lease below which this node's keys live; <see cref="LeaseId.None"/> while it has none.</summary>
    public void LeaseChanged(LeaseId lease, long nowMs)
    {
        _now = nowMs;
        _lease = lease;
    }

    /// <summary>The answer to a <see cref="OutputKind.StoreTransaction"/>. Every one must be answered.</summary>
    /// <param name="succeeded">Null when it is not known whether the transaction was made.</param>
    /// <param name="state">What the read at its end brought; null if it is not known.</param>
    public void StoreAnswered(ulong ticket, bool? succeeded, StoreState? state, long nowMs)
    {
        _now = nowMs;
        if (ticket != _storeTicket || _storePurpose == StorePurpose.None)
        {
            return;
        }

        var purpose = _storePurpose;
        _storePurpose = StorePurpose.None;
        _readOwed = state is null;
        _readMs = _now;
        if (_role == ReplicaRole.Failed)
        {
            return;
        }

        switch (purpose)
        {
            case StorePurpose.Campaign:
                CampaignAnswered(succeeded);
                break;
            case StorePurpose.InSync:
                InSyncAnswered(succeeded, state);
                break;
            case StorePurpose.BeginChange:
                BeginChangeAnswered(succeeded);
                break;
            case StorePurpose.History:
                _historyOwed = succeeded is null;
                break;
            default:
                break;
        }

        if (state is not null)
        {
            AdoptView(state);
        }
    }

    private void Issue(StorePurpose purpose, StateTransaction transaction)
    {
        Invariant.Check(_storePurpose == StorePurpose.None);
        _storePurpose = purpose;
        Emit(new ReplicaOutput(OutputKind.StoreTransaction) { Ticket = ++_storeTicket, Transaction = transaction });
    }

    private void StoreTick()
    {
        if (_readOwed && _storePurpose == StorePurpose.None && _now - _readMs >= _options.RetransmitMs)
        {
            _readMs = _now;
            Issue(StorePurpose.Read, _transactions.Read);
        }
    }

    private void AdoptView(StoreState state)
    {
        if (_role == ReplicaRole.Failed || (_view is not null && state.Revision < _view.Revision))
        {
            return;
        }

        var before = _view?.Configuration;
        var beforeModified = _view?.ConfigurationModified ?? Revision.None;
        _leadSeenMs = _view?.Lead == state.Lead ? _leadSeenMs : _now;
        _view = state.Configuration is null && before is not null ? state with { Configuration = before } : state;
        _hasUsedMemory |= Configuration is { AllowsMemory: true } or { Pending.AllowsMemory: true };
        if (_role is ReplicaRole.Active or ReplicaRole.Candidate && state.Term.Term > _term)
        {
            StepDown(); // Somebody was elected since.
        }

        if (IsOurs(state.Term) && state.Term.Term > _promised)
        {
            Won(state.Term); // Our transaction was made, though its answer is late or lost.
        }

        if (_role is ReplicaRole.Active or ReplicaRole.Candidate && state.ConfigurationModified != beforeModified)
        {
            ConfigurationChanged(before?.AllMembers ?? MemberSet.Empty);
        }

        SettleInSync();
    }

    /// <summary>Taken by this replica since it was started; an earlier start's term is not taken up again.</summary>
    private bool IsOurs(TermOwner owner) => owner == new TermOwner(owner.Term, Self, _incarnation, _boot);

    private TermOwner OwnTerm => new(_term, Self, _incarnation, _boot);
}
