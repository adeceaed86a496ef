using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>Goal: the walk of a store that is storage/posix makes the same store of another one, whatever that held.</summary>
public sealed class PosixCopyTests
{
    [Fact]
    public async Task AStoreThatHasAnotherStateOfTheSameInodesBecomesTheCopy()
    {
        using var from = PosixRig.Started();
        using var to = PosixRig.Started();
        from.Caller.TimeFlags = TimeFlags.Atime | TimeFlags.Mtime | TimeFlags.Ctime | TimeFlags.ParentMtime | TimeFlags.ParentCtime;
        (from.Caller.CtimeSeconds, from.Caller.CtimeNanoseconds) = (1_700_000_000, 5);
        var (folder, file) = MakeTree(from);
        await CopyAsync(from, to);

        // The same inodes again, in other places and with other contents, and some that are not there any more.
        Assert.Equal(Errno.Ok, from.Rename(Gfid.Root, "a", folder, "moved"));
        Assert.Equal(Errno.Ok, from.Unlink(folder, "device"));
        from.Write(Fd.Anonymous(file), 3, "other");
        await CopyAsync(from, to);
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

    private static async Task CopyAsync(PosixRig from, PosixRig to)
    {
        var copies = new StoreCopies(from.Store, new Redo(from.Store), member: null!, syncStore: null!); // Of the other end.
        copies.Start();
        var source = new StoreCopySource(copies, default);
        var redo = new Redo(to.Store);
        Assert.Equal(Errno.Ok, await redo.BeginReplayAsync([]));
        Assert.Equal(Errno.Ok, await StoreWipe.RunAsync(to.Store));
        while (await ReadAsync(source) is { Count: > 0 } items)
        {
            foreach (var item in items)
            {
                Assert.True(OperationCodec.TryDecode(item.Meta.Span, out var operation));
                var result = await redo.ApplyAsync(operation, item.Data);
                Assert.True(result.Error == Errno.Ok, $"{operation.Fop} {operation.Name}: {result.Error}");
                item.Data.Release();
            }
        }

        Assert.Equal(Errno.Ok, await redo.EndReplayAsync());
        copies.Stop();
        var expected = await StoreDigest.TakeAsync(from.Store);
        var actual = await StoreDigest.TakeAsync(to.Store);
        Assert.True(expected.Hash.AsSpan().SequenceEqual(actual.Hash), expected.DifferencesTo(actual));
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
