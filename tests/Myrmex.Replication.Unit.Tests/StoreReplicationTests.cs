using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Base;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>Fops through the leader of a whole replica set: three stores stay equal and nothing acknowledged is lost.</summary>
public sealed class StoreReplicationTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(n => (ulong)n)];

    [Fact]
    public void ThreeStoresStayEqual()
    {
        using var bed = new StoreBed(1);
        var names = new SortedDictionary<string, Gfid>(StringComparer.Ordinal);
        var random = new SimRandom(1);
        for (var i = 0; i < 60; i++)
        {
            Step(bed, random, names, i);
        }

        Assert.True(names.Count > 20);
        bed.AssertAllAreEqual("60 fops");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void NothingAcknowledgedIsLostWhenLeadersDie(ulong seed)
    {
        using var bed = new StoreBed(seed);
        var random = new SimRandom(seed);
        var names = new SortedDictionary<string, Gfid>(StringComparer.Ordinal);
        for (var i = 0; i < 80; i++)
        {
            if (i % 10 == 9)
            {
                bed.Restart();
                var victim = random.Below(3) == 0 ? bed.Members[random.Below(3)] : bed.Leader;
                if (victim is { Node.IsUp: true })
                {
                    // In the middle of what the next fop does.
                    _ = bed.World.After(random.Below(12), () =>
                    {
                        if (victim.Node.IsUp)
                        {
                            victim.Crash(random.Below(2) == 0 ? SimCrash.Power : SimCrash.Process);
                        }
                    });
                }
            }

            Step(bed, random, names, i);
        }

        bed.World.RunFor(50);
        bed.Restart();
        bed.AssertAllAreEqual($"seed {seed}");
        foreach (var (name, gfid) in names)
        {
            foreach (var member in bed.Members)
            {
                var found = StorageRig.Wait(member.Rig!.Store.Lookup(
                    new LookupFop { Parent = Gfid.Root, Name = name }, new Call()));
                Assert.True(found.IsOk, $"seed {seed}: {name} is not on {member.Node.Name}: {found.Error}");
                Assert.Equal(gfid, found.Iatt.Gfid);
                found.Release();
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALeaderWhoseStoreRefusesWhatIsCommittedLetsAnotherOneLead(bool throws)
    {
        using var bed = new StoreBed(3);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var failed = bed.Leader!;
        (failed.Faults.Throws, failed.Faults.Left) = (throws, 0);
        Assert.Equal(Errno.Ok, Mknod(bed, "name"));
        Assert.NotEqual(Errno.Ok, failed.Failure);
        Assert.NotEqual(failed, bed.Leader);
        Assert.NotEqual(ReplicaRole.Active, failed.Replica!.Role);
        Assert.Equal(Errno.EEXIST, Mknod(bed, "name"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFollowerWhoseStoreRefusesWhatIsCommittedSaysSo(bool throws)
    {
        using var bed = new StoreBed(4);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var failed = bed.Members.First(m => m != bed.Leader);
        (failed.Faults.Throws, failed.Faults.Left) = (throws, 0);
        Assert.Equal(Errno.Ok, Mknod(bed, "name"));
        Assert.True(bed.World.RunUntil(() => failed.Failure != Errno.Ok, 10_000));
    }

    [Fact]
    public void WhoWaitsHearsOfItWhenTheLeaderStops()
    {
        using var bed = new StoreBed(5, readLease: false);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var leader = bed.Leader!;
        foreach (var other in bed.Members.Where(m => m != leader))
        {
            other.Crash(SimCrash.Process);
        }

        var read = SimTasks.Start(leader.Node, async () =>
            Outcome(await leader.Top!.Stat(new StatFop { Gfid = Gfid.Root }, new Call())));
        var change = SimTasks.Start(leader.Node, async () =>
            Outcome(await leader.Top!.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = "before" }, new Call())));
        bed.World.RunFor(1);
        var late = SimTasks.Start(leader.Node, async () =>
        {
            leader.Stop();
            return Outcome(await leader.Top!.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = "before" }, new Call()));
        });
        Assert.True(bed.World.RunUntil(() => read.IsCompleted && change.IsCompleted && late.IsCompleted, 10_000));
        Assert.Equal((Errno.ENOTCONN, Errno.ENOTCONN), (read.Result, change.Result));
        Assert.Equal(Errno.EREMOTE, late.Result);
    }

    /// <summary>A refusal says what the store holds, and the store of one that leads no longer may be old.</summary>
    [Fact]
    public void ALeaderWithoutTheOthersRefusesNothingByWhatItsStoreSays()
    {
        using var bed = new StoreBed(6);
        Assert.Equal(Errno.Ok, Mknod(bed, "name"));
        bed.World.RunFor(500);
        var leader = bed.Leader!;
        leader.IsIsolated = true;
        bed.World.RunFor(1_200); // The lease of the reads is over.
        Assert.True(leader.IsServing);
        var fop = SimTasks.Start(leader.Node, async () =>
            Outcome(await leader.Top!.Rmdir(new RmdirFop { Parent = Gfid.Root, Name = "other" }, new Call())));
        Assert.True(bed.World.RunUntil(() => fop.IsCompleted, 10_000));
        Assert.Equal(Errno.EREMOTE, fop.Result);
    }

    [Fact]
    public void ARetryWaitsForTheFirstOneThatIsStillUnderWay()
    {
        using var bed = new StoreBed(7);
        Assert.Equal(Errno.Ok, Mknod(bed, "name"));
        var leader = bed.Leader!;
        var gfid = StorageRig.NewGfid();
        var before = SimTasks.Start(leader.Node, async () =>
            Outcome(await leader.Top!.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = "name" }, new Call())));
        var twice = new[] { false, true }.Select(isRetry => SimTasks.Start(leader.Node, async () =>
        {
            var xdata = XData.Rent();
            xdata.SetGfid("gfid-req"u8, gfid);
            xdata.SetBytes("myrmex.session"u8, bed.Record(99, isRetry));
            var fop = new MknodFop { Parent = Gfid.Root, Name = "name", Mode = 0x81A4, XData = xdata };
            var outcome = Outcome(await leader.Top!.Mknod(fop, new Call()));
            xdata.Release();
            return outcome;
        })).ToList();
        Assert.True(bed.World.RunUntil(() => before.IsCompleted && twice.All(t => t.IsCompleted), 10_000));
        Assert.All(twice, t => Assert.Equal(Errno.Ok, t.Result));
    }

    private static Errno Mknod(StoreBed bed, string name)
    {
        var gfid = StorageRig.NewGfid();
        return bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, gfid);
            return Outcome(await top.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call));
        });
    }

    private static void Step(StoreBed bed, SimRandom random, SortedDictionary<string, Gfid> names, int number)
    {
        var name = "f" + number.ToString(CultureInfo.InvariantCulture);
        var gfid = StorageRig.NewGfid();
        if (names.Count > 3 && random.Below(4) == 0)
        {
            var old = names.Keys.ElementAt(random.Below(names.Count));
            Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
            {
                var fop = new RenameFop
                {
                    OldParent = Gfid.Root,
                    OldName = old,
                    NewParent = Gfid.Root,
                    NewName = name,
                    XData = xdata,
                };
                return Outcome(await top.Rename(fop, call));
            }));
            names[name] = names[old];
            names.Remove(old);
            return;
        }

        Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, gfid);
            var fop = new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata };
            return Outcome(await top.Mknod(fop, call));
        }));
        names[name] = gfid;
        var data = new byte[random.Below(9_000)];
        var offset = random.Below(5_000);
        Assert.Equal(Errno.Ok, bed.Write(gfid, offset, data));
        Assert.Equal(Errno.Ok, bed.Do(async (top, call, _) =>
        {
            var fop = new StatFop { Gfid = gfid };
            var reply = await top.Stat(fop, call);
            var isSeen = !reply.IsOk || reply.Iatt.Size == (ulong)(data.Length == 0 ? 0 : offset + data.Length);
            return isSeen ? Outcome(reply) : Errno.EBADMSG;
        }));
    }

}
