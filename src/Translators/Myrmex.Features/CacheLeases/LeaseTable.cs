using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Features.CacheLeases;

/// <summary>
/// Which clients keep answers about which inodes, under a promise that is theirs. Any thread.
/// Invariants:
/// - a look that ends, and before whose end no change of the inode has begun since it began, is in here when it is
/// answered; of any other one the client is told to drop it, before it is answered;
/// - a change begins when all who are in here with its inode have dropped it, or are promised nothing any more;
/// - who has been told stays in here until it has handled that, so that the next change waits for it too;
/// - who is taken out for want of room has been told: until it has handled that, every change waits for it.
/// </summary>
internal sealed class LeaseTable
{
    private readonly Shard[] _shards = new Shard[CacheLeaseLimits.Shards];
    private readonly long[] _changed = new long[CacheLeaseLimits.ChangeSlots]; // Number of the last change, by hash.
    private readonly int[] _changing = new int[CacheLeaseLimits.ChangeSlots]; // Changes under way, by hash.
    private long _changes;
    private int _count;
    private long _told;
    private long _waits;

    public LeaseTable()
    {
        for (var i = 0; i < _shards.Length; i++)
        {
            _shards[i] = new Shard();
        }
    }

    /// <summary>Inodes that somebody keeps something of.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Beginnings and ends of changes so far; a look remembers it when it begins.</summary>
    public long Changes => Volatile.Read(ref _changes);

    /// <summary>Clients told so far.</summary>
    public long Told => Volatile.Read(ref _told);

    /// <summary>Changes that have waited so far.</summary>
    public long Waits => Volatile.Read(ref _waits);

    /// <summary>
    /// A look of the client at an inode has been done, and is about to be answered. It began when there had been so
    /// many <see cref="Changes"/>.
    /// </summary>
    public void Seen(in Gfid gfid, LeaseHolder holder, long since, long nowNs)
    {
        if (gfid.IsNull || !holder.IsHeld())
        {
            return; // With the next promise it drops what it learns now.
        }

        FlushBatch.Begin(); // What is told is sent when the locks are free again.
        Enter(in gfid, holder, nowNs);
        var slot = SlotOf(in gfid);
        if (Volatile.Read(ref _changing[slot]) > 0 || Volatile.Read(ref _changed[slot]) > since)
        {
            holder.TellOnly(in gfid);
        }

        FlushBatch.End();
    }

    /// <summary>
    /// A change of the inode begins: what is looked at from now on counts only after <see cref="End"/>. Who keeps it is
    /// told.
    /// </summary>
    /// <param name="by">Who has dropped it by itself, and keeps nothing of it meanwhile; null for nobody.</param>
    /// <param name="waits">What has to be waited for before the change is done.</param>
    public void Begin(in Gfid gfid, LeaseHolder? by, long nowNs, ref List<(LeaseHolder Holder, ulong Number)>? waits)
    {
        Interlocked.Increment(ref _changing[SlotOf(in gfid)]);
        Note(in gfid);
        FlushBatch.Begin();
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            if (shard.ByGfid.TryGetValue(gfid, out var node))
            {
                Interlocked.Add(ref _told, node.Value.Tell(by, nowNs, ref waits));
                if (node.Value.IsEmpty)
                {
                    Remove(shard, node);
                }
            }
        }

        FlushBatch.End();
    }

    public void End(in Gfid gfid)
    {
        Note(in gfid);
        var left = Interlocked.Decrement(ref _changing[SlotOf(in gfid)]);
        Invariant.Check(left >= 0);
    }

    /// <summary>Waits for all of them.</summary>
    public async ValueTask WaitAsync(List<(LeaseHolder Holder, ulong Number)> waits)
    {
        Interlocked.Increment(ref _waits);
        foreach (var (holder, number) in waits)
        {
            await holder.HandledAsync(number);
        }
    }

    /// <summary>Forgets all; only when nobody is promised anything.</summary>
    public void Clear()
    {
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                Interlocked.Add(ref _count, -shard.ByGfid.Count);
                shard.ByGfid.Clear();
                shard.Order.Clear();
            }
        }
    }

    private void Enter(in Gfid gfid, LeaseHolder holder, long nowNs)
    {
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var node))
            {
                MakeRoom(shard, nowNs);
                node = new LinkedListNode<Kept>(new Kept(gfid));
                shard.ByGfid.Add(gfid, node);
                shard.Order.AddLast(node);
                Interlocked.Increment(ref _count);
            }

            if (node.Value.Enter(holder, nowNs) && node != shard.Order.Last)
            {
                shard.Order.Remove(node);
                shard.Order.AddLast(node);
            }
        }
    }

    /// <summary>Under the lock: those whose time is over go, and for want of room the one seen longest ago.</summary>
    private void MakeRoom(Shard shard, long nowNs)
    {
        for (var i = 0; i < CacheLeaseLimits.ExpiredAtOnce; i++)
        {
            if (shard.Order.First is not { } first || !first.Value.IsOver(nowNs))
            {
                break;
            }

            Remove(shard, first);
        }

        if (shard.ByGfid.Count >= CacheLeaseLimits.InodesMax / CacheLeaseLimits.Shards)
        {
            var oldest = shard.Order.First!; // There are many.
            oldest.Value.ForgetAll();
            Remove(shard, oldest);
        }
    }

    private void Remove(Shard shard, LinkedListNode<Kept> node)
    {
        shard.Order.Remove(node);
        shard.ByGfid.Remove(node.Value.Gfid);
        Interlocked.Decrement(ref _count);
    }

    /// <summary>The number of the inode's place only grows, whoever comes first.</summary>
    private void Note(in Gfid gfid)
    {
        var number = Interlocked.Increment(ref _changes);
        Atomic.Raise(ref _changed[SlotOf(in gfid)], number);
    }

    private Shard ShardOf(in Gfid gfid) => _shards[(int)((gfid.Low ^ (gfid.High >> 7)) % CacheLeaseLimits.Shards)];

    private static int SlotOf(in Gfid gfid) =>
        (int)(((gfid.Low * 0x9E3779B97F4A7C15UL) ^ gfid.High) >> 17) & (CacheLeaseLimits.ChangeSlots - 1);

    private sealed class Shard
    {
        public Lock Guard { get; } = new(); // Above the lock of a holder.

        public Dictionary<Gfid, LinkedListNode<Kept>> ByGfid { get; } = [];

        public LinkedList<Kept> Order { get; } = []; // The one seen longest ago first.
    }

    /// <summary>Who keeps something of one inode; under the lock of its shard.</summary>
    private sealed class Kept(Gfid gfid)
    {
        private Holding[] _holdings = new Holding[1];
        private int _count;
        private long _lastNs;

        public Gfid Gfid => gfid;

        public bool IsEmpty => _count == 0;

        public bool IsOver(long nowNs)
        {
            for (var i = 0; i < _count; i++)
            {
                if (_holdings[i].Number > 0 && !_holdings[i].Holder.HasHandled(_holdings[i].Number))
                {
                    return false;
                }
            }

            return nowNs > _lastNs;
        }

        /// <summary>True when its place in the order is another.</summary>
        public bool Enter(LeaseHolder holder, long nowNs)
        {
            var at = -1;
            for (var i = 0; i < _count && at < 0; i++)
            {
                at = ReferenceEquals(_holdings[i].Holder, holder) ? i : -1;
            }

            if (at >= 0 && _holdings[at].Keeps && _holdings[at].UntilNs - nowNs > CacheLeaseLimits.RenewNs)
            {
                return false;
            }

            at = at < 0 ? Place(nowNs) : at;
            _lastNs = nowNs + CacheLeaseLimits.RememberNs;
            var number = ReferenceEquals(_holdings[at].Holder, holder) ? _holdings[at].Number : 0;
            _holdings[at] = new Holding(holder, _lastNs, number, Keeps: true);
            return true;
        }

        /// <summary>Tells those who keep it, and collects what is to be waited for; how many were told.</summary>
        public int Tell(LeaseHolder? by, long nowNs, ref List<(LeaseHolder Holder, ulong Number)>? waits)
        {
            var told = 0;
            var left = 0;
            for (var i = 0; i < _count; i++)
            {
                var one = _holdings[i];
                var isOwn = ReferenceEquals(one.Holder, by);
                if (one.Keeps && isOwn)
                {
                    one.Holder.TellOnly(gfid);
                    told++;
                }
                else if (one.Keeps && one.UntilNs >= nowNs && one.Holder.Tell(gfid) is var number and > 0)
                {
                    one = one with { Number = number };
                    told++;
                }

                if (one.Number == 0 || one.Holder.HasHandled(one.Number))
                {
                    continue;
                }

                _holdings[left++] = one with { Keeps = false };
                if (!isOwn)
                {
                    (waits ??= []).Add((one.Holder, one.Number));
                }
            }

            System.Array.Clear(_holdings, left, _count - left);
            _count = left;
            return told;
        }

        public void ForgetAll()
        {
            for (var i = 0; i < _count; i++)
            {
                _holdings[i].Holder.Forget(gfid);
            }
        }

        private int Place(long nowNs)
        {
            for (var i = 0; i < _count; i++)
            {
                var one = _holdings[i];
                if ((one.Number == 0 || one.Holder.HasHandled(one.Number))
                    && (!one.Keeps || one.UntilNs < nowNs || !one.Holder.IsHeld()))
                {
                    return i;
                }
            }

            if (_count == CacheLeaseLimits.HoldersOfInodeMax)
            {
                _holdings[0].Holder.Forget(gfid);
                return 0;
            }

            if (_count == _holdings.Length)
            {
                System.Array.Resize(ref _holdings, _count * 2);
            }

            return _count++;
        }

        /// <param name="UntilNs">How long it is remembered.</param>
        /// <param name="Number">What it was last told of the inode and may not have handled; 0 for nothing.</param>
        /// <param name="Keeps">It may keep something that was asked since.</param>
        private readonly record struct Holding(LeaseHolder Holder, long UntilNs, ulong Number, bool Keeps);
    }
}
