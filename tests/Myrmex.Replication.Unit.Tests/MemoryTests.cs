using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Replicas that acknowledge from memory, as they run: what survives the crash of processes and the loss of power, and the
/// change between memory and disk.
/// </summary>
public sealed class MemoryTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(n => (ulong)n)];

    [Fact]
    public void WhatIsAnsweredFromMemoryIsNotWaitedForOnADisk()
    {
        var bed = Started(1, allowsMemory: true);
        WaitForMemory(bed);
        bed.World.RunFor(500);
        var (leader, syncs) = (bed.Leader!, bed.Leader!.Replica!.JournalMetrics.Syncs);
        var ahead = 0;
        for (ulong tag = 1; tag <= 200; tag++)
        {
            Do(bed, leader, tag);
            ahead += leader.Replica!.Durable < leader.Replica.Commit ? 1 : 0;
        }

        Assert.InRange(ahead, 150, 200);
        Assert.InRange(leader.Replica!.JournalMetrics.Syncs - syncs, 1, 50);
        Assert.True(bed.World.RunUntil(() => bed.Members.All(m => m.Replica!.Durable == leader.Replica.Last), 500));
    }

    [Fact]
    public void AnOperationThatDoesNotSayItMayIsOnDisksWhenItIsCommitted()
    {
        var bed = Started(2, allowsMemory: true);
        WaitForMemory(bed);
        var leader = bed.Leader!;
        for (ulong tag = 1; tag <= 20; tag++)
        {
            Do(bed, leader, tag);
            Do(bed, leader, 1_000 + tag, fromMemory: false);
            Assert.True(bed.Members.Count(m => m.Replica!.Durable >= leader.Replica!.Commit) >= 2);
        }
    }

    /// <summary>kill -9 of all processes: everything that was written is in the page cache.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ACrashOfAllProcessesLosesNothing(ulong seed)
    {
        var bed = Started(seed, allowsMemory: true);
        var acknowledged = new SortedDictionary<ulong, string>();
        for (var round = 0; round < 4; round++)
        {
            WaitForMemory(bed);
            Work(bed, 20 + (int)(seed % 7), round, acknowledged);
            CrashAll(bed, SimCrash.Process);
            CheckHolds(bed, acknowledged, acknowledged.Count, seed);
            Assert.All(bed.Members, m => Assert.Equal(MemberStatus.Voter, m.Replica!.Status));
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void ALossOfPowerOfOneLosesNothing(ulong seed)
    {
        var bed = Started(seed, allowsMemory: true);
        var acknowledged = new SortedDictionary<ulong, string>();
        for (var round = 0; round < 5; round++)
        {
            WaitForMemory(bed);
            Work(bed, 30, round, acknowledged);
            var victim = round % 2 == 0 ? bed.Leader! : bed.Members[(int)(seed % 3)];
            victim.Crash(SimCrash.Power);
            bed.WaitForLeader();
            CheckHolds(bed, acknowledged, acknowledged.Count, seed);
            victim.Node.Restart();
            victim.Start();
            Assert.True(
                bed.World.RunUntil(() => victim.Replica!.Status == MemberStatus.Voter
                    && victim.Replica.Commit == bed.Leader?.Replica!.Commit, 60_000), $"seed {seed}: {bed.Describe()}");
        }
    }

    /// <summary>Nothing that was synced is lost, and what is lost is everything from some operation on.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ALossOfPowerOfAllTakesASuffixThatWasNotSynced(ulong seed)
    {
        var bed = Started(seed, allowsMemory: true);
        var acknowledged = new SortedDictionary<ulong, string>();
        const ulong tag = 9_000_000;
        WaitForMemory(bed);
        Work(bed, 25, 1, acknowledged);
        var leader = bed.Leader!;
        leader.Replica!.SyncCommitted(tag, leader.Replica.Term);
        Assert.True(bed.World.RunUntil(() => leader.DoneTags.Contains(tag), 5_000), bed.Describe());
        var synced = acknowledged.Count;
        Work(bed, 10, 2, acknowledged);
        CrashAll(bed, SimCrash.Power);
        CheckHolds(bed, acknowledged, synced, seed);
        Work(bed, 10, 3, acknowledged);
        CheckHolds(bed, acknowledged, acknowledged.Count, seed);
    }

    /// <summary>Who may have lost something does not lead, and does not count, before the others have told it what to hold.</summary>
    [Fact]
    public void TwoThatLostPowerDoNotOutvoteTheOneThatDidNot()
    {
        var bed = Started(3, allowsMemory: true);
        var acknowledged = new SortedDictionary<ulong, string>();
        WaitForMemory(bed);
        Work(bed, 30, 1, acknowledged);
        var keeps = bed.Members.First(m => m.Replica!.Written == bed.Leader!.Replica!.Last);
        keeps.Crash(SimCrash.Process);
        foreach (var member in bed.Members.Where(m => m != keeps))
        {
            member.Crash(SimCrash.Power);
            member.Node.Restart();
            member.Start();
        }

        bed.World.RunFor(20_000);
        Assert.Null(bed.Leader);
        keeps.Node.Restart();
        keeps.Start();
        bed.WaitForLeader();
        CheckHolds(bed, acknowledged, acknowledged.Count, 3);
    }

    /// <summary>Both directions while it is used; after the change to disk a loss of power of all loses nothing.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void TheChangeBetweenMemoryAndDiskIsSafe(ulong seed)
    {
        var bed = Started(seed, allowsMemory: false);
        var acknowledged = new SortedDictionary<ulong, string>();
        bed.WaitForLeader();
        Work(bed, 20, 1, acknowledged);
        bed.WantMemory(true);
        Work(bed, 20, 2, acknowledged);
        WaitForMemory(bed);
        Work(bed, 20, 3, acknowledged);
        bed.WantMemory(false);
        Work(bed, 20, 4, acknowledged);
        Assert.True(
            bed.World.RunUntil(() => bed.Members.All(m => !m.Replica!.AnswersFromMemory), 30_000), bed.Describe());
        Work(bed, 20, 5, acknowledged);
        bed.World.RunFor(500);
        Work(bed, 20, 6, acknowledged);
        CrashAll(bed, SimCrash.Power);
        CheckHolds(bed, acknowledged, acknowledged.Count, seed);
        Assert.All(bed.Members, m => Assert.Equal(MemberStatus.Voter, m.Replica!.Status));
    }

    [Fact]
    public void AnEndInGoodOrderIsNone()
    {
        var bed = Started(4, allowsMemory: true);
        var acknowledged = new SortedDictionary<ulong, string>();
        WaitForMemory(bed);
        Work(bed, 30, 1, acknowledged);
        foreach (var member in bed.Members)
        {
            var stopped = false;
            member.Replica!.Stop(_ => stopped = true);
            Assert.True(bed.World.RunUntil(() => stopped, 5_000));
        }

        CrashAll(bed, SimCrash.Power);
        Assert.All(bed.Members, m => Assert.Equal(MemberStatus.Voter, m.Replica!.Status));
        CheckHolds(bed, acknowledged, acknowledged.Count, 4);
    }

    private static ReplicaBed Started(ulong seed, bool allowsMemory)
    {
        var bed = new ReplicaBed(seed, segmentBytes: 1 << 20, allowsMemory: allowsMemory);
        foreach (var member in bed.Members)
        {
            member.Start();
        }

        return bed;
    }

    private static void WaitForMemory(ReplicaBed bed) => Assert.True(
        bed.World.RunUntil(() => bed.Leader is not null && bed.Members.All(m => m.Replica!.AnswersFromMemory), 60_000),
        bed.Describe());

    private static void CrashAll(ReplicaBed bed, SimCrash kind)
    {
        foreach (var member in bed.Members)
        {
            member.Crash(kind);
        }

        foreach (var member in bed.Members)
        {
            member.Node.Restart();
            member.Start();
        }

        bed.WaitForLeader();
    }

    /// <summary>Operations one after the other, each once the one before is committed.</summary>
    private static void Work(ReplicaBed bed, int count, int round, SortedDictionary<ulong, string> acknowledged)
    {
        for (var i = 0; i < count; i++)
        {
            bed.WaitForLeader();
            var tag = ((ulong)round * 1_000) + (ulong)i;
            var index = Do(bed, bed.Leader!, tag);
            acknowledged[index.Value] = $"op-{tag}-";
        }
    }

    private static JournalIndex Do(ReplicaBed bed, BedMember leader, ulong tag, bool fromMemory = true)
    {
        leader.Replica!.Propose(new Proposal(
            tag, EntryKind.Operation, 0, 0, 0, Encoding.ASCII.GetBytes($"op-{tag}-"),
            tag % 9 == 0 ? default : ReplicaBed.Data((int)(tag % 9) * 700))
        {
            FromMemory = fromMemory,
        });
        Assert.True(
            bed.World.RunUntil(() => leader.AcceptedTags.TryGetValue(tag, out var at) && leader.Replica.Commit >= at, 20_000),
            $"{tag}: {bed.Describe()}");
        return leader.AcceptedTags[tag];
    }

    /// <summary>The leader has the first of what was acknowledged, at least as many as given; the rest is forgotten.</summary>
    private static void CheckHolds(ReplicaBed bed, SortedDictionary<ulong, string> acknowledged, int least, ulong seed)
    {
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000));
        var applied = bed.Leader!.Applied;
        var (kept, isGap) = (0, false);
        foreach (var (index, text) in acknowledged)
        {
            var isThere = applied.TryGetValue(index, out var value) && value.Text.StartsWith(text, StringComparison.Ordinal);
            Assert.False(isThere && isGap, $"seed {seed}: {text} is there and one before it is not");
            isGap |= !isThere;
            kept += isThere ? 1 : 0;
        }

        Assert.True(kept >= least, $"seed {seed}: {kept} of {least} are there. {bed.Describe()}");
        foreach (var index in acknowledged.Keys.Skip(kept).ToList())
        {
            acknowledged.Remove(index);
        }
    }
}
