using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Dht;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>Listings of directories while subvolumes go and come: less than all is never said to be all.</summary>
public sealed class DhtListingTests
{
    private const int Names = 200;

    [Theory]
    [InlineData(0, 300)]
    [InlineData(1, 300)]
    [InlineData(2, 300)]
    [InlineData(1, 131072)]
    public async Task WhatIsOnASubvolumeThatIsAwayIsMissingWithAnError(int away, int size)
    {
        var (volume, directory, names) = await FilledAsync();
        SetDown(volume, away, true);
        var listing = await OpenedAsync(volume, directory);
        Assert.Equal(Errno.ENOTCONN, await listing.ReadAsync((uint)size));
        Assert.Equal(names.Where(n => volume.HashedOf(directory, n) != away || n.StartsWith('d')).Order(), listing.Names.Order());

        // Asked again, it goes on where it was, with nothing shown twice, and the subvolume was not even open before.
        Assert.Equal(Errno.ENOTCONN, await listing.ReadAsync((uint)size));
        SetDown(volume, away, false);
        Assert.Equal(Errno.Ok, await listing.ReadAsync((uint)size));
        Assert.Equal(names.Order(), listing.Names.Order());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ASubvolumeThatGoesInBetweenIsWaitedFor(int away)
    {
        var (volume, directory, names) = await FilledAsync();
        var listing = await OpenedAsync(volume, directory);
        await listing.ReadAsync(300, chunksMax: 2);
        SetDown(volume, away, true);
        Assert.Equal(Errno.ENOTCONN, await listing.ReadAsync(300));
        SetDown(volume, away, false);
        Assert.Equal(Errno.Ok, await listing.ReadAsync(300));
        Assert.Equal(names.Order(), listing.Names.Order());
    }

    [Fact]
    public async Task WhoReadsOnByAnotherFdReadsTheRest()
    {
        var (volume, directory, names) = await FilledAsync();
        var first = await OpenedAsync(volume, directory);
        while (first.Subvolume(3) < 2)
        {
            Assert.Equal(Errno.Ok, await first.ReadAsync(300, chunksMax: 1));
        }

        // What was read before is not looked at again.
        SetDown(volume, 0, true);
        var second = await OpenedAsync(volume, directory);
        second.Offset = first.Offset;
        Assert.Equal(Errno.Ok, await second.ReadAsync(300));
        Assert.Equal(names.Order(), first.Names.Concat(second.Names).Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhoReadsOnByAnotherFdHearsThatSomethingIsMissing(bool isBack)
    {
        var (volume, directory, _) = await FilledAsync();
        SetDown(volume, 1, true);
        var first = await OpenedAsync(volume, directory);
        while (first.Subvolume(3) < 2)
        {
            Assert.Equal(Errno.Ok, await first.ReadAsync(300, chunksMax: 1));
        }

        SetDown(volume, 1, !isBack);
        var second = await OpenedAsync(volume, directory);
        second.Offset = first.Offset;
        Assert.Equal(Errno.ENOTCONN, await second.ReadAsync(300));
        Assert.Equal(Errno.ENOTCONN, await second.ReadAsync(300));
    }

    /// <summary>The kernel keeps a chunk for a while and asks for the next one after it when the reader is slow.</summary>
    [Theory]
    [InlineData(300)]
    [InlineData(131072)]
    public async Task WhoGoesBackMissesNothing(int size)
    {
        var (volume, directory, names) = await FilledAsync();
        SetDown(volume, 1, true);
        var listing = await OpenedAsync(volume, directory);
        while (listing.Subvolume(3) < 2)
        {
            Assert.Equal(Errno.Ok, await listing.ReadAsync((uint)size, chunksMax: 1));
        }

        var (offset, before) = (listing.Offset, listing.Names.ToList());
        SetDown(volume, 1, false);
        for (var i = 0; i < 2; i++)
        {
            listing.Offset = offset;
            listing.Names.Clear();
            Assert.Equal(Errno.Ok, await listing.ReadAsync((uint)size));
            Assert.Equal(names.Order(), before.Concat(listing.Names).Order());
        }
    }

    [Fact]
    public async Task OneThatIsStillAwayDoesNotHideOneThatIsBack()
    {
        var (volume, directory, names) = await FilledAsync();
        SetDown(volume, 0, true);
        SetDown(volume, 1, true);
        var listing = await OpenedAsync(volume, directory);
        Assert.Equal(Errno.ENOTCONN, await listing.ReadAsync(300));
        SetDown(volume, 1, false);
        Assert.Equal(Errno.ENOTCONN, await listing.ReadAsync(300));
        Assert.Equal(
            names.Where(n => volume.HashedOf(directory, n) != 0 || n.StartsWith('d')).Order(), listing.Names.Order());
        SetDown(volume, 0, false);
        Assert.Equal(Errno.Ok, await listing.ReadAsync(300));
        Assert.Equal(names.Order(), listing.Names.Order());
    }

    [Fact]
    public async Task WithAllAwayNothingIsListed()
    {
        var (volume, directory, _) = await FilledAsync();
        var listing = await OpenedAsync(volume, directory);
        foreach (var subvolume in Enumerable.Range(0, 3))
        {
            SetDown(volume, subvolume, true);
        }

        Assert.Equal(Errno.ENOTCONN, await listing.ReadAsync(4096));
        Assert.Empty(listing.Names);
    }

    [Fact]
    public async Task AListingThatBeginsAnewForgetsWhatItMissed()
    {
        var (volume, directory, names) = await FilledAsync();
        SetDown(volume, 1, true);
        var listing = await OpenedAsync(volume, directory);
        Assert.Equal(Errno.ENOTCONN, await listing.ReadAsync(4096));
        SetDown(volume, 1, false);
        listing.Offset = 0;
        listing.Names.Clear();
        Assert.Equal(Errno.Ok, await listing.ReadAsync(4096));
        Assert.Equal(names.Order(), listing.Names.Order());
    }

    [Fact]
    public async Task PartialListingsAreThereForWhoWantsThem()
    {
        var (volume, directory, names) = await FilledAsync((DhtOptions.PartialListings, "on"));
        SetDown(volume, 1, true);
        var listing = await OpenedAsync(volume, directory);
        Assert.Equal(Errno.Ok, await listing.ReadAsync(300));
        Assert.Equal(names.Where(n => volume.HashedOf(directory, n) != 1 || n.StartsWith('d')).Order(), listing.Names.Order());
    }

    private static async Task<(DhtVolume Volume, Gfid Directory, List<string> Names)> FilledAsync(
        params (string, string)[] options)
    {
        var volume = await new DhtVolume(3, options).MountAsync();
        var directory = await volume.MkdirAsync(Gfid.Root, "dir");
        var names = Enumerable.Range(0, Names).Select(i => i % 5 == 0 ? $"d{i}" : $"f{i}").ToList();
        foreach (var name in names)
        {
            await (name[0] == 'd' ? volume.MkdirAsync(directory, name) : volume.CreateAsync(directory, name));
        }

        return (volume, directory, names);
    }

    private static void SetDown(DhtVolume volume, int subvolume, bool isDown)
    {
        volume.Probes[subvolume].IsDown = isDown;
        volume.Dht.Notify(
            new GraphEvent(isDown ? GraphEventKind.ChildDown : GraphEventKind.ChildUp), volume.Subvolumes[subvolume]);
    }

    private static async Task<Listing> OpenedAsync(DhtVolume volume, Gfid directory)
    {
        var fd = volume.NewFd(directory, isDirectory: true);
        (await volume.Dht.Opendir(new OpendirFop { Gfid = directory, Fd = fd }, DhtVolume.NewCall())).Release();
        return new Listing(volume, directory, fd);
    }

    /// <summary>A reader of one open directory.</summary>
    private sealed class Listing(DhtVolume volume, Gfid directory, Fd fd)
    {
        public List<string> Names { get; } = [];

        public long Offset { get; set; }

        /// <summary>Which subvolume the position is of.</summary>
        public int Subvolume(int count) => new ReaddirCookie(3 * count).Split((ulong)Offset).Place % count;

        /// <summary>Reads on to the end (Ok), to an error, or as many chunks.</summary>
        public async Task<Errno> ReadAsync(uint size, int chunksMax = int.MaxValue)
        {
            for (var chunk = 0; chunk < chunksMax; chunk++)
            {
                var ask = new ReaddirpFop { Gfid = directory, Fd = fd, Offset = Offset, Size = size };
                var reply = await volume.Dht.Readdirp(ask, DhtVolume.NewCall());
                var (error, count) = (reply.Error, reply.IsOk ? reply.Entries.Count : 0);
                for (var i = 0; i < count; i++)
                {
                    Offset = (long)reply.Entries[i].Offset;
                    if (!reply.Entries.NameOf(i).IsDotOrDotDot)
                    {
                        Names.Add(reply.Entries.NameOf(i).ToString());
                    }
                }

                reply.Release();
                if (error != Errno.Ok || count == 0)
                {
                    return error;
                }
            }

            return Errno.Ok;
        }
    }
}
