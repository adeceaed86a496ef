using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Management;

internal static class Pauses
{
    /// <summary>Ends after <paramref name="milliseconds"/>.</summary>
    public static async Task WaitAsync(IScheduler scheduler, long milliseconds, CancellationToken cancellation)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timer = scheduler.Schedule(milliseconds, () => over.TrySetResult());
        await over.Task.WaitAsync(cancellation);
    }
}

/// <summary>"Look again": any number of sets before a look count as one. One looker at a time.</summary>
internal sealed class Signal
{
    private readonly Lock _lock = new(); // Guards both fields; a leaf lock.
    private TaskCompletionSource? _looker;
    private bool _isSet;

    public void Set()
    {
        TaskCompletionSource? looker;
        lock (_lock)
        {
            _isSet = true;
            looker = _looker;
        }

        looker?.TrySetResult();
    }

    /// <summary>
    /// Ends when the signal is set, or after <paramref name="milliseconds"/>; the signal is then unset. True when it was
    /// set.
    /// </summary>
    public async Task<bool> WaitAsync(IScheduler scheduler, long milliseconds, CancellationToken cancellation)
    {
        var looker = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_isSet)
            {
                _isSet = false;
                return true;
            }

            _looker = looker;
        }

        using (scheduler.Schedule(milliseconds, () => looker.TrySetResult()))
        {
            await looker.Task.WaitAsync(cancellation);
        }

        lock (_lock)
        {
            var wasSet = _isSet;
            _isSet = false;
            _looker = null;
            return wasSet;
        }
    }
}
