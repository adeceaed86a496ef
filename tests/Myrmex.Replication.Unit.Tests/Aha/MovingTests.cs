using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>How a client goes from one proxy to another, and how long that takes.</summary>
public sealed class MovingTests
{
    public enum End
    {
        Crash,
        Power,
        Freeze,
        Cut,
        Drain,
    }

    /// <summary>Milliseconds of the longest fop: 1 s when a process dies, 3 s when a machine vanishes.</summary>
    [Theory]
    [InlineData(End.Crash, 500)]
    [InlineData(End.Power, 2_800)]
    [InlineData(End.Freeze, 2_800)]
    [InlineData(End.Cut, 2_800)]
    [InlineData(End.Drain, 100)]
    public void NobodyNoticesAndItIsQuick(End end, long limitMs)
    {
        var bed = new AhaBed();
        var fd = bed.Create("file");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
        var former = bed.Current;
        EndOf(bed, former, end);
        var beganNs = bed.World.NowNs;
        Assert.Equal(Errno.Ok, bed.Write(fd, 1, 2));
        Assert.InRange(bed.World.NowNs - beganNs, 0, limitMs * 1_000_000);
        Assert.NotSame(former, bed.Current);
        Assert.Equal([1, 2], bed.ReadAll(fd));
        bed.World.RunFor(2_000);
        Assert.Equal("1", bed.Get("locks.posix"));
        Assert.False(bed.IsFree(fd.Gfid, 10));
        Assert.DoesNotContain(GraphEventKind.ChildDown, bed.Events);
    }

    [Theory]
    [InlineData(End.Crash, 200)]
    [InlineData(End.Power, 3_000)]
    public void LocksOfAnIdleClientAreTakenAtOnce(End end, long limitMs)
    {
        var bed = new AhaBed();
        var fd = bed.Create("file");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.World.RunFor(10_000);
        EndOf(bed, bed.Current, end);
        bed.World.RunFor(limitMs);
        Assert.False(bed.IsFree(fd.Gfid, 10));
    }

    /// <summary>Thousands of clients with locks must not cost their proxy, and the bricks, anything.</summary>
    [Fact]
    public void AnIdleClientWithLocksAsksItsProxyForNoFop()
    {
        var bed = new AhaBed();
        var fd = bed.Create("file");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        var before = bed.Current.Calls.Count;
        bed.World.RunFor(10_000);
        Assert.Equal(before, bed.Current.Calls.Count);
    }

    /// <summary>A proxy that is slow because all have come to it at once is asked once, and its late answer counts.</summary>
    [Fact]
    public void AProxyThatAnswersLateIsNotAskedAgainMeanwhile()
    {
        var bed = new AhaBed(proxies: 2);
        var other = bed.Proxies.Single(p => p != bed.Current);
        bed.World.RunFor(2_000);
        var before = other.CallsOf(FopCode.Stat);
        other.AnswersRootAfterMs = 3_500;
        bed.Current.Crash();
        var beganNs = bed.World.NowNs;
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Mknod(AhaBed.MknodOf("late"), call)));
        Assert.InRange(bed.World.NowNs - beganNs, 3_500_000_000, 4_000_000_000);
        Assert.Equal(1, other.CallsOf(FopCode.Stat) - before);
        Assert.Same(other, bed.Current);
    }

    [Fact]
    public void LocksAreHeldWhileThereIsNoProxy()
    {
        var bed = new AhaBed(proxies: 1);
        var fd = bed.Create("file");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        var only = bed.Current;
        only.Crash();
        bed.World.RunFor(5_000);
        Assert.False(bed.IsFree(fd.Gfid, 10));
        only.Restart();
        bed.World.RunFor(20_000); // Nobody drops what was taken over.
        Assert.False(bed.IsFree(fd.Gfid, 10));
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10, LockType.Unlock));
        Assert.True(bed.IsFree(fd.Gfid, 10));
    }

    [Fact]
    public void LocksOfAClientThatHasVanishedWithItsProxyAreFreeAfterAWhile()
    {
        var bed = new AhaBed(proxies: 1);
        var fd = bed.Create("file");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        bed.Current.Crash();
        bed.World.RunFor(12_000);
        Assert.True(bed.IsFree(fd.Gfid, 10));
    }

    [Fact]
    public void ALockThatIsGivenUpIsHeldNowhere()
    {
        var bed = new AhaBed(proxies: 2);
        var fd = bed.Create("file");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        var former = bed.Current;
        former.Crash();
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
        former.Restart();
        bed.World.RunFor(5_000); // It is attached to again.
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10, LockType.Unlock));
        Assert.True(bed.IsFree(fd.Gfid, 10));
        Assert.Equal(0, former.CallsOf(FopCode.Lk) - 1);
    }

    [Fact]
    public void AWaitingLockGoesAlong()
    {
        var bed = new AhaBed();
        var fd = bed.Create("file");
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10));
        var waiting = bed.Begin(
            (c, call) => c.Lk(AhaBed.LockOf(fd, 10, LockType.Write, LockCommand.SetLockWait), call), AhaBed.CallOf(2));
        bed.World.RunFor(100);
        bed.Current.Crash();
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
        bed.World.RunFor(1_000);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(Errno.Ok, bed.Lock(fd, 1, 10, LockType.Unlock));
        Assert.Equal(Errno.Ok, bed.End(waiting, 3_000));
        Assert.False(bed.IsFree(fd.Gfid, 10));
    }

    [Fact]
    public void FdsAreOpenedWithoutMakingAnything()
    {
        var bed = new AhaBed();
        var fd = bed.Create("file", OpenFlags.ReadWrite | OpenFlags.Append);
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
        var first = bed.Current;
        first.Crash();
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 2));
        var opened = Assert.Single(bed.Current.Calls, c => c.Code == FopCode.Open);
        Assert.Equal(
            0u, opened.Flags & (OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate));
        Assert.Equal([1, 2], bed.ReadAll(fd));
        first.Restart();
        bed.World.RunFor(5_000);
        Assert.Equal(0, first.CallsOf(FopCode.Open)); // What was left behind is not opened again.
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call)));
        Assert.Equal("0", bed.Get("fds"));
    }

    /// <summary>
    /// A crowd of writes to one file is under way when the proxy goes: they take effect in their order.
    /// </summary>
    [Theory]
    [InlineData(End.Crash)]
    [InlineData(End.Freeze)]
    [InlineData(End.Drain)]
    public void TheOrderOfAFileIsKept(End end)
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var bed = new AhaBed(seed);
            var fd = bed.Create("file");
            Array.ForEach(bed.Proxies, p => p.DelayMsMax = 0); // A proxy of its own does not change the order.
            var all = Enumerable.Range(0, 60).Select(i => bed.BeginWrite(fd, i, (byte)i)).ToList();
            bed.World.RunFor((long)(seed % 5));
            EndOf(bed, bed.Current, end);
            all.AddRange(Enumerable.Range(60, 60).Select(i => bed.BeginWrite(fd, i, (byte)i)));
            Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t)));
            Assert.Equal(bed.Store.Executed.Order(), bed.Store.Executed);
            Assert.Equal(121, bed.Store.Executed.Count);
            Assert.Equal("0", bed.Get("kept.in-order"));
        }
    }

    /// <summary>The proxies say that they do not reach a brick: that is no reason to leave them, but to ask again.</summary>
    [Fact]
    public void ABrickThatIsAwayIsWaitedFor()
    {
        var bed = new AhaBed();
        var fd = bed.Create("file");
        Array.ForEach(bed.Proxies, p => p.Instead = code => code == FopCode.Write ? Errno.ENOTCONN : null);
        var moves = bed.Get("proxy.moves");
        var write = bed.BeginWrite(fd, 0, 1);
        bed.World.RunFor(10_000);
        Assert.False(write.IsCompleted);
        Assert.Equal(moves, bed.Get("proxy.moves"));
        Array.ForEach(bed.Proxies, p => p.Instead = null);
        Assert.Equal(Errno.Ok, bed.End(write, 2_000));
    }

    /// <summary>All are gone for a minute; then one comes back.</summary>
    [Fact]
    public void AllProxiesMayBeAwayForAWhile()
    {
        var bed = new AhaBed();
        var fd = bed.Create("file");
        Array.ForEach(bed.Proxies, p => p.Crash());
        var all = Enumerable.Range(0, 100).Select(i => bed.BeginWrite(fd, i, (byte)i)).ToList();
        var look = bed.Begin((c, call) => c.Lookup(new LookupFop { Parent = Gfid.Root, Name = "file" }, call));
        bed.World.RunFor(60_000);
        Assert.DoesNotContain(all, t => t.IsCompleted);
        bed.Proxies[1].Restart();
        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t, 15_000)));
        Assert.Equal(Errno.Ok, bed.End(look));
        Assert.DoesNotContain(GraphEventKind.ChildDown, bed.Events);
        Assert.Equal("0", bed.Get("kept.fops"));
    }

    [Fact]
    public void TimeIsUpForWhatWasNeverSent()
    {
        var bed = new AhaBed(options: ("wait", "5"));
        var fd = bed.Create("file");
        Array.ForEach(bed.Proxies, p => p.Crash());
        bed.World.RunFor(100);
        var beganNs = bed.World.NowNs;
        Assert.Equal(Errno.ETIMEDOUT, bed.Write(fd, 0, 1));
        Assert.InRange(bed.World.NowNs - beganNs, 4_900_000_000, 5_500_000_000);
        Assert.Equal(
            Errno.ETIMEDOUT, bed.Do((c, call) => c.Lookup(new LookupFop { Parent = Gfid.Root, Name = "file" }, call)));
        bed.Proxies[0].Restart();
        bed.World.RunFor(15_000);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Fsync(new FsyncFop { Gfid = fd.Gfid, Fd = fd }, call)));
    }

    [Fact]
    public void WhatMayHaveTakenEffectIsToldTwice()
    {
        var bed = new AhaBed(options: ("wait", "15"));
        var fd = bed.Create("file");
        var other = bed.Create("other");
        var second = bed.NewFd(fd.Gfid);
        Assert.Equal(
            Errno.Ok, bed.Do((c, call) => c.Open(new OpenFop { Gfid = fd.Gfid, Flags = 2, Fd = second }, call)));
        bed.Current.Executed = code =>
        {
            if (code == FopCode.Write)
            {
                bed.World.After(0, () => Array.ForEach(bed.Proxies, p => p.Crash()));
            }

            return code == FopCode.Write;
        };
        Assert.Equal(Errno.EIO, bed.Write(fd, 0, 1));
        bed.Proxies[0].Restart();
        Errno Sync(Fd one) => bed.Do((c, call) => c.Fsync(new FsyncFop { Gfid = one.Gfid, Fd = one }, call));
        Assert.Equal(Errno.Ok, Sync(other));
        Assert.Equal(Errno.EIO, Sync(fd));
        Assert.Equal(Errno.Ok, Sync(fd));
        Assert.Equal(
            Errno.EIO, bed.Do((c, call) => c.Flush(new FlushFop { Gfid = second.Gfid, Fd = second }, call)));
        Assert.Equal(Errno.Ok, Sync(second));
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 2));
    }

    /// <summary>What write-behind has answered before it was done is told by fsync, the next write or close.</summary>
    [Theory]
    [InlineData("fsync")]
    [InlineData("write")]
    [InlineData("flush")]
    public void AWriteThatWasAnsweredEarlyIsNotLostInSilence(string teller)
    {
        var bed = new AhaBed(writesBehind: true, options: ("wait", "5"));
        var fd = bed.Create("file");
        Array.ForEach(bed.Proxies, p => p.Crash());
        bed.World.RunFor(100);
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
        var told = teller switch
        {
            "fsync" => bed.Do((c, call) => c.Fsync(new FsyncFop { Gfid = fd.Gfid, Fd = fd }, call)),
            "flush" => bed.Do((c, call) => c.Flush(new FlushFop { Gfid = fd.Gfid, Fd = fd }, call)),
            _ => WriteLater(bed, fd),
        };
        Assert.Equal(Errno.ETIMEDOUT, told);
    }

    private static Errno WriteLater(AhaBed bed, Fd fd)
    {
        bed.World.RunFor(6_000);
        return bed.Write(fd, 1, 2);
    }

    [Fact]
    public void ASessionThatIsForgottenIsAnErrorOnlyForWhatIsInDoubt()
    {
        var bed = new AhaBed();
        var fd = bed.Create("file");
        bed.Store.EvictAll();
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
        var current = bed.Current;
        current.Executed = code =>
        {
            if (code == FopCode.Write)
            {
                bed.Store.EvictAll();
                bed.World.After(0, () => current.Crash());
            }

            return code == FopCode.Write;
        };
        Assert.Equal(Errno.EIO, bed.Write(fd, 0, 2));
        Assert.Equal(Errno.EIO, bed.Do((c, call) => c.Fsync(new FsyncFop { Gfid = fd.Gfid, Fd = fd }, call)));
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 3));
    }

    [Fact]
    public void NearProxiesAreTriedFirstAndClientsSpreadOverTheOthers()
    {
        var used = new HashSet<string>();
        for (ulong seed = 1; seed <= 30; seed++)
        {
            used.Add(new AhaBed(seed).Get("proxy"));
            Assert.Equal("p1", new AhaBed(seed, options: ("local", "p1")).Get("proxy"));
        }

        Assert.Equal(3, used.Count);
    }

    [Fact]
    public void ANearProxyComesAfterTheLocalOneAndBeforeAllOthers()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            Assert.Equal("p2", new AhaBed(seed, options: ("near", "p2")).Get("proxy"));
            Assert.Equal("p1", new AhaBed(seed, options: [("near", "p2"), ("local", "p1")]).Get("proxy"));
        }
    }

    /// <summary>One that was left comes last for a while, so that a proxy that ails is not tried at each turn.</summary>
    [Fact]
    public void AProxyThatWasLeftIsNotTheNextOne()
    {
        var bed = new AhaBed(options: ("local", "p0,p1"));
        Assert.Equal("p0", bed.Get("proxy"));
        var fd = bed.Create("file");
        foreach (var (down, next) in new[] { (0, "p1"), (1, "p2"), (2, "p0"), (0, "p1") })
        {
            bed.Proxies[down].Crash();
            Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
            Assert.Equal(next, bed.Get("proxy"));
            bed.Proxies[down].Restart();
            bed.World.RunFor(12_000);
        }

        bed.World.RunFor(40_000);
        bed.Proxies[1].Crash();
        Assert.Equal(Errno.Ok, bed.Write(fd, 0, 1));
        Assert.Equal("p0", bed.Get("proxy"));
    }

    [Fact]
    public void AProxyThatHangsIsOutrunByTheNext()
    {
        var bed = new AhaBed(starts: false, options: ("local", "p0"));
        bed.Run(bed.Graph.Start);
        bed.Proxies[0].Instead = code => throw new InvalidOperationException("not yet");
        bed.Proxies[0].DelayMsMax = 0;
        bed.Proxies[0].Node.Freeze(60_000);
        Assert.True(bed.World.RunUntil(() => bed.Get("proxy") != "none", 3_000));
        Assert.NotEqual("p0", bed.Get("proxy"));
    }

    /// <summary>
    /// Each of two proxies is stopped again and again and is well for some seconds in between: it is missed as early as
    /// the first time. Only one that is silent soon after it was found again is given more time.
    /// </summary>
    [Fact]
    public void AProxyThatWasWellInBetweenIsMissedAsEarlyAsEver()
    {
        var bed = new AhaBed(proxies: 2);
        var fd = bed.Create("file");
        for (var round = 0; round < 12; round++)
        {
            bed.Current.Node.Freeze(3_000);
            var beganNs = bed.World.NowNs;
            Assert.Equal(Errno.Ok, bed.Write(fd, round, 1));
            Assert.InRange((bed.World.NowNs - beganNs) / 1_000_000, 0, 2_800);
            for (var i = 0; i < 25; i++) // An application is at work.
            {
                bed.World.RunFor(100);
                Assert.Equal(Errno.Ok, bed.Write(fd, i, 2));
            }
        }
    }

    /// <summary>The other proxy has no way to the bricks: the one that has died is back long before that one is given up.</summary>
    [Fact]
    public void AProxyThatIsBackIsAskedWhileAnotherOneDoesNotAnswer()
    {
        var bed = new AhaBed(proxies: 2);
        var fd = bed.Create("file");
        var dead = bed.Current;
        bed.Proxies.Single(p => p != dead).DelayMsMax = int.MaxValue - 1;
        dead.Crash();
        var beganNs = bed.World.NowNs;
        var write = bed.BeginWrite(fd, 0, 1);
        bed.World.RunFor(100);
        dead.Restart();
        Assert.Equal(Errno.Ok, bed.End(write, 10_000));
        Assert.InRange(bed.World.NowNs - beganNs, 0, 900_000_000);
        Assert.Same(dead, bed.Current);
    }

    internal static void EndOf(AhaBed bed, ProxyNode proxy, End end)
    {
        switch (end)
        {
            case End.Crash:
                proxy.Crash();
                break;
            case End.Power:
                proxy.Crash(SimCrash.Power);
                break;
            case End.Freeze:
                proxy.Node.Freeze(10_000); // Its connection to the volume stays.
                break;
            case End.Cut:
                bed.World.Network.Cut(bed.Node, proxy.Node);
                break;
            default:
                proxy.IsDraining = true;
                break;
        }
    }
}
