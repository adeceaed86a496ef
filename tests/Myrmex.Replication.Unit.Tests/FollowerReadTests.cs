using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>Reads at members that follow: they see whatever was answered, and readers elsewhere see no less after them.</summary>
public sealed class FollowerReadTests
{
    private static readonly Gfid File = new(5, 6);

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 12).Select(n => (ulong)n)];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatWasAnsweredIsReadAtEveryMember(bool readLease)
    {
        using var bed = new StoreBed(1, readLease);
        Make(bed);
        for (var value = 1UL; value <= 30; value++)
        {
            Assert.Equal(Errno.Ok, bed.Write(File, 0, Bytes(value)));
            foreach (var member in bed.Members)
            {
                Assert.Equal((Errno.Ok, value), End(bed, BeginRead(member)));
            }
        }
    }

    /// <summary>
    /// One writer counts, many read at all members, and members are killed, frozen and cut off: nobody reads less than what
    /// was answered, or read, before he began.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void NobodyReadsLessThanAnybodyHasReadBefore(ulong seed)
    {
        using var bed = new StoreBed(seed, readLease: seed % 2 == 0);
        Make(bed);
        var random = new SimRandom(seed);
        var (least, read, refused, value) = (0UL, 0, 0, 0UL);
        var running = new List<(Task<(Errno Error, ulong Value)> Task, ulong Least, StoreMember At)>();
        for (var round = 0; round < 150; round++)
        {
            if (round % 15 == 14)
            {
                Disturb(bed, random);
            }

            _ = bed.World.RunUntil(() => bed.Leader is not null, 2_000);
            var write = BeginWrite(bed, value + 1);
            for (var i = 0; i < 6; i++)
            {
                var member = bed.Members[random.Below(3)];
                if (member.Node is { IsUp: true, IsFrozen: false })
                {
                    running.Add((BeginRead(member), least, member));
                }

                bed.World.RunFor(random.Below(4));
                Take(running, ref least, ref read, ref refused);
            }

            if (write is not null && bed.World.RunUntil(() => write.IsCompleted, 2_000) && write.Result == Errno.Ok)
            {
                least = Math.Max(least, value + 1);
            }

            value += write is null ? 0UL : 1;
            Take(running, ref least, ref read, ref refused);
        }

        Assert.True(read > 100, $"only {read} reads were answered, {refused} were not");
    }

    [Fact]
    public void AMemberThatIsCutOffAnswersNoRead()
    {
        using var bed = new StoreBed(3);
        Make(bed);
        Assert.Equal(Errno.Ok, bed.Write(File, 0, Bytes(1)));
        var follower = bed.Members.First(m => m != bed.Leader);
        follower.IsIsolated = true;
        Assert.Equal(Errno.Ok, bed.Write(File, 0, Bytes(2)));
        Assert.Equal(Errno.EREMOTE, End(bed, BeginRead(follower)).Error);
        follower.IsIsolated = false;
        (Errno Error, ulong Value) found = default;
        for (var i = 0; i < 100 && found.Error != Errno.Ok || i == 0; i++)
        {
            bed.World.RunFor(50);
            found = End(bed, BeginRead(follower));
        }

        Assert.Equal((Errno.Ok, 2UL), found);
    }

    [Fact]
    public void WhereAnswersMayComeFromMemoryOnlyTheLeaderReads()
    {
        using var bed = new StoreBed(4, options: new StoreBedOptions { AllowsMemory = true });
        Make(bed);
        var follower = bed.Members.First(m => m != bed.Leader);
        Assert.Equal(Errno.EREMOTE, End(bed, BeginRead(follower)).Error);
        Assert.Equal((Errno.Ok, 0UL), End(bed, BeginRead(bed.Leader!)));
    }

    private static void Disturb(StoreBed bed, SimRandom random)
    {
        bed.Restart();
        var victim = random.Below(2) == 0 ? bed.Leader ?? bed.Members[0] : bed.Members[random.Below(3)];
        switch (random.Below(3))
        {
            case 0 when victim.Node.IsUp:
                victim.Crash(SimCrash.Process);
                break;
            case 1:
                victim.IsIsolated = true;
                _ = bed.World.After(random.Below(3_000), () => victim.IsIsolated = false);
                break;
            default:
                bed.World.RunFor(random.Below(500));
                break;
        }
    }

    private static void Take(
        List<(Task<(Errno Error, ulong Value)> Task, ulong Least, StoreMember At)> running, ref ulong least, ref int read,
        ref int refused)
    {
        var highest = least;
        foreach (var (task, began, at) in running.Where(r => r.Task.IsCompleted))
        {
            if (task.Result.Error == Errno.Ok)
            {
                read++;
                Assert.True(task.Result.Value >= began, $"read {task.Result.Value} at {at.Id}, {began} was there before");
                highest = Math.Max(highest, task.Result.Value);
            }
            else
            {
                refused++;
            }
        }

        least = highest;
        running.RemoveAll(static r => r.Task.IsCompleted);
    }

    private static Task<Errno>? BeginWrite(StoreBed bed, ulong value)
    {
        if (bed.Leader is not { } leader)
        {
            return null;
        }

        return SimTasks.Start(leader.Node, () => WriteAsync(leader.Top!, new Call(), null, File, 0, Bytes(value)));
    }

    private static Task<(Errno Error, ulong Value)> BeginRead(StoreMember member) =>
        SimTasks.Start(member.Node, async () =>
        {
            var xdata = XData.Rent();
            xdata.SetInt("myrmex.here"u8, 1);
            var fop = new ReadFop { Gfid = File, Fd = Fd.Anonymous(File), Size = 4096, XData = xdata };
            var reply = await member.Top!.Read(fop, new Call());
            xdata.Release();
            var answer = (reply.Error, reply.IsOk ? BinaryPrimitives.ReadUInt64LittleEndian(reply.Data.Span) : 0);
            reply.Release();
            return answer;
        });

    private static (Errno Error, ulong Value) End(StoreBed bed, Task<(Errno Error, ulong Value)> task)
    {
        Assert.True(bed.World.RunUntil(() => task.IsCompleted, 10_000), "no answer");
        return task.Result;
    }

    private static void Make(StoreBed bed)
    {
        Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, File);
            return Outcome(await top.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata }, call));
        }));
        Assert.Equal(Errno.Ok, bed.Write(File, 0, Bytes(0)));
    }

    private static byte[] Bytes(ulong value)
    {
        var bytes = new byte[4096];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }
}
