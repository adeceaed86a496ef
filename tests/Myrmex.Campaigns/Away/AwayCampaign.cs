using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// A follower is away while the others go on, and comes back: how many bytes move to it until it is in step, against
/// those that are others than before, each counted once.
/// </summary>
internal sealed class AwayCampaign : Campaign
{
    private const string Minutes = "minutes";
    private const string Load = "load";
    private const string Data = "data";
    private const string Files = "files";
    private const string Disk = "disk";
    private const string Only = "only";

    private const int MinutesUsual = 60;
    private const int LoadUsual = 64;
    private const int DataUsual = 2048;
    private const int FilesUsual = 20_000;
    private const int DiskUsual = 6144;
    private const int LightBytesPerSecond = 256 << 10;

    private const double RatioMax = 1.2;

    /// <summary>With so much of its room used a journal lets go of what is in a checkpoint, whoever is away.</summary>
    private const double KeptShare = 0.7;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    private enum Way
    {
        /// <summary>The journal has everything still.</summary>
        Within,

        /// <summary>It has not, and the load is over.</summary>
        Beyond,

        /// <summary>It has not, and clients go on.</summary>
        BeyondBusy,
    }

    public override string Name => "away";

    public override string Summary =>
        "a follower is away under load: the bytes that move to it when it is back, against those that have changed";

    public override Need Needs => FailoverBed.Needs;

    public override IReadOnlyDictionary<string, string> Options { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Minutes] = $"how long the member is away, in minutes ({MinutesUsual})",
            [Load] = $"MiB of content written a second at most ({LoadUsual})",
            [Data] = $"MiB of the data set, in images ({DataUsual})",
            [Files] = $"small files of the data set ({FilesUsual})",
            [Disk] = $"MiB of a disk, of which an eighth is the journal ({DiskUsual})",
            [Only] = $"only this: {string.Join(' ', Enum.GetNames<Way>())}",
        };

    public override void Run(CampaignRun run)
    {
        var only = run.Options.Text(Only, "");
        Way[] ways = only.Length > 0 ? [Enum.Parse<Way>(only, ignoreCase: true)]
            : run.IsSmoke ? [Way.Within, Way.BeyondBusy] : Enum.GetValues<Way>();
        FailoverBed? bed = null;
        AwayLoad? load = null;
        if (!run.Step("start three nodes", () => bed = run.Directory.Own(
                new FailoverBed(run.Directory, run.Options.Number(Disk, run.IsSmoke ? 1024 : DiskUsual))))
            || !run.Step("make the data set", () => load = MakeLoad(run, bed!)))
        {
            return;
        }

        using (load)
        {
            foreach (var way in ways)
            {
                run.Step($"{way}", () => Round(run, bed!, load!, way));
            }
        }

        run.Step("all copies are equal", () => bed!.CheckCopies(Patience));
    }

    private static AwayLoad MakeLoad(CampaignRun run, FailoverBed bed)
    {
        var root = Directory.CreateDirectory(Path.Combine(bed.Mount("mnt", 0).Path, "data")).FullName;
        var load = new AwayLoad(
            root, run.Options.Number(Data, run.IsSmoke ? 64 : DataUsual) << 20,
            (int)run.Options.Number(Files, run.IsSmoke ? 200 : FilesUsual), run.Random(1));
        bed.AwaitWhole(Patience);
        return load;
    }

    private static void Round(CampaignRun run, FailoverBed bed, AwayLoad load, Way way)
    {
        var leader = bed.AwaitInStep(Patience);
        var gone = bed.Nodes.First(n => n != leader);
        var pace = run.Options.Number(Load, LoadUsual) << 20;
        var room = way == Way.Within ? RoomOf(run, bed, leader, load, pace) : 0;
        var last = bed.ReportOf(gone)!["last"]!.GetValue<long>();
        load.Begin();
        bed.Inject(gone, FailoverFault.KillNode);
        var clock = Stopwatch.StartNew();
        try
        {
            if (way == Way.Within)
            {
                load.Work(Time(run), pace, room);
            }
            else
            {
                // However slow the machine is: no longer than asked for only if the journal has let go of it by then.
                load.Work(Time(run), pace);
                while (StartOf(bed, leader) <= last + 1 && clock.Elapsed < Time(run) + Patience)
                {
                    load.Work(TimeSpan.FromSeconds(5), pace);
                }
            }

            var start = StartOf(bed, leader);
            if (start <= last + 1 != (way == Way.Within))
            {
                throw new HarnessException($"the journal of the leader begins with {start}, and the member has {last}");
            }
        }
        catch
        {
            gone.StartDaemon(); // Others follow.
            throw;
        }

        run.Figure($"{way}, away", string.Create(
            CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:0} s, written {MiB(load.Changes.WrittenBytes)}, "
                + $"longest operation {load.TakeLongest().TotalSeconds:0.00} s"));
        Return(run, bed, load, gone, way);
    }

    /// <summary>
    /// What may be written well before the leader's journal lets go of anything: works until it just has, if that would
    /// be soon.
    /// </summary>
    private static long RoomOf(CampaignRun run, FailoverBed bed, BedNode leader, AwayLoad load, long pace)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var report = bed.ReportOf(leader);
            var journal = report?["journalBytes"]?.GetValue<long>() ?? 0;
            var room = (long)(journal * KeptShare) - (report?["retainedBytes"]?.GetValue<long>() ?? 0);
            if (room > journal * KeptShare / 2)
            {
                bed.AwaitInStep(Patience);
                return room / 2;
            }

            if (clock.Elapsed > Time(run) + Patience)
            {
                throw new HarnessException($"the journal of the leader does not let go of anything: {report}");
            }

            load.Work(TimeSpan.FromSeconds(1), pace);
        }
    }

    private static void Return(CampaignRun run, FailoverBed bed, AwayLoad load, BedNode gone, Way way)
    {
        var before = load.Changes;
        var received = gone.ReceivedBytes;
        var clock = Stopwatch.StartNew();
        using var over = new CancellationTokenSource();
        var light = new Thread(() =>
        {
            while (!over.IsCancellationRequested)
            {
                load.Work(TimeSpan.FromMilliseconds(500), LightBytesPerSecond);
            }
        });
        gone.StartDaemon();
        if (way == Way.BeyondBusy)
        {
            light.Start();
        }

        try
        {
            bed.AwaitInStep(Patience);
        }
        finally
        {
            over.Cancel();
            if (way == Way.BeyondBusy)
            {
                light.Join();
            }
        }

        var time = clock.Elapsed;
        var moved = gone.ReceivedBytes - received;
        var counted = bed.ReportOf(gone)?["receivedBytes"]?.GetValue<long>() ?? 0;
        var elided = bed.Nodes.Where(n => n != gone).Sum(n => bed.ReportOf(n)?["elidedBytes"]?.GetValue<long>() ?? 0);
        load.CheckProbe();

        // What is written while the member is back comes to it at once, each time.
        var changes = load.Changes;
        var unique = Math.Max(changes.All, before.All + changes.WrittenBytes - before.WrittenBytes);
        var ratio = (double)moved / unique;
        run.Figure($"{way}, back", string.Create(
            CultureInfo.InvariantCulture, $"in step after {time.TotalSeconds:0.0} s; moved {MiB(moved)} by the interface, "
                + $"{MiB(counted)} by our counter, {MiB(elided)} left out so far; changed {MiB(unique)} ({MiB(changes.UniqueBytes)} of pages, "
                + $"{MiB(changes.MetaBytes)} of names and attributes); ratio {ratio:0.00} and "
                + $"{(double)counted / unique:0.00}; longest operation {load.TakeLongest().TotalSeconds:0.00} s"));
        if (!run.IsSmoke && ratio > RatioMax)
        {
            run.Fail(string.Create(
                CultureInfo.InvariantCulture, $"{way}: {ratio:0.00} times the changed bytes moved, {RatioMax} are allowed"));
        }
    }

    private static TimeSpan Time(CampaignRun run) =>
        run.IsSmoke ? TimeSpan.FromSeconds(3) : TimeSpan.FromMinutes(run.Options.Number(Minutes, MinutesUsual));

    private static long StartOf(FailoverBed bed, BedNode node) =>
        bed.ReportOf(node)?["journalStart"]?.GetValue<long>() ?? 0;

    private static string MiB(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");
}
