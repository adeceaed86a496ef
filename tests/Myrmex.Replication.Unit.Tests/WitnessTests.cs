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

/// <summary>
/// A replica set of two stores and a witness, all parts real but the disks and the network: the witness stands in for a
/// store that is away as long as its journal has what that lacks, and nobody leads with less.
/// </summary>
public sealed class WitnessTests
{
    private const byte Witness = 2;
    private const int LargeBytes = 256 << 10;

    public static TheoryData<ulong, bool> Seeds
    {
        get
        {
            var data = new TheoryData<ulong, bool>();
            for (var seed = 1UL; seed <= 12; seed++)
            {
                data.Add(seed, seed % 3 == 0);
            }

            return data;
        }
    }

    [Fact]
    public void AWitnessNeverLeadsAndTakesEverything()
    {
        using var bed = NewBed(1);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(Errno.Ok, Mknod(bed, i));
        }

        bed.AssertAllAreEqual("20 files");
        var witness = bed.Members[Witness];
        Assert.True(bed.World.RunUntil(() => witness.Applied == bed.Leader!.Replica!.Commit, 10_000));
        Assert.Equal(ReplicaRole.Follower, witness.Replica!.Role);
        var leader = bed.Leader!;
        leader.Replica!.TransferLead(1, witness.Id);
        bed.World.RunFor(2_000);
        Assert.Equal(leader, bed.Leader);
    }

    /// <summary>The store that is away gets from the witness what it lacks, and leads with it.</summary>
    [Fact]
    public void WhatOnlyTheWitnessHasBesidesALostLeaderIsTakenFromIt()
    {
        using var bed = NewBed(2);
        Assert.Equal(Errno.Ok, Mknod(bed, 0));
        var first = bed.Leader!;
        var other = bed.Members.First(m => m != first && m.Id.Value != Witness);
        other.Crash(SimCrash.Power);
        for (var i = 1; i <= 30; i++)
        {
            Assert.Equal(Errno.Ok, Mknod(bed, i));
        }

        bed.World.RunFor(3_000); // The witness makes checkpoints, and keeps what the other one lacks.
        first.Crash(SimCrash.Power);
        bed.World.RunFor(1_000);
        Assert.Null(bed.Leader);
        other.Node.Restart();
        other.Start();
        for (var i = 0; i <= 30; i++)
        {
            Assert.Equal(Errno.EEXIST, Mknod(bed, i));
        }

        Assert.Equal(other, bed.Leader);
        Assert.Equal(Errno.Ok, Mknod(bed, 31));
        bed.Restart();
        bed.AssertAllAreEqual("after the loss of the leader");
    }

    /// <summary>
    /// The journal of the witness has no room for all that the other one lacks: that one waits for who has it, rather
    /// than to serve less than was answered.
    /// </summary>
    [Fact]
    public void NobodyLeadsWithoutWhatTheWitnessHasDropped()
    {
        using var bed = NewBed(3);
        var gfid = StorageRig.NewGfid();
        Assert.Equal(Errno.Ok, Mknod(bed, 0, gfid));
        bed.AssertAllAreEqual("before");
        var first = bed.Leader!;
        var other = bed.Members.First(m => m != first && m.Id.Value != Witness);
        var lacks = other.Replica!.Last.Value + 1;
        other.Crash(SimCrash.Process);
        var witness = bed.Members[Witness];
        for (var i = 0; i < 200 && witness.Replica!.JournalStart.Value <= lacks; i++)
        {
            Assert.Equal(Errno.Ok, bed.Write(gfid, i % 4 * LargeBytes, new byte[LargeBytes]));
            bed.World.RunFor(300);
        }

        Assert.True(witness.Replica!.JournalStart.Value > lacks, "the journal of the witness was never full");
        first.Crash(SimCrash.Process);
        other.Node.Restart();
        other.Start();
        bed.World.RunFor(30_000);
        Assert.Null(bed.Leader);
        first.Node.Restart();
        first.Start();
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000), "nobody leads");
        Assert.Equal(first, bed.Leader);
        bed.AssertAllAreEqual("when the first one is back");
    }

    [Fact]
    public void AWitnessKeepsNothingThatNobodyLacks()
    {
        using var bed = NewBed(4);
        var gfid = StorageRig.NewGfid();
        Assert.Equal(Errno.Ok, Mknod(bed, 0, gfid));
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(Errno.Ok, bed.Write(gfid, 0, new byte[LargeBytes]));
        }

        var witness = bed.Members[Witness];
        Assert.True(bed.World.RunUntil(() => witness.Replica!.JournalStart.Value > 8, 20_000));
        Assert.All(
            bed.Members.Where(m => m != witness), m => Assert.Equal(1UL, m.Replica!.JournalStart.Value));
    }

    /// <summary>Of the store it needs nothing, so what goes over is small.</summary>
    [Fact]
    public void AWitnessThatWasAwayForLongGoesOnFromWhatIsCommitted()
    {
        using var bed = NewBed(5, new StoreBedOptions { Witness = Witness });
        var gfid = StorageRig.NewGfid();
        Assert.Equal(Errno.Ok, Mknod(bed, 0, gfid));
        var witness = bed.Members[Witness];
        var leader = bed.Leader!;
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(Errno.Ok, bed.Write(gfid, i * LargeBytes, new byte[LargeBytes]));
        }

        var spare = bed.AddSpareWitness();
        bed.World.RunFor(2_000);
        Assert.True(
            bed.World.RunUntil(() => spare.Replica!.Status == MemberStatus.Voter, 60_000), $"{spare.Replica!.Status}");
        Assert.Equal(ReplicaRole.Follower, spare.Replica!.Role);
        Assert.True(bed.World.RunUntil(() => spare.Applied == bed.Leader!.Replica!.Commit, 20_000));
        witness.Crash(SimCrash.Power);
        Assert.Equal(Errno.Ok, Mknod(bed, 1));
        leader = bed.Leader!;
        leader.Crash(SimCrash.Process);
        Assert.Equal(Errno.EEXIST, Mknod(bed, 1));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void NothingAcknowledgedIsLostWhoeverDies(ulong seed, bool allowsMemory)
    {
        using var bed = NewBed(seed, new StoreBedOptions { Witness = Witness, AllowsMemory = allowsMemory });
        var random = new SimRandom(seed);
        var made = new List<int>();
        for (var i = 0; i < 60; i++)
        {
            if (i % 8 == 7)
            {
                bed.Restart();
                var victim = bed.Members[random.Below(3)];
                _ = bed.World.After(random.Below(12), () =>
                {
                    if (victim.Node.IsUp)
                    {
                        victim.Crash(allowsMemory || random.Below(2) == 0 ? SimCrash.Process : SimCrash.Power);
                    }
                });
            }

            Assert.Equal(Errno.Ok, Mknod(bed, i));
            made.Add(i);
        }

        bed.World.RunFor(50);
        bed.Restart();
        bed.AssertAllAreEqual($"seed {seed}");
        foreach (var number in made)
        {
            foreach (var member in bed.Members.Where(m => m.Id.Value != Witness))
            {
                var found = StorageRig.Wait(member.Rig!.Store.Lookup(
                    new LookupFop { Parent = Gfid.Root, Name = NameOf(number) }, new Call()));
                Assert.True(found.IsOk, $"seed {seed}: {number} is not on {member.Node.Name}: {found.Error}");
                found.Release();
            }
        }
    }

    private static StoreBed NewBed(ulong seed, StoreBedOptions? options = null) =>
        new(seed, options: options ?? new StoreBedOptions { Witness = Witness });

    private static string NameOf(int number) => "f" + number.ToString(CultureInfo.InvariantCulture);

    private static Errno Mknod(StoreBed bed, int number, Gfid gfid = default)
    {
        gfid = gfid.IsNull ? StorageRig.NewGfid() : gfid;
        return bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, gfid);
            return Outcome(await top.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = NameOf(number), Mode = 0x81A4, XData = xdata }, call));
        });
    }
}
