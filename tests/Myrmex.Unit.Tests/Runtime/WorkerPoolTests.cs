using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: every job runs once, small jobs wake few threads, and a blocked worker holds nobody up for long.</summary>
[Trait("Tier", "unit")]
public sealed class WorkerPoolTests : IDisposable
{
    private readonly WorkerPool _pool = new(4, "test-worker");
    private readonly Reactor _reactor = new("test-loop");

    public void Dispose()
    {
        _reactor.Dispose();
        _pool.Dispose();
    }

    [Fact]
    public void EveryJobRunsExactlyOnceFromManyThreads()
    {
        const int Threads = 4;
        const int JobsEach = 20_000;
        using var all = new CountdownEvent(Threads * JobsEach);
        var job = new Job(() => all.Signal());
        var threads = new Thread[Threads];
        for (var i = 0; i < Threads; i++)
        {
            threads[i] = new Thread(() =>
            {
                for (var j = 0; j < JobsEach; j++)
                {
                    _pool.Submit(job);
                }
            });
            threads[i].Start();
        }

        Assert.True(all.Wait(30_000));
        foreach (var thread in threads)
        {
            thread.Join();
        }

        Assert.Equal(Threads * JobsEach, _pool.SubmittedCount);
        Assert.Equal(0, _pool.QueueLength);
        Assert.True(_pool.QueueLengthMax > 0);
    }

    [Fact]
    public void JobsOfOneTurnAreHandedOverAtItsEndWithFewWakeUps()
    {
        using var all = new CountdownEvent(64);
        var job = new Job(() => all.Signal());
        var startedInside = false;
        var wakes = _pool.WakeCount;
        _reactor.Post(() =>
        {
            for (var i = 0; i < 64; i++)
            {
                _pool.Submit(job);
            }

            Thread.Sleep(20);
            startedInside = all.CurrentCount != 64;
        });
        Assert.True(all.Wait(10_000));
        Assert.False(startedInside);
        Assert.InRange(_pool.WakeCount - wakes, 1, 4);
    }

    [Fact]
    public void BriefWorkThatFollowsRunsOnTheThreadItFollowsOn()
    {
        var gate = new InlineGate(LinuxClock.Shared);
        var seen = new List<string>();
        using var all = new CountdownEvent(2);
        var wakes = -1L;
        _reactor.Post(() =>
        {
            wakes = _pool.WakeCount;
            _pool.SubmitNext(new Job(() => Note(_reactor.IsCurrentThread ? "loop" : "worker")), gate);
            seen.Add("turn");
        });
        Assert.True(SpinWait.SpinUntil(() => all.CurrentCount == 1, 10_000));
        Assert.Equal(wakes, _pool.WakeCount);
        _pool.Submit(new Job(() =>
        {
            var thread = Environment.CurrentManagedThreadId;
            _pool.SubmitNext(
                new Job(() => Note(Environment.CurrentManagedThreadId == thread ? "same worker" : "other")), gate);
            seen.Add("job");
        }));
        Assert.True(all.Wait(10_000));
        Assert.Equal(["turn", "loop", "job", "same worker"], seen);

        void Note(string what)
        {
            seen.Add(what);
            all.Signal();
        }
    }

    [Fact]
    public void WorkThatFollowsGoesToOthersWhenItsThreadGoesOnWithSomethingLong()
    {
        var gate = new InlineGate(LinuxClock.Shared);
        using var done = new ManualResetEventSlim();
        var isRun = false;
        _pool.Submit(new Job(() =>
        {
            _pool.SubmitNext(new Job(done.Set), gate);
            _pool.Spread();
            Volatile.Write(ref isRun, done.Wait(10_000));
        }));
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref isRun), 10_000));
    }

    [Fact]
    public void OnlyAFewPiecesFollowOnALoopAndTheOthersRunTooOnce()
    {
        var gate = new InlineGate(LinuxClock.Shared);
        using var all = new CountdownEvent(100);
        var here = 0;
        _reactor.Post(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                _pool.SubmitNext(
                    new Job(() =>
                    {
                        _ = Interlocked.Add(ref here, _reactor.IsCurrentThread ? 1 : 0);
                        all.Signal();
                    }),
                    gate);
            }
        });
        Assert.True(all.Wait(10_000));
        Assert.InRange(here, 1, 4);
    }

    [Fact]
    public void JobsThatBlockRunSideBySide()
    {
        using var together = new Barrier(4);
        using var all = new CountdownEvent(4);
        var job = new Job(() =>
        {
            Assert.True(together.SignalAndWait(10_000));
            all.Signal();
        });
        _reactor.Post(() =>
        {
            for (var i = 0; i < 4; i++)
            {
                _pool.Submit(job);
            }
        });
        Assert.True(all.Wait(10_000));
    }

    [Fact]
    public void AFailingJobDoesNotCostAWorker()
    {
        var bad = new Job(() => throw new InvalidOperationException("expected by a test"));
        for (var i = 0; i < 50; i++)
        {
            _pool.Submit(bad);
        }

        using var together = new Barrier(4);
        using var all = new CountdownEvent(4);
        var good = new Job(() => all.Signal());
        for (var i = 0; i < 4; i++)
        {
            _pool.Submit(good);
        }

        Assert.True(all.Wait(10_000));
    }

    [Fact]
    public void DisposingRunsWhatIsQueued()
    {
        var pool = new WorkerPool(2, "test-dispose");
        var ran = 0;
        var job = new Job(() => Interlocked.Increment(ref ran));
        for (var i = 0; i < 1000; i++)
        {
            pool.Submit(job);
        }

        pool.Dispose();
        Assert.Equal(1000, ran);
        pool.Submit(job);
        Assert.Equal(1000, ran);
    }

    [Fact]
    public void SubmittingAllocatesNothingInTheSteadyState()
    {
        using var passed = new SemaphoreSlim(0);
        var count = 0;
        var job = new Job(() => Interlocked.Increment(ref count));
        long allocated = -1;
        for (var round = 0; round < 3; round++)
        {
            _reactor.Post(() =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < 500; i++)
                {
                    _pool.Submit(job);
                }

                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            });
            _reactor.Schedule(5, () => passed.Release());
            Assert.True(passed.Wait(10_000));
        }

        Assert.Equal(0, allocated);
    }

    private sealed class Job(Action action) : IWork
    {
        public void Run() => action();
    }

    [Fact]
    public void ThreadsBeginWhenThereIsWorkForThem()
    {
        const string Name = "test-lazy"; // A thread's name has 15 characters at most.
        var pool = new WorkerPool(4, Name);
        for (var i = 0; i < 3; i++)
        {
            using var done = new ManualResetEventSlim();
            pool.Submit(new Job(done.Set)); // One job after the other needs one thread.
            Assert.True(done.Wait(10_000));
        }

        Assert.InRange(ThreadsOf(Name), 1, 2); // The one of before may not be asleep yet.
        using var end = new ManualResetEventSlim();
        using var begun = new CountdownEvent(4);
        for (var i = 0; i < 4; i++)
        {
            pool.Submit(new Job(() =>
            {
                begun.Signal();
                end.Wait();
            }));
        }

        Assert.True(begun.Wait(10_000)); // All four at once.
        Assert.Equal(4, ThreadsOf(Name));
        end.Set();
        pool.Dispose();
        new WorkerPool(4, Name).Dispose(); // With threads that were never begun.
    }

    private static int ThreadsOf(string name) =>
        Directory.GetDirectories("/proc/self/task").Count(t => NameOf(t).StartsWith(name, StringComparison.Ordinal));

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText(task + "/comm");
        }
        catch (IOException)
        {
            return string.Empty; // It has ended meanwhile.
        }
    }
}
