using Myrmex.Base;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>
/// Leases of a thin client live as long as the client, whatever becomes of its proxies; when one is lost it hears so. The volume behind the
/// proxies is a brick with features/leases.
/// </summary>
public sealed class LeaseTests
{
    private const long GraceMs = 10_000;

    private static readonly Gfid Id = new(0xA, 0xA);

    [Theory]
    [InlineData(MovingTests.End.Crash)]
    [InlineData(MovingTests.End.Power)]
    [InlineData(MovingTests.End.Freeze)]
    [InlineData(MovingTests.End.Cut)]
    [InlineData(MovingTests.End.Drain)]
    public void ALeaseGoesAlongToTheNextProxy(MovingTests.End end)
    {
        var bed = new AhaBed();
        var fd = Grant(bed);
        var former = bed.Current;
        MovingTests.EndOf(bed, former, end);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Mknod(AhaBed.MknodOf("other"), call)));
        bed.World.RunFor(60_000);
        Assert.NotSame(former, bed.Current);
        Assert.Equal(Errno.EAGAIN, OpenElsewhere(bed, fd.Gfid)); // It is held still,
        bed.World.RunFor(100);
        Assert.Equal([Id], bed.Recalls); // and is recalled where its client is now.
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Unlock));
        Assert.Equal(Errno.Ok, OpenElsewhere(bed, fd.Gfid));
        Assert.Equal("0", bed.Get("leases"));
    }

    [Fact]
    public void ALeaseThatCannotBeHadAgainIsToldAsRecalled()
    {
        var bed = new AhaBed(proxies: 1);
        var fd = Grant(bed);
        bed.Current.Crash();
        bed.World.RunFor(GraceMs - 2_500);
        Assert.Empty(bed.Recalls);
        bed.World.RunFor(1_000);
        Assert.Equal([Id], bed.Recalls); // Before anybody else gets it.
        Assert.Equal(Errno.EAGAIN, OpenElsewhere(bed, fd.Gfid));
        bed.World.RunFor(2_000);
        Assert.Equal(Errno.Ok, OpenElsewhere(bed, fd.Gfid));
        bed.Proxies[0].Restart();
        bed.World.RunFor(10_000);
        Assert.Single(bed.Recalls);
        Assert.Equal("0", bed.Get("leases"));
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Unlock)); // As one does who is told: no harm.
    }

    /// <summary>The bricks have it still when there is a proxy again: it is given back, however often it was set.</summary>
    [Fact]
    public void WhatItsHolderWasToldIsGivenBackAtTheNextProxy()
    {
        var bed = new AhaBed(proxies: 1);
        var fd = Grant(bed);
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Set));
        bed.Current.Crash(noticedAfterMs: 600_000);
        bed.World.RunFor(20_000);
        Assert.Equal([Id], bed.Recalls);
        Assert.Equal(Errno.EAGAIN, OpenElsewhere(bed, fd.Gfid));
        bed.Proxies[0].Restart();
        bed.World.RunFor(3_000);
        Assert.Equal(Errno.Ok, OpenElsewhere(bed, fd.Gfid));
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Set)); // And may be had again.
    }

    [Fact]
    public void ARecallUnderWayIsSentAgainThroughTheNextProxy()
    {
        var bed = new AhaBed(proxies: 2);
        var fd = Grant(bed);
        bed.Current.Crash(noticedAfterMs: 3_000); // The brick tells a proxy that is not there any more.
        var opening = bed.Store.Volume.Open(OpenOf(fd.Gfid, flags: 0), SomebodyElse());
        Assert.False(opening.IsCompleted);
        Assert.Empty(bed.Recalls);
        Assert.True(bed.World.RunUntil(() => bed.Recalls.Count > 0, 2_000));
        Assert.False(opening.IsCompleted);
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Unlock));
        Assert.True(bed.World.RunUntil(() => opening.IsCompleted, 1_000));
        Assert.Equal(Errno.Ok, opening.Result.Error);
        Assert.Equal([Id], bed.Recalls);
    }

    [Fact]
    public void WhoClosesItsFileGivesItsLeaseUpAtOnce()
    {
        var bed = new AhaBed();
        var fd = Grant(bed);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call)));
        Assert.Equal("0", bed.Get("leases"));
        bed.World.RunFor(200);
        Assert.Equal(Errno.Ok, OpenElsewhere(bed, fd.Gfid));
    }

    /// <summary>Closed while there is no proxy: the brick does not hear of it, and nobody asks for the lease again.</summary>
    [Fact]
    public void AFileThatIsClosedBetweenTwoProxiesLeavesNoLease()
    {
        var bed = new AhaBed(proxies: 1);
        var fd = Grant(bed);
        bed.Current.Crash();
        bed.World.RunFor(1_000);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call)));
        bed.Proxies[0].Restart();
        bed.World.RunFor(GraceMs + 1_000);
        Assert.Equal(Errno.Ok, OpenElsewhere(bed, fd.Gfid));
        Assert.Empty(bed.Recalls);
    }

    /// <summary>It is not known whether it was granted: nobody holds it without knowing.</summary>
    [Fact]
    public void ALeaseWhoseAnswerIsLostIsHeldByNobody()
    {
        var bed = new AhaBed(proxies: 2);
        var fd = Open(bed);
        var former = bed.Current;
        former.Executed = code =>
        {
            if (code != FopCode.Lease)
            {
                return false;
            }

            former.Crash();
            return true;
        };
        Assert.Equal(Errno.ENOTCONN, Lease(bed, fd.Gfid, LeaseCommand.Set));
        bed.World.RunFor(GraceMs + 1_000);
        Assert.Equal(Errno.Ok, OpenElsewhere(bed, fd.Gfid, OpenFlags.ReadOnly | OpenFlags.NonBlock));
        Assert.Equal("0", bed.Get("leases"));
    }

    [Fact]
    public void WhatWasSetTwiceIsGivenBackTwiceAlsoAtTheNextProxy()
    {
        var bed = new AhaBed(proxies: 2);
        var fd = Grant(bed);
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Set));
        bed.Current.Crash();
        bed.World.RunFor(2_000);
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Unlock));
        Assert.Equal(Errno.EAGAIN, OpenElsewhere(bed, fd.Gfid));
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Unlock));
        Assert.Equal(Errno.Ok, OpenElsewhere(bed, fd.Gfid));
    }

    private static Fd Open(AhaBed bed)
    {
        var made = bed.Create("file");
        var fd = bed.NewFd(made.Gfid);
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Open(OpenOf(made.Gfid, OpenFlags.ReadWrite, Id, fd), call)));
        Assert.Equal(Errno.Ok, bed.Do((c, call) => c.Release(new ReleaseFop { Gfid = made.Gfid, Fd = made }, call)));
        bed.World.RunFor(200); // Files are released together.
        return fd;
    }

    private static Fd Grant(AhaBed bed)
    {
        var fd = Open(bed);
        Assert.Equal(Errno.Ok, Lease(bed, fd.Gfid, LeaseCommand.Set));
        Assert.Equal("1", bed.Get("leases"));
        return fd;
    }

    private static Errno Lease(AhaBed bed, Gfid gfid, uint command) => bed.Do((c, call) => c.Lease(
        new LeaseFop { Gfid = gfid, Lease = new Lease(command, LeaseType.ReadWrite, Id, 0) }, call));

    private static Call SomebodyElse() => new() { Client = new ClientIdentity("somebody", "else"), Pid = 7 };

    /// <summary>Past all proxies, without waiting; closed at once.</summary>
    private static Errno OpenElsewhere(AhaBed bed, Gfid gfid, uint flags = OpenFlags.ReadWrite | OpenFlags.NonBlock)
    {
        var fop = OpenOf(gfid, flags);
        var call = SomebodyElse();
        var reply = bed.Store.Volume.Open(in fop, call).Result;
        var error = reply.Error;
        reply.Release();
        bed.Store.Volume.Release(new ReleaseFop { Gfid = gfid, Fd = fop.Fd }, call).Result.Release();
        return error;
    }

    private static OpenFop OpenOf(Gfid gfid, uint flags, Gfid id = default, Fd? fd = null)
    {
        var xdata = XData.Rent();
        if (!id.IsNull)
        {
            xdata.SetBytes(LeaseKeys.Id, id.ToArray());
        }

        return new OpenFop
        {
            Gfid = gfid,
            Flags = flags,
            Fd = fd ?? new Fd(gfid, flags, isDirectory: false, slotCount: 8),
            XData = xdata,
        };
    }
}
