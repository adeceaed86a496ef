using System;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Runtime.Simulation;

/// <summary>
/// Runs asynchronous code on the loop of a simulated node: what follows an await is posted there, whoever completed it,
/// so that it happens in virtual time, in an order the seed decides, and not at all after the node has crashed.
/// </summary>
public static class SimTasks
{
    /// <summary>
    /// Starts <paramref name="work"/> on the node as its next posted work. The task ends with it; when the node
    /// crashes, never. It must not be waited for by blocking: run the world until it is complete.
    /// </summary>
    public static Task<T> Start<T>(SimNode node, Func<Task<T>> work)
    {
        var context = new SimContext(node.Seams.Scheduler.Post);
        var done = new TaskCompletionSource<T>();
        context.Post(_ => Forward(work(), done), null);
        return done.Task;
    }

    /// <inheritdoc cref="Start{T}"/>
    public static Task Start(SimNode node, Func<Task> work) => Start(node, async () =>
    {
        await work();
        return true;
    });

    private static void Forward<T>(Task<T> work, TaskCompletionSource<T> done) => _ = work.ContinueWith(
        ended =>
        {
            if (ended.IsFaulted)
            {
                done.SetException(ended.Exception!.InnerExceptions);
            }
            else if (ended.IsCanceled)
            {
                done.SetCanceled(CancellationToken.None);
            }
            else
            {
                done.SetResult(ended.Result);
            }
        },
        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
