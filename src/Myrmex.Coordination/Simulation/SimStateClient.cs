using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Coordination.Simulation;

/// <summary>
/// A process's view of a <see cref="SimStateService"/>. Use it from code that <see cref="SimTasks"/> runs on the node:
/// then everything happens in virtual time and in the order of the seed.
/// </summary>
public sealed class SimStateClient : IStateStore
{
    private readonly SimStateService _service;
    private readonly SimNode _node;
    private readonly IScheduler _loop;
    private readonly long _timeoutMs;
    private bool _isClosed;

    internal SimStateClient(SimStateService service, SimNode node, long timeoutMs)
    {
        _service = service;
        _node = node;
        _loop = node.Seams.Scheduler;
        _timeoutMs = timeoutMs;
    }

    /// <inheritdoc/>
    public Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        TransactionRules.Check(transaction);
        return CallAsync(store => store.CommitAsync(transaction, CancellationToken.None), cancellation);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange range, Revision from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var next = from;
        while (true)
        {
            var (batch, after) = await PollAsync(range, next, cancellation);
            next = after;
            if (batch is not null)
            {
                yield return batch;
            }
        }
    }

    /// <inheritdoc/>
    public Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation) =>
        CallAsync(store => store.GrantLeaseAsync(seconds, CancellationToken.None), cancellation);

    /// <inheritdoc/>
    public Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation) =>
        CallAsync(store => store.KeepLeaseAliveAsync(lease, CancellationToken.None), cancellation);

    /// <inheritdoc/>
    public Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation) => CallAsync(
        async store =>
        {
            await store.RevokeLeaseAsync(lease, CancellationToken.None);
            return true;
        },
        cancellation);

    public ValueTask DisposeAsync()
    {
        _isClosed = true;
        return ValueTask.CompletedTask;
    }

    private async Task<T> CallAsync<T>(Func<IStateStore, Task<T>> call, CancellationToken cancellation)
    {
        ThrowIfClosed();
        var answer = new TaskCompletionSource<T>();
        using var timer = _loop.Schedule(_timeoutMs, () => answer.TrySetException(
            new StateStoreException("the state store did not answer. Whether the change was made is not known")));
        _service.Send(_node, store =>
        {
            var result = call(store);
            Invariant.Check(result.IsCompleted); // A store in memory never waits when it is used by one thread.
            _service.Answer(_node, _loop, () => Complete(answer, result));
        });
        return await answer.Task.WaitAsync(cancellation);
    }

    /// <summary>
    /// One long poll. When nothing comes back in time, it is asked again from the same revision: nothing is missing and
    /// nothing comes twice, whatever was lost.
    /// </summary>
    private async Task<(WatchBatch? Batch, Revision Next)> PollAsync(
        KeyRange range, Revision from, CancellationToken cancellation)
    {
        ThrowIfClosed();
        var answer = new TaskCompletionSource<(WatchBatch? Batch, Revision Next)>();
        using var timer = _loop.Schedule(_timeoutMs, () => answer.TrySetResult((null, from)));
        _service.Send(_node, _ => _service.AwaitBatch(range, from, (batch, next, problem) =>
        {
            _service.Answer(_node, _loop, () =>
            {
                if (problem is null)
                {
                    answer.TrySetResult((batch, next));
                }
                else
                {
                    answer.TrySetException(problem);
                }
            });
        }));
        return await answer.Task.WaitAsync(cancellation);
    }

    private static void Complete<T>(TaskCompletionSource<T> answer, Task<T> result)
    {
        if (result.Exception is { } failed)
        {
            answer.TrySetException(failed.InnerExceptions);
        }
        else
        {
            answer.TrySetResult(result.GetAwaiter().GetResult());
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
