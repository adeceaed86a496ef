using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

// A follower takes what the leader of its promised term sends, and says how far its journal is the leader's.
public sealed partial class ReplicaEngine
{
    private JournalIndex _matched; // Up to here the journal is equal to that of the leader of the promised term.
    private bool _isDiverged;
    private JournalIndex _acknowledged; // What the last answer said.
    private long _leaderMs = long.MinValue / 2; // When we last heard the leader.

    private void OnAppend(ReplicaMessage.Append message)
    {
        if (IsOld(message.Term))
        {
            AnswerAppend(message, AppendOutcome.OldTerm, JournalIndex.None);
            return;
        }

        Promise(message.Term);
        if (message.Term == _promised && !Follow(message))
        {
            return;
        }

        if (_isOverfull && message.Items.Count > 0)
        {
            AnswerAppend(message, AppendOutcome.Full, JournalIndex.None);
            return;
        }

        _isDiverged |= Contradicts(message);
        if (!Fits(message.PreviousIndex, message.PreviousChain, out var hint))
        {
            AnswerAppend(message, _needsCopy || IsDiverged(message.PreviousIndex, hint) ? AppendOutcome.NeedsCopy
                : AppendOutcome.NoMatch, hint);
            return;
        }

        var last = _log.Last;
        if (!TakeEntries(message.Items, message.PreviousIndex))
        {
            AnswerAppend(message, AppendOutcome.Damaged, JournalIndex.None);
            return;
        }

        if (Breaks(ReplicaMutations.LateAppendCuts))
        {
            CutAfter(new JournalIndex(message.PreviousIndex.Value + (ulong)message.Items.Count));
        }

        var reached = new JournalIndex(message.PreviousIndex.Value + (ulong)message.Items.Count);
        if (reached < _log.Base && Agreed == JournalIndex.None)
        {
            AnswerAppend(message, AppendOutcome.NoMatch, _log.Last); // It says nothing: ours are gone from memory.
            return;
        }

        _matched = Max(_matched, reached);
        Invariant.Check(_matched <= _log.Last || Breaks(ReplicaMutations.NoFence | ReplicaMutations.LateAppendCuts));
        CommitUpTo(Max(message.Commit, _heardCommit));
        if (last == _log.Last || Breaks(ReplicaMutations.AcknowledgeEarly))
        {
            AnswerAppend(message, AppendOutcome.Taken, JournalIndex.None);
        }

        FinishRecovery();
    }

    /// <summary>Hears the leader of the promised term; false when we are that leader ourselves.</summary>
    private bool Follow(ReplicaMessage message)
    {
        if (_role is ReplicaRole.Active or ReplicaRole.Candidate && _term == message.Term)
        {
            return false; // A term has one owner: the message is a stray of an earlier start of this replica.
        }

        if (_leader != message.Sender)
        {
            _leader = message.Sender;
            _recoverEnd = null;
            Emit(new ReplicaOutput(OutputKind.RoleChanged) { Term = _promised, LeaderHint = _leader });
        }

        _leaderMs = _now;
        return true;
    }

    /// <summary>
    /// Entries may follow the given one. At or below the commit index all journals agree, so only what is above is
    /// compared.
    /// </summary>
    private bool Fits(JournalIndex previous, UInt128 chain, out JournalIndex hint)
    {
        hint = _log.Last;
        if (previous > _log.Last)
        {
            return false;
        }

        if (_isDiverged || _needsCopy)
        {
            hint = previous;
            return false;
        }

        if (previous < _commit || _log.ChainAt(previous) == chain)
        {
            return true;
        }

        // All entries of the term that does not fit are skipped at once.
        var term = _log.TermAt(previous);
        hint = previous;
        while (hint > _commit && _log.TermAt(hint) == term)
        {
            hint = new JournalIndex(hint.Value - 1);
        }

        return false;
    }

    /// <summary>
    /// Up to here the journal of every leader is equal to ours, before it has said anything: what we committed, but
    /// nothing where all members may have lost what they had in memory and gone on from less.
    /// </summary>
    private JournalIndex Agreed =>
        Configuration is { AllowsMemory: false } && !_hasUsedMemory ? _commit : JournalIndex.None;

    /// <summary>The leader has another entry than one we committed; see <see cref="IsDiverged"/>.</summary>
    private bool Contradicts(ReplicaMessage.Append message)
    {
        if (!_hasUsedMemory && Configuration?.AllowsMemory != true)
        {
            return false;
        }

        var isOther = IsOtherThanCommitted(message.PreviousIndex, message.PreviousChain);
        for (var i = 0; i < message.Items.Count && !isOther; i++)
        {
            isOther = IsOtherThanCommitted(message.Items[i].Index, message.Items[i].Header.Chain)
                || HasLostFor(message.Items[i]);
        }

        return isOther;
    }

    private bool IsOtherThanCommitted(JournalIndex index, UInt128 chain) =>
        index <= _commit && _log.Knows(index) && _log.ChainAt(index) != chain;

    /// <summary>
    /// What we committed is not in the leader's journal. That cannot be, except after all members lost what they had in
    /// memory and went on from less, while this one had more and was not asked.
    /// </summary>
    private bool IsDiverged(JournalIndex previous, JournalIndex hint)
    {
        _isDiverged |= previous == _commit && hint == previous
            && (_hasUsedMemory || Configuration?.AllowsMemory == true);
        return _isDiverged;
    }

    /// <summary>
    /// Takes entries that fit after <paramref name="previous"/>. One that we have is skipped and nothing after it is
    /// touched: the message may be late. One that differs shows that ours, and all that follow it, were never
    /// committed.
    /// </summary>
    /// <returns>False for entries that are not what their chain says.</returns>
    private bool TakeEntries(IReadOnlyList<JournalEntry> entries, JournalIndex previous)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (entry.Index.Value != previous.Value + (ulong)i + 1)
            {
                return false;
            }

            if (entry.Index <= _commit || (entry.Index <= _log.Last && _log.ChainAt(entry.Index) == entry.Header.Chain))
            {
                continue;
            }

            var before = new JournalIndex(entry.Index.Value - 1);
            if (!EntryChain.Matches(_log.ChainAt(before), entry) || entry.Term < _log.TermAt(before))
            {
                return false;
            }

            if (entry.Index <= _log.Last)
            {
                CutEntries(entry.Index);
            }

            LogEntry(entry);
        }

        return true;
    }

    /// <summary>The leader of the promised term has committed so far, of which we may lack some.</summary>
    private void CommitUpTo(JournalIndex heard) => SetCommit(Max(_commit, Min(heard, Min(_matched, _log.Last))));

    private void CutAfter(JournalIndex last)
    {
        if (last < _log.Last && last >= _commit)
        {
            CutEntries(new JournalIndex(last.Value + 1));
            _matched = Min(_matched, _log.Last);
        }
    }

    private void AnswerAppend(ReplicaMessage message, AppendOutcome outcome, JournalIndex hint)
    {
        _acknowledged = AcknowledgedDurable;
        SendDurably(message.Sender, new ReplicaMessage.AppendAnswer
        {
            From = From(message.Term),
            Outcome = outcome,
            Promised = _promised,
            Status = _status,
            Durable = message.Term == _promised || Breaks(ReplicaMutations.NoFence) ? AcknowledgedDurable : default,
            Written = message.Term == _promised ? AcknowledgedWritten : default,
            Hint = hint,
            Room = _room,
        });
    }

    private JournalIndex AcknowledgedDurable =>
        Breaks(ReplicaMutations.AcknowledgeUnmatched) ? _durable
        : Breaks(ReplicaMutations.AcknowledgeEarly) ? _matched
        : Min(_durable, _matched);

    private JournalIndex AcknowledgedWritten =>
        Breaks(ReplicaMutations.AcknowledgeUnmatched) ? _written : Min(_written, _matched);

    /// <summary>Tells the leader when more has reached the disk.</summary>
    private void AcknowledgeProgress()
    {
        var reached = Configuration?.AllowsMemory == true ? AcknowledgedWritten : AcknowledgedDurable;
        if (_role != ReplicaRole.Follower || _leader is not { } leader
            || (AcknowledgedDurable <= _acknowledged && reached <= _acknowledged))
        {
            return;
        }

        _acknowledged = AcknowledgedDurable;
        SendDurably(leader, new ReplicaMessage.AppendAnswer
        {
            From = From(_promised),
            Promised = _promised,
            Status = _status,
            Durable = AcknowledgedDurable,
            Written = AcknowledgedWritten,
            Room = _room,
        });
    }

    private void OnBeat(ReplicaMessage.Beat message)
    {
        var isOld = IsOld(message.Term);
        var isGranted = false;
        if (!isOld)
        {
            Promise(message.Term);
            if (message.Term == _promised && !Follow(message))
            {
                return;
            }

            HearNeeds(message);
            CommitUpTo(message.Commit);
            isGranted = message.WantsGrant && GiveGrant(message.Term);
        }

        SendDurably(message.Sender, new ReplicaMessage.BeatAnswer
        {
            From = From(message.Term),
            Round = message.Round,
            Promised = _promised,
            Status = _status,
            Granted = isGranted,
            Durable = isOld ? default : AcknowledgedDurable,
            Written = isOld ? default : AcknowledgedWritten,
            Applied = isOld ? default : AppliedHere,
            Room = _room,
        });
    }

    private void OnSyncRequest(ReplicaMessage.SyncRequest message)
    {
        if (!IsOld(message.Term) && message.Index > _durable)
        {
            Emit(new ReplicaOutput(OutputKind.SyncJournal)
            {
                Index = Min(message.Index, _log.Last),
                Generation = _generation
            });
        }
    }
}
