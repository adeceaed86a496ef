using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Real;

/// <summary>Whole members over real sockets, with real journals and storage/posix below.</summary>
public sealed class RealSetTests
{
    [Fact]
    public async Task WhatWasAnsweredIsOnAllMembersThoughLeadersStop()
    {
        await using var set = new RealSet(3);
        await set.BeginAsync();
        var made = new Dictionary<string, Gfid>();
        for (var round = 0; round < 4; round++)
        {
            var stopped = round == 0 ? null : set.Leader;
            var stopping = stopped is null ? Task.CompletedTask : Task.Run(async () =>
            {
                await Task.Delay(20);
                stopped.Stop();
            });
            await Task.WhenAll(Enumerable.Range(0, 40).Select(n => MakeAsync(set, made, round, n)));
            await stopping.WaitAsync(TimeSpan.FromMinutes(1));
            stopped?.Start();
        }

        Assert.Equal(160, made.Count);
        await AssertEqualAsync(set);
        foreach (var (name, gfid) in made)
        {
            var call = Call.Internal();
            var found = await set.Members[2].Store.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call);
            Assert.True(found.IsOk, name);
            Assert.Equal(gfid, found.Iatt.Gfid);
            Assert.Equal(5000ul, found.Iatt.Size);
            found.Release();
            call.Release();
        }
    }

    /// <summary>Each member in turn is away, the witness too; then the two stores are equal.</summary>
    [Fact]
    public async Task TwoStoresAndAWitnessGoOnWithAnyTwo()
    {
        await using var set = new RealSet(3, witness: 2);
        await set.BeginAsync();
        var made = new Dictionary<string, Gfid>();
        for (var round = 0; round < 6; round++)
        {
            var stopped = set.Members[round % 3];
            await MakeAsync(set, made, round, 100);
            await Task.Run(stopped.Stop);
            await Task.WhenAll(Enumerable.Range(0, 20).Select(n => MakeAsync(set, made, round, n)));
            await Task.Run(stopped.Start);
            Assert.NotEqual(2, set.Leader.Number);
        }

        Assert.Equal(126, made.Count);
        await AssertEqualAsync(set);
        Assert.Empty(System.IO.Directory.GetFileSystemEntries(set.Members[2].Brick));
        Assert.Contains("witness", set.Members[2].Dump(), StringComparison.Ordinal);
    }

    /// <summary>What a client of GlusterFS sends to the brick of the witness goes to the member that leads.</summary>
    [Fact]
    public async Task TheDoorOfAWitnessLeadsToWhoLeads()
    {
        await using var set = new RealSet(3, witness: 2);
        await set.BeginAsync();
        var door = set.LinkTo(2, RealSet.Door);
        var gfid = new Gfid(1, 2);
        for (var round = 0; round < 2; round++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"d{round}");
            var error = Errno.ENOTCONN;
            for (var i = 0; i < 200 && error != Errno.Ok; i++)
            {
                var call = Call.Internal();
                var xdata = XData.Rent();
                xdata.SetGfid("gfid-req"u8, new Gfid(7, (ulong)round + 1));
                var made = await door.Mknod(
                    new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call);
                error = made.Error == Errno.EEXIST && i > 0 ? Errno.Ok : made.Error;
                made.Release();
                xdata.Release();
                call.Release();
                await Task.Delay(50);
            }

            Assert.Equal(Errno.Ok, error);
            Assert.Equal(Errno.EEXIST, await set.DoAsync(async (top, call, xdata) =>
            {
                xdata.SetGfid("gfid-req"u8, gfid);
                return await top.Mknod(
                    new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call);
            }));
            await Task.Run(set.Leader.Stop);
        }
    }

    private static async Task MakeAsync(RealSet set, Dictionary<string, Gfid> made, int round, int number)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"f{round}.{number}");
        var gfid = new Gfid((ulong)Random.Shared.NextInt64(), (ulong)Random.Shared.NextInt64());
        Assert.Equal(Errno.Ok, await set.DoAsync(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, gfid);
            return await top.Mknod(new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call);
        }));
        Assert.Equal(Errno.Ok, await set.DoAsync(async (top, call, xdata) =>
        {
            var data = Payload.CopyOf(Enumerable.Repeat((byte)number, 5000).ToArray());
            var reply = await top.Write(
                new WriteFop { Gfid = gfid, Fd = Fd.Anonymous(gfid), Data = data, XData = xdata }, call);
            data.Release();
            return reply;
        }));
        Assert.Equal(Errno.Ok, await set.DoAsync(async (top, call, _) =>
        {
            var reply = await top.Stat(new StatFop { Gfid = gfid }, call);
            Assert.True(!reply.IsOk || reply.Iatt.Size == 5000, "a read that lacks what was answered");
            return reply;
        }));
        lock (made)
        {
            made.Add(name, gfid);
        }
    }

    private static async Task AssertEqualAsync(RealSet set)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var digests = new List<StoreDigest>();
            foreach (var member in set.Members.Where(m => m.Number != set.Witness))
            {
                digests.Add(await StoreDigest.TakeAsync(member.Store));
            }

            if (digests.TrueForAll(d => d.Hash.AsSpan().SequenceEqual(digests[0].Hash)))
            {
                return;
            }

            Assert.True(
                clock.Elapsed.TotalSeconds < 20,
                string.Join('\n', digests.Skip(1).Select(d => digests[0].DifferencesTo(d))));
            await Task.Delay(100);
        }
    }
}
