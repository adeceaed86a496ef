using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The byte range locks of a replica set at the member that leads: decides what is granted, and has it logged before it
/// is answered. What is held is in the journal (<see cref="LockTable"/>); here is only what a leader has to know of
/// those who ask: the order of changes on their way, who waits, and which sessions are there. Safe for all threads.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>A lock is granted only while nothing that conflicts is in the table or on its way there. Changes of one holder
/// on a file, and conflicting ones, go one after the other; all others side by side.</item>
/// <item>What changes nothing is not logged: it is a read, and shown to be the leader's.</item>
/// <item>A request that waits changes nothing. When its turn comes the range is kept for its holder for a moment, and
/// the client asks for the lock. So a number of a session is never held for as long as a lock is waited for.</item>
/// <item>Locks of a session are revoked only while no connection of it is here, after its grace.</item>
/// </list>
/// </remarks>
internal sealed partial class JournalLocks
{
    private readonly Lock _lock = new(); // Guards all that is in the two tables; comes before that of the LockTable.
    private readonly Dictionary<Gfid, LockedFile> _files = []; // With changes under way, waits or kept ranges.
    private readonly IReplicaLog _log;
    private readonly Seams _seams;
    private long _graceMs;

    /// <param name="log">The journal of the replica set.</param>
    /// <param name="seams">Clock and timers.</param>
    /// <param name="graceMs">How long a session that is away keeps its locks.</param>
    public JournalLocks(IReplicaLog log, Seams seams, long graceMs)
    {
        _log = log;
        _seams = seams;
        _graceMs = graceMs;
    }

    /// <summary>How long a session that is away keeps its locks, from now on.</summary>
    public long GraceMs
    {
        get => Volatile.Read(ref _graceMs);
        set => Volatile.Write(ref _graceMs, value);
    }

    private long NowMs => _seams.Clock.MonotonicNs / 1_000_000;

    /// <summary>
    /// Takes, changes or gives up a lock. Ok: it is so, on as many disks as it takes. EAGAIN: another holder is in the
    /// way. ENOLCK: the session, the file or the set has as many as it may. ECANCELED and EBADE as for all changes;
    /// EREMOTE: this member does not lead; ENOTCONN: not known.
    /// </summary>
    /// <param name="session">Whose change it is; a retry gets the first outcome.</param>
    /// <param name="record">What it changes.</param>
    /// <param name="endsWaits">Giving up ends what waits for the same.</param>
    public async ValueTask<Errno> ChangeAsync(SessionKey session, LockRecord record, bool endsWaits = true)
    {
        var term = _log.ServingTerm;
        if (term == Term.None)
        {
            return Errno.EREMOTE;
        }

        if (record.Lock.Type == LockType.Unlock && endsWaits)
        {
            EndWaits(record);
        }

        var change = new LockChange(record);
        if (Enter(change) is { } turn)
        {
            await turn;
        }

        try
        {
            return await ChangeInTurnAsync(term, session, record);
        }
        finally
        {
            Leave(change);
        }
    }

    /// <summary>Ok when all of a lock is held, ENOLCK when it is not; else as for reads.</summary>
    public async ValueTask<Errno> CheckAsync(Gfid gfid, RangeLock held)
    {
        var term = _log.ServingTerm;
        if (term == Term.None)
        {
            return Errno.EREMOTE;
        }

        await HearAsync(held.Session);
        var isHeld = _log.Locks.Holds(in gfid, held);
        var error = await _log.ConfirmAsync(term);
        return error != Errno.Ok ? error : isHeld ? Errno.Ok : Errno.ENOLCK;
    }

    /// <summary>
    /// Ok when something of a lock is held, ENOLCK when nothing is; else as for reads. Its client may not have heard
    /// what it was changed to last.
    /// </summary>
    public async ValueTask<Errno> CheckSomeAsync(Gfid gfid, RangeLock held)
    {
        var term = _log.ServingTerm;
        if (term == Term.None)
        {
            return Errno.EREMOTE;
        }

        var isHeld = _log.Locks.HasSome(in gfid, in held);
        var error = await _log.ConfirmAsync(term);
        return error != Errno.Ok ? error : isHeld ? Errno.Ok : Errno.ENOLCK;
    }

    /// <summary>The lock that is in the way of another one; null for none.</summary>
    public async ValueTask<(Errno Error, RangeLock? Conflict)> LookAsync(Gfid gfid, RangeLock wanted)
    {
        var term = _log.ServingTerm;
        if (term == Term.None)
        {
            return (Errno.EREMOTE, null);
        }

        var isThere = _log.Locks.TryFindConflict(in gfid, in wanted, out var conflict);
        var error = await _log.ConfirmAsync(term);
        return error == Errno.Ok ? (Errno.Ok, isThere ? conflict : null) : (error, null);
    }

    public void DumpState(StateDump dump)
    {
        dump.Put("locks.held", _log.Locks.Count);
        lock (_lock)
        {
            var waiting = 0;
            foreach (var file in _files.Values)
            {
                waiting += file.Waits.Count;
            }

            dump.Put("locks.waiting", waiting);
            dump.Put("locks.sessions", _sessions.Count);
            dump.Put("locks.revoked", _revoked);
        }
    }

    private async ValueTask<Errno> ChangeInTurnAsync(Term term, SessionKey session, LockRecord record)
    {
        if (session.MayBeKnown)
        {
            var found = await _log.FindAsync(term, session);
            if (found.Error != Errno.Ok || found.Outcome is not null)
            {
                return found.Error;
            }
        }

        if (Recall(session) is { } first)
        {
            return first;
        }

        for (var tries = 0; tries < JournalLimits.LockTriesMax; tries++)
        {
            Errno error;
            if (Decide(record) is { } outcome)
            {
                error = await _log.ConfirmAsync(term);
                if (error == Errno.Ok)
                {
                    Remember(session, outcome);
                    return outcome;
                }
            }
            else
            {
                error = (await _log.ProposeLockAsync(term, session, record)).Error;
            }

            if (error != Errno.EAGAIN)
            {
                return error;
            }

            // Too much is under way, or the journal is full for the moment. To the client EAGAIN is another answer.
            await Pauses.WaitAsync(_seams.Scheduler, JournalLimits.LockPauseMs, CancellationToken.None);
        }

        return Errno.ENOTCONN;
    }

    /// <summary>The outcome of what changes nothing; null for what has to be logged.</summary>
    private Errno? Decide(in LockRecord record)
    {
        lock (_lock)
        {
            var (gfid, wanted) = (record.Gfid, record.Lock);
            if (record.Action is LockAction.Clear or LockAction.Revoke)
            {
                return null;
            }

            var file = _files[gfid]; // The change is in it.
            RangeLock? former = record.Former.Session != 0 ? record.FormerLock : null;
            if (_log.Locks.TryFindConflict(in gfid, in wanted, former, out _) || file.IsKept(in wanted, NowMs))
            {
                return Errno.EAGAIN;
            }

            return _log.Locks.IsSo(in gfid, in wanted) ? Errno.Ok
                // Nothing is left of what was to be taken along: somebody may have had it.
                : former is { } gone && !_log.Locks.HasSome(in gfid, in gone) ? Errno.ENOLCK
                : _log.Locks.HasRoom(in gfid, in wanted, _underWay) ? null
                : Errno.ENOLCK;
        }
    }

    /// <summary>Null when it is the turn of the change at once.</summary>
    private Task? Enter(LockChange change)
    {
        lock (_lock)
        {
            var file = FileOf(change.Record.Gfid);
            file.Release(change.Record.Lock);
            var mayBegin = file.MayBegin(change, file.Changes.Count);
            file.Changes.Add(change);
            _underWay++;
            return mayBegin ? null : change.Wait();
        }
    }

    private void Leave(LockChange change)
    {
        List<LockChange> next = [];
        List<LockWait> ready = [];
        lock (_lock)
        {
            var file = FileOf(change.Record.Gfid);
            file.Changes.Remove(change);
            _underWay--;
            for (var i = 0; i < file.Changes.Count; i++)
            {
                if (!file.Changes[i].HasBegun && file.MayBegin(file.Changes[i], i))
                {
                    next.Add(file.Changes[i]);
                    file.Changes[i].HasBegun = true;
                }
            }

            TakeReady(change.Record.Gfid, file, ready);
        }

        next.ForEach(static one => one.Begin());
        ready.ForEach(static wait => wait.End(Errno.Ok));
    }

    private LockedFile FileOf(Gfid gfid)
    {
        if (!_files.TryGetValue(gfid, out var file))
        {
            file = new LockedFile();
            _files.Add(gfid, file);
        }

        return file;
    }
}
