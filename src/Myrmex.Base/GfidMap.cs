using System;
using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Base;

/// <summary>
/// A bounded table from gfid to a small struct, kept in a few flat arrays so that a million entries are a million structs
/// and not a million objects. When a shard is full its least recently touched entry goes (second-chance clock).
/// Safe for all threads: sixteen shards, each with a leaf lock that is held for memory work only.
/// </summary>
/// <typeparam name="T">State kept per file; evicted without notice, so it must be something that can be found again.</typeparam>
public sealed class GfidMap<T>
    where T : struct
{
    private const int ShardCount = 16;

    private readonly Shard[] _shards = new Shard[ShardCount];

    /// <param name="countMax">Most entries kept, rounded up to a multiple of 16.</param>
    public GfidMap(int countMax)
    {
        Invariant.Check(countMax > 0);
        for (var i = 0; i < ShardCount; i++)
        {
            _shards[i] = new Shard((countMax + ShardCount - 1) / ShardCount);
        }
    }

    /// <summary>Changes an entry in place under the lock of its shard.</summary>
    public delegate void Change<in TArg>(ref T value, TArg argument)
        where TArg : allows ref struct;

    public int Count
    {
        get
        {
            var count = 0;
            foreach (var shard in _shards)
            {
                count += shard.Count;
            }

            return count;
        }
    }

    public bool TryGet(in Gfid gfid, out T value) => ShardOf(gfid).TryGet(gfid, out value);

    public void Set(in Gfid gfid, in T value) => ShardOf(gfid).Set(gfid, value);

    public bool Remove(in Gfid gfid) => ShardOf(gfid).Remove(gfid);

    /// <summary>Calls <paramref name="change"/> on the entry, made with the default value when missing.</summary>
    public void Update<TArg>(in Gfid gfid, TArg argument, Change<TArg> change)
        where TArg : allows ref struct => ShardOf(gfid).Update(gfid, argument, change);

    /// <summary>Calls <paramref name="change"/> on the entry if there is one; false when there is none.</summary>
    public bool TryUpdate<TArg>(in Gfid gfid, TArg argument, Change<TArg> change)
        where TArg : allows ref struct => ShardOf(gfid).TryUpdate(gfid, argument, change);

    public void Clear()
    {
        foreach (var shard in _shards)
        {
            shard.Clear();
        }
    }

    private Shard ShardOf(in Gfid gfid) => _shards[(gfid.GetHashCode() >> 4) & (ShardCount - 1)];

    private struct Entry
    {
        public Gfid Gfid;
        public T Value;
        public bool Used;
        public bool Touched;
    }

    private sealed class Shard(int countMax)
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<Gfid, int> _index = [];
        private Entry[] _entries = new Entry[Math.Min(countMax, 16)];
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

        public bool TryGet(in Gfid gfid, out T value)
        {
            lock (_lock)
            {
                if (_index.TryGetValue(gfid, out var at))
                {
                    _entries[at].Touched = true;
                    value = _entries[at].Value;
                    return true;
                }
            }

            value = default;
            return false;
        }

        public void Set(in Gfid gfid, in T value)
        {
            lock (_lock)
            {
                Slot(gfid) = value;
            }
        }

        public void Update<TArg>(in Gfid gfid, TArg argument, Change<TArg> change)
            where TArg : allows ref struct
        {
            lock (_lock)
            {
                change(ref Slot(gfid), argument);
            }
        }

        public bool TryUpdate<TArg>(in Gfid gfid, TArg argument, Change<TArg> change)
            where TArg : allows ref struct
        {
            lock (_lock)
            {
                if (!_index.TryGetValue(gfid, out var at))
                {
                    return false;
                }

                _entries[at].Touched = true;
                change(ref _entries[at].Value, argument);
                return true;
            }
        }

        public bool Remove(in Gfid gfid)
        {
            lock (_lock)
            {
                if (!_index.Remove(gfid, out var at))
                {
                    return false;
                }

                _entries[at] = default;
                _free.Push(at);
                return true;
            }
        }

        public void Clear()
        {
            lock (_lock)
            {
                _index.Clear();
                Array.Clear(_entries);
                _free.Clear();
                _next = 0;
                _hand = 0;
            }
        }

        private ref T Slot(in Gfid gfid)
        {
            if (!_index.TryGetValue(gfid, out var at))
            {
                var slot = TakeSlot();
                _index[gfid] = slot;
                // Not touched yet: the hand comes round to it last, and files that are only passed by do not push out others.
                _entries[slot] = new Entry { Gfid = gfid, Used = true };
                return ref _entries[slot].Value;
            }

            _entries[at].Touched = true;
            return ref _entries[at].Value;
        }

        private int TakeSlot()
        {
            if (_free.TryPop(out var slot))
            {
                return slot;
            }

            if (_next < countMax)
            {
                if (_next == _entries.Length)
                {
                    Array.Resize(ref _entries, Math.Min(countMax, _entries.Length * 2));
                }

                return _next++;
            }

            return Evict();
        }

        private int Evict()
        {
            while (true)
            {
                var at = _hand;
                _hand = (_hand + 1) % _entries.Length;
                ref var entry = ref _entries[at];
                if (!entry.Used)
                {
                    continue;
                }

                if (entry.Touched)
                {
                    entry.Touched = false;
                    continue;
                }

                _index.Remove(entry.Gfid);
                entry = default;
                return at;
            }
        }
    }
}
