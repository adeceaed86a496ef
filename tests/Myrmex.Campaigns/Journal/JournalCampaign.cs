using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Myrmex.Base;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Replication;
using Myrmex.Replication.Journal;
using Myrmex.Replication.Unit.Tests.Journal;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Campaigns;

/// <summary>
/// Power cuts in random sequences of a journal's operations on a simulated disk, and what an append costs on a real one.
/// </summary>
internal sealed class JournalCampaign : Campaign
{
    private const int Operations = 16;
    private const int BlockBytes = 4096;

    public override string Name => "journal";

    public override string Summary => "power cuts at every call of random journal sequences, and the cost of an append";

    public override Need Needs => Need.None;

    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>
    {
        ["sequences"] = "power cuts to run; 10000",
        ["seed-of-one"] = "runs one sequence alone",
        ["cut"] = "with its power cut at this call",
        ["disk"] = "directory for the measurement; the campaign's own otherwise",
        ["seconds"] = "of each measurement; 5",
    };

    public override void Run(CampaignRun run)
    {
        if (run.Options.Has("seed-of-one"))
        {
            RunOne(run, (ulong)run.Options.Number("seed-of-one", 1), run.Options.Number("cut", 2), new Totals());
            return;
        }

        run.Step("power cuts", () => CutPower(run, run.Options.Number("sequences", run.IsSmoke ? 200 : 10_000)));
        run.Step("cost", () => MeasureAll(run, run.Options.Number("seconds", run.IsSmoke ? 1 : 5)));
    }

    /// <summary>Every call of a sequence, then the next sequence.</summary>
    private static void CutPower(CampaignRun run, long sequences)
    {
        var totals = new Totals();
        for (var seed = run.Seed * 1_000_000; totals.Runs < sequences; seed++)
        {
            totals.Seeds++;
            var changes = PowerCutCase.CountChanges(seed, Operations);
            for (long cut = 2; cut <= changes && totals.Runs < sequences; cut++)
            {
                RunOne(run, seed, cut, totals);
            }
        }

        run.Figure("sequences with a power cut", $"{totals.Runs} ({totals.Seeds} sequences, cut at each of their calls)");
        run.Figure("starts, batches, torn batches", $"{totals.Starts}, {totals.Batches}, {totals.Torn}");
    }

    private static void RunOne(CampaignRun run, ulong seed, long cut, Totals totals)
    {
        var test = new PowerCutCase(seed);
        totals.Runs++;
        try
        {
            test.Run(Operations, cut);
        }
        catch (Exception e) when (e is InvalidOperationException or InvariantException)
        {
            run.Fail($"{e.Message}", $"--seed-of-one {seed} --cut {cut}");
        }

        totals.Starts += test.Restarts;
        totals.Batches += test.Appends;
        totals.Torn += test.Torn;
    }

    private static void MeasureAll(CampaignRun run, long seconds)
    {
        var directory = run.Options.Text("disk", run.Directory.Path) + "/measured";
        LinuxDisk.Shared.MakeDirectory(directory);
        foreach (var count in new[] { 1, 32 })
        {
            run.Figure($"plain write + fdatasync, batch {count}", Plain(directory, count, seconds));
            run.Figure($"journal append, batch {count}", Append(directory, count, seconds));
        }
    }

    private static string Plain(string directory, int count, long seconds)
    {
        const int Length = 64 << 20;
        var path = $"{directory}/plain";
        Must(LinuxDisk.Shared.Open(
            path, DiskOpen.Read | DiskOpen.Write | DiskOpen.Create | DiskOpen.Direct, out var file));
        var buffer = PayloadPool.Shared.Rent(count * BlockBytes);
        var bytes = buffer.GetSpan()[..(count * BlockBytes)];
        bytes.Fill(7);
        Must(file!.Preallocate(Length)); // Opened above.
        for (var at = 0L; at + bytes.Length <= Length; at += bytes.Length)
        {
            Must(file.WriteFully(at, bytes));
        }

        Must(file.Sync());
        var offset = 0L;
        var text = Timed(seconds, count, () =>
        {
            var data = buffer.GetSpan()[..(count * BlockBytes)];
            offset = offset + (2 * data.Length) > Length ? 0 : offset + data.Length;
            Must(file.WriteFully(offset, data));
            Must(file.Sync());
        });
        file.Dispose();
        buffer.Release();
        LinuxDisk.Shared.Unlink(path);
        return text;
    }

    private static string Append(string directory, int count, long seconds)
    {
        var options = new JournalOptions { Path = $"{directory}/j{count}", SegmentBytes = 64 << 20, SegmentsMax = 8 };
        Must(ReplicaJournal.Format(LinuxDisk.Shared, options, new SuperblockState { Incarnation = 77 }));
        Must(ReplicaJournal.Open(LinuxDisk.Shared, options, out var journal, out _));
        var random = new SimRandom(1);
        var last = 0ul;
        var samples = Enumerable.Range(1, count).Select(i => Sample.Make(random, 1, (ulong)i, (ulong)i, BlockBytes)).ToArray();
        var payloads = samples.Select(s => s.ToEntry().Data).ToArray();
        var meta = new byte[64];
        var entries = new JournalEntry[count];
        var text = Timed(seconds, count, () =>
        {
            for (var i = 0; i < count; i++)
            {
                last++;
                entries[i] = new JournalEntry(samples[i].Header with { Index = new JournalIndex(last) }, meta, payloads[i]);
            }

            var left = entries.AsSpan();
            while (left.Length > 0)
            {
                Must(journal!.Append(left, out var taken)); // Opened above.
                left = left[taken..];
            }

            if (journal!.Space.UsedPercent > 60)
            {
                Must(journal.SaveState(s => s with { Checkpoint = journal.Last }));
                Must(journal.Compact(journal.Last));
            }
        });
        var metrics = journal!.Metrics;
        text += string.Create(CultureInfo.InvariantCulture, $", {metrics.WriteAmplification:0.00} bytes written per byte");
        journal.Dispose();
        Array.ForEach(payloads, p => p.Release());
        return text;
    }

    private static string Timed(long seconds, int count, Action body)
    {
        using var process = Process.GetCurrentProcess();
        var times = new List<double>();
        for (var i = 0; i < 50; i++)
        {
            body();
        }

        process.Refresh();
        var cpu = process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            var before = clock.Elapsed.TotalMicroseconds;
            body();
            times.Add(clock.Elapsed.TotalMicroseconds - before);
        }

        process.Refresh();
        var total = (process.TotalProcessorTime - cpu).TotalMicroseconds;
        var elapsed = clock.Elapsed.TotalSeconds;
        times.Sort();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{times.Count / elapsed:0} syncs/s, {times.Count * count / elapsed:0} entries/s, p50 {times[times.Count / 2]:0} us, "
                + $"p99 {times[times.Count * 99 / 100]:0} us, {total / (times.Count * count):0.0} us CPU per entry");
    }

    private static void Must(Errno error)
    {
        if (error != Errno.Ok)
        {
            throw new HarnessException($"the disk answers {error}");
        }
    }

    private sealed class Totals
    {
        public long Runs;
        public long Seeds;
        public long Starts;
        public long Batches;
        public long Torn;
    }
}
