using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>What a fop has led to; the value is its position in the order of all changes, or what was read.</summary>
internal readonly record struct Outcome(Errno Error, long Value = 0)
{
    public static Outcome Of(bool isDone, Errno otherwise, long value = 0) => new(isDone ? Errno.Ok : otherwise, value);
}

/// <summary>An exclusive lock on one byte.</summary>
internal readonly record struct ModelLock(UInt128 Session, LkOwner Owner, long Start);

/// <summary>
/// The state that a replica set agrees on: names, a counter, a log of writes, and the table of outcomes by session. It
/// is as correct as the members are meant to be, but for the faults that a test asks for.
/// </summary>
internal sealed class ModelSet
{
    private readonly Dictionary<UInt128, ModelSession> _sessions = [];

    public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

    /// <summary>Numbers of the writes, in the order in which they took effect.</summary>
    public List<long> Log { get; } = [];

    public List<ModelLock> Locks { get; } = [];

    /// <summary>Of these, what is locked for reading only.</summary>
    public HashSet<ModelLock> Weak { get; } = [];

    /// <summary>The epochs of clients behind proxies that the set has heard of.</summary>
    public Dictionary<UInt128, uint> Epochs { get; } = [];

    public long Counter { get; set; }

    public int SessionCount => _sessions.Count;

    /// <summary>Takes every sending for a new one, as if the client did not number what it sends again.</summary>
    public bool ForgetsNumbers { get; set; }

    /// <summary>Drops outcomes that were not acknowledged, as if the client acknowledged too much.</summary>
    public bool DropsTooMuch { get; set; }

    /// <summary>Most outcomes that a session had at a time.</summary>
    public int OutcomesMax { get; private set; }

    /// <summary>Of these, those that did not say that they may be known: first sendings that came late.</summary>
    public int Unmarked { get; private set; }

    /// <summary>Sendings that got the outcome of an earlier one.</summary>
    public int Repeats { get; private set; }

    public void Begin(UInt128 id) => _sessions.TryAdd(id, new ModelSession());

    public bool End(UInt128 id)
    {
        Locks.RemoveAll(l => l.Session == id);
        return _sessions.Remove(id);
    }

    /// <summary>All sessions are ended; those of clients behind proxies are none of these.</summary>
    public void ForgetSessions()
    {
        Locks.RemoveAll(l => _sessions.ContainsKey(l.Session));
        _sessions.Clear();
    }

    public void EvictAll()
    {
        _sessions.Clear();
        Locks.Clear();
    }

    /// <summary>Applies a change, once for each number; without a record each time.</summary>
    public Outcome Apply(byte[]? record, Func<Outcome> change)
    {
        if (record is null || ForgetsNumbers)
        {
            return change();
        }

        var flagged = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(16));
        var number = flagged & ~ChangeRecord.MayBeKnown;
        var acknowledged = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(24));
        if (record.Length != ChangeRecord.ShortBytes || number <= acknowledged
            || !_sessions.TryGetValue(BinaryPrimitives.ReadUInt128BigEndian(record), out var session))
        {
            return new Outcome(Errno.EBADE);
        }

        session.Drop(DropsTooMuch ? number - 1 : acknowledged);
        if (session.Outcomes.TryGetValue(number, out var known))
        {
            Repeats++;
            Unmarked += flagged == number ? 1 : 0;
            return known;
        }

        if (number <= session.Dropped)
        {
            return new Outcome(Errno.EBADE);
        }

        var outcome = change();
        if (outcome.Error == Errno.EAGAIN)
        {
            return outcome; // It has changed nothing.
        }

        session.Outcomes.Add(number, outcome);
        OutcomesMax = Math.Max(OutcomesMax, session.Outcomes.Count);
        return outcome;
    }

    private sealed class ModelSession
    {
        public Dictionary<ulong, Outcome> Outcomes { get; } = [];

        public ulong Dropped { get; private set; }

        public void Drop(ulong upTo)
        {
            for (; Dropped < upTo; Dropped++)
            {
                Outcomes.Remove(Dropped + 1);
            }
        }
    }
}
