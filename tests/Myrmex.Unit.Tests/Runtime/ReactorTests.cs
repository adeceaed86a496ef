using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: one loop, in order, that nothing but a broken invariant stops.</summary>
[Trait("Tier", "unit")]
public sealed class ReactorTests : IDisposable
{
    private readonly Reactor _reactor = new("test-loop");

    public void Dispose() => _reactor.Dispose();

    [Fact]
    public void PostedWorkRunsInOrderOnTheLoop()
    {
        var seen = new List<int>();
        for (var i = 0; i < 1000; i++)
        {
            var number = i;
            _reactor.Post(() => seen.Add(_reactor.IsCurrentThread ? number : -1));
        }

        Pass();
        Assert.Equal(Enumerable.Range(0, 1000), seen);
        Assert.False(_reactor.IsCurrentThread);
    }

    [Fact]
    public void PostingAWorkItemAllocatesNothing()
    {
        var work = new Counter();
        long allocated = -1;

        // Three rounds: the loop has two lists, and both must have grown.
        for (var round = 0; round < 3; round++)
        {
            Pass(() =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                PostMany(work, 1000);
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            });
            Pass();
        }

        Assert.Equal(0, allocated);
        Assert.Equal(3000, work.Count);
    }

    [Fact]
    public void TheClockOfPromisesCountsSleepToo()
    {
        var clock = LinuxClock.Shared;
        var (monotonic, boot) = (clock.MonotonicNs, clock.BootNs);
        Assert.True(boot >= monotonic);
        Thread.Sleep(2);
        Assert.InRange(clock.BootNs - boot, 2_000_000, long.MaxValue);
    }

    [Fact]
    public void TimersRunOnTheLoopAndNeverEarly()
    {
        var clock = LinuxClock.Shared;
        using var all = new CountdownEvent(6);
        var wrong = false;
        foreach (var delay in new[] { 30, 5, 20, 5, 0, 10 })
        {
            var start = clock.MonotonicNs;
            _reactor.Schedule(delay, () =>
            {
                wrong |= clock.MonotonicNs - start < delay * 1_000_000L || !_reactor.IsCurrentThread;
                all.Signal();
            });
        }

        Assert.True(all.Wait(10_000));
        Assert.False(wrong);
    }

    [Fact]
    public void ACancelledTimerDoesNotRunEvenWhenItIsDueInTheSameTurn()
    {
        var ran = false;
        Pass(() =>
        {
            IDisposable? second = null;
            _reactor.Schedule(1, () => second!.Dispose());
            second = _reactor.Schedule(1, () => ran = true);
            Thread.Sleep(5);
        });
        PassTimers();
        Assert.False(ran);
    }

    [Fact]
    public void AFailingHandlerDoesNotStopTheLoop()
    {
        _reactor.Post(() => throw new InvalidOperationException("expected by a test"));
        _reactor.Schedule(0, () => throw new InvalidOperationException("expected by a test"));
        PassTimers();
        Pass();
    }

    [Fact]
    public void ARegisteredDescriptorIsHeardUntilItIsUnregistered()
    {
        var fd = Sys.EventFd();
        using var heard = new SemaphoreSlim(0);
        var handler = new Handler(_ => heard.Release());
        Assert.Equal(0, _reactor.Register(fd, Sys.EpollIn | Sys.EpollEdge, handler));
        WriteOne(fd);
        Assert.True(heard.Wait(10_000));
        _reactor.Unregister(fd);
        WriteOne(fd);
        Pass();
        Pass();
        Assert.Equal(0, heard.CurrentCount);
        Sys.Close(fd);
    }

    [Fact]
    public void ADescriptorUnregisteredInATurnIsNotHeardInThatTurn()
    {
        var first = Sys.EventFd();
        var second = Sys.EventFd();
        var calls = 0;
        var handler = new Handler(_ =>
        {
            calls++;
            _reactor.Unregister(first);
            _reactor.Unregister(second);
        });
        Pass(() =>
        {
            WriteOne(first);
            WriteOne(second);
            _reactor.Register(first, Sys.EpollIn, handler);
            _reactor.Register(second, Sys.EpollIn, handler);
        });
        Pass();
        Pass();
        Assert.Equal(1, calls);
        Sys.Close(first);
        Sys.Close(second);
    }

    [Fact]
    public void ADisposedReactorRunsWhatWasPostedBefore()
    {
        var reactor = new Reactor("test-dispose");
        var ran = 0;
        for (var i = 0; i < 100; i++)
        {
            reactor.Post(() => ran++);
        }

        reactor.Dispose();
        reactor.Dispose();
        Assert.Equal(100, ran);
        reactor.Post(() => ran++); // Must not fail.
    }

    private static void WriteOne(int fd) => Sys.Write(fd, BitConverter.GetBytes(1UL));

    private void PostMany(IWork work, int count)
    {
        for (var i = 0; i < count; i++)
        {
            _reactor.Post(work);
        }
    }

    private void Pass(Action? action = null)
    {
        using var passed = new ManualResetEventSlim();
        _reactor.Post(() =>
        {
            action?.Invoke();
            passed.Set();
        });
        Assert.True(passed.Wait(10_000));
    }

    private void PassTimers()
    {
        using var passed = new ManualResetEventSlim();
        _reactor.Schedule(10, passed.Set);
        Assert.True(passed.Wait(10_000));
    }

    private sealed class Counter : IWork
    {
        public int Count { get; private set; }

        public void Run() => Count++;
    }

    private sealed class Handler(Action<uint> action) : IPollHandler
    {
        public void OnEvents(uint events) => action(events);
    }
}
