using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Coordination;

/// <summary>The single-operation transactions.</summary>
public static class StateStoreExtensions
{
    /// <summary>The entry, or null when the key does not exist.</summary>
    public static async Task<StateEntry?> GetAsync(this IStateStore store, string key, CancellationToken cancellation)
    {
        var entries = await store.RangeAsync(KeyRange.Single(key), cancellation);
        return entries.Count == 0 ? null : entries[0];
    }

    /// <summary>All entries of the range, in key order, as of one revision.</summary>
    public static async Task<IReadOnlyList<StateEntry>> RangeAsync(
        this IStateStore store, KeyRange range, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(StateTransaction.Always(new Operation.Get(range, Limit: 0)), cancellation);
        return result.Results[0].Entries;
    }

    /// <summary>Sets the key whatever it was; answers the revision of the put.</summary>
    public static async Task<Revision> PutAsync(
        this IStateStore store, string key, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(StateTransaction.Always(Operation.PutValue(key, value)), cancellation);
        return result.Revision;
    }

    /// <summary>True when there was something to delete.</summary>
    public static async Task<bool> DeleteAsync(this IStateStore store, string key, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(StateTransaction.Always(Operation.DeleteKey(key)), cancellation);
        return result.Results[0].Deleted > 0;
    }

    /// <summary>
    /// Sets the key only if it was last changed at <paramref name="expected"/> (<see cref="Revision.None"/>: if
    /// missing).
    /// </summary>
    public static async Task<bool> CompareAndPutAsync(
        this IStateStore store, string key, Revision expected, ReadOnlyMemory<byte> value,
        CancellationToken cancellation)
    {
        var transaction = new StateTransaction(
            [Condition.Unchanged(key, expected)], [Operation.PutValue(key, value)], []);
        var result = await store.CommitAsync(transaction, cancellation);
        return result.Succeeded;
    }
}
