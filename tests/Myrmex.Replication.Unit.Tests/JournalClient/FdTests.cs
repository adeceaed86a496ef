using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>Fds, their locks and listings go with the leader.</summary>
public sealed class FdTests
{
    [Fact]
    public void AnFdIsOpenedAtANewLeaderOnceForAll()
    {
        var bed = new ClientBed();
        var fd = bed.Open(OpenFlags.ReadWrite | OpenFlags.Truncate | OpenFlags.Append);
        bed.Lead(1);
        var all = Enumerable.Range(0, 50)
            .Select(_ => bed.Begin((c, call) => c.Read(new ReadFop { Fd = fd, Size = 1 }, call))).ToList();
        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t)));
        var opened = Assert.Single(bed.Members[1].Calls, c => c.Code == FopCode.Open);
        Assert.Equal(OpenFlags.ReadWrite | OpenFlags.Append, opened.Flags);
        Assert.Equal(50, bed.Members[1].CallsOf(FopCode.Read));
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Fd = fd }, call)));
        Assert.All(bed.Members, m => Assert.Equal(0, m.OpenCount));
        Assert.Equal(1, bed.Members[0].CallsOf(FopCode.Release));
        Assert.Equal(1, bed.Members[1].CallsOf(FopCode.Release));
        Assert.Equal(0, bed.Members[2].CallsOf(FopCode.Release));
    }

    /// <summary>Who leads has to know what is open before somebody takes the last name away.</summary>
    [Theory]
    [InlineData(false, 11_000)]
    [InlineData(true, 1_000)]
    public void AnFdThatNobodyUsesIsOpenedAtANewLeaderToo(bool breaks, long limitMs)
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        var directory = bed.Opendir();
        bed.Lead(1);
        if (breaks)
        {
            bed.Run(() => bed.Members[0].Break());
        }

        Assert.True(bed.World.RunUntil(() => bed.Members[1].OpenCount == 1, limitMs), bed.Dump());
        bed.World.RunFor(1_000);
        Assert.Equal(1, bed.Members[1].CallsOf(FopCode.Open));
        Assert.Equal(0, bed.Members[1].CallsOf(FopCode.Opendir)); // There is nothing to keep.
        Assert.Equal(Errno.Ok, bed.Read(fd));
        Assert.Equal(1, bed.Members[1].CallsOf(FopCode.Open));
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Fd = fd }, call)));
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Releasedir(new ReleasedirFop { Fd = directory }, call)));
        var asked = bed.Members.Sum(m => m.CallsOf(FopCode.Stat));
        bed.World.RunFor(60_000);
        Assert.InRange(bed.Members.Sum(m => m.CallsOf(FopCode.Stat)), asked, asked + 1);
    }

    /// <summary>A client behind a proxy or a door may come back for what it had open.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheMemberHearsThatAClientHasGoneWithoutAWord(bool isGone)
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        var call = new Call { Client = new ClientIdentity("c", "here") { IsGone = isGone } };
        Assert.Equal(Errno.Ok, bed.Do((c, at) => c.Release(new ReleaseFop { Fd = fd }, at), call));
        Assert.Equal((0, isGone ? 1 : 0), (bed.Members[0].OpenCount, bed.Members[0].Left));
    }

    [Theory]
    [InlineData(Errno.ENOENT)]
    [InlineData(Errno.ESTALE)]
    public void AFileThatIsGoneMakesTheFdBad(Errno error)
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        bed.Lead(1);
        bed.Members[1].Instead = c => c == FopCode.Open ? error : null;
        Assert.Equal(Errno.EBADFD, bed.Read(fd));
        bed.Members[1].Instead = null;
        Assert.Equal(Errno.EBADFD, bed.Read(fd));
        bed.Lead(0);
        Assert.Equal(Errno.EBADFD, bed.Read(fd));
        Assert.Equal(1, bed.Members[1].CallsOf(FopCode.Open));
    }

    [Fact]
    public void AnErrorThatPassesDoesNot()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        bed.Lead(1);
        var tries = 3;
        bed.Members[1].Instead = c => c == FopCode.Open && tries-- > 0 ? Errno.EMFILE : null;
        Assert.Equal(Errno.Ok, bed.Read(fd));
        Assert.Equal(4, bed.Members[1].CallsOf(FopCode.Open));
    }

    [Fact]
    public void AnFdThatTheMemberHasLostIsOpenedAgain()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.Members[0].ForgetFds();
        bed.Members[0].LostLead();
        Assert.Equal(Errno.Ok, bed.Read(fd));
        Assert.Equal(
            [FopCode.Read, FopCode.Release, FopCode.Open, FopCode.Lk, FopCode.Read],
            bed.Members[0].Calls.TakeLast(5).Select(c => c.Code));
        Assert.Single(bed.Members[0].Locks);
    }

    [Fact]
    public void AnFdThatIsClosedWhileItIsOpenedIsClosedThereToo()
    {
        var bed = new ClientBed { DelayMsMax = 0 };
        var fd = bed.Open();
        bed.Lead(1);
        var read = bed.Begin((c, call) => c.Read(new ReadFop { Fd = fd, Size = 1 }, call));
        Assert.True(bed.World.RunUntil(() => bed.Members[1].CallsOf(FopCode.Open) > 0, 1_000));
        Assert.Equal(0, bed.Members[1].OpenCount);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Fd = fd }, call)));
        Assert.Equal(Errno.EBADFD, bed.End(read));
        Assert.Equal(1, bed.Members[1].CallsOf(FopCode.Release));
        Assert.All(bed.Members, m => Assert.Equal(0, m.OpenCount));
    }

    [Fact]
    public void AnFdOnItsWayToAMemberThatIsLostGoesOnToTheNext()
    {
        var bed = new ClientBed();
        var fd = bed.Open();
        bed.Lead(1);
        bed.Members[1].Instead = c =>
        {
            bed.Members[1].Hangs |= c == FopCode.Open;
            return c == FopCode.Open ? Errno.EAGAIN : null;
        };
        var read = bed.Begin((c, call) => c.Read(new ReadFop { Fd = fd, Size = 1 }, call));
        bed.World.RunFor(1_000);
        Assert.True(bed.Members[1].Hangs);
        bed.Lead(2);
        bed.Run(bed.Members[1].Break);
        Assert.Equal(Errno.Ok, bed.End(read, 5_000));
        Assert.Equal(1, bed.Members[2].CallsOf(FopCode.Open));
    }

    [Fact]
    public void ALostInternalLockIsHeardOfAndGivenUp()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Inodelk(bed, 1, LockType.Write));
        Assert.Equal(Errno.Ok, Inodelk(bed, 2, LockType.Write));
        bed.Lead(1);
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(Errno.ENOTCONN, Inodelk(bed, 1, LockType.Write));
        Assert.Equal(Errno.Ok, Inodelk(bed, 3, LockType.Write));
        Assert.Equal(Errno.Ok, Inodelk(bed, 1, LockType.Unlock));
        Assert.Equal(Errno.Ok, Inodelk(bed, 2, LockType.Unlock));
        Assert.Equal(1, bed.Members[1].InternalLockCount);
        Assert.Equal(Errno.Ok, Inodelk(bed, 1, LockType.Write));
        Assert.Equal(Errno.Ok, Inodelk(bed, 1, LockType.Unlock));
        Assert.Equal(Errno.Ok, Inodelk(bed, 3, LockType.Unlock));
        Assert.Equal(0, bed.Members[1].InternalLockCount);
    }

    [Fact]
    public void AnUnlockThatMeetsTheEndOfTheLeadIsDone()
    {
        var bed = new ClientBed();
        Assert.Equal(Errno.Ok, Inodelk(bed, 1, LockType.Write));
        bed.Lead(1); // Not noticed yet.
        Assert.Equal(Errno.Ok, Inodelk(bed, 1, LockType.Unlock));
        Assert.Equal(0, bed.Members[1].CallsOf(FopCode.Inodelk));
    }

    [Fact]
    public void TheClientsOfADoorAreTold()
    {
        var bed = new ClientBed();
        var a = new ClientIdentity("a", "1");
        var b = new ClientIdentity("b", "2");
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, Lock(a));
        Assert.Equal(Errno.Ok, Lock(a));
        Assert.Equal(Errno.EAGAIN, Lock(b));
        var call = ClientBed.CallOf(1);
        call.Client = a;
        Assert.Equal(Errno.Ok, bed.Do((c, k) => c.Inodelk(InodelkOf(bed, LockType.Write), k), call));
        Assert.Equal(1, bed.Members[0].InternalLockCount);
        bed.Run(() => bed.Client.ClientGone(b));
        bed.World.RunFor(100);
        Assert.Equal(1, bed.Members[0].InternalLockCount);
        bed.Run(() => bed.Client.ClientGone(a));
        bed.World.RunFor(100);
        Assert.Equal(0, bed.Members[0].InternalLockCount);

        Errno Lock(ClientIdentity client)
        {
            var own = ClientBed.CallOf(1);
            own.Client = client;
            return bed.Do((c, k) => c.Lk(ClientBed.LockOf(fd, 10, LockType.Write), k), own);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(7, 2)]
    [InlineData(50, 1)]
    [InlineData(7, 1000)]
    public void AListingGoesOnAtAnotherMember(int chunk, int moveEvery)
    {
        var bed = new ClientBed();
        Fill(bed, 100);
        var fd = bed.Opendir();
        var all = new List<string>();
        var offset = 0L;
        for (var i = 1; ; i++)
        {
            var (names, last) = List(bed, fd, offset, chunk);
            if (names.Count == 0)
            {
                break;
            }

            Assert.True(names.Count <= chunk);
            all.AddRange(names);
            offset = last;
            if (i % moveEvery == 0)
            {
                bed.Lead(i / moveEvery % ClientBed.MemberCount);
            }
        }

        Assert.Equal(bed.Directory.Order(StringComparer.Ordinal), all.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AListingGoesBackToWhereItWas()
    {
        var bed = new ClientBed();
        Fill(bed, 60);
        var fd = bed.Opendir();
        var (first, middle) = List(bed, fd, 0, 20);
        var (second, end) = List(bed, fd, middle, 20);
        Assert.Equal(second, List(bed, fd, middle, 20).Names);
        bed.Lead(1);
        var third = List(bed, fd, end, 100).Names;
        Assert.Equal(60, first.Concat(second).Concat(third).Distinct().Count());
        Assert.Equal(20, third.Count);
        var again = List(bed, fd, middle, 100).Names; // Whatever the order here is, what came before stays away.
        Assert.Equal(40, again.Count);
        Assert.Empty(again.Intersect(first));
        Assert.Equal(60, List(bed, fd, 0, 100).Names.Count);
        var bad = new ReaddirFop { Fd = fd, Offset = -1, Size = 10 };
        Assert.Equal(Errno.EINVAL, bed.Do((c, call) => c.Readdir(bad, call)));
    }

    [Fact]
    public void AnOffsetOfAnotherFdCountsEntries()
    {
        var bed = new ClientBed();
        Fill(bed, 60);
        var (first, offset) = List(bed, bed.Opendir(), 0, 25);
        var (second, _) = List(bed, bed.Opendir(), offset, 100);
        Assert.Equal(60, first.Concat(second).Distinct().Count());
    }

    [Fact]
    public void EntriesThatComeAndGoDoNotDisturbTheOthers()
    {
        var bed = new ClientBed();
        Fill(bed, 60);
        var fd = bed.Opendir();
        var (first, offset) = List(bed, fd, 0, 20);
        bed.Directory.RemoveAll(first.Take(10).Contains);
        bed.Directory.Add("new");
        bed.Lead(2);
        var second = List(bed, fd, offset, 100).Names;
        Assert.Equal(41, second.Count);
        Assert.Equal(61, first.Concat(second).Distinct().Count());
    }

    private static void Fill(ClientBed bed, int count) =>
        bed.Directory.AddRange(Enumerable.Range(0, count).Select(i => $"name-{i}"));

    private static (List<string> Names, long Last) List(ClientBed bed, Fd fd, long offset, int count)
    {
        var names = new List<string>();
        var last = offset;
        bed.End(bed.Begin(async () =>
        {
            var ask = new ReaddirFop { Fd = fd, Offset = offset, Size = (uint)count };
            var reply = await bed.Client.Readdir(ask, new Call());
            Assert.Equal(Errno.Ok, reply.Error);
            Assert.Equal(reply.Entries.Count, reply.OpRet);
            for (var i = 0; i < reply.Entries.Count; i++)
            {
                names.Add(reply.Entries.NameOf(i).ToString());
                last = (long)reply.Entries[i].Offset;
            }

            reply.Release();
            return true;
        }));
        return (names, last);
    }

    private static Errno Inodelk(ClientBed bed, ulong owner, LockType type) =>
        bed.Do((c, call) => c.Inodelk(InodelkOf(bed, type), call), ClientBed.CallOf(owner));

    private static InodelkFop InodelkOf(ClientBed bed, LockType type) => new()
    {
        Gfid = bed.File,
        Domain = "dht",
        Command = LockCommand.SetLockWait,
        Type = type,
    };
}
