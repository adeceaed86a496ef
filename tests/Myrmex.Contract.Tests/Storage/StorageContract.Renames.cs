using System;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>Renames over all pairs of types, and removal of what is open. Source: rename(2), unlink(2).</summary>
public abstract partial class StorageContract
{
    [Fact]
    public void ARenameOverAnyTypeIsAsOnLinux()
    {
        string[] kinds = ["file", "link", "fifo", "empty", "full", "nothing"];
        foreach (var source in kinds)
        {
            foreach (var target in kinds)
            {
                RenameOver(source, target);
            }
        }
    }

    private void RenameOver(string source, string target)
    {
        var expected = ExpectedOfRename(source, target);
        var what = $"{source} over {target}";
        var from = Rig.Mkdir(Gfid.Root, $"from {what}");
        var to = Rig.Mkdir(Gfid.Root, $"to {what}");
        var sourceGfid = Make(from, "s", source);
        var targetGfid = Make(to, "t", target);
        Assert.Equal((what, expected), (what, Rig.Rename(from, "s", to, "t")));
        if (expected == Errno.Ok)
        {
            Assert.Equal(Errno.ENOENT, Rig.TryLookup(from, "s"));
            Assert.Equal(sourceGfid, Rig.Lookup(to, "t").Gfid);
            Assert.Equal(sourceGfid, Rig.Stat(sourceGfid).Gfid);
            if (!targetGfid.IsNull)
            {
                Assert.Equal(Errno.ESTALE, Rig.TryStat(targetGfid));
            }
        }
        else
        {
            Assert.Equal(sourceGfid.IsNull ? Errno.ENOENT : Errno.Ok, Rig.TryLookup(from, "s"));
            Assert.Equal(targetGfid.IsNull ? Errno.ENOENT : Errno.Ok, Rig.TryLookup(to, "t"));
        }
    }

    [Fact]
    public void ARenamedDirectoryKeepsWhatIsBelowIt()
    {
        var a = Rig.Mkdir(Gfid.Root, "a");
        var b = Rig.Mkdir(a, "b");
        var file = Rig.File(b, "f", "below");
        var other = Rig.Mkdir(Gfid.Root, "other");
        Assert.Equal(Errno.Ok, Rig.Rename(a, "b", other, "moved"));
        Assert.Equal(b, Rig.Lookup(other, "moved").Gfid);
        Assert.Equal(other, Rig.Lookup(b, "..").Gfid);
        Assert.Equal("below", Rig.Text(file));
        if (Rig.Directory is not null)
        {
            Rig.Restart();
        }

        Assert.Equal(file, Rig.Lookup(b, "f").Gfid);
        Assert.Equal(3u, Rig.Stat(other).Nlink);
        Assert.Equal(2u, Rig.Stat(a).Nlink);
        Assert.Equal(Errno.EINVAL, Rig.Rename(Gfid.Root, "other", b, "loop"));
        Assert.Equal(Errno.Ok, Rig.Rename(other, "moved", Gfid.Root, "top"));
        Assert.Equal(file, Rig.Lookup(b, "f").Gfid);
    }

    [Fact]
    public void ARenameOntoAnotherNameOfTheSameFileDoesNothing()
    {
        var gfid = Rig.File(Gfid.Root, "a");
        Assert.Equal(Errno.Ok, Rig.Link(gfid, Gfid.Root, "b"));
        Assert.Equal(Errno.Ok, Rig.Rename(Gfid.Root, "a", Gfid.Root, "b"));
        Assert.Equal(gfid, Rig.Lookup(Gfid.Root, "a").Gfid);
        Assert.Equal(gfid, Rig.Lookup(Gfid.Root, "b").Gfid);
        Assert.Equal(Errno.Ok, Rig.Rename(Gfid.Root, "a", Gfid.Root, "a"));
        Assert.Equal(2u, Rig.Stat(gfid).Nlink);
    }

    [Fact]
    public void ARenameOverAHardLinkLeavesTheOtherName()
    {
        var a = Rig.File(Gfid.Root, "a", "A");
        var b = Rig.File(Gfid.Root, "b", "B");
        Rig.Link(b, Gfid.Root, "b2");
        Assert.Equal(Errno.Ok, Rig.Rename(Gfid.Root, "a", Gfid.Root, "b"));
        Assert.Equal(a, Rig.Lookup(Gfid.Root, "b").Gfid);
        Assert.Equal(b, Rig.Lookup(Gfid.Root, "b2").Gfid);
        Assert.Equal(1u, Rig.Stat(b).Nlink);
        Assert.Equal("B", Rig.Text(b));
    }

    [Fact]
    public void AFileUnlinkedWhileOpenLivesUntilTheLastRelease()
    {
        var first = Rig.Create(Gfid.Root, "f");
        var gfid = first.Gfid;
        var second = Rig.Open(gfid);
        Rig.Write(first, 0, "still here");
        Assert.Equal(Errno.Ok, Rig.Unlink(Gfid.Root, "f"));
        Assert.Equal(Errno.ENOENT, Rig.TryLookup(Gfid.Root, "f"));
        Assert.Equal("still here"u8.ToArray(), Rig.Read(second));
        Assert.Equal(0u, StorageRig.Ok(Rig.Store.Fstat(new FstatFop { Gfid = gfid, Fd = first }, Rig.Caller), r => r.Iatt.Nlink));
        Assert.Equal(gfid, Rig.Stat(gfid).Gfid);
        Assert.Equal(Errno.Ok, Rig.Setxattr(gfid, "trusted.x", [1]));
        Assert.Equal(Errno.ESTALE, Rig.Link(gfid, Gfid.Root, "again"));
        Rig.Release(first);
        Rig.Write(second, 10, "!");
        Assert.Equal(11u, Rig.Stat(gfid).Size);
        Rig.Release(second);
        Assert.Equal(Errno.ESTALE, Rig.TryStat(gfid));
    }

    [Fact]
    public void AFileReplacedWhileOpenLivesUntilTheLastRelease()
    {
        var open = Rig.Create(Gfid.Root, "target");
        Rig.Write(open, 0, "old");
        Rig.File(Gfid.Root, "new", "new");
        Assert.Equal(Errno.Ok, Rig.Rename(Gfid.Root, "new", Gfid.Root, "target"));
        Assert.Equal("old"u8.ToArray(), Rig.Read(open));
        Assert.Equal(Errno.Ok, Rig.TryStat(open.Gfid));
        Rig.Release(open);
        Assert.Equal(Errno.ESTALE, Rig.TryStat(open.Gfid));
    }

    [Fact]
    public void ADirectoryThatIsNotEmptyStays()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        Rig.File(directory, "f");
        Assert.Equal(Errno.ENOTEMPTY, Rig.Rmdir(Gfid.Root, "d"));
        Assert.Equal(Errno.EISDIR, Rig.Unlink(Gfid.Root, "d"));
        Assert.Equal(Errno.ENOTDIR, Rig.Rmdir(directory, "f"));
        Assert.Equal(Errno.Ok, Rig.Unlink(directory, "f"));
        Assert.Equal(Errno.Ok, Rig.Rmdir(Gfid.Root, "d"));
        Assert.Equal(Errno.ESTALE, Rig.TryLookup(directory, "f"));
        Assert.Equal(Errno.ENOENT, Rig.Rmdir(Gfid.Root, "d"));
    }

    [Fact]
    public void ARemovedDirectoryTakesNoNewEntries()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        var fd = Rig.Opendir(directory);
        Assert.Equal(Errno.Ok, Rig.Rmdir(Gfid.Root, "d"));
        Assert.Equal(
            Errno.ESTALE,
            StorageRig.Outcome(Rig.Store.Mkdir(
                new MkdirFop { Parent = directory, Name = "x", Mode = 0x1ED, XData = StorageRig.WithGfid(StorageRig.NewGfid()) },
                Rig.Caller)));
        Rig.Release(fd);
    }

    [Fact]
    public void ADirectoryOfTheSameGfidMayComeBack()
    {
        var gfid = Rig.Mkdir(Gfid.Root, "d");
        Rig.File(gfid, "f");
        Rig.Unlink(gfid, "f");
        Assert.Equal(Errno.Ok, Rig.Rmdir(Gfid.Root, "d"));
        Rig.Mkdir(Gfid.Root, "again", gfid: gfid);
        Rig.File(gfid, "g");
        Assert.Equal(Errno.Ok, Rig.TryLookup(gfid, "g"));
    }

    private static Errno ExpectedOfRename(string source, string target)
    {
        if (source == "nothing")
        {
            return Errno.ENOENT;
        }

        var sourceIsDirectory = source is "empty" or "full";
        var targetIsDirectory = target is "empty" or "full";
        return (sourceIsDirectory, targetIsDirectory) switch
        {
            (true, false) when target != "nothing" => Errno.ENOTDIR,
            (false, true) => Errno.EISDIR,
            (true, true) when target == "full" => Errno.ENOTEMPTY,
            _ => Errno.Ok,
        };
    }

    private Gfid Make(Gfid parent, Name name, string kind)
    {
        switch (kind)
        {
            case "file":
                return Rig.File(parent, name, "content");
            case "link":
                return Rig.Symlink(parent, name, "anywhere");
            case "fifo":
                return Rig.Mknod(parent, name, FileMode.Fifo | 0x1A4);
            case "empty":
                return Rig.Mkdir(parent, name);
            case "full":
                var gfid = Rig.Mkdir(parent, name);
                Rig.File(gfid, "inside");
                return gfid;
            case "nothing":
                return Gfid.Null;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown");
        }
    }
}
