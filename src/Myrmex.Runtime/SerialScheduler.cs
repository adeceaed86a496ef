using System;
using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Runtime;

/// <summary>
/// A scheduler without a thread: what is posted runs one after the other, in order, on whichever thread is at hand. A
/// loop runs what was posted in its turn at the end of that turn; who posts from elsewhere wakes the home loop, unless
/// somebody is at it already. So work that comes with a message, or with the end of a job, needs no other thread to be
/// woken, which costs more than most of it. All members are safe for all threads.
/// </summary>
/// <param name="home">Has the timers, and runs what no loop has posted.</param>
public sealed class SerialScheduler(IScheduler home) : IScheduler, IWork
{
    /// <summary>After so many pieces of work in one go the home loop goes on with the rest.</summary>
    private const int ItemsPerRun = 512;

    /// <summary>The same for who has handed one over, and has other things to do.</summary>
    private const int ItemsPerHand = 16;

    /// <summary>Rounds over all that is due at the end of one turn.</summary>
    private const int RoundsPerTurn = 16;

    // What this loop has to run before its turn ends; null on threads that are no loops.
    [ThreadStatic]
    private static List<SerialScheduler>? _due;

    [ThreadStatic]
    private static SerialScheduler? _running;

    private readonly Lock _lock = new(); // Guards _queue and _isOwned; a leaf lock.
    private List<object> _queue = new(16); // IWork or Action
    private List<object> _items = new(16); // The owner's.
    private bool _isOwned; // Somebody runs it, or is about to.

    /// <summary>This thread is at its work.</summary>
    public bool IsCurrentThread => ReferenceEquals(_running, this);

    public void Post(IWork work) => PostItem(work);

    public void Post(Action action) => PostItem(action);

    /// <summary>
    /// As <see cref="Post(IWork)"/>, but on a thread that is no loop it runs before the return if nobody else is at it,
    /// and what it sends leaves at once. For threads that may wait; the caller holds no lock.
    /// </summary>
    public void Hand(IWork work)
    {
        if (_due is not null || _running is not null)
        {
            PostItem(work);
            return;
        }

        lock (_lock)
        {
            _queue.Add(work);
            if (_isOwned)
            {
                return;
            }

            _isOwned = true;
        }

        RunUpTo(ItemsPerHand);
        FlushBatch.FlushNow();
    }

    public IDisposable Schedule(long delayMs, Action action)
    {
        var timer = new SerialTimer(this, action);
        timer.Begin(home, delayMs);
        return timer;
    }

    /// <summary>Runs what waits, until nothing does; only who owns it calls this.</summary>
    public void Run() => RunUpTo(ItemsPerRun);

    private void RunUpTo(int left)
    {
        var outer = _running;
        _running = this;
        while (TryTake(left <= 0))
        {
            left -= _items.Count;
            foreach (var item in _items)
            {
                RunItem(item);
            }

            _items.Clear();
        }

        _running = outer;
    }

    /// <summary>From now on this thread runs what is posted on it in <see cref="RunDue"/>; for a loop.</summary>
    internal static void BecomeLoop() => _due ??= [];

    /// <summary>
    /// Runs what was posted on this loop. At the end of each turn; and by who is about to wait for some of it here.
    /// </summary>
    public static void RunDue()
    {
        var due = _due;
        for (var round = 0; due is { Count: > 0 } && round < RoundsPerTurn; round++)
        {
            for (var i = due.Count; i > 0; i--)
            {
                var next = due[0];
                due.RemoveAt(0);
                next.Run();
            }
        }

        while (due is { Count: > 0 })
        {
            due[^1].GoHome();
            due.RemoveAt(due.Count - 1);
        }
    }

    private void GoHome() => home.Post(this);

    private void PostItem(object item)
    {
        lock (_lock)
        {
            _queue.Add(item);
            if (_isOwned)
            {
                return;
            }

            _isOwned = true;
        }

        if (_due is { } due)
        {
            due.Add(this);
        }
        else
        {
            GoHome();
        }
    }

    /// <summary>False when nothing is left, or others shall go on: it is not owned by this thread then.</summary>
    private bool TryTake(bool goesHome)
    {
        lock (_lock)
        {
            if (_queue.Count == 0)
            {
                _isOwned = false;
                return false;
            }

            if (!goesHome)
            {
                (_queue, _items) = (_items, _queue);
                return true;
            }
        }

        GoHome();
        return false;
    }

    private static void RunItem(object item)
    {
        try
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
        catch (Exception e)
        {
            Linux.Crash.Report(e, "serial");
        }
    }

    /// <summary>
    /// Not run once it is disposed of, by who is at the scheduler's work, although it may be posted then.
    /// </summary>
    private sealed class SerialTimer(SerialScheduler scheduler, Action action) : IDisposable, IWork
    {
        private IDisposable? _timer;
        private volatile bool _isDisposed;

        public void Begin(IScheduler home, long delayMs) => _timer = home.Schedule(delayMs, () => scheduler.Post(this));

        public void Run()
        {
            if (!_isDisposed)
            {
                action();
            }
        }

        public void Dispose()
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
    }
}
