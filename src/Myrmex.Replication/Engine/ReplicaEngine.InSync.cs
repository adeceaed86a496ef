using System;

namespace Myrmex.Replication.Engine;

// Mode InSync: every member of the set must have an entry before it is committed, and each of them can be elected
// alone. A member leaves only after the store says so, and one that joins must acknowledge from before the store is
// asked: at no moment can a member be elected that was not waited for. A transaction whose answer is lost may still be
// made later, so whoever it would add is waited for until another answer shows what became of it.
public sealed partial class ReplicaEngine
{
    private MemberSet _inSync;
    private MemberSet _inSyncAsked; // The set of a transaction that may have been made.
    private MemberId? _joining;
    private long _joiningMs;
    private bool _isInSyncUnknown;
    private Coordination.Revision _inSyncBase;

    /// <summary>Everybody who may be elected, so everybody who is waited for.</summary>
    private MemberSet Required
    {
        get
        {
            if (Breaks(ReplicaMutations.InSyncLateCount))
            {
                return _inSync;
            }

            var required = _inSync | _inSyncAsked;
            return _joining is { } member ? required.With(member) : required;
        }
    }

    private void BeginInSync()
    {
        _inSync = _view!.InSync;
        _inSyncAsked = MemberSet.Empty;
        _joining = null;
        _isInSyncUnknown = false;
    }

    private void InSyncTick()
    {
        if (Configuration!.Mode != ReplicaMode.InSync || _storePurpose != StorePurpose.None || _readOwed)
        {
            return;
        }

        if (_isInSyncUnknown)
        {
            // Not the one that was to join unless it has everything: what was asked may have been something else.
            AskInSync(_joining is { } joining && MayJoin(joining) ? _inSync.With(joining) : _inSync);
            return;
        }

        foreach (var member in _inSync)
        {
            if (member != Self && _inSync.Count > InSyncMin && !KeepsUp(member))
            {
                if (Breaks(ReplicaMutations.InSyncWithoutStore))
                {
                    _inSync = _inSync.Without(member);
                    AdvanceCommit();
                    return;
                }

                AskInSync(_inSync.Without(member));
                return;
            }
        }

        JoinTick();
    }

    private int InSyncMin => Math.Min(Configuration!.InSyncMin, Configuration.Pending?.InSyncMin ?? int.MaxValue);

    private bool KeepsUp(MemberId member)
    {
        var isStaying = Configuration!.Pending is null || Configuration.Pending.Set.Contains(member);
        return isStaying && Configuration.AllMembers.Contains(member) && KeepsUp(Peer(member), _now);
    }

    /// <summary>It answers, and has taken something or lacks nothing.</summary>
    private bool KeepsUp(PeerState peer, long nowMs) =>
        nowMs - peer.AnsweredMs <= _options.OutOfSyncMs && nowMs - peer.ProgressMs <= _options.OutOfSyncMs;

    private void JoinTick()
    {
        if (_joining is { } joining)
        {
            _joiningMs = AreFormerPromisesOver ? _joiningMs : _now; // Its own time begins after that.
            if (!IsFresh(joining) || _now - _joiningMs > _options.OutOfSyncMs)
            {
                _joining = null;
                AdvanceCommit();
            }
            else if (MayJoin(joining))
            {
                AskInSync(_inSync.With(joining));
            }

            return;
        }

        var wanted = Configuration!.Pending is { } pending ? pending.Set & Configuration.AllMembers : Configuration.Set;
        foreach (var member in wanted.Except(_inSync))
        {
            if (member != Self && IsFresh(member) && Counts(Peer(member))
                && Reached(Peer(member)) + Limits.CaughtUpEntries >= _log.Last.Value)
            {
                _joining = member;
                _joiningMs = _now;
                RecountLease();
                return;
            }
        }
    }

    /// <summary>It has all that may have been committed without it.</summary>
    private bool MayJoin(MemberId member) => IsFresh(member) && AreFormerPromisesOver
        && Reached(Peer(member)) >= (Breaks(ReplicaMutations.InSyncLateCount) ? _commit.Value : _log.Last.Value);

    private ulong Reached(PeerState peer) => Counts(peer) ? peer.Durable : 0;

    private void AskInSync(MemberSet set)
    {
        _inSyncAsked |= set;
        _inSyncBase = _view!.InSyncModified;
        _isInSyncUnknown = false;
        Issue(StorePurpose.InSync, _transactions.SetInSync(OwnTerm, _view, set));
    }

    private void InSyncAnswered(bool? succeeded, StoreState? state)
    {
        if (_role != ReplicaRole.Active)
        {
            return;
        }

        if (state is not null && state.Term.Term != _term)
        {
            return; // Somebody was elected since: what the key says now is not ours to use, and our lead ends.
        }

        if (succeeded is null || state is null)
        {
            _isInSyncUnknown = true;
            if (Breaks(ReplicaMutations.LostAdditionForgotten))
            {
                _isInSyncUnknown = false;
                _inSyncAsked = MemberSet.Empty;
                _joining = null;
            }

            return;
        }

        if (succeeded == true || state.InSyncModified != _inSyncBase)
        {
            TakeInSync(state);
        }
        else
        {
            _isInSyncUnknown = true; // The condition failed and yet nothing changed: ask again.
        }
    }

    /// <summary>
    /// A transaction whose answer was lost is settled once the key has changed since: then it was made, or never will
    /// be.
    /// </summary>
    private void SettleInSync()
    {
        if (_role == ReplicaRole.Active && _isInSyncUnknown && _view!.InSyncModified != _inSyncBase
            && _view.Term.Term == _term)
        {
            TakeInSync(_view);
        }
    }

    private void TakeInSync(StoreState state)
    {
        _inSync = state.InSync;
        _inSyncAsked = MemberSet.Empty;
        _isInSyncUnknown = false;
        if (_joining is { } joining && _inSync.Contains(joining))
        {
            _joining = null;
        }

        AdvanceCommit();
    }
}
