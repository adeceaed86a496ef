using System;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

public sealed class DhtBasicTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task EveryNameLandsWhereHashAndLayoutSay(int count)
    {
        var volume = await new DhtVolume(count).MountAsync();
        var directory = await volume.MkdirAsync(Gfid.Root, "dir");
        for (var i = 0; i < 100; i++)
        {
            foreach (var parent in new[] { Gfid.Root, directory })
            {
                var gfid = await volume.CreateAsync(parent, $"file-{i}");
                Assert.Equal([volume.HashedOf(parent, $"file-{i}")], volume.PlacesOf(parent, $"file-{i}").Data);
                Assert.Equal((Errno.Ok, $"file-{i}"), await volume.ReadAsync(gfid));
            }
        }

        Assert.True(volume.LayoutOnBricks(directory).IsWhole);
        Assert.True(volume.LayoutOnBricks(Gfid.Root).IsWhole);
    }

    [Fact]
    public async Task ASingleSubvolumeNeedsNoLayoutOnTheRootAndTheFullRangeBelow()
    {
        var volume = await new DhtVolume(1).MountAsync();
        var directory = await volume.MkdirAsync(Gfid.Root, "dir");
        Assert.Null(volume.XattrOnBrick(0, Gfid.Root, "trusted.glusterfs.dht"));
        Assert.Equal("000000000000000000000000FFFFFFFF", Convert.ToHexString(volume.XattrOnBrick(0, directory, "trusted.glusterfs.dht")!));
        var gfid = await volume.CreateAsync(directory, "file");
        Assert.Equal((Errno.Ok, "file"), await volume.ReadAsync(gfid));
        Assert.Equal(["file"], await volume.ListAsync(directory));
    }

    [Fact]
    public async Task TheRootOfANewVolumeGetsALayoutWithTheInvalidCommitHash()
    {
        var volume = await new DhtVolume(3).MountAsync();
        var layout = volume.LayoutOnBricks(Gfid.Root);
        Assert.True(layout.IsWhole);
        Assert.Equal(1U, layout.CommitHash);
        Assert.Equal(0x8619bd58 % 3, (uint)Enumerable.Range(0, 3).Single(i => layout[i].Xattr.Start == 0));
    }

    /// <summary>The bound of a listing's contents is one for all subvolumes together.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task AListingBringsContentsOfAllSubvolumesWithinOneBound(int count)
    {
        var volume = await new DhtVolume(count).MountAsync();
        var directory = await volume.MkdirAsync(Gfid.Root, "dir");
        for (var i = 10; i < 40; i++)
        {
            await volume.CreateAsync(directory, $"file-{i}"); // 7 bytes each, its name.
        }

        Assert.Equal(30, await ContentsAsync(volume, directory, new ListedContents(7, 10_000)));
        Assert.Equal(0, await ContentsAsync(volume, directory, new ListedContents(6, 10_000)));
        Assert.Equal(20, await ContentsAsync(volume, directory, new ListedContents(7, 146)));
    }

    private static async Task<int> ContentsAsync(DhtVolume volume, Gfid directory, ListedContents wish)
    {
        var fd = volume.NewFd(directory, isDirectory: true);
        (await volume.Dht.Opendir(new OpendirFop { Gfid = directory, Fd = fd }, DhtVolume.NewCall())).Release();
        var xdata = XData.Rent();
        wish.WriteTo(xdata);
        var fop = new ReaddirpFop { Gfid = directory, Fd = fd, Size = 1 << 20, XData = xdata };
        var reply = await volume.Dht.Readdirp(fop, DhtVolume.NewCall());
        Assert.Equal(Errno.Ok, reply.Error);
        var contents = 0;
        for (var i = 0; i < reply.Entries.Count; i++)
        {
            if (reply.Entries[i].XData is { } answer && answer.TryGetBytes("glusterfs.content"u8, out var content))
            {
                Assert.Equal(reply.Entries.NameOf(i).ToString(), System.Text.Encoding.UTF8.GetString(content));
                contents++;
            }
        }

        Assert.True(reply.Entries.Count >= 30);
        reply.Release();
        xdata.Release();
        await volume.ReleaseAsync(fd);
        return contents;
    }

    [Fact]
    public async Task ANewDirectoryHasItsMetadataMarkOnTheHashedSubvolumeAlone()
    {
        var volume = await new DhtVolume(3).MountAsync();
        var gfid = await volume.MkdirAsync(Gfid.Root, "dir");
        var hashed = volume.HashedOf(Gfid.Root, "dir");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(i == hashed, volume.XattrOnBrick(i, gfid, "trusted.glusterfs.dht.mds") is not null);
            Assert.Equal(Errno.Ok, volume.OnBrick(i, Gfid.Root, "dir").Error);
        }

        Assert.Equal(0U, volume.LayoutOnBricks(gfid).CommitHash);
    }

    [Fact]
    public async Task ANameThatIsNowhereAnswersENOENTAndAGfidESTALE()
    {
        var volume = await new DhtVolume(3).MountAsync();
        Assert.Equal(Errno.ENOENT, (await volume.LookupAsync(Gfid.Root, "none")).Error);
        Assert.Equal(Errno.ESTALE, (await volume.LookupAsync(new Gfid(1, 2))).Error);
    }

    /// <summary>What a rename or link leaves whose client or brick died before the link file had its name.</summary>
    [Fact]
    public async Task ANameThatAListingShowsIsFoundAlsoWithoutItsLinkFile()
    {
        var volume = await new DhtVolume(3).MountAsync();
        var directory = await volume.MkdirAsync(Gfid.Root, "dir");
        var name = volume.NameOn(directory, brick: 0);
        await volume.PlaceAsync(directory, name, brick: 1, link: false);
        Assert.Equal(Errno.ENOENT, (await volume.LookupAsync(directory, name)).Error);
        Assert.Equal([name], await volume.ListAsync(directory));
        Assert.Equal(Errno.Ok, (await volume.LookupAsync(directory, name)).Error);
        Assert.Equal([0], volume.PlacesOf(directory, name).Links);
        Assert.Equal(Errno.Ok, await volume.UnlinkAsync(directory, name));
        Assert.Equal(Errno.Ok, await volume.RmdirAsync(Gfid.Root, "dir"));
    }

    [Fact]
    public async Task AnotherClientFindsEverything()
    {
        var first = await new DhtVolume(3).MountAsync();
        var directory = await first.MkdirAsync(Gfid.Root, "dir");
        var file = await first.CreateAsync(directory, "file");
        var second = new DhtVolume(first.Bricks);
        Assert.Equal((Errno.Ok, "file"), await second.ReadAsync(file));
        var (error, iatt) = await second.LookupAsync(Gfid.Root, "dir");
        Assert.Equal((Errno.Ok, directory), (error, iatt.Gfid));
        Assert.Equal(file, (await second.LookupAsync(directory, "file")).Iatt.Gfid);
    }

    [Fact]
    public async Task UnlinkRemovesTheFile()
    {
        var volume = await new DhtVolume(3).MountAsync();
        await volume.CreateAsync(Gfid.Root, "file");
        Assert.Equal(Errno.Ok, await volume.UnlinkAsync(Gfid.Root, "file"));
        Assert.Equal(Errno.ENOENT, await volume.UnlinkAsync(Gfid.Root, "file"));
        Assert.Equal(Errno.ENOENT, (await volume.LookupAsync(Gfid.Root, "file")).Error);
        Assert.Empty(volume.PlacesOf(Gfid.Root, "file").Data);
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(5, false)]
    [InlineData(3, true)]

    public async Task AListingIsCompleteAndWithoutDoubles(int count, bool hashCookies)
    {
        var volume = await new DhtVolume(count).MountAsync();
        volume.Bricks.Rules.ForEach(r => r.HasHashCookies = hashCookies);
        var directory = await volume.MkdirAsync(Gfid.Root, "dir");
        var names = Enumerable.Range(0, hashCookies ? 600 : 3000).Select(i => $"name-{i}").ToHashSet();
        foreach (var name in names)
        {
            if (name.EndsWith('7'))
            {
                await volume.MkdirAsync(directory, name);
            }
            else
            {
                await volume.CreateAsync(directory, name);
            }
        }

        foreach (var size in new uint[] { 1, 700, 4096, 131072 })
        {
            var listed = await volume.ListAsync(directory, size, dots: true);
            Assert.Equal(listed.Count, listed.Distinct().Count());
            Assert.Equal(names.Append(".").Append("..").Order(), listed.Order());
        }
    }

    [Fact]
    public async Task StatfsAddsTheSubvolumesUp()
    {
        var volume = await new DhtVolume(2).MountAsync();
        volume.Bricks.Rules[0].Space = new StatFs { BlockSize = 4096, FragmentSize = 4096, Blocks = 1000, BlocksFree = 500, BlocksAvailable = 400, NameMax = 255 };
        volume.Bricks.Rules[1].Space = new StatFs { BlockSize = 1024, FragmentSize = 1024, Blocks = 4000, BlocksFree = 400, BlocksAvailable = 40, NameMax = 255 };
        var reply = await volume.Dht.Statfs(new StatfsFop { Gfid = Gfid.Root }, DhtVolume.NewCall());
        Assert.Equal((4096UL, 2000UL, 600UL, 410UL), (reply.StatFs.FragmentSize, reply.StatFs.Blocks, reply.StatFs.BlocksFree, reply.StatFs.BlocksAvailable));
        reply.Release();
    }

    [Fact]
    public void ArrivalIsAnnouncedWhenAllHaveReportedAndOneIsUp()
    {
        var volume = new DhtVolume(3);
        Tell(volume, 0, GraphEventKind.ChildUp);
        Tell(volume, 1, GraphEventKind.ChildDown);
        Assert.Empty(volume.Events);
        Tell(volume, 2, GraphEventKind.ChildDown);
        Assert.Equal([GraphEventKind.ChildUp], volume.Events.Select(e => e.Kind));
        Tell(volume, 1, GraphEventKind.ChildUp);
        Tell(volume, 0, GraphEventKind.ChildDown);
        Assert.Equal([GraphEventKind.ChildUp, GraphEventKind.ChildUp], volume.Events.Select(e => e.Kind));
        Tell(volume, 1, GraphEventKind.ChildDown);
        Assert.Equal(GraphEventKind.ChildDown, volume.Events[^1].Kind);
        Assert.Equal(3, volume.Events.Count);
    }

    private static void Tell(DhtVolume volume, int subvolume, GraphEventKind kind) =>
        volume.Dht.Notify(new GraphEvent(kind), volume.Subvolumes[subvolume]);

    [Fact]
    public async Task AnOpenDirectoryKeepsItsAttributesAfterItsRemoval()
    {
        var volume = await new DhtVolume(4).MountAsync();
        var gfid = await volume.MkdirAsync(Gfid.Root, "dir");
        var fd = volume.NewFd(gfid, isDirectory: true);
        (await volume.Dht.Opendir(new OpendirFop { Gfid = gfid, Fd = fd }, DhtVolume.NewCall())).Release();
        Assert.Equal(Errno.Ok, await volume.RmdirAsync(Gfid.Root, "dir"));
        var reply = await volume.Dht.Fstat(new FstatFop { Gfid = gfid, Fd = fd }, DhtVolume.NewCall());
        Assert.Equal(Errno.Ok, reply.Error);
        Assert.True(reply.Iatt.IsDirectory);
        Assert.Equal(gfid, reply.Iatt.Gfid);
        Assert.Equal(0U, reply.Iatt.Nlink);
        reply.Release();
        await volume.ReleaseAsync(fd);
    }
}
