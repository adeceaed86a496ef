using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Fuse;

/// <summary>
/// A byte range lock that the bricks have granted to somebody on this mount. <c>End</c> is inclusive.
/// </summary>
internal readonly record struct HeldLock(ulong Handle, ulong Owner, uint Pid, LockType Type, ulong Start, ulong End)
{
    /// <summary>Last byte of a lock "to the end of the file".</summary>
    public const ulong EndOfFile = long.MaxValue;

    public Flock ToFlock() => new(
        Type,
        Whence: 0,
        (long)Start,
        End >= EndOfFile ? 0 : (long)(End - Start + 1),
        Pid,
        LkOwner.From(Owner));
}

/// <summary>
/// The locks held through this mount, kept for four questions: has this owner locks here, so that FLUSH must reach the
/// brick
/// (POSIX); which locks were taken through this handle and must go with it (OFD locks, for which the kernel sends
/// nothing);
/// what must be restored after a waiting lock was cancelled; and what must be taken again on a new graph.
/// Ranges of one owner on one inode behave as fcntl locks do: a new one replaces what it covers. Safe for all threads.
/// </summary>
internal sealed class LockBook
{
    private readonly Lock _lock = new(); // Guards _byNode, the lists in it, and _asked; a leaf lock.
    private readonly Dictionary<ulong, List<HeldLock>> _byNode = [];
    private readonly HashSet<ulong> _asked = []; // Nodes; too many of them stand for all.
    private int _nodes;
    private int _askedCount;

    /// <summary>True when nobody holds a lock; costs one read.</summary>
    public bool IsEmpty => Volatile.Read(ref _nodes) == 0;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                var count = 0;
                foreach (var locks in _byNode.Values)
                {
                    count += locks.Count;
                }

                return count;
            }
        }
    }

    /// <summary>Enters a lock that was granted, or with <see cref="LockType.Unlock"/> takes its range out.</summary>
    public void Apply(ulong node, in HeldLock held)
    {
        lock (_lock)
        {
            if (!_byNode.TryGetValue(node, out var locks))
            {
                if (held.Type == LockType.Unlock)
                {
                    return;
                }

                locks = [];
                _byNode.Add(node, locks);
            }

            Cut(locks, held.Owner, held.Start, held.End);
            if (held.Type != LockType.Unlock)
            {
                locks.Add(held);
            }

            Tidy(node, locks);
        }
    }

    /// <summary>A lock on a file is asked for: from now on it may be held, whatever is answered.</summary>
    public void Ask(ulong node)
    {
        lock (_lock)
        {
            if (_asked.Count < FuseLimits.LockedNodesMax && _asked.Add(node))
            {
                Volatile.Write(ref _askedCount, _asked.Count);
            }
        }
    }

    /// <summary>False when nobody on this mount has ever asked for a lock on a file.</summary>
    public bool MayHold(ulong node)
    {
        if (Volatile.Read(ref _askedCount) == 0)
        {
            return false;
        }

        lock (_lock)
        {
            return _asked.Count >= FuseLimits.LockedNodesMax || _asked.Contains(node);
        }
    }

    public bool Holds(ulong node, ulong owner)
    {
        if (IsEmpty)
        {
            return false;
        }

        lock (_lock)
        {
            return _byNode.TryGetValue(node, out var locks) && locks.Exists(held => held.Owner == owner);
        }
    }

    /// <summary>Locks of an owner that overlap a range; empty when there are none.</summary>
    public HeldLock[] Overlapping(ulong node, ulong owner, ulong start, ulong end) =>
        Select(node, held => held.Owner == owner && held.Start <= end && held.End >= start);

    /// <summary>Locks that were taken through a handle.</summary>
    public HeldLock[] OfHandle(ulong node, ulong handle) => Select(node, held => held.Handle == handle);

    /// <summary>Takes out every lock of an owner.</summary>
    public void RemoveOwner(ulong node, ulong owner) => Remove(node, held => held.Owner == owner);

    /// <summary>Takes out every lock taken through a handle.</summary>
    public void RemoveHandle(ulong node, ulong handle) => Remove(node, held => held.Handle == handle);

    private static void Cut(List<HeldLock> locks, ulong owner, ulong start, ulong end)
    {
        for (var i = locks.Count - 1; i >= 0; i--)
        {
            var held = locks[i];
            if (held.Owner != owner || held.Start > end || held.End < start)
            {
                continue;
            }

            locks.RemoveAt(i);
            if (held.Start < start)
            {
                locks.Add(held with { End = start - 1 });
            }

            if (held.End > end)
            {
                locks.Add(held with { Start = end + 1 });
            }
        }
    }

    private HeldLock[] Select(ulong node, Predicate<HeldLock> predicate)
    {
        if (IsEmpty)
        {
            return [];
        }

        lock (_lock)
        {
            return _byNode.TryGetValue(node, out var locks) ? [.. locks.FindAll(predicate)] : [];
        }
    }

    private void Remove(ulong node, Predicate<HeldLock> predicate)
    {
        if (IsEmpty)
        {
            return;
        }

        lock (_lock)
        {
            if (_byNode.TryGetValue(node, out var locks))
            {
                locks.RemoveAll(predicate);
                Tidy(node, locks);
            }
        }
    }

    private void Tidy(ulong node, List<HeldLock> locks)
    {
        if (locks.Count == 0)
        {
            _byNode.Remove(node);
        }

        Volatile.Write(ref _nodes, _byNode.Count);
    }
}
