using System;
using System.Collections.Generic;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>
/// Clock, scheduler and workers of one virtual thread: nothing runs until the test says so, and in an order that depends on the
/// test alone.
/// </summary>
internal sealed class ManualTime : IClock, IScheduler, IWorkers
{
    private readonly Queue<Action> _posted = new();
    private readonly PriorityQueue<Timer, (long DueNs, long Number)> _timers = new();
    private long _number;

    public long MonotonicNs { get; private set; } = 1_000_000_000;

    public long WallNs { get; set; } = 1_700_000_000_123_456_789;

    public bool IsCurrentThread => true;

    public int TimerCount => _timers.Count;

    public void Post(IWork work) => _posted.Enqueue(work.Run);

    public void Post(Action action) => _posted.Enqueue(action);

    public void Submit(IWork work) => _posted.Enqueue(work.Run);

    public IDisposable Schedule(long delayMs, Action action)
    {
        var timer = new Timer(action);
        _timers.Enqueue(timer, (MonotonicNs + (delayMs * 1_000_000), _number++));
        return timer;
    }

    /// <summary>Runs what is posted until nothing is left.</summary>
    public void RunPosted()
    {
        while (_posted.TryDequeue(out var action))
        {
            action();
        }
    }

    /// <summary>Lets time pass; timers fire in order, each at its time.</summary>
    public void Advance(long ms)
    {
        var endNs = MonotonicNs + (ms * 1_000_000);
        RunPosted();
        while (_timers.TryPeek(out var timer, out var due) && due.DueNs <= endNs)
        {
            _timers.Dequeue();
            MonotonicNs = Math.Max(MonotonicNs, due.DueNs);
            timer.Fire();
            RunPosted();
        }

        MonotonicNs = endNs;
    }

    private sealed class Timer(Action action) : IDisposable
    {
        private Action? _action = action;

        public void Fire() => _action?.Invoke();

        public void Dispose() => _action = null;
    }
}
