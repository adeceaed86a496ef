using System;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>
/// Random histories against a reference file: what an application sees through write-behind is what it would see without, however
/// late and in whatever order the server works.
/// </summary>
[Collection("payload pool")]
public sealed class WriteBehindModelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void OneApplicationSeesItsOwnWritesInOrder(int seed)
    {
        var world = new WriteBehindWorld(seed);
        for (var round = 0; round < 4; round++)
        {
            world.Run(OneApplicationAsync(world, steps: 300));
            world.CheckContent();
        }

        world.CheckNothingIsLeft();
    }

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    public void SoItIsWhenTheFirstWriteWaitsForOthers(int seed)
    {
        var world = new WriteBehindWorld(
            seed, 60_000, ("pass-through", "off"), ("cache-size", "65536"), ("aggregate-size", "8KB"), ("hold-time", "5"));
        for (var round = 0; round < 4; round++)
        {
            world.Run(OneApplicationAsync(world, steps: 300));
            world.CheckContent();
        }

        world.CheckNothingIsLeft();
    }

    [Theory]
    [InlineData(9)]
    [InlineData(10)]
    public void ShortWritesAreContinued(int seed)
    {
        var world = new WriteBehindWorld(seed);
        world.Store.WriteLength = length => length > 1 && world.Random.Next(3) == 0 ? world.Random.Next(1, length) : length;
        world.Run(OneApplicationAsync(world, steps: 300));
        world.CheckContent();
        world.CheckNothingIsLeft();
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public void SeveralApplicationsOnOneFileSeeTheirOwnParts(int seed)
    {
        var world = new WriteBehindWorld(seed);
        var parts = Enumerable.Range(0, 4).Select(part => PartAsync(world, part, steps: 200)).ToArray();
        world.Run(Task.WhenAll(parts));
        world.CheckContent();
        world.CheckNothingIsLeft();
    }

    [Theory]
    [InlineData(15)]
    [InlineData(16)]
    public void LargeWritesThatAreHeldInsteadOfCopiedKeepTheirBytes(int seed)
    {
        var world = new WriteBehindWorld(
            seed, 2_000_000, ("pass-through", "off"), ("cache-size", "1MB"), ("aggregate-size", "128KB"));
        world.Run(LargeAsync(world, steps: 100));
        world.CheckContent();
        world.CheckNothingIsLeft();
    }

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    public void EveryFailureIsReportedOnceAndNoneIsInvented(int seed)
    {
        var world = new WriteBehindWorld(seed);
        var failures = 0;
        world.Store.WriteError = () =>
        {
            var fails = world.Random.Next(10) == 0;
            failures += fails ? 1 : 0;
            return fails ? Errno.ENOSPC : Errno.Ok;
        };
        world.Run(FailingAsync(world, () => failures, steps: 400));
        Assert.True(failures > 5);
        world.CheckNothingIsLeft();
    }

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    public void ALostConnectionIsReportedAndNothingHangs(int seed)
    {
        var world = new WriteBehindWorld(seed);
        var fd = WriteBehindWorld.NewFd();
        world.Run(world.WriteAsync(fd, 0, 1000));
        var tasks = Enumerable.Range(0, 30).Select(i => world.TryWriteAsync(fd, i * 5000, 4000)).ToList();
        tasks.Add(world.StatOutcomeAsync());
        for (var i = 0; i < 10 && !world.Store.IsIdle; i++)
        {
            world.Store.Step(world.Random);
        }

        while (!world.Store.IsIdle)
        {
            world.Store.Crash();
        }

        Assert.All(tasks, task => Assert.True(task.IsCompleted));
        Assert.Contains(tasks, task => task.Result == Errno.Ok);
        Assert.Equal(Errno.ENOTCONN, Outcome(world, world.FlushAsync(fd)));
        Assert.Equal(Errno.Ok, Outcome(world, world.FlushAsync(fd)));
        world.Run(world.ReleaseAsync(fd));
        world.CheckNothingIsLeft();
    }

    private static Errno Outcome(WriteBehindWorld world, Task<Errno> task)
    {
        world.Run(task);
        return task.Result;
    }

    private static async Task OneApplicationAsync(WriteBehindWorld world, int steps)
    {
        var random = world.Random;
        var fds = Enumerable.Range(0, 3).Select(_ => WriteBehindWorld.NewFd()).ToArray();
        for (var i = 0; i < steps; i++)
        {
            var fd = fds[random.Next(fds.Length)];
            switch (random.Next(20))
            {
                case < 12:
                    await world.WriteAsync(fd, world.RandomOffset(), random.Next(1, 3000));
                    break;
                case < 14:
                    await world.WriteRunAsync(fd);
                    break;
                case < 16:
                    await world.ReadAsync(fd, random.Next(60_000), random.Next(1, 8000));
                    break;
                case 16:
                    await world.StatAsync();
                    break;
                case 17:
                    await world.TruncateAsync(fd, random.Next(60_000));
                    break;
                case 18:
                    Assert.Equal(Errno.Ok, await (random.Next(2) == 0 ? world.FlushAsync(fd) : world.FsyncAsync(fd)));
                    break;
                default:
                    await world.LookAsync();
                    break;
            }
        }

        foreach (var fd in fds)
        {
            Assert.Equal(Errno.Ok, await world.FlushAsync(fd));
            await world.ReleaseAsync(fd);
        }
    }

    private static async Task PartAsync(WriteBehindWorld world, int part, int steps)
    {
        var random = world.Random;
        var fd = WriteBehindWorld.NewFd();
        var (start, length) = (part * 10_000, 10_000);
        for (var i = 0; i < steps; i++)
        {
            var offset = start + random.Next(length - 1);
            var count = random.Next(1, Math.Min(2000, start + length - offset));
            await (random.Next(4) != 0 ? world.WriteAsync(fd, offset, count) : world.ReadAsync(fd, offset, count));
        }

        Assert.Equal(Errno.Ok, await world.FlushAsync(fd));
        await world.ReleaseAsync(fd);
    }

    private static async Task LargeAsync(WriteBehindWorld world, int steps)
    {
        var fd = WriteBehindWorld.NewFd();
        for (var i = 0; i < steps; i++)
        {
            var count = world.Random.Next(3) == 0 ? world.Random.Next(1, 40_000) : world.Random.Next(33_000, 300_000);
            await world.WriteAsync(fd, world.RandomOffset() % 3_000_000, count);
            if (world.Random.Next(5) == 0)
            {
                await world.ReadAsync(fd, world.Random.Next(2_000_000), 100_000);
            }
        }

        Assert.Equal(Errno.Ok, await world.FlushAsync(fd));
        await world.ReleaseAsync(fd);
    }

    private static async Task FailingAsync(WriteBehindWorld world, Func<int> failures, int steps)
    {
        var fd = WriteBehindWorld.NewFd();
        var (reported, failuresAtBarrier, reportedAtBarrier) = (0, 0, 0);
        for (var i = 0; i < steps; i++)
        {
            var outcome = await world.TryWriteAsync(fd, world.RandomOffset(), world.Random.Next(1, 3000));
            reported += outcome == Errno.Ok ? 0 : 1;
            Assert.True(reported <= failures());
            if (world.Random.Next(10) != 0)
            {
                continue;
            }

            // After a barrier whatever failed before it has been told, and telling it again would be a lie.
            outcome = world.Random.Next(2) == 0 ? await world.FlushAsync(fd) : await world.FsyncAsync(fd);
            reported += outcome == Errno.Ok ? 0 : 1;
            Assert.Equal(failures() > failuresAtBarrier, reported > reportedAtBarrier);
            Assert.Equal(Errno.Ok, await world.FlushAsync(fd));
            (failuresAtBarrier, reportedAtBarrier) = (failures(), reported);
        }

        await world.FlushAsync(fd);
        await world.ReleaseAsync(fd);
    }
}
