using System;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Somebody who waits for an event or for the end of a time, once. What follows runs on the loop of the seams, or on a
/// worker when it may block; never on the thread that completes it.
/// </summary>
internal sealed class Waiter(Seams seams, bool mayBlock = false) : IValueTaskSource<bool>, IWork
{
    private ManualResetValueTaskSourceCore<bool> _core;
    private IDisposable? _timer;
    private int _isDone;
    private bool _result;

    /// <summary>True for the event, false for the end of the time; await it once.</summary>
    public ValueTask<bool> Task => new(this, _core.Version);

    public bool IsDone => Volatile.Read(ref _isDone) != 0;

    /// <summary>Ends the waiting in so many milliseconds.</summary>
    public void EndAfter(long ms)
    {
        if (ms > SendingRules.NeverMs / 2)
        {
            return; // As long as it takes.
        }

        Volatile.Write(ref _timer, seams.Scheduler.Schedule(ms, () => TryComplete(false)));
        if (IsDone)
        {
            _timer!.Dispose();
        }
    }

    /// <summary>False when the waiting was over already.</summary>
    public bool TryComplete(bool result)
    {
        if (Interlocked.Exchange(ref _isDone, 1) != 0)
        {
            return false;
        }

        _result = result;
        Volatile.Read(ref _timer)?.Dispose();
        if (mayBlock)
        {
            seams.Workers.Submit(this);
        }
        else
        {
            seams.Scheduler.Post(this);
        }

        return true;
    }

    public void Run() => _core.SetResult(_result);

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);
}
