using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Files that are open when they lose their last name: they live on at every leader, in copies and over crashes, and
/// their space is given back on all members when nobody has them open any more. Goal: POSIX, whoever leads.
/// </summary>
public sealed class KeptFileTests
{
    private const long GraceMs = 20_000;

    private static readonly Gfid File = new(5, 6);
    private static readonly Gfid Other = new(5, 7);

    [Fact]
    public void AnOpenFileWithoutANameIsThereAtEveryLeader()
    {
        using var bed = NewBed();
        EndYouth(bed);
        var fd = Open(bed, File);
        Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        Assert.Equal(Errno.ENOENT, Lookup(bed, "f"));
        AssertKept(bed, File);
        Assert.Equal(Errno.Ok, bed.Write(File, 3, [4, 5]));
        for (var round = 0; round < 3; round++)
        {
            bed.Leader!.Crash(round == 1 ? SimCrash.Power : SimCrash.Process);
            fd = Open(bed, File); // As clients do.
            var iatt = Stat(bed, File);
            Assert.Equal((0u, 5ul), (iatt.Nlink, iatt.Size));
            Assert.Equal([1, 2, 3, 4, 5], Read(bed, fd));
            Assert.Equal(Errno.Ok, bed.Write(File, 0, [1]));
            Assert.Equal(Errno.Ok, AtLeader(bed, async (top, call) =>
                Outcome(await top.Fsync(new FsyncFop { Gfid = File, Fd = fd }, call))));
            bed.Restart();
        }

        AssertKept(bed, File);
        Assert.Equal(Errno.Ok, Release(bed, fd));
        bed.World.RunFor(GraceMs + 5_000);
        AssertGone(bed, File);
    }

    [Fact]
    public void WhatNobodyHasOpenGoesAtOnceAndWhatIsClosedGoesSoon()
    {
        using var bed = NewBed();
        EndYouth(bed);
        Assert.Equal(Errno.Ok, Unlink(bed, "g"));
        bed.World.RunFor(100);
        AssertGone(bed, Other);
        var first = Open(bed, File);
        var second = Open(bed, File);
        Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        Assert.Equal(Errno.Ok, Release(bed, first));
        bed.World.RunFor(GraceMs * 2);
        AssertKept(bed, File);
        Assert.Equal(Errno.Ok, Release(bed, second));
        bed.World.RunFor(3_000);
        AssertGone(bed, File);
    }

    /// <summary>Nobody has led before: what it has not heard of is not open.</summary>
    [Fact]
    public void TheFirstLeaderKnowsAllThatIsOpen()
    {
        using var bed = NewBed();
        Assert.Equal(Errno.Ok, Unlink(bed, "g"));
        bed.World.RunFor(100);
        AssertGone(bed, Other);
        var fd = Open(bed, File);
        Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        AssertKept(bed, File);
        Assert.Equal(Errno.Ok, Release(bed, fd));
        bed.World.RunFor(3_000);
        AssertGone(bed, File);
    }

    [Fact]
    public void AFileThatIsRenamedOverLivesOn()
    {
        using var bed = NewBed();
        EndYouth(bed);
        var fd = Open(bed, File);
        Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) => Outcome(await top.Rename(
            new RenameFop { OldParent = Gfid.Root, OldName = "g", NewParent = Gfid.Root, NewName = "f", XData = xdata },
            call))));
        AssertKept(bed, File);
        bed.Leader!.Crash(SimCrash.Process);
        fd = Open(bed, File);
        Assert.Equal([1, 2, 3], Read(bed, fd));
        Assert.Equal(1u, Stat(bed, Other).Nlink);
        bed.Restart();
        Assert.Equal(Errno.Ok, Release(bed, fd));
        bed.World.RunFor(GraceMs + 5_000);
        AssertGone(bed, File);
    }

    /// <summary>A leader cannot know at first who has what open: it takes nothing away for good.</summary>
    [Fact]
    public void WhatAClientHadOpenAtTheFormerLeaderIsThereWhenItComes()
    {
        using var bed = NewBed();
        EndYouth(bed);
        _ = Open(bed, File);
        bed.Leader!.Crash(SimCrash.Process);
        Assert.Equal(Errno.Ok, Unlink(bed, "f")); // Somebody else was quicker.
        bed.World.RunFor(GraceMs / 2);
        var fd = Open(bed, File);
        bed.World.RunFor(GraceMs * 2);
        Assert.Equal([1, 2, 3], Read(bed, fd));
        bed.Restart();
        AssertKept(bed, File);
        Assert.Equal(Errno.Ok, Release(bed, fd));
        bed.World.RunFor(3_000);
        AssertGone(bed, File);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AClientThatLosesItsConnectionHasATimeToComeBackIn(bool isUnlinkedMeanwhile)
    {
        using var bed = NewBed();
        EndYouth(bed);
        var client = new ClientIdentity("c", "here");
        var fd = Open(bed, File, client);
        if (!isUnlinkedMeanwhile)
        {
            Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        }

        client.IsGone = true;
        Assert.Equal(Errno.Ok, Release(bed, fd, client)); // By the server.
        if (isUnlinkedMeanwhile)
        {
            Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        }

        bed.World.RunFor(GraceMs - 2_000);
        client = new ClientIdentity("c", "here");
        fd = Open(bed, File, client);
        bed.World.RunFor(GraceMs * 2);
        Assert.Equal([1, 2, 3], Read(bed, fd));
        client.IsGone = true;
        Assert.Equal(Errno.Ok, Release(bed, fd, client));
        bed.World.RunFor(GraceMs - 2_000);
        AssertKept(bed, File);
        bed.World.RunFor(5_000);
        AssertGone(bed, File);
    }

    [Fact]
    public void AllMembersMayDieAndWhatNobodyComesForIsGivenBack()
    {
        using var bed = NewBed();
        EndYouth(bed);
        _ = Open(bed, File);
        Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        foreach (var member in bed.Members)
        {
            member.Crash(SimCrash.Power);
        }

        bed.Restart();
        Assert.Equal(Errno.Ok, bed.Write(File, 0, [9]));
        AssertKept(bed, File);
        bed.World.RunFor(GraceMs + 5_000);
        AssertGone(bed, File);
    }

    [Fact]
    public void ACopyHasFilesWithoutAName()
    {
        using var bed = NewBed(new StoreBedOptions { CheckpointMs = 300, Needy = 2, LockGraceMs = GraceMs });
        EndYouth(bed);
        var fd = Open(bed, File);
        Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        bed.World.RunFor(1_000);
        var copied = bed.Members[2];
        copied.Start();
        Assert.True(bed.World.RunUntil(() => copied.Replica!.Status == MemberStatus.Voter, 60_000), "no copy");
        bed.AssertAllAreEqual("after the copy");
        AssertKept(bed, File);
        var former = bed.Leader!;
        LockUser.Transfer(bed, former, copied);
        var second = Open(bed, File);
        Assert.Equal([1, 2, 3], Read(bed, second));
        Assert.Equal(Errno.Ok, Release(bed, second));
        Assert.Equal(Errno.Ok, LockUser.On(bed, former, async (top, call) =>
            Outcome(await top.Release(new ReleaseFop { Gfid = File, Fd = fd }, call)))); // As clients do.
        bed.World.RunFor(GraceMs + 5_000);
        AssertGone(bed, File);
    }

    /// <summary>Distributing clients make a link file with the gfid of the file that it leads to.</summary>
    [Fact]
    public void AnotherFileMayGetTheGfid()
    {
        using var bed = NewBed();
        EndYouth(bed);
        var fd = Open(bed, File);
        Assert.Equal(Errno.Ok, Unlink(bed, "f"));
        AssertKept(bed, File);
        Assert.Equal(Errno.Ok, Release(bed, fd));
        Assert.Equal(Errno.Ok, Make(bed, "again", File)); // Before it is ended.
        var iatt = Stat(bed, File);
        Assert.Equal((1u, 0ul), (iatt.Nlink, iatt.Size));
        bed.World.RunFor(GraceMs * 2);
        bed.AssertAllAreEqual("with another file");
        Assert.All(bed.Members, m => Assert.Empty(Forced(m).ListKept()));
        Assert.Equal(1u, Stat(bed, File).Nlink);
    }

    /// <summary>Whoever was told that the file is open finds it at the next leader.</summary>
    [Fact]
    public void AnOpenAtTheSameTimeIsBeforeOrAfter()
    {
        var opened = 0;
        for (ulong seed = 1; seed <= 30; seed++)
        {
            using var bed = NewBed(seed: seed);
            EndYouth(bed);
            var leader = bed.Leader!;
            var fd = NewFd(File);
            var delayMs = (long)bed.World.Random.Below(4);
            var unlink = SimTasks.Start(leader.Node, async () => Outcome(await leader.Top!.Unlink(
                new UnlinkFop { Parent = Gfid.Root, Name = "f" }, new Call())));
            bed.World.RunFor(delayMs);
            var open = SimTasks.Start(leader.Node, async () => Outcome(await leader.Top!.Open(
                new OpenFop { Gfid = File, Flags = OpenFlags.ReadWrite, Fd = fd }, new Call())));
            Assert.True(bed.World.RunUntil(() => unlink.IsCompleted && open.IsCompleted, 10_000));
            Assert.Equal(Errno.Ok, unlink.Result);
            Assert.True(open.Result is Errno.Ok or Errno.ESTALE, open.Result.ToString());
            opened += open.Result == Errno.Ok ? 1 : 0;
            leader.Crash(SimCrash.Process);
            Assert.Equal(open.Result, TryOpen(bed, NewFd(File)));
        }

        Assert.InRange(opened, 0, 29); // Some come too late, or it is no race.
    }

    private static StoreBed NewBed(StoreBedOptions? options = null, ulong seed = 3)
    {
        var bed = new StoreBed(seed, options: options ?? new StoreBedOptions { LockGraceMs = GraceMs });
        Assert.Equal(Errno.Ok, Make(bed, "f", File));
        Assert.Equal(Errno.Ok, Make(bed, "g", Other));
        Assert.Equal(Errno.Ok, bed.Write(File, 0, [1, 2, 3]));
        return bed;
    }

    /// <summary>The leader has heard of everything that is open by now.</summary>
    private static void EndYouth(StoreBed bed) => bed.World.RunFor(GraceMs + 2_000);

    private static IForcedStore Forced(StoreMember member) => (IForcedStore)member.Rig!.Store;

    private static void AssertKept(StoreBed bed, Gfid gfid)
    {
        bed.AssertAllAreEqual("with a file without a name");
        Assert.All(bed.Members, m => Assert.Equal([gfid], Forced(m).ListKept()));
    }

    private static void AssertGone(StoreBed bed, Gfid gfid)
    {
        bed.AssertAllAreEqual("when it is gone");
        Assert.All(bed.Members, m => Assert.Empty(Forced(m).ListKept()));
        Assert.All(bed.Members, m => Assert.Equal(Errno.ESTALE, m.Rig!.TryStat(gfid)));
    }

    private static Errno AtLeader(StoreBed bed, Func<Translator, Call, Task<Errno>> fop)
    {
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000), "nobody leads");
        return LockUser.On(bed, bed.Leader!, fop);
    }

    private static Fd NewFd(Gfid gfid) => new(gfid, OpenFlags.ReadWrite, isDirectory: false, slotCount: 16);

    private static Errno TryOpen(StoreBed bed, Fd fd, ClientIdentity? client = null) =>
        AtLeader(bed, async (top, call) =>
        {
            call.Client = client;
            return Outcome(await top.Open(
                new OpenFop { Gfid = fd.Gfid, Flags = OpenFlags.ReadWrite, Fd = fd }, call));
        });

    private static Fd Open(StoreBed bed, Gfid gfid, ClientIdentity? client = null)
    {
        var fd = NewFd(gfid);
        fd.Client = client;
        Assert.Equal(Errno.Ok, TryOpen(bed, fd, client));
        return fd;
    }

    private static Errno Release(StoreBed bed, Fd fd, ClientIdentity? client = null) =>
        AtLeader(bed, async (top, call) =>
        {
            call.Client = client;
            return Outcome(await top.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call));
        });

    private static byte[] Read(StoreBed bed, Fd fd)
    {
        byte[] data = [];
        Assert.Equal(Errno.Ok, AtLeader(bed, async (top, call) =>
        {
            var reply = await top.Read(new ReadFop { Gfid = fd.Gfid, Fd = fd, Size = 100 }, call);
            data = reply.Data.Span.ToArray();
            return Outcome(reply);
        }));
        return data;
    }

    private static Iatt Stat(StoreBed bed, Gfid gfid)
    {
        var iatt = default(Iatt);
        Assert.Equal(Errno.Ok, AtLeader(bed, async (top, call) =>
        {
            var reply = await top.Stat(new StatFop { Gfid = gfid }, call);
            iatt = reply.Iatt;
            return Outcome(reply);
        }));
        return iatt;
    }

    private static Errno Lookup(StoreBed bed, Name name) => AtLeader(bed, async (top, call) =>
        Outcome(await top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call)));

    private static Errno Unlink(StoreBed bed, Name name) => bed.Do(async (top, call, xdata) =>
        Outcome(await top.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = name, XData = xdata }, call)));

    private static Errno Make(StoreBed bed, Name name, Gfid gfid) => bed.Do(async (top, call, xdata) =>
    {
        xdata.SetGfid("gfid-req"u8, gfid);
        return Outcome(await top.Mknod(
            new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call));
    });
}
