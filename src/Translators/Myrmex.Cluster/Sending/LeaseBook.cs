using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>Which lease: of a file, by its lease id, and whose.</summary>
/// <param name="Gfid">The file.</param>
/// <param name="Id">The lease id.</param>
/// <param name="Holder">
/// The client behind this proxy by its name (<see cref="LockSession"/>); 0 for our session.
/// </param>
internal readonly record struct LeaseKey(Gfid Gfid, Gfid Id, UInt128 Holder);

/// <summary>A lease that is held.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Name">The client behind this proxy, with its epoch; none for our session.</param>
/// <param name="Type">The strongest type that was set and not given back.</param>
internal readonly record struct KnownLease(LeaseKey Key, LockSession Name, uint Type)
{
    /// <summary>Its holder as that of the record lock that a replica set keeps for it.</summary>
    public LockSession Owner => Name.IsNone ? default : Name with { Owner = LeaseSpace.OwnerOf(Key.Id) };
}

/// <summary>
/// The leases that are held at the servers through us, and for whom: a client of the door, or null for the process
/// itself. Two clients with the same lease id share the lease, unless they have names. Safe for all threads.
/// </summary>
internal sealed class LeaseBook
{
    private readonly Lock _lock = new(); // Guards the table; a leaf lock.
    private readonly Dictionary<LeaseKey, Entry> _held = [];

    public bool IsEmpty => Count == 0;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _held.Count;
            }
        }
    }

    /// <summary>
    /// A lease is asked for; false when there are too many, or the client has gone. It may be recalled from now on, and
    /// is held once it is <see cref="Granted"/>.
    /// </summary>
    public bool TryAdd(in LeaseKey key, LockSession name, uint type, ClientIdentity? client)
    {
        lock (_lock)
        {
            if (client is { IsGone: true } || (!_held.ContainsKey(key) && _held.Count >= SendingLimits.LeasesMax))
            {
                return false;
            }

            if (!_held.TryGetValue(key, out var entry))
            {
                _held.Add(key, entry = new Entry());
            }

            entry.Name = name.Epoch >= entry.Name.Epoch ? name : entry.Name;
            var at = entry.Holders.FindIndex(one => ReferenceEquals(one.Client, client));
            if (at < 0)
            {
                at = entry.Holders.Count;
                entry.Holders.Add(new LeaseHolder(client, default, default));
            }

            entry.Holders[at] = entry.Holders[at].Asks(type, 1);

            return true;
        }
    }

    /// <summary>
    /// What was asked for is granted: from now on it may be looked at, and may be lost. What is held already and was
    /// only asked for again counts once.
    /// </summary>
    public void Granted(in LeaseKey key, uint type, ClientIdentity? client, bool isAgain) => Change(
        key, client,
        holder => isAgain && holder.Held.Type >= type ? holder.Asks(type, -1) : holder.Asks(type, -1).Has(type, 1));

    /// <summary>It was not granted. True when other clients still have it.</summary>
    public bool Refused(in LeaseKey key, uint type, ClientIdentity? client) =>
        Change(key, client, holder => holder.Asks(type, -1));

    /// <summary>It is given back once. True when other clients still have it.</summary>
    public bool Remove(in LeaseKey key, uint type, ClientIdentity? client) =>
        Change(key, client, holder => holder.Has(type, -1));

    /// <summary>One that is held; null for none.</summary>
    public KnownLease? Find(in LeaseKey key)
    {
        lock (_lock)
        {
            return _held.TryGetValue(key, out var entry) && entry.Known(key) is { Type: not LeaseType.None } known
                ? known : null;
        }
    }

    /// <summary>It is held, or asked for.</summary>
    public bool Has(in LeaseKey key)
    {
        lock (_lock)
        {
            return _held.ContainsKey(key);
        }
    }

    /// <summary>A lease is lost; who had it. What is asked for meanwhile stays.</summary>
    public List<ClientIdentity?> Lose(in LeaseKey key)
    {
        lock (_lock)
        {
            var had = new List<ClientIdentity?>();
            if (!_held.TryGetValue(key, out var entry))
            {
                return had;
            }

            for (var i = entry.Holders.Count - 1; i >= 0; i--)
            {
                var holder = entry.Holders[i];
                if (holder.Held.Type != LeaseType.None)
                {
                    had.Add(holder.Client);
                    Put(key, entry, i, holder with { Held = default });
                }
            }

            return had;
        }
    }

    /// <summary>Forgets a lease, whatever becomes of what is asked for; who had it.</summary>
    public List<ClientIdentity?> Take(in LeaseKey key)
    {
        lock (_lock)
        {
            return _held.Remove(key, out var entry) ? entry.Holders.ConvertAll(static one => one.Client) : [];
        }
    }

    public List<ClientIdentity?> ClientsOf(in LeaseKey key)
    {
        lock (_lock)
        {
            return _held.TryGetValue(key, out var entry)
                ? entry.Holders.ConvertAll(static one => one.Client) : [];
        }
    }

    /// <summary>What is held; not what is only asked for yet.</summary>
    public List<KnownLease> All()
    {
        lock (_lock)
        {
            return
            [
                .. _held.Select(static one => one.Value.Known(one.Key)).Where(static one => one.Type != LeaseType.None),
            ];
        }
    }

    /// <summary>Clients that hold leases or ask for some, once each for a lease; none for our session.</summary>
    public List<LockSession> Names()
    {
        lock (_lock)
        {
            return [.. _held.Values.Select(static one => one.Name).Where(static one => !one.IsNone)];
        }
    }

    /// <summary>
    /// From now on it is not known whether what is held is held at the servers; what was so before stays so since then.
    /// </summary>
    public void Doubt(long nowNs)
    {
        lock (_lock)
        {
            foreach (var entry in _held.Values)
            {
                entry.DoubtNs = entry.DoubtNs > 0 ? entry.DoubtNs : nowNs;
            }
        }
    }

    /// <summary>A server has said that it is held.</summary>
    public void Sure(in LeaseKey key)
    {
        lock (_lock)
        {
            if (_held.TryGetValue(key, out var entry))
            {
                entry.DoubtNs = 0;
            }
        }
    }

    /// <summary>What is held, and has not been known to be since then.</summary>
    public List<KnownLease> DoubtfulSince(long untilNs)
    {
        lock (_lock)
        {
            return
            [
                .. _held.Where(one => one.Value.DoubtNs > 0 && one.Value.DoubtNs <= untilNs)
                    .Select(static one => one.Value.Known(one.Key))
                    .Where(static one => one.Type != LeaseType.None),
            ];
        }
    }

    /// <summary>
    /// A client has gone: what nobody else has any more. What it still asks for is to be taken when that is answered.
    /// </summary>
    public List<KnownLease> TakeOf(ClientIdentity client)
    {
        var left = new List<KnownLease>();
        lock (_lock)
        {
            foreach (var (key, entry) in new List<KeyValuePair<LeaseKey, Entry>>(_held))
            {
                var known = entry.Known(key);
                var at = entry.Holders.FindIndex(one => ReferenceEquals(one.Client, client));
                if (at >= 0 && entry.Holders[at] is { Held.Type: not LeaseType.None } holder)
                {
                    Put(key, entry, at, holder with { Held = default });
                    if (entry.Holders.Count == 0)
                    {
                        left.Add(known);
                    }
                }
            }
        }

        return left;
    }

    /// <returns>Other clients have it, or ask for it.</returns>
    private bool Change(in LeaseKey key, ClientIdentity? client, Func<LeaseHolder, LeaseHolder> change)
    {
        lock (_lock)
        {
            if (!_held.TryGetValue(key, out var entry))
            {
                return false;
            }

            var at = entry.Holders.FindIndex(one => ReferenceEquals(one.Client, client));
            if (at >= 0)
            {
                Put(key, entry, at, change(entry.Holders[at]));
            }

            return entry.Holders.Exists(one => !ReferenceEquals(one.Client, client));
        }
    }

    private void Put(in LeaseKey key, Entry entry, int at, LeaseHolder holder)
    {
        entry.Holders[at] = holder;
        if (holder.Type == LeaseType.None)
        {
            entry.Holders.RemoveAt(at);
        }

        if (entry.Holders.Count == 0)
        {
            _held.Remove(key);
        }
    }

    /// <summary>How often each type was set.</summary>
    private readonly record struct LeaseCount(int Reads, int Writes)
    {
        public uint Type => Writes > 0 ? LeaseType.ReadWrite : Reads > 0 ? LeaseType.Read : LeaseType.None;

        public LeaseCount With(uint type, int by) => type == LeaseType.ReadWrite
            ? this with { Writes = Math.Max(0, Writes + by) } : this with { Reads = Math.Max(0, Reads + by) };
    }

    private readonly record struct LeaseHolder(ClientIdentity? Client, LeaseCount Held, LeaseCount Asked)
    {
        public uint Type => Math.Max(Held.Type, Asked.Type);

        public LeaseHolder Has(uint type, int by) => this with { Held = Held.With(type, by) };

        public LeaseHolder Asks(uint type, int by) => this with { Asked = Asked.With(type, by) };
    }

    private sealed class Entry
    {
        public LockSession Name { get; set; }

        /// <summary>Since when it is not known whether it is held; 0 when it is known.</summary>
        public long DoubtNs { get; set; }

        public List<LeaseHolder> Holders { get; } = [];

        /// <summary>Type none: it is only asked for.</summary>
        public KnownLease Known(LeaseKey key) => new(key, Name, Holders.Max(static one => one.Held.Type));
    }
}
