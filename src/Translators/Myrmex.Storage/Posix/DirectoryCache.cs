using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// Open directories by gfid, so that an entry fop is one call relative to a descriptor, however deep the directory lies
/// and wherever it is moved. A miss walks the chain of handle links up to an open ancestor and opens its way down
/// again, checking the gfid of each directory. Bounded; the root stays. Safe for all threads.
/// </summary>
internal sealed class DirectoryCache : IDisposable
{
    private const int ShardCount = 16;

    private readonly HandleTree _handles;
    private readonly DirectoryHandle _root;
    private readonly Lock _moves;
    private readonly Shard[] _shards = new Shard[ShardCount];
    private long _misses;
    private DirectoryHandle? _pool;

    /// <param name="rootFd">The brick's directory; owned by the cache from now on.</param>
    /// <param name="moves">Held by whoever renames a directory until its handle fits again.</param>
    public DirectoryCache(HandleTree handles, int rootFd, Lock moves)
    {
        _handles = handles;
        _root = new DirectoryHandle(Gfid.Root, rootFd);
        _moves = moves;
        for (var i = 0; i < ShardCount; i++)
        {
            _shards[i] = new Shard(PosixLimits.DirectoriesMax / ShardCount);
        }
    }

    /// <summary>Directories that had to be opened.</summary>
    public long Misses => Volatile.Read(ref _misses);

    public int Count
    {
        get
        {
            var count = 1;
            foreach (var shard in _shards)
            {
                count += shard.Count;
            }

            return count;
        }
    }

    /// <summary>The directory if it is open, with a reference for the caller; null otherwise.</summary>
    public DirectoryHandle? TryGet(in Gfid gfid)
    {
        if (gfid.IsRoot)
        {
            _root.Retain();
            return _root;
        }

        if (gfid == IForcedStore.Pool)
        {
            var pool = Volatile.Read(ref _pool);
            pool?.Retain();
            return pool;
        }

        return ShardOf(gfid).TryGet(gfid);
    }

    /// <summary>
    /// Makes the pool of a replay known, which has no handle, or unknown with -1. The cache owns the descriptor. Only
    /// while no other fop can mean the pool.
    /// </summary>
    public void SetPool(int fd)
    {
        var pool = fd < 0 ? null : new DirectoryHandle(IForcedStore.Pool, fd);
        Interlocked.Exchange(ref _pool, pool)?.Release();
    }

    /// <summary>
    /// The directory, with a reference for the caller, or null and why: ESTALE when there is none of that gfid, ENOTDIR
    /// when it is something else.
    /// </summary>
    public DirectoryHandle? Acquire(in Gfid gfid, out Errno error)
    {
        error = Errno.Ok;
        if (TryGet(gfid) is { } found)
        {
            return found;
        }

        var handle = Walk(gfid, out error);
        if (handle is null && error == Errno.ESTALE)
        {
            // A directory on the way may be under rename just now: look again when no rename is under way.
            lock (_moves)
            {
                handle = Walk(gfid, out error);
            }
        }

        return handle;
    }

    /// <summary>
    /// Whether there is certainly no directory of that gfid. Does not wait for a rename that is under way, so it may be
    /// called with any lock held.
    /// </summary>
    public bool IsGone(in Gfid gfid)
    {
        if (IsThere(gfid, out _) || !_moves.TryEnter())
        {
            return false;
        }

        try
        {
            return !IsThere(gfid, out var error) && error is Errno.ESTALE or Errno.ENOTDIR;
        }
        finally
        {
            _moves.Exit();
        }
    }

    private bool IsThere(in Gfid gfid, out Errno error)
    {
        error = Errno.Ok;
        var directory = TryGet(gfid) ?? Walk(gfid, out error);
        directory?.Release();
        return directory is not null;
    }

    /// <summary>
    /// Puts in an opened directory, which the cache owns from now on. When it is known already the descriptor is
    /// closed. The answer carries a reference for the caller.
    /// </summary>
    public DirectoryHandle Add(in Gfid gfid, int fd) => ShardOf(gfid).Add(gfid, fd);

    /// <summary>
    /// Forgets a directory that is being removed; its users see <see cref="DirectoryHandle.IsRemoved"/>.
    /// </summary>
    public void Drop(in Gfid gfid)
    {
        Invariant.Check(!gfid.IsRoot);
        ShardOf(gfid).Drop(gfid);
    }

    public void Dispose()
    {
        foreach (var shard in _shards)
        {
            shard.Clear();
        }

        SetPool(-1);
        _root.Release();
    }

    private Shard ShardOf(in Gfid gfid) => _shards[(gfid.GetHashCode() >> 4) & (ShardCount - 1)];

    private DirectoryHandle? Walk(in Gfid gfid, out Errno error)
    {
        Interlocked.Increment(ref _misses);
        Span<byte> buffer = stackalloc byte[512];
        var steps = new List<(Gfid Gfid, byte[] Name)>();
        var at = gfid;
        DirectoryHandle? directory;
        while ((directory = TryGet(at)) is null)
        {
            error = _handles.ReadDirectory(at, buffer, out var parent, out var name);
            if (error != Errno.Ok)
            {
                return null;
            }

            if (steps.Count >= PosixLimits.DepthMax)
            {
                Log.Error("posix", "handles of directories form a loop", ("gfid", gfid));
                error = Errno.ELOOP;
                return null;
            }

            steps.Add((at, name.ToArray()));
            at = parent;
        }

        for (var i = steps.Count - 1; i >= 0; i--)
        {
            var child = Open(directory, steps[i].Gfid, steps[i].Name, out error);
            directory.Release();
            if (child is null)
            {
                return null;
            }

            directory = child;
        }

        error = Errno.Ok;
        return directory;
    }

    private DirectoryHandle? Open(DirectoryHandle parent, in Gfid gfid, ReadOnlySpan<byte> name, out Errno error)
    {
        var fd = Sys.OpenAt(parent.Fd, name, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        if (fd < 0)
        {
            error = Sys.ErrorOf(fd);
            error = error is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? Errno.ESTALE : error;
            return null;
        }

        Span<byte> value = stackalloc byte[Gfid.Size];
        var size = Sys.GetXattr(fd, StorageKeys.Gfid, value);
        if (size != Gfid.Size || Gfid.FromBytes(value) != gfid)
        {
            Sys.Close(fd);
            error = Errno.ESTALE;
            return null;
        }

        error = Errno.Ok;
        return Add(gfid, fd);
    }

    private sealed class Shard(int countMax)
    {
        private readonly Lock _lock = new(); // Guards the fields; a leaf lock.
        private readonly Dictionary<Gfid, int> _index = [];
        private readonly DirectoryHandle?[] _slots = new DirectoryHandle?[countMax];
        private readonly Stack<int> _free = new();
        private int _next;
        private int _hand;

        public int Count
        {
            get
            {
                lock (_lock)
                {
                    return _index.Count;
                }
            }
        }

        public DirectoryHandle? TryGet(in Gfid gfid)
        {
            lock (_lock)
            {
                if (!_index.TryGetValue(gfid, out var slot))
                {
                    return null;
                }

                var handle = _slots[slot]!; // The index names used slots only.
                handle.IsTouched = true;
                handle.Retain();
                return handle;
            }
        }

        public DirectoryHandle Add(in Gfid gfid, int fd)
        {
            DirectoryHandle? evicted = null;
            DirectoryHandle? handle;
            lock (_lock)
            {
                if (_index.TryGetValue(gfid, out var slot))
                {
                    handle = _slots[slot]!; // The index names used slots only.
                    handle.Retain();
                }
                else
                {
                    handle = new DirectoryHandle(gfid, fd) { IsTouched = true };
                    handle.Retain();
                    slot = TakeSlot(out evicted);
                    _slots[slot] = handle;
                    _index[gfid] = slot;
                    fd = -1;
                }
            }

            evicted?.Release();
            if (fd >= 0)
            {
                Sys.Close(fd);
            }

            return handle;
        }

        public void Drop(in Gfid gfid)
        {
            DirectoryHandle? handle = null;
            lock (_lock)
            {
                if (_index.Remove(gfid, out var slot))
                {
                    handle = _slots[slot];
                    _slots[slot] = null;
                    _free.Push(slot);
                }
            }

            if (handle is not null)
            {
                handle.IsRemoved = true;
                handle.Release();
            }
        }

        public void Clear()
        {
            lock (_lock)
            {
                foreach (var slot in _index.Values)
                {
                    _slots[slot]!.Release(); // The index names used slots only.
                    _slots[slot] = null;
                }

                _index.Clear();
            }
        }

        private int TakeSlot(out DirectoryHandle? evicted)
        {
            evicted = null;
            if (_free.TryPop(out var slot))
            {
                return slot;
            }

            if (_next < _slots.Length)
            {
                return _next++;
            }

            // No slot is free here, so every one is used and the hand finds an untouched one in its second round at the
            // latest.
            while (_slots[_hand]!.IsTouched)
            {
                _slots[_hand]!.IsTouched = false;
                _hand = (_hand + 1) % _slots.Length;
            }

            slot = _hand;
            evicted = _slots[slot];
            _index.Remove(evicted!.Gfid);
            _hand = (_hand + 1) % _slots.Length;
            return slot;
        }
    }
}
