using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Coordination;

/// <summary>
/// Passes everything on to a store that it does not own: disposing it does nothing. The base of what changes one thing
/// about a store.
/// </summary>
public class ForwardingStore(IStateStore inner) : IStateStore
{
    /// <summary>The store that calls are passed on to.</summary>
    protected IStateStore Inner => inner;

    public virtual Task<TransactionResult> CommitAsync(
        StateTransaction transaction, CancellationToken cancellation) => inner.CommitAsync(transaction, cancellation);

    public virtual IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange range, Revision from, CancellationToken cancellation) => inner.WatchAsync(range, from, cancellation);

    public virtual Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation) =>
        inner.GrantLeaseAsync(seconds, cancellation);

    public virtual Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation) =>
        inner.KeepLeaseAliveAsync(lease, cancellation);

    public virtual Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation) =>
        inner.RevokeLeaseAsync(lease, cancellation);

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
