using System;

namespace Myrmex.Replication.Simulation;

/// <summary>What a run over many seeds found.</summary>
/// <param name="Seeds">Worlds that were run.</param>
/// <param name="Failovers">Leaders after the first one of each world.</param>
/// <param name="Committed">Entries.</param>
/// <param name="Events">Steps.</param>
/// <param name="FirstBad">The first world in which something happened that must not; with its trace.</param>
public sealed record ReplicaCampaignResult(
    long Seeds, long Failovers, long Committed, long Events, WorldResult? FirstBad)
{
    /// <summary>Entries that were sent without their data.</summary>
    public long Elided { get; init; }
}

/// <summary>Many simulated replica sets, one after the other.</summary>
public static class ReplicaCampaign
{
    /// <summary>
    /// Runs <paramref name="count"/> worlds from <paramref name="seedStart"/> on, up to the first bad one.
    /// </summary>
    /// <param name="optionsOf">The world of a seed; null lets each seed choose its own.</param>
    /// <param name="progress">Called after each world with the figures so far; false ends the run.</param>
    public static ReplicaCampaignResult Run(
        ulong seedStart, long count, Func<ulong, WorldOptions>? optionsOf = null,
        Func<ReplicaCampaignResult, bool>? progress = null)
    {
        var sum = new ReplicaCampaignResult(0, 0, 0, 0, null);
        for (var i = 0UL; i < (ulong)count; i++)
        {
            var seed = seedStart + i;
            var options = optionsOf?.Invoke(seed);
            var result = RunOne(seed, options, isTraced: false);
            if (result.Violation is not null)
            {
                result = RunOne(seed, options, isTraced: true);
            }

            sum = new ReplicaCampaignResult(
                sum.Seeds + 1, sum.Failovers + result.Failovers, sum.Committed + result.Committed,
                    sum.Events + result.Events,
                result.Violation is null ? null : result)
            {
                Elided = sum.Elided + result.Elided,
            };
            if (sum.FirstBad is not null || progress?.Invoke(sum) == false)
            {
                break;
            }
        }

        return sum;
    }

    /// <summary>Runs one world; with a trace of its last events if wanted.</summary>
    public static WorldResult RunOne(ulong seed, WorldOptions? options = null, bool isTraced = false) =>
        new ReplicaWorld(seed, options ?? WorldOptions.FromSeed(seed), isTraced).Run();
}
