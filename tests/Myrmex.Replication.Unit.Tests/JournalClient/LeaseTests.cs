using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>Leases that a proxy asks a replica set for, in the names of the clients behind it.</summary>
public sealed class LeaseTests
{
    private static readonly Gfid Id = new(0xA, 0xA);
    private static readonly ClientIdentity One = new("one", "1");
    private static readonly ClientIdentity Two = new("two", "2");

    [Fact]
    public void TheSameIdOfTwoClientsIsTwoLeases()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Lease(bed, One, Name(50, 1), LeaseCommand.Set));
        Assert.Equal(Errno.Ok, Lease(bed, Two, Name(51, 1), LeaseCommand.Set));
        Assert.Equal(2, bed.Set.Locks.Count);
        Tell(bed, holder: 51);
        Assert.Same(Two, Assert.Single(Recalls(bed)).Only);
        Assert.Equal(Errno.Ok, Lease(bed, Two, Name(51, 1), LeaseCommand.Unlock));
        Assert.Equal((UInt128)50, Assert.Single(bed.Set.Locks).Session);
        Tell(bed, holder: 51);
        Assert.Single(Recalls(bed)); // It has none any more.
    }

    /// <summary>Who has no name is of our session, which has one for the server.</summary>
    [Fact]
    public void ARecallOfOurOwnSessionIsForOurOwn()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Lease(bed, One, default, LeaseCommand.Set));
        Tell(bed, bed.Set.Locks.Single().Session);
        Assert.Same(One, Assert.Single(Recalls(bed)).Only);
    }

    [Theory]
    [InlineData(3u, 1)]
    [InlineData(0u, 0)]
    public void AClientThatLeavesKeepsItsLeaseWhenItMayReturn(uint epoch, int held)
    {
        var bed = new ClientBed();
        var client = new ClientIdentity("leaves", "3");
        Assert.Equal(Errno.Ok, Lease(bed, client, Name(50, epoch), LeaseCommand.Set));
        client.IsGone = true;
        bed.Run(() => bed.Client.ClientGone(client));
        bed.World.RunFor(5_000);
        Assert.Equal(held, bed.Set.Locks.Count);
        Assert.Equal(held > 0, bed.Members[0].Behind.Contains((LockClaim.LeaveSessions, Name(50, epoch))));
    }

    /// <summary>The next leader hears who is here, and is asked whether the leases are held; who has lost one is told.</summary>
    [Fact]
    public void AtTheNextLeaderTheLeasesAreLookedAt()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Lease(bed, One, Name(50, 2), LeaseCommand.Set));
        Assert.Equal(Errno.Ok, Lease(bed, Two, Name(51, 1), LeaseCommand.Set));
        bed.Set.Locks.RemoveAll(l => l.Session == 51);
        bed.Lead(1);
        Assert.Equal(Errno.Ok, bed.Count());
        bed.World.RunFor(1_000);
        Assert.Contains((LockClaim.HoldSession, Name(50, 2)), bed.Members[1].Behind);
        Assert.Contains((LockClaim.HoldSession, Name(51, 1)), bed.Members[1].Behind);
        Assert.Same(Two, Assert.Single(Recalls(bed)).Only);
    }

    /// <summary>The first grant has what is held looked at: what is only asked for is not lost by that.</summary>
    [Fact]
    public void TwoFirstLeasesSideBySideAreBothKnown()
    {
        for (var seed = 1UL; seed <= 40; seed++)
        {
            var bed = new ClientBed(seed) { DelayMsMax = 8 };
            var first = bed.Begin((c, call) => c.Lease(FopOf(bed, Name(50, 1)), call), new Call { Client = One });
            var second = bed.Begin((c, call) => c.Lease(FopOf(bed, Name(51, 1)), call), new Call { Client = Two });
            Assert.Equal((Errno.Ok, Errno.Ok), (bed.End(first), bed.End(second)));
            bed.World.RunFor(2_000);
            Tell(bed, holder: 50);
            Tell(bed, holder: 51);
            Assert.Equal([One, Two], Recalls(bed).ConvertAll(e => e.Only!));
        }
    }

    private static LeaseFop FopOf(ClientBed bed, LockSession name) => new()
    {
        Gfid = bed.File,
        Lease = new Lease(LeaseCommand.Set, LeaseType.Read, Id, 0),
        XData = name.RentXData(),
    };

    [Fact]
    public void WhoHasGoneOnToAnotherProxyIsNotTold()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Lease(bed, One, Name(50, 2), LeaseCommand.Set));
        bed.Set.Epochs[50] = 3;
        bed.Lead(1);
        Assert.Equal(Errno.Ok, bed.Count());
        bed.World.RunFor(1_000);
        Assert.Empty(Recalls(bed));
        Assert.Single(bed.Set.Locks);
        Assert.Equal(Errno.ECANCELED, Lease(bed, One, Name(50, 2), LeaseCommand.Set));
        bed.World.RunFor(5_000);
        Assert.Single(bed.Set.Locks); // And nothing is given up for it.
    }

    [Fact]
    public void WhatIsAskedForAgainIsNotGrantedAnew()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.ENOLCK, Lease(bed, One, Name(50, 2), LeaseCommand.Set, (LockSession.HeldKey.ToArray(), 1)));
        Assert.Empty(bed.Set.Locks);
        Assert.Contains("leases=0", bed.Dump(), StringComparison.Ordinal);
    }

    /// <summary>What only asks may be asked again.</summary>
    [Fact]
    public void WhoAsksWhatIsHeldHearsItFromTheNextLeader()
    {
        var bed = new ClientBed();
        bed.Members[0].Instead = code => code == FopCode.Lease ? Errno.ENOTCONN : null;
        bed.Node.Seams.Scheduler.Schedule(20, () => bed.Lead(1));
        Assert.Equal(Errno.Ok, Lease(bed, One, default, LeaseCommand.Get));
        Assert.Equal(1, bed.Members[1].CallsOf(FopCode.Lease));
    }

    /// <summary>Our session is forgotten; what clients behind us have is in sessions of their own.</summary>
    [Fact]
    public void WithOurSessionOnlyOurOwnLeasesAreLost()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Lease(bed, One, Name(50, 2), LeaseCommand.Set));
        Assert.Equal(Errno.Ok, Lease(bed, Two, default, LeaseCommand.Set));
        bed.Set.ForgetSessions();
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Same(Two, Assert.Single(Recalls(bed)).Only);
        Assert.Equal((UInt128)50, Assert.Single(bed.Set.Locks).Session);
    }

    /// <summary>A proxy says that a file is closed for good; that a client has left, it says otherwise.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(LockSession.LeftForGood, 0)]
    public void WhatIsLeftForGoodIsGivenUp(int how, int held)
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Lease(bed, One, Name(50, 2), LeaseCommand.Set));
        Assert.Equal(Errno.Ok, Lease(bed, One, Name(50, 2), LeaseCommand.Unlock, (LockSession.LeftKey.ToArray(), how)));
        bed.World.RunFor(1_000);
        Assert.Equal(held, bed.Set.Locks.Count);
    }

    private static LockSession Name(ulong id, uint epoch) => new(id, epoch, default);

    private static void Tell(ClientBed bed, UInt128 holder) => bed.Run(() => bed.Members[0].Tell(
        new GraphEvent(GraphEventKind.RecallLease, bed.File, LeaseType.None) { LeaseId = Id, Holder = holder }));

    private static List<GraphEvent> Recalls(ClientBed bed) =>
        bed.Events.FindAll(e => e.Kind == GraphEventKind.RecallLease);

    private static Errno Lease(
        ClientBed bed, ClientIdentity client, LockSession name, uint command, (byte[] Key, int Value)? says = null)
    {
        var xdata = name.RentXData() ?? XData.Rent();
        if (says is { } said)
        {
            xdata.SetInt(said.Key, said.Value);
        }

        return bed.Do(
            (c, call) => c.Lease(
                new LeaseFop { Gfid = bed.File, Lease = new Lease(command, LeaseType.Read, Id, 0), XData = xdata }, call),
            new Call { Client = client });
    }
}
