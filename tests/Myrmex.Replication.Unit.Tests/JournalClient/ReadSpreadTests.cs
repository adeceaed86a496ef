using System.Linq;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>Large reads, which members answer that do not lead.</summary>
public sealed class ReadSpreadTests
{
    private const int Stripe = 256 << 10;

    [Fact]
    public void EachReaderIsAskedForItsPartOfAFile()
    {
        var bed = Led(("readers", "0,1,2"));
        var fd = bed.Open();
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(Errno.Ok, Read(bed, fd, (long)i * Stripe));
            Assert.Equal(Errno.Ok, Read(bed, fd, ((long)i * Stripe) + (Stripe / 2))); // The same part.
        }

        Assert.Equal([20, 20, 20], bed.Members.Select(m => m.CallsOf(FopCode.Read)));
        Assert.Equal([0, 20, 20], bed.Members.Select(HereOf));
        Assert.Equal([1, 0, 0], bed.Members.Select(m => m.CallsOf(FopCode.Open)));
    }

    [Fact]
    public void TheNearOneIsAskedForAll()
    {
        var bed = Led(("near", "2"));
        var fd = bed.Open();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(Errno.Ok, Read(bed, fd, (long)i * Stripe));
        }

        Assert.Equal([0, 0, 10], bed.Members.Select(HereOf));
        bed.Lead(2);
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal(10, HereOf(bed.Members[2])); // It is the usual one now.
    }

    [Fact]
    public void OnAMachineWithAMemberThatOneIsAskedForAll()
    {
        var bed = Led(("readers", "0,1,2"));
        var fd = bed.Open();
        bed.Members[1].IsOnThisMachine = true;
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(Errno.Ok, Read(bed, fd, (long)i * Stripe));
        }

        Assert.Equal([0, 10, 0], bed.Members.Select(HereOf));
        bed.Members[0].IsOnThisMachine = true; // It leads.
        Assert.Equal(Errno.Ok, Read(bed, fd, Stripe));
        Assert.Equal(Errno.Ok, Read(bed, fd, 2 * Stripe));
        Assert.Equal([0, 10, 0], bed.Members.Select(HereOf));
        Assert.Equal(2, bed.Members[0].CallsOf(FopCode.Read));
    }

    [Fact]
    public void SmallReadsGoToTheLeader()
    {
        var bed = Led(("near", "1"));
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Read(fd));
        Assert.Equal([0, 0, 0], bed.Members.Select(HereOf));
        bed.Run(() => bed.Client.Reconfigure(ClientBed.OptionsOf(("near", "1"), ("read-size", "1"))));
        Assert.Equal(Errno.Ok, bed.Read(fd));
        Assert.Equal([0, 1, 0], bed.Members.Select(HereOf));
        bed.Run(() => bed.Client.Reconfigure(ClientBed.OptionsOf(("near", "1"), ("read-size", "0"))));
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal([0, 1, 0], bed.Members.Select(HereOf));
    }

    /// <summary>It is not asked again for a second.</summary>
    [Fact]
    public void WhatAMemberDoesNotAnswerTheLeaderDoes()
    {
        var bed = Led(("near", "1"));
        var fd = bed.Open();
        bed.Members[1].ReadsHere = false;
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal((1, 2), (HereOf(bed.Members[1]), bed.Members[0].CallsOf(FopCode.Read)));
        bed.Members[1].ReadsHere = true;
        bed.World.RunFor(1_100);
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal((2, 2), (HereOf(bed.Members[1]), bed.Members[0].CallsOf(FopCode.Read)));
        bed.Run(() => bed.Members[1].Break());
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal((2, 3), (HereOf(bed.Members[1]), bed.Members[0].CallsOf(FopCode.Read)));
    }

    [Fact]
    public void AReadIsAnsweredWhenTheMemberThatHasItIsLost()
    {
        var bed = Led(("near", "1"));
        var fd = bed.Open();
        bed.Members[1].Hangs = true;
        var read = bed.Begin((c, call) => c.Read(Large(fd, 0), call));
        bed.World.RunFor(100);
        Assert.False(read.IsCompleted);
        bed.Run(() => bed.Members[1].Break());
        Assert.Equal(Errno.Ok, bed.End(read, 100));
    }

    /// <summary>A hanging machine costs a second, and later ones less and less often.</summary>
    [Fact]
    public void AMemberThatHangsIsNotWaitedFor()
    {
        var bed = Led(("near", "1"));
        var fd = bed.Open();
        bed.Members[1].Hangs = true;
        Assert.Equal(Errno.Ok, bed.End(bed.Begin((c, call) => c.Read(Large(fd, 0), call)), 1_100));
        Assert.Equal(Errno.Ok, bed.End(bed.Begin((c, call) => c.Read(Large(fd, 0), call)), 20));
        Assert.Equal(1, HereOf(bed.Members[1]));
        for (var i = 0; i < 300; i++)
        {
            Assert.Equal(Errno.Ok, Read(bed, fd, 0));
            bed.World.RunFor(100);
        }

        Assert.InRange(HereOf(bed.Members[1]), 4, 6); // After 1, 2, 4, 8 and 16 seconds.
        bed.Members[1].Hangs = false; // What comes now is dropped.
        bed.World.RunFor(33_000);
        var before = HereOf(bed.Members[1]);
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal(Errno.Ok, Read(bed, fd, 0));
        Assert.Equal(before + 2, HereOf(bed.Members[1]));
    }

    /// <summary>With a lock that was lost it must not be read on as if nothing had been.</summary>
    [Fact]
    public void AnFdThatIsNotGoodAtTheLeaderIsNotReadElsewhere()
    {
        var bed = Led(("near", "1"));
        var fd = bed.Open();
        Assert.Equal(Errno.Ok, bed.Lock(fd, owner: 1, start: 0));
        bed.Set.Locks.Clear(); // Revoked.
        bed.Lead(2);
        Assert.Equal(Errno.Ok, bed.Count());
        Assert.Equal(Errno.EBADFD, Read(bed, fd, 0));
        Assert.Equal([0, 0, 0], bed.Members.Select(HereOf));
    }

    private static ClientBed Led(params (string Key, string Value)[] options)
    {
        var bed = new ClientBed(options: options);
        bed.Lead(0);
        Assert.Equal(Errno.Ok, bed.Count());
        return bed;
    }

    private static Errno Read(ClientBed bed, Fd fd, long offset) =>
        bed.Do((c, call) => c.Read(Large(fd, offset), call));

    private static ReadFop Large(Fd fd, long offset) => new() { Fd = fd, Offset = offset, Size = 64 << 10 };

    private static int HereOf(FakeMember member) =>
        member.Calls.Count(c => c.Code == FopCode.Read && (c.Flags & FakeMember.HereFlag) != 0);
}
