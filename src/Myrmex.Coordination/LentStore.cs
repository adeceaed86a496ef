using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Coordination;

/// <summary>
/// A store for as long as it is not disposed of; the store below, whose owner is another, goes on. Who still has this
/// one gets <see cref="StateStoreException"/>, and no change of his comes through any more: those that were under
/// way have come to their end when <see cref="DisposeAsync"/> does.
/// </summary>
public sealed class LentStore(IStateStore inner) : ForwardingStore(inner)
{
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new(); // Guards the two after; a leaf lock.
    private int _underWay = 1; // One is for being open.
    private bool _isClosed;

    /// <inheritdoc/>
    public override Task<TransactionResult> CommitAsync(
        StateTransaction transaction, CancellationToken cancellation) =>
        CallAsync(() => Inner.CommitAsync(transaction, cancellation));

    /// <inheritdoc/>
    public override async IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange range, Revision from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ThrowIfClosed();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token);
        await using var batches = Inner.WatchAsync(range, from, either.Token).GetAsyncEnumerator(either.Token);
        while (true)
        {
            try
            {
                if (!await batches.MoveNextAsync())
                {
                    yield break;
                }
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw StateStoreException.Closed();
            }

            yield return batches.Current;
        }
    }

    /// <inheritdoc/>
    public override Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation) =>
        CallAsync(() => Inner.GrantLeaseAsync(seconds, cancellation));

    /// <inheritdoc/>
    public override Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation) =>
        CallAsync(() => Inner.KeepLeaseAliveAsync(lease, cancellation));

    /// <inheritdoc/>
    public override Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation) => CallAsync(async () =>
    {
        await Inner.RevokeLeaseAsync(lease, cancellation);
        return true;
    });

    /// <summary>Ends watches, and waits for the calls that are under way.</summary>
    public override async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                Leave();
            }
        }

        await _closing.CancelAsync();
        await _idle.Task;
    }

    private async Task<T> CallAsync<T>(Func<Task<T>> call)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            _underWay++;
        }

        try
        {
            return await call();
        }
        finally
        {
            lock (_lock)
            {
                Leave();
            }
        }
    }

    private void Leave()
    {
        if (--_underWay == 0)
        {
            _idle.SetResult();
        }
    }

    private void ThrowIfClosed()
    {
        if (_isClosed)
        {
            throw StateStoreException.Closed();
        }
    }
}
