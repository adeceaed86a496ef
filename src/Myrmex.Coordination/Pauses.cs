using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Coordination;

internal static class Pauses
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
}
