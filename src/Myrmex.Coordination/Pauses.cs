using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Coordination;

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
