using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>A disk that does not answer takes the lead away from its member, and nothing from the others.</summary>
public sealed class HangingDiskTests
{
    /// <summary>What clients wait for at most: the stall limit, an election, and what is below the pace of the looks.</summary>
    private const long WaitMsMax = 6_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ALeaderWhoseDiskHangsLetsAnotherOneLead(ulong seed)
    {
        using var bed = new StoreBed(seed);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var hung = bed.Leader!;
        var term = hung.Replica!.Term;
        Hang(hung);
        var first = MknodAt(hung, "first");
        var next = MknodAt(hung, "next"); // Waits for what the first one holds, perhaps.
        Assert.True(
            bed.World.RunUntil(() => bed.Leader is { } leader && leader != hung, WaitMsMax), "nobody else leads");
        Assert.False(first.IsCompleted || next.IsCompleted);
        Assert.True(hung.Hangs > 0, "nobody who waits is told to go elsewhere");
        Assert.True(hung.Replica.IsStalled);
        Assert.Equal(Errno.Ok, Mknod(bed, "after"));
        Assert.True(bed.Leader!.Replica!.Term > term);
        bed.World.RunFor(30_000);
        Assert.NotSame(hung, bed.Leader);
        Assert.Equal(Errno.Ok, Mknod(bed, "later"));

        Release(hung);
        Assert.True(bed.World.RunUntil(() => first.IsCompleted && next.IsCompleted, 10_000), "a fop never ends");
        Assert.Equal(Errno.Ok, Mknod(bed, "last"));
        bed.AssertAllAreEqual("after the disk answered");
        Assert.False(hung.Replica.IsStalled);
        Assert.Equal(Errno.Ok, hung.Failure);
    }

    [Fact]
    public void AFollowerWhoseDiskHangsStopsNobody()
    {
        using var bed = new StoreBed(4);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var leader = bed.Leader;
        var hung = bed.Members.First(m => m != leader);
        Hang(hung);
        for (var i = 0; i < 20; i++)
        {
            var start = bed.World.NowNs;
            Assert.Equal(Errno.Ok, Mknod(bed, $"f{i}"));
            Assert.True(bed.World.NowNs - start < 500_000_000, $"fop {i} took {(bed.World.NowNs - start) / 1_000_000} ms");
            bed.World.RunFor(500);
        }

        Assert.Same(leader, bed.Leader);
        Assert.True(hung.Replica!.IsStalled);
        Release(hung);
        bed.AssertAllAreEqual("after the disk answered");
        Assert.Equal(0, leader!.Hangs);
    }

    /// <summary>What takes its time is no reason to change the leader as long as the disk answers.</summary>
    [Fact]
    public void ALongOperationOnADiskThatAnswersCostsNobodyTheLead()
    {
        using var bed = new StoreBed(5);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var leader = bed.Leader!;
        leader.Faults.Hang = new TaskCompletionSource();
        var large = MknodAt(leader, "large");
        bed.World.RunFor(30_000);
        Assert.Same(leader, bed.Leader);
        Assert.Equal(0, leader.Hangs);
        leader.Faults.Release();
        Assert.True(bed.World.RunUntil(() => large.IsCompleted, 1_000));
        Assert.Equal(Errno.Ok, large.Result);
    }

    /// <summary>A nearly full file system takes seconds for a write, and the lead has gone elsewhere by then.</summary>
    [Fact]
    public void WhoWaitsForALongOperationOfAFormerLeaderIsSentToTheNextOne()
    {
        using var bed = new StoreBed(8);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var former = bed.Leader!;
        former.Faults.Hang = new TaskCompletionSource();
        var large = MknodAt(former, "large");
        bed.World.RunFor(500);
        var next = bed.Members.First(m => m != former);
        former.Node.Seams.Scheduler.Post(() => former.Replica!.TransferLead(77, next.Id));
        Assert.True(bed.World.RunUntil(() => bed.Leader == next, 1_000), "the lead does not move");
        Assert.True(bed.World.RunUntil(() => former.Hangs > 0, 2_000), "nobody who waits is told to go elsewhere");
        bed.World.RunFor(3_000);
        Assert.Equal(1, former.Hangs); // Not all the time.
        former.Faults.Release();
        Assert.True(bed.World.RunUntil(() => large.IsCompleted, 1_000));
        bed.World.RunFor(10_000);
        Assert.Equal(1, former.Hangs);
        bed.AssertAllAreEqual("after the operation ended");
    }

    [Fact]
    public void ReadsThatHangCostTheLeadToo()
    {
        using var bed = new StoreBed(6);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var hung = bed.Leader!;
        hung.Faults.HangsReads = true;
        Hang(hung);
        var read = SimTasks.Start(hung.Node, async () =>
            Outcome(await hung.Top!.Stat(new StatFop { Gfid = Gfid.Root }, new Call())));
        Assert.True(bed.World.RunUntil(() => bed.Leader is { } l && l != hung, WaitMsMax), "nobody else leads");
        Assert.True(hung.Hangs > 0);
        Assert.False(read.IsCompleted);
        Release(hung);
        Assert.True(bed.World.RunUntil(() => read.IsCompleted, 1_000));
        Assert.Equal(Errno.EREMOTE, read.Result);
    }

    /// <summary>One hung disk after the other: whoever has a disk that answers leads.</summary>
    [Fact]
    public void TheLeadGoesRoundWithTheDisksThatHang()
    {
        using var bed = new StoreBed(7);
        for (var round = 0; round < 6; round++)
        {
            Assert.Equal(Errno.Ok, Mknod(bed, $"before{round}"));
            var hung = bed.Leader!;
            Hang(hung);
            _ = MknodAt(hung, $"at{round}");
            Assert.True(
                bed.World.RunUntil(() => bed.Leader is { } leader && leader != hung, WaitMsMax), $"round {round}");
            Assert.Equal(Errno.Ok, Mknod(bed, $"after{round}"));
            Release(hung);
            bed.AssertAllAreEqual($"round {round}");
        }
    }

    private static void Hang(StoreMember member)
    {
        member.Faults.Hang = new TaskCompletionSource();
        member.Node.HangDisk();
    }

    private static void Release(StoreMember member)
    {
        member.Node.ReleaseDisk();
        member.Faults.Release();
    }

    private static Task<Errno> MknodAt(StoreMember member, string name)
    {
        var gfid = StorageRig.NewGfid();
        return SimTasks.Start(member.Node, () => MknodAsync(member.Top!, new Call(), XData.Rent(), gfid, name));
    }

    private static Errno Mknod(StoreBed bed, string name)
    {
        var gfid = StorageRig.NewGfid();
        return bed.Do((top, call, xdata) => MknodAsync(top, call, xdata, gfid, name));
    }

    private static async Task<Errno> MknodAsync(Translator top, Call call, XData xdata, Gfid gfid, string name)
    {
        xdata.SetGfid("gfid-req"u8, gfid);
        return Outcome(await top.Mknod(
            new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call));
    }
}
