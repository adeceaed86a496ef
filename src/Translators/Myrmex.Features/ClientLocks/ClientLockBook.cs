using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>A SETLKW on its way or waiting.</summary>
internal sealed record WaitingPosixLock(Gfid Gfid, Fd Fd, Flock Flock, LkOwner Owner, int Pid, LockSession Session)
{
    private bool _isTakenBack;

    /// <summary>Whatever it is answered is void: it is asked for again elsewhere.</summary>
    public bool IsTakenBack
    {
        get => Volatile.Read(ref _isTakenBack);
        set => Volatile.Write(ref _isTakenBack, value);
    }
}

/// <summary>Some POSIX lock of an owner that was taken without an open file.</summary>
internal readonly record struct OrphanLock(Gfid Gfid, LkOwner Owner);

/// <summary>What a client leaves behind.</summary>
internal readonly record struct LeftLocks(
    IReadOnlyList<WaitingPosixLock> Waiting, IReadOnlyList<(InternalLock Lock, LkOwner Owner)> Internal,
    IReadOnlyCollection<OrphanLock> Orphans);

/// <summary>What clients wait for, and what they hold that does not go with an open file.</summary>
internal sealed class ClientLockBook
{
    /// <summary>Most inode and entry locks, and most files locked without an open file, of one client.</summary>
    public const int HeldMax = 65_536;

    private static readonly LeftLocks Nothing = new([], [], []);

    private readonly Lock _lock = new(); // Guards _clients and what is in it; a leaf lock.
    private readonly Dictionary<ClientIdentity, Entry> _clients = [];

    public int ClientCount
    {
        get
        {
            lock (_lock)
            {
                return _clients.Count;
            }
        }
    }

    public int WaitingCount
    {
        get
        {
            lock (_lock)
            {
                var count = 0;
                foreach (var entry in _clients.Values)
                {
                    count += entry.Waiting.Count;
                }

                return count;
            }
        }
    }

    /// <summary>
    /// A request may wait from now on; false when its client has left. The number of requests that wait is bounded by
    /// the server above.
    /// </summary>
    public bool TryWait(ClientIdentity client, WaitingPosixLock waiting)
    {
        lock (_lock)
        {
            if (client.IsGone)
            {
                return false;
            }

            EntryOf(client).Waiting.Add(waiting);
            return true;
        }
    }

    public void Ended(ClientIdentity client, WaitingPosixLock waiting)
    {
        lock (_lock)
        {
            if (_clients.TryGetValue(client, out var entry))
            {
                entry.Waiting.Remove(waiting);
                DropIfEmpty(client, entry);
            }
        }
    }

    /// <summary>A lock was granted; false when it must be given up again.</summary>
    public bool TryKeep(ClientIdentity client, in InternalLock granted, LkOwner owner)
    {
        lock (_lock)
        {
            if (client.IsGone)
            {
                return false;
            }

            var entry = EntryOf(client);
            if (entry.Internal.Count >= HeldMax)
            {
                return false;
            }

            entry.Internal.Add((granted.ToOwned(), owner));
            return true;
        }
    }

    public bool TryKeep(ClientIdentity client, OrphanLock orphan)
    {
        lock (_lock)
        {
            if (client.IsGone)
            {
                return false;
            }

            var entry = EntryOf(client);
            return entry.Orphans.Contains(orphan) || (entry.Orphans.Count < HeldMax && entry.Orphans.Add(orphan));
        }
    }

    public void Forget(ClientIdentity client, in InternalLock released, LkOwner owner)
    {
        lock (_lock)
        {
            if (!_clients.TryGetValue(client, out var entry))
            {
                return;
            }

            var wanted = (released, owner);
            var index = entry.Internal.FindLastIndex(held => held.Equals(wanted));
            if (index >= 0)
            {
                entry.Internal.RemoveAt(index);
                DropIfEmpty(client, entry);
            }
        }
    }

    /// <summary>A POSIX lock of an open file was granted.</summary>
    public void Hold(ClientIdentity client, HeldLock granted)
    {
        lock (_lock)
        {
            if (!client.IsGone) // Else its files are released, and their locks with them.
            {
                EntryOf(client).Held.Add(granted);
            }
        }
    }

    /// <summary>POSIX locks of a client have been given up, in one way or another.</summary>
    public void Unhold(ClientIdentity client, Action<HeldLocks> change)
    {
        lock (_lock)
        {
            if (_clients.TryGetValue(client, out var entry) && !entry.Held.IsEmpty)
            {
                change(entry.Held);
                DropIfEmpty(client, entry);
            }
        }
    }

    public IReadOnlyList<HeldLock> HeldOf(ClientIdentity client, Fd fd)
    {
        lock (_lock)
        {
            return _clients.TryGetValue(client, out var entry) ? entry.Held.Of(fd) : [];
        }
    }

    public bool HoldsOthers(ClientIdentity client)
    {
        lock (_lock)
        {
            return _clients.TryGetValue(client, out var entry) && entry.Internal.Count + entry.Orphans.Count > 0;
        }
    }

    public WaitingPosixLock[] WaitsOf(ClientIdentity client)
    {
        lock (_lock)
        {
            return _clients.TryGetValue(client, out var entry) ? [.. entry.Waiting] : [];
        }
    }

    /// <summary>What a client that has left waits for, and what it held: that is told once.</summary>
    public LeftLocks Left(ClientIdentity client)
    {
        lock (_lock)
        {
            if (!_clients.TryGetValue(client, out var entry))
            {
                return Nothing;
            }

            var left = new LeftLocks([.. entry.Waiting], entry.Internal, entry.Orphans);
            entry.Internal = [];
            entry.Orphans = [];
            DropIfEmpty(client, entry);
            return left;
        }
    }

    private Entry EntryOf(ClientIdentity client)
    {
        if (!_clients.TryGetValue(client, out var entry))
        {
            entry = new Entry();
            _clients.Add(client, entry);
        }

        return entry;
    }

    private void DropIfEmpty(ClientIdentity client, Entry entry)
    {
        if (entry.Waiting.Count + entry.Internal.Count + entry.Orphans.Count == 0 && entry.Held.IsEmpty)
        {
            _clients.Remove(client);
        }
    }

    private sealed class Entry
    {
        public HashSet<WaitingPosixLock> Waiting { get; } = new(ReferenceEqualityComparer.Instance);

        public List<(InternalLock Lock, LkOwner Owner)> Internal { get; set; } = [];

        /// <summary>POSIX locks of open files, with the owners that the client sent.</summary>
        public HeldLocks Held { get; } = new();

        public HashSet<OrphanLock> Orphans { get; set; } = [];
    }
}
