using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>
/// Goal: whatever a store holds of the entries after a checkpoint, replaying them gives the tree that the leader has (I9). Method: random
/// fops on a leader, then followers that apply them and die in different ways; digests are compared.
/// </summary>
public sealed class ConvergenceTests
{
    private const int MemorySeeds = 150;
    private const int PosixSeeds = 8;

    [Fact]
    public Task MemoryFollowersConvergeAfterAPrefix() => ForAllAsync(MemoryRig.Started, MemorySeeds, 120, PrefixAsync);

    [Fact]
    public Task MemoryFollowersConvergeAfterAnySubset() => ForAllAsync(MemoryRig.Started, MemorySeeds, 120, SubsetAsync);

    [Fact]
    public Task MemoryFollowersConvergeAfterCrashesInsideRedo() => ForAllAsync(MemoryRig.Started, MemorySeeds, 100, CrashesAsync);

    [Fact]
    public Task PosixFollowersConvergeAfterAPrefix() => ForAllAsync(() => PosixRig.Started(), PosixSeeds, 100, PrefixAsync);

    [Fact]
    public Task PosixFollowersConvergeAfterAnySubset() => ForAllAsync(() => PosixRig.Started(), PosixSeeds, 100, SubsetAsync);

    [Fact]
    public Task PosixFollowersConvergeAfterCrashesInsideRedo() => ForAllAsync(() => PosixRig.Started(), PosixSeeds, 80, CrashesAsync);

    [Fact]
    public async Task MemoryAndPosixHoldTheSame()
    {
        for (var seed = 1; seed <= 6; seed++)
        {
            using var leader = MemoryRig.Started();
            using var follower = PosixRig.Started();
            var root = new SetattrFop { Gfid = Gfid.Root, Iatt = new Iatt { Mode = 0x1ED }, Valid = SetattrValid.Mode };
            Assert.Equal(Errno.Ok, StorageRig.Outcome(follower.Store.Setattr(root, follower.Caller)));
            var fops = new RandomFops(seed, leader);
            await fops.RunAsync(100);
            await ApplyAsync(new Redo(follower.Store), fops.Log, 0, fops.Log.Count);
            await AssertSameAsync(leader, follower, $"seed {seed}");
        }
    }

    [Fact]
    public async Task StampsInAnyOrderEndAtTheLatest()
    {
        using var memory = MemoryRig.Started();
        using var posix = PosixRig.Started();
        foreach (var rig in new StorageRig[] { memory, posix })
        {
            var redo = new Redo(rig.Store);
            var gfid = StorageRig.NewGfid();
            var made = new JournalOperation
            {
                Fop = FopCode.Mknod,
                Gfid = gfid,
                Parent = Gfid.Root,
                Name = "f",
                Mode = FileMode.Regular | 0x1A4,
                Touches = TimeFlags.Ctime,
                StampSeconds = 50,
            };
            Assert.Equal(Errno.Ok, (await redo.ApplyAsync(made, default)).Error);
            foreach (var seconds in new[] { 130, 100, 115 })
            {
                var change = new JournalOperation
                {
                    Fop = FopCode.Setxattr,
                    Gfid = gfid,
                    Touches = TimeFlags.Ctime,
                    StampSeconds = seconds,
                    Xattrs = [new XattrValue("trusted.x" + seconds, [1])],
                };
                Assert.Equal(Errno.Ok, (await redo.ApplyAsync(change, default)).Error);
            }

            Assert.Equal(130, rig.Stat(gfid).Ctime);
            Assert.Equal(50, rig.Stat(gfid).Mtime);
        }
    }

    private static async Task ForAllAsync(
        Func<StorageRig> start, int seeds, int count, Func<Random, List<LoggedOperation>, StorageRig, Task> dieAndReplay)
    {
        var kept = 0;
        for (var seed = 1; seed <= seeds; seed++)
        {
            using var leader = start();
            using var follower = start();
            var fops = new RandomFops(seed, leader);
            await fops.RunAsync(count);
            kept += fops.Kept;
            var line = $"seed {seed}, {fops.Log.Count} entries, {fops.Refused} refused";
            try
            {
                await dieAndReplay(new Random(seed * 31), fops.Log, follower);
                await AssertSameAsync(leader, follower, line);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException || !e.Message.Contains(line, StringComparison.Ordinal))
            {
                Assert.Fail($"{line}: {e}");
            }
        }

        Assert.True(kept >= seeds / 4, $"{kept} files lived on without a name");
    }

    /// <summary>Everything up to a point was applied; the checkpoint is somewhere before.</summary>
    private static async Task PrefixAsync(Random random, List<LoggedOperation> log, StorageRig follower)
    {
        var redo = new Redo(follower.Store);
        var applied = random.Next(log.Count + 1);
        await ApplyAsync(redo, log, 0, applied);
        Assert.Equal(0, redo.Displaced);
        var checkpoint = random.Next(applied + 1);
        await ReplayAsync(follower, log, checkpoint);
        await ReplayAsync(follower, log, random.Next(log.Count + 1));
    }

    /// <summary>After the checkpoint any of the effects are there and the others are not.</summary>
    private static async Task SubsetAsync(Random random, List<LoggedOperation> log, StorageRig follower)
    {
        var checkpoint = random.Next(log.Count + 1);
        var redo = new Redo(follower.Store);
        await ApplyAsync(redo, log, 0, checkpoint);
        var kept = random.NextDouble();
        foreach (var entry in log.Skip(checkpoint).Where(_ => random.NextDouble() < kept))
        {
            // What it builds on may be lost, so it may fail.
            await entry.ApplyAsync(redo);
        }

        await ReplayAsync(follower, log, checkpoint);
    }

    /// <summary>The process dies between two fops of a redo, live and in replays, again and again.</summary>
    private static async Task CrashesAsync(Random random, List<LoggedOperation> log, StorageRig follower)
    {
        var checkpoint = random.Next(log.Count + 1);
        var redo = new Redo(follower.Store);
        await ApplyAsync(redo, log, 0, checkpoint);
        var point = new CrashPoint { Left = random.Next(1 + ((log.Count - checkpoint) * 2)) };
        redo = new Redo(new CrashTranslator(follower.Store, point));
        for (var i = checkpoint; i < log.Count && !point.IsDead; i++)
        {
            await log[i].ApplyAsync(redo);
        }

        for (var round = 0; round < 4; round++)
        {
            follower = Restarted(follower);
            point = new CrashPoint { Left = random.Next(1 + ((log.Count - checkpoint) * 3)) };
            redo = new Redo(new CrashTranslator(follower.Store, point));
            var window = log.Skip(checkpoint).Select(entry => entry.Operation).ToList();
            await redo.BeginReplayAsync(window);
            for (var i = checkpoint; i < log.Count && !point.IsDead; i++)
            {
                await log[i].ApplyAsync(redo);
            }

            if (!point.IsDead)
            {
                await redo.EndReplayAsync();
            }
        }

        await ReplayAsync(follower, log, checkpoint);
    }

    private static async Task ApplyAsync(Redo redo, List<LoggedOperation> log, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            var result = await log[i].ApplyAsync(redo);
            Assert.True(result.Error == Errno.Ok, $"entry {i}, {Describe(log[i])}: {result}");
        }
    }

    private static async Task ReplayAsync(StorageRig follower, List<LoggedOperation> log, int checkpoint)
    {
        follower = Restarted(follower);
        var redo = new Redo(follower.Store);
        Assert.Equal(Errno.Ok, await redo.BeginReplayAsync([.. log.Skip(checkpoint).Select(entry => entry.Operation)]));
        await ApplyAsync(redo, log, checkpoint, log.Count);
        Assert.Equal(Errno.Ok, await redo.EndReplayAsync());
    }

    /// <summary>A brick on disk forgets what it had open and in memory; the other one has only its memory.</summary>
    private static StorageRig Restarted(StorageRig rig)
    {
        if (rig.Directory is not null)
        {
            rig.Restart();
        }

        return rig;
    }

    private static string Describe(LoggedOperation entry)
    {
        var o = entry.Operation;
        return $"{o.Fop} {o.Gfid} at {o.Parent}/{o.Name} to {o.NewParent}/{o.NewName} displaces {o.Displaced}";
    }

    private static async Task AssertSameAsync(StorageRig leader, StorageRig follower, string line)
    {
        var digest = await SameStores.AssertAsync(leader, follower, line);
        Assert.True(digest.Lines.Count > 5, line);
    }
}
