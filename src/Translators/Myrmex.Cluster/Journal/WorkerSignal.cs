using System;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Wakes one loop, which goes on as a job of the workers; in a simulated world, where it began. A signal that comes
/// while the loop is at work is kept for its next wait; many of them are one. Allocates nothing.
/// </summary>
internal sealed class WorkerSignal(IWorkers workers) : IValueTaskSource<bool>, IWork
{
    private readonly Lock _lock = new(); // Guards the two; a leaf lock.
    private bool _isSet;
    private bool _isWaiting;
    private ManualResetValueTaskSourceCore<bool> _core;

    /// <summary>Any thread.</summary>
    public void Set()
    {
        lock (_lock)
        {
            if (!_isWaiting)
            {
                _isSet = true;
                return;
            }

            _isWaiting = false;
        }

        workers.Submit(this);
    }

    /// <summary>Only one waits at a time. The answer means nothing.</summary>
    public ValueTask<bool> WaitAsync()
    {
        lock (_lock)
        {
            Invariant.Check(!_isWaiting);
            if (_isSet)
            {
                _isSet = false;
                return new ValueTask<bool>(true);
            }

            _core.Reset();
            _isWaiting = true;
            return new ValueTask<bool>(this, _core.Version);
        }
    }

    /// <summary>On a worker; only the pool calls it.</summary>
    public void Run() => _core.SetResult(true);

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext);
}
