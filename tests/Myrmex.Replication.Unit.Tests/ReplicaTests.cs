using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>Replicas as they run: engine, journal on a disk, checkpoint and state store together.</summary>
public sealed class ReplicaTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(n => (ulong)n)];

    [Fact]
    public void WhatIsAcceptedIsCommittedOnAllMembersInOneOrder()
    {
        var bed = Started(1, segmentBytes: 512 << 10);
        bed.WaitForLeader();
        var leader = bed.Leader!;
        for (ulong i = 1; i <= 200; i++)
        {
            leader.Replica!.Propose(Text(i, dataBytes: (int)(i % 5) * 3_000));
        }

        Assert.True(bed.World.RunUntil(
            () => leader.AcceptedTags.Count == 200 && bed.Members.All(m => m.Applied.Count == leader.Applied.Count && m.Applied.Count > 200),
            20_000));
        Assert.All(bed.Members, m => Assert.Equal(leader.Applied, m.Applied));
        Assert.Empty(leader.RefusedTags);
        Assert.Equal(200, leader.Applied.Values.Count(v => v.Text.StartsWith("op-", StringComparison.Ordinal)));
    }

    [Fact]
    public void OnlyTheLeaderTakesOperationsAndSaysWhoItIs()
    {
        var bed = Started(2);
        bed.WaitForLeader();
        bed.World.RunFor(1_000);
        var other = bed.Members.First(m => m != bed.Leader);
        other.Replica!.Propose(Text(7));
        Assert.True(bed.World.RunUntil(() => other.RefusedTags.ContainsKey(7), 1_000));
        Assert.Equal(Refusal.NotLeader, other.RefusedTags[7]);
        Assert.Equal(bed.Leader!.Id, other.Replica.Leader);
    }

    [Fact]
    public void TheLeadIsHandedOverInATenthOfASecond()
    {
        var bed = Started(3);
        bed.WaitForLeader();
        bed.World.RunFor(1_000);
        var (leader, other) = (bed.Leader!, bed.Members.First(m => m != bed.Leader));
        var before = bed.World.NowNs;
        leader.Replica!.TransferLead(9, other.Id);
        Assert.True(bed.World.RunUntil(() => bed.Leader == other, 5_000));
        Assert.InRange((bed.World.NowNs - before) / 1_000_000, 0, 100);
    }

    [Fact]
    public void ALeaderWhoseJournalFailsLetsAnotherOneLead()
    {
        var bed = Started(5);
        bed.WaitForLeader();
        bed.World.RunFor(1_000);
        var failed = bed.Leader!;
        failed.Node.Disk.FailNext(DiskCall.Write, Errno.EIO, count: int.MaxValue);
        failed.Replica!.Propose(Text(1));
        Assert.True(bed.World.RunUntil(() => failed.Replica.Role == ReplicaRole.Failed, 10_000), bed.Describe());
        bed.WaitForLeader();
        Assert.NotEqual(failed, bed.Leader);
    }

    /// <summary>
    /// Goal: many times the journal between two checkpoints is refused for a moment and breaks nothing.
    /// </summary>
    [Fact]
    public void ABurstThatTheJournalCannotHoldIsTakenInTurns()
    {
        var bed = Started(6);
        bed.WaitForLeader();
        ulong tag = 0;
        for (var ms = 0; ms < 400; ms++)
        {
            for (var i = 0; i < 4; i++)
            {
                bed.Leader?.Replica!.Propose(Text(++tag, dataBytes: 5_000));
            }

            bed.World.RunFor(1);
        }

        Assert.All(bed.Members, m => Assert.NotEqual(ReplicaRole.Failed, m.Replica!.Role));
        Assert.Contains(bed.Leader!.RefusedTags.Values, r => r == Refusal.Full);
        Assert.True(bed.Leader.AcceptedTags.Count > 500, $"{bed.Leader.AcceptedTags.Count} of {tag}");
        bed.World.RunFor(2_000);
        bed.Leader!.Replica!.Propose(Text(++tag));
        Assert.True(bed.World.RunUntil(() => bed.Leader.AcceptedTags.ContainsKey(tag), 1_000));
    }

    /// <summary>
    /// Goal: room comes from a checkpoint, that from a commit, and that from a leader: none may wait for room.
    /// </summary>
    [Fact]
    public void MembersWithFullJournalsComeBack()
    {
        var bed = Started(8);
        bed.WaitForLeader();
        bed.Members.ToList().ForEach(m => m.Persists = false);
        ulong tag = 0;
        while (!bed.Leader!.RefusedTags.ContainsValue(Refusal.Full))
        {
            bed.Leader.Replica!.Propose(Text(++tag, dataBytes: 5_000));
            bed.World.RunFor(2);
        }

        bed.Members.ToList().ForEach(m => m.Crash(SimCrash.Power));
        bed.Members.ToList().ForEach(m => m.Persists = true);
        Restart(bed);
        bed.WaitForLeader();
        bed.World.RunFor(3_000);
        bed.Leader!.Replica!.Propose(Text(++tag));
        Assert.True(bed.World.RunUntil(() => bed.Leader.AcceptedTags.ContainsKey(tag), 1_000), bed.Describe());
    }

    [Theory]
    [InlineData(0, Errno.Ok)]
    [InlineData(1, Errno.ESTALE)]
    public void TheJournalOfAnotherMemberIsNotOpened(int difference, Errno expected)
    {
        var bed = new ReplicaBed(9);
        var member = bed.Members[0];
        var setup = new ReplicaSetup
        {
            Self = member.Id,
            StorePrefix = ReplicaBed.Prefix,
            Seams = member.Node.Seams,
            Store = bed.Store.Connect(member.Node, timeoutMs: 1_000),
            Journal = bed.JournalOptions,
            Incarnation = (ulong)member.Incarnation + (ulong)difference,
            Transport = member,
            Machine = member,
        };
        Assert.Equal(expected, Replica.Open(setup, out _, out var problem));
        Assert.Equal(expected != Errno.Ok, problem.Contains("another member", StringComparison.Ordinal));
    }

    [Fact]
    public void SessionsThatNobodyUsesEndAndTheOthersDoNot()
    {
        var bed = new ReplicaBed(7) { Options = new ReplicaOptions { SessionIdleMs = 10_000 } };
        bed.Members.ToList().ForEach(m => m.Start());
        bed.WaitForLeader();
        var leader = bed.Leader!;
        for (ulong i = 1; i <= 200; i++)
        {
            leader.Replica!.Propose(new Proposal(
                i, EntryKind.Session, i, 0, 0, new SessionRecord(SessionAction.Begin, 0).Encode(), default));
        }

        for (ulong second = 1; second <= 25; second++)
        {
            bed.World.RunFor(1_000);
            leader.Replica!.Propose(
                new Proposal(1_000 + second, EntryKind.Operation, 1, second, 0, new byte[10], default));
            leader.Replica.Find(2_000 + second, 2, 1, 0, 0, leader.Replica.Term);
        }

        bed.World.RunFor(500);
        Assert.DoesNotContain(leader.RefusedTags.Keys, t => t > 1_000);
        for (ulong i = 1; i <= 200; i++)
        {
            leader.Replica!.Find(5_000 + i, i, 100, 0, 0, leader.Replica.Term);
        }

        bed.World.RunFor(100);
        Assert.Equal(
            Enumerable.Range(5_003, 198).Select(n => (ulong)n),
            leader.RefusedTags.Keys.Where(t => t > 5_000).Order());
        Assert.All(bed.Members, m => Assert.Equal(leader.Applied, m.Applied));
    }

    [Fact]
    public void AStoppedReplicaComesBackFromItsCheckpoint()
    {
        var bed = Started(4);
        bed.WaitForLeader();
        for (ulong i = 1; i <= 120; i++)
        {
            bed.Leader!.Replica!.Propose(Text(i, dataBytes: 5_000));
            bed.World.RunFor(20);
        }

        bed.World.RunFor(3_000);
        Assert.All(bed.Members, m => Assert.True(m.Persisted.Count > 100));
        var count = bed.Members[0].Applied.Count;
        foreach (var member in bed.Members)
        {
            member.Crash(SimCrash.Power);
        }

        Restart(bed);
        bed.WaitForLeader();
        Assert.True(bed.World.RunUntil(() => bed.Members.All(m => m.Applied.Count > count), 30_000));
        Assert.All(bed.Members, m => Assert.Equal(bed.Members[0].Applied, m.Applied));
    }

    /// <summary>Kills, power cuts, pauses, lost messages and a store that fails: whatever a leader committed stays.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void WhatWasCommittedStaysUnderFaults(ulong seed)
    {
        var bed = Started(seed);
        var random = new SimRandom(seed + 1_000);
        var acknowledged = new SortedDictionary<ulong, (UInt128 Chain, string Text)>();
        ulong tag = 0;
        for (var round = 0; round < 40; round++)
        {
            bed.LossPercent = random.Below(3) == 0 ? 10 : 0;
            for (var i = 0; i < 5; i++)
            {
                if (bed.Leader is { } leader)
                {
                    leader.Replica!.Propose(Text(++tag, (int)random.Below(3) * 4_500));
                }

                bed.World.RunFor((long)random.Below(150));
                Collect(bed, acknowledged);
            }

            Trouble(bed, random);
        }

        bed.LossPercent = 0;
        Restart(bed);
        bed.WaitForLeader();
        Assert.True(
            bed.World.RunUntil(() => bed.Members.All(m => m.Replica!.Commit == bed.Leader?.Replica!.Commit), 60_000),
            $"seed {seed}: {bed.Describe()}");
        Collect(bed, acknowledged);
        Assert.True(acknowledged.Count > 10, $"seed {seed}: only {acknowledged.Count}");
        Assert.All(bed.Members, m => Assert.Equal(acknowledged.Count, m.Applied.Count));
    }

    private static void Trouble(ReplicaBed bed, SimRandom random)
    {
        var member = bed.Members[(int)random.Below(bed.Members.Count)];
        switch (random.Below(6))
        {
            case 0 when member.Node.IsUp:
                member.Crash(SimCrash.Power);
                break;
            case 1 when member.Node.IsUp:
                member.Crash(SimCrash.Process);
                break;
            case 2 when member.Node is { IsUp: true, IsFrozen: false }:
                member.Node.Freeze(500 + (long)random.Below(8_000));
                break;
            case 3 when member.Node.IsUp:
                bed.Store.Cut(member.Node);
                _ = bed.World.After(4_000, () => bed.Store.Heal(member.Node));
                break;
            default:
                Restart(bed);
                bed.World.RunFor(4_000);
                break;
        }
    }

    /// <summary>Every member applied the same, and nothing that anybody applied is ever another entry.</summary>
    private static void Collect(ReplicaBed bed, SortedDictionary<ulong, (UInt128 Chain, string Text)> all)
    {
        foreach (var (index, value) in bed.Members.SelectMany(m => m.Applied))
        {
            if (!all.TryAdd(index, value))
            {
                Assert.Equal(all[index], value);
            }
        }
    }

    private static ReplicaBed Started(ulong seed, int segmentBytes = 256 << 10)
    {
        var bed = new ReplicaBed(seed, segmentBytes: segmentBytes);
        foreach (var member in bed.Members)
        {
            member.Start();
        }

        return bed;
    }

    private static void Restart(ReplicaBed bed)
    {
        foreach (var member in bed.Members.Where(m => !m.Node.IsUp))
        {
            member.Node.Restart();
            member.Start();
        }
    }

    private static Proposal Text(ulong tag, int dataBytes = 0) => new(
        tag, EntryKind.Operation, 0, 0, 0, Encoding.ASCII.GetBytes($"op-{tag}-"),
        dataBytes == 0 ? default : ReplicaBed.Data(dataBytes));
}
