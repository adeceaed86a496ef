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

    // With less than this left nothing of clients is taken, and with less than that nothing of a leader. What is under
    // way has to fit in what is left then, and once more after a restart: a journal that cannot take an entry is one
    // that has failed.
    private const int FullPercent = 20;
    private const long FullBytes = 12 << 20;
    private const int OverfullPercent = 15;
    private const long OverfullBytes = 8 << 20;

    /// <summary>From here on checkpoints are made without a pause, because they make room.</summary>
    private const int HurryPercent = 28;
    private const long HurryBytes = 16 << 20;
    private const long HurryMs = 100;

    // What the writer's full queue did not take; bounded by the engine's windows.
    private readonly Queue<ReplicaOutput> _backlog = [];
    private JournalIndex _checkpoint;
    private long _checkpointMs;
    private bool _isCheckpointing;
    private bool _hasCheckpointed; // In this life.
    private bool _isJournalHealthy = true;
    private long _unhandedBytes; // About what was proposed since the writer was given something.

    void IJournalOwner.OnProgress(JournalIndex written, JournalIndex durable, ulong generation)
    {
        if (_isStopped)
        {
            return;
        }

        ReportHealth();
        _engine.JournalProgress(generation, AnswersFromMemory ? written : durable, durable, NowMs);
        DrainBacklog();
        Carry();
        TellUntold();
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
        DoubtMemory();
        DropBacklog();
        _engine.JournalFailed(NowMs);
        Carry();
    }

    /// <summary>
    /// Before the first checkpoint nothing can be dropped, and there is none before what is in the journal is
    /// committed.
    /// </summary>
    private void ReportHealth()
    {
        var space = _writer.Space;
        space = space with { FreeBytes = space.FreeBytes - _unhandedBytes };
        _engine.ReportHealth(
            _isJournalHealthy && !_hasMachineFailed && !_isStalled && NowMs >= _restsUntilMs,
            space.IsBelow(FullPercent, FullBytes),
            _hasCheckpointed && space.IsBelow(OverfullPercent, OverfullBytes), NowMs);
    }

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
        var damaged = JournalIndex.None;
        return _writer.Do(
            journal =>
            {
                var isKnown = journal.TryGetHeader(previous, out var header);
                if (previous == JournalIndex.None || isKnown)
                {
                    chain = header.Chain;
                    var error = journal.ReadRange(
                        new JournalIndex(previous.Value + 1), FetchEntriesMax, FetchBytesMax, entries);
                    damaged = DamageOf(error, previous, entries.Count);
                }
                else if (previous >= journal.First && previous <= journal.Last)
                {
                    damaged = previous;
                }
            },
            () =>
            {
                if (!_isStopped)
                {
                    _engine.JournalRead(peer, previous, chain, entries, NowMs);
                    if (damaged != JournalIndex.None)
                    {
                        FoundDamage(damaged);
                    }

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
        var pauseMs = _writer.Space.IsBelow(HurryPercent, HurryBytes)
            ? Math.Min(HurryMs, _setup.CheckpointMs) : _setup.CheckpointMs;
        if (_isCheckpointing || _receiver is not null || _engine.NeedsCopy
            || NowMs - _checkpointMs < pauseMs || commit <= _checkpoint
            || commit > _engine.Written
            || !_engine.Log.Knows(commit) || _engine.Role == ReplicaRole.Failed)
        {
            MaybeCompact();
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
            commit, _engine.Log.TermAt(commit), _engine.Log.ChainAt(commit), sessions)
        {
            ElidedThrough = _engine.ElidedThrough,
        };
        if (commit <= _engine.Durable)
        {
            _machine.Persist(commit, error => _scheduler.Post(() => Persisted(file, error)));
            return;
        }

        // What the store has on its disk should be in the journal on its disk too.
        var result = Errno.Ok;
        _isCheckpointing = _writer.Do(
            journal => result = journal.Sync(),
            () => _machine.Persist(
                commit, error => _scheduler.Post(() => Persisted(file, result == Errno.Ok ? error : result))))
            == Errno.Ok;
    }

    /// <summary>
    /// A journal that is full takes nothing, so no checkpoint comes that would make room; but what a copy has kept in
    /// it may have become free since the last one.
    /// </summary>
    private void MaybeCompact()
    {
        if (_isCheckpointing || !_hasCheckpointed || NowMs - _checkpointMs < HurryMs
            || _engine.Commit > _checkpoint || _engine.JournalStart > _checkpoint
            || _engine.Role == ReplicaRole.Failed || !_writer.Space.IsBelow(HurryPercent, HurryBytes))
        {
            return;
        }

        _checkpointMs = NowMs;
        var (result, first, used) = (Errno.Ok, default(JournalIndex), 0);
        var (checkpoint, kept) = (_checkpoint, KeptInAnyCase);
        _isCheckpointing = _writer.Do(
            journal =>
            {
                result = Compact(journal, checkpoint, 0, kept);
                (first, used) = (journal.First, journal.Space.UsedPercent);
            },
            () => CheckpointDone(checkpoint, first, result, used)) == Errno.Ok;
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
        var through = RetainedAfter(file.Index);
        var kept = KeptInAnyCase;
        through = Math.Min(through, kept);
        var isHanded = _writer.Do(
            journal =>
            {
                result = journal.Sync(); // The checkpoint is not to be ahead of the journal.
                result = result == Errno.Ok ? SaveCheckpoint(journal, file) : result;
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
    /// The last entry that nobody may need: with a store, by the number of those behind the checkpoint, for whoever
    /// comes back. A witness keeps what a member with a store lacks, however much that is, and nothing else.
    /// </summary>
    private ulong RetainedAfter(JournalIndex checkpoint) => _setup.IsWitness
        ? Math.Min(checkpoint.Value, _engine.NeededFrom.Value - Math.Min(1, _engine.NeededFrom.Value))
        : checkpoint.Value - Math.Min(checkpoint.Value, _setup.RetainedEntries);

    /// <summary>
    /// The last entry that may be dropped when the journal needs its room. The only copy of one may be that of a
    /// witness, see <see cref="ReplicaEngine.Settled"/>.
    /// </summary>
    private ulong KeptInAnyCase => _setup.IsWitness
        ? Math.Min(_engine.Settled.Value, KeptForCopies) : KeptForCopies;

    /// <summary>
    /// On a full disk it takes the place of a spare segment: without a checkpoint the journal would fill up, and what
    /// frees the disk has to go through it.
    /// </summary>
    private Errno SaveCheckpoint(ReplicaJournal journal, CheckpointFile file)
    {
        var error = file.Save(_setup.Seams.Disk!, _setup.Journal.Path); // Required by the setup.
        while (IsNoRoom(error) && journal.ReleaseSpare())
        {
            error = file.Save(_setup.Seams.Disk!, _setup.Journal.Path);
        }

        return error;
    }

    private static bool IsNoRoom(Errno error) => error is Errno.ENOSPC or Errno.EDQUOT;

    /// <summary>
    /// Keeps what absent members may need as long as there is room, and never less than the machine needs.
    /// </summary>
    private static Errno Compact(ReplicaJournal journal, JournalIndex checkpoint, ulong through, ulong kept)
    {
        if (journal.Space.IsBelow(HurryPercent + 2, HurryBytes))
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
            if (IsNoRoom(result))
            {
                // The one before still counts, and the journal has all since.
                Log.Warning("replica", "no checkpoint: the disk is full", ("set", _setup.StorePrefix),
                    ("member", Self), ("error", result));
            }
            else
            {
                Fail(result);
            }

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
