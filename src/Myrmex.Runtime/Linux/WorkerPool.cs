using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Threads that run jobs which may wait for the disk. Jobs submitted within one reactor turn are published together at its
/// end, and only as many sleeping workers are woken as the queue is worth: a wake-up costs more than a small job. A worker
/// takes several jobs at once while jobs are short, and one at a time while they are long. Threads begin when they are
/// needed for the first time: a client that has little to do has few. All members are safe for all threads; jobs may
/// run in any order.
/// </summary>
public sealed unsafe class WorkerPool : IWorkers, IDisposable
{
    /// <summary>The work, in nanoseconds, that is worth waking one more worker, and the work taken in one go.</summary>
    private const long BatchNs = 32_000;

    /// <summary>Replies are sent at least this often while a worker goes through its batch.</summary>
    private const long FlushNs = 50_000;

    /// <summary>When nobody has taken a job for so long although some wait, the awake workers must be blocked.</summary>
    private const long StuckNs = 500_000;

    [ThreadStatic]
    private static Collector? _collector;

    private readonly Worker[] _workers;
    private readonly Lock _lock = new(); // Guards everything below; a leaf lock.
    private IWork?[] _queue = new IWork?[1024]; // A ring; its length is a power of two.
    private int _head;
    private int _count;
    private Worker? _idle; // A stack: the last one to sleep has the warmest cache.
    private int _idleCount;
    private int _waking; // Woken workers that have not looked at the queue yet.
    private long _averageNs = BatchNs / Limits.WorkerBatchMax; // Moving average of a job's time.
    private long _lastTakeNs;
    private bool _stopping;
    private long _submitted;
    private long _wakes;
    private long _overLimit;
    private int _queueMax;

    public WorkerPool(int count, string name = "worker")
    {
        Invariant.Check(count > 0);
        _workers = new Worker[count];
        for (var i = count - 1; i >= 0; i--)
        {
            var worker = new Worker(this, $"{name}-{i}");
            _workers[i] = worker;
            if (i == 0)
            {
                worker.Begin(); // What comes later finds one, even if no other can be begun.
            }
            else
            {
                Push(worker);
            }
        }
    }

    public int Count => _workers.Length;

    /// <summary>Jobs waiting now.</summary>
    public int QueueLength => Volatile.Read(ref _count);

    /// <summary>The longest queue so far.</summary>
    public int QueueLengthMax => Volatile.Read(ref _queueMax);

    /// <summary>Jobs submitted so far.</summary>
    public long SubmittedCount => Volatile.Read(ref _submitted);

    /// <summary>Sleeping workers woken so far.</summary>
    public long WakeCount => Volatile.Read(ref _wakes);

    /// <summary>Jobs that met a queue longer than <see cref="Limits.WorkerQueueMax"/>; they are run all the same.</summary>
    public long OverLimitCount => Volatile.Read(ref _overLimit);

    /// <summary>Moving average of the time a job takes, in nanoseconds.</summary>
    public long JobNsAverage => Volatile.Read(ref _averageNs);

    public void Submit(IWork work)
    {
        var collector = _collector;
        if (collector is not { IsCollecting: true })
        {
            Publish(new ReadOnlySpan<IWork>(in work), isLate: true);
            return;
        }

        if (!ReferenceEquals(collector.Pool, this))
        {
            collector.Publish();
            collector.Pool = this;
        }

        collector.Items.Add(work);
    }

    public void SubmitNext(IWork work, InlineGate gate)
    {
        if (_collector is not ({ IsCollecting: true } or { IsWorker: true }) || _collector is not { } collector
            || collector.Next.Count >= Limits.NextMax || !gate.IsOpen)
        {
            Submit(work);
            return;
        }

        collector.NextPool = this;
        collector.Next.Add((work, gate));
    }

    public void Spread()
    {
        if (_collector is { IsWorker: true, Next: { Count: > 0 } next })
        {
            foreach (var (work, _) in next)
            {
                Submit(work);
            }

            next.Clear();
        }
    }

    /// <summary>Runs what is queued, then stops the threads and waits for them. What is submitted later is dropped.</summary>
    public void Dispose()
    {
        Worker? woken;
        lock (_lock)
        {
            _stopping = true;
            woken = TakeIdle(_idleCount);
        }

        WakeAll(woken, begins: false);
        foreach (var worker in _workers)
        {
            worker.Join();
            worker.Free();
        }
    }

    /// <summary>From now on this thread's submissions wait for <see cref="EndCollecting"/>; for the loop of a reactor.</summary>
    internal static void BeginCollecting() => (_collector ??= new Collector()).IsCollecting = true;

    internal static void EndCollecting()
    {
        var collector = _collector;
        if (collector is null)
        {
            return;
        }

        collector.IsCollecting = false;
        if (collector.Items.Count > 0)
        {
            collector.Publish();
        }
        else
        {
            collector.Pool?.WakeIfStuck();
        }
    }

    /// <summary>This thread has work that <see cref="SubmitNext"/> left to it.</summary>
    internal static bool HasNext => _collector is { Next.Count: > 0 };

    /// <summary>Runs it; what it adds goes to the workers.</summary>
    internal static void RunNext()
    {
        if (_collector is not { Next: { Count: > 0 } next } collector)
        {
            return;
        }

        collector.Publish();
        for (var i = 0; i < next.Count; i++)
        {
            var (work, gate) = next[i];
            if (!gate.TryEnter(out var startNs))
            {
                collector.NextPool!.Submit(work); // Set with the first one.
                continue;
            }

            RunGuarded(work);
            gate.Leave(startNs);
        }

        next.Clear();
    }

    private static void RunGuarded(IWork work)
    {
        try
        {
            work.Run();
        }
        catch (Exception e)
        {
            Crash.Report(e, Thread.CurrentThread.Name ?? string.Empty);
        }
    }

    /// <summary>
    /// How long the reactor of this thread may sleep before it must look at its pool again: -1 for ever, or 1 while jobs
    /// wait although workers sleep.
    /// </summary>
    internal static int BacklogTimeoutMs() => _collector?.Pool is { HasBacklogAndIdle: true } ? 1 : -1;

    private bool HasBacklogAndIdle => Volatile.Read(ref _count) > 0 && Volatile.Read(ref _idleCount) > 0;

    /// <param name="isLate">Nobody will look after these jobs later: wake one worker a job.</param>
    private void Publish(ReadOnlySpan<IWork> items, bool isLate)
    {
        Worker? woken;
        lock (_lock)
        {
            if (_stopping)
            {
                return;
            }

            foreach (var item in items)
            {
                Enqueue(item);
            }

            _submitted += items.Length;
            _queueMax = Math.Max(_queueMax, _count);
            if (_count > Limits.WorkerQueueMax)
            {
                _overLimit += items.Length;
            }

            var worth = isLate ? _count : (int)Math.Min(((_count * _averageNs) + BatchNs - 1) / BatchNs, _count);
            woken = TakeIdle(Math.Max(1, worth) - _waking);
        }

        WakeAll(woken);
    }

    private void WakeIfStuck()
    {
        if (!HasBacklogAndIdle || LinuxClock.Shared.MonotonicNs - Volatile.Read(ref _lastTakeNs) < StuckNs)
        {
            return;
        }

        Worker? woken;
        lock (_lock)
        {
            woken = TakeIdle(_count - _waking);
        }

        WakeAll(woken);
    }

    private void Enqueue(IWork item)
    {
        if (_count == _queue.Length)
        {
            var longer = new IWork?[_queue.Length * 2];
            for (var i = 0; i < _count; i++)
            {
                longer[i] = _queue[(_head + i) & (_queue.Length - 1)];
            }

            _queue = longer;
            _head = 0;
        }

        _queue[(_head + _count++) & (_queue.Length - 1)] = item;
    }

    /// <summary>Takes up to <paramref name="count"/> sleepers off the stack, chained by their Next.</summary>
    private Worker? TakeIdle(int count)
    {
        Worker? taken = null;
        while (count-- > 0 && _idle is { } worker)
        {
            _idle = worker.Next;
            _idleCount--;
            _waking++;
            _wakes++;
            worker.IsWoken = true;
            worker.Next = taken;
            taken = worker;
        }

        return taken;
    }

    private void WakeAll(Worker? worker, bool begins = true)
    {
        while (worker is not null)
        {
            // A woken worker may sleep again and change its Next at once.
            var next = worker.Next;
            if (worker.IsBegun)
            {
                worker.Wake();
            }
            else if (begins && !worker.TryBegin())
            {
                Miss(worker);
            }

            worker = next;
        }
    }

    /// <summary>There is no thread to be had: those that there are do its work, and it is tried again.</summary>
    private void Miss(Worker worker)
    {
        Log.Warning("runtime", "no further worker thread can be begun", ("threads", _workers.Length));
        lock (_lock)
        {
            worker.IsWoken = false;
            _waking--;
            Push(worker);
        }
    }

    /// <summary>Moves jobs from the queue to a worker: their number, 0 when it shall sleep, -1 when it shall end.</summary>
    private int Take(Worker worker, Span<IWork?> jobs, long jobNs, long nowNs)
    {
        lock (_lock)
        {
            if (worker.IsWoken)
            {
                worker.IsWoken = false;
                _waking--;
            }

            if (jobNs >= 0)
            {
                _averageNs = ((_averageNs * 7) + Math.Min(jobNs, 1_000_000)) / 8;
            }

            if (_count == 0)
            {
                return _stopping ? -1 : Sleep(worker);
            }

            _lastTakeNs = nowNs;
            var share = (_count + _workers.Length - 1) / _workers.Length;
            var worth = (int)Math.Clamp(BatchNs / (_averageNs + 1), 1, jobs.Length);
            var count = Math.Min(share, worth);
            for (var i = 0; i < count; i++)
            {
                ref var slot = ref _queue[_head];
                jobs[i] = slot;
                slot = null;
                _head = (_head + 1) & (_queue.Length - 1);
            }

            _count -= count;
            return count;
        }
    }

    private int Sleep(Worker worker)
    {
        worker.Arm();
        Push(worker);
        return 0;
    }

    private void Push(Worker worker)
    {
        worker.Next = _idle;
        _idle = worker;
        _idleCount++;
    }

    private sealed class Collector
    {
        public List<IWork> Items { get; } = new(64);

        public WorkerPool? Pool { get; set; }

        public bool IsCollecting { get; set; }

        public bool IsWorker { get; init; }

        /// <summary>Runs on this thread; while it does, the list is full.</summary>
        public List<(IWork Work, InlineGate Gate)> Next { get; } = new(Limits.NextMax);

        public WorkerPool? NextPool { get; set; }

        public void Publish()
        {
            if (Items.Count == 0)
            {
                return;
            }

            Pool?.Publish(CollectionsMarshal.AsSpan(Items), isLate: false);
            Items.Clear();
        }
    }

    private sealed class Worker
    {
        private readonly WorkerPool _pool;
        private readonly IWork?[] _jobs = new IWork?[Limits.WorkerBatchMax];
        private readonly Thread _thread;
        private int* _word; // 0: asleep or about to be. A cache line of its own.

        public Worker(WorkerPool pool, string name)
        {
            _pool = pool;
            _word = (int*)NativeMemory.AlignedAlloc(64, 64);
            Arm();
            _thread = new Thread(Loop) { Name = name, IsBackground = true };
        }

        /// <summary>Changed once, by who has taken the worker off the stack of sleepers.</summary>
        public bool IsBegun { get; private set; }

        public Worker? Next { get; set; }

        public bool IsWoken { get; set; }

        public void Begin()
        {
            IsBegun = true;
            _thread.Start();
        }

        /// <summary>False when the system has no thread for us.</summary>
        public bool TryBegin()
        {
            try
            {
                Begin();
                return true;
            }
            catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
            {
                IsBegun = false;
                return false;
            }
        }

        public void Join()
        {
            if (IsBegun)
            {
                _thread.Join();
            }
        }

        public void Arm() => Volatile.Write(ref *_word, 0);

        public void Wake()
        {
            Volatile.Write(ref *_word, 1);
            Sys.FutexWake(_word, 1);
        }

        public void Free()
        {
            NativeMemory.AlignedFree(_word);
            _word = null;
        }

        private void Loop()
        {
            _collector = new Collector { IsWorker = true };
            long jobNs = -1;
            while (true)
            {
                var start = LinuxClock.Shared.MonotonicNs;
                var count = _pool.Take(this, _jobs, jobNs, start);
                jobNs = -1;
                if (count < 0)
                {
                    return;
                }

                if (count == 0)
                {
                    Park();
                    continue;
                }

                jobNs = (RunBatch(count, start) - start) / count;
            }
        }

        private void Park()
        {
            while (Volatile.Read(ref *_word) == 0)
            {
                Sys.FutexWait(_word, 0);
            }
        }

        /// <summary>Runs the jobs with their replies corked, though never for long. Returns the time after the last one.</summary>
        private long RunBatch(int count, long start)
        {
            var now = start;
            var flushed = start;
            FlushBatch.Begin();
            for (var i = 0; i < count; i++)
            {
                var job = _jobs[i]!; // Take filled these.
                _jobs[i] = null;
                RunGuarded(job);
                RunNext();
                now = LinuxClock.Shared.MonotonicNs;
                if (now - flushed > FlushNs && i + 1 < count)
                {
                    FlushBatch.FlushNow();
                    flushed = now;
                }
            }

            FlushBatch.End();
            FlushBatch.Reset();
            return now;
        }
    }
}
