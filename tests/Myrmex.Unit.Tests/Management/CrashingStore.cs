using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// A store whose owner is killed around a chosen change: before it took effect, or after it did but before the owner heard
/// of it. From then on nothing works.
/// </summary>
internal sealed class CrashingStore(IStateStore inner, int changesUntilCrash, bool after) : IStateStore
{
    private int _left = changesUntilCrash;

    public bool HasCrashed { get; private set; }

    /// <summary>The count begins anew.</summary>
    public void CrashAfter(int changes) => _left = changes;

    public async Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        ThrowIfCrashed();
        var changes = false;
        foreach (var operation in transaction.Then)
        {
            changes |= operation is not Operation.Get;
        }

        if (!changes || --_left > 0)
        {
            return await inner.CommitAsync(transaction, cancellation);
        }

        HasCrashed = true;
        if (after)
        {
            await inner.CommitAsync(transaction, cancellation);
        }

        throw new StateStoreException("killed");
    }

    public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, Revision from, CancellationToken cancellation) =>
        inner.WatchAsync(range, from, cancellation);

    public Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation) =>
        inner.GrantLeaseAsync(seconds, cancellation);

    public Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation) =>
        inner.KeepLeaseAliveAsync(lease, cancellation);

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
