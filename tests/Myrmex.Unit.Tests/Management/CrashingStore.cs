using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// A store whose owner is killed around a chosen change: before it took effect, or after it did but before the owner heard
/// of it. From then on nothing works, and its leases end.
/// </summary>
internal sealed class CrashingStore(IStateStore inner, int changesUntilCrash, bool after) : IStateStore
{
    private readonly System.Collections.Concurrent.ConcurrentBag<LeaseId> _leases = [];
    private int _left = changesUntilCrash;

    public bool HasCrashed { get; private set; }

    /// <summary>Changes are counted.</summary>
    public bool IsArmed { get; set; } = true;

    public async Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        ThrowIfCrashed();
        var changes = false;
        foreach (var operation in transaction.Then)
        {
            changes |= operation is not Operation.Get;
        }

        if (!IsArmed || !changes || Interlocked.Decrement(ref _left) > 0)
        {
            return await inner.CommitAsync(transaction, cancellation);
        }

        HasCrashed = true;
        if (after)
        {
            await inner.CommitAsync(transaction, cancellation);
        }

        foreach (var lease in _leases)
        {
            await inner.RevokeLeaseAsync(lease, CancellationToken.None); // It is not kept alive any more.
        }

        throw new StateStoreException("killed");
    }

    public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, Revision from, CancellationToken cancellation) =>
        inner.WatchAsync(range, from, cancellation);

    public async Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation)
    {
        ThrowIfCrashed();
        var lease = await inner.GrantLeaseAsync(seconds, cancellation);
        _leases.Add(lease);
        return lease;
    }

    public Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation)
    {
        ThrowIfCrashed();
        return inner.KeepLeaseAliveAsync(lease, cancellation);
    }

    public Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation) =>
        inner.RevokeLeaseAsync(lease, cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void ThrowIfCrashed()
    {
        if (HasCrashed)
        {
            throw new StateStoreException("killed");
        }
    }
}
