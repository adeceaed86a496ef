using System;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Record locks are entries of the journal and outlive leaders; inode and entry locks are good for one term of one.
/// </summary>
public sealed class TermLockTests
{
    private const long GraceMs = 20_000;

    private readonly LockUser _a = new(11, 1);
    private readonly LockUser _b = new(12, 1);

    [Fact]
    public void AMemberThatDoesNotLeadGrantsNoLock()
    {
        using var bed = LockUser.NewBed();
        var follower = bed.Members.First(m => m != bed.Leader);
        Assert.Equal(Errno.EREMOTE, LockUser.On(bed, follower, (top, call) => _a.LockAsync(top, call, 1, 0, 0)));
        Assert.Equal(Errno.EREMOTE, LockUser.On(bed, follower, async (top, call) =>
            Outcome(await top.Inodelk(new InodelkFop
            {
                Gfid = LockUser.File,
                Domain = "d",
                Type = LockType.Write,
                Flock = new Flock(LockType.Write, 0, 0, 0, 1, LkOwner.From(1)),
            }, call))));
    }

    [Fact]
    public void ALockOutlivesLeadersAndAllMembers()
    {
        using var bed = LockUser.NewBed();
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 100));
        LockUser.Transfer(bed, bed.Leader!, bed.Members.First(m => m != bed.Leader));
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 99, 1));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 100, 1));
        bed.Leader!.Crash(SimCrash.Power);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.EAGAIN, _a.Lock(bed, 100, 1));
        bed.Restart();
        foreach (var member in bed.Members)
        {
            member.Crash(SimCrash.Power);
        }

        bed.Restart();
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 50, 1, LockType.Read));
        Assert.Equal(Errno.Ok, _a.Check(bed, 0, 100));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 50, LockType.Unlock));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 50, LockType.Read));
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 50, 1, LockType.Read));
        Assert.Equal(Errno.ENOLCK, _a.Check(bed, 0, 100));
        AssertTablesAreEqual(bed);
    }

    [Fact]
    public void LocksAreInCheckpointsAndCopies()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { CheckpointMs = 300, Needy = 2 });
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 100));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 200, 10, LockType.Read));
        bed.World.RunFor(2_000);
        var last = bed.Leader!.Replica!.Last;
        Assert.All(bed.Members.Take(2), m => Assert.Equal(last, m.Replica!.Checkpoint));
        foreach (var member in bed.Members.Take(2))
        {
            member.Crash(SimCrash.Power);
        }

        foreach (var member in bed.Members.Take(2))
        {
            member.Node.Restart();
            member.Start();
        }

        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000));
        Assert.Equal(2, bed.Leader!.Replica!.Locks.Count);
        Assert.Equal(Errno.Ok, _a.Lock(bed, 300, 1));
        var copied = bed.Members[2];
        copied.Start();
        Assert.True(bed.World.RunUntil(() => copied.Replica!.Status == MemberStatus.Voter, 60_000), "no copy");
        bed.AssertAllAreEqual("after the copy");
        AssertTablesAreEqual(bed);
        Assert.Equal(3, copied.Replica!.Locks.Count);
        LockUser.Transfer(bed, bed.Leader!, copied);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 205, 1, LockType.Read));
    }

    [Fact]
    public void AnotherProcessTakesLocksAlong()
    {
        using var bed = LockUser.NewBed();
        var other = new LockUser(13, 7);
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, other.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 10));
        var wait = _b.Wait(bed, 0, 10);
        other.Move = LockMove.WriteHolders(_a.Session, [_b.Owner, _a.Owner]);
        Assert.Equal(Errno.Ok, other.Lock(bed, 0, 10));
        Assert.Equal(Errno.ENOLCK, _a.Check(bed, 0, 10));
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 10));
        Assert.False(wait.IsCompleted);
        LockUser.Transfer(bed, bed.Leader!, bed.Members.First(m => m != bed.Leader));
        Assert.Equal(Errno.Ok, other.Check(bed, 0, 10));
        Assert.Equal(Errno.ENOLCK, other.Lock(bed, 50, 1)); // Nothing of that was held.
        other.Move = [1, 2, 3];
        Assert.Equal(Errno.Ok, other.Lock(bed, 50, 1)); // That is no such value.
        AssertTablesAreEqual(bed);
    }

    [Fact]
    public void AnAdministratorClearsLocks()
    {
        using var bed = LockUser.NewBed();
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 10));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 20, 10));
        var wait = _b.Wait(bed, 0, 10);
        Assert.EndsWith("posix blocked locks=1 granted locks=0", Clear(bed, "kblocked"), StringComparison.Ordinal);
        Assert.True(bed.World.RunUntil(() => wait.IsCompleted, 1_000));
        Assert.Equal(Errno.EAGAIN, wait.Result);
        Assert.EndsWith(
            "posix blocked locks=0 granted locks=1", Clear(bed, "kgranted.0,20-10"), StringComparison.Ordinal);
        Assert.Equal(Errno.ENOLCK, _a.Check(bed, 20, 10));
        Assert.Equal(Errno.Ok, _a.Check(bed, 0, 10));
        Assert.EndsWith("posix blocked locks=0 granted locks=1", Clear(bed, "kall"), StringComparison.Ordinal);
        Assert.Equal("No locks cleared.", Clear(bed, "kall"));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 0));
        AssertTablesAreEqual(bed);
    }

    private static string Clear(StoreBed bed, string kind)
    {
        var text = string.Empty;
        Name name = "glusterfs.clrlk.tposix." + kind;
        Assert.Equal(Errno.Ok, LockUser.On(bed, bed.Leader!, async (top, call) =>
        {
            var reply = await top.Getxattr(new GetxattrFop { Gfid = LockUser.File, Name = name }, call);
            if (reply.Values is { } values && values.TryGetBytes(name.Span, out var bytes))
            {
                text = System.Text.Encoding.UTF8.GetString(bytes).TrimEnd('\0');
            }

            return Outcome(reply);
        }));
        return text;
    }

    [Fact]
    public void ARetryGetsTheFirstOutcome()
    {
        using var bed = LockUser.NewBed();
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 1)); // 1
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1)); // 1
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 1, LockType.Unlock)); // 2

        // Late ones of both, marked and not.
        foreach (var mayBeKnown in new[] { false, true })
        {
            Assert.Equal(Errno.Ok, _a.Again(bed, 1, 0, 1, LockType.Write, mayBeKnown));
            Assert.Equal(Errno.EAGAIN, _b.Again(bed, 1, 0, 1, LockType.Write, mayBeKnown));
        }

        Assert.Equal(0, bed.Leader!.Replica!.Locks.Count);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1)); // 2
        LockUser.Transfer(bed, bed.Leader!, bed.Members.First(m => m != bed.Leader));
        Assert.Equal(Errno.Ok, _a.Again(bed, 1, 0, 1, LockType.Write, mayBeKnown: true));
        Assert.Equal(Errno.Ok, _a.Again(bed, 2, 0, 1, LockType.Unlock, mayBeKnown: true));
        Assert.Equal(Errno.EAGAIN, _a.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, _b.Check(bed, 0, 1));
    }

    [Fact]
    public void ASessionThatIsAwayKeepsItsLocksForAWhileAndHearsOfTheLoss()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        var connection = new ClientIdentity("a", "1");
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Hold(bed, connection));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 1));
        bed.World.RunFor(3 * GraceMs); // It is there, and does nothing.
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Leave(bed, connection);
        bed.World.RunFor(GraceMs / 2);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, _a.Check(bed, 0, 1));
        Assert.Equal(Errno.Ok, _a.Hold(bed, connection = new ClientIdentity("a", "2"))); // Back in time.
        bed.World.RunFor(2 * GraceMs);
        Assert.Equal(Errno.Ok, _a.Check(bed, 0, 1));
        Leave(bed, connection);
        bed.World.RunFor(GraceMs + 2_000);
        Assert.Equal(Errno.ENOLCK, _a.Check(bed, 0, 1));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.EAGAIN, _a.Lock(bed, 0, 1)); // The session itself is as good as before.
        AssertTablesAreEqual(bed);
    }

    [Fact]
    public void AClientWithAShortGraceLosesItsLocksAtOnceButNotToALeaderThatHasNotHeardOfIt()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        var connection = new ClientIdentity("a", "1");
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, _a.Hold(bed, connection, graceMs: 0));
        LockUser.Transfer(bed, bed.Leader!, bed.Members.First(m => m != bed.Leader));
        bed.World.RunFor(GraceMs / 2);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, _a.Hold(bed, connection, graceMs: 0));
        Leave(bed, connection);
        bed.World.RunFor(500);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
    }

    [Fact]
    public void ASessionThatANewLeaderNeverHearsOfLosesItsLocks()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Hold(bed, null));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 1));
        LockUser.Transfer(bed, bed.Leader!, bed.Members.First(m => m != bed.Leader));
        Assert.Equal(Errno.Ok, _b.Hold(bed, null));
        bed.World.RunFor(GraceMs - 5_000);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        bed.World.RunFor(7_000);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.ENOLCK, _a.Check(bed, 0, 1));
    }

    [Fact]
    public void TheEndOfASessionGivesItsLocksToThoseWhoWait()
    {
        using var bed = LockUser.NewBed();
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 1));
        var wait = _b.Wait(bed, 0, 1);
        bed.World.RunFor(1_000);
        Assert.False(wait.IsCompleted);
        Assert.Equal(Errno.Ok, _a.End(bed));
        Assert.True(bed.World.RunUntil(() => wait.IsCompleted, 1_000));
        Assert.Equal(Errno.Ok, wait.Result);
    }

    [Fact]
    public void WhoHasAskedFirstIsFirstAlsoAtTheNextLeader()
    {
        using var bed = LockUser.NewBed();
        var users = Enumerable.Range(20, 5).Select(i => new LockUser((ulong)i, 1)).ToList();
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        users.ForEach(u => Assert.Equal(Errno.Ok, u.Begin(bed)));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 0));
        var waits = users.Select(u => u.Wait(bed, 0, 0)).ToList();
        bed.World.RunFor(100);
        LockUser.Transfer(bed, bed.Leader!, bed.Members.First(m => m != bed.Leader));
        Assert.All(waits, w => Assert.Equal(Errno.EREMOTE, w.Result));

        // They come again in another order.
        waits = [.. users.Select(_ => Task.FromResult(Errno.EIO))];
        foreach (var i in new[] { 3, 0, 4, 2, 1 })
        {
            waits[i] = users[i].Wait(bed, 0, 0, ageMs: 10_000 - (i * 100));
        }

        bed.World.RunFor(100);
        Assert.DoesNotContain(waits, w => w.IsCompleted);
        var holder = _a;
        for (var i = 0; i < users.Count; i++)
        {
            Assert.Equal(Errno.Ok, holder.Lock(bed, 0, 0, LockType.Unlock));
            Assert.True(bed.World.RunUntil(() => waits[i].IsCompleted, 1_000), $"{i}");
            Assert.DoesNotContain(waits.Skip(i + 1), w => w.IsCompleted);
            Assert.Equal(Errno.EAGAIN, _a.Lock(bed, 0, 0)); // It is kept for who has waited.
            holder = users[i];
            Assert.Equal(Errno.Ok, holder.Lock(bed, 0, 0));
        }
    }

    [Fact]
    public void AWaitThatCouldNeverEndIsRefusedAndOneThatIsGivenUpEnds()
    {
        using var bed = LockUser.NewBed();
        Assert.Equal(Errno.Ok, _a.Begin(bed));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        Assert.Equal(Errno.Ok, _a.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 1, 1));
        var wait = _a.Wait(bed, 1, 1);
        bed.World.RunFor(100);
        var dead = _b.Wait(bed, 0, 1);
        Assert.True(bed.World.RunUntil(() => dead.IsCompleted, 1_000));
        Assert.Equal(Errno.EDEADLK, dead.Result);
        Assert.Equal(Errno.Ok, _a.Lock(bed, 1, 1, LockType.Unlock));
        Assert.True(bed.World.RunUntil(() => wait.IsCompleted, 1_000));
        Assert.Equal(Errno.EINTR, wait.Result);
        Assert.Equal(Errno.Ok, _a.Flush(bed));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
    }

    [Fact]
    public void AClientBehindProxiesGoesOnAtAnotherOneAndNobodyGetsItsLockInBetween()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        var (first, second) = NewProxies(bed);
        Assert.Equal(Errno.Ok, first.Lock(bed, 0, 100));
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Leave(bed, first.Connection!); // Its proxy is dead.
        bed.World.RunFor(GraceMs / 2);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1)); // However short the grace of the proxy's own session is.
        Assert.Equal(Errno.Ok, second.Lock(bed, 0, 100));
        Assert.Equal(1, bed.Leader!.Replica!.Locks.Count);
        bed.World.RunFor(3 * GraceMs);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));

        // Late ones of the former proxy change nothing.
        first.Connection = new ClientIdentity("first", "again");
        Assert.Equal(Errno.ECANCELED, first.Lock(bed, 0, 100, LockType.Unlock));
        Assert.Equal(Errno.ECANCELED, first.Lock(bed, 200, 1));
        Assert.Equal(Errno.ECANCELED, first.Check(bed, 0, 100));
        Assert.Equal(Errno.ECANCELED, first.Flush(bed));
        Assert.Equal(Errno.Ok, first.End(bed));
        Assert.Equal(Errno.Ok, second.Check(bed, 0, 100));
        Assert.Equal(Errno.Ok, second.Flush(bed));
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
        AssertTablesAreEqual(bed);
    }

    [Fact]
    public void AProxyThatHangsStandsForNoClientThatHasLeftIt()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        var (first, second) = NewProxies(bed);
        Assert.Equal(Errno.Ok, first.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, second.Lock(bed, 0, 1)); // The connection of the first one is still there.
        Leave(bed, second.Connection!);
        bed.World.RunFor(GraceMs - 3_000);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        bed.World.RunFor(6_000);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.ENOLCK, second.Check(bed, 0, 1));
    }

    [Fact]
    public void AProxyTellsWhichClientsHaveLeftIt()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        var (first, second) = NewProxies(bed);
        Assert.Equal(Errno.Ok, first.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, first.TellBehind(bed, LockClaim.LeaveSessions));
        bed.World.RunFor(GraceMs / 2);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, second.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, first.TellBehind(bed, LockClaim.LeaveSessions)); // Late.
        bed.World.RunFor(3 * GraceMs);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, second.TellBehind(bed, LockClaim.LeaveSessions));
        bed.World.RunFor(GraceMs + 2_000);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
    }

    [Fact]
    public void ANewLeaderHearsOfClientsBehindProxiesAndKnowsWhatIsLate()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        var (first, second) = NewProxies(bed);
        Assert.Equal(Errno.Ok, first.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, second.Lock(bed, 0, 1));
        LockUser.Transfer(bed, bed.Leader!, bed.Members.First(m => m != bed.Leader));
        Assert.Equal(Errno.Ok, second.TellBehind(bed, LockClaim.HoldSession));
        bed.World.RunFor(3 * GraceMs);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1));
        Assert.Equal(Errno.Ok, first.TellBehind(bed, LockClaim.HoldSession)); // It has heard nothing yet.
        Assert.Equal(Errno.ECANCELED, first.Lock(bed, 0, 1, LockType.Unlock));
        Leave(bed, second.Connection!);
        bed.World.RunFor(GraceMs + 2_000);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1));
    }

    [Fact]
    public void AClientBehindProxiesThatWasAwayForTooLongDoesNotGetBackWhatOthersMayHaveHad()
    {
        using var bed = LockUser.NewBed(new StoreBedOptions { LockGraceMs = GraceMs });
        var (first, second) = NewProxies(bed);
        second.WasHeld = true;
        Assert.Equal(Errno.Ok, first.Lock(bed, 0, 10));
        Assert.Equal(Errno.Ok, first.Lock(bed, 0, 5, LockType.Read)); // It need not have heard of that.
        Leave(bed, first.Connection!);
        bed.World.RunFor(GraceMs / 2);
        Assert.Equal(Errno.Ok, second.Lock(bed, 0, 10));
        Leave(bed, second.Connection!);
        bed.World.RunFor(GraceMs + 2_000);
        second.Connection = new ClientIdentity("second", "2");
        Assert.Equal(Errno.ENOLCK, second.Lock(bed, 0, 10)); // Though it is free.
        second.WasHeld = false;
        Assert.Equal(Errno.Ok, second.Lock(bed, 0, 10));
    }

    [Fact]
    public void WhatAClientBehindProxiesWaitsForGoesAlongAndItsLocksStay()
    {
        using var bed = LockUser.NewBed();
        var (first, second) = NewProxies(bed);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1, LockType.Read));
        Assert.Equal(Errno.Ok, first.Lock(bed, 0, 1, LockType.Read));
        var wait = first.Wait(bed, 0, 1);
        bed.World.RunFor(100);
        Assert.Equal(Errno.Ok, first.TakeBack(bed, 0, 1));
        Assert.True(bed.World.RunUntil(() => wait.IsCompleted, 1_000));
        Assert.Equal(Errno.EINTR, wait.Result);
        Assert.Equal(Errno.EAGAIN, _b.Lock(bed, 0, 1)); // It still reads there.
        wait = first.Wait(bed, 0, 1);
        bed.World.RunFor(100);
        var other = second.Wait(bed, 0, 1);
        Assert.True(bed.World.RunUntil(() => wait.IsCompleted, 1_000));
        Assert.Equal(Errno.ECANCELED, wait.Result);
        Assert.False(other.IsCompleted);
        Assert.Equal(Errno.Ok, _b.Lock(bed, 0, 1, LockType.Unlock));
        Assert.True(bed.World.RunUntil(() => other.IsCompleted, 1_000));
        Assert.Equal(Errno.Ok, other.Result);
        Assert.Equal(Errno.Ok, second.Lock(bed, 0, 1));
    }

    [Fact]
    public void WhoSendsNoSessionGetsNoLock()
    {
        using var bed = LockUser.NewBed();
        Assert.Equal(Errno.ENOLCK, LockUser.On(bed, bed.Leader!, async (top, call) => Outcome(await top.Lk(
            _a.LkOf(0, 1, LockType.Write, null), call))));
    }

    [Fact]
    public void AFileThatWasOpenedInAnEarlierTermIsOpenedAgain()
    {
        using var bed = LockUser.NewBed();
        var first = bed.Leader!;
        var fd = new Fd(LockUser.File, OpenFlags.ReadWrite, isDirectory: false, slotCount: 8);
        Assert.Equal(Errno.Ok, LockUser.On(bed, first, async (top, call) => Outcome(await top.Open(
            new OpenFop { Gfid = LockUser.File, Flags = OpenFlags.ReadWrite, Fd = fd }, call))));
        LockUser.Transfer(bed, first, bed.Members.First(m => m != first));
        LockUser.Transfer(bed, bed.Leader!, first);
        Assert.Equal(Errno.EBADFD, LockUser.On(bed, first, async (top, call) =>
            Outcome(await top.Read(new ReadFop { Gfid = LockUser.File, Fd = fd, Size = 10 }, call))));
    }

    /// <summary>Two proxies that speak for one client, which has gone from the first to the second.</summary>
    private (LockUser First, LockUser Second) NewProxies(StoreBed bed)
    {
        var first = new LockUser(31, 1)
        {
            Behind = new LockSession(77, 1, LkOwner.From(9)),
            Connection = new ClientIdentity("first", "1"),
        };
        var second = new LockUser(32, 5)
        {
            Behind = new LockSession(77, 2, LkOwner.From(9)),
            Connection = new ClientIdentity("second", "1"),
        };
        Assert.Equal(Errno.Ok, first.Begin(bed));
        Assert.Equal(Errno.Ok, second.Begin(bed));
        Assert.Equal(Errno.Ok, first.Hold(bed, first.Connection, graceMs: 0));
        Assert.Equal(Errno.Ok, second.Hold(bed, second.Connection, graceMs: 0));
        Assert.Equal(Errno.Ok, _b.Begin(bed));
        return (first, second);
    }

    private static void Leave(StoreBed bed, ClientIdentity connection)
    {
        connection.IsGone = true;
        bed.Leader!.Top!.ClientGone(connection);
    }

    private static void AssertTablesAreEqual(StoreBed bed)
    {
        bed.AssertAllAreEqual("stores");
        var tables = bed.Members.Select(m =>
        {
            var held = new System.Collections.Generic.List<RangeLock>();
            m.Replica!.Locks.List(LockUser.File, held);
            return string.Join("; ", held.Select(h => $"{h}").Order(StringComparer.Ordinal));
        }).ToList();
        Assert.All(tables, t => Assert.Equal(tables[0], t));
    }
}
