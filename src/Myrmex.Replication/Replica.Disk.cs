using System;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// The disk that does not answer. A leader on it would be kept by all that needs no disk: its beats, its lease. So what
/// was begun on the disk and does not end makes this replica ask the disk itself; when neither ends in time, it leads
/// no longer, and is not elected, until the disk answers.
/// </summary>
public sealed partial class Replica
{
    private readonly DiskProbe _probe;
    private long _journalTurns;
    private long _journalMs; // When the journal was idle, or got on, last.
    private bool _isStalled;
    private long _toldMs;

    /// <summary>The disk does not answer. On the replica's scheduler only.</summary>
    public bool IsStalled => _isStalled;

    /// <summary>
    /// What waits is no proof: one operation may be large. That a block cannot be written meanwhile either is one.
    /// </summary>
    private void LookAtDisk()
    {
        var now = NowMs;
        var limit = _setup.StallMs;
        var waitsMs = Math.Max(_machine.OldestWorkMs(now), JournalWaitMs(now));
        if (waitsMs >= limit / 4 && _probe.AskedMs is null && now - _probe.AnsweredMs >= limit / 4)
        {
            _probe.Ask(now, () => NowMs);
        }

        var silentMs = _probe.AskedMs is { } asked ? now - asked : 0;
        var isStalled = _isStalled ? _probe.AskedMs is not null : waitsMs >= limit && silentMs >= limit / 2;
        if (isStalled != _isStalled)
        {
            _isStalled = isStalled;
            ReportStall(waitsMs);
        }
    }

    private long JournalWaitMs(long nowMs)
    {
        var turns = _writer.Turns;
        if (turns != _journalTurns || !_writer.IsBusy)
        {
            _journalTurns = turns;
            _journalMs = nowMs;
        }

        return nowMs - _journalMs;
    }

    private void ReportStall(long waitsMs)
    {
        if (_isStalled)
        {
            _toldMs = 0;
            Log.Warning("replica", "the disk does not answer: this member does not lead meanwhile",
                ("set", _setup.StorePrefix), ("member", Self), ("directory", _setup.Journal.Path),
                ("waits_ms", waitsMs));
        }
        else
        {
            Log.Information("replica", "the disk answers again", ("set", _setup.StorePrefix), ("member", Self));
        }
    }

    /// <summary>
    /// Whoever still waits for something here would wait until the disk answers. Said again from time to time: who is
    /// cut off may have asked for something else by then.
    /// </summary>
    private void TellOfStall()
    {
        if (_isStalled && _engine.Role != Engine.ReplicaRole.Active && NowMs - _toldMs >= _setup.StallMs)
        {
            _toldMs = NowMs;
            _machine.Hung();
        }
    }
}
