using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: each life of a simulated process has memory of its own, and what a killed one held is freed.</summary>
[Trait("Tier", "unit")]
[Collection("payload pool")]
public sealed class SimMemoryTests
{
    private const int Size = 100_000;

    [Fact]
    public void AProcessRentsFromItsOwnMemoryAndItsNextLifeBeginsWithNone()
    {
        var before = PayloadPool.Shared.OutstandingBytes;
        var world = new SimWorld(1);
        var (a, b) = (world.AddNode("a"), world.AddNode("b"));
        var rented = Rent(world, a, 3);
        Assert.True(a.Memory.OutstandingBytes >= 3 * Size);
        Assert.Equal(0, b.Memory.OutstandingBytes);
        Assert.Equal(before + a.Memory.OutstandingBytes, PayloadPool.Shared.OutstandingBytes);
        rented[0].Release(); // By whoever has it, it goes back to where it is from.
        Assert.Equal(2 * rented[0].Capacity, a.Memory.OutstandingBytes);

        a.Crash(SimCrash.Process);
        a.Restart();
        Assert.Equal(0, a.Memory.OutstandingBytes);
        rented[1].Release();
        rented[2].Release();
        Assert.Equal(0, a.Memory.OutstandingBytes);
        Assert.Equal(before, PayloadPool.Shared.OutstandingBytes);
    }

    [Fact]
    public void WhatAKilledProcessHeldIsFreedWhenNobodyCanUseIt()
    {
        RentAndRelease(10); // These are rented again.
        var before = SettledPool.Bytes();
        PayloadBuffer? kept = RentAndCrash();
        Assert.Equal(kept.Capacity, SettledPool.Bytes() - before); // Of ten.
        Assert.False(kept.GetSpan().ContainsAnyExcept((byte)7));
        kept.Release();
        kept = null;
        Assert.Equal(before, SettledPool.Bytes());
    }

    [Fact]
    public void AProcessOverItsLimitHoldsUpNoOther()
    {
        var world = new SimWorld(3);
        var client = world.AddNode("client");
        var servers = new[] { "a", "b" }.Select(world.AddNode).ToList();
        var recorders = servers.ConvertAll(_ => new Recorder());
        var links = new List<Link>();
        foreach (var (server, recorder) in servers.Zip(recorders))
        {
            var address = new LinkAddress(server.Name, 24007);
            server.Seams.Network.Listen(address, TestFrames.Options, _ => recorder);
            links.Add(client.Seams.Network.Connect(address, TestFrames.Options, new Recorder()));
        }

        world.RunFor(100);
        servers[0].Memory.LimitBytes = -1;
        links.ForEach(link => TestFrames.Send(link, TestFrames.Make(1000)));
        world.RunFor(1_000);
        Assert.Equal([0, 1], recorders.Select(r => r.Frames.Count));
        servers[0].Memory.LimitBytes = long.MaxValue;
        world.RunFor(1_000);
        Assert.Equal([1, 1], recorders.Select(r => r.Frames.Count));
    }

    private static List<PayloadBuffer> Rent(SimWorld world, SimNode node, int count)
    {
        var rented = new List<PayloadBuffer>();
        node.Seams.Scheduler.Post(() => rented.AddRange(
            Enumerable.Range(0, count).Select(_ => PayloadPool.Shared.Rent(Size))));
        Assert.True(world.RunUntil(() => rented.Count == count, 1_000));
        return rented;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RentAndRelease(int count) =>
        Enumerable.Range(0, count).Select(_ => PayloadPool.Shared.Rent(Size)).ToList().ForEach(b => b.Release());

    /// <summary>One of ten buffers of a process that is killed; nobody knows the others.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static PayloadBuffer RentAndCrash()
    {
        var world = new SimWorld(2);
        var node = world.AddNode("a");
        var kept = Rent(world, node, 10)[4];
        kept.GetSpan().Fill(7);
        node.Crash(SimCrash.Power);
        return kept;
    }
}
