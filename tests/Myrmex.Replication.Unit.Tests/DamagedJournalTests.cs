using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Bits flip in the journal of a member that is down: in any block of any file of it, the leader's and a follower's. Nothing that
/// was acknowledged is lost, the member says that its journal is damaged where that matters, and the set is whole again by itself.
/// </summary>
public sealed class DamagedJournalTests
{
    private const int BlockBytes = 4096;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 30).Select(n => (ulong)n)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void AFlippedBitAnywhereHealsByItself(ulong seed)
    {
        using var bed = new StoreBed(seed, options: new StoreBedOptions { CheckpointMs = 300 });
        var random = new SimRandom(seed + 77);
        var load = new CopyLoad(bed, seed);
        for (var round = 0; round < 6; round++)
        {
            load.Run(20);
            bed.World.RunFor(round % 2 == 0 ? 20 : 700); // With and without a checkpoint since.
            var victim = round % 3 == 0 ? bed.Leader! : bed.Members.First(m => m != bed.Leader);
            bed.AssertAllAreEqual("before the damage");
            var before = DigestOf(bed.Leader!);
            victim.Crash(SimCrash.Process);
            var (path, offset) = Flip(victim, random);
            victim.Node.Restart();
            victim.Start();
            var what = $"seed {seed} round {round}: {path} at {offset}";
            Assert.True(
                bed.World.RunUntil(() => bed.Leader is not null && IsWhole(victim), 120_000),
                $"{what}: {victim.Replica!.Role} {victim.Replica.Status}");
            bed.AssertAllAreEqual(what);
            Assert.True(DigestOf(bed.Leader!).SequenceEqual(before), $"{what}: something that was acknowledged is gone");
        }
    }

    /// <summary>
    /// The store of the member is ahead of what can be read of its journal: what comes again is no replay, so it gets a copy.
    /// </summary>
    [Fact]
    public void WhoseStoreIsAheadOfItsJournalGetsACopy()
    {
        using var bed = new StoreBed(3, options: new StoreBedOptions { CheckpointMs = 300 });
        var load = new CopyLoad(bed, 3);
        bed.World.RunFor(1_000);
        var copies = 0;
        for (var round = 0; round < 10; round++)
        {
            load.Run(15);
            bed.AssertAllAreEqual("before the damage");
            var before = DigestOf(bed.Leader!);
            var victim = bed.Members[round % 3];
            victim.Crash(SimCrash.Process);
            var blocks = BlocksOf(victim).Where(b => b.Path.StartsWith("/rs/s-", StringComparison.Ordinal)).ToList();
            var (path, block) = blocks[^(1 + (round % Math.Min(8, blocks.Count)))];
            victim.Node.Disk.Corrupt(path, (block * BlockBytes) + 33, 0x20);
            victim.News.Clear();
            victim.Node.Restart();
            victim.Start();
            Assert.Equal(victim.Replica!.Status == MemberStatus.Syncing, victim.Replica.NeedsCopy);
            Assert.NotEqual(MemberStatus.Recovering, victim.Replica.Status);
            Assert.True(bed.World.RunUntil(() => bed.Leader is not null && IsWhole(victim), 120_000), $"{path} block {block}");
            bed.World.RunFor(200);
            copies += victim.News.Exists(n => n.Kind == ReplicaNewsKind.CopyEnded) ? 1 : 0;
            bed.AssertAllAreEqual($"{path} block {block}");
            Assert.True(DigestOf(bed.Leader!).SequenceEqual(before), "something that was acknowledged is gone");
        }

        Assert.True(copies > 0, "no damage mattered");
    }

    [Fact]
    public void WithoutAReadableCheckpointTheMemberGetsACopy()
    {
        using var bed = new StoreBed(5, options: new StoreBedOptions { CheckpointMs = 300 });
        var load = new CopyLoad(bed, 5);
        load.Run(40);
        bed.World.RunFor(1_000);
        var victim = bed.Members.First(m => m != bed.Leader);
        victim.Crash(SimCrash.Process);
        victim.Node.Disk.Corrupt("/rs/checkpoint", 10, 4);
        victim.Node.Restart();
        victim.Start();
        Assert.True(victim.Replica!.NeedsCopy);
        Assert.Equal(MemberStatus.Syncing, victim.Replica.Status);
        load.Run(20);
        Assert.True(bed.World.RunUntil(() => IsWhole(victim), 60_000));
        bed.World.RunFor(200);
        ReplicaNewsKind[] told = [ReplicaNewsKind.JournalDamaged, ReplicaNewsKind.CopyBegun, ReplicaNewsKind.CopyEnded, ReplicaNewsKind.Whole];
        Assert.All(told, k => Assert.Contains(victim.News, n => n.Kind == k));
        bed.AssertAllAreEqual("after the copy");
    }

    /// <summary>The leader reads for a member that was away, and cannot: the member gets a copy, and nobody fails.</summary>
    [Fact]
    public void WhatOthersNeedAndNobodyCanReadIsMadeGoodByACopy()
    {
        using var bed = new StoreBed(6, options: new StoreBedOptions { CheckpointMs = 300 });
        var load = new CopyLoad(bed, 6);
        load.Run(20);
        bed.World.RunFor(1_000);
        var away = bed.Members.First(m => m != bed.Leader);
        away.Crash(SimCrash.Process);
        load.Run(60);
        bed.World.RunFor(1_000);
        var leader = bed.Leader!;
        var damaged = BlocksOf(leader).Where(b => b.Path.StartsWith("/rs/s-", StringComparison.Ordinal)).ToList();
        foreach (var (path, block) in damaged.Skip(damaged.Count / 2).SkipLast(2))
        {
            leader.Node.Disk.Corrupt(path, (block * BlockBytes) + 40, 8);
        }

        away.Node.Restart();
        away.Start();
        Assert.True(bed.World.RunUntil(() => IsWhole(away) && away.Applied == bed.Leader?.Replica!.Commit, 120_000));
        Assert.Contains(leader.News, n => n.Kind == ReplicaNewsKind.JournalDamaged);
        Assert.Contains(away.News, n => n.Kind == ReplicaNewsKind.CopyEnded);
        Assert.Same(leader, bed.Leader);
        bed.AssertAllAreEqual("after the copy");
    }

    private static bool IsWhole(StoreMember member) =>
        member.Replica is { Status: MemberStatus.Voter, NeedsCopy: false, Role: ReplicaRole.Follower or ReplicaRole.Active };

    private static byte[] DigestOf(StoreMember member) =>
        [.. StoreDigest.TakeAsync(member.Rig!.Store).AsTask().GetAwaiter().GetResult().Hash];

    /// <summary>One bit, in a block that holds something.</summary>
    private static (string Path, long Offset) Flip(StoreMember member, SimRandom random)
    {
        var blocks = BlocksOf(member).ToList();
        var (path, block) = blocks[random.Below(blocks.Count)];
        var content = member.Node.Disk.Content(path);
        var inBlock = Enumerable.Range(0, (int)Math.Min(BlockBytes, content.Length - (block * BlockBytes)))
            .Where(i => content[(block * BlockBytes) + i] != 0).ToList();
        var offset = (block * BlockBytes) + inBlock[random.Below(inBlock.Count)];
        member.Node.Disk.Corrupt(path, offset, (byte)(1 << random.Below(8)));
        return (path, offset);
    }

    private static IEnumerable<(string Path, long Block)> BlocksOf(StoreMember member)
    {
        var names = new List<string>();
        Assert.Equal(Errno.Ok, member.Node.Disk.List("/rs", names));
        foreach (var path in names.Order(StringComparer.Ordinal).Select(n => "/rs/" + n))
        {
            var content = member.Node.Disk.Content(path);
            for (var block = 0L; block * BlockBytes < content.Length; block++)
            {
                var from = (int)(block * BlockBytes);
                if (content.AsSpan(from, Math.Min(BlockBytes, content.Length - from)).ContainsAnyExcept((byte)0))
                {
                    yield return (path, block);
                }
            }
        }
    }
}
