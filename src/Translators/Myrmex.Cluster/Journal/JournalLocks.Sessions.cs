using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Which sessions are there. That is known to a leader only, from its first moment on, and decides nothing but when to
/// log that a session has lost its locks.
/// </summary>
internal sealed partial class JournalLocks
{
    private readonly Dictionary<UInt128, LockSession> _sessions = [];
    private int _underWay; // Changes in all files.
    private long _revoked;
    private bool _isStopped;
    private bool _isLooking;

    /// <summary>
    /// A session says that it is the one of the client behind a connection, null for the process itself: its locks are
    /// kept while that is there, and then for a time.
    /// </summary>
    /// <param name="graceMs">How long then; null for the usual time, which is the longest.</param>
    public async ValueTask<Errno> HoldAsync(UInt128 session, ClientIdentity? client, long? graceMs)
    {
        await HearAsync(session);
        lock (_lock)
        {
            if (_log.ServingTerm == Term.None)
            {
                return Errno.EREMOTE;
            }

            var known = SessionOf(session);
            known.GraceMs = Math.Clamp(graceMs ?? _graceMs, 0, _graceMs);
            known.IsLocal |= client is null;
            if (client is { IsGone: false })
            {
                known.Clients.Add(client);
            }

            return Errno.Ok;
        }
    }

    /// <summary>A connection has gone: what waits there is not waited for any more.</summary>
    public void ClientGone(ClientIdentity client)
    {
        TakeWaits(wait => ReferenceEquals(wait.Client, client), Errno.ENOTCONN);
        var isDue = false;
        lock (_lock)
        {
            foreach (var session in _sessions.Values)
            {
                if (session.Clients.Remove(client) && !session.IsHere)
                {
                    session.AwaySinceMs = NowMs;
                    isDue |= session.GraceMs < JournalLimits.LockLookMs;
                }
            }
        }

        if (isDue)
        {
            _ = _seams.Scheduler.Schedule(0, Look);
        }
    }

    /// <summary>Begins to look after the sessions.</summary>
    public void Start() => _ = _seams.Scheduler.Schedule(JournalLimits.LockLookMs, Tick);

    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
        }

        RoleChanged();
    }

    /// <summary>A session was ended: what it held is free.</summary>
    public void SessionEnded(UInt128 session)
    {
        lock (_lock)
        {
            _sessions.Remove(session);
        }

        WakeAll();
    }

    /// <summary>Nothing of what a leader knows is good for another term.</summary>
    public void RoleChanged()
    {
        List<TaskCompletionSource> over = [];
        lock (_lock)
        {
            foreach (var session in _sessions.Values)
            {
                over.AddRange(session.Revoking is { } revoking ? [revoking] : []);
            }

            _sessions.Clear();
            foreach (var file in _files.Values)
            {
                file.Kept.Clear();
            }
        }

        over.ForEach(static one => one.SetResult());
        TakeWaits(static _ => true, Errno.EREMOTE);
    }

    private void Tick()
    {
        lock (_lock)
        {
            if (_isStopped)
            {
                return;
            }
        }

        Look();
        _ = _seams.Scheduler.Schedule(JournalLimits.LockLookMs, Tick);
    }

    /// <summary>Revokes the locks of sessions that were away for too long.</summary>
    private void Look()
    {
        var term = _log.ServingTerm;
        if (term == Term.None)
        {
            return;
        }

        List<UInt128> due = [];
        lock (_lock)
        {
            if (_isLooking)
            {
                return;
            }

            var nowMs = NowMs;
            foreach (var id in _log.Locks.Sessions())
            {
                var session = SessionOf(id);
                if (!session.IsHere && nowMs - session.AwaySinceMs >= session.GraceMs)
                {
                    session.Revoking ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    due.Add(id);
                }
            }

            foreach (var (id, session) in new List<KeyValuePair<UInt128, LockSession>>(_sessions))
            {
                if (session is { IsHere: false, Revoking: null } && nowMs - session.AwaySinceMs > _graceMs)
                {
                    _sessions.Remove(id);
                }
            }

            _isLooking = due.Count > 0;
        }

        if (due.Count > 0)
        {
            _ = RevokeAsync(term, due);
        }

        WakeAll();
    }

    private async Task RevokeAsync(Term term, List<UInt128> due)
    {
        foreach (var id in due)
        {
            var count = _log.Locks.CountOf(id);
            var revoked = await _log.ProposeLockAsync(term, default, LockRecord.Revoke(id));
            TaskCompletionSource? over = null;
            lock (_lock)
            {
                if (_sessions.TryGetValue(id, out var session))
                {
                    (over, session.Revoking) = (session.Revoking, null);
                }

                _revoked += revoked.Error == Errno.Ok ? count : 0;
            }

            over?.SetResult();
            if (revoked.Error == Errno.Ok)
            {
                Log.Warning(
                    "journal", "locks are revoked: their client has been away for too long", ("session", id),
                    ("locks", count));
            }
        }

        lock (_lock)
        {
            _isLooking = false;
        }

        WakeAll();
    }

    /// <summary>
    /// A session speaks: it is not away now. What was decided about it before is in the table when this ends.
    /// </summary>
    private async ValueTask HearAsync(UInt128 session)
    {
        while (true)
        {
            Task? over;
            lock (_lock)
            {
                var known = SessionOf(session);
                known.AwaySinceMs = NowMs;
                over = known.Revoking?.Task;
            }

            if (over is null)
            {
                return;
            }

            await over;
        }
    }

    /// <summary>What a number was told that changed nothing; EBADE for one that its client asks for no more.</summary>
    private Errno? Recall(SessionKey key)
    {
        if (key.Session == 0)
        {
            return null;
        }

        lock (_lock)
        {
            var session = SessionOf(key.Session);
            if (key.AcknowledgedUpTo > session.AcknowledgedUpTo)
            {
                session.AcknowledgedUpTo = key.AcknowledgedUpTo;
                foreach (var number in new List<ulong>(session.Told.Keys))
                {
                    if (number <= key.AcknowledgedUpTo)
                    {
                        session.Told.Remove(number);
                    }
                }
            }

            return session.Told.TryGetValue(key.Sequence, out var told) ? told
                : key.Sequence <= session.AcknowledgedUpTo ? Errno.EBADE : null;
        }
    }

    private void Remember(SessionKey key, Errno outcome)
    {
        lock (_lock)
        {
            var told = SessionOf(key.Session).Told;
            if (told.Count < JournalLimits.LockOutcomesMax)
            {
                told[key.Sequence] = outcome;
            }
        }
    }

    private LockSession SessionOf(UInt128 id)
    {
        if (!_sessions.TryGetValue(id, out var session))
        {
            session = new LockSession { AwaySinceMs = NowMs, GraceMs = _graceMs };
            _sessions.Add(id, session);
        }

        return session;
    }

    /// <summary>A session that holds locks or has asked for some, as the leader of this term knows it.</summary>
    private sealed class LockSession
    {
        public HashSet<ClientIdentity> Clients { get; } = new(ReferenceEqualityComparer.Instance);

        /// <summary>It is one of this process.</summary>
        public bool IsLocal { get; set; }

        public bool IsHere => IsLocal || Clients.Count > 0;

        public long AwaySinceMs { get; set; }

        public long GraceMs { get; set; }

        /// <summary>Ends when the entry that revokes its locks is committed or refused.</summary>
        public TaskCompletionSource? Revoking { get; set; }

        public ulong AcknowledgedUpTo { get; set; }

        /// <summary>Outcomes of numbers that changed nothing, and so are not in the journal.</summary>
        public Dictionary<ulong, Errno> Told { get; } = [];
    }
}
