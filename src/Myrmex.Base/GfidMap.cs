using System;
using System.Runtime.CompilerServices;
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
        public int Next; // Of the chain of its bucket, or of the free list; -1 ends it.
        public bool Used;
        public bool Touched;
    }

    /// <summary>
    /// A hash table whose chains run through the entries themselves: finding one touches its bucket and its entry,
    /// nothing else.
    /// </summary>
    private sealed class Shard(int countMax)
    {
        private readonly Lock _lock = new();
        private int[] _heads = NewHeads(16); // First entry of each bucket, or -1; the length is a power of two.
        private Entry[] _entries = new Entry[Math.Min(countMax, 16)];
        private int _count;
        private int _free = -1;
        private int _next;
        private int _hand;

        public int Count => Volatile.Read(ref _count);

        public bool TryGet(in Gfid gfid, out T value)
        {
            lock (_lock)
            {
                ref var entry = ref Find(gfid);
                if (!Unsafe.IsNullRef(ref entry))
                {
                    entry.Touched = true;
                    value = entry.Value;
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
                ref var entry = ref Find(gfid);
                if (Unsafe.IsNullRef(ref entry))
                {
                    return false;
                }

                entry.Touched = true;
                change(ref entry.Value, argument);
                return true;
            }
        }

        public bool Remove(in Gfid gfid)
        {
            lock (_lock)
            {
                var at = Unlink(gfid);
                if (at < 0)
                {
                    return false;
                }

                _entries[at] = new Entry { Next = _free };
                _free = at;
                return true;
            }
        }

        public void Clear()
        {
            lock (_lock)
            {
                Array.Clear(_entries);
                Array.Fill(_heads, -1);
                _count = 0;
                _free = -1;
                _next = 0;
                _hand = 0;
            }
        }

        private static int[] NewHeads(int length)
        {
            var heads = new int[length];
            Array.Fill(heads, -1);
            return heads;
        }

        // The lowest bits of the hash choose the shard.
        private ref int HeadOf(in Gfid gfid) => ref _heads[(gfid.GetHashCode() >>> 8) & (_heads.Length - 1)];

        private ref Entry Find(in Gfid gfid)
        {
            for (var at = HeadOf(gfid); at >= 0; at = _entries[at].Next)
            {
                if (_entries[at].Gfid == gfid)
                {
                    return ref _entries[at];
                }
            }

            return ref Unsafe.NullRef<Entry>();
        }

        /// <summary>Takes an entry out of its chain: its index, or -1.</summary>
        private int Unlink(in Gfid gfid)
        {
            ref var link = ref HeadOf(gfid);
            while (link >= 0)
            {
                var at = link;
                ref var entry = ref _entries[at];
                if (entry.Gfid == gfid)
                {
                    link = entry.Next;
                    _count--;
                    return at;
                }

                link = ref entry.Next;
            }

            return -1;
        }

        private ref T Slot(in Gfid gfid)
        {
            ref var known = ref Find(gfid);
            if (!Unsafe.IsNullRef(ref known))
            {
                known.Touched = true;
                return ref known.Value;
            }

            var at = TakeSlot();
            if (++_count > _heads.Length)
            {
                GrowHeads();
            }

            // Not touched yet: the hand comes round to it last, and files that are only passed by do not push out others.
            ref var head = ref HeadOf(gfid);
            ref var entry = ref _entries[at];
            entry = new Entry { Gfid = gfid, Used = true, Next = head };
            head = at;
            return ref entry.Value;
        }

        /// <summary>The caller puts an entry into the slot, which is in no chain yet.</summary>
        private int TakeSlot()
        {
            if (_free >= 0)
            {
                var slot = _free;
                _free = _entries[slot].Next;
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

                Invariant.Check(Unlink(entry.Gfid) == at);
                entry = default;
                return at;
            }
        }

        private void GrowHeads()
        {
            _heads = NewHeads(_heads.Length * 2);
            for (var at = 0; at < _next; at++)
            {
                ref var entry = ref _entries[at];
                if (entry.Used)
                {
                    ref var head = ref HeadOf(entry.Gfid);
                    entry.Next = head;
                    head = at;
                }
            }
        }
    }
}
