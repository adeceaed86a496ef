using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// Entries that cannot be read any more. What a start finds is in <see cref="ReplicaStartup"/>; here is what is found
/// later, by who reads for another member and by a slow look at everything.
/// </summary>
public sealed partial class Replica
{
    private const long ScrubPeriodMs = 1_000;

    private JournalScrub? _scrub; // Of the writer's thread.
    private long _scrubMs;
    private bool _isScrubbing;

    private void ScrubTick()
    {
        if (_isScrubbing || _setup.ScrubBytesPerSecond <= 0 || NowMs - _scrubMs < ScrubPeriodMs
            || _engine.Role == ReplicaRole.Failed)
        {
            return;
        }

        _scrubMs = NowMs;
        ScrubReport? report = null;
        _isScrubbing = _writer.Do(
            journal =>
            {
                _scrub ??= new JournalScrub(journal, _setup.Seams.Clock, _setup.ScrubBytesPerSecond);
                report = _scrub.Step();
            },
            () =>
            {
                _isScrubbing = false;
                if (report is { Faults.Count: > 0 })
                {
                    FoundDamage(report.Faults.Max(f => f.Index));
                }
            }) == Errno.Ok;
    }

    /// <summary>
    /// An entry cannot be read. One that the main store has is needed by others only: they get a copy instead, as for
    /// entries that were compacted. Without any other one this journal is not what was acknowledged: the replica ends,
    /// and finds out at its next start what it has.
    /// </summary>
    private void FoundDamage(JournalIndex at)
    {
        if (_isStopped || at < _engine.JournalStart || _engine.Role == ReplicaRole.Failed)
        {
            return;
        }

        Log.Error("replica", "an entry of the journal cannot be read", ("set", _setup.StorePrefix), ("member", Self),
            ("directory", _setup.Journal.Path), ("index", at), ("checkpoint", _checkpoint));
        Tell(ReplicaNewsKind.JournalDamaged);
        if (at > _checkpoint)
        {
            Fail(Errno.EUCLEAN);
            return;
        }

        _engine.MoveJournalStart(new JournalIndex(at.Value + 1));
        var result = Errno.Ok;
        _ = _writer.Do( // If it takes no more now, the next start finds the entry again.
            journal => result = journal.First <= at ? journal.Compact(at) : Errno.Ok,
            () =>
            {
                if (result != Errno.Ok)
                {
                    Fail(result);
                }
            });
    }

    /// <summary>The entry that stopped a read; None when nothing is damaged.</summary>
    private static JournalIndex DamageOf(Errno error, JournalIndex previous, int count) =>
        error == Errno.EUCLEAN ? new JournalIndex(previous.Value + 1 + (ulong)count) : JournalIndex.None;
}
