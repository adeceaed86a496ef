using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>Record locks that the set keeps for the client's session.</summary>
public sealed class LockTests
{
    [Fact]
    public void LocksAreLookedAtBeforeAnythingElseAndNotTakenAgain()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        Assert.Equal(Errno.Ok, bed.Lock(fd, 2, 20));
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 30));
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 30, LockType.Unlock));
        bed.Lead(1);
        Assert.Equal(Errno.Ok, bed.Read(fd));
        Assert.Equal(
            [FopCode.Open, FopCode.Lk, FopCode.Lk, FopCode.Read],
            bed.Members[1].Calls.Where(c => c.Code is not (FopCode.Stat or FopCode.Rchecksum)).Select(c => c.Code));
        Assert.Equal(new HashSet<long> { 10, 20 }, bed.Set.Locks.Select(l => l.Start).ToHashSet());
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Flush(new FlushFop { Fd = fd }, call), ClientBed.CallOf(1)));
        Assert.Equal([20L], bed.Set.Locks.Select(l => l.Start));
        bed.Lead(2);
        Assert.Equal(Errno.Ok, bed.Read(fd));
        Assert.Equal(1, bed.Members[2].CallsOf(FopCode.Lk));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALockThatIsLostMakesItsFdBadWhetherItIsFreeOrNot(bool isTaken)
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        var other = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.Run(bed.Members[0].Break);
        bed.Set.Locks.Clear();
        if (isTaken)
        {
            bed.Set.Locks.Add(new ModelLock(9, LkOwner.From(99), 10));
        }

        bed.Run(bed.Members[0].Connect);
        Assert.Equal(Errno.EBADFD, bed.Read(fd));
        Assert.Equal(Errno.EBADFD, bed.Read(fd));
        Assert.Equal(Errno.Ok, bed.Read(other));
        Assert.Equal(isTaken ? 1 : 0, bed.Set.Locks.Count);
        Assert.Equal(isTaken ? Errno.EAGAIN : Errno.Ok, bed.Lock(other, 1, 10));
    }

    [Fact]
    public void ASessionThatIsUnknownHasLostItsLocks()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        var other = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.Set.EvictAll();
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(Errno.EBADFD, bed.Read(fd));
        Assert.Equal(Errno.Ok, bed.Read(other));
    }

    [Fact]
    public void ALockThatIsWaitedForHoldsNoNumberAndGoesOnAtTheNextLeader()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        var wait = Wait(bed, fd, 2);
        bed.World.RunFor(1_000);
        Assert.False(wait.IsCompleted);
        for (var i = 0; i < 3_000; i++)
        {
            Assert.Equal(Errno.Ok, bed.Count()); // More than may be under way.
        }

        bed.Lead(1);
        bed.Run(() => bed.Client.Stat(new StatFop(), new Call()));
        bed.World.RunFor(1_000);
        Assert.False(wait.IsCompleted);
        var (first, second) = (Assert.Single(bed.Members[0].Claims), Assert.Single(bed.Members[1].Claims));
        Assert.Equal((first.Session, first.Wait), (second.Session, second.Wait));
        Assert.InRange(second.AgeMs, 1_000, (bed.World.NowNs / 1_000_000) - 500);
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10, LockType.Unlock));
        Assert.Equal(Errno.Ok, bed.End(wait));
        Assert.Equal(LkOwner.From(2), Assert.Single(bed.Set.Locks).Owner);
    }

    [Fact]
    public void AnUnlockOfTheRangeEndsAWait()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        foreach (var pauseMs in new[] { 0, 1, 3, 50 })
        {
            var wait = Wait(bed, fd, 2);
            bed.World.RunFor(pauseMs);
            Assert.Equal(Errno.Ok, bed.Lock(fd, 2, 10, LockType.Unlock));
            Assert.Equal(Errno.EINTR, bed.End(wait));
        }

        Assert.Equal(LkOwner.From(1), Assert.Single(bed.Set.Locks).Owner);
    }

    [Fact]
    public void TheSessionSaysWhereItIs()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.World.RunFor(100);
        var session = Assert.Single(bed.Members[0].Holding);
        Assert.Equal(session, Assert.Single(bed.Set.Locks).Session);
        bed.Lead(1); // Nobody tells the client, which does nothing.
        bed.World.RunFor(15_000);
        Assert.Contains(session, bed.Members[1].Holding);
        bed.Run(bed.Members[1].Break);
        bed.Lead(2);
        bed.World.RunFor(1_000);
        Assert.Contains(session, bed.Members[2].Holding);
        Assert.Equal(Errno.Ok, bed.Read(fd));
    }

    [Fact]
    public void WhatIsClosedIsGivenUpHoweverLongItTakes()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.Lead(-1);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Fd = fd }, call)));
        bed.World.RunFor(100_000);
        Assert.Single(bed.Set.Locks);
        bed.Lead(2);
        bed.World.RunFor(2_000);
        Assert.Empty(bed.Set.Locks);
    }

    [Fact]
    public void ALockWhoseOutcomeIsUnknownGoesWithTheFlushOfItsOwner()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Count());
        bed.Members[0].Loses = code => code == FopCode.Lk;
        Assert.Equal(Errno.ENOTCONN, bed.Lock(fd, 1, 10));
        Assert.Single(bed.Set.Locks);
        bed.Members[0].Loses = null;
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Flush(new FlushFop { Fd = fd }, call), ClientBed.CallOf(1)));
        Assert.Empty(bed.Set.Locks);
    }

    [Fact]
    public void AClientOfADoorThatLeavesWaitsForNothingMore()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        var client = new ClientIdentity("a", "1");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        var call = ClientBed.CallOf(2);
        call.Client = client;
        var wait = Wait(bed, fd, 2, call);
        bed.World.RunFor(100);
        bed.Run(() => bed.Client.ClientGone(client));
        Assert.Equal(Errno.EINTR, bed.End(wait));
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10, LockType.Unlock));
        bed.World.RunFor(100);
        Assert.Empty(bed.Set.Locks);
    }

    private static Task<Errno> Wait(ClientBed bed, Fd fd, ulong owner, Call? call = null) => bed.Begin(
        (c, k) => c.Lk(ClientBed.LockOf(fd, 10, LockType.Write) with { Command = LockCommand.SetLockWait }, k),
        call ?? ClientBed.CallOf(owner));
}
