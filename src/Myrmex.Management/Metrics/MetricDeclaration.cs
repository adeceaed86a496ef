namespace Myrmex.Management.Metrics;

/// <summary>One metric that some process of ours has.</summary>
/// <param name="Type">gauge, counter or summary. Source: Prometheus text format 0.0.4.</param>
/// <param name="Labels">Names of its labels, separated by commas; empty for none.</param>
/// <param name="Processes">Which processes have it: all, brick, mount, daemon; separated by commas.</param>
public sealed record MetricDeclaration(string Name, string Type, string Help, string Labels, string Processes);
