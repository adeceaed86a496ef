using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>Goal: the walk of a store that is storage/posix makes the same store of another one, whatever that held.</summary>
public sealed class PosixCopyTests
{
    [Fact]
    public async Task AStoreThatHasAnotherStateOfTheSameInodesBecomesTheCopy()
    {
        using var from = StartedSource();
        using var to = PosixRig.Started();
        var (folder, file) = MakeTree(from);
        await CopyAsync(from, to);

        // The same inodes again, in other places and with other contents, and some that are not there any more.
        Assert.Equal(Errno.Ok, from.Rename(Gfid.Root, "a", folder, "moved"));
        Assert.Equal(Errno.Ok, from.Unlink(folder, "device"));
        from.Write(Fd.Anonymous(file), 3, "other");
        await CopyAsync(from, to);
    }

    [Fact]
    public async Task OnlyPagesThatDifferMoveAndEachOnce()
    {
        const int pages = 4096;
        using var from = StartedSource();
        using var to = PosixRig.Started();
        var random = new SimRandom(1);
        var page = new byte[4096];
        var image = from.File(Gfid.Root, "image");
        for (var i = 0; i < pages; i++)
        {
            random.Fill(page);
            from.Write(Fd.Anonymous(image), i * 4096L, page);
        }

        for (var i = 0; i < 200; i++)
        {
            from.File(Gfid.Root, $"f{i}", new string('x', 3000));
        }

        await CopyAsync(from, to);
        var same = await CopyAsync(from, to);
        Assert.InRange(same, 1, 32_000); // 201 names and 16 hashes, and none of 17 MiB.

        // Pages all over, of which each is alone in its megabyte or beside another one, and rewritten often.
        var changed = new HashSet<int>();
        for (var i = 0; i < 640; i++)
        {
            var at = random.Below(pages / 64) * 64;
            random.Fill(page);
            from.Write(Fd.Anonymous(image), at * 4096L, page);
            changed.Add(at);
        }

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(Errno.Ok, from.Rename(Gfid.Root, $"f{i}", Gfid.Root, $"g{i}"));
        }

        var moved = await CopyAsync(from, to) - same;
        var unique = (changed.Count * 4096) + (20 * 512);
        Assert.InRange((double)moved / unique, 1.0 - 0.05, 1.2);
    }

    /// <summary>Each change that is found by another rule than the content of a page.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatTheTargetHasElseGoes(bool wipes)
    {
        using var from = StartedSource();
        using var to = PosixRig.Started();
        var big = new byte[200_000];
        new SimRandom(2).Fill(big);
        var folder = from.Mkdir(Gfid.Root, "folder");
        var inner = from.Mkdir(folder, "inner");
        var hole = from.File(folder, "hole");
        var shrunk = from.File(inner, "shrunk");
        var grown = from.File(inner, "grown", "a little");
        var small = from.File(inner, "small", "some content");
        var marked = from.File(Gfid.Root, "marked", "m");
        from.Write(Fd.Anonymous(hole), 0, big);
        from.Write(Fd.Anonymous(shrunk), 0, big);
        Assert.Equal(Errno.Ok, from.Link(small, Gfid.Root, "small too"));
        Assert.Equal(Errno.Ok, from.Setxattr(marked, "user.old", [1]));
        Assert.Equal(Errno.Ok, from.Setxattr(inner, "user.old", [1]));
        from.File(inner, "gone", "gone");
        from.Mkdir(from.Mkdir(folder, "gone folder"), "in it");
        await CopyAsync(from, to);

        Assert.Equal(Errno.Ok, StorageRig.Outcome(from.Store.Discard(
            new DiscardFop { Gfid = hole, Fd = Fd.Anonymous(hole), Offset = 65536, Length = 65536 }, from.Caller)));
        Assert.Equal(Errno.Ok, StorageRig.Outcome(from.Store.Truncate(
            new TruncateFop { Gfid = shrunk, Offset = 70_001 }, from.Caller)));
        from.Write(Fd.Anonymous(grown), 300_000, "far");
        Assert.Equal(Errno.Ok, from.Unlink(inner, "small"));
        Assert.Equal(Errno.Ok, from.Unlink(inner, "gone"));
        Assert.Equal(Errno.Ok, from.Rmdir(folder, "gone folder", flags: 1));
        foreach (var gfid in new[] { marked, inner })
        {
            Assert.Equal(Errno.Ok, StorageRig.Outcome(from.Store.Removexattr(
                new RemovexattrFop { Gfid = gfid, Name = "user.old" }, from.Caller)));
            Assert.Equal(Errno.Ok, from.Setxattr(gfid, "user.new", [2, 3]));
        }

        // The folders change places: what was below is above.
        Assert.Equal(Errno.Ok, from.Rename(folder, "inner", Gfid.Root, "top"));
        Assert.Equal(Errno.Ok, from.Rename(Gfid.Root, "folder", inner, "below"));
        from.File(Gfid.Root, "new", "new");
        await CopyAsync(from, to, wipes);
        await CopyAsync(from, to);
    }

    /// <summary>The kernel takes the capabilities of a file away with every write and every change of its owner.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFileKeepsItsCapabilities(bool wipes)
    {
        byte[] capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]; // Revision 2, CAP_NET_RAW, effective.
        using var from = StartedSource();
        using var to = PosixRig.Started();
        var content = new byte[200_000];
        new SimRandom(3).Fill(content);
        var tools = new[] { from.File(Gfid.Root, "large"), from.File(Gfid.Root, "small", "some content"), from.File(Gfid.Root, "empty") };
        from.Write(Fd.Anonymous(tools[0]), 0, content);
        Assert.All(tools, t => Assert.Equal(Errno.Ok, from.Setxattr(t, "security.capability", capability)));
        await CopyAsync(from, to);
        AssertHaveIt();

        // A page of the one and a byte of the other; what was taken away by that is given again.
        from.Write(Fd.Anonymous(tools[0]), 100_000, "other");
        from.Write(Fd.Anonymous(tools[1]), 2, "x");
        Assert.All(tools, t => Assert.Equal(Errno.Ok, from.Setxattr(t, "security.capability", capability)));
        await CopyAsync(from, to, wipes);
        AssertHaveIt();

        // One without is one without.
        from.Write(Fd.Anonymous(tools[0]), 0, "y");
        await CopyAsync(from, to);
        Assert.False(HasIt(to, tools[0]));
        Assert.True(HasIt(to, tools[1]));

        void AssertHaveIt() => Assert.All(tools, t => Assert.True(HasIt(from, t) && HasIt(to, t)));
    }

    private static bool HasIt(PosixRig rig, Gfid gfid)
    {
        var reply = StorageRig.Wait(rig.Store.Getxattr(new GetxattrFop { Gfid = gfid, Name = "security.capability" }, rig.Caller));
        var has = reply.IsOk;
        reply.Release();
        return has;
    }

    /// <summary>With stored times, as all of a replica set have them.</summary>
    private static PosixRig StartedSource()
    {
        var rig = PosixRig.Started();
        rig.Caller.TimeFlags = TimeFlags.Atime | TimeFlags.Mtime | TimeFlags.Ctime | TimeFlags.ParentMtime | TimeFlags.ParentCtime;
        (rig.Caller.CtimeSeconds, rig.Caller.CtimeNanoseconds) = (1_700_000_000, 5);
        return rig;
    }

    private static (Gfid Folder, Gfid File) MakeTree(PosixRig rig)
    {
        var a = rig.Mkdir(Gfid.Root, "a");
        var deep = rig.Mkdir(rig.Mkdir(rig.Mkdir(a, "b"), "c", mode: 0x5E9), "d");
        var folder = rig.Mkdir(Gfid.Root, "folder");
        var file = rig.File(deep, "file", "content");
        Assert.Equal(Errno.Ok, rig.Link(file, folder, "second"));
        Assert.Equal(Errno.Ok, rig.Setxattr(file, "user.colour", "blue"u8.ToArray()));
        rig.Symlink(folder, "symbolic", "../a/b");
        rig.Mknod(folder, "fifo", FileMode.Fifo | 0x1A4);
        Assert.Equal(
            Errno.Ok,
            StorageRig.Outcome(rig.Store.Mknod(
                new MknodFop
                {
                    Parent = folder,
                    Name = "device",
                    Mode = 0x2000u | 0x1B6,
                    Device = (300UL << 8) | 3 | (7UL << 20),
                    XData = StorageRig.WithGfid(StorageRig.NewGfid()),
                },
                rig.Caller)));
        var hole = rig.File(Gfid.Root, "hole", "start");
        rig.Write(Fd.Anonymous(hole), 5 << 20, "end");
        for (var i = 0; i < 300; i++)
        {
            rig.File(folder, $"f{i}", $"file {i}");
        }

        return (folder, file);
    }

    /// <returns>Bytes of all items.</returns>
    private static async Task<long> CopyAsync(PosixRig from, PosixRig to, bool wipes = false)
    {
        var copies = new StoreCopies(from.Store, new Redo(from.Store), member: null!, syncStore: null!); // Of the other end.
        copies.Start();
        var source = new StoreCopySource(copies, default, salt: 1);
        var writer = new StoreCopyWriter(to.Store, new Redo(to.Store));
        Assert.Equal(Errno.Ok, await writer.BeginAsync(wipes));
        var moved = 0L;
        while (await ReadAsync(source) is { Count: > 0 } items)
        {
            var header = new EntryHeader(default, default, default, EntryKind.Operation, 0, 0, 0);
            var entries = items.Select(i => new JournalEntry(header, i.Meta, i.Data)).ToList();
            moved += entries.Sum(ReplicaLog.SizeOf);
            Assert.Equal(Errno.Ok, await writer.TakeAsync(entries));
            entries.ForEach(e => e.Data.Release());
            source.Want(writer.TakeWants());
        }

        Assert.Equal(Errno.Ok, await writer.FinishAsync());
        copies.Stop();
        await SameStores.AssertAsync(from, to);
        return moved;
    }

    private static Task<IReadOnlyList<CopyItem>> ReadAsync(StoreCopySource source)
    {
        var done = new TaskCompletionSource<IReadOnlyList<CopyItem>>();
        source.Read(64 << 10, (error, items) =>
        {
            Assert.Equal(Errno.Ok, error);
            done.SetResult(items);
        });
        return done.Task;
    }
}
