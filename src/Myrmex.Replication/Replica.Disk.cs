using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// The disk that does not answer. A leader on it would be kept by all that needs no disk: its beats, its lease. So what
/// was begun on the disk and does not end makes this replica ask the disk itself; when neither ends in time, it leads
/// no longer, and is not elected, until the disk answers.
/// </summary>
public sealed partial class Replica
{
    private const long HandOverPeriodMs = 1_000;

    private const long HandOverMsMax = 3_000;
    private const long RestMs = 30_000;
    private const long LeftBehindMs = 1_000;
    private const long LedLatelyMs = 60_000;

    /// <summary>Tag of a transfer that nobody waits for.</summary>
    private const ulong HandOverTag = ulong.MaxValue - 1;

    private readonly DiskProbe _probe;
    private long _journalTurns;
    private long _journalMs; // When the journal was idle, or got on, last.
    private bool _isStalled;
    private long? _toldMs;
    private bool _isOutOfRoom;
    private long _roomBytes = long.MaxValue;
    private long _handOverMs;
    private long? _tooLongMs; // The lead is to be handed over by then.
    private long _restsUntilMs; // This member does not lead until then.
    private long? _ledMs; // When this member led last.

    /// <summary>What a leader may still take in that needs room; long.MaxValue for all others. Any thread.</summary>
    public long RoomBytes => Volatile.Read(ref _roomBytes);

    /// <summary>No room is left beyond the reserve. On the replica's scheduler only.</summary>
    public bool IsShortOfRoom { get; private set; }

    /// <summary>Nor is any of the reserve. On the replica's scheduler only.</summary>
    public bool IsOutOfRoom => _isOutOfRoom;

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
            _toldMs = null;
            Tell(ReplicaNewsKind.DiskStalled);
            Log.Warning("replica", "the disk does not answer: this member does not lead meanwhile",
                ("set", _setup.StorePrefix), ("member", Self), ("directory", _setup.Journal.Path),
                ("waits_ms", waitsMs));
        }
        else
        {
            Tell(ReplicaNewsKind.DiskAnswers);
            Log.Information("replica", "the disk answers again", ("set", _setup.StorePrefix), ("member", Self));
        }
    }

    /// <summary>Of the disk of the main store. A journal on another one has its blocks in any case.</summary>
    private void LookAtRoom()
    {
        if (_setup.IsWitness)
        {
            _engine.ReportRoom(long.MaxValue, isOut: false, NowMs); // The journal's own room is in its health.
            return;
        }

        if (_setup.Seams.Disk!.GetSpace(_setup.StoreDirectory, out var space) != Errno.Ok) // Required by the setup.
        {
            return;
        }

        var reserve = JournalOptions.ReserveOf(space);
        var least = _isOutOfRoom ? reserve / 2 : reserve / 4;
        var isOut = _machine.WaitsForRoom || space.FreeBytes < least;
        var room = space.FreeBytes - reserve - _engine.CostAfter(_machine.AppliedIndex);
        _engine.ReportRoom(room, isOut, NowMs);
        Volatile.Write(ref _roomBytes, _engine.LeastRoom());
        IsShortOfRoom = room < 0;
        if (isOut != _isOutOfRoom)
        {
            _isOutOfRoom = isOut;
            ReportRoom(space);
        }
    }

    private void ReportRoom(DiskSpace space)
    {
        if (_isOutOfRoom)
        {
            Tell(ReplicaNewsKind.OutOfRoom);
            Log.Error("replica", "the disk is full: this member falls behind until there is room; free some, or "
                + "enlarge the disk", ("set", _setup.StorePrefix), ("member", Self),
                ("directory", _setup.StoreDirectory), ("free", space.FreeBytes));
        }
        else
        {
            Tell(ReplicaNewsKind.RoomAgain);
            Log.Information("replica", "there is room on the disk again", ("set", _setup.StorePrefix),
                ("member", Self), ("free", space.FreeBytes));
        }
    }

    /// <summary>
    /// What clients have begun here while this member led does not end, though the disk answers: one that is nearly
    /// full may take seconds for a write. It is committed, so the next leader can tell them how it went.
    /// </summary>
    private bool IsLeftBehind =>
        _ledMs is { } led && NowMs - led <= LedLatelyMs && _machine.OldestWorkMs(NowMs) >= LeftBehindMs;

    /// <summary>
    /// A leader whose disk is full lets somebody lead who can take in what is committed. When nobody takes it over, it
    /// is left to an election: this member, whose store and then journal get on no more, keeps the others waiting.
    /// </summary>
    private void MaybeHandOver()
    {
        if (!_isOutOfRoom || !_engine.IsServing || _engine.RoomierMember() is not { } member)
        {
            _tooLongMs = null;
            return;
        }

        _tooLongMs ??= NowMs + HandOverMsMax;
        if (NowMs >= _tooLongMs)
        {
            _restsUntilMs = NowMs + RestMs;
            Log.Warning("replica", "nobody takes the lead over: it is given up, the disk is full",
                ("set", _setup.StorePrefix), ("member", Self));
        }
        else if (NowMs - _handOverMs >= HandOverPeriodMs)
        {
            _handOverMs = NowMs;
            Log.Warning("replica", "the lead is handed over: the disk is full", ("set", _setup.StorePrefix),
                ("member", Self), ("to", member));
            _engine.TransferLead(HandOverTag, member, NowMs);
            Carry();
        }
    }

    /// <summary>
    /// Whoever still waits for something here would wait until the disk answers. Said again from time to time: who is
    /// cut off may have asked for something else by then.
    /// </summary>
    private void TellOfStall()
    {
        if (_engine.Role == Engine.ReplicaRole.Active)
        {
            _ledMs = NowMs;
        }
        else if ((_isStalled || _machine.WaitsForRoom || IsLeftBehind)
            && (_toldMs is not { } told || NowMs - told >= _setup.StallMs))
        {
            _toldMs = NowMs;
            _machine.Hung();
        }
    }
}
