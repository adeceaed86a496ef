using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// The POSIX locks held through one translator, to be taken again where its fds are opened again. Ranges of one owner
/// on one file behave as fcntl locks do, whatever fd they came by: a new one replaces what it covers. Safe for all
/// threads.
/// </summary>
public sealed class HeldLocks
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

    /// <summary>The fds through which locks are held, once each.</summary>
    /// <param name="ownOnly">Not those of clients behind a proxy.</param>
    public HashSet<Fd> Fds(bool ownOnly = false)
    {
        var fds = new HashSet<Fd>();
        lock (_lock)
        {
            foreach (var held in _byFile.Values.SelectMany(static locks => locks))
            {
                if (!ownOnly || held.Session.IsNone)
                {
                    fds.Add(held.Fd);
                }
            }
        }

        return fds;
    }

    /// <summary>The locks that came through an fd.</summary>
    public List<HeldLock> Of(Fd fd)
    {
        lock (_lock)
        {
            return _byFile.TryGetValue(fd.Gfid, out var locks)
                ? locks.FindAll(held => ReferenceEquals(held.Fd, fd)) : [];
        }
    }

    /// <summary>The clients behind a proxy that hold something, once each, at the last proxy that is known.</summary>
    public LockSession[] Sessions()
    {
        var sessions = new Dictionary<UInt128, LockSession>();
        lock (_lock)
        {
            foreach (var locks in _byFile.Values)
            {
                foreach (var held in locks)
                {
                    if (!held.Session.IsNone && !(sessions.TryGetValue(held.Session.Id, out var known)
                        && known.Epoch >= held.Session.Epoch))
                    {
                        sessions[held.Session.Id] = held.Session;
                    }
                }
            }
        }

        return [.. sessions.Values];
    }

    /// <summary>Enters a lock that was granted.</summary>
    public void Add(HeldLock granted)
    {
        lock (_lock)
        {
            var gfid = granted.Fd.Gfid;
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

    /// <summary>
    /// Write locks of an owner become read locks in a range: what is certain while it asks for a read lock there.
    /// </summary>
    public void Weaken(in Gfid gfid, LkOwner owner, long start, long end) => Change(in gfid, locks =>
    {
        var strong = locks.FindAll(held => held.Type == LockType.Write && held.Owner.Equals(owner)
            && held.Start <= end && held.End >= start);
        foreach (var held in strong)
        {
            var (first, last) = (Math.Max(held.Start, start), Math.Min(held.End, end));
            Cut(locks, owner, first, last);
            locks.Add(held with { Type = LockType.Read, Start = first, End = last });
        }
    });

    /// <summary>Takes everything of an owner on a file out, as FLUSH does at the server.</summary>
    public void RemoveOwner(in Gfid gfid, LkOwner owner) =>
        Change(in gfid, locks => locks.RemoveAll(held => held.Owner.Equals(owner)));

    /// <summary>Whether an owner holds something on a file.</summary>
    public bool HasOwner(in Gfid gfid, LkOwner owner)
    {
        if (IsEmpty)
        {
            return false;
        }

        lock (_lock)
        {
            return _byFile.TryGetValue(gfid, out var locks) && locks.Exists(held => held.Owner.Equals(owner));
        }
    }

    /// <summary>Takes everything that came through an fd out, and tells what that was.</summary>
    public List<HeldLock> TakeFd(Fd fd)
    {
        List<HeldLock> taken = [];
        Change(fd.Gfid, locks =>
        {
            taken.AddRange(locks.FindAll(held => ReferenceEquals(held.Fd, fd)));
            locks.RemoveAll(held => ReferenceEquals(held.Fd, fd));
        });
        return taken;
    }

    /// <summary>Takes everything that came through an fd out; true when there was something.</summary>
    public bool RemoveFd(Fd fd)
    {
        var count = 0;
        Change(fd.Gfid, locks => count = locks.RemoveAll(held => ReferenceEquals(held.Fd, fd)));
        return count > 0;
    }

    /// <summary>A lock of an fd that was granted at another place; null when all are from this one.</summary>
    public HeldLock? FindOlder(Fd fd, object place)
    {
        if (IsEmpty)
        {
            return null;
        }

        lock (_lock)
        {
            return _byFile.TryGetValue(fd.Gfid, out var locks)
                ? locks.Find(held => ReferenceEquals(held.Fd, fd) && !ReferenceEquals(held.Place, place))
                : null;
        }
    }

    /// <summary>A lock was granted again; false when it has been given up or changed meanwhile.</summary>
    public bool TryRenew(HeldLock held, object place)
    {
        lock (_lock)
        {
            var index = _byFile.TryGetValue(held.Fd.Gfid, out var locks)
                ? locks.FindIndex(other => ReferenceEquals(other, held))
                : -1;
            if (index < 0)
            {
                return false;
            }

            locks![index] = held with { Place = place }; // An index was found in them.
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
