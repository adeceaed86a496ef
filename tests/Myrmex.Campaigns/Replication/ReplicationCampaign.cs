using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Replication.Simulation;

namespace Myrmex.Campaigns;

/// <summary>The protocol of journal-based replication in simulated worlds, with every fault there is.</summary>
internal sealed class ReplicationCampaign : Campaign
{
    private const long SeedsUsual = 400_000;
    private const long SeedsSmoke = 500;
    private const double SecondsBetweenLines = 10;

    public override string Name => "replication";

    public override string Summary => "simulated replica sets: failovers by the hundred thousand, with all invariants checked";

    public override Need Needs => Need.None;

    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["seeds"] = $"worlds to run ({SeedsUsual})",
        ["from"] = "the first seed (1)",
        ["witness"] = "every world has a witness; also with --trace",
        ["trace"] = "run only the world of --seed and print its last events",
    };

    public override void Run(CampaignRun run)
    {
        if (run.Options.Has("trace"))
        {
            Trace(run);
            return;
        }

        var from = (ulong)run.Options.Number("from", run.IsSmoke ? 1 : (long)run.Seed);
        var count = run.Options.Number("seeds", run.IsSmoke ? SeedsSmoke : SeedsUsual);
        var clock = Stopwatch.StartNew();
        var said = 0.0;
        var result = ReplicaCampaign.Run(from, count, OptionsOf(run), progress: sum =>
        {
            if (clock.Elapsed.TotalSeconds - said > SecondsBetweenLines)
            {
                said = clock.Elapsed.TotalSeconds;
                run.Say(Line(sum, clock));
            }

            return true;
        });
        run.Figure("simulated", Line(result, clock));
        if (result.FirstBad is { } bad)
        {
            run.Say(string.Join('\n', bad.Trace));
            run.Fail(
                $"seed {bad.Seed}: {bad.Violation}",
                $"--seed {bad.Seed} --trace{(run.Options.Has("witness") ? " --witness" : "")}");
        }
    }

    private static Func<ulong, WorldOptions> OptionsOf(CampaignRun run) =>
        run.Options.Has("witness") ? WorldOptions.WitnessFromSeed : WorldOptions.FromSeed;

    private static void Trace(CampaignRun run)
    {
        var options = OptionsOf(run)(run.Seed);
        run.Say(options.ToString());
        var result = ReplicaCampaign.RunOne(run.Seed, options, isTraced: true);
        run.Say(string.Join('\n', result.Trace));
        if (result.Violation is { } violation)
        {
            run.Fail($"seed {result.Seed}: {violation}");
        }
    }

    private static string Line(ReplicaCampaignResult sum, Stopwatch clock) => string.Create(
        CultureInfo.InvariantCulture,
        $"{sum.Seeds} worlds, {sum.Failovers} failovers ({sum.Failovers / clock.Elapsed.TotalMinutes:0} a minute), "
            + $"{sum.Committed} entries, {sum.Elided} sent without data, {sum.Events} events");
}
