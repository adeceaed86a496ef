using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Host.Rebalance;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>
/// A distribute volume that gets another subvolume while a crowd uses it: the clients get the new graph, then the
/// layouts of all directories are fixed, once or twice at the same time. MYRMEX_DHT_SEED runs one seed alone,
/// MYRMEX_DHT_SEEDS that many seeds.
/// </summary>
public sealed class DhtGrowthTests(ITestOutputHelper output)
{
    private static readonly CrowdHabits Everything = new();

    /// <summary>Nothing is ever replaced or removed: every name that was made must be there at the end.</summary>
    private static readonly CrowdHabits Keeping = new() { Rmdir = 0, Unlink = 0, FreshTargets = true };

    private static readonly CrowdHabits FilesOnly = new() { Mkdir = 0, Rmdir = 0, Depth = 0, Create = 8 };

    [Fact]
    public void AnythingWhileItGrows() => RunSeeds(Everything, seeds: 100);

    [Fact]
    public void FilesWhileItGrows() => RunSeeds(FilesOnly, seeds: 100);

    [Fact]
    public void NothingIsLostWhileItGrows() => RunSeeds(Keeping, seeds: 100);

    private void RunSeeds(CrowdHabits habits, int seeds) => DhtSeeds.Run(seed => Simulate(habits, seed), seeds);

    private void Simulate(CrowdHabits habits, int seed)
    {
        // Everything runs on this thread, on the loop of one node: what continues outside of it would leave it.
        SynchronizationContext.SetSynchronizationContext(null);
        var world = new SimWorld((ulong)seed);
        var node = world.AddNode("clients");
        var bricks = new DhtBricks(2 + (seed % 2), node.Seams);
        var random = world.Random.Fork();
        Task Pause(int leastMs, int mostMs)
        {
            var over = new TaskCompletionSource();
            world.After(random.Between(leastMs, mostMs), over.SetResult);
            return over.Task;
        }

        Task Travel() => random.Chance(0.1) ? Pause(0, 50) : Pause(0, 3);

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
            DhtCrowdTests.TraceFops(clients, crowd);
        }

        var users = Enumerable.Range(0, 9)
            .Select(user => SimTasks.Start(node, () => crowd.VisitAsync(user, fops: 35))).ToList();
        users.Add(SimTasks.Start(node, () => GrowAsync(bricks, clients, node, crowd, Travel, Pause)));
        try
        {
            DhtSeeds.Await(world, Task.WhenAll(users));
            var client = new DhtVolume(bricks);
            DhtSeeds.Await(world, client.MountAsync());
            var audit = new DhtAudit(client, crowd.Contents);
            DhtSeeds.Await(world, audit.RunAsync());
            DhtCrowdTests.CheckAudit(habits, crowd, audit);
            AssertUsesAll(client, Gfid.Root);
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

    /// <summary>
    /// A subvolume joins; the clients get their new graphs when nothing is under way in the old ones; then two processes
    /// fix the layouts.
    /// </summary>
    private static async Task GrowAsync(
        DhtBricks bricks, List<DhtVolume> clients, SimNode node, DhtCrowd crowd, Func<Task> travel,
        Func<int, int, Task> pause)
    {
        await pause(0, 150);
        await crowd.CloseAsync();
        bricks.Add($"v-client-{bricks.Names.Count}", locks: true, rules: false);
        for (var i = 0; i < clients.Count; i++)
        {
            clients[i] = new DhtVolume(bricks);
            await clients[i].MountAsync();
            clients[i].Probes.ForEach(p => p.Travel = travel);
        }

        if (DhtSeeds.IsOneSeed)
        {
            DhtCrowdTests.TraceFops(clients, crowd);
        }

        crowd.Tell("all clients have the new graph");
        crowd.Open();
        await pause(0, 200);
        crowd.Tell("the layouts are fixed");
        var walks = new List<Task>();
        for (var i = 0; i < 2; i++)
        {
            var walker = new DhtVolume(bricks);
            await walker.MountAsync();
            walker.Probes.ForEach(p => p.Travel = travel);
            if (DhtSeeds.IsOneSeed)
            {
                DhtCrowdTests.TraceFops([walker], crowd);
            }

            walks.Add(WalkAsync(walker, node.Seams));
        }

        await Task.WhenAll(walks);
        crowd.Tell("all layouts are fixed");
    }

    private static async Task WalkAsync(DhtVolume client, Seams seams)
    {
        var walk = new LayoutWalk(client.Dht, fdSlots: 128, seams);
        await walk.RunAsync(parallel: 4, pauseMs: 0, CancellationToken.None);
        Assert.True(walk.Failures == 0, walk.LastError);
    }

    private static void AssertUsesAll(DhtVolume client, Gfid directory)
    {
        var layout = client.LayoutOnBricks(directory);
        for (var i = 0; i < client.Count; i++)
        {
            Assert.True(layout[i].HasRange, $"brick {i} has no range of {directory}");
        }
    }
}
