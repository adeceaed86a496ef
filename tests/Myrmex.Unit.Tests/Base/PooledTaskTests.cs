using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

/// <summary>Async methods whose state machines are pooled behave like any other, and allocate nothing.</summary>
public sealed class PooledTaskTests
{
    [Fact]
    public void AMethodThatDoesNotSuspendCompletesAtOnce()
    {
        var task = AddAsync(new ValueTask<StatReply>(StatReply.Rent()), 3);
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal(3, task.Result);
    }

    [Fact]
    public void AMethodThatSuspendsCompletesWithItsSource()
    {
        var pending = PendingReply<StatReply>.Rent();
        var task = AddAsync(pending.Task, 4);
        Assert.False(task.IsCompleted);
        pending.Complete(StatReply.Rent());
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal(4, task.Result);
    }

    [Fact]
    public void ExceptionsAreThrownWhereTheTaskIsAwaited()
    {
        var early = ThrowAsync(default, early: true);
        Assert.True(early.IsFaulted);
        Assert.Equal("early", Assert.Throws<InvalidOperationException>(() => early.Result).Message);
        var pending = PendingReply<StatReply>.Rent();
        var late = ThrowAsync(pending.Task, early: false);
        Assert.False(late.IsCompleted);
        pending.Complete(StatReply.Rent());
        Assert.Equal("late", Assert.Throws<InvalidOperationException>(() => late.Result).Message);
    }

    [Fact]
    public void AwaitingTwiceIsRefusedAndHarmsNobodyElse()
    {
        var pending = PendingReply<StatReply>.Rent();
        var task = AddAsync(pending.Task, 1);
        var twin = task;
        pending.Complete(StatReply.Rent());
        Assert.Equal(1, task.Result);

        // The box now serves another call; the stale token must not take it away.
        var second = PendingReply<StatReply>.Rent();
        var other = AddAsync(second.Task, 2);
        Assert.Throws<InvalidOperationException>(() => twin.Result);
        var third = PendingReply<StatReply>.Rent();
        var another = AddAsync(third.Task, 3);
        third.Complete(StatReply.Rent());
        second.Complete(StatReply.Rent());
        Assert.Equal(3, another.Result);
        Assert.Equal(2, other.Result);
    }

    [Fact]
    public void TakingTheResultTooEarlyIsRefusedAndHarmsNothing()
    {
        var pending = PendingReply<StatReply>.Rent();
        var task = AddAsync(pending.Task, 1);
        var twin = task;
        Assert.Throws<InvalidOperationException>(() => twin.GetAwaiter().GetResult());
        pending.Complete(StatReply.Rent());
        Assert.Equal(1, task.Result);
    }

    [ReleaseFact]
    public void SuspendingAllocatesNothingInTheSteadyState()
    {
        var allocated = 0L;
        for (var i = 0; i < 1200; i++)
        {
            if (i == 1000)
            {
                allocated = GC.GetAllocatedBytesForCurrentThread();
            }

            var pending = PendingReply<StatReply>.Rent();
            var task = OuterAsync(pending.Task);
            pending.Complete(StatReply.Rent());
            Assert.True(task.Result == 5);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - allocated);
    }

    [ReleaseFact]
    public void StartingOnOneThreadAndEndingOnAnotherAllocatesNothingEither()
    {
        const int Window = 32;
        var pendings = new PendingReply<StatReply>[Window];
        var tasks = new ValueTask<int>[Window];
        using var started = new SemaphoreSlim(0);
        using var ended = new SemaphoreSlim(0);
        long startedBytes = 0;
        long endedBytes = 0;
        var starter = new Thread(() => startedBytes = Measure(3000, () =>
        {
            for (var i = 0; i < Window; i++)
            {
                pendings[i] = PendingReply<StatReply>.Rent();
                tasks[i] = OuterAsync(pendings[i].Task);
            }

            started.Release();
            ended.Wait();
        }));
        var ender = new Thread(() => endedBytes = Measure(3000, () =>
        {
            started.Wait();
            for (var i = 0; i < Window; i++)
            {
                pendings[i].Complete(StatReply.Rent());
                _ = tasks[i].Result;
            }

            ended.Release();
        }));
        starter.Start();
        ender.Start();
        starter.Join();
        ender.Join();

        // The semaphores allocate a little when they really wait; a box a task would be megabytes.
        Assert.InRange(startedBytes + endedBytes, 0, 1000 * Window * 8);
    }

    private static long Measure(int rounds, Action action)
    {
        long before = 0;
        for (var i = 0; i < rounds; i++)
        {
            if (i == rounds - 1000)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            action();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<int> OuterAsync(ValueTask<StatReply> source) => await AddAsync(source, 4) + 1;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<int> AddAsync(ValueTask<StatReply> source, int number)
    {
        var reply = await source;
        reply.Release();
        return number;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<int> ThrowAsync(ValueTask<StatReply> source, bool early)
    {
        if (early)
        {
            throw new InvalidOperationException("early");
        }

        (await source).Release();
        throw new InvalidOperationException("late");
    }
}
