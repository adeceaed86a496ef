using System.Collections.Generic;

namespace Myrmex.Replication.Simulation;

/// <summary>What became of one seed.</summary>
/// <param name="Seed">Which.</param>
/// <param name="Failovers">Leaders after the first one.</param>
/// <param name="Committed">Entries.</param>
/// <param name="Events">Steps of the simulation.</param>
/// <param name="Violation">What must not have happened; null when all was well.</param>
/// <param name="Trace">The last events, when asked for.</param>
public sealed record WorldResult(
    ulong Seed, int Failovers, int Committed, long Events, string? Violation, IReadOnlyList<string> Trace)
{
    /// <summary>Entries that were sent without their data, each time they were.</summary>
    public long Elided { get; init; }
}
