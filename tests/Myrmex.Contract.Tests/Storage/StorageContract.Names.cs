using System.Linq;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>Names, links, renames and removal.</summary>
public abstract partial class StorageContract
{
    [Fact]
    public void ANewFileIsFoundByNameAndByGfid()
    {
        var gfid = Rig.File(Gfid.Root, "a", "content");
        var byName = Rig.Lookup(Gfid.Root, "a");
        var byGfid = Rig.Stat(gfid);
        Assert.Equal(gfid, byName.Gfid);
        Assert.Equal(byName, byGfid);
        Assert.Equal(FileMode.Regular | 0x1A4, byName.Mode);
        Assert.Equal(7u, byName.Size);
        Assert.Equal(1u, byName.Nlink);
        Assert.Equal(gfid.Ino, byName.Ino);
        Assert.Equal(IattFlags.Brick, byName.Flags);
        Assert.Equal("content", Rig.Text(gfid));
    }

    [Fact]
    public void AnUnknownNameIsENOENTAndAnUnknownGfidESTALE()
    {
        Assert.Equal(Errno.ENOENT, Rig.TryLookup(Gfid.Root, "nothing"));
        Assert.Equal(Errno.ESTALE, Rig.TryStat(StorageRig.NewGfid()));
        Assert.Equal(Errno.ESTALE, Rig.TryLookup(StorageRig.NewGfid(), "nothing"));
        Assert.Equal(Errno.ENOTDIR, Rig.TryLookup(Rig.File(Gfid.Root, "f"), "nothing"));
    }

    [Fact]
    public void EveryTypeCanBeMadeAndRemoved()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        var link = Rig.Symlink(Gfid.Root, "l", "the target");
        var fifo = Rig.Mknod(Gfid.Root, "p", FileMode.Fifo | 0x1A4);
        var socket = Rig.Mknod(Gfid.Root, "s", FileMode.Socket | 0x1A4);
        var device = Rig.Mknod(Gfid.Root, "c", FileMode.CharDevice | 0x1A4);
        Assert.Equal(FileMode.Directory, Rig.Stat(directory).Type);
        Assert.Equal(FileMode.SymbolicLink, Rig.Stat(link).Type);
        Assert.Equal(FileMode.Fifo, Rig.Stat(fifo).Type);
        Assert.Equal(FileMode.Socket, Rig.Stat(socket).Type);
        Assert.Equal(FileMode.CharDevice, Rig.Stat(device).Type);
        Assert.Equal(1u, Rig.Stat(link).Nlink);
        Assert.Equal(2u, Rig.Stat(directory).Nlink);
        Assert.Equal(
            "the target",
            StorageRig.Ok(Rig.Store.Readlink(new ReadlinkFop { Gfid = link, Size = 4096 }, Rig.Caller), r => r.Target.ToString()));
        foreach (var name in new[] { "l", "p", "s", "c" })
        {
            Assert.Equal(Errno.Ok, Rig.Unlink(Gfid.Root, name));
        }

        Assert.Equal(Errno.Ok, Rig.Rmdir(Gfid.Root, "d"));
        Assert.Empty(Rig.List(Gfid.Root));
        Assert.Equal(Errno.ESTALE, Rig.TryStat(link));
        Assert.Equal(Errno.ESTALE, Rig.TryStat(directory));
    }

    [Fact]
    public void AFileInADeepDirectoryIsReachedAfterARestart()
    {
        var at = Gfid.Root;
        for (var i = 0; i < 100; i++)
        {
            at = Rig.Mkdir(at, "level");
        }

        var gfid = Rig.File(at, "leaf", "deep");
        if (Rig.Directory is not null)
        {
            Rig.Restart();
        }

        Assert.Equal(gfid, Rig.Lookup(at, "leaf").Gfid);
        Assert.Equal("deep", Rig.Text(gfid));
        Assert.Equal(at, Rig.Lookup(at, ".").Gfid);
    }

    [Fact]
    public void HardLinksAreNamesOfOneFile()
    {
        var gfid = Rig.File(Gfid.Root, "a", "x");
        var directory = Rig.Mkdir(Gfid.Root, "d");
        Assert.Equal(Errno.Ok, Rig.Link(gfid, directory, "b"));
        Assert.Equal(2u, Rig.Stat(gfid).Nlink);
        Assert.Equal(gfid, Rig.Lookup(directory, "b").Gfid);
        Assert.Equal(Errno.EEXIST, Rig.Link(gfid, directory, "b"));
        Assert.Equal(Errno.EPERM, Rig.Link(directory, Gfid.Root, "e"));
        Assert.Equal(Errno.Ok, Rig.Unlink(Gfid.Root, "a"));
        Assert.Equal(1u, Rig.Stat(gfid).Nlink);
        Assert.Equal("x", Rig.Text(gfid));
        Assert.Equal(Errno.Ok, Rig.Unlink(directory, "b"));
        Assert.Equal(Errno.ESTALE, Rig.TryStat(gfid));
    }

    [Fact]
    public void AListingShowsEachEntryOnce()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        for (var i = 0; i < 300; i++)
        {
            Rig.Mknod(directory, $"file-{i}");
        }

        var listed = Rig.List(directory, 1000);
        Assert.Equal(300, listed.Count);
        Assert.Equal(300, listed.Select(e => e.Name).Distinct().Count());
        Assert.All(listed, e => Assert.Equal(Rig.Lookup(directory, e.Name).Ino, e.Ino));
    }
}
