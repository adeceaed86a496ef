using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Host.Rebalance;

internal static class Pauses
{
    /// <summary>Ends after <paramref name="milliseconds"/>.</summary>
    public static async Task WaitAsync(IScheduler scheduler, long milliseconds)
    {
        // Completed in place: the other way leads over the pool, out of a simulated world.
        var over = new TaskCompletionSource();
        using var timer = scheduler.Schedule(milliseconds, () => over.TrySetResult());
        await over.Task;
    }
}
