using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// The locks that translators above take among themselves, and at which leader. They are not taken again at another
/// one: whoever holds a lost lock hears ENOTCONN when it asks for another, as it would from a lost connection, until
/// it has given up what it had.
/// </summary>
internal sealed class InternalLocks
{
    private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
    private readonly Dictionary<LkOwner, List<Held>> _byOwner = [];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Whether an owner holds a lock that the leader does not know.</summary>
    public bool HasLost(LkOwner owner, Lead lead)
    {
        lock (_lock)
        {
            return _byOwner.TryGetValue(owner, out var held) && held.Exists(h => !h.IsAt(lead));
        }
    }

    /// <summary>A lock was granted.</summary>
    /// <param name="owner">Its owner.</param>
    /// <param name="granted">The lock; copied.</param>
    /// <param name="lead">Where.</param>
    /// <param name="losses"><see cref="Member.Losses"/> of that member when the lock was asked for.</param>
    public void Add(LkOwner owner, in InternalLock granted, Lead lead, int losses)
    {
        lock (_lock)
        {
            if (_count >= ClientLimits.InternalLocksMax)
            {
                return;
            }

            if (!_byOwner.TryGetValue(owner, out var held))
            {
                held = [];
                _byOwner.Add(owner, held);
            }

            held.Add(new Held(granted.ToOwned(), lead, losses));
            Volatile.Write(ref _count, _count + 1);
        }
    }

    /// <summary>Takes the latest such lock out; false when none is known.</summary>
    /// <param name="owner">Its owner.</param>
    /// <param name="released">The lock.</param>
    /// <param name="lead">The present leader.</param>
    /// <param name="wasLost">It was granted elsewhere.</param>
    public bool TryRemove(LkOwner owner, in InternalLock released, Lead lead, out bool wasLost)
    {
        wasLost = false;
        lock (_lock)
        {
            if (!_byOwner.TryGetValue(owner, out var held))
            {
                return false;
            }

            var wanted = released;
            var index = held.FindLastIndex(h => h.Lock == wanted);
            if (index < 0)
            {
                return false;
            }

            wasLost = !held[index].IsAt(lead);
            held.RemoveAt(index);
            Volatile.Write(ref _count, _count - 1);
            if (held.Count == 0)
            {
                _byOwner.Remove(owner);
            }

            return true;
        }
    }

    /// <summary>What a client of a door holds.</summary>
    public List<(LkOwner Owner, InternalLock Lock)> OfClient(ClientIdentity client)
    {
        var found = new List<(LkOwner, InternalLock)>();
        lock (_lock)
        {
            foreach (var (owner, held) in _byOwner)
            {
                if (ClientOwner.IsOf(client, owner))
                {
                    held.ForEach(h => found.Add((owner, h.Lock)));
                }
            }
        }

        return found;
    }

    private readonly record struct Held(InternalLock Lock, Lead Lead, int Losses)
    {
        public bool IsAt(Lead lead) =>
            Lead.Member == lead.Member && Lead.Number == lead.Number && Losses == lead.Member.Losses;
    }
}
