using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>
/// Many clients use the same few names at once. In the simulated world every seed is one order of events that can be
/// repeated; MYRMEX_DHT_SEED runs one seed alone and prints what happened, MYRMEX_DHT_SEEDS that many seeds.
/// </summary>
public sealed class DhtCrowdTests(ITestOutputHelper output)
{
    private const int BrickCount = 4;

    private static readonly CrowdHabits Everything = new();
    private static readonly CrowdHabits FilesOnly = new() { Mkdir = 0, Rmdir = 0, Depth = 0 };
    private static readonly CrowdHabits DirectoriesOnly =
        new() { Create = 0, Unlink = 0, Link = 0, Read = 0, Depth = 60 };

    /// <summary>Nothing is ever replaced or removed: every name that was made must be there at the end.</summary>
    private static readonly CrowdHabits Keeping = new() { Rmdir = 0, Unlink = 0, FreshTargets = true };

    [Fact]
    public void AnythingAtOnce() => RunSeeds(Everything, seeds: 100);

    [Fact]
    public void FilesAtOnce() => RunSeeds(FilesOnly, seeds: 100);

    [Fact]
    public void DirectoriesAtOnce() => RunSeeds(DirectoriesOnly, seeds: 100);

    [Fact]
    public void NothingIsLost() => RunSeeds(Keeping, seeds: 100);

    /// <summary>The same on real threads: less of it, and no order is ever seen twice.</summary>
    [Fact]
    public async Task AnythingAtOnceOnThreads()
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            await RunOnThreadsAsync(Everything, seed);
            await RunOnThreadsAsync(Keeping, seed);
        }
    }

    private static async Task RunOnThreadsAsync(CrowdHabits habits, int seed)
    {
        var clock = new TestClock();
        var bricks = new DhtBricks(BrickCount, new Seams(clock, new TestRandom(seed), null!, null!, null!));
        var clients = new List<DhtVolume>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(await new DhtVolume(bricks).MountAsync());
            clients[i].Probes.ForEach(p => p.IsSlow = true);
        }

        var crowd = new DhtCrowd(habits, clients, clock, seed);
        var users = Enumerable.Range(0, 9).Select(user => crowd.VisitAsync(user, fops: 40));
        try
        {
            await Task.WhenAll(users).WaitAsync(TimeSpan.FromSeconds(60));
            var audit = new DhtAudit(await new DhtVolume(bricks).MountAsync(), crowd.Contents);
            await audit.RunAsync();
            CheckAudit(habits, crowd, audit);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
        }
    }

    private void RunSeeds(CrowdHabits habits, int seeds) => DhtSeeds.Run(seed => Simulate(habits, seed), seeds);

    private void Simulate(CrowdHabits habits, int seed)
    {
        SynchronizationContext.SetSynchronizationContext(null); // Everything runs on this thread, continuations too.
        var world = new SimWorld((ulong)seed);
        var node = world.AddNode("clients");
        var bricks = new DhtBricks(BrickCount, node.Seams);
        var random = world.Random.Fork();
        Task Travel()
        {
            var arrived = new TaskCompletionSource();
            world.After(random.Chance(0.1) ? random.Between(0, 50) : random.Between(0, 3), arrived.SetResult);
            return arrived.Task;
        }

        var clients = new List<DhtVolume>();
        for (var i = 0; i < 3; i++)
        {
            clients.Add(new DhtVolume(bricks));
            DhtSeeds.Await(world, clients[i].MountAsync());
            clients[i].Probes.ForEach(p => p.Travel = Travel);
        }

        var crowd = new DhtCrowd(habits, clients, node.Seams.Clock, seed);
        if (DhtSeeds.IsOneSeed)
        {
            TraceFops(clients, crowd);
        }

        var users = Enumerable.Range(0, 9).Select(user => crowd.VisitAsync(user, fops: 25)).ToArray();
        try
        {
            DhtSeeds.Await(world, Task.WhenAll(users));
            Audit(habits, crowd, new DhtVolume(bricks), world);
        }
        catch (Exception) when (DhtSeeds.IsOneSeed)
        {
            foreach (var line in crowd.History)
            {
                output.WriteLine(line);
            }

            throw;
        }
    }

    /// <summary>Tells all fops that the clients send.</summary>
    internal static void TraceFops(List<DhtVolume> clients, DhtCrowd crowd)
    {
        for (var client = 0; client < clients.Count; client++)
        {
            for (var brick = 0; brick < clients[client].Count; brick++)
            {
                var where = $"    client {client} brick {brick}";
                clients[client].Probes[brick].Inject = (code, fop) =>
                {
                    crowd.Tell($"{where} {code} {Describe(fop)}");
                    return Errno.Ok;
                };
            }
        }
    }

    /// <summary>The names and gfids of a fop.</summary>
    private static string Describe(object fop)
    {
        var words = fop.GetType().GetProperties()
            .Where(p => p.PropertyType == typeof(Name) || p.PropertyType == typeof(Gfid) || p.PropertyType.IsEnum)
            .Select(p => p.GetValue(fop) is Gfid gfid ? $"{gfid.Ino:x}" : $"{p.GetValue(fop)}");
        return string.Join(' ', words);
    }

    private static void Audit(CrowdHabits habits, DhtCrowd crowd, DhtVolume client, SimWorld world)
    {
        DhtSeeds.Await(world, client.MountAsync());
        var audit = new DhtAudit(client, crowd.Contents);
        DhtSeeds.Await(world, audit.RunAsync());
        CheckAudit(habits, crowd, audit);
    }

    internal static void CheckAudit(CrowdHabits habits, DhtCrowd crowd, DhtAudit audit)
    {
        Assert.True(audit.Faults.Count == 0, string.Join("\n", audit.Faults));
        if (habits.FreshTargets)
        {
            Assert.Equal(crowd.NamesExpected, audit.Names);
        }
    }
}
