using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: the simulated seams keep the promises of the real ones, fail as asked, and repeat exactly.</summary>
[Trait("Tier", "unit")]
public sealed class SimWorldTests
{
    private const int Port = 49152;

    [Fact]
    public void TheSameSeedGivesTheSameTraceAndAnotherSeedAnother()
    {
        var first = Workload(seed: 42);
        var second = Workload(seed: 42);
        var other = Workload(seed: 43);
        Assert.Equal(first.Trace, second.Trace);
        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.Equal(first.EventCount, second.EventCount);
        Assert.NotEqual(first.TraceHash, other.TraceHash);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void FramesOfAllSizesComeBackUnchangedAndInOrder(ulong seed)
    {
        var world = new SimWorld(seed);
        var (client, _) = Connect(world, out var link);
        int[] sizes = [4, 5, 100, 65_536, 200_000, 4, 3_000_000, 70_000, 8];
        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.True(TestFrames.Send(link, TestFrames.Make(sizes[i], i)));
        }

        Assert.True(world.RunUntil(() => client.Frames.Count == sizes.Length, 10_000));
        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.True(client.Frames.TryDequeue(out var frame));
            Assert.Equal(TestFrames.Make(sizes[i], i), frame);
        }

        Assert.False(client.WasOffLoop);
    }

    [Fact]
    public void ACutHoldsFramesBackAndMendingDeliversThemInOrder()
    {
        var world = new SimWorld(5);
        var (client, server) = Connect(world, out var link);
        world.Network.CutOneWay(world.Nodes[0], world.Nodes[1]);
        for (var i = 0; i < 20; i++)
        {
            TestFrames.Send(link, TestFrames.Make(1000, i));
            world.RunFor(1);
        }

        world.RunFor(5000);
        Assert.Empty(client.Frames);
        Assert.Equal(0, server.Closes);
        world.Network.MendAll();
        Assert.True(world.RunUntil(() => client.Frames.Count == 20, 1000));
        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => TestFrames.Make(1000, i)), client.Frames.ToArray());
    }

    [Fact]
    public void APausedReaderBlocksItsSenderAndLosesNothing()
    {
        var world = new SimWorld(6);
        var (client, server) = Connect(world, out var link);
        server.Link!.PauseReading();
        for (var i = 0; i < 40; i++)
        {
            TestFrames.Send(link, TestFrames.Make(100_000, i));
        }

        world.RunFor(1000);
        Assert.Empty(client.Frames);
        Assert.True(link.QueuedBytes > 2_000_000);
        server.Link.ResumeReading();
        Assert.True(world.RunUntil(() => client.Frames.Count == 40, 1000));
        Assert.Equal(0, link.QueuedBytes);
    }

    [Fact]
    public void ConnectingFailsTheWayItDoesOnARealNetwork()
    {
        var world = new SimWorld(7);
        var a = world.AddNode("a");
        var b = world.AddNode("b");
        var refused = new Recorder();
        a.Seams.Network.Connect(new LinkAddress("b", Port), TestFrames.Options, refused);
        var unknown = new Recorder();
        a.Seams.Network.Connect(new LinkAddress("nowhere", Port), TestFrames.Options, unknown);
        world.RunFor(10);
        Assert.Equal((1, Errno.ECONNREFUSED), (refused.Closes, refused.Error));
        Assert.Equal((1, Errno.EHOSTUNREACH), (unknown.Closes, unknown.Error));

        b.Seams.Network.Listen(new LinkAddress("b", Port), TestFrames.Options, _ => new Recorder());
        world.Network.Cut(a, b);
        var late = new Recorder();
        a.Seams.Network.Connect(new LinkAddress("b", Port), TestFrames.Options, late);
        world.RunFor(TestFrames.Options.ConnectTimeoutMs + 10);
        Assert.Equal((0, 1, Errno.ETIMEDOUT), (late.Opens, late.Closes, late.Error));
        world.Network.MendAll();
        world.RunFor(100);
        Assert.Equal(0, world.Network.LinkCount);
    }

    [Fact]
    public void DroppedLinksAreHeardOnceOnBothSides()
    {
        var world = new SimWorld(8);
        var (client, server) = Connect(world, out _);
        world.Network.DropLinks(world.Nodes[1], world.Nodes[0]);
        world.RunFor(10);
        Assert.Equal((1, Errno.ECONNRESET), (client.Closes, client.Error));
        Assert.Equal((1, Errno.ECONNRESET), (server.Closes, server.Error));
        Assert.Equal(0, world.Network.LinkCount);
    }

    [Fact]
    public void ACrashedProcessIsHeardAtOnceAndNothingOfItRunsAnyMore()
    {
        var world = new SimWorld(9);
        var (client, server) = Connect(world, out _);
        var node = world.Nodes[1];
        var ran = false;
        node.Seams.Scheduler.Schedule(50, () => ran = true);
        node.Crash(SimCrash.Process);
        world.RunFor(100);
        Assert.False(ran);
        Assert.Equal(0, server.Closes);
        Assert.Equal((1, Errno.ECONNRESET), (client.Closes, client.Error));
    }

    [Fact]
    public void AMachineWithoutPowerIsOnlySilentUntilTheKernelGivesUpOrItIsBack()
    {
        var world = new SimWorld(10);
        var (client, _) = Connect(world, out _);
        world.Nodes[1].Crash(SimCrash.Power);
        world.RunFor(30_000);
        Assert.Equal(0, client.Closes);
        world.RunFor(10_000);
        Assert.Equal((1, Errno.ETIMEDOUT), (client.Closes, client.Error));

        world = new SimWorld(10);
        (client, _) = Connect(world, out _);
        world.Nodes[1].Crash(SimCrash.Power);
        world.RunFor(1000);
        world.Nodes[1].Restart();
        world.RunFor(10);
        Assert.Equal((1, Errno.ECONNRESET), (client.Closes, client.Error));
    }

    [Fact]
    public void AFrozenNodeDoesNothingAndThenEverythingInOrder()
    {
        var world = new SimWorld(11);
        var (client, server) = Connect(world, out var link);
        var order = new List<int>();
        world.Nodes[1].Seams.Scheduler.Schedule(20, () => order.Add(20));
        world.Nodes[1].Seams.Scheduler.Schedule(10, () => order.Add(10));
        world.Nodes[1].Freeze(5000);
        TestFrames.Send(link, TestFrames.Make(100));
        world.RunFor(4000);
        Assert.Empty(order);
        Assert.Empty(client.Frames);
        world.RunFor(1100);
        Assert.Equal([10, 20], order);
        Assert.Single(client.Frames);
        Assert.Equal(0, server.Closes);
    }

    [Fact]
    public void TimersKeepTheirOrderAndCancelledOnesDoNotRun()
    {
        var world = new SimWorld(12);
        var node = world.AddNode("a");
        var seen = new List<long>();
        foreach (var delay in new long[] { 30, 5, 20, 5, 0 })
        {
            node.Seams.Scheduler.Schedule(delay, () =>
            {
                Assert.True(node.Seams.Scheduler.IsCurrentThread);
                seen.Add(node.Seams.Clock.MonotonicNs / 1_000_000);
            });
        }

        node.Seams.Scheduler.Schedule(7, () => seen.Add(-1)).Dispose();
        world.RunFor(100);
        Assert.Equal([0, 5, 5, 20, 30], seen);
        Assert.Equal(100_000_000, world.NowNs);
    }

    [Fact]
    public void PostedWorkStaysInOrderAndJobsDoNot()
    {
        var world = new SimWorld(13);
        var node = world.AddNode("a");
        var posted = new List<int>();
        var jobs = new List<int>();
        for (var i = 0; i < 50; i++)
        {
            var number = i;
            node.Seams.Scheduler.Post(() => posted.Add(number));
            node.Seams.Workers.Submit(new Job(() =>
            {
                Assert.False(node.Seams.Scheduler.IsCurrentThread);
                jobs.Add(number);
            }));
        }

        world.RunFor(100);
        Assert.Equal(Enumerable.Range(0, 50), posted);
        Assert.NotEqual(Enumerable.Range(0, 50), jobs);
        Assert.Equal(Enumerable.Range(0, 50), jobs.Order());
    }

    [Fact]
    public void AFailureNamesTheSeed()
    {
        var world = new SimWorld(77);
        world.AddNode("a").Seams.Scheduler.Post(() => throw new InvalidOperationException("expected by a test"));
        var failure = Assert.Throws<SimFailureException>(() => world.RunFor(10));
        Assert.Contains("seed 77", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALoopThatNeverEndsIsFound()
    {
        var world = new SimWorld(1, new SimOptions { EventsMax = 1000, PostDelayNsMax = 0 });
        var scheduler = world.AddNode("a").Seams.Scheduler;
        Action again = null!;
        again = () => scheduler.Post(again);
        scheduler.Post(again);
        Assert.Throws<SimFailureException>(() => world.RunFor(10));
    }

    [Fact]
    public void ASimulationLeavesNoBufferBehind()
    {
        var tail = Payload.CopyOf(TestFrames.Make(200_000));
        var world = new SimWorld(14);
        Connect(world, out var link);
        var header = TestFrames.Make(300_000).AsSpan(0, 100_000);
        TestFrames.Send(link, header, tail);
        world.RunFor(3);
        world.Nodes[0].Crash(SimCrash.Process);
        world.RunFor(100);
        Assert.Equal(1, tail.Buffer!.References);
        tail.Release();
    }

    /// <summary>Echo traffic between three nodes with most faults there are.</summary>
    private static SimWorld Workload(ulong seed)
    {
        var world = new SimWorld(seed, new SimOptions { KeepTrace = true });
        var nodes = new[] { world.AddNode("a"), world.AddNode("b"), world.AddNode("c") };
        foreach (var node in nodes)
        {
            Serve(node);
        }

        var clients = new List<Recorder>();
        for (var i = 0; i < 30; i++)
        {
            var from = nodes[world.Random.Below(3)];
            var to = nodes[world.Random.Below(3)];
            if (from.IsUp)
            {
                var client = new Recorder();
                clients.Add(client);
                client.Frame = (_, frame) => world.Note($"{from.Name} gets {frame.Length}");
                from.Seams.Network.Connect(new LinkAddress(to.Name, Port), TestFrames.Options, client);
            }

            world.RunFor(2);
            foreach (var client in clients.Where(client => client is { Opens: 1, Closes: 0 }))
            {
                TestFrames.Send(client.Link!, TestFrames.Make(4 + world.Random.Below(20_000)));
            }

            Disturb(world, nodes);
        }

        world.Network.MendAll();
        world.RunFor(60_000);
        return world;
    }

    private static void Disturb(SimWorld world, SimNode[] nodes)
    {
        var node = nodes[world.Random.Below(3)];
        var other = nodes[world.Random.Below(3)];
        switch (world.Random.Below(8))
        {
            case 0 when node.IsUp:
                node.Crash(world.Random.Chance(0.5) ? SimCrash.Power : SimCrash.Process);
                break;
            case 1 when !node.IsUp:
                node.Restart();
                Serve(node);
                break;
            case 2:
                world.Network.CutOneWay(node, other);
                break;
            case 3:
                world.Network.MendAll();
                break;
            case 4 when node.IsUp:
                node.Freeze(world.Random.Between(1, 20));
                break;
            case 5:
                world.Network.DropLinks(node, other);
                break;
            default:
                break;
        }
    }

    private static void Serve(SimNode node) => node.Seams.Network.Listen(
        new LinkAddress(node.Name, Port),
        TestFrames.Options,
        _ => new Recorder
        {
            Frame = (link, frame) =>
            {
                frame.Retain();
                node.Seams.Workers.Submit(new Job(() =>
                {
                    TestFrames.Send(link, frame.Span);
                    frame.Release();
                }));
            },
        });

    private static (Recorder Client, Recorder Server) Connect(SimWorld world, out Link link)
    {
        var client = new Recorder();
        var server = new Recorder { Frame = SocketLinkTests.Echo };
        var a = world.AddNode("a");
        var b = world.AddNode("b");
        b.Seams.Network.Listen(new LinkAddress("b", Port), TestFrames.Options, _ => server);
        a.Seams.Network.Connect(new LinkAddress("b", Port), TestFrames.Options, client);
        Assert.True(world.RunUntil(() => client.Opens == 1 && server.Opens == 1, 100));
        link = client.Link!;
        return (client, server);
    }

    private sealed class Job(Action action) : IWork
    {
        public void Run() => action();
    }
}
