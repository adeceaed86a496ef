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
    private readonly Dictionary<UInt128, KnownSession> _sessions = [];
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
            known.GraceMs = Math.Clamp(graceMs ?? GraceMs, 0, GraceMs);
            known.IsLocal |= client is null;
            if (client is { IsGone: false })
            {
                known.Clients.Add(client);
            }

            return Errno.Ok;
        }
    }

    /// <summary>
    /// A request of a client behind proxies has come through a connection: that is the one its session is behind now.
    /// The first one from another proxy ends what waits through an earlier one with ECANCELED, for nobody hears that.
    /// </summary>
    /// <returns>ECANCELED when the client has gone on to another proxy since; EREMOTE when this member does not lead.
    /// </returns>
    public async ValueTask<Errno> EnterAsync(LockSession asking, ClientIdentity? client)
    {
        if (!TryEnter(asking, client, out var error))
        {
            return error;
        }

        await HearAsync(asking.Id);
        return IsLate(asking) ? Errno.ECANCELED : Errno.Ok;
    }

    /// <summary>The proxy behind a connection tells which clients of it have locks.</summary>
    public async ValueTask HoldBehindAsync(LockSession[] sessions, ClientIdentity? client)
    {
        var entered = new bool[sessions.Length];
        for (var i = 0; i < sessions.Length; i++)
        {
            entered[i] = TryEnter(sessions[i], client, out _);
        }

        for (var i = 0; i < sessions.Length; i++)
        {
            if (entered[i])
            {
                await HearAsync(sessions[i].Id);
            }
        }
    }

    /// <summary>
    /// Clients have left the proxy behind a connection: they may come through another one, in their time.
    /// </summary>
    public void LeaveBehind(LockSession[] sessions, ClientIdentity? client)
    {
        lock (_lock)
        {
            foreach (var left in sessions)
            {
                if (!_sessions.TryGetValue(left.Id, out var known) || known.Epoch > left.Epoch)
                {
                    continue; // It has gone on since.
                }

                var wasHere = known.IsHere;
                known.IsLocal &= client is not null;
                if (client is not null)
                {
                    known.Clients.Remove(client);
                }

                known.AwaySinceMs = wasHere && !known.IsHere ? NowMs : known.AwaySinceMs;
            }
        }
    }

    /// <summary>
    /// A request from a proxy that the client has left for another one, as far as this leader has heard.
    /// </summary>
    public bool IsLate(LockSession asking)
    {
        lock (_lock)
        {
            return _sessions.TryGetValue(asking.Id, out var known) && known.Epoch > asking.Epoch;
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

            _roleSinceMs = NowMs;
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

            foreach (var (id, session) in new List<KeyValuePair<UInt128, KnownSession>>(_sessions))
            {
                // Of a client behind proxies what is late is refused for as long as there is room to know it.
                if (session.Revoking is null && nowMs - session.AwaySinceMs > GraceMs
                    && (session.IsBehind
                        ? _sessions.Count > JournalLimits.LockSessionsMax && !_log.Locks.HasSession(id)
                        : !session.IsHere))
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

    private bool TryEnter(LockSession asking, ClientIdentity? client, out Errno error)
    {
        List<LockWait> ended = [];
        lock (_lock)
        {
            error = _log.ServingTerm == Term.None ? Errno.EREMOTE
                : _sessions.TryGetValue(asking.Id, out var former) && former.Epoch > asking.Epoch ? Errno.ECANCELED
                : Errno.Ok;
            if (error != Errno.Ok)
            {
                return false;
            }

            var known = SessionOf(asking.Id);
            if (!known.IsBehind || known.Epoch < asking.Epoch)
            {
                (known.IsBehind, known.Epoch, known.IsLocal) = (true, asking.Epoch, false);
                known.Clients.Clear();
                ended = TakeWaitsLocked(wait => wait.Lock.Session == asking.Id);
            }

            known.IsLocal |= client is null;
            if (client is { IsGone: false })
            {
                known.Clients.Add(client);
            }

            known.AwaySinceMs = NowMs;
        }

        ended.ForEach(static wait => wait.End(Errno.ECANCELED));
        return true;
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

    /// <summary>
    /// What a number was told that changed nothing, or EBADE for one that its client asks for no more.
    /// </summary>
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
        if (key.Session == 0)
        {
            return;
        }

        lock (_lock)
        {
            var told = SessionOf(key.Session).Told;
            if (told.Count < JournalLimits.LockOutcomesMax)
            {
                told[key.Sequence] = outcome;
            }
        }
    }

    private KnownSession SessionOf(UInt128 id)
    {
        if (!_sessions.TryGetValue(id, out var session))
        {
            session = new KnownSession { AwaySinceMs = NowMs, GraceMs = GraceMs };
            _sessions.Add(id, session);
        }

        return session;
    }

    /// <summary>A session that holds locks or has asked for some, as the leader of this term knows it.</summary>
    private sealed class KnownSession
    {
        public HashSet<ClientIdentity> Clients { get; } = new(ReferenceEqualityComparer.Instance);

        /// <summary>It is that of a client behind proxies, known by what comes through them.</summary>
        public bool IsBehind { get; set; }

        /// <summary>How many proxies that client has used, as far as this leader has heard.</summary>
        public uint Epoch { get; set; }

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
