using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Coordination;

/// <summary>
/// A store inside this process. One change at a time is computed, made durable and then made visible, in this order, so
/// that nobody ever sees what a crash could take back. Reads never wait for the disk.
/// </summary>
public abstract class LocalStore : IStateStore
{
    private readonly StateEngine _engine;
    private readonly IClock _clock;
    private readonly SemaphoreSlim _writer = new(1, 1); // Held from Prepare to Apply; taken before _memory.
    private readonly Lock _memory = new(); // Guards _engine, _changed and _broken; a leaf lock.
    private TaskCompletionSource _changed = NewSignal();
    private Exception? _broken;
    private bool _disposed;

    /// <param name="historyRevisionsMax">Revisions whose changes are kept for watchers.</param>
    protected LocalStore(IClock clock, int historyRevisionsMax)
    {
        _clock = clock;
        _engine = new StateEngine(historyRevisionsMax);
    }

    internal StateEngine Engine => _engine;

    /// <inheritdoc/>
    public async Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        if (TransactionRules.IsRead(transaction))
        {
            await ExpireLeasesAsync(cancellation);
            lock (_memory)
            {
                ThrowIfUnusable();
                return _engine.Prepare(transaction).Result;
            }
        }

        await _writer.WaitAsync(cancellation);
        try
        {
            ExpireLeases();
            return Commit(Locked(transaction, static (engine, t) => engine.Prepare(t)));
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange range, Revision from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var next = from;
        while (true)
        {
            WatchBatch? batch;
            Task changed;
            lock (_memory)
            {
                ThrowIfUnusable();
                next = next == Revision.None ? _engine.Revision.Next : next;
                batch = _engine.NextBatch(range, next, out next);
                changed = _changed.Task;
            }

            if (batch is not null)
            {
                yield return batch;
            }
            else
            {
                await changed.WaitAsync(cancellation);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation)
    {
        await _writer.WaitAsync(cancellation);
        try
        {
            var lease = Locked(seconds, static (engine, s) => engine.NewLease(s));
            Guarded(() => PersistLease(lease.Id, lease.Seconds));
            lock (_memory)
            {
                _engine.AddLease(lease, _clock.MonotonicNs);
            }

            return lease.Id;
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <inheritdoc/>
    public async Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation)
    {
        await ExpireLeasesAsync(cancellation);
        lock (_memory)
        {
            ThrowIfUnusable();
            return _engine.KeepAlive(lease, _clock.MonotonicNs);
        }
    }

    /// <inheritdoc/>
    public async Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation)
    {
        await _writer.WaitAsync(cancellation);
        try
        {
            if (Locked(lease, static (engine, id) => engine.HasLease(id)))
            {
                Commit(Locked(lease, static (engine, id) => engine.PrepareEnd([id])));
            }
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>
    /// Ends the leases whose time is over. Every call does this first; the owner calls it regularly (each second) so
    /// that watchers hear of lost keys when nobody calls.
    /// </summary>
    public async Task ExpireLeasesAsync(CancellationToken cancellation)
    {
        lock (_memory)
        {
            if (_engine.DueLeases(_clock.MonotonicNs).Count == 0)
            {
                return;
            }
        }

        await _writer.WaitAsync(cancellation);
        try
        {
            ExpireLeases();
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Closes the store; watchers end with <see cref="StateStoreException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _writer.WaitAsync();
        try
        {
            TaskCompletionSource changed;
            lock (_memory)
            {
                if (_disposed)
                {
                    return;
                }

                _disposed = true;
                changed = _changed;
            }

            changed.SetResult();
            CloseFile();
        }
        finally
        {
            _writer.Release();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Makes a commit durable before it is seen. Throws <see cref="TransactionRefusedException"/> when it certainly has
    /// not taken effect, anything else when that is unknown.
    /// </summary>
    internal abstract void Persist(PreparedCommit commit, Revision oldestKept);

    internal abstract void PersistLease(LeaseId lease, long seconds);

    internal abstract void CloseFile();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TResult Locked<TState, TResult>(TState state, Func<StateEngine, TState, TResult> function)
    {
        lock (_memory)
        {
            ThrowIfUnusable();
            return function(_engine, state);
        }
    }

    private void ExpireLeases()
    {
        var due = Locked(_clock.MonotonicNs, static (engine, now) => engine.DueLeases(now));
        if (due.Count > 0)
        {
            Commit(Locked(due, static (engine, leases) => engine.PrepareEnd(leases)));
        }
    }

    private TransactionResult Commit(PreparedCommit commit)
    {
        if (commit.Changes.Count == 0 && commit.EndedLeases.Count == 0)
        {
            return commit.Result;
        }

        Guarded(() => Persist(commit, _engine.OldestKept));
        TaskCompletionSource changed;
        lock (_memory)
        {
            _engine.Apply(commit);
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
        return commit.Result;
    }

    /// <summary>
    /// When it is unknown whether the disk has the change, memory may differ from disk: the store stops, and a new
    /// process reads what is true.
    /// </summary>
    private void Guarded(Action persist)
    {
        try
        {
            persist();
        }
        catch (Exception e) when (e is not TransactionRefusedException)
        {
            TaskCompletionSource changed;
            lock (_memory)
            {
                _broken = e;
                changed = _changed;
                _changed = NewSignal();
            }

            changed.SetResult();
            throw new StateStoreException($"the state store failed: {e.Message}", e);
        }
    }

    private void ThrowIfUnusable()
    {
        if (_disposed)
        {
            throw StateStoreException.Closed();
        }

        if (_broken is not null)
        {
            throw new StateStoreException($"the state store failed before: {_broken.Message}", _broken);
        }
    }
}

/// <summary>The store could not take it, and certainly nothing has changed: a full disk, nobody to ask.</summary>
public sealed class TransactionRefusedException(string message, Exception? inner = null)
    : StateStoreException(message, inner);
