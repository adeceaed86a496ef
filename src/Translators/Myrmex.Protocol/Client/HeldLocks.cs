using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>
/// The POSIX locks held through one protocol/client, to be taken again after a reconnect. Ranges of one owner on one
/// file behave as fcntl locks do, whatever fd they came by: a new one replaces what it covers. Safe for all threads.
/// </summary>
internal sealed class HeldLocks
{
    private readonly Lock _lock = new(); // Guards _byFile and the lists in it; a leaf lock.
    private readonly Dictionary<Gfid, List<HeldLock>> _byFile = [];
    private int _files;

    /// <summary>True when nobody holds a lock; costs one read.</summary>
    public bool IsEmpty => Volatile.Read(ref _files) == 0;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                var count = 0;
                foreach (var locks in _byFile.Values)
                {
                    count += locks.Count;
                }

                return count;
            }
        }
    }

    /// <summary>Enters a lock that the server has granted.</summary>
    public void Add(HeldLock granted)
    {
        lock (_lock)
        {
            var gfid = granted.Open.Fd.Gfid;
            if (!_byFile.TryGetValue(gfid, out var locks))
            {
                locks = [];
                _byFile.Add(gfid, locks);
                Volatile.Write(ref _files, _byFile.Count);
            }

            Cut(locks, granted.Owner, granted.Start, granted.End);
            locks.Add(granted);
        }
    }

    /// <summary>Takes a range of an owner out.</summary>
    public void Remove(in Gfid gfid, LkOwner owner, long start, long end) =>
        Change(in gfid, locks => Cut(locks, owner, start, end));

    /// <summary>Takes everything of an owner on a file out, as FLUSH does at the server.</summary>
    public void RemoveOwner(in Gfid gfid, LkOwner owner) =>
        Change(in gfid, locks => locks.RemoveAll(held => held.Owner.Equals(owner)));

    /// <summary>Takes everything that came through an fd out; true when there was something.</summary>
    public bool RemoveFd(ClientFd open)
    {
        var count = 0;
        Change(open.Fd.Gfid, locks => count = locks.RemoveAll(held => ReferenceEquals(held.Open, open)));
        return count > 0;
    }

    public bool Holds(ClientFd open) => Find(open, _ => true) is not null;

    /// <summary>A lock of an fd that was granted on another attachment; null when all are from this one.</summary>
    public HeldLock? FindOlder(ClientFd open, ClientAttachment attachment) =>
        Find(open, held => !ReferenceEquals(held.Attachment, attachment));

    /// <summary>A lock was granted again; false when it has been given up or changed meanwhile.</summary>
    public bool TryRenew(HeldLock held, ClientAttachment attachment)
    {
        lock (_lock)
        {
            var index = _byFile.TryGetValue(held.Open.Fd.Gfid, out var locks)
                ? locks.FindIndex(other => ReferenceEquals(other, held))
                : -1;
            if (index < 0)
            {
                return false;
            }

            locks![index] = held with { Attachment = attachment }; // An index was found in them.
            return true;
        }
    }

    private static void Cut(List<HeldLock> locks, LkOwner owner, long start, long end)
    {
        for (var i = locks.Count - 1; i >= 0; i--)
        {
            var held = locks[i];
            if (!held.Owner.Equals(owner) || held.Start > end || held.End < start)
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

    private HeldLock? Find(ClientFd open, Predicate<HeldLock> predicate)
    {
        if (IsEmpty)
        {
            return null;
        }

        lock (_lock)
        {
            return _byFile.TryGetValue(open.Fd.Gfid, out var locks)
                ? locks.Find(held => ReferenceEquals(held.Open, open) && predicate(held))
                : null;
        }
    }

    private void Change(in Gfid gfid, Action<List<HeldLock>> change)
    {
        if (IsEmpty)
        {
            return;
        }

        lock (_lock)
        {
            if (_byFile.TryGetValue(gfid, out var locks))
            {
                change(locks);
                if (locks.Count == 0)
                {
                    _byFile.Remove(gfid);
                    Volatile.Write(ref _files, _byFile.Count);
                }
            }
        }
    }
}
