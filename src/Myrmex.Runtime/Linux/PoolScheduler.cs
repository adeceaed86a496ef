using System;
using System.Threading;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Timers and work on threads of the runtime's pool: in no order, and whatever the loops are at. For what looks after
/// them.
/// </summary>
internal sealed class PoolScheduler : IScheduler
{
    public static PoolScheduler Shared { get; } = new();

    public bool IsCurrentThread => false;

    public void Post(IWork work) => ThreadPool.QueueUserWorkItem(static w => w.Run(), work, preferLocal: false);

    public void Post(Action action) => ThreadPool.QueueUserWorkItem(static a => a(), action, preferLocal: false);

    public IDisposable Schedule(long delayMs, Action action) =>
        new Timer(static a => ((Action)a!)(), action, delayMs, Timeout.Infinite); // It is given one.
}
