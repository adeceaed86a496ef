using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>
/// Random histories of quick-read over open-behind over write-behind: what an application sees is what it would see without them,
/// however late and in whatever order the server works.
/// </summary>
[Collection("payload pool")]
public sealed class SmallFileModelTests
{
    private const long TimeoutNs = 1_000_000_000;

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(5, true)]
    [InlineData(6, true)]
    [InlineData(7, true)]
    [InlineData(8, true)]
    public void ApplicationsOfOneClientSeeTheirOwnDoings(int seed, bool writesBehind)
    {
        var world = new SmallFileWorld(seed, writesBehind);
        for (var round = 0; round < 3; round++)
        {
            var applications = Enumerable.Range(0, 4)
                .Select(i => new SmallFileApplication(world, $"{round}-{i}-").RunAsync(steps: 300))
                .Append(VisitAsync(world, round, steps: 300));
            world.Run(Task.WhenAll(applications));
        }

        Assert.True(world.Network.CountOf(FopCode.Open) > 0);
        Assert.True(world.ContentsListed > 0);
        world.CheckNothingIsLeft();
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public void WhatAnotherClientDoesIsSeenWithinTheTimeout(int seed)
    {
        var world = new SmallFileWorld(seed, writesBehind: false);
        var file = new SharedFile(world);
        world.Run(ReadAllTheTimeAsync(world, file, steps: 600));
        world.CheckNothingIsLeft();
    }

    /// <summary>Looks up and lists what others work on, so that content is fetched at bad moments.</summary>
    private static async Task VisitAsync(SmallFileWorld world, int round, int steps)
    {
        var call = Call.Rent();
        for (var i = 0; i < steps; i++)
        {
            if (world.Random.Next(3) == 0)
            {
                await ListAsync(world, call);
            }

            var name = $"{round}-{world.Random.Next(4)}-{world.Random.Next(6)}";
            var lookup = await world.Top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call);
            var (isOk, gfid) = (lookup.IsOk, lookup.Iatt.Gfid);
            lookup.Release();
            if (isOk)
            {
                var fd = SmallFileWorld.NewFd(gfid, OpenFlags.ReadOnly);
                var open = await world.Top.Open(new OpenFop { Gfid = gfid, Fd = fd }, call);
                var isOpen = open.IsOk;
                open.Release();
                if (isOpen)
                {
                    (await world.Top.Read(new ReadFop { Gfid = gfid, Fd = fd, Size = 4096 }, call)).Release();
                    (await world.Top.Release(new ReleaseFop { Gfid = gfid, Fd = fd }, call)).Release();
                }
            }
        }
    }

    private static async Task ListAsync(SmallFileWorld world, Call call)
    {
        var fd = new Fd(Gfid.Root, OpenFlags.ReadOnly, isDirectory: true, 5);
        (await world.Top.Opendir(new OpendirFop { Gfid = Gfid.Root, Fd = fd }, call)).Release();
        var reply = await world.Top.Readdirp(new ReaddirpFop { Gfid = Gfid.Root, Fd = fd, Size = 65536 }, call);
        Assert.True(reply.IsOk);
        reply.Release();
        (await world.Top.Releasedir(new ReleasedirFop { Gfid = Gfid.Root, Fd = fd }, call)).Release();
    }

    private static async Task ReadAllTheTimeAsync(SmallFileWorld world, SharedFile file, int steps)
    {
        var call = Call.Rent();
        for (var i = 0; i < steps; i++)
        {
            for (var changes = world.Random.Next(3); changes > 0; changes--)
            {
                file.ChangeBehindTheBack();
            }

            // Times with the grain of a second: most changes leave no trace in them.
            world.Time.Advance(world.Random.Next(400));
            world.Time.WallNs = 1_700_000_000_000_000_000 + (world.Time.MonotonicNs / 1_000_000_000 * 1_000_000_000);
            if (world.Random.Next(3) == 0)
            {
                (await world.Top.Lookup(new LookupFop { Parent = Gfid.Root, Name = "shared" }, call)).Release();
            }
            else if (world.Random.Next(2) == 0)
            {
                await ListAsync(world, call);
            }

            file.ChangeBehindTheBack();
            var begun = world.Time.MonotonicNs;
            var fd = SmallFileWorld.NewFd(file.Gfid, OpenFlags.ReadOnly);
            (await world.Top.Open(new OpenFop { Gfid = file.Gfid, Fd = fd }, call)).Release();
            var reply = await world.Top.Read(new ReadFop { Gfid = file.Gfid, Fd = fd, Size = 4096 }, call);
            Assert.True(reply.IsOk);
            Assert.Contains(reply.Data.Span[0], file.ContentsSince(begun - TimeoutNs));
            reply.Release();
            (await world.Top.Release(new ReleaseFop { Gfid = file.Gfid, Fd = fd }, call)).Release();
        }
    }

    /// <summary>A file that another client rewrites: always the same size, each time another byte.</summary>
    private sealed class SharedFile
    {
        private readonly SmallFileWorld _world;
        private readonly Call _call = Call.Rent();
        private readonly List<(byte Content, long FromNs)> _history = [];
        private byte _last;

        public SharedFile(SmallFileWorld world)
        {
            _world = world;
            Gfid = world.NewGfid();
            var xdata = XData.Rent();
            xdata.SetGfid("gfid-req"u8, Gfid);
            var fop = new MknodFop { Parent = Gfid.Root, Name = "shared", Mode = FileMode.Regular | 0x1A4, XData = xdata };
            world.Memory.Mknod(fop, _call).Result.Release();
            xdata.Release();
            ChangeBehindTheBack();
        }

        public Gfid Gfid { get; }

        public void ChangeBehindTheBack()
        {
            var data = Payload.CopyOf([++_last, 0, 0, 0]);
            var fd = Fd.Anonymous(Gfid);
            _world.Memory.Write(new WriteFop { Gfid = Gfid, Fd = fd, Data = data }, _call).Result.Release();
            data.Release();
            _history.Add((_last, _world.Time.MonotonicNs));
        }

        /// <summary>All contents that it had at that time or later.</summary>
        public IEnumerable<byte> ContentsSince(long ns)
        {
            var first = Math.Max(0, _history.FindLastIndex(h => h.FromNs <= ns));
            return _history.Skip(first).Select(h => h.Content);
        }
    }
}
