using System;
using System.Collections.Generic;

namespace Myrmex.Replication.Engine;

// Sessions of clients that have vanished. When a session was used last is known to a leader only, from its activation
// on: it decides nothing but when to log that a session has ended, and that is an entry like any other.
public sealed partial class ReplicaEngine
{
    /// <summary>Sessions ended at once: the rest has its turn at the next tick.</summary>
    private const int SessionsEndedPerTick = 64;

    private const long SessionLookMs = 60_000;

    private readonly List<UInt128> _idleSessions = [];
    private long _activeMs; // Since when this replica leads.
    private long _sessionsLookedMs;

    private void BeginSessions()
    {
        _activeMs = _now;
        _sessionsLookedMs = _now;
    }

    /// <summary>
    /// Ends sessions that nobody has used for so long that nobody can be waiting for an outcome of them. A client that
    /// lives after all is told that its session is unknown, and begins another one.
    /// </summary>
    private void SessionTick()
    {
        var isDue = _now - _sessionsLookedMs >= Math.Min(SessionLookMs, _options.SessionIdleMs / 2);
        if (!IsServing || !isDue || _now - _activeMs < _options.SessionIdleMs || _transferTo is not null || _isFull
            || _log.Last.Value - _commit.Value >= Limits.UncommittedEntriesMax / 2)
        {
            return;
        }

        _sessions.FindIdle(_now - _options.SessionIdleMs, SessionsEndedPerTick, _idleSessions);
        foreach (var session in _idleSessions)
        {
            LogOwn(EntryKind.Session, session, 0, 0, new SessionRecord(SessionAction.End, 0).Encode(), default);
        }

        _sessionsLookedMs = _idleSessions.Count == SessionsEndedPerTick ? _sessionsLookedMs : _now;
        if (_idleSessions.Count > 0)
        {
            _idleSessions.Clear();
            SendToAll();
        }
    }
}
