using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>
/// The byte range locks that sessions hold: a pure function of the committed entries, so every replica that has
/// committed the same gives the same answer. The engine changes it, in the order of the journal; all threads may ask.
/// </summary>
/// <remarks>
/// Invariants: locks of one holder on a file never overlap, and touching ones of the same type are one; a file or a
/// session without locks is not in the table. That no two holders conflict is up to who proposes the entries: a leader
/// grants nothing that conflicts with what is here or on its way.
/// </remarks>
public sealed class LockTable
{
    private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
    private readonly Dictionary<Gfid, List<RangeLock>> _files = [];
    private readonly Dictionary<UInt128, SessionLocks> _bySession = [];
    private int _count;

    /// <summary>Locks held.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>The sessions that hold something.</summary>
    public UInt128[] Sessions()
    {
        lock (_lock)
        {
            return [.. _bySession.Keys];
        }
    }

    /// <summary>The files that somebody has locks of.</summary>
    public Gfid[] Files()
    {
        lock (_lock)
        {
            return [.. _files.Keys];
        }
    }

    public bool HasSession(UInt128 session)
    {
        lock (_lock)
        {
            return _bySession.ContainsKey(session);
        }
    }

    /// <summary>Locks of a session.</summary>
    public int CountOf(UInt128 session)
    {
        lock (_lock)
        {
            return CountOfLocked(session);
        }
    }

    /// <summary>Copies the locks of a file.</summary>
    public void List(in Gfid gfid, List<RangeLock> held)
    {
        lock (_lock)
        {
            if (_files.TryGetValue(gfid, out var locks))
            {
                held.AddRange(locks);
            }
        }
    }

    /// <summary>The held lock that a wanted one would meet, the lowest one if there are several.</summary>
    public bool TryFindConflict(in Gfid gfid, in RangeLock wanted, out RangeLock conflict) =>
        TryFindConflict(in gfid, in wanted, former: null, out conflict);

    /// <param name="former">A holder whose locks are not in the way; null for none.</param>
    public bool TryFindConflict(in Gfid gfid, in RangeLock wanted, RangeLock? former, out RangeLock conflict)
    {
        conflict = default;
        var found = false;
        lock (_lock)
        {
            if (!_files.TryGetValue(gfid, out var locks))
            {
                return false;
            }

            foreach (var held in locks)
            {
                if (held.Conflicts(in wanted) && !(former is { } one && held.IsOfHolder(in one))
                    && (!found || held.Start < conflict.Start))
                {
                    conflict = held;
                    found = true;
                }
            }
        }

        return found;
    }

    /// <summary>Whether nothing would change by it: all of the range is held so, or for Unlock nothing of it.</summary>
    public bool IsSo(in Gfid gfid, in RangeLock wanted)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(gfid, out var locks))
            {
                return wanted.Type == LockType.Unlock;
            }

            foreach (var held in locks)
            {
                if (!held.IsOfHolder(in wanted) || !held.Overlaps(in wanted))
                {
                    continue;
                }

                return held.Type == wanted.Type && held.Start <= wanted.Start && held.End >= wanted.End;
            }

            return wanted.Type == LockType.Unlock;
        }
    }

    /// <summary>Whether its holder has a lock on some of the range.</summary>
    public bool HasSome(in Gfid gfid, in RangeLock wanted)
    {
        lock (_lock)
        {
            if (_files.TryGetValue(gfid, out var locks))
            {
                foreach (var held in locks)
                {
                    if (held.IsOfHolder(in wanted) && held.Overlaps(in wanted))
                    {
                        return true;
                    }
                }
            }

            return false;
        }
    }

    /// <summary>Whether a holder has all of a range, as Write where that is wanted.</summary>
    public bool Holds(in Gfid gfid, RangeLock wanted)
    {
        lock (_lock)
        {
            var own = _files.GetValueOrDefault(gfid)?.FindAll(held => held.IsOfHolder(in wanted)
                && held.Overlaps(in wanted) && (held.Type == wanted.Type || held.Type == LockType.Write)) ?? [];
            own.Sort(static (a, b) => a.Start.CompareTo(b.Start));
            var next = wanted.Start;
            foreach (var held in own)
            {
                if (held.Start > next)
                {
                    return false;
                }

                if (held.End >= wanted.End)
                {
                    return true;
                }

                next = held.End + 1;
            }

            return false;
        }
    }

    /// <summary>Whether the table can take a change. What makes it smaller always fits.</summary>
    /// <param name="underWay">Changes that are decided and not in the table yet.</param>
    public bool HasRoom(in Gfid gfid, in RangeLock wanted, int underWay)
    {
        lock (_lock)
        {
            var more = 2 * (underWay + 1); // A change cuts one lock in two and adds one, at most.
            var locks = _files.GetValueOrDefault(gfid);
            if (CountOfLocked(wanted.Session) + more <= Limits.SessionLocksMax && _count + more <= Limits.LocksMax
                && (locks?.Count ?? 0) + more <= Limits.FileLocksMax)
            {
                return true;
            }

            // It is nearly full: what matters is what this one does.
            var after = locks is null ? [] : new List<RangeLock>(locks);
            Put(after, wanted);
            var added = after.Count - (locks?.Count ?? 0);
            return added <= 0
                || (CountOfLocked(wanted.Session) + added <= Limits.SessionLocksMax
                    && _count + added <= Limits.LocksMax && after.Count <= Limits.FileLocksMax);
        }
    }

    /// <summary>An entry is committed.</summary>
    public void Apply(in LockRecord record)
    {
        lock (_lock)
        {
            switch (record.Action)
            {
                case LockAction.Set:
                case LockAction.DropOwner:
                    if (record.Former.Session != 0)
                    {
                        var former = record.FormerLock;
                        ChangeOf(former.Session, record.Gfid, locks => Put(locks, former));
                    }

                    var wanted = record.Lock;
                    ChangeOf(wanted.Session, record.Gfid, locks => Put(locks, wanted));
                    break;
                case LockAction.Clear:
                    var range = record.Lock;
                    ChangeAll(record.Gfid, locks => CutAll(locks, range));
                    break;
                case LockAction.Revoke:
                    Drop(record.Lock.Session);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>A session holds nothing any more.</summary>
    public void DropSession(UInt128 session)
    {
        lock (_lock)
        {
            Drop(session);
        }
    }

    /// <summary>All of it as bytes, in a fixed order: equal tables give equal bytes.</summary>
    internal void Export(BinaryBuilder builder)
    {
        lock (_lock)
        {
            var files = new List<Gfid>(_files.Keys);
            files.Sort(static (a, b) => (a.High, a.Low).CompareTo((b.High, b.Low)));
            builder.UInt32((uint)files.Count);
            foreach (var gfid in files)
            {
                LockRecord.WriteGfid(builder, gfid);
                var locks = new List<RangeLock>(_files[gfid]);
                locks.Sort(Compare);
                builder.UInt32((uint)locks.Count);
                foreach (var held in locks)
                {
                    builder.UInt128(held.Session);
                    LockRecord.WriteOwner(builder, held.Owner);
                    builder.Byte((byte)held.Type);
                    builder.UInt64((ulong)held.Start);
                    builder.UInt64((ulong)held.End);
                    builder.UInt32(held.Pid);
                }
            }
        }
    }

    /// <summary>Reads what <see cref="Export"/> gave into an empty table.</summary>
    internal void Import(ref BinaryParser parser)
    {
        lock (_lock)
        {
            var files = parser.UInt32();
            for (var i = 0; i < files && !parser.Failed; i++)
            {
                var gfid = LockRecord.ReadGfid(ref parser);
                var count = parser.UInt32();
                parser.Require(count is > 0 and <= 2 * Limits.FileLocksMax && !_files.ContainsKey(gfid));
                var read = new List<RangeLock>();
                for (var j = 0; j < count && !parser.Failed; j++)
                {
                    var session = parser.UInt128();
                    var owner = LockRecord.ReadOwner(ref parser);
                    var held = new RangeLock(
                        session, owner, (LockType)parser.Byte(), (long)parser.UInt64(), (long)parser.UInt64(),
                        parser.UInt32());
                    parser.Require(held.Type < LockType.Unlock && held.Start >= 0 && held.End >= held.Start);
                    read.Add(held);
                }

                ChangeAll(gfid, locks => locks.AddRange(read));
            }
        }
    }

    internal void Clear()
    {
        lock (_lock)
        {
            _files.Clear();
            _bySession.Clear();
            _count = 0;
        }
    }

    private static int Compare(RangeLock a, RangeLock b)
    {
        var order = (a.Session, a.Start, a.End).CompareTo((b.Session, b.Start, b.End));
        return order != 0 ? order : string.CompareOrdinal(a.Owner.ToString(), b.Owner.ToString());
    }

    /// <summary>Puts a lock or a hole over what its holder has: cuts other types, merges with the same type.</summary>
    private static void Put(List<RangeLock> locks, RangeLock wanted)
    {
        for (var i = locks.Count - 1; i >= 0; i--)
        {
            var own = locks[i];
            if (!own.IsOfHolder(in wanted))
            {
                continue;
            }

            if (own.Type == wanted.Type && Touches(in own, in wanted))
            {
                wanted = wanted with
                {
                    Start = Math.Min(own.Start, wanted.Start),
                    End = Math.Max(own.End, wanted.End),
                };
                RemoveAt(locks, i);
            }
            else if (own.Overlaps(in wanted))
            {
                RemoveAt(locks, i);
                AddRest(locks, in own, in wanted);
            }
        }

        if (wanted.Type != LockType.Unlock)
        {
            locks.Add(wanted);
        }
    }

    private static void CutAll(List<RangeLock> locks, RangeLock range)
    {
        for (var i = locks.Count - 1; i >= 0; i--)
        {
            var held = locks[i];
            if (held.Overlaps(in range))
            {
                RemoveAt(locks, i);
                AddRest(locks, in held, in range);
            }
        }
    }

    private static bool Touches(in RangeLock held, in RangeLock wanted) =>
        (wanted.End == long.MaxValue || held.Start <= wanted.End + 1)
        && (held.End == long.MaxValue || wanted.Start <= held.End + 1);

    private static void AddRest(List<RangeLock> locks, in RangeLock held, in RangeLock hole)
    {
        if (held.Start < hole.Start)
        {
            locks.Add(held with { End = hole.Start - 1 });
        }

        if (held.End > hole.End)
        {
            locks.Add(held with { Start = hole.End + 1 });
        }
    }

    private static void RemoveAt(List<RangeLock> locks, int index)
    {
        locks[index] = locks[^1];
        locks.RemoveAt(locks.Count - 1);
    }

    private int CountOfLocked(UInt128 session) => _bySession.GetValueOrDefault(session)?.Count ?? 0;

    private void Drop(UInt128 session)
    {
        if (_bySession.TryGetValue(session, out var held))
        {
            foreach (var gfid in new List<Gfid>(held.Files.Keys))
            {
                ChangeOf(session, gfid, locks => locks.RemoveAll(held => held.Session == session));
            }
        }
    }

    /// <summary>Changes the locks of one session on a file, and what is counted of them.</summary>
    private void ChangeOf(UInt128 session, Gfid gfid, Action<List<RangeLock>> change)
    {
        var locks = _files.GetValueOrDefault(gfid) ?? [];
        var before = locks.Count;
        change(locks);
        Tally(session, gfid, locks.Count - before);
        Keep(gfid, locks);
    }

    /// <summary>The same of whoever has some there.</summary>
    private void ChangeAll(Gfid gfid, Action<List<RangeLock>> change)
    {
        var locks = _files.GetValueOrDefault(gfid) ?? [];
        locks.ForEach(held => Tally(held.Session, gfid, -1));
        change(locks);
        locks.ForEach(held => Tally(held.Session, gfid, 1));
        Keep(gfid, locks);
    }

    private void Keep(Gfid gfid, List<RangeLock> locks)
    {
        if (locks.Count > 0)
        {
            _files[gfid] = locks;
        }
        else
        {
            _files.Remove(gfid);
        }
    }

    private void Tally(UInt128 session, Gfid gfid, int step)
    {
        if (!_bySession.TryGetValue(session, out var held))
        {
            _bySession.Add(session, held = new SessionLocks());
        }

        _count += step;
        held.Count += step;
        held.Files[gfid] = held.Files.GetValueOrDefault(gfid) + step;
        if (held.Files[gfid] == 0)
        {
            held.Files.Remove(gfid);
        }

        if (held.Count == 0)
        {
            _bySession.Remove(session);
        }
    }

    /// <summary>How many locks a session has, and where.</summary>
    private sealed class SessionLocks
    {
        public int Count { get; set; }

        public Dictionary<Gfid, int> Files { get; } = [];
    }
}
