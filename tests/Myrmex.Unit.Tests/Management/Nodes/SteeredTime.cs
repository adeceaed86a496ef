using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Unit.Tests.Kit;

namespace Myrmex.Unit.Tests.Management.Nodes;

/// <summary>
/// Real time for what is brief, as connections are; timers of more than two seconds wait until the test lets time pass.
/// </summary>
internal sealed class SteeredTime : IClock, IScheduler
{
    private const long RealMsMax = 2_000;

    private readonly Lock _lock = new(); // Guards _held and _passedNs; a leaf lock.
    private readonly List<Held> _held = [];
    private long _passedNs;

    public SteeredTime() =>
        Seams = new Seams(this, LinuxRandom.Shared, this, new ManualTime(), new NoNetwork());

    public Seams Seams { get; }

    public bool IsCurrentThread => false;

    public long MonotonicNs => LinuxClock.Shared.MonotonicNs + Interlocked.Read(ref _passedNs);

    public long WallNs => LinuxClock.Shared.WallNs + Interlocked.Read(ref _passedNs);

    public void Post(IWork work) => ThreadPool.QueueUserWorkItem(_ => work.Run());

    public void Post(Action action) => ThreadPool.QueueUserWorkItem(_ => action());

    public IDisposable Schedule(long delayMs, Action action)
    {
        if (delayMs <= RealMsMax)
        {
            return new Timer(_ => action(), null, delayMs, Timeout.Infinite);
        }

        var held = new Held(MonotonicNs + (delayMs * 1_000_000), action);
        lock (_lock)
        {
            _held.Add(held);
        }

        return held;
    }

    /// <summary>Lets time pass for everyone at once.</summary>
    public void Pass(TimeSpan time)
    {
        Interlocked.Add(ref _passedNs, time.Ticks * 100);
        List<Held> due;
        lock (_lock)
        {
            due = [.. _held.Where(h => h.DueNs <= MonotonicNs).OrderBy(h => h.DueNs)];
            _held.RemoveAll(h => h.DueNs <= MonotonicNs);
        }

        due.ForEach(h => h.Fire());
    }

    private sealed class Held(long dueNs, Action action) : IDisposable
    {
        private Action? _action = action;

        public long DueNs => dueNs;

        public void Fire() => _action?.Invoke();

        public void Dispose() => _action = null;
    }
}
