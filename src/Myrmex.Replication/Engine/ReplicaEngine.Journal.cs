using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

// The journal: what is logged, written, durable, committed. A report of the driver may be older than a cut; entries
// that were written anew since are not durable by it, so each cut starts a generation and old reports reach only below
// the cuts since.
public sealed partial class ReplicaEngine
{
    private JournalIndex _written;
    private JournalIndex _durable;
    private JournalIndex _effected; // Equal to the commit index unless a rule is broken.
    private ulong _generation;
    private ulong _cutSince = ulong.MaxValue; // The lowest cut that no report covers yet.
    private long _durableMs;

    /// <summary>
    /// The driver has carried out the journal operations of all generations up to this one, up to these entries.
    /// </summary>
    /// <param name="written">A crash of the process does not lose entries up to here.</param>
    /// <param name="durable">A loss of power does not.</param>
    public void JournalProgress(ulong generation, JournalIndex written, JournalIndex durable, long nowMs)
    {
        _now = nowMs;
        if (_role == ReplicaRole.Failed)
        {
            return;
        }

        var limit = _log.Last;
        if (generation < _generation && !Breaks(ReplicaMutations.StaleDurableReport))
        {
            limit = Min(limit, new JournalIndex(_cutSince == 0 ? 0 : _cutSince - 1));
        }
        else
        {
            _cutSince = ulong.MaxValue;
        }

        _written = Max(_written, Min(written, limit));
        if (Min(durable, limit) > _durable)
        {
            _durable = Min(durable, limit);
            _durableMs = _now;
        }

        _written = Max(_written, _durable);
        if (_role == ReplicaRole.Active)
        {
            VoteAgain();
            AdvanceCommit();
        }
        else
        {
            AcknowledgeProgress();
            FinishRecovery();
        }
    }

    /// <summary>
    /// Writing or syncing the journal failed. What is on disk is unknown from now on, so this replica acknowledges
    /// nothing more until it is started again from what can be read. Who leads gives the lead back: nobody else is
    /// elected as long as its key is there.
    /// </summary>
    public void JournalFailed(long nowMs)
    {
        _now = nowMs;
        if (_role is ReplicaRole.Active or ReplicaRole.Candidate)
        {
            GiveUp();
        }

        _role = ReplicaRole.Failed;
        Emit(new ReplicaOutput(OutputKind.RoleChanged) { Term = _promised });
    }

    /// <summary>Entries read for a <see cref="OutputKind.FetchJournal"/>.</summary>
    /// <param name="previousChain">The chain of the entry before the first one, which is at <paramref
    /// name="previous"/>.</param>
    /// <param name="entries">Empty when the journal no longer has them.</param>
    public void JournalRead(
        MemberId peer, JournalIndex previous, UInt128 previousChain, IReadOnlyList<JournalEntry> entries, long nowMs)
    {
        _now = nowMs;
        var state = Peer(peer);
        if (_role == ReplicaRole.Failed || !state.IsReadingJournal)
        {
            return;
        }

        // What is in memory is sent from there: the read may have seen entries that were cut since.
        state.IsReadingJournal = false;
        entries = UpToBase(entries);
        if (_role == ReplicaRole.Active)
        {
            SendFromJournal(state, previous, previousChain, entries);
        }
        else if (_fetchAnswerTerm == _promised && entries.Count > 0)
        {
            SendDurably(peer, new ReplicaMessage.Entries
            {
                From = From(_promised),
                PreviousIndex = previous,
                PreviousChain = previousChain,
                Items = entries,
            });
        }
    }

    /// <summary>Entries up to here are not needed in memory; they can be read from the journal.</summary>
    public void ReleaseEntries(JournalIndex upTo) => _log.Release(Min(upTo, Min(_commit, _durable)));

    /// <summary>
    /// Drops from memory what is settled, beyond what may soon be asked for: it can be read from the journal. For the
    /// driver, when it has carried out everything that it drained.
    /// </summary>
    public void ReleaseSettled()
    {
        ReleaseMade();
        if (_log.Bytes <= Limits.KeptBytesMax && _log.Count <= Limits.KeptEntriesMax)
        {
            return;
        }

        var settled = Min(_commit, _durable);
        if (_role == ReplicaRole.Active && _log.Bytes <= Limits.KeptForSlowBytesMax)
        {
            foreach (var member in Configuration!.AllMembers)
            {
                // Who is not there will have to read from the journal anyway.
                settled = member != Self && IsFresh(member)
                    ? Min(settled, new JournalIndex(Peer(member).Acknowledged)) : settled;
            }
        }

        while (_log.First <= settled
            && (_log.Bytes > Limits.KeptBytesMax / 2 || _log.Count > Limits.KeptEntriesMax / 2))
        {
            _log.Release(_log.First);
        }
    }

    /// <summary>The journal on disk begins here now.</summary>
    public void MoveJournalStart(JournalIndex first)
    {
        Invariant.Check(first >= JournalStart);
        Invariant.Check(first.Value <= _commit.Value + 1);
        JournalStart = first;
    }

    private static JournalIndex Min(JournalIndex left, JournalIndex right) => left < right ? left : right;

    private static JournalIndex Max(JournalIndex left, JournalIndex right) => left > right ? left : right;

    private List<JournalEntry> UpToBase(IReadOnlyList<JournalEntry> entries)
    {
        var settled = new List<JournalEntry>(entries.Count);
        for (var i = 0; i < entries.Count && entries[i].Index <= _log.Base; i++)
        {
            settled.Add(entries[i]);
        }

        return settled;
    }

    private void LogEntry(JournalEntry entry)
    {
        if (_log.Last == _durable)
        {
            _durableMs = _now; // The disk was idle: a stall is measured from here.
        }

        _log.Append(entry);
        NoteElided(entry);
        _sessions.Logged(entry);
        Emit(new ReplicaOutput(OutputKind.Append) { Entry = entry, Index = entry.Index, Generation = _generation });
        if (Breaks(ReplicaMutations.EffectEarly) && _role != ReplicaRole.Active)
        {
            Effect(entry.Index);
        }
    }

    private void CutEntries(JournalIndex from)
    {
        Invariant.Check(from > _commit);
        for (var index = _log.Last; index >= from; index = new JournalIndex(index.Value - 1))
        {
            Emit(new ReplicaOutput(OutputKind.Superseded) { Entry = _log[index], Index = index });
            _sessions.Cut(_log[index]);
        }

        _log.Cut(from);
        _generation++;
        _cutSince = Math.Min(_cutSince, from.Value);
        _written = Min(_written, _log.Last);
        _durable = Min(_durable, _log.Last);
        Emit(new ReplicaOutput(OutputKind.Cut) { Index = from, Generation = _generation });
    }

    private void SetCommit(JournalIndex target)
    {
        Invariant.Check(target <= _log.Last);
        while (_commit < target)
        {
            _commit = new JournalIndex(_commit.Value + 1);
            _sessions.Committed(_log[_commit]);
            Effect(_commit);
        }
    }

    private void Effect(JournalIndex index)
    {
        if (index > _effected)
        {
            _effected = index;
            Emit(new ReplicaOutput(OutputKind.Committed) { Entry = _log[index], Index = index });
        }
    }

    /// <summary>The disks are fine, as far as this replica and its driver know.</summary>
    private bool IsFit => _isHealthy && !IsJournalStalled(_now);

    private bool IsJournalStalled(long nowMs) =>
        (_log.Last > _durable && nowMs - _durableMs > _options.DiskStallMs)
        || (_superblockTicket > _superblockSaved && nowMs - _superblockMs > _options.DiskStallMs);
}
