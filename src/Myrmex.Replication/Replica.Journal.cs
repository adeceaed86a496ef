using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>The journal: what the engine wants written, in its order; checkpoints and compaction.</summary>
public sealed partial class Replica
{
    private const int FetchEntriesMax = 256;
    private const long FetchBytesMax = 4 << 20;

    /// <summary>From here on checkpoints are made without a pause, because they make room.</summary>
    private const int HurryPercent = 72;

    /// <summary>From here on nothing of clients is taken, and from there nothing of a leader.</summary>
    private const int FullPercent = 80;

    // What is under way has to fit in what is left, and once more after a restart: a journal that cannot take an entry
    // is one that has failed.
    private const int OverfullPercent = 85;
    private const long HurryMs = 100;

    // What the writer's full queue did not take; bounded by the engine's windows.
    private readonly Queue<ReplicaOutput> _backlog = [];
    private JournalIndex _checkpoint;
    private long _checkpointMs;
    private bool _isCheckpointing;
    private bool _hasCheckpointed; // In this life.
    private bool _isJournalHealthy = true;

    void IJournalOwner.OnDurable(JournalIndex last, ulong generation)
    {
        if (_isStopped)
        {
            return;
        }

        ReportHealth();
        _engine.JournalProgress(generation, last, last, NowMs);
        DrainBacklog();
        Carry();
    }

    void IJournalOwner.OnRefused(Errno error, JournalIndex last)
    {
        if (_isStopped)
        {
            return;
        }

        Log.Error("replica", "the journal takes nothing more", ("set", _setup.StorePrefix), ("member", Self),
            ("error", error));
        _isJournalHealthy = false;
        DropBacklog();
        _engine.JournalFailed(NowMs);
        Carry();
    }

    /// <summary>
    /// Before the first checkpoint nothing can be dropped, and there is none before what is in the journal is
    /// committed.
    /// </summary>
    private void ReportHealth() => _engine.ReportHealth(
        _isJournalHealthy && !_hasMachineFailed && !_isStalled, _writer.UsedPercent >= FullPercent,
        _hasCheckpointed && _writer.UsedPercent >= OverfullPercent, NowMs);

    private void ToJournal(in ReplicaOutput output)
    {
        if (_backlog.Count > 0 || !TryHand(output))
        {
            output.Entry?.Data.Retain();
            _backlog.Enqueue(output);
        }
    }

    private void DrainBacklog()
    {
        while (_backlog.TryPeek(out var output) && TryHand(output))
        {
            _backlog.Dequeue();
            output.Entry?.Data.Release();
        }
    }

    private void DropBacklog()
    {
        while (_backlog.TryDequeue(out var output))
        {
            output.Entry?.Data.Release();
        }
    }

    /// <summary>
    /// False when the writer's queue is full; what fails in another way is reported by the writer itself.
    /// </summary>
    private bool TryHand(ReplicaOutput output) => output.Kind switch
    {
        OutputKind.Append => _writer.Append(output.Entry!, output.Generation) != Errno.EAGAIN,
        OutputKind.Cut => OnJournal(
            journal => journal.CutFrom(output.Index),
            last => _engine.JournalProgress(output.Generation, last, last, NowMs)),
        OutputKind.ResetJournal => Reset(output, _engine.Log.BaseTerm, _engine.Log.BaseChain),
        OutputKind.SaveSuperblock => OnJournal(
            journal => journal.SaveState(state => state with
            {
                Promised = output.Superblock!.Promised,
                Status = output.Superblock.Status,
            }),
            _ => _engine.SuperblockSaved(output.Ticket, NowMs)),
        _ => Fetch(output.Peer, output.Index),
    };

    /// <summary>Term and chain come from here: the work runs on a thread that may not read the engine.</summary>
    private bool Reset(ReplicaOutput output, Term term, UInt128 chain) => OnJournal(
        journal => journal.Reset(output.Index, term, chain),
        last => _engine.JournalProgress(output.Generation, last, last, NowMs));

    /// <summary>Queues work and tells the engine, with the last entry then, when it went well.</summary>
    private bool OnJournal(Func<ReplicaJournal, Errno> work, Action<JournalIndex> done)
    {
        var result = Errno.Ok;
        var last = JournalIndex.None;
        return _writer.Do(
            journal =>
            {
                result = work(journal);
                last = journal.Last;
            },
            () =>
            {
                if (result != Errno.Ok)
                {
                    Fail(result);
                }
                else if (!_isStopped)
                {
                    done(last);
                    Carry();
                }
            }) != Errno.EAGAIN;
    }

    private bool Fetch(MemberId peer, JournalIndex previous)
    {
        var entries = new List<JournalEntry>();
        UInt128 chain = default;
        return _writer.Do(
            journal =>
            {
                var isKnown = journal.TryGetHeader(previous, out var header);
                if (previous == JournalIndex.None || isKnown)
                {
                    chain = header.Chain;
                    _ = journal.ReadRange(
                        new JournalIndex(previous.Value + 1), FetchEntriesMax, FetchBytesMax, entries);
                }
            },
            () =>
            {
                if (!_isStopped)
                {
                    _engine.JournalRead(peer, previous, chain, entries, NowMs);
                    Carry();
                }

                foreach (var entry in entries)
                {
                    entry.Data.Release();
                }
            }) != Errno.EAGAIN;
    }

    private void Fail(Errno error) => ((IJournalOwner)this).OnRefused(error, JournalIndex.None);

    /// <summary>
    /// Takes the place and the session table now, has the machine bring its store that far, and then writes both
    /// down: what comes between is replayed after a restart and does no harm.
    /// </summary>
    private void MaybeCheckpoint()
    {
        var commit = _engine.Commit;
        var pauseMs = _writer.UsedPercent < HurryPercent
            ? _setup.CheckpointMs : Math.Min(HurryMs, _setup.CheckpointMs);
        if (_isCheckpointing || _receiver is not null || _engine.NeedsCopy
            || NowMs - _checkpointMs < pauseMs || commit <= _checkpoint
            || commit > _engine.Durable
            || !_engine.Log.Knows(commit) || _engine.Role == ReplicaRole.Failed)
        {
            return;
        }

        _checkpointMs = NowMs;
        var sessions = _engine.Sessions.Export();
        if (sessions.Length > CheckpointFile.SessionsMax)
        {
            Log.Error("replica", "no checkpoint: too many outcomes wait for clients", ("set", _setup.StorePrefix),
                ("sessions", _engine.Sessions.Count), ("bytes", sessions.Length));
            return;
        }

        _isCheckpointing = true;
        var file = new CheckpointFile(
            commit, _engine.Log.TermAt(commit), _engine.Log.ChainAt(commit), sessions);
        _machine.Persist(commit, error => _scheduler.Post(() => Persisted(file, error)));
    }

    private void Persisted(CheckpointFile file, Errno error)
    {
        if (error != Errno.Ok || _isStopped)
        {
            _isCheckpointing = false;
            Log.Warning("replica", "no checkpoint", ("set", _setup.StorePrefix), ("member", Self), ("error", error));
            return;
        }

        var result = Errno.Ok;
        JournalIndex first = default;
        var used = 0;
        var through = file.Index.Value > _setup.RetainedEntries ? file.Index.Value - _setup.RetainedEntries : 0;
        var kept = KeptForCopies;
        through = Math.Min(through, kept);
        var isHanded = _writer.Do(
            journal =>
            {
                result = file.Save(_setup.Seams.Disk!, _setup.Journal.Path); // Required by the setup.
                result = result == Errno.Ok ? journal.SaveState(state => state with { Checkpoint = file.Index })
                    : result;
                result = result == Errno.Ok ? Compact(journal, file.Index, through, kept) : result;
                first = journal.First;
                used = journal.Space.UsedPercent;
            },
            () => CheckpointDone(file.Index, first, result, used));
        _isCheckpointing = isHanded == Errno.Ok;
    }

    /// <summary>
    /// Keeps what absent members may need as long as there is room, and never less than the machine needs.
    /// </summary>
    private static Errno Compact(ReplicaJournal journal, JournalIndex checkpoint, ulong through, ulong kept)
    {
        if (journal.Space.UsedPercent > 70)
        {
            through = Math.Min(Math.Max(through, checkpoint.Value), kept);
        }

        return through < journal.First.Value ? Errno.Ok : journal.Compact(new JournalIndex(through));
    }

    private void CheckpointDone(JournalIndex index, JournalIndex first, Errno result, int used)
    {
        _isCheckpointing = false;
        if (_isStopped)
        {
            return;
        }

        if (result != Errno.Ok)
        {
            Fail(result);
            return;
        }

        _checkpoint = index;
        _hasCheckpointed = true;
        MakeRoom(used);
        if (first > _engine.JournalStart)
        {
            _engine.MoveJournalStart(first);
        }

        _engine.ReleaseEntries(index);
        Carry();
    }
}
