using System;
using System.Collections.Generic;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

/// <summary>
/// The state store of a simulated world: linearizable, with leases; what goes wrong on the way to it is elsewhere.
/// </summary>
internal sealed class WorldStore
{
    public const string Prefix = "rs/";

    private readonly Dictionary<string, StateEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<long, long> _leases = [];
    private long _revision = 1;
    private long _lease;
    private StoreState? _state;

    /// <summary>All keys, as the engines see them.</summary>
    public StoreState State => _state ??= StoreState.From(new Revision(_revision), Prefix, [.. _entries.Values]);

    public LeaseId Grant(long untilUs)
    {
        _leases[++_lease] = untilUs;
        return new LeaseId(_lease);
    }

    public bool Renew(LeaseId lease, long untilUs)
    {
        if (!_leases.ContainsKey(lease.Value))
        {
            return false;
        }

        _leases[lease.Value] = untilUs;
        return true;
    }

    /// <summary>When a lease ends, or 0 for one that has ended.</summary>
    public long EndOf(LeaseId lease) => _leases.GetValueOrDefault(lease.Value);

    public bool Revoke(LeaseId lease)
    {
        _leases.Remove(lease.Value);
        foreach (var entry in _entries.Values)
        {
            if (entry.Lease == lease && lease != LeaseId.None)
            {
                _entries.Remove(entry.Key);
                Changed();
                return true; // A node has one key by its lease.
            }
        }

        return false;
    }

    public void Put(string name, byte[] value) => Put(Prefix + name, value, LeaseId.None);

    /// <returns>Whether the conditions held; null when a lease it names is gone, and nothing was made.</returns>
    public bool Commit(StateTransaction transaction, out bool isChanged)
    {
        var before = _revision;
        var holds = true;
        foreach (var condition in transaction.Conditions)
        {
            holds &= Holds(condition);
        }

        foreach (var operation in holds ? transaction.Then : transaction.Else)
        {
            switch (operation)
            {
                case Operation.Put put when put.Lease != LeaseId.None && !_leases.ContainsKey(put.Lease.Value):
                    break; // Granted by a lease that has just ended: the key would be gone at once.
                case Operation.Put put:
                    Put(put.Key, put.Value, put.Lease);
                    break;
                case Operation.Delete delete:
                    if (_entries.Remove(delete.Range.Start))
                    {
                        Changed();
                    }

                    break;
                default:
                    break;
            }
        }

        isChanged = _revision != before;
        return holds;
    }

    private bool Holds(Condition condition)
    {
        _entries.TryGetValue(condition.Key, out var entry);
        return condition.Target switch
        {
            ConditionTarget.Created => (entry?.Created.Value ?? 0) == condition.Number,
            ConditionTarget.Modified => (entry?.Modified.Value ?? 0) == condition.Number,
            ConditionTarget.Value => entry is not null && entry.Value.Span.SequenceEqual(condition.Value.Span),
            _ => throw new InvalidOperationException("a condition the simulated store does not know"),
        };
    }

    private void Put(string key, ReadOnlyMemory<byte> value, LeaseId lease)
    {
        Changed();
        var revision = new Revision(_revision);
        var created = _entries.TryGetValue(key, out var old) ? old.Created : revision;
        _entries[key] = new StateEntry(key, value, created, revision, (old?.Version ?? 0) + 1, lease);
    }

    private void Changed()
    {
        _revision++;
        _state = null;
    }
}
