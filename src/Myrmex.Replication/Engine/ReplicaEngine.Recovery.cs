using System;

namespace Myrmex.Replication.Engine;

// A replica that may have lost entries it acknowledged, has a hole in its journal, or is new, counts for nothing until
// the leader has told it, in answer to a question of this start of it, where its journal ends, and it holds everything
// up to there. All it ever acknowledged is before that end: to leaders of lower terms because this leader adopted it,
// to this leader because it is in its journal; and to higher terms it would have promised.
public sealed partial class ReplicaEngine
{
    private ulong _nonce;
    private bool _isAsking;
    private long _recoverMs;
    private JournalIndex? _recoverEnd;
    private ulong _installTicket;
    private int _installs;
    private bool _isStoreAhead; // While the status is not Voter: of what this member may have lost.
    private bool _needsCopy; // The main store is being overwritten, or was when this replica ended.

    /// <summary>
    /// The main store is not whole, so nothing is taken from a leader, and this replica counts for nothing until a copy
    /// was installed.
    /// </summary>
    public bool NeedsCopy => _needsCopy;

    /// <summary>A copy of another member is the only way on.</summary>
    public bool WantsCopy => _needsCopy || _isDiverged;

    /// <summary>
    /// A copy of another member's files will replace this replica's state. When <see cref="OutputKind.InstallReady"/>
    /// comes, the main store and the journal may be given up. There is no way back: only <see cref="Install"/> ends it.
    /// </summary>
    /// <param name="term">In which the copy was offered.</param>
    /// <param name="start">The copy holds everything up to here, and perhaps more.</param>
    /// <returns>False, and nothing was begun: <see cref="TakesCopy"/> has changed since it was offered.</returns>
    public bool BeginInstall(Term term, JournalIndex start, long nowMs)
    {
        _now = nowMs;
        if (!TakesCopy(term, start))
        {
            return false;
        }

        if (!Breaks(ReplicaMutations.SyncingCounts))
        {
            _status = MemberStatus.Syncing;
        }

        _needsCopy = !Breaks(ReplicaMutations.CopyForgotten | ReplicaMutations.SyncingCounts);
        _matched = Agreed;
        _recoverEnd = null;
        SaveSuperblock();
        _installTicket = _superblockTicket;
        return true;
    }

    /// <summary>
    /// A copy that was offered in a term and holds everything up to an entry may be begun. Only a follower takes
    /// copies, and only of the leader whose term it has promised: a later leader may count on what this replica has
    /// taken from it since. And only one that gets it on, not if it has come that far by itself: the leader counts on
    /// what it has acknowledged, which the copy may lack.
    /// </summary>
    public bool TakesCopy(Term term, JournalIndex start) =>
        _role == ReplicaRole.Follower && term == _promised && (WantsCopy || (start > _commit && start > _matched));

    /// <summary>
    /// A copy as of this entry may be installed: nothing that is known to be good would be lost. While the store is
    /// being overwritten that is any: a leader may know of fewer committed entries than this replica, and commit none
    /// before this replica counts again.
    /// </summary>
    public bool CanInstall(JournalIndex index) =>
        _role == ReplicaRole.Follower && (index >= _commit || _isDiverged || _needsCopy)
        && (_status != MemberStatus.Voter || Breaks(ReplicaMutations.SyncingCounts));

    /// <summary>The main store holds the state as of an entry; the journal goes on after it.</summary>
    /// <param name="sessions">The session table as of that entry.</param>
    /// <param name="elidedThrough">See <see cref="ElidedThrough"/>: that of the source.</param>
    public void Install(
        JournalIndex index, Term term, UInt128 chain, ReadOnlySpan<byte> sessions, long nowMs,
        JournalIndex elidedThrough = default)
    {
        _now = nowMs;
        if (!CanInstall(index))
        {
            return;
        }

        ImportSessions(sessions);
        for (var cut = _log.Last; cut > _commit && cut > index; cut = new JournalIndex(cut.Value - 1))
        {
            Emit(new ReplicaOutput(OutputKind.Superseded) { Entry = _log[cut], Index = cut });
        }

        _installs++;
        _log.Reset(index, term, chain);
        _commit = index;
        _effected = index;
        _elidedThrough = elidedThrough;
        _isDiverged = false;
        _needsCopy = false;
        _isStoreAhead = false;
        _installTicket = 0; // Of another copy that was begun meanwhile: it must not be told to overwrite this one.
        _matched = Agreed;
        _acknowledged = JournalIndex.None;
        _written = JournalIndex.None;
        _durable = JournalIndex.None;
        JournalStart = _log.First;
        _generation++;
        _cutSince = 0;
        if (term > _promised)
        {
            Promise(term);
        }

        Emit(new ReplicaOutput(OutputKind.ResetJournal) { Index = index, Generation = _generation });
    }

    /// <summary>
    /// The leader of this entry went on from what all members had left. What was lost nobody will ever say again, and
    /// the store of this member may have some of it.
    /// </summary>
    private bool HasLostFor(JournalEntry entry) =>
        _isStoreAhead && _status != MemberStatus.Voter && entry.Header.Kind == EntryKind.TermStart
            && entry.Meta.Length > TermStartBytes && entry.Meta.Span[TermStartBytes] != 0
            && !(entry.Index <= _log.Last && _log.Knows(entry.Index)
                && _log.ChainAt(entry.Index) == entry.Header.Chain);

    private void FinishInstallBegin()
    {
        if (_installTicket != 0 && _superblockSaved >= _installTicket)
        {
            _installTicket = 0;
            Emit(new ReplicaOutput(OutputKind.InstallReady));
        }
    }

    private void RecoveryTick()
    {
        if (_status == MemberStatus.Voter || _leader is not { } leader || _recoverEnd is not null
            || _now - _recoverMs < _options.RetransmitMs)
        {
            return;
        }

        _recoverMs = _now;
        _nonce = _boot << 32 | (uint)(_nonce + 1);
        _isAsking = true;
        Send(leader, new ReplicaMessage.Recover { From = From(_promised), Nonce = _nonce });
    }

    private void OnRecover(ReplicaMessage.Recover message)
    {
        // Not only once the first entry is committed: where all members must have it, the one that asks is waited for.
        if (_role == ReplicaRole.Active && message.Term == _term)
        {
            Send(message.Sender, new ReplicaMessage.RecoverAnswer
            {
                From = From(_term),
                Nonce = message.Nonce,
                End = _log.Last,
            });
        }
    }

    private void OnRecoverAnswer(ReplicaMessage.RecoverAnswer message)
    {
        if (_isAsking && message.Nonce == _nonce && message.Term == _promised && _leader == message.Sender)
        {
            _isAsking = false;
            _recoverEnd = message.End;
            FinishRecovery();
        }
    }

    private void FinishRecovery()
    {
        if (_recoverEnd is { } end && _matched >= end && _durable >= end && _status != MemberStatus.Voter
            && !_needsCopy)
        {
            _recoverEnd = null;
            _status = MemberStatus.Voter;
            _acknowledged = JournalIndex.None;
            SaveSuperblock();
            AcknowledgeProgress();
        }
    }
}
