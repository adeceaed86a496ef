using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>
/// Goal: what is posted runs once, in order and never two pieces at a time, wherever it comes from; and on the thread that
/// is at hand.
/// </summary>
[Trait("Tier", "unit")]
public sealed class SerialSchedulerTests : IDisposable
{
    private readonly Reactor _home = new("test-home");
    private readonly Reactor _other = new("test-other");
    private readonly WorkerPool _pool = new(2, "test-worker");
    private readonly SerialScheduler _serial;

    public SerialSchedulerTests() => _serial = new SerialScheduler(_home);

    public void Dispose()
    {
        _other.Dispose();
        _home.Dispose();
        _pool.Dispose();
    }

    [Fact]
    public void WorkOfManyThreadsRunsOneAtATimeAndInTheOrderOfEach()
    {
        const int Each = 5_000;
        const int Sources = 5;
        var inside = 0;
        var overlaps = 0;
        var last = new int[Sources];
        var disorders = 0;
        using var all = new CountdownEvent(Sources * Each);

        IWork Piece(int source, int number) => new Work(() =>
        {
            overlaps += Interlocked.Increment(ref inside) == 1 ? 0 : 1;
            disorders += last[source] == number - 1 && _serial.IsCurrentThread ? 0 : 1;
            last[source] = number;
            Interlocked.Decrement(ref inside);
            all.Signal();
        });

        void Feed(int source, Action<IWork> post)
        {
            for (var i = 1; i <= Each; i++)
            {
                post(Piece(source, i));
            }
        }

        _home.Post(() => Feed(0, _serial.Post));
        _other.Post(() => Feed(1, _serial.Post));
        _pool.Submit(new Work(() => Feed(2, _serial.Hand)));
        var threads = new[] { new Thread(() => Feed(3, _serial.Post)), new Thread(() => Feed(4, _serial.Hand)) };
        foreach (var thread in threads)
        {
            thread.Start();
        }

        Assert.True(all.Wait(30_000));
        foreach (var thread in threads)
        {
            thread.Join();
        }

        Assert.Equal((0, 0), (overlaps, disorders));
        Assert.All(last, l => Assert.Equal(Each, l));
    }

    [Fact]
    public void ALoopRunsAtTheEndOfItsTurnWhatItHasPosted()
    {
        var seen = new List<string>();
        using var done = new ManualResetEventSlim();
        _other.Post(() =>
        {
            _serial.Post(() =>
            {
                seen.Add(_other.IsCurrentThread ? "here" : "elsewhere");
                done.Set();
            });
            seen.Add("turn");
        });
        Assert.True(done.Wait(10_000));
        Assert.Equal(["turn", "here"], seen);
    }

    [Fact]
    public void WhoHandsWorkOverRunsItUnlessSomebodyElseIsAtIt()
    {
        var thread = 0;
        _serial.Hand(new Work(() => thread = Environment.CurrentManagedThreadId));
        Assert.Equal(Environment.CurrentManagedThreadId, thread);

        using var entered = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        using var done = new ManualResetEventSlim();
        _home.Post(() => _serial.Post(() =>
        {
            entered.Set();
            goOn.Wait(10_000);
        }));
        Assert.True(entered.Wait(10_000));
        _serial.Hand(new Work(() =>
        {
            thread = Environment.CurrentManagedThreadId;
            done.Set();
        }));
        Assert.False(done.IsSet);
        goOn.Set();
        Assert.True(done.Wait(10_000));
        Assert.NotEqual(Environment.CurrentManagedThreadId, thread);
    }

    [Fact]
    public void ATimerThatIsDisposedOfOnTheSchedulerDoesNotRunAlthoughItIsDue()
    {
        var ran = 0;
        using var over = new ManualResetEventSlim();
        _home.Post(() => _serial.Post(() =>
        {
            var timer = _serial.Schedule(0, () => ran++);
            _ = _serial.Schedule(0, () => ran += 10);
            Thread.Sleep(20); // Due when the loop comes to its timers.
            _serial.Post(timer.Dispose);
            _ = _serial.Schedule(50, over.Set);
        }));
        Assert.True(over.Wait(10_000));
        Assert.Equal(10, ran);
    }

    [Fact]
    public void WhoIsAboutToWaitOnALoopRunsWhatItHasPosted()
    {
        var answer = -1;
        using var over = new ManualResetEventSlim();
        _other.Post(() =>
        {
            using var done = new ManualResetEventSlim();
            _serial.Post(done.Set);
            SerialScheduler.RunDue();
            answer = done.IsSet ? 1 : 0;
            over.Set();
        });
        Assert.True(over.Wait(10_000));
        Assert.Equal(1, answer);
    }

    [Fact]
    public void PostingAllocatesNothing()
    {
        var count = 0;
        var work = new Work(() => count++);
        long allocated = -1;
        for (var round = 0; round < 3; round++)
        {
            using var done = new ManualResetEventSlim();
            _other.Post(() =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < 1000; i++)
                {
                    _serial.Post(work);
                }

                SerialScheduler.RunDue();
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                done.Set();
            });
            Assert.True(done.Wait(10_000));
        }

        Assert.Equal(0, allocated);
    }

    private sealed class Work(Action action) : IWork
    {
        public void Run() => action();
    }
}
