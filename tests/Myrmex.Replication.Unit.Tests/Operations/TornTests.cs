using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>Goal: what a crash leaves in the middle of one fop of storage/posix is made whole by the replay.</summary>
public sealed class TornTests
{
    private static readonly Gfid DirectoryX = new(0xAAAA_0000_0000_4000, 1);
    private static readonly Gfid DirectoryY = new(0xBBBB_0000_0000_4000, 2);
    private static readonly Gfid FileF = new(0xCCCC_0000_0000_4000, 3);

    [Fact]
    public Task ANameWithoutGfidBecomesTheFile() => TearAsync(brick => File.WriteAllText(Path.Combine(brick, "x", "f"), "torn"), until: 2);

    [Fact]
    public Task ADirectoryWithoutGfidBecomesTheDirectory() => TearAsync(brick => Directory.CreateDirectory(Path.Combine(brick, "x")), until: 0);

    [Fact]
    public Task AMissingHandleIsMadeAgain() => TearAsync(brick => File.Delete(Handle(brick, FileF)), until: 4);

    [Fact]
    public Task AHandleWithoutNameIsUsedAgain() => TearAsync(brick => File.Delete(Path.Combine(brick, "x", "f")), until: 4);

    [Fact]
    public Task ADirectoryWhoseHandleHasTheOldTextIsFoundByItsNewName() => TearAsync(
        brick =>
        {
            var handle = Handle(brick, DirectoryX);
            var link = new FileInfo(handle).LinkTarget;
            Directory.Move(Path.Combine(brick, "x"), Path.Combine(brick, "y", "x"));
            Assert.EndsWith("/x", link);
        },
        until: 4);

    [Fact]
    public async Task NothingIsLeftOfTheOrphanPool()
    {
        using var rig = PosixRig.Started();
        var log = await MakeLogAsync();
        await ReplayAsync(rig, log);
        Assert.False(Directory.Exists(Path.Combine(rig.Directory!, ".glusterfs", "orphans")));
        Assert.Equal(Errno.ESTALE, rig.TryStat(IForcedStore.Pool));
    }

    private static string Handle(string brick, Gfid gfid)
    {
        var text = gfid.ToString();
        return Path.Combine(brick, ".glusterfs", text[..2], text[2..4], text);
    }

    /// <summary>/x, /y, /x/f with bytes; then x moves below y and the file is written again.</summary>
    private static async Task<List<LoggedOperation>> MakeLogAsync()
    {
        using var leader = MemoryRig.Started();
        var time = new ManualTime();
        var evaluator = new Evaluator(leader.Store, TestPlace.Seams(time));
        var redo = new Redo(leader.Store);
        var log = new List<LoggedOperation>();
        var call = Call.Rent();
        async Task LogAsync(ValueTask<Evaluation> task)
        {
            time.WallNs += 1_000_000_000;
            var evaluation = await task;
            Assert.Equal(Errno.Ok, evaluation.Error);
            log.Add(new LoggedOperation(OperationCodec.Encode(evaluation.Operation!), evaluation.Data.Span.ToArray()));
            evaluation.Data.Release();
            Assert.Equal(Errno.Ok, (await log[^1].ApplyAsync(redo)).Error);
        }

        var data = Payload.CopyOf("content"u8);
        await LogAsync(evaluator.MkdirAsync(new MkdirFop { Parent = Gfid.Root, Name = "x", Mode = 0x1ED, XData = StorageRig.WithGfid(DirectoryX) }, call));
        await LogAsync(evaluator.MkdirAsync(new MkdirFop { Parent = Gfid.Root, Name = "y", Mode = 0x1ED, XData = StorageRig.WithGfid(DirectoryY) }, call));
        await LogAsync(evaluator.MknodAsync(new MknodFop { Parent = DirectoryX, Name = "f", Mode = 0x81A4, XData = StorageRig.WithGfid(FileF) }, call));
        await LogAsync(evaluator.WriteAsync(new WriteFop { Gfid = FileF, Fd = Fd.Anonymous(FileF), Data = data }, call));
        await LogAsync(evaluator.RenameAsync(new RenameFop { OldParent = Gfid.Root, OldName = "x", NewParent = DirectoryY, NewName = "x" }));
        await LogAsync(evaluator.WriteAsync(new WriteFop { Gfid = FileF, Fd = Fd.Anonymous(FileF), Offset = 100, Data = data }, call));
        data.Release();
        call.Release();
        return log;
    }

    private static async Task ReplayAsync(StorageRig rig, List<LoggedOperation> log)
    {
        var redo = new Redo(rig.Store);
        Assert.Equal(Errno.Ok, await redo.BeginReplayAsync([.. log.Select(entry => entry.Operation)]));
        foreach (var entry in log)
        {
            Assert.Equal(Errno.Ok, (await entry.ApplyAsync(redo)).Error);
        }

        Assert.Equal(Errno.Ok, await redo.EndReplayAsync());
    }

    private static async Task TearAsync(Action<string> tear, int until)
    {
        var log = await MakeLogAsync();
        using var whole = PosixRig.Started();
        using var torn = PosixRig.Started();
        await ReplayAsync(whole, log);
        var redo = new Redo(torn.Store);
        foreach (var entry in log.Take(until))
        {
            Assert.Equal(Errno.Ok, (await entry.ApplyAsync(redo)).Error);
        }

        torn.Graph.Stop();
        tear(torn.Directory!);
        torn.Start();
        await ReplayAsync(torn, log);
        Assert.Equal(4, (await SameStores.AssertAsync(whole, torn)).Lines.Count);
    }
}
