using System;

namespace Myrmex.Replication.Engine;

// What the leader promises to others (to caches: that nothing changes without their being told) holds while no other
// leader can begin. So it is bound to the read lease, and unlike a read it has to hold on when this leadership is over:
// - the leader's own vote counts among those that its lease stands on, so it gives none to another term before what it
//   has promised is over, as the followers do by their grants;
// - a lead that is handed over is so only after that, while the leader goes on as ever but promises nothing more;
// - where more members than before can be elected, what was promised without their grants runs out first.
public sealed partial class ReplicaEngine
{
    private Term _promisedTo; // The term in which promises were given last.
    private Term _wantedBy; // The highest term that somebody else wants our vote for.
    private long _promisesEndMs; // When all of them are over.
    private long _formerPromisesEndMs; // Those that were given before more members could be elected.
    private bool _endsPromises; // No more are given, so that the lead can be handed over.

    /// <summary>
    /// Up to when others may be promised that no other member leads, in milliseconds of the clock of the inputs; 0 for
    /// not at all. Who asks is taken to have promised it all.
    /// </summary>
    public long OfferPromises()
    {
        var mayPromise = _role == ReplicaRole.Active && IsServing && !_endsPromises && _wantedBy <= _term;
        if (!mayPromise || _leaseUntilMs <= _now)
        {
            return 0;
        }

        _promisedTo = _term;
        _promisesEndMs = Math.Max(_promisesEndMs, _leaseUntilMs);
        return _leaseUntilMs;
    }

    /// <summary>What this member has promised as the leader of another term still holds.</summary>
    private bool IsPromisedInOther(Term term) =>
        _promisedTo != term && _now < _promisesEndMs && !Breaks(ReplicaMutations.PromiseForgotten);

    private bool ArePromisesOver => _now >= _promisesEndMs || Breaks(ReplicaMutations.HandsOverPromises);

    /// <summary>Or all who can be elected now have granted a lease that covers them.</summary>
    private bool AreFormerPromisesOver =>
        Math.Max(_now, _leaseUntilMs) >= _formerPromisesEndMs || Breaks(ReplicaMutations.PromisesWithoutAll);

    /// <summary>Another term wants our vote: it waits for what is promised, so no more is.</summary>
    private void EndPromises(Term wanted) => _wantedBy = wanted > _wantedBy ? wanted : _wantedBy;

    /// <summary>
    /// More members can be elected than those who have granted the lease: it counts only as far as they have, too.
    /// </summary>
    private void RecountLease()
    {
        _formerPromisesEndMs = _promisesEndMs;
        _leaseUntilMs = Breaks(ReplicaMutations.PromisesWithoutAll) ? _leaseUntilMs : 0;
        ConfirmRounds();
    }
}
