using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>The lead by plan: handed over without a refusal, with grants to read running; and back where it should be.</summary>
public sealed class LeadTests
{
    private static readonly ReplicaOptions Reading = new() { ReadLease = true, GrantMs = 600 };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WhoReadsByGrantHandsOverInATenthOfASecondToo(ulong seed)
    {
        var bed = Started(seed, Reading);
        var former = bed.Leader!;
        Assert.True(former.Replica!.HasLease);
        var next = bed.Members.Last(m => m != former);
        var before = bed.World.NowNs;
        former.Replica.TransferLead(9, next.Id);
        Assert.True(bed.World.RunUntil(() => bed.Leader == next, 5_000), bed.Describe());
        Assert.InRange((bed.World.NowNs - before) / 1_000_000, 0, 100);
        Assert.False(former.Replica.HasLease);
        Assert.Contains(next.News, n => n.Kind == ReplicaNewsKind.LeadMoved && n.Other == former.Id);
    }

    [Fact]
    public void TheKeyOfTheLeadIsNeverAwayMeanwhile()
    {
        var bed = Started(4, Reading);
        var former = bed.Leader!;
        var next = bed.Members.First(m => m != former);
        var seen = new List<bool>();
        var node = bed.World.AddNode("watcher");
        var view = new StateView(bed.Store.Connect(node), KeyRange.Prefix(ReplicaBed.Prefix), node.Seams.Scheduler);
        view.Changed += (snapshot, _) => seen.Add(snapshot.Entries.ContainsKey(ReplicaBed.Prefix + StoreState.LeadKey));
        _ = SimTasks.Start(node, () => view.FollowAsync(CancellationToken.None));
        bed.World.RunFor(200);
        former.Replica!.TransferLead(9, next.Id);
        Assert.True(bed.World.RunUntil(() => bed.Leader == next, 5_000), bed.Describe());
        bed.World.RunFor(500);
        Assert.True(seen.Count >= 2, "the watch has seen nothing");
        Assert.DoesNotContain(false, seen);
    }

    [Fact]
    public void WhatComesMeanwhileIsTakenOrSentOnAndNeverRefusedForTheMoment()
    {
        var bed = Started(5, Reading);
        var former = bed.Leader!;
        var next = bed.Members.First(m => m != former);
        for (var tag = 100UL; tag < 400; tag++)
        {
            if (tag == 200)
            {
                former.Replica!.TransferLead(9, next.Id);
            }

            former.Replica!.Propose(Text(tag));
            bed.World.RunFor(1);
        }

        Assert.True(bed.World.RunUntil(() => bed.Leader == next, 5_000), bed.Describe());
        bed.World.RunFor(500);
        Assert.All(former.RefusedTags, r => Assert.Equal(Refusal.NotLeader, r.Value));
        Assert.True(former.AcceptedTags.Count > 99, "operations before the transfer were not taken");
        Assert.True(former.RefusedTags.Count > 99, "operations after it were not sent on");
        Assert.Equal(300, former.AcceptedTags.Count + former.RefusedTags.Count);
        var all = bed.Members.Select(m => m.Applied.Values.Select(v => v.Text).ToList()).ToList();
        Assert.All(former.AcceptedTags.Keys.Where(t => t >= 100), tag => Assert.All(all, a => Assert.Contains($"{tag}0", a)));
    }

    [Fact]
    public void AMemberThatIsAwayTakesNoLeadAndTheLeaderGoesOn()
    {
        var bed = Started(6, Reading);
        var leader = bed.Leader!;
        var away = bed.Members.First(m => m != leader);
        away.Crash(SimCrash.Process);
        bed.World.RunFor(1_000);
        leader.Replica!.TransferLead(9, away.Id);
        bed.World.RunFor(1_000);
        Assert.Equal(Refusal.NotServing, leader.RefusedTags[9]);
        leader.Replica.Propose(Text(1));
        Assert.True(bed.World.RunUntil(() => leader.AcceptedTags.ContainsKey(1), 1_000));
        Assert.Same(leader, bed.Leader);
    }

    [Fact]
    public void WhoIsToTakeTheLeadAndDiesCostsAnElection()
    {
        var bed = Started(7, Reading);
        var former = bed.Leader!;
        var next = bed.Members.First(m => m != former);
        former.Replica!.TransferLead(9, next.Id);
        Assert.True(bed.World.RunUntil(() => former.DoneTags.Contains(9), 1_000));
        next.Crash(SimCrash.Process);
        bed.World.RunFor(1);
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null && bed.Leader != next, 10_000), bed.Describe());
    }

    [Fact]
    public void TheLeadGoesBackOnceThePreferredMemberWasWellForAWhile()
    {
        var bed = Started(8, Reading);
        var preferred = bed.Leader!;
        foreach (var member in bed.Members)
        {
            member.Replica!.Prefer(preferred.Id, 3_000);
        }

        bed.Opened = m => m.Replica!.Prefer(preferred.Id, 3_000);
        preferred.Crash(SimCrash.Process);
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null && bed.Leader != preferred, 10_000), bed.Describe());
        preferred.Node.Restart();
        preferred.Start();
        var back = bed.World.NowNs;
        Assert.True(bed.World.RunUntil(() => bed.Leader == preferred, 10_000), bed.Describe());
        Assert.InRange((bed.World.NowNs - back) / 1_000_000, 2_900, 5_000);
    }

    [Fact]
    public void WhoCameUpFirstHandsANewSetOverAtOnce()
    {
        var bed = Started(11, Reading);
        var first = bed.Leader!;
        var preferred = bed.Members.Last(m => m != first);
        Prefer(preferred);
        Assert.True(bed.World.RunUntil(() => bed.Leader == preferred, 5_000), bed.Describe());
        Prefer(first); // Later leads are left alone for as long as it says.
        bed.World.RunFor(50_000);
        Assert.Same(preferred, bed.Leader);
        Assert.True(bed.World.RunUntil(() => bed.Leader == first, 20_000), bed.Describe());

        void Prefer(BedMember member)
        {
            foreach (var one in bed.Members)
            {
                one.Replica!.Prefer(member.Id, 60_000);
            }
        }
    }

    [Fact]
    public void AWishInTheStoreComesBeforeTheUsualOne()
    {
        var bed = Started(9, Reading);
        var leader = bed.Leader!;
        var wanted = bed.Members.Last(m => m != leader);
        foreach (var member in bed.Members)
        {
            member.Replica!.Prefer(leader.Id, 1_000);
        }

        bed.World.RunFor(3_000);
        Assert.Same(leader, bed.Leader);
        var node = bed.World.AddNode("wisher");
        var put = SimTasks.Start(node, () => bed.Store.Connect(node).CommitAsync(
            StateTransaction.Always(
                Operation.PutValue(ReplicaBed.Prefix + StoreState.PreferredKey, StoreState.EncodeMember(wanted.Id))),
            CancellationToken.None));
        Assert.True(bed.World.RunUntil(() => put.IsCompleted && bed.Leader == wanted, 10_000), bed.Describe());
        bed.World.RunFor(10_000);
        Assert.Same(wanted, bed.Leader);
    }

    [Fact]
    public void OthersBeingEqualThePreferredMemberIsElected()
    {
        for (var seed = 10UL; seed < 16; seed++)
        {
            var bed = new ReplicaBed(seed) { Options = Reading };
            var preferred = bed.Members[2]; // Not the one that its number puts first.
            bed.Opened = m => m.Replica!.Prefer(preferred.Id, null);
            foreach (var member in bed.Members)
            {
                member.Start();
            }

            bed.WaitForLeader();
            bed.World.RunFor(1_000);
            if (bed.Leader is { } first && first != preferred)
            {
                first.Crash(SimCrash.Process);
                Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 30_000), bed.Describe());
            }

            Assert.True(bed.Leader == preferred, $"seed {seed}: {bed.Describe()}");
        }
    }

    [Fact]
    public void TheLeaderTellsOfMembersThatComeAndGo()
    {
        var bed = Started(11, Reading);
        var leader = bed.Leader!;
        var away = bed.Members.First(m => m != leader);
        Assert.Contains(leader.News, n => n.Kind == ReplicaNewsKind.Elected);
        away.Crash(SimCrash.Process);
        Assert.True(bed.World.RunUntil(
            () => leader.News.Exists(n => n.Kind == ReplicaNewsKind.MemberLost && n.Other == away.Id), 10_000));
        away.Node.Restart();
        away.Start();
        Assert.True(bed.World.RunUntil(
            () => leader.News.Exists(n => n.Kind == ReplicaNewsKind.MemberInSync && n.Other == away.Id), 10_000));
        bed.World.RunFor(5_000);
        Assert.Equal(1, leader.News.Count(n => n.Kind == ReplicaNewsKind.MemberLost));
        Assert.Equal(1, leader.News.Count(n => n.Kind == ReplicaNewsKind.MemberInSync));
    }

    private static ReplicaBed Started(ulong seed, ReplicaOptions options)
    {
        var bed = new ReplicaBed(seed) { Options = options };
        foreach (var member in bed.Members)
        {
            member.Start();
        }

        bed.WaitForLeader();
        bed.World.RunFor(1_000);
        return bed;
    }

    private static Proposal Text(ulong tag) => new(
        tag, EntryKind.Operation, default, 0, 0, Encoding.ASCII.GetBytes($"{tag}"), default);
}
