using System;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Aha;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>What is kept is bounded; who finds no room waits. And nothing that was taken stays taken.</summary>
public sealed class BoundsTests
{
    [Fact]
    public void FopsBeyondTheBoundWaitAndDoNotFail()
    {
        var bed = new AhaBed(options: ("wait", "0"));
        Array.ForEach(bed.Proxies, p => p.Crash());
        bed.World.RunFor(100);
        var all = Enumerable.Range(0, SendingLimits.EntriesMax + 1_000)
            .Select(_ => bed.Begin((c, call) => c.Stat(new StatFop { Gfid = Gfid.Root }, call))).ToList();
        bed.World.RunFor(1_000);
        Assert.Equal(SendingLimits.EntriesMax, Number(bed, "kept.fops"));
        Assert.Equal(1_000, Number(bed, "kept.waiting"));
        Assert.DoesNotContain(all, t => t.IsCompleted);
        bed.Proxies[0].Restart();
        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t, 30_000)));
        Assert.Equal(0, Number(bed, "kept.fops") + Number(bed, "kept.waiting"));
    }

    [Fact]
    public void BytesOfAnFdAreBoundedAndDoNotKeepOthersOut()
    {
        var bed = new AhaBed(options: ("wait", "0"));
        var fd = bed.Create("file");
        var other = bed.Create("other");
        Array.ForEach(bed.Proxies, p => p.Crash());
        bed.World.RunFor(100);
        var data = Payload.CopyOf(new byte[8 << 20]);
        var all = Enumerable.Range(0, 12).Select(i => bed.Begin((c, call) => c.Write(
            new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = i, Data = data }, call))).ToList();
        bed.World.RunFor(100);
        Assert.Equal(SendingLimits.FdBytesMax, Number(bed, "kept.bytes"));
        Assert.Equal(4, Number(bed, "kept.waiting"));
        all.Add(bed.BeginWrite(other, 0, 1));
        bed.World.RunFor(100);
        Assert.Equal(SendingLimits.FdBytesMax + 1, Number(bed, "kept.bytes"));
        bed.Proxies[0].Restart();
        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t, 60_000)));
        Assert.Equal(0, Number(bed, "kept.bytes") + Number(bed, "kept.waiting"));
        data.Release();
    }

    [Fact]
    public void BytesOfAllAreBounded()
    {
        var bed = new AhaBed(options: ("wait", "20"));
        var fds = Enumerable.Range(0, 6).Select(i => bed.Create($"file-{i}")).ToList();
        Array.ForEach(bed.Proxies, p => p.Crash());
        bed.World.RunFor(100);
        var data = Payload.CopyOf(new byte[16 << 20]);
        var all = fds.SelectMany(fd => Enumerable.Range(0, 4).Select(i => bed.Begin((c, call) => c.Write(
            new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = i, Data = data }, call)))).ToList();
        bed.World.RunFor(100);
        Assert.Equal(SendingLimits.BytesMax, Number(bed, "kept.bytes"));
        Assert.Equal(8, Number(bed, "kept.waiting"));
        Assert.All(all, t => Assert.Equal(Errno.ETIMEDOUT, bed.End(t, 60_000)));
        Assert.Equal(0, Number(bed, "kept.bytes") + Number(bed, "kept.waiting") + Number(bed, "kept.fops"));
        data.Release();
    }

    /// <summary>The window of numbers is smaller than what may be kept: it is no obstacle at a change of proxy.</summary>
    [Fact]
    public void MoreChangesThanNumbersSurviveAMove()
    {
        var bed = new AhaBed(options: ("wait", "0"));
        var fd = bed.Create("file");
        var all = Enumerable.Range(0, 4_000).Select(i => bed.BeginWrite(fd, i % 7, (byte)i)).ToList();
        for (var i = 0; i < 4; i++)
        {
            bed.World.RunFor(3);
            bed.Current.Crash();
            bed.World.RunFor(5); // It is noticed.
            Assert.True(bed.World.RunUntil(() => bed.Get("proxy") != "none", 15_000));
            Array.ForEach(bed.Proxies, p => p.Restart());
        }

        Assert.All(all, t => Assert.Equal(Errno.Ok, bed.End(t, 120_000)));
        Assert.Equal(4_001, bed.Store.Executed.Count);
        Assert.InRange(bed.Store.OutcomesMax, SendingLimits.WindowMax / 2, SendingLimits.WindowMax);
    }

    /// <summary>A subvolume that throws costs its caller the fop, and nobody else anything.</summary>
    [Fact]
    public void AnExceptionBelowGivesEverythingBack()
    {
        var time = new ManualTime();
        var proxy = new Throwing(TestPlace.For(time));
        var client = new Aha(TestPlace.For(time, Aha.Registration, proxy, slot: 1));
        client.Start();
        proxy.Up();
        time.Advance(500);
        var fd = new Fd(new Gfid(5, 6), OpenFlags.ReadWrite, isDirectory: false, slotCount: 2);
        for (var i = 0; i < 3 * SendingLimits.WindowMax; i++)
        {
            var task = client.Fxattrop(new FxattropFop { Fd = fd }, new Call());
            time.RunPosted();
            Assert.True(task.IsCompleted, $"fop {i} waits for ever");
            Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult());
        }

        var dump = new StateDump();
        client.DumpState(dump);
        Assert.Contains("kept.fops=0\n", dump.ToString());
        Assert.Contains("session.outstanding=0\n", dump.ToString());
    }

    private static long Number(AhaBed bed, string key) => long.Parse(bed.Get(key), CultureInfo.InvariantCulture);

    private sealed class Throwing(TranslatorPlace place) : LeafTranslator(place)
    {
        public void Up() => NotifyParents(new GraphEvent(GraphEventKind.ChildUp));

        public override ValueTask<StatReply> Stat(in StatFop fop, Call call) => new(StatReply.Rent());

        public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) => new(IpcReply.Rent());

        public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) =>
            throw new InvalidOperationException("as if there were a mistake");
    }
}
