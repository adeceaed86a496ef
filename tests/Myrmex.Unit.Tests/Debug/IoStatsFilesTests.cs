using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Debug;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Debug;

/// <summary>debug/io-stats by file, open files, and latencies of intervals.</summary>
public sealed class IoStatsFilesTests
{
    private readonly ManualTime _time = new();
    private readonly Call _call = Call.Rent();

    [Fact]
    public async Task OpenFilesAreCountedAlsoWhenNothingElseIs()
    {
        var stats = Make(out var script);
        var fd = new Fd(new Gfid(1, 2), 0, false, 8);
        await stats.Open(new OpenFop { Gfid = fd.Gfid, Fd = fd }, _call);
        await stats.Create(new CreateFop { Fd = fd }, _call);
        script.Answers[FopCode.Open] = () => OpenReply.Fail(Errno.EACCES);
        await stats.Open(new OpenFop { Gfid = fd.Gfid, Fd = fd }, _call);
        Assert.Equal((2, 2), (stats.OpenFiles.Current, stats.OpenFiles.Max));
        Assert.NotEqual(0, stats.OpenFiles.MaxWallNs);
        await stats.Release(new ReleaseFop { Fd = fd }, _call);
        Assert.Equal((1, 2), (stats.OpenFiles.Current, stats.OpenFiles.Max));
        stats.ClearTop();
        Assert.Equal(new OpenFigures(1, 0, 0), stats.OpenFiles);
        Assert.Empty(stats.Top(TopKind.Open, 10));
    }

    [Fact]
    public async Task FilesAreListedByWhatWasDoneWithThem()
    {
        var stats = Make(out var script, ("count-fop-hits", "on"), ("latency-measurement", "on"));
        var data = Payload.CopyOf(new byte[1000]);
        script.OnFop = (code, _) => _time.Advance(code == FopCode.Write ? 1 : 0);
        for (ulong file = 1; file <= 3; file++)
        {
            var fd = new Fd(new Gfid(9, file), 0, false, 8);
            for (ulong i = 0; i < file; i++)
            {
                await stats.Write(new WriteFop { Gfid = fd.Gfid, Fd = fd, Data = data }, _call);
            }
        }

        // A request may leave the gfid to the fd.
        var bare = new Fd(new Gfid(9, 1), 0, false, 8);
        await stats.Readdirp(new ReaddirpFop { Fd = bare }, _call);
        script.Answers[FopCode.Write] = () => WriteReply.Fail(Errno.ENOSPC);
        await stats.Write(new WriteFop { Gfid = new Gfid(9, 4), Fd = bare, Data = data }, _call);
        data.Release();
        Assert.Equal([3L, 2L], stats.Top(TopKind.Write, 2).Select(f => f.Writes));
        Assert.Equal(new Gfid(9, 3), stats.Top(TopKind.Write, 1).Single().Gfid);
        Assert.Equal(3, stats.Top(TopKind.Write, 100).Count);
        Assert.Equal(new Gfid(9, 1), stats.Top(TopKind.Readdir, 100).Single().Gfid);

        // 1000 bytes in a millisecond.
        Assert.Equal(1.0, stats.Top(TopKind.WritePerf, 1).Single().WriteMBps, 3);
        Assert.Empty(stats.Top(TopKind.ReadPerf, 1));
    }

    [Fact]
    public async Task FilesThatWereUsedLastAreKept()
    {
        var stats = Make(out var script, ("count-fop-hits", "on"));
        var fd = new Fd(new Gfid(7, 7), 0, false, 8);
        for (ulong file = 1; file <= 50_000; file++)
        {
            script.Seen.Clear();
            await stats.Opendir(new OpendirFop { Gfid = new Gfid(file * 31, file), Fd = fd }, _call);
            if (file % 100 == 0)
            {
                await stats.Opendir(new OpendirFop { Gfid = new Gfid(7, 7), Fd = fd }, _call);
            }
        }

        var all = stats.Top(TopKind.Opendir, int.MaxValue);
        Assert.InRange(all.Count, 2048, 4096);
        Assert.Equal((new Gfid(7, 7), 500L), (all[0].Gfid, all[0].Opendirs));
        Assert.Contains(all, f => f.Gfid.Low == 50_000);
    }

    [Fact]
    public async Task AnIntervalHasItsOwnSmallestAndLargestLatency()
    {
        var stats = Make(out var script, ("latency-measurement", "on"));
        await StatIn(9);
        Assert.Equal((0, 9_000_000L), (stats.Interval().Number, stats.Interval(peek: true).Fops[(int)FopCode.Stat].MaxNs is 0 ? 9_000_000L : 0));
        await StatIn(2);
        await StatIn(4);
        var peeked = stats.Interval(peek: true);
        var taken = stats.Interval();
        Assert.Equal((1, 1), (peeked.Number, taken.Number));
        foreach (var interval in new[] { peeked, taken })
        {
            var stat = interval.Fops[(int)FopCode.Stat];
            Assert.Equal((2L, 2_000_000L, 4_000_000L), (stat.Count, stat.MinNs, stat.MaxNs));
            Assert.Equal(6_000_000, interval.DurationNs);
        }

        Assert.Equal(9_000_000, stats.Total().Fops[(int)FopCode.Stat].MaxNs);
        Assert.Equal(15_000_000, stats.Total().DurationNs);
        stats.Clear();
        Assert.Equal((0, 0L), (stats.Interval(peek: true).Number, stats.Total().DurationNs));

        async Task StatIn(int ms)
        {
            script.OnFop = (_, _) => _time.Advance(ms);
            (await stats.Stat(default, _call)).Release();
        }
    }

    private IoStats Make(out Script script, params (string Key, string Value)[] options) =>
        (IoStats)IoStats.Registration.Create(
            TestPlace.For(_time, IoStats.Registration, ScriptedTranslator.Create(_time, out script), options: options));
}
