using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>What the table knows of an operation.</summary>
public enum SessionFinding
{
    /// <summary>Not seen: it may be logged.</summary>
    New,

    /// <summary>In the journal, and not known to be committed.</summary>
    Logged,

    Committed,

    /// <summary>The session is unknown or has ended.</summary>
    NoSession,

    /// <summary>Its outcome was dropped because the client had it.</summary>
    Dropped,
}

/// <summary>
/// Which operations of which sessions are in the journal, and with what outcome. A pure function of the entries: what
/// is logged adds, what is cut takes away, and only what is committed drops; so every replica that holds the same
/// entries gives the same answer, and a leader that takes over knows what its predecessors did.
/// </summary>
public sealed class SessionTable(Func<JournalEntry, ReadOnlyMemory<byte>>? outcomeOf = null)
{
    private const byte FormatVersion = 1;

    /// <summary>With the runs that have taken operations over; written only when there are some.</summary>
    private const byte FormatWithRuns = 2;

    /// <summary>With runs, and the locks of all sessions at the end; written only when there are some.</summary>
    private const byte FormatWithLocks = 3;

    private readonly Dictionary<UInt128, Session> _sessions = [];

    /// <summary>The byte range locks that the sessions hold by what is committed. All threads.</summary>
    public LockTable Locks { get; } = new();

    public int Count => _sessions.Count;

    /// <summary>What is known of an operation, with its place and outcome if it is in the journal.</summary>
    public SessionFinding Find(
        UInt128 session, ulong sequence, uint step, out JournalIndex index, out ReadOnlyMemory<byte> outcome)
    {
        index = JournalIndex.None;
        outcome = default;
        if (!_sessions.TryGetValue(session, out var found) || found.End != JournalIndex.None)
        {
            return SessionFinding.NoSession;
        }

        if (!found.Outcomes.TryGetValue((sequence, step), out var record))
        {
            return sequence <= found.DroppedUpTo ? SessionFinding.Dropped : SessionFinding.New;
        }

        index = record.Index;
        outcome = record.Bytes;
        return record.IsCommitted ? SessionFinding.Committed : SessionFinding.Logged;
    }

    /// <summary>Outcomes kept for a session; 0 for one that is not known.</summary>
    public int OutcomesOf(UInt128 session) => _sessions.TryGetValue(session, out var found) ? found.Outcomes.Count : 0;

    /// <summary>The run that has taken a number over, 0 for none.</summary>
    public uint RunOf(UInt128 session, ulong sequence) =>
        _sessions.TryGetValue(session, out var found) && found.Claims.TryGetValue(sequence, out var claims)
            ? claims[^1].Run : 0;

    /// <summary>Whether operations of a run are refused because another one has taken over.</summary>
    public bool IsSuperseded(UInt128 session, ulong sequence, uint run) =>
        RunOf(session, sequence) is var claimed and not 0 && claimed != run;

    /// <summary>
    /// The steps of a number that are in the journal, with their outcomes, in the order of their labels; null when the
    /// session is not known or the number was dropped.
    /// </summary>
    public List<(uint Step, ReadOnlyMemory<byte> Outcome)>? StepsOf(UInt128 session, ulong sequence) =>
        !_sessions.TryGetValue(session, out var found) || found.End != JournalIndex.None
            || sequence <= found.DroppedUpTo
            ? null
            : [.. found.Outcomes.Where(o => o.Key.Sequence == sequence).OrderBy(o => o.Key.Step)
                .Select(o => (o.Key.Step, o.Value.Bytes))];

    /// <summary>Up to which number the outcomes of a session were dropped, or an entry in the journal will.</summary>
    public ulong RenewedUpTo(UInt128 session) => _sessions.TryGetValue(session, out var found) ? found.RenewedUpTo : 0;

    /// <summary>
    /// The session is in use. Not part of what all replicas agree on; of an unknown one nothing is kept.
    /// </summary>
    public void Use(UInt128 session, long nowMs)
    {
        if (_sessions.TryGetValue(session, out var found))
        {
            found.UsedMs = nowMs;
        }
    }

    /// <summary>Sessions that are begun and not ended, and were not used here since a time; some of them.</summary>
    public void FindIdle(long sinceMs, int countMax, List<UInt128> found)
    {
        foreach (var (id, session) in _sessions)
        {
            // What holds locks is somebody's as long as they are not revoked, whether it changes anything or not.
            if (session.IsBegun && session.End == JournalIndex.None && session.UsedMs <= sinceMs
                && !Locks.HasSession(id))
            {
                found.Add(id);
                if (found.Count == countMax)
                {
                    return;
                }
            }
        }
    }

    /// <summary>An entry was appended.</summary>
    public void Logged(JournalEntry entry)
    {
        var header = entry.Header;
        if (header.Session == 0)
        {
            return;
        }

        if (header.Kind == EntryKind.Session)
        {
            LoggedSession(header, SessionRecord.Decode(entry.Meta.Span));
        }
        else if (_sessions.TryGetValue(header.Session, out var session))
        {
            var outcome = header.Kind == EntryKind.Lock ? default // That it was done is all there is to say.
                : outcomeOf is null ? entry.Meta : outcomeOf(entry);
            session.Outcomes.TryAdd(
                (header.Sequence, header.Step),
                new Outcome(header.Index, outcome.Length <= Limits.OutcomeBytesMax ? outcome : default,
                    IsCommitted: false));
        }
    }

    /// <summary>An entry that was not committed is taken away again; the latest first.</summary>
    public void Cut(JournalEntry entry)
    {
        var header = entry.Header;
        if (header.Session == 0 || !_sessions.TryGetValue(header.Session, out var session))
        {
            return;
        }

        if (header.Kind == EntryKind.Session)
        {
            if (session.Begin == header.Index)
            {
                _sessions.Remove(header.Session);
            }
            else if (session.End == header.Index)
            {
                session.End = JournalIndex.None;
            }
            else if (SessionRecord.Decode(entry.Meta.Span)?.Action == SessionAction.TakeOver)
            {
                session.CutClaim(header.Sequence, header.Index);
            }
            else
            {
                session.RenewedUpTo = session.DroppedUpTo;
            }
        }
        else if (session.Outcomes.TryGetValue((header.Sequence, header.Step), out var outcome)
            && outcome.Index == header.Index)
        {
            session.Outcomes.Remove((header.Sequence, header.Step));
        }
    }

    /// <summary>An entry that was logged is committed.</summary>
    public void Committed(JournalEntry entry)
    {
        var header = entry.Header;
        var isKnown = _sessions.TryGetValue(header.Session, out var session);
        if (header.Kind == EntryKind.Lock && (isKnown || header.Session == 0)
            && LockRecord.Decode(entry.Meta.Span, header.Session) is { } record)
        {
            Locks.Apply(record);
        }

        if (header.Session == 0 || session is null)
        {
            return;
        }

        if (header.Kind == EntryKind.Session)
        {
            CommittedSession(session, header, SessionRecord.Decode(entry.Meta.Span));
        }
        else if (session.Outcomes.TryGetValue((header.Sequence, header.Step), out var outcome)
            && outcome.Index == header.Index)
        {
            session.Outcomes[(header.Sequence, header.Step)] = outcome with { IsCommitted = true };
        }
    }

    /// <summary>The committed part as bytes, in a fixed order: equal tables give equal bytes.</summary>
    public byte[] Export()
    {
        var builder = new BinaryBuilder();
        var sessions = _sessions.Where(s => s.Value.IsBegun).OrderBy(s => s.Key).ToList();
        var hasLocks = Locks.Count > 0;
        var hasRuns = hasLocks || sessions.Exists(s => s.Value.CommittedClaims().Any());
        builder.Byte(hasLocks ? FormatWithLocks : hasRuns ? FormatWithRuns : FormatVersion);
        builder.UInt32((uint)sessions.Count);
        foreach (var (id, session) in sessions)
        {
            builder.UInt128(id);
            builder.UInt64(session.Begin.Value);
            builder.UInt64(session.DroppedUpTo);
            var outcomes = session.Outcomes.Where(o => o.Value.IsCommitted).OrderBy(o => o.Key).ToList();
            builder.UInt32((uint)outcomes.Count);
            foreach (var (key, outcome) in outcomes)
            {
                builder.UInt64(key.Sequence);
                builder.UInt32(key.Step);
                builder.UInt64(outcome.Index.Value);
                builder.Bytes(outcome.Bytes.Span);
            }

            if (hasRuns)
            {
                ExportClaims(builder, session);
            }
        }

        if (hasLocks)
        {
            Locks.Export(builder);
        }

        return builder.ToArray();
    }

    /// <summary>
    /// Replaces everything by what <see cref="Export"/> gave; false, and nothing in the table, for other bytes.
    /// </summary>
    public bool Import(ReadOnlySpan<byte> bytes)
    {
        _sessions.Clear();
        Locks.Clear();
        var parser = new BinaryParser(bytes);
        var version = parser.Byte();
        parser.Require(version is FormatVersion or FormatWithRuns or FormatWithLocks);
        var count = parser.UInt32();
        parser.Require(count <= Limits.SessionsMax);
        for (var i = 0; i < count && !parser.Failed; i++)
        {
            ImportSession(ref parser, hasRuns: version >= FormatWithRuns);
        }

        if (version == FormatWithLocks && !parser.Failed)
        {
            Locks.Import(ref parser);
        }

        if (!parser.IsComplete)
        {
            _sessions.Clear();
            Locks.Clear();
        }

        return parser.IsComplete;
    }

    /// <summary>Forgets all operations but not the sessions; only a broken leader does.</summary>
    internal void ForgetOutcomes()
    {
        foreach (var session in _sessions.Values)
        {
            session.Outcomes.Clear();
        }
    }

    private static void ExportClaims(BinaryBuilder builder, Session session)
    {
        var claims = session.CommittedClaims().ToList();
        builder.UInt32((uint)claims.Count);
        foreach (var (sequence, claim) in claims)
        {
            builder.UInt64(sequence);
            builder.UInt32(claim.Run);
            builder.UInt64(claim.Index.Value);
        }
    }

    private static void ImportClaims(ref BinaryParser parser, Session session)
    {
        var count = parser.UInt32();
        parser.Require(count <= Limits.SessionOutcomesMax);
        for (var i = 0; i < count && !parser.Failed; i++)
        {
            var sequence = parser.UInt64();
            var claim = new Claim(parser.UInt32(), new JournalIndex(parser.UInt64()), IsCommitted: true);
            parser.Require(session.Claims.TryAdd(sequence, [claim]));
        }
    }

    private void ImportSession(ref BinaryParser parser, bool hasRuns)
    {
        var id = parser.UInt128();
        var session = new Session
        {
            Begin = new JournalIndex(parser.UInt64()),
            IsBegun = true,
            DroppedUpTo = parser.UInt64()
        };
        session.RenewedUpTo = session.DroppedUpTo;
        var count = parser.UInt32();
        parser.Require(count <= Limits.SessionOutcomesMax);
        for (var i = 0; i < count && !parser.Failed; i++)
        {
            var key = (parser.UInt64(), parser.UInt32());
            var index = new JournalIndex(parser.UInt64());
            var outcome = parser.Bytes(Limits.OutcomeBytesMax).ToArray();
            parser.Require(session.Outcomes.TryAdd(key, new Outcome(index, outcome, IsCommitted: true)));
        }

        if (hasRuns)
        {
            ImportClaims(ref parser, session);
        }

        parser.Require(_sessions.TryAdd(id, session));
    }

    private void LoggedSession(in EntryHeader header, SessionRecord? record)
    {
        var isKnown = _sessions.TryGetValue(header.Session, out var session);
        switch (record?.Action)
        {
            case SessionAction.Begin when !isKnown:
                _sessions.Add(header.Session, new Session { Begin = header.Index });
                break;
            case SessionAction.End when isKnown && session!.End == JournalIndex.None:
                session.End = header.Index;
                break;
            case SessionAction.Renew when isKnown:
                session!.RenewedUpTo = Math.Max(session.RenewedUpTo, record.Value.AcknowledgedUpTo);
                break;
            case SessionAction.TakeOver when isKnown && header.Sequence > session!.DroppedUpTo:
                session.AddClaim(header.Sequence, new Claim(header.Step, header.Index, IsCommitted: false));
                break;
            default:
                break; // A second Begin or End changes nothing, and what cannot be read is no session.
        }
    }

    private void CommittedSession(Session session, in EntryHeader header, SessionRecord? record)
    {
        switch (record?.Action)
        {
            case SessionAction.Begin:
                session.IsBegun = true;
                break;
            case SessionAction.End when session.End == header.Index:
                _sessions.Remove(header.Session);
                Locks.DropSession(header.Session);
                break;
            case SessionAction.Renew when record.Value.AcknowledgedUpTo > session.DroppedUpTo:
                session.Drop(record.Value.AcknowledgedUpTo);
                break;
            case SessionAction.TakeOver:
                session.CommitClaim(header.Sequence, header.Index);
                break;
            default:
                break;
        }
    }

    /// <summary>A run has taken a number over by an entry.</summary>
    private readonly record struct Claim(uint Run, JournalIndex Index, bool IsCommitted);

    private readonly record struct Outcome(JournalIndex Index, ReadOnlyMemory<byte> Bytes, bool IsCommitted);

    private sealed class Session
    {
        public JournalIndex Begin { get; init; }

        /// <summary>The entry that began it is committed.</summary>
        public bool IsBegun { get; set; }

        /// <summary>The entry that ends it, committed or not.</summary>
        public JournalIndex End { get; set; }

        /// <summary>When it was used last at this replica; 0 for never.</summary>
        public long UsedMs { get; set; }

        public ulong DroppedUpTo { get; set; }

        public ulong RenewedUpTo { get; set; }

        public Dictionary<(ulong Sequence, uint Step), Outcome> Outcomes { get; } = [];

        /// <summary>Which run has taken a number over; the last one counts. Lists are not empty.</summary>
        public Dictionary<ulong, List<Claim>> Claims { get; } = [];

        public IEnumerable<(ulong Sequence, Claim Claim)> CommittedClaims() =>
            Claims.Where(c => c.Value.Exists(static l => l.IsCommitted)).OrderBy(c => c.Key)
                .Select(c => (c.Key, c.Value.FindLast(static l => l.IsCommitted)));

        public void AddClaim(ulong sequence, Claim claim)
        {
            if (!Claims.TryGetValue(sequence, out var claims))
            {
                Claims.Add(sequence, claims = []);
            }

            claims.Add(claim);
        }

        public void CutClaim(ulong sequence, JournalIndex index)
        {
            if (Claims.TryGetValue(sequence, out var claims))
            {
                claims.RemoveAll(c => c.Index == index);
                if (claims.Count == 0)
                {
                    Claims.Remove(sequence);
                }
            }
        }

        /// <summary>Those before it count no longer, and cannot come back.</summary>
        public void CommitClaim(ulong sequence, JournalIndex index)
        {
            if (Claims.TryGetValue(sequence, out var claims))
            {
                claims.RemoveAll(c => c.Index < index);
                var at = claims.FindIndex(c => c.Index == index);
                if (at >= 0)
                {
                    claims[at] = claims[at] with { IsCommitted = true };
                }
            }
        }

        public void Drop(ulong upTo)
        {
            Invariant.Check(upTo > DroppedUpTo);
            DroppedUpTo = upTo;
            RenewedUpTo = Math.Max(RenewedUpTo, upTo);
            foreach (var key in Outcomes.Keys.Where(k => k.Sequence <= upTo).ToList())
            {
                Outcomes.Remove(key);
            }

            foreach (var sequence in Claims.Keys.Where(k => k <= upTo).ToList())
            {
                Claims.Remove(sequence);
            }
        }
    }
}
