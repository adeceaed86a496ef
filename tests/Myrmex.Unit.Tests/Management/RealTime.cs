using System;
using System.Threading;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Unit.Tests.Kit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>The real clock and timers, and no network; for loops that wait a few milliseconds.</summary>
internal sealed class RealTime : IScheduler
{
    private RealTime()
    {
    }

    public static Seams Seams { get; } = new(
        LinuxClock.Shared, LinuxRandom.Shared, new RealTime(), new ManualTime(), new NoNetwork());

    public bool IsCurrentThread => false;

    public void Post(IWork work) => ThreadPool.QueueUserWorkItem(_ => work.Run());

    public void Post(Action action) => ThreadPool.QueueUserWorkItem(_ => action());

    public IDisposable Schedule(long delayMs, Action action) => new Timer(_ => action(), null, delayMs, Timeout.Infinite);
}
