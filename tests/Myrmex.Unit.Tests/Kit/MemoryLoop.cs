using System;
using System.Collections.Generic;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>
/// Clock, loop and workers of one virtual thread, like <see cref="ManualTime"/>, but posting and running allocate nothing once
/// its queues have grown: for tests that count allocations. Workers may be held back.
/// </summary>
internal sealed class MemoryLoop : IClock, IScheduler, IWorkers
{
    private readonly PriorityQueue<Timer, (long DueNs, long Number)> _timers = new();
    private readonly Queue<object> _posted = new(1024);
    private readonly Queue<IWork> _work = new(1024);
    private long _number;

    public long MonotonicNs { get; private set; } = 1_000_000_000;

    public long WallNs => 1_700_000_000_000_000_000 + MonotonicNs;

    public bool IsCurrentThread => true;

    /// <summary>What is submitted to workers waits until the test clears this.</summary>
    public bool HoldWork { get; set; }

    public int WaitingWork => _work.Count;

    /// <summary>Timers that have fired.</summary>
    public int FiredCount { get; private set; }

    public void Post(IWork work) => _posted.Enqueue(work);

    public void Post(Action action) => _posted.Enqueue(action);

    public void Submit(IWork work) => _work.Enqueue(work);

    public IDisposable Schedule(long delayMs, Action action)
    {
        var timer = new Timer(action);
        _timers.Enqueue(timer, (MonotonicNs + (delayMs * 1_000_000), _number++));
        return timer;
    }

    /// <summary>Runs what is posted, and what follows from it, until nothing is left.</summary>
    public void Run()
    {
        while (true)
        {
            if (_posted.TryDequeue(out var item))
            {
                RunOne(item);
            }
            else if (!HoldWork && _work.TryDequeue(out var work))
            {
                work.Run();
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Runs one piece of the work that is held back.</summary>
    public void RunHeldWork() => _work.Dequeue().Run();

    /// <summary>Lets time pass; timers fire in order, each at its time.</summary>
    public void Advance(long ms)
    {
        var endNs = MonotonicNs + (ms * 1_000_000);
        Run();
        while (_timers.TryPeek(out var timer, out var due) && due.DueNs <= endNs)
        {
            _timers.Dequeue();
            MonotonicNs = Math.Max(MonotonicNs, due.DueNs);
            FiredCount += timer.Fire() ? 1 : 0;
            Run();
        }

        MonotonicNs = endNs;
    }

    /// <summary>Time passes in which nothing runs.</summary>
    public void Stall(long ms) => MonotonicNs += ms * 1_000_000;

    private static void RunOne(object item)
    {
        if (item is IWork work)
        {
            work.Run();
        }
        else
        {
            ((Action)item)();
        }
    }

    private sealed class Timer(Action action) : IDisposable
    {
        private Action? _action = action;

        public bool Fire()
        {
            var isSet = _action is not null;
            _action?.Invoke();
            return isSet;
        }

        public void Dispose() => _action = null;
    }
}
