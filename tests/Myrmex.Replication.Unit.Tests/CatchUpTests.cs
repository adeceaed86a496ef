using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// A member that was away gets what is overwritten without its bytes, and its store is in the end as those of the others,
/// whoever dies meanwhile and whoever leads then.
/// </summary>
public sealed class CatchUpTests
{
    private const int FileBytes = 600_000;
    private const int WriteBytes = 80_000;
    private static readonly Gfid File = new(77, 6);

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 16).Select(n => (ulong)n)];

    [Fact]
    public void WhatIsOverwrittenDoesNotGoOver()
    {
        using var bed = new StoreBed(3);
        var load = new Overwriting(bed, 3);
        load.Run(2);
        var (leader, away) = Leave(bed);
        load.Run(120); // 9.6 MB into 0.6 MB.
        away.Node.Restart();
        away.Start();
        bed.AssertAllAreEqual("it is back");
        load.Check(bed);
        Assert.Equal(leader, bed.Leader);
        var (entries, bytes) = leader.Replica!.Elided;
        Assert.InRange(entries, 80, 120);
        Assert.InRange(load.Written - bytes, FileBytes / 2, FileBytes + (2 * WriteBytes) + (16 * WriteBytes)); // 16 to find the place.
        Assert.True(away.Replica!.ElidedThrough > new JournalIndex(100), $"{away.Replica.ElidedThrough}");
        Assert.True(away.Replica.ElidedThrough <= leader.Replica.Commit);
        Assert.Equal(JournalIndex.None, leader.Replica.ElidedThrough);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void TheStoresAreEqualWhoeverDiesMeanwhile(ulong seed)
    {
        using var bed = new StoreBed(seed, options: new StoreBedOptions { Witness = seed % 3 == 0 ? (byte)2 : null });
        var random = new SimRandom(seed);
        var load = new Overwriting(bed, seed);
        load.Run(5);
        var elided = 0L;
        for (var round = 0; round < 3; round++)
        {
            var (leader, away) = Leave(bed);
            load.Run(80 + random.Below(40));
            away.Node.Restart();
            away.Start();
            if (random.Below(3) > 0)
            {
                var victim = random.Below(2) == 0 ? away : bed.Leader;
                bed.World.RunFor(5 + random.Below(400)); // In the middle of it, mostly.
                elided += leader.Replica?.Elided.Entries ?? 0;
                if (victim is { Node.IsUp: true })
                {
                    victim.Crash(random.Below(2) == 0 ? SimCrash.Process : SimCrash.Power);
                    bed.World.RunFor(random.Below(3_000));
                    bed.Restart();
                }
            }

            load.Run(5);
            Assert.True(
                bed.World.RunUntil(() => bed.Leader is { } now && bed.Members.All(m => m.Node.IsUp && m.Applied == now.Replica!.Commit), 90_000),
                $"seed {seed}, round {round}");
            bed.AssertAllAreEqual($"seed {seed}, round {round}");
            load.Check(bed);
            elided += bed.Members.Max(m => m.Replica!.Elided.Entries);
        }

        Assert.True(elided > 20, $"seed {seed}: {elided}");
    }

    private static (StoreMember Leader, StoreMember Away) Leave(StoreBed bed)
    {
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000));
        var leader = bed.Leader!;
        var away = bed.Members.First(m => m != leader);
        away.Crash(SimCrash.Process);
        return (leader, away);
    }

    /// <summary>Writes over one file, at pages and elsewhere, and now and then cuts it.</summary>
    private sealed class Overwriting
    {
        private readonly StoreBed _bed;
        private readonly SimRandom _random;
        private byte[] _content = [];

        public Overwriting(StoreBed bed, ulong seed)
        {
            (_bed, _random) = (bed, new SimRandom(seed + 500));
            Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
            {
                xdata.SetGfid("gfid-req"u8, File);
                var fop = new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata };
                return Outcome(await top.Mknod(fop, call));
            }));
        }

        public long Written { get; private set; }

        public void Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var data = new byte[WriteBytes - _random.Below(3 * 4096)];
                _random.Fill(data);
                var offset = _random.Below(FileBytes - data.Length);
                offset = _random.Below(3) == 0 ? offset : offset & ~4095;
                Assert.Equal(Errno.Ok, _bed.Write(File, offset, data));
                Array.Resize(ref _content, Math.Max(_content.Length, offset + data.Length));
                data.CopyTo(_content, offset);
                Written += data.Length;
                if (_random.Below(25) == 0)
                {
                    Cut(_random.Below(FileBytes));
                }
            }
        }

        public void Check(StoreBed bed)
        {
            foreach (var member in bed.Members.Where(m => m.Rig is not null))
            {
                var reply = StorageRig.Wait(member.Rig!.Store.Read(
                    new ReadFop { Gfid = File, Fd = Fd.Anonymous(File), Size = FileBytes + 1 }, new Call()));
                Assert.True(reply.Data.Span.SequenceEqual(_content), $"{member.Node.Name} has other bytes");
                reply.Release();
            }
        }

        private void Cut(int size)
        {
            Assert.Equal(Errno.Ok, _bed.Do(async (top, call, xdata) =>
                Outcome(await top.Truncate(new TruncateFop { Gfid = File, Offset = size, XData = xdata }, call))));
            Array.Resize(ref _content, size);
        }
    }
}
