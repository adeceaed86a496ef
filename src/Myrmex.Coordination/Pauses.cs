using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Coordination;

/// <summary>Waiting by the scheduler, so that a test owns the time.</summary>
public static class Pauses
{
    /// <summary>
    /// Ends after <paramref name="milliseconds"/>, on a thread of the pool, or where the synchronization context says
    /// (the loop of a simulated node).
    /// </summary>
    public static async Task WaitAsync(IScheduler scheduler, long milliseconds, CancellationToken cancellation)
    {
        // Completed in place: the other way leads over the pool, out of a simulated world.
        var over = new TaskCompletionSource();
        using var timer = scheduler.Schedule(milliseconds, () => over.TrySetResult());
        await over.Task.WaitAsync(cancellation);
        await Task.Yield(); // The loop of the timer must not be kept by what follows.
    }

    /// <summary>
    /// Ends when <paramref name="end"/> is cancelled, as <see cref="WaitAsync"/> does; throws for the other token.
    /// </summary>
    public static async Task UntilAsync(CancellationToken end, CancellationToken cancellation)
    {
        var over = new TaskCompletionSource();
        await using var registration = end.Register(() => over.TrySetResult());
        await over.Task.WaitAsync(cancellation);
        await Task.Yield();
    }

    /// <summary>
    /// True when <paramref name="task"/> ends, in whatever way, within <paramref name="milliseconds"/>. Continues as
    /// <see cref="WaitAsync"/> does; the task goes on when this is cancelled.
    /// </summary>
    internal static async Task<bool> EndsAsync(
        Task task, IScheduler scheduler, long milliseconds, CancellationToken cancellation)
    {
        if (!task.IsCompleted)
        {
            var over = new TaskCompletionSource();
            using var timer = scheduler.Schedule(milliseconds, () => over.TrySetResult());
            await Task.WhenAny(task, over.Task).WaitAsync(cancellation);
            await Task.Yield();
        }

        return task.IsCompleted;
    }
}
