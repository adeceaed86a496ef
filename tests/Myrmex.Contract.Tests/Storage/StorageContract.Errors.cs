using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>Names that are odd, requests that are wrong, directories that are large.</summary>
public abstract partial class StorageContract
{
    [Fact]
    public void NamesAreBytes()
    {
        var longest = new Name(Enumerable.Repeat((byte)'n', 255).ToArray());
        var odd = StorageRig.Bytes(0xFF, 0xFE, (byte)'\n', 0x80);
        var spaced = new Name(" "u8.ToArray());
        foreach (var name in new[] { longest, odd, spaced })
        {
            var gfid = Rig.File(Gfid.Root, name, "x");
            Assert.Equal(gfid, Rig.Lookup(Gfid.Root, name).Gfid);
        }

        Assert.Equal(3, Rig.List(Gfid.Root).Count);
        Assert.Contains(Rig.List(Gfid.Root), e => Encoding.Latin1.GetBytes(e.Name).AsEnumerable().SequenceEqual(odd.Span.ToArray()));
        Assert.Equal(Errno.Ok, Rig.Rename(Gfid.Root, odd, Gfid.Root, "plain"));
        Assert.Equal(Errno.Ok, Rig.Unlink(Gfid.Root, longest));
    }

    [Fact]
    public void ImpossibleNamesAreRefused()
    {
        var tooLong = new Name(Enumerable.Repeat((byte)'n', 256).ToArray());
        Assert.Equal(Errno.ENAMETOOLONG, Rig.TryLookup(Gfid.Root, tooLong));
        Assert.Equal(Errno.ENAMETOOLONG, TryCreate(tooLong, OpenFlags.ReadWrite));
        foreach (var name in new Name[] { "a/b", "", ".", "..", StorageRig.Bytes((byte)'a', 0) })
        {
            Assert.Equal(Errno.EINVAL, TryCreate(name, OpenFlags.ReadWrite));
            Assert.Equal(Errno.EINVAL, Rig.Unlink(Gfid.Root, name));
            Assert.Equal(Errno.EINVAL, Rig.Rename(Gfid.Root, "f", Gfid.Root, name));
        }
    }

    [Fact]
    public void AnInodeIsMadeOnlyWithTheGfidOfTheClient()
    {
        Assert.Equal(Errno.EPERM, TryCreate("f", OpenFlags.ReadWrite, XData.Rent()));
        Assert.Equal(Errno.ENOENT, Rig.TryLookup(Gfid.Root, "f"));
    }

    [Fact]
    public void AGfidInUseIsRefusedAndNothingIsLeft()
    {
        var file = Rig.File(Gfid.Root, "f");
        var directory = Rig.Mkdir(Gfid.Root, "d");
        foreach (var gfid in new[] { file, directory })
        {
            Assert.Equal(Errno.EEXIST, TryCreate("new", OpenFlags.ReadWrite, StorageRig.WithGfid(gfid)));
            Assert.Equal(
                Errno.EEXIST,
                StorageRig.Outcome(Rig.Store.Mkdir(
                    new MkdirFop { Parent = Gfid.Root, Name = "new", Mode = 0x1ED, XData = StorageRig.WithGfid(gfid) }, Rig.Caller)));
            Assert.Equal(Errno.ENOENT, Rig.TryLookup(Gfid.Root, "new"));
            Assert.Equal(Errno.Ok, Rig.TryStat(gfid));
        }
    }

    [Fact]
    public void EntriesAreMadeInDirectoriesOnly()
    {
        var file = Rig.File(Gfid.Root, "f");
        foreach (var (parent, expected) in new[] { (file, Errno.ENOTDIR), (StorageRig.NewGfid(), Errno.ESTALE) })
        {
            Assert.Equal(
                expected,
                StorageRig.Outcome(Rig.Store.Mkdir(
                    new MkdirFop { Parent = parent, Name = "x", XData = StorageRig.WithGfid(StorageRig.NewGfid()) }, Rig.Caller)));
            Assert.Equal(expected, Rig.Unlink(parent, "x"));
            Assert.Equal(expected, Rig.Rmdir(parent, "x"));
            Assert.Equal(expected, Rig.Rename(parent, "x", Gfid.Root, "y"));
            Assert.Equal(expected, Rig.Rename(Gfid.Root, "f", parent, "y"));
            Assert.Equal(expected, Rig.Link(file, parent, "y"));
        }
    }

    [Fact]
    public void ExistingNamesAreNotMadeAgain()
    {
        foreach (var name in new[] { "d", "f", "l" })
        {
            Make(Gfid.Root, name, name switch { "d" => "empty", "f" => "file", _ => "link" });
        }

        foreach (var name in new[] { "d", "f", "l" })
        {
            var xdata = StorageRig.WithGfid(StorageRig.NewGfid());
            Assert.Equal(Errno.EEXIST, StorageRig.Outcome(Rig.Store.Mkdir(
                new MkdirFop { Parent = Gfid.Root, Name = name, XData = xdata }, Rig.Caller)));
            Assert.Equal(Errno.EEXIST, StorageRig.Outcome(Rig.Store.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = name, Mode = FileMode.Regular, XData = xdata }, Rig.Caller)));
            Assert.Equal(Errno.EEXIST, StorageRig.Outcome(Rig.Store.Symlink(
                new SymlinkFop { Parent = Gfid.Root, Name = name, Target = "t", XData = xdata }, Rig.Caller)));
        }
    }

    [Fact]
    public void TheLayoutOfTheParentIsChecked()
    {
        var parent = Rig.Mkdir(Gfid.Root, "p");
        Rig.Setxattr(parent, "trusted.glusterfs.dht", new byte[16]);
        var right = StorageRig.WithGfid(StorageRig.NewGfid());
        right.SetString("glusterfs.preop.parent.key"u8, "trusted.glusterfs.dht"u8);
        right.SetBytes("trusted.glusterfs.dht"u8, new byte[16]);
        right.SetBytes("trusted.glusterfs.dht.mds"u8, new byte[4]);
        var gfid = StorageRig.Ok(
            Rig.Store.Mkdir(new MkdirFop { Parent = parent, Name = "a", Mode = 0x1ED, XData = right }, Rig.Caller), r => r.Iatt.Gfid);
        Assert.Null(Rig.Getxattr(gfid, "trusted.glusterfs.dht"));
        Assert.Equal(new byte[4], Rig.Getxattr(gfid, "trusted.glusterfs.dht.mds")!);
        right.SetBytes("trusted.glusterfs.dht"u8, Enumerable.Repeat((byte)1, 16).ToArray());
        right.SetGfid("gfid-req"u8, StorageRig.NewGfid());
        var reply = StorageRig.Wait(Rig.Store.Mkdir(
            new MkdirFop { Parent = parent, Name = "b", Mode = 0x1ED, XData = right }, Rig.Caller));
        Assert.Equal(Errno.EIO, reply.Error);
        Assert.True(reply.XData!.Contains("glusterfs.preop.check.failed"u8));
        reply.Release();
        Assert.Equal(Errno.ENOENT, Rig.TryLookup(parent, "b"));
    }

    [Fact]
    public void GuardsOfUnlinkAreKept()
    {
        var gfid = Rig.File(Gfid.Root, "f", "data");
        var guard = XData.Rent();
        guard.SetInt("unlink-only-if-dht-linkto-file"u8, 1);
        Assert.Equal(Errno.EBUSY, Rig.Unlink(Gfid.Root, "f", guard));
        var link = StorageRig.WithGfid(StorageRig.NewGfid());
        link.SetString("trusted.glusterfs.dht.linkto"u8, "other"u8);
        link.SetString("glusterfs-internal-fop"u8, "yes"u8);
        StorageRig.Ok(
            Rig.Store.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = "l", Mode = FileMode.Regular | FileMode.Sticky, XData = link }, Rig.Caller),
            r => r.Iatt);
        Assert.Equal(Errno.Ok, Rig.Unlink(Gfid.Root, "l", guard));
        var fd = Rig.Open(gfid);
        guard.Clear();
        guard.SetInt("dont-unlink-for-open-fd"u8, 1);
        Assert.Equal(Errno.EBUSY, Rig.Unlink(Gfid.Root, "f", guard));
        Rig.Release(fd);
        Assert.Equal(Errno.Ok, Rig.Unlink(Gfid.Root, "f", guard));
    }

    [Fact]
    public void AnUnlinkOfOneFileSparesAnotherAndItsLinkFile()
    {
        var gfid = Rig.File(Gfid.Root, "f", "data");
        var link = StorageRig.WithGfid(StorageRig.NewGfid());
        link.SetString("trusted.glusterfs.dht.linkto"u8, "other"u8);
        link.SetString("glusterfs-internal-fop"u8, "yes"u8);
        var mknod = new MknodFop
        {
            Parent = Gfid.Root,
            Name = "l",
            Mode = FileMode.Regular | FileMode.Sticky,
            XData = link,
        };
        var linked = StorageRig.Ok(Rig.Store.Mknod(in mknod, Rig.Caller), r => r.Iatt).Gfid;
        var guard = XData.Rent();
        guard.SetGfid("myrmex.unlink-only-if-gfid"u8, linked);
        Assert.Equal(Errno.EBUSY, Rig.Unlink(Gfid.Root, "f", guard));
        Assert.Equal(Errno.EBUSY, Rig.Unlink(Gfid.Root, "l", guard));
        guard.SetGfid("myrmex.unlink-only-if-gfid"u8, gfid);
        Assert.Equal(Errno.Ok, Rig.Unlink(Gfid.Root, "f", guard));
    }

    [Fact]
    public void AnOpenDirectoryKeepsItsAttributesAfterItsRemoval()
    {
        var gfid = Rig.Mkdir(Gfid.Root, "d");
        var fd = Rig.Opendir(gfid);
        Assert.Equal(Errno.Ok, Rig.Rmdir(Gfid.Root, "d"));
        var iatt = StorageRig.Ok(Rig.Store.Fstat(new FstatFop { Gfid = gfid, Fd = fd }, Rig.Caller), r => r.Iatt);
        Assert.Equal(gfid, iatt.Gfid);
        Assert.True(iatt.IsDirectory);
        Assert.Equal(0U, iatt.Nlink);
        Rig.Release(fd);
    }

    [Fact]
    public void ALinkFileOfAnExistingGfidBecomesAHardLink()
    {
        var gfid = Rig.File(Gfid.Root, "f", "data");
        var xdata = StorageRig.WithGfid(gfid);
        xdata.SetString("trusted.glusterfs.dht.linkto"u8, "other"u8);
        xdata.SetString("glusterfs-internal-fop"u8, "yes"u8);
        Assert.Equal(gfid, StorageRig.Ok(
            Rig.Store.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = "g", Mode = FileMode.Regular | FileMode.Sticky, XData = xdata }, Rig.Caller),
            r => r.Iatt.Gfid));
        Assert.Equal(2u, Rig.Stat(gfid).Nlink);
        Assert.Null(Rig.Getxattr(gfid, "trusted.glusterfs.dht.linkto"));
    }

    [Fact]
    public void AListingSurvivesRemovalsInBetween()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        const int count = 3000;
        for (var i = 0; i < count; i++)
        {
            Rig.Mknod(directory, $"entry-{i:d5}");
        }

        var seen = new HashSet<string>();
        var removed = new HashSet<string>();
        var fd = Rig.Opendir(directory);
        ulong offset = 0;
        for (var isAtEnd = false; !isAtEnd;)
        {
            var reply = StorageRig.Wait(Rig.Store.Readdirp(
                new ReaddirpFop { Gfid = directory, Fd = fd, Offset = (long)offset, Size = 8192 }, Rig.Caller));
            Assert.Equal(Errno.Ok, reply.Error);
            for (var i = 0; i < reply.Entries.Count; i++)
            {
                var name = reply.Entries.NameOf(i).ToString();
                offset = reply.Entries[i].Offset;
                if (name is "." or "..")
                {
                    continue;
                }

                Assert.True(seen.Add(name), name);
                Assert.Equal(FileMode.Regular, reply.Entries[i].Iatt.Type);
                Assert.Equal(reply.Entries[i].Ino, reply.Entries[i].Iatt.Gfid.Ino);
                if (seen.Count % 3 == 0)
                {
                    Assert.Equal(Errno.Ok, Rig.Unlink(directory, name));
                    removed.Add(name);
                }
            }

            isAtEnd = reply.Entries.Count == 0 || reply.Hint == Errno.ENOENT;
            reply.Release();
        }

        Rig.Release(fd);
        Assert.Equal(count, seen.Count);
        Assert.Equal(count - removed.Count, Rig.List(directory, 65536).Count);
    }

    [Fact]
    public void AListingBringsContentsWithinBothBounds()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        Rig.Mkdir(directory, "sub");
        Rig.Symlink(directory, "symlink", "0123456789");
        Rig.File(directory, "empty");
        Rig.File(directory, "large", new string('l', 101));
        for (var i = 0; i < 10; i++)
        {
            Rig.File(directory, $"small{i}", new string('s', 100));
        }

        var all = Contents(directory, new ListedContents(100, 1_000_000));
        Assert.Equal(11, all.Count);
        Assert.Equal((0, 100), (all["empty"], all["small0"]));
        Assert.Equal(5, Contents(directory, new ListedContents(100, 599)).Values.Count(size => size > 0));
        Assert.Empty(Contents(directory, new ListedContents(100, 0)));
        Assert.Equal(12, Contents(directory, new ListedContents(int.MaxValue, int.MaxValue)).Count);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 128, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0, 128 })]
    public void AWishForContentsThatCannotBeIsRefused(byte[] wish)
    {
        var xdata = XData.Rent();
        xdata.SetBytes(ListedContents.Key, wish);
        var fd = Rig.Opendir(Gfid.Root);
        Assert.Equal(Errno.EINVAL, StorageRig.Outcome(Rig.Store.Readdirp(
            new ReaddirpFop { Gfid = Gfid.Root, Fd = fd, Size = 8192, XData = xdata }, Rig.Caller)));
        Rig.Release(fd);
        xdata.Release();
    }

    private Dictionary<string, int> Contents(Gfid directory, ListedContents wish)
    {
        var xdata = XData.Rent();
        wish.WriteTo(xdata);
        var fd = Rig.Opendir(directory);
        var reply = StorageRig.Wait(Rig.Store.Readdirp(
            new ReaddirpFop { Gfid = directory, Fd = fd, Size = 65536, XData = xdata }, Rig.Caller));
        Assert.Equal(Errno.Ok, reply.Error);
        var contents = new Dictionary<string, int>();
        for (var i = 0; i < reply.Entries.Count; i++)
        {
            if (reply.Entries[i].XData is { } answer && answer.TryGetBytes("glusterfs.content"u8, out var content))
            {
                contents.Add(reply.Entries.NameOf(i).ToString(), content.Length);
                Assert.Equal((ulong)content.Length, reply.Entries[i].Iatt.Size);
            }
        }

        reply.Release();
        Rig.Release(fd);
        xdata.Release();
        return contents;
    }

    [Fact]
    public void AListingAnswersAtLeastOneEntry()
    {
        Rig.File(Gfid.Root, "a-name-that-is-longer-than-the-room");
        Rig.File(Gfid.Root, "another");
        Assert.Equal(2, Rig.List(Gfid.Root, 1).Count);
    }

    [Fact]
    public void StatfsAnswersFigures()
    {
        var figures = StorageRig.Ok(Rig.Store.Statfs(new StatfsFop { Gfid = Gfid.Root }, Rig.Caller), r => r.StatFs);
        Assert.True(figures.Blocks > 0);
        Assert.True(figures.BlocksAvailable <= figures.Blocks);
        Assert.True(figures.FragmentSize > 0);
        Assert.Equal(255u, figures.NameMax);
    }

    [Fact]
    public void LocksAndLeasesAreNotSupportedHere()
    {
        var fd = Rig.Create(Gfid.Root, "f");
        Assert.Equal(Errno.EOPNOTSUPP, StorageRig.Outcome(Rig.Store.Lk(new LkFop { Gfid = fd.Gfid, Fd = fd }, Rig.Caller)));
        Assert.Equal(Errno.EOPNOTSUPP, StorageRig.Outcome(Rig.Store.Inodelk(new InodelkFop { Gfid = fd.Gfid }, Rig.Caller)));
        Rig.Release(fd);
    }
}
