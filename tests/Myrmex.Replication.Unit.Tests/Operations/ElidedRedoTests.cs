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
/// Goal: a store that was given entries without what later ones overwrite, through the last of these, is the leader's. Method: random
/// fops, a stretch of them elided, live and in replays that begin anywhere in it.
/// </summary>
public sealed class ElidedRedoTests
{
    [Fact]
    public Task MemoryFollowersGetTheSame() => RunAsync(MemoryRig.Started, 120);

    [Fact]
    public Task PosixFollowersGetTheSame() => RunAsync(() => PosixRig.Started(), 10);

    private static async Task RunAsync(Func<StorageRig> start, int seeds)
    {
        var (elided, parts) = (0, 0);
        for (var seed = 1; seed <= seeds; seed++)
        {
            using var leader = start();
            using var follower = start();
            var fops = new RandomFops(seed, leader) { WritesMuch = true };
            await fops.RunAsync(150);
            var random = new Random(seed);
            var after = random.Next(50);
            var through = random.Next(100, fops.Log.Count + 1);
            var entries = Elide(fops.Log, after, through);
            elided += entries.Count(e => e.Elided is { IsAll: true });
            parts += entries.Count(e => e.Elided is { IsAll: false });
            await ApplyAsync(follower, entries, random);
            await SameStores.AssertAsync(leader, follower, $"seed {seed}");
            entries.ForEach(e => e.Data.Release());
        }

        Assert.True(elided > seeds && parts > seeds, $"{elided} elided, {parts} in part");
    }

    private static async Task ApplyAsync(
        StorageRig follower, List<JournalEntry> entries, Random random)
    {
        var redo = new Redo(follower.Store);
        var applied = random.Next(entries.Count + 1);
        foreach (var entry in entries.Take(applied))
        {
            await ApplyAsync(redo, entry);
        }

        var checkpoint = random.Next(applied + 1);
        redo = new Redo(follower.Store);
        var window = entries.Skip(checkpoint).ToList();
        Assert.Equal(Errno.Ok, await redo.BeginReplayAsync([.. window.Select(Operation)]));
        foreach (var entry in window)
        {
            await ApplyAsync(redo, entry);
        }

        Assert.Equal(Errno.Ok, await redo.EndReplayAsync());
    }

    private static async Task ApplyAsync(Redo redo, JournalEntry entry) =>
        Assert.Equal(Errno.Ok, (await redo.ApplyAsync(Operation(entry), entry.Data, elided: entry.Elided)).Error);

    private static JournalOperation Operation(JournalEntry entry)
    {
        Assert.True(OperationCodec.TryDecode(entry.Meta.Span, out var operation));
        return operation;
    }

    private static List<JournalEntry> Elide(List<LoggedOperation> log, int after, int through)
    {
        var entries = log.Select((l, i) => new JournalEntry(
            new EntryHeader(new Term(1), new JournalIndex((ulong)i + 1), default, EntryKind.Operation, 0, 0, 0), l.Meta,
            Payload.CopyOf(l.Data))).ToList();
        var data = new OverwrittenData();
        for (var i = through - 1; i >= after; i--)
        {
            var whole = entries[i];
            var blocks = new byte[(ElidedData.BlocksOf(whole.Data.Length) + 7) / 8];
            var overwritten = data.Take(whole.Header, whole.Meta.Span, whole.Data.Length, blocks);
            if (overwritten != Overwritten.Nothing)
            {
                entries[i] = overwritten == Overwritten.All ? whole.WithoutData(new JournalIndex((ulong)through))
                    : whole.WithoutBlocks(blocks, new JournalIndex((ulong)through));
                whole.Data.Release();
            }
        }

        return entries;
    }
}
