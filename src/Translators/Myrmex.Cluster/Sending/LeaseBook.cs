using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// The leases that our session holds at the servers, and for whom: a client of the door, or null for the process
/// itself. Two clients with the same lease id share the lease. Safe for all threads.
/// </summary>
internal sealed class LeaseBook
{
    private readonly Lock _lock = new(); // Guards the table; a leaf lock.
    private readonly Dictionary<(Gfid Gfid, Gfid Id), List<LeaseHolder>> _held = [];

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

    /// <summary>A lease is asked for; false when there are too many, or the client has gone.</summary>
    public bool TryAdd(in Gfid gfid, in Lease lease, ClientIdentity? client)
    {
        lock (_lock)
        {
            if (client is { IsGone: true })
            {
                return false;
            }

            if (!_held.TryGetValue((gfid, lease.Id), out var holders))
            {
                if (_held.Count >= SendingLimits.LeasesMax)
                {
                    return false;
                }

                _held.Add((gfid, lease.Id), holders = []);
            }

            var at = holders.FindIndex(one => ReferenceEquals(one.Client, client));
            if (at < 0)
            {
                holders.Add(new LeaseHolder(client, 1));
            }
            else
            {
                holders[at] = holders[at] with { Count = holders[at].Count + 1 };
            }

            return true;
        }
    }

    /// <summary>It was not granted, or is given back once. True when other clients still have it.</summary>
    public bool Remove(in Gfid gfid, in Gfid id, ClientIdentity? client)
    {
        lock (_lock)
        {
            if (!_held.TryGetValue((gfid, id), out var holders))
            {
                return false;
            }

            var at = holders.FindIndex(one => ReferenceEquals(one.Client, client));
            if (at >= 0 && holders[at].Count > 1)
            {
                holders[at] = holders[at] with { Count = holders[at].Count - 1 };
            }
            else if (at >= 0)
            {
                holders.RemoveAt(at);
            }

            if (holders.Count == 0)
            {
                _held.Remove((gfid, id));
            }

            return holders.Exists(one => !ReferenceEquals(one.Client, client));
        }
    }

    /// <summary>Forgets a lease that is lost; who had it.</summary>
    public List<ClientIdentity?> Take(in Gfid gfid, in Gfid id)
    {
        lock (_lock)
        {
            return _held.Remove((gfid, id), out var holders) ? holders.ConvertAll(static one => one.Client) : [];
        }
    }

    public List<ClientIdentity?> ClientsOf(in Gfid gfid, in Gfid id)
    {
        lock (_lock)
        {
            return _held.TryGetValue((gfid, id), out var holders)
                ? holders.ConvertAll(static one => one.Client) : [];
        }
    }

    public List<(Gfid Gfid, Gfid Id)> All()
    {
        lock (_lock)
        {
            return [.. _held.Keys];
        }
    }

    /// <summary>A client has gone: what nobody else has any more.</summary>
    public List<(Gfid Gfid, Gfid Id)> TakeOf(ClientIdentity client)
    {
        var left = new List<(Gfid, Gfid)>();
        lock (_lock)
        {
            foreach (var (key, holders) in new List<KeyValuePair<(Gfid Gfid, Gfid Id), List<LeaseHolder>>>(_held))
            {
                if (holders.RemoveAll(one => ReferenceEquals(one.Client, client)) > 0 && holders.Count == 0)
                {
                    _held.Remove(key);
                    left.Add(key);
                }
            }
        }

        return left;
    }

    private readonly record struct LeaseHolder(ClientIdentity? Client, int Count);
}
