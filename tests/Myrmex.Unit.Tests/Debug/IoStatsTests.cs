using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Debug;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Debug;

/// <summary>debug/io-stats.</summary>
public sealed class IoStatsTests
{
    private readonly ManualTime _time = new();
    private readonly Call _call = Call.Rent();
    private readonly Fd _fd = new(new Gfid(1, 2), OpenFlags.ReadWrite, false, 0);

    [Fact]
    public async Task FopsErrorsAndBytesAreCounted()
    {
        var stats = Make(out var script, ("count-fop-hits", "on"));
        await stats.Lookup(default, _call);
        script.Answers[FopCode.Lookup] = () => LookupReply.Fail(Errno.ENOENT);
        await stats.Lookup(default, _call);
        var data = Payload.CopyOf(new byte[5000]);
        await stats.Write(new WriteFop { Fd = _fd, Data = data }, _call);
        script.Answers[FopCode.Read] = () =>
        {
            var reply = ReadReply.Rent();
            reply.Data = Payload.CopyOf(new byte[100]);
            return reply;
        };
        (await stats.Read(new ReadFop { Fd = _fd, Size = 4096 }, _call)).Release();
        data.Release();
        var total = stats.Total();
        Assert.Equal((2, 1), (total.Fops[(int)FopCode.Lookup].Count, total.Fops[(int)FopCode.Lookup].Errors));
        Assert.Equal((100, 5000), (total.ReadBytes, total.WrittenBytes));
        Assert.Equal((1, 1), (total.Writes[12], total.Reads[6]));
        Assert.Equal(0, total.Fops[(int)FopCode.Lookup].Measured);
    }

    [Fact]
    public async Task LatencyOfALateAnswerIsMeasured()
    {
        var stats = Make(out var script, ("latency-measurement", "on"));
        script.Hold = true;
        var first = stats.Stat(default, _call);
        _time.Advance(3);
        script.Held[0]();
        await first;
        var second = stats.Stat(default, _call);
        _time.Advance(5);
        script.Held[1]();
        await second;
        var stat = stats.Total().Fops[(int)FopCode.Stat];
        Assert.Equal((2, 3_000_000, 4_000_000, 5_000_000), (stat.Measured, stat.MinNs, stat.AverageNs, stat.MaxNs));
    }

    [Fact]
    public async Task AnIntervalCountsFromTheLastOne()
    {
        var stats = Make(out _, ("count-fop-hits", "on"));
        await stats.Stat(default, _call);
        Assert.Equal(1, stats.Interval().Fops[(int)FopCode.Stat].Count);
        Assert.Equal(0, stats.Interval().Fops[(int)FopCode.Stat].Count);
        await stats.Stat(default, _call);
        Assert.Equal(1, stats.Interval().Fops[(int)FopCode.Stat].Count);
        Assert.Equal(2, stats.Total().Fops[(int)FopCode.Stat].Count);
        stats.Clear();
        Assert.Equal(0, stats.Total().Fops[(int)FopCode.Stat].Count);
    }

    [Fact]
    public async Task NothingIsCountedWhenSwitchedOff()
    {
        var stats = Make(out _);
        await stats.Stat(default, _call);
        Assert.Equal(0, stats.Total().Fops[(int)FopCode.Stat].Count);
        stats.Reconfigure(TestPlace.For(_time, IoStats.Registration, options: ("count-fop-hits", "on")).Options);
        await stats.Stat(default, _call);
        Assert.Equal(1, stats.Total().Fops[(int)FopCode.Stat].Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("on")]
    public void CountingAllocatesNothing(string? value)
    {
        var stats = Make(out var script, ("count-fop-hits", value ?? "off"), ("latency-measurement", value ?? "off"));
        Run(1000);
        Direct(1000);
        script.Seen.Clear();
        script.Seen.Capacity = 20_000;
        var baseline = Allocated(() => Direct(10_000));
        script.Seen.Clear();
        Assert.InRange(Allocated(() => Run(10_000)) - baseline, -1000, 1000);

        void Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                Take(stats.Stat(default, _call));
            }
        }

        void Direct(int count)
        {
            for (var i = 0; i < count; i++)
            {
                Take(stats.Subvolumes[0].Stat(default, _call));
            }
        }
    }

    [Fact]
    public async Task TheDumpIsWrittenUnderItsBareNameAndOnlyForRoot()
    {
        var directory = Directory.CreateTempSubdirectory("myrmex-stats-");
        try
        {
            var stats = Make(out var script, ("count-fop-hits", "on"), ("ios-dump-directory", directory.FullName));
            await stats.Stat(default, _call);
            var values = XData.Rent();
            values.SetString("trusted.io-stats-dump"u8, "../../etc/figures");
            _call.Uid = 1000;
            Assert.Equal(Errno.EPERM, (await stats.Setxattr(new SetxattrFop { Values = values }, _call)).Error);
            _call.Uid = 0;
            Assert.Equal(Errno.Ok, (await stats.Setxattr(new SetxattrFop { Values = values }, _call)).Error);
            _time.RunPosted();
            Assert.Contains("fop.Stat=count:1 errors:0", File.ReadAllText(Path.Combine(directory.FullName, "figures")));
            Assert.Equal(FopCode.Stat, script.Seen.Single().Code);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Take(ValueTask<StatReply> task)
    {
        Assert.True(task.IsCompletedSuccessfully);
        task.Result.Release();
    }

    private IoStats Make(out Script script, params (string Key, string Value)[] options) =>
        (IoStats)IoStats.Registration.Create(
            TestPlace.For(_time, IoStats.Registration, ScriptedTranslator.Create(_time, out script), options: options));
}
