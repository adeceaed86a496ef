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
    public void AWriteLockThatBecameAReadLockUnheardIsNotLost()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.Members[0].Loses = code =>
        {
            if (code != FopCode.Lk)
            {
                return false;
            }

            bed.Members[0].Loses = null;
            bed.Lead(1);
            bed.Members[0].Break();
            return true;
        };
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10, LockType.Read));
        Assert.Single(bed.Set.Weak);
        Assert.Equal(Errno.Ok, bed.Read(fd));
        bed.Lead(2);
        Assert.Equal(Errno.Ok, bed.Read(fd));
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

    [Fact]
    public void AClientBehindKeepsItsLocksWhenItHasLeftAndTheSessionIsForgotten()
    {
        var bed = new ClientBed();
        var (fd, own) = (bed.Open(), bed.Open());
        var (session, xdata) = Behind(50, epoch: 3);
        var other = Behind(51, epoch: 1);
        Assert.Equal(Errno.Ok, Lock(bed, fd, 10, xdata));
        Assert.Equal(Errno.Ok, Lock(bed, fd, 20, other.XData));
        Assert.Equal(Errno.Ok, bed.Lock(own, 1, 30));
        Assert.Contains(new ModelLock(50, LkOwner.From(9), 10), bed.Set.Locks); // It is the client's own.
        bed.Lead(1);
        Assert.Equal(Errno.Ok, bed.Read(fd)); // Looked at in its name.
        bed.World.RunFor(1_000);
        Assert.Contains((LockClaim.HoldSession, session with { Owner = default }), bed.Members[1].Behind);
        Assert.Contains((LockClaim.HoldSession, other.Session with { Owner = default }), bed.Members[1].Behind);

        // The members do not know the proxy's own session any more: only its own locks are gone.
        bed.Set.ForgetSessions();
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(Errno.EBADFD, bed.Read(own));
        Assert.Equal(Errno.Ok, bed.Read(fd));
        var left = XData.Rent();
        left.SetInt(LockSession.LeftKey, 1);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Fd = fd, XData = left }, call)));
        bed.World.RunFor(1_000);
        Assert.Equal([10L, 20L], bed.Set.Locks.Where(l => l.Session < 100).Select(l => l.Start).Order());
        Assert.Contains((LockClaim.LeaveSessions, session with { Owner = default }), bed.Members[1].Behind);
    }

    [Fact]
    public void AClientBehindThatClosesItsFileGivesItsLocksUp()
    {
        var bed = new ClientBed();
        var (fd, second) = (bed.Open(), bed.Open());
        var (_, xdata) = Behind(50, epoch: 3);
        Assert.Equal(Errno.Ok, Lock(bed, fd, 10, xdata));
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Fd = fd }, call)));
        bed.World.RunFor(1_000);
        Assert.Empty(bed.Set.Locks);

        // A flush ends also what was taken through another proxy.
        bed.Set.Locks.Add(new ModelLock(50, LkOwner.From(9), 20));
        Assert.Equal(
            Errno.Ok,
            bed.Do((c, call) => c.Flush(new FlushFop { Fd = second, XData = xdata }, call), ClientBed.CallOf(1)));
        Assert.Empty(bed.Set.Locks);
    }

    [Fact]
    public void WhatAClientBehindHasTakenElsewhereIsNotTouched()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        var (_, xdata) = Behind(50, epoch: 3);
        Assert.Equal(Errno.Ok, Lock(bed, fd, 10, xdata));
        bed.Set.Epochs[50] = 4; // It has gone on to another proxy, and its lock with it.
        Assert.Equal(Errno.ECANCELED, Lock(bed, fd, 10, xdata, LockType.Unlock));
        Assert.Equal(Errno.ECANCELED, Lock(bed, fd, 30, xdata));
        Assert.Equal(Errno.ECANCELED, bed.Do(
            (c, call) => c.Flush(new FlushFop { Fd = fd, XData = xdata }, call), ClientBed.CallOf(1)));
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Fd = fd }, call)));
        bed.World.RunFor(5_000);
        Assert.Equal(10, Assert.Single(bed.Set.Locks).Start);
    }

    [Fact]
    public void AClientBehindThatLeavesWaitsForNothingMoreAndKeepsWhatItHas()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        var (_, xdata) = Behind(50, epoch: 3);
        var client = new ClientIdentity("a", "1");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        foreach (var isTold in new[] { true, false })
        {
            var wait = bed.Begin(
                (c, k) => c.Lk(
                    ClientBed.LockOf(fd, 10, LockType.Write) with { Command = LockCommand.SetLockWait, XData = xdata },
                    k),
                new Call { LockOwner = ClientOwner.Of(client, LkOwner.From(9)), Pid = 5 });
            bed.World.RunFor(100);
            Assert.False(wait.IsCompleted);
            var locks = bed.Set.Locks.Count;
            if (isTold)
            {
                bed.Run(() => bed.Client.ClientGone(client));
            }
            else
            {
                var left = xdata.Clone();
                left.SetInt(LockSession.LeftKey, 1);
                var call = new Call { LockOwner = ClientOwner.Of(client, LkOwner.From(9)), Pid = 5 };
                Assert.Equal(Errno.Ok, bed.Do(
                    (c, k) => c.Lk(ClientBed.LockOf(fd, 10, LockType.Unlock) with { XData = left }, k), call));
            }

            Assert.Equal(Errno.EINTR, bed.End(wait));
            Assert.Equal(locks, bed.Set.Locks.Count);
        }
    }

    private static (LockSession Session, XData XData) Behind(ulong id, uint epoch)
    {
        var session = new LockSession(id, epoch, LkOwner.From(9));
        return (session, session.RentXData()!);
    }

    private static Errno Lock(ClientBed bed, Fd fd, long start, XData xdata, LockType type = LockType.Write) => bed.Do(
        (c, call) => c.Lk(ClientBed.LockOf(fd, start, type) with { XData = xdata }, call), ClientBed.CallOf(1));

    private static Task<Errno> Wait(ClientBed bed, Fd fd, ulong owner, Call? call = null) => bed.Begin(
        (c, k) => c.Lk(ClientBed.LockOf(fd, 10, LockType.Write) with { Command = LockCommand.SetLockWait }, k),
        call ?? ClientBed.CallOf(owner));
}
