using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Management.Etcd;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Etcd;

/// <summary>
/// Who runs etcd. Method: the next step for single situations, and whole sequences on a model of etcd that refuses nothing
/// and says when the majority is lost.
/// </summary>
public sealed class EtcdMembershipTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    [InlineData(4, 3)]
    [InlineData(5, 5)]
    [InlineData(6, 5)]
    [InlineData(100, 5)]
    public void AsManyVotersAsBearMostFailures(int nodes, int voters) => Assert.Equal(voters, EtcdMembership.Target(nodes));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    [InlineData(4, 3)]
    [InlineData(5, 5)]
    [InlineData(7, 5)]
    public void TheOldestNodesBecomeMembers(int nodes, int voters)
    {
        var model = new EtcdModel(nodes);
        model.Settle();
        Assert.Equal(Enumerable.Range(1, voters).Select(EtcdModel.Name), model.Voters.Select(v => v.Name).Order());
    }

    [Fact]
    public void EveryStepIsPublishedBeforeTheNext()
    {
        var model = new EtcdModel(3);
        var kinds = new List<string>();
        for (var i = 0; i < 9; i++)
        {
            kinds.Add(model.Step().GetType().Name);
        }

        Assert.Equal(
            ["Publish", "AddLearner", "Publish", "Promote", "Publish", "AddLearner", "Publish", "Promote", "Publish"], kinds);
        Assert.IsType<EtcdMembershipAction.Wait>(model.Step());
    }

    [Fact]
    public void ALearnerThatHasNotStartedIsWaitedForAndNothingElseIsDone()
    {
        var model = new EtcdModel(3) { StartsLearners = false };
        model.Settle();
        Assert.Equal(2, model.Members.Count);
        Assert.Single(model.Voters);
        Assert.Contains("not started", Assert.IsType<EtcdMembershipAction.Wait>(model.Step()).Reason);
    }

    [Fact]
    public void ALearnerWhoseNodeDiesOrCannotRunItMakesRoomForAnother()
    {
        var model = new EtcdModel(4) { StartsLearners = false };
        model.Settle();
        Assert.Equal("n2", model.Members.Single(m => m.IsLearner).Peer.Host);
        model.SetAlive(2, false);
        model.Settle();
        Assert.Equal("n3", model.Members.Single(m => m.IsLearner).Peer.Host);
        model.Reports.Add(new EtcdReport(EtcdModel.Name(3), EtcdTrouble.CannotRun, "", "no etcd"));
        model.StartsLearners = true;
        model.SetAlive(2, true);
        model.Settle();
        Assert.Equal(["n1", "n2", "n4"], model.Voters.Select(v => v.Name).Order());
    }

    [Fact]
    public void ADetachedMemberIsReplacedAndTheReplacementComesFirst()
    {
        var model = new EtcdModel(4);
        model.Settle();
        model.Nodes.RemoveAll(n => n.Id == "n2");
        var least = int.MaxValue;
        model.Settle(() => least = Math.Min(least, model.Voters.Count));
        Assert.Equal(["n1", "n3", "n4"], model.Voters.Select(v => v.Name).Order());
        Assert.Equal(3, least);
    }

    [Fact]
    public void TheOnlyMemberHandsOver()
    {
        var model = new EtcdModel(2);
        model.Settle();
        model.Nodes[0] = model.Nodes[0] with { WantsMember = false };
        model.Settle();
        Assert.Equal(["n2"], model.Voters.Select(v => v.Name));
    }

    [Fact]
    public void ADeadMemberIsReplacedOnlyAfterLongAndOnlyByALivingSpare()
    {
        var model = new EtcdModel(4);
        model.Settle();
        model.SetAlive(4, false);
        model.Fail(3, EtcdLimits.DeadMs);
        model.Settle();
        Assert.Equal(["n1", "n2", "n3"], model.Voters.Select(v => v.Name).Order());
        model.SetAlive(4, true);
        model.Fail(3, EtcdLimits.DeadMs - 1);
        model.Settle();
        Assert.Equal(["n1", "n2", "n3"], model.Voters.Select(v => v.Name).Order());
        model.Fail(3, EtcdLimits.DeadMs);
        model.Settle();
        Assert.Equal(["n1", "n2", "n4"], model.Voters.Select(v => v.Name).Order());
    }

    [Fact]
    public void AMemberWhoseDataIsGoneIsRemovedAndComesBackAsANewOne()
    {
        var model = new EtcdModel(3);
        model.Settle();
        var old = model.Members.Single(m => m.Name == "n2").Id;
        model.Fail(2, 0);
        model.Reports.Add(new EtcdReport("n2", EtcdTrouble.DataLost, EtcdDocumentMember.IdText(old), "gone"));
        model.Settle();
        Assert.Equal(["n1", "n2", "n3"], model.Voters.Select(v => v.Name).Order());
        Assert.NotEqual(old, model.Members.Single(m => m.Name == "n2").Id);
    }

    [Fact]
    public void WithoutAMajorityNothingIsChanged()
    {
        var model = new EtcdModel(5);
        model.Settle();
        model.Fail(1, EtcdLimits.DeadMs);
        model.Fail(2, EtcdLimits.DeadMs);
        model.Fail(3, EtcdLimits.DeadMs);
        model.Nodes.RemoveAt(0);
        model.Settle(mayLoseMajority: true);
        Assert.Contains("only 2 of 5", Assert.IsType<EtcdMembershipAction.Wait>(model.Step()).Reason);
        Assert.Equal(5, model.Voters.Count);
    }

    [Fact]
    public void TwoVotersAreNoPlaceToStay()
    {
        var model = new EtcdModel(3);
        while (model.Voters.Count < 2)
        {
            model.Step();
        }

        model.SetAlive(3, false);
        model.Settle();
        Assert.Equal(["n1"], model.Voters.Select(v => v.Name));
        model.SetAlive(3, true);
        model.Settle();
        Assert.Equal(3, model.Voters.Count);
    }

    [Fact]
    public void FewerNodesFewerMembers()
    {
        var model = new EtcdModel(5);
        model.Settle();
        foreach (var (left, voters) in ((int, int)[])[(4, 3), (3, 3), (2, 1), (1, 1)])
        {
            model.Nodes.RemoveAt(0);
            Assert.Equal(left, model.Nodes.Count);
            model.Settle();
            Assert.Equal(voters, model.Voters.Count);
            Assert.All(model.Voters, v => Assert.Contains(model.Nodes, n => n.Id == v.Name));
        }
    }

    [Fact]
    public void AnAddressThatChangedIsTold()
    {
        var model = new EtcdModel(3);
        model.Settle();
        model.Nodes[1] = model.Nodes[1] with { Address = "moved" };
        model.Settle();
        Assert.Equal("moved", model.Members.Single(m => m.Name == "n2").Peer.Host);
        Assert.Equal("moved", model.Published!.Find("n2")!.Client.Host);
        Assert.Equal(3, model.Voters.Count);
    }

    [Fact]
    public void WhatALeaderHasAddedAndNotPublishedIsTakenUpByTheNext()
    {
        var model = new EtcdModel(3);
        while (model.Step() is not EtcdMembershipAction.AddLearner)
        {
        }

        // Nobody knows of it but etcd.
        Assert.Null(model.Published!.Find("n2"));
        var publish = Assert.IsType<EtcdMembershipAction.Publish>(EtcdMembership.Next(model.Input()));
        Assert.Equal("n2", publish.Document.Members.Single(m => m.IsLearner).Node);
    }

    [Fact]
    public void AMachineThatJoinedAgainAsAnotherNodeGetsTheOldMemberOutOfItsWay()
    {
        var model = new EtcdModel(3);
        model.Settle();
        model.Nodes[1] = new ClusterNode("again", "n2", Order: 9, IsAlive: true);
        model.Fail("n2", 0);
        model.Settle();
        Assert.Equal(["again", "n1", "n3"], model.Voters.Select(v => v.Name).Order());
    }

    /// <summary>
    /// Nodes come, go, die, live again, lose data and change their minds at random, and a leader may stop after any step. The
    /// majority is never lost by a step, and when things calm down the members are the wanted ones.
    /// </summary>
    [Fact]
    public void WhateverHappensTheMajorityIsKeptAndTheTargetReached()
    {
        for (var seed = 1; seed <= 3_000; seed++)
        {
            var random = new Random(seed);
            var model = new EtcdModel(1 + random.Next(7), seed);
            for (var round = 0; round < 60; round++)
            {
                model.Disturb(random);
                for (var steps = random.Next(4); steps > 0; steps--)
                {
                    model.Step();
                }
            }

            model.CalmDown();
            model.Settle();
            var target = EtcdMembership.Target(model.Nodes.Count(n => n.WantsMember));
            Assert.True(
                model.Voters.Count == Math.Max(1, target) && model.Members.Count == model.Voters.Count
                && (target == 0 || model.Voters.All(v => model.Nodes.Any(n => n.Id == v.Name && n.WantsMember))),
                $"seed {seed}: {string.Join(' ', model.Voters.Select(v => v.Name))} of "
                + string.Join(' ', model.Nodes.Select(n => $"{n.Id}{(n.WantsMember ? "" : "-")}")));
        }
    }
}
