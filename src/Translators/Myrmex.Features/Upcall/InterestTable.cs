using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Features.Upcall;

/// <summary>
/// Which clients have looked at which inodes within the last time-out. Who is to be told of something is given to
/// <c>tell</c> (client, inode, flags), outside of all locks. Any thread.
/// </summary>
/// <remarks>
/// A look is entered before it is done, so that no change is missed which comes after it. What a look was at may be
/// known only when it is done, and who was told of a change is no longer in the table although its look, which was
/// under way, has seen it: therefore changes are numbered, and <see cref="Seen"/> enters a look again, and tells, when
/// the inode has changed since the look began.
/// </remarks>
internal sealed class InterestTable
{
    private readonly Shard[] _shards = new Shard[UpcallLimits.Shards];
    private readonly long[] _changed = new long[UpcallLimits.ChangeSlots]; // Number of the last change, by hash.
    private readonly Action<ClientIdentity, Gfid, uint> _tell;
    private long _timeoutNs;
    private long _changes;
    private long _told;
    private int _count;

    public InterestTable(Action<ClientIdentity, Gfid, uint> tell)
    {
        _tell = tell;
        for (var i = 0; i < _shards.Length; i++)
        {
            _shards[i] = new Shard();
        }
    }

    public long TimeoutNs
    {
        get => Volatile.Read(ref _timeoutNs);
        set => Volatile.Write(ref _timeoutNs, value);
    }

    /// <summary>Inodes that somebody has looked at.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Changes so far; a look remembers it when it begins.</summary>
    public long Changes => Volatile.Read(ref _changes);

    /// <summary>Clients told so far.</summary>
    public long Told => Volatile.Read(ref _told);

    /// <summary>A client is about to look at an inode.</summary>
    public void Look(Gfid gfid, ClientIdentity client, long nowNs)
    {
        List<(ClientIdentity, Gfid)>? gone = null;
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (!shard.ByGfid.TryGetValue(gfid, out var node))
            {
                MakeRoom(shard, nowNs, ref gone);
                node = new LinkedListNode<Interest>(new Interest(gfid));
                shard.ByGfid.Add(gfid, node);
                shard.Order.AddLast(node);
                Interlocked.Increment(ref _count);
            }

            if (node.Value.Enter(client, nowNs, TimeoutNs, ref gone) && node != shard.Order.Last)
            {
                shard.Order.Remove(node);
                shard.Order.AddLast(node);
            }
        }

        gone?.ForEach(g => Tell(g.Item1, g.Item2, UpcallFlags.OfForgetting));
    }

    /// <summary>
    /// A client has looked at an inode, and the look began when there had been so many changes. False when the inode
    /// may have changed since: then the client has been told.
    /// </summary>
    /// <param name="wasEntered">The look was entered before it was done.</param>
    public bool Seen(Gfid gfid, ClientIdentity client, long since, bool wasEntered, long nowNs)
    {
        if (!wasEntered)
        {
            Look(gfid, client, nowNs);
        }

        if (Volatile.Read(ref _changed[SlotOf(gfid)]) <= since)
        {
            return true;
        }

        if (wasEntered)
        {
            Look(gfid, client, nowNs);
        }

        Tell(client, gfid, UpcallFlags.Drop | UpcallFlags.Times);
        return false;
    }

    /// <summary>An inode has changed: all who have looked at it are told, but for who has changed it.</summary>
    public void Changed(Gfid gfid, uint flags, ClientIdentity? by, long nowNs)
    {
        Volatile.Write(ref _changed[SlotOf(gfid)], Interlocked.Increment(ref _changes));
        ClientIdentity[]? clients = null;
        var count = 0;
        var shard = ShardOf(gfid);
        lock (shard.Guard)
        {
            if (shard.ByGfid.TryGetValue(gfid, out var node))
            {
                clients = node.Value.Take(by, nowNs, out count);
                if (node.Value.IsEmpty)
                {
                    Remove(shard, node);
                }
            }
        }

        for (var i = 0; i < count; i++)
        {
            Tell(clients![i], gfid, flags);
        }
    }

    /// <summary>Forgets all without a word.</summary>
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

    private void Tell(ClientIdentity client, Gfid gfid, uint flags)
    {
        Interlocked.Increment(ref _told);
        _tell(client, gfid, flags);
    }

    /// <summary>Under the lock: those whose time is over go, and for want of room the one seen longest ago.</summary>
    private void MakeRoom(Shard shard, long nowNs, ref List<(ClientIdentity, Gfid)>? gone)
    {
        for (var i = 0; i < UpcallLimits.ExpiredAtOnce; i++)
        {
            if (shard.Order.First is not { } first || !first.Value.IsOver(nowNs))
            {
                break;
            }

            Remove(shard, first);
        }

        if (shard.ByGfid.Count < UpcallLimits.InodesMax / UpcallLimits.Shards)
        {
            return;
        }

        var oldest = shard.Order.First!; // There are many.
        var clients = oldest.Value.Take(by: null, nowNs, out var count);
        for (var i = 0; i < count; i++)
        {
            (gone ??= []).Add((clients![i], oldest.Value.Gfid));
        }

        Remove(shard, oldest);
    }

    private void Remove(Shard shard, LinkedListNode<Interest> node)
    {
        shard.Order.Remove(node);
        shard.ByGfid.Remove(node.Value.Gfid);
        Interlocked.Decrement(ref _count);
    }

    private Shard ShardOf(in Gfid gfid) => _shards[(int)((gfid.Low ^ (gfid.High >> 7)) % UpcallLimits.Shards)];

    private static int SlotOf(in Gfid gfid) =>
        (int)(((gfid.Low * 0x9E3779B97F4A7C15UL) ^ gfid.High) >> 17) & (UpcallLimits.ChangeSlots - 1);

    private sealed class Shard
    {
        public Lock Guard { get; } = new(); // A leaf lock.

        public Dictionary<Gfid, LinkedListNode<Interest>> ByGfid { get; } = [];

        public LinkedList<Interest> Order { get; } = []; // The one seen longest ago first.
    }

    /// <summary>Who has looked at one inode; under the lock of its shard.</summary>
    private sealed class Interest(Gfid gfid)
    {
        private (ClientIdentity Client, long UntilNs)[] _clients = new (ClientIdentity, long)[1];
        private int _count;
        private long _lastNs;

        public Gfid Gfid => gfid;

        public bool IsEmpty => _count == 0;

        public bool IsOver(long nowNs) => nowNs > _lastNs;

        /// <summary>True when its place in the order is another.</summary>
        public bool Enter(
            ClientIdentity client, long nowNs, long timeoutNs, ref List<(ClientIdentity, Gfid)>? gone)
        {
            var at = Array.FindIndex(_clients, 0, _count, c => ReferenceEquals(c.Client, client));
            if (at >= 0 && _clients[at].UntilNs - nowNs > timeoutNs - (timeoutNs / UpcallLimits.RenewAfterParts))
            {
                return false;
            }

            if (at < 0)
            {
                at = Place(nowNs, ref gone);
            }

            // What is told a little longer than the time is no harm; who renews late must not be missed.
            _lastNs = nowNs + timeoutNs + (timeoutNs / UpcallLimits.RenewAfterParts);
            _clients[at] = (client, _lastNs);
            return true;
        }

        /// <summary>Takes all out who have to be told.</summary>
        public ClientIdentity[]? Take(ClientIdentity? by, long nowNs, out int count)
        {
            count = 0;
            ClientIdentity[]? taken = null;
            var kept = 0;
            for (var i = 0; i < _count; i++)
            {
                var one = _clients[i];
                if (ReferenceEquals(one.Client, by))
                {
                    _clients[kept++] = one;
                }
                else if (!one.Client.IsGone && one.UntilNs >= nowNs)
                {
                    taken ??= new ClientIdentity[_count];
                    taken[count++] = one.Client;
                }
            }

            Array.Clear(_clients, kept, _count - kept);
            _count = kept;
            return taken;
        }

        private int Place(long nowNs, ref List<(ClientIdentity, Gfid)>? gone)
        {
            for (var i = 0; i < _count; i++)
            {
                if (_clients[i].Client.IsGone || _clients[i].UntilNs < nowNs)
                {
                    return i;
                }
            }

            if (_count == UpcallLimits.ClientsMax)
            {
                var oldest = 0;
                for (var i = 1; i < _count; i++)
                {
                    oldest = _clients[i].UntilNs < _clients[oldest].UntilNs ? i : oldest;
                }

                (gone ??= []).Add((_clients[oldest].Client, gfid));
                return oldest;
            }

            if (_count == _clients.Length)
            {
                Array.Resize(ref _clients, _count * 2);
            }

            return _count++;
        }
    }
}
