using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Simulation;
using Xunit;
using MemberStatus = Myrmex.Replication.Engine.MemberStatus;

namespace Myrmex.Replication.Unit.Tests.Journal;

[Trait("Tier", "unit")]
public sealed class SuperblockTests
{
    private readonly SimDisk _disk = new(new SimRandom(2));

    public SuperblockTests() => _disk.MakeDirectory("/s");

    [Fact]
    public void EverythingIsRememberedAndDamageToEitherCopyTakesNothingBack()
    {
        var state = Full(7);
        Assert.Equal(Errno.Ok, Superblock.Format(_disk, "/s", state));
        foreach (var name in new[] { "/s/super.a", "/s/super.b" })
        {
            for (var at = 0; at < 4096; at += 37)
            {
                _disk.Corrupt(name, at);
                var error = Superblock.Load(_disk, "/s", out var found, out var problem);
                Assert.True(error == Errno.Ok, problem);
                Same(state, found!.State);
                _disk.Corrupt(name, at);
            }
        }
    }

    [Fact]
    public void APowerCutInASaveLeavesTheStateBeforeOrAfter()
    {
        for (ulong seed = 0; seed < 200; seed++)
        {
            var disk = new SimDisk(new SimRandom(seed));
            disk.MakeDirectory("/s");
            Assert.Equal(Errno.Ok, Superblock.Format(disk, "/s", Full(1)));
            disk.SyncDirectory("/");
            Superblock.Load(disk, "/s", out var superblock, out _);
            Assert.Equal(Errno.Ok, superblock!.Save(Full(2)));
            disk.CutPowerAt(disk.ChangeCount + 1 + (long)(seed % 6));
            Assert.Throws<SimPowerCutException>(() => superblock.Save(Full(3)));
            disk.Crash(SimCrash.Power);
            Assert.Equal(Errno.Ok, Superblock.Load(disk, "/s", out var found, out _));
            Assert.InRange(found!.State.Promised.Value, 2ul, 3ul);
            Same(Full(found.State.Promised.Value), found.State);
        }
    }

    [Fact]
    public void ForeignNewerAndLostOnesAreRefusedInWords()
    {
        Assert.Equal(Errno.ENOENT, Superblock.Load(_disk, "/s", out _, out var problem));
        Superblock.Format(_disk, "/s", Full(1));
        var copy = _disk.Content("/s/super.a");
        copy[8] = 9;
        _disk.Overwrite("/s/super.a", 0, copy);
        Assert.Equal(Errno.EINVAL, Superblock.Load(_disk, "/s", out _, out problem));
        Assert.Contains("format 9", problem, StringComparison.Ordinal);
        _disk.Corrupt("/s/super.a", 100);
        _disk.Corrupt("/s/super.b", 100);
        Assert.Equal(Errno.EUCLEAN, Superblock.Load(_disk, "/s", out _, out problem));
        Assert.Contains("promised", problem, StringComparison.Ordinal);
        foreach (var name in new[] { "/s/super.a", "/s/super.b" })
        {
            _disk.Overwrite(name, 0, Enumerable.Repeat((byte)'x', 4096).ToArray());
        }

        Assert.Equal(Errno.EINVAL, Superblock.Load(_disk, "/s", out _, out problem));
        Assert.Contains("not of a journal", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void AFailedSaveIsFinal()
    {
        Superblock.Format(_disk, "/s", Full(1));
        Superblock.Load(_disk, "/s", out var superblock, out _);
        _disk.FailNext(DiskCall.Sync, Errno.EIO);
        Assert.Equal(Errno.EIO, superblock!.Save(Full(2)));
        Assert.Equal(Errno.EIO, superblock.Save(Full(2)));
        Assert.Equal(1ul, superblock.State.Promised.Value);
        Assert.Throws<InvariantException>(() => superblock.Save(Full(0)));
    }

    private static SuperblockState Full(ulong number) => new()
    {
        Incarnation = new UInt128(3, 4),
        Promised = new Term(number),
        Status = MemberStatus.Recovering,
        ConfigurationEpoch = number + 1,
        BootCount = number + 2,
        IsClean = true,
        Checkpoint = new JournalIndex(number + 3),
        DurableFloor = new JournalIndex(number + 4),
        DurableBatch = number + 5,
        Cuts = new CutHistory(1, 2, number),
        Peers = [new PeerDurable(8, new JournalIndex(number)), new PeerDurable(9, new JournalIndex(number + 9))],
    };

    private static void Same(SuperblockState expected, SuperblockState found)
    {
        var none = Array.Empty<PeerDurable>();
        Assert.Equal(expected with { Peers = none }, found with { Peers = none });
        Assert.Equal(expected.Peers, found.Peers);
    }
}
