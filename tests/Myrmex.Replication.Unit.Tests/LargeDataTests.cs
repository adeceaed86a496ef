using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Large data is taken from where the journal has it. Method: storage/memory reads it from there as a store on the same disk
/// would share its blocks; small segments are emptied and used again all the time, members die, and each store is compared
/// with what was written.
/// </summary>
public sealed class LargeDataTests
{
    private const int FileBytes = 1 << 20;
    private static readonly Gfid File = new(77, 5);

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 10).Select(n => (ulong)n)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void EveryStoreHasWhatWasWritten(ulong seed)
    {
        using var bed = new StoreBed(seed, options: new StoreBedOptions { CheckpointMs = 30, RetainedEntries = 3 });
        var random = new SimRandom(seed);
        Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, File);
            var fop = new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata };
            return Outcome(await top.Mknod(fop, call));
        }));
        var content = new byte[FileBytes];
        var end = 0;
        for (var i = 0; i < 60; i++)
        {
            MaybeFail(bed, random, i);
            var data = new byte[random.Below(4) == 0 ? 1 + random.Below(70_000) : (64 << 10) + random.Below(150_000)];
            for (var at = 0; at < data.Length; at++)
            {
                data[at] = (byte)random.Below(256);
            }

            var offset = random.Below(FileBytes - data.Length);
            offset = random.Below(3) == 0 ? offset : offset & ~4095;
            Write(bed, data, offset);
            data.CopyTo(content, offset);
            end = Math.Max(end, offset + data.Length);
        }

        bed.World.RunFor(200);
        bed.Restart();
        bed.AssertAllAreEqual($"seed {seed}");
        foreach (var member in bed.Members)
        {
            var reply = StorageRig.Wait(member.Rig!.Store.Read(
                new ReadFop { Gfid = File, Fd = Fd.Anonymous(File), Size = FileBytes }, new Call()));
            Assert.True(
                reply.Data.Span.SequenceEqual(content.AsSpan(0, end)), $"seed {seed}: {member.Node.Name} has other bytes");
            reply.Release();
        }
    }

    private static void MaybeFail(StoreBed bed, SimRandom random, int step)
    {
        if (step % 15 != 14)
        {
            return;
        }

        bed.Restart();

        // One of three at a time: who is still being copied counts for nothing, and nobody could lead without two.
        Assert.True(
            bed.World.RunUntil(() => bed.Members.All(m => m.Replica is { Status: MemberStatus.Voter } replica
                && replica.Last == bed.Leader?.Replica?.Last), 60_000),
            "a member does not become whole");
        var victim = random.Below(2) == 0 ? bed.Members[random.Below(3)] : bed.Leader;
        if (victim is { Node.IsUp: true })
        {
            _ = bed.World.After(random.Below(12), () =>
            {
                if (victim.Node.IsUp)
                {
                    victim.Crash(random.Below(2) == 0 ? SimCrash.Power : SimCrash.Process);
                }
            });
        }
    }

    private static void Write(StoreBed bed, byte[] data, int offset) =>
        Assert.Equal(Errno.Ok, bed.Write(File, offset, data));
}
