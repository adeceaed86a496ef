using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Graph;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>A full disk is told to who writes, and ends no member.</summary>
public sealed class FullDiskTests
{
    private const long Plenty = 1L << 40;
    private const long Reserve = 16 << 20; // Of a small disk.

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(n => (ulong)n)];

    [Fact]
    public void AVolumeThatIsFullRefusesWhatNeedsRoomAndTakesTheRest()
    {
        using var bed = new StoreBed(1);
        var file = StorageRig.NewGfid();
        Assert.Equal(Errno.Ok, Mknod(bed, "file", file));
        Assert.Equal(Errno.Ok, Write(bed, file, 50_000));
        SetFree(bed, Reserve - 4_096);
        Assert.Equal(Errno.ENOSPC, Mknod(bed, "more"));
        Assert.Equal(Errno.ENOSPC, Write(bed, file, 1));
        Assert.Equal(0, (long)Available(bed));
        Assert.Equal(Errno.Ok, Stat(bed, file));
        Assert.Equal(Errno.Ok, Truncate(bed, file));
        Assert.Equal(Errno.Ok, Rename(bed, "file", "other")); // The reserve is for that.
        Assert.Equal(Errno.Ok, Unlink(bed, "other"));
        SetFree(bed, Reserve + 500_000);
        Assert.InRange((long)Available(bed), 1, 500_000);
        Assert.Equal(Errno.Ok, Mknod(bed, "more"));
        bed.AssertAllAreEqual("after a full disk");
        Assert.All(bed.Members, m => Assert.Equal(Errno.Ok, m.Failure));
    }

    /// <summary>Its replay wants a block before the first entry: it waits, and does not end again and again.</summary>
    [Fact]
    public void AMemberThatStartsOnAFullDiskWaitsForRoom()
    {
        using var bed = new StoreBed(4);
        var file = StorageRig.NewGfid();
        Assert.Equal(Errno.Ok, Mknod(bed, "file", file));
        Assert.Equal(Errno.Ok, Write(bed, file, 5_000));
        var full = bed.Members.First(m => m != bed.Leader);
        full.Crash(SimCrash.Process);
        Assert.Equal(Errno.Ok, Write(bed, file, 6_000));
        full.Node.Restart();
        full.Start();
        full.Faults.IsFull = true;
        bed.World.RunFor(5_000);
        Assert.Equal(Errno.Ok, full.Failure);
        Assert.Equal(default, full.Applied);
        Assert.Equal(Errno.Ok, Write(bed, file, 7_000));
        full.Faults.IsFull = false;
        bed.AssertAllAreEqual("when there is room");
        Assert.All(bed.Members, m => Assert.Equal(Errno.Ok, m.Failure));
    }

    [Fact]
    public void TheFullestMemberDecides()
    {
        using var bed = new StoreBed(2);
        var file = StorageRig.NewGfid();
        Assert.Equal(Errno.Ok, Mknod(bed, "file", file));
        SetFree(bed, Plenty);
        var fullest = bed.Members.First(m => m != bed.Leader);
        fullest.FreeBytes = Reserve + 100_000;
        bed.World.RunFor(500);
        Assert.Equal(Errno.Ok, Write(bed, file, 40_000));
        Assert.Equal(Errno.ENOSPC, Write(bed, file, 100_000));
        Assert.InRange((long)Available(bed), 1, 100_000);
        fullest.Crash(SimCrash.Process); // Who is not there counts for nothing.
        bed.World.RunFor(1_000);
        Assert.Equal(Errno.Ok, Write(bed, file, 100_000));
        fullest.Node.Restart();
        fullest.Start();
        bed.AssertAllAreEqual("after it came back");
    }

    /// <summary>Of many at once no more are taken than fit on all disks.</summary>
    [Fact]
    public void WhatIsUnderWayCounts()
    {
        using var bed = new StoreBed(3);
        var files = Enumerable.Range(0, 40).Select(_ => StorageRig.NewGfid()).ToList();
        foreach (var (file, i) in files.Select((f, i) => (f, i)))
        {
            Assert.Equal(Errno.Ok, Mknod(bed, $"f{i}", file));
        }

        SetFree(bed, Reserve + 1_000_000);
        var leader = bed.Leader!;
        var writes = files.Select(f => SimTasks.Start(leader.Node, () => WriteAsync(leader.Top!, new Call(), null, f, 0, new byte[100_000])))
            .ToList();
        Assert.True(bed.World.RunUntil(() => writes.All(w => w.IsCompleted), 10_000));
        Assert.InRange(writes.Count(w => w.Result == Errno.Ok), 4, 9);
        Assert.Equal(40, writes.Count(w => w.Result is Errno.Ok or Errno.ENOSPC));
    }

    [Fact]
    public void AFollowerWithoutRoomIsLeftBehindAndComesBack()
    {
        using var bed = new StoreBed(4);
        SetFree(bed, Plenty);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        var full = bed.Members.First(m => m != bed.Leader);
        full.Faults.IsFull = true;
        full.FreeBytes = 0;
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(Errno.Ok, Mknod(bed, $"f{i}"));
            bed.World.RunFor(300);
        }

        Assert.True(full.Replica!.IsOutOfRoom);
        Assert.Equal(Errno.Ok, full.Failure);
        full.FreeBytes = Plenty;
        full.Faults.IsFull = false;
        bed.AssertAllAreEqual("after there was room again");
        bed.World.RunFor(200);
        Assert.False(full.Replica.IsOutOfRoom);
    }

    [Fact]
    public void ALeaderWithoutRoomHandsTheLeadOver()
    {
        using var bed = new StoreBed(5);
        SetFree(bed, Plenty);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        bed.World.RunFor(300);
        var full = bed.Leader!;
        full.Faults.IsFull = true;
        full.FreeBytes = 0;
        var stuck = SimTasks.Start(full.Node, () => MknodAsync(full.Top!, new Call(), null, StorageRig.NewGfid(), "stuck"));
        Assert.True(bed.World.RunUntil(() => bed.Leader is { } leader && leader != full, 4_000), "nobody else leads");
        Assert.Equal(Errno.Ok, Mknod(bed, "after"));
        bed.World.RunFor(10_000);
        Assert.NotSame(full, bed.Leader);
        Assert.True(full.Hangs > 0 || stuck.IsCompleted);
        full.FreeBytes = Plenty;
        full.Faults.IsFull = false;
        Assert.True(bed.World.RunUntil(() => stuck.IsCompleted, 5_000));
        bed.AssertAllAreEqual("after there was room again");
        Assert.Equal(Errno.Ok, full.Failure);
    }

    /// <summary>The first of the others answers, and counts, but has not got on for a while.</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void ALeaderWithoutRoomHandsTheLeadToWhoCanHaveIt(ulong seed)
    {
        using var bed = new StoreBed(seed);
        SetFree(bed, Plenty);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        bed.World.RunFor(300);
        var full = bed.Leader!;
        var slow = bed.Members.First(m => m != full);
        slow.Node.HangDisk();
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(Errno.Ok, Mknod(bed, $"f{i}"));
        }

        full.FreeBytes = 0;
        Assert.True(
            bed.World.RunUntil(() => bed.Leader is { } leader && leader != full, 1_500), "nobody else leads");
        Assert.NotSame(slow, bed.Leader);
        slow.Node.ReleaseDisk();
        full.FreeBytes = Plenty;
        bed.World.RunFor(500);
        Assert.Equal(Errno.Ok, Mknod(bed, "after"));
        bed.AssertAllAreEqual("after there was room again");
    }

    /// <summary>Nobody is near, so the lead cannot be handed over; who is elected has everything.</summary>
    [Fact]
    public void ALeaderWithoutRoomThatNobodyFollowsCloselyGivesTheLeadUp()
    {
        using var bed = new StoreBed(9);
        SetFree(bed, Plenty);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        bed.World.RunFor(300);
        var full = bed.Leader!;
        var others = bed.Members.Where(m => m != full).ToList();
        others.ForEach(m => m.Faults.Hang = new TaskCompletionSource()); // Their stores do not get on, their disks do.
        for (var i = 0; i < 300; i++)
        {
            Assert.Equal(Errno.Ok, Mknod(bed, $"f{i}"));
        }

        full.FreeBytes = 0;
        Assert.True(bed.World.RunUntil(() => full.Replica!.Role != ReplicaRole.Active, 5_000), "it goes on leading");
        others.ForEach(m => m.Faults.Release());
        Assert.True(
            bed.World.RunUntil(() => bed.Leader is { } leader && leader != full, 4_000), "nobody else leads");
        full.FreeBytes = Plenty;
        bed.World.RunFor(500);
        Assert.Equal(Errno.Ok, Mknod(bed, "after"));
        bed.AssertAllAreEqual("after there was room again");
    }

    /// <summary>All disks are filled by something else: nobody can be better off, and what frees room goes through.</summary>
    [Fact]
    public void WithoutRoomAnywhereWhatFreesSomeIsTaken()
    {
        using var bed = new StoreBed(6);
        Assert.Equal(Errno.Ok, Mknod(bed, "before"));
        SetFree(bed, 0);
        Assert.Equal(Errno.ENOSPC, Mknod(bed, "more"));
        Assert.Equal(Errno.Ok, Unlink(bed, "before"));
        bed.World.RunFor(20_000); // Checkpoints too.
        Assert.NotNull(bed.Leader);
        SetFree(bed, Plenty);
        Assert.Equal(Errno.Ok, Mknod(bed, "more"));
        bed.AssertAllAreEqual("after there was room again");
    }

    /// <summary>The disks say that they are full at any time, to any call; who fails is started again.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void NothingAcknowledgedIsLostWhateverFindsNoRoom(ulong seed)
    {
        using var bed = new StoreBed(seed);
        var random = new SimRandom(seed);
        var names = new Dictionary<string, Gfid>();
        SetFree(bed, Plenty);
        KeepRestarting(bed);
        for (var i = 0; i < 60; i++)
        {
            var victim = bed.Members[random.Below(3)];
            switch (random.Below(8))
            {
                case 0:
                    victim.Node.Disk.FailNext(DiskCall.Write, Errno.ENOSPC, 1, "/rs/s-");
                    break;
                case 1:
                    victim.Node.Disk.FailNext(DiskCall.Write, Errno.ENOSPC, 2, "/rs/checkpoint");
                    break;
                case 2:
                    victim.Node.Disk.FailNext(DiskCall.Preallocate, Errno.ENOSPC, 3, "/rs/spare");
                    break;
                case 3:
                    victim.Node.Disk.FailNext(DiskCall.Write, Errno.ENOSPC, 1, "/rs/super");
                    break;
                case 4:
                    FillForAWhile(bed, victim, random.Below(3_000));
                    break;
                default:
                    break;
            }

            var name = $"f{i}";
            var gfid = StorageRig.NewGfid();
            var error = Mknod(bed, name, gfid);
            Assert.True(error is Errno.Ok or Errno.ENOSPC, $"seed {seed}: {error}");
            if (error == Errno.Ok)
            {
                names.Add(name, gfid);
                _ = Write(bed, gfid, random.Below(30_000));
            }

            bed.World.RunFor(random.Below(1_000));
        }

        SetFree(bed, Plenty);
        bed.World.RunFor(6_000);
        bed.AssertAllAreEqual($"seed {seed}");
        Assert.True(names.Count > 10, $"seed {seed}: only {names.Count}");
        foreach (var (name, gfid) in names)
        {
            var found = StorageRig.Wait(bed.Members[0].Rig!.Store.Lookup(
                new LookupFop { Parent = Gfid.Root, Name = name }, new Call()));
            Assert.True(found.IsOk, $"seed {seed}: {name} is lost: {found.Error}");
            Assert.Equal(gfid, found.Iatt.Gfid);
            found.Release();
        }
    }

    private static void FillForAWhile(StoreBed bed, StoreMember victim, int ms)
    {
        var faults = victim.Faults;
        faults.IsFull = true;
        victim.FreeBytes = 0;
        _ = bed.World.After(ms, () =>
        {
            faults.IsFull = false;
            victim.FreeBytes = Plenty;
        });
    }

    /// <summary>As the brick process does.</summary>
    private static void KeepRestarting(StoreBed bed)
    {
        _ = bed.World.After(1_000, () => KeepRestarting(bed));
        foreach (var member in bed.Members.Where(m => m.Node.IsUp && m.Replica!.Role == ReplicaRole.Failed))
        {
            member.Crash(SimCrash.Process);
            member.Node.Restart();
            member.Start();
        }
    }

    private static void SetFree(StoreBed bed, long bytes)
    {
        foreach (var member in bed.Members)
        {
            member.FreeBytes = bytes;
        }

        bed.World.RunFor(500);
    }

    private static ulong Available(StoreBed bed)
    {
        var leader = bed.Leader!;
        var task = SimTasks.Start(leader.Node, async () =>
        {
            var reply = await leader.Top!.Statfs(new StatfsFop { Gfid = Gfid.Root }, new Call());
            var bytes = reply.StatFs.BlocksAvailable * reply.StatFs.FragmentSize;
            reply.Release();
            return bytes;
        });
        Assert.True(bed.World.RunUntil(() => task.IsCompleted, 1_000));
        return task.Result;
    }

    private static Errno Mknod(StoreBed bed, string name, Gfid gfid = default)
    {
        gfid = gfid.IsNull ? StorageRig.NewGfid() : gfid;
        return bed.Do((top, call, xdata) => MknodAsync(top, call, xdata, gfid, name));
    }

    private static async Task<Errno> MknodAsync(Translator top, Call call, XData? xdata, Gfid gfid, string name)
    {
        xdata ??= XData.Rent();
        xdata.SetGfid("gfid-req"u8, gfid);
        return Outcome(await top.Mknod(
            new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call));
    }

    private static Errno Write(StoreBed bed, Gfid gfid, int length) =>
        bed.Do((top, call, xdata) => WriteAsync(top, call, xdata, gfid, 0, new byte[length]));

    private static Errno Truncate(StoreBed bed, Gfid gfid) => bed.Do(async (top, call, xdata) =>
        Outcome(await top.Truncate(new TruncateFop { Gfid = gfid, Offset = 0, XData = xdata }, call)));

    private static Errno Rename(StoreBed bed, string from, string to) => bed.Do(async (top, call, xdata) =>
        Outcome(await top.Rename(
            new RenameFop { OldParent = Gfid.Root, OldName = from, NewParent = Gfid.Root, NewName = to, XData = xdata },
            call)));

    private static Errno Unlink(StoreBed bed, string name) => bed.Do(async (top, call, xdata) =>
        Outcome(await top.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = name, XData = xdata }, call)));

    private static Errno Stat(StoreBed bed, Gfid gfid) => bed.Do(async (top, call, _) =>
        Outcome(await top.Stat(new StatFop { Gfid = gfid }, call)));
}
