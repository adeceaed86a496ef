using System;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.Metrics;

/// <summary>Metrics of a process.</summary>
/// <param name="Process">daemon, brick or proxy: the value of the label <c>process</c>.</param>
/// <param name="Page">In Prometheus' text form; empty for a process that is not there.</param>
internal sealed record MetricSource(string Process, Func<CancellationToken, Task<string>> Page);
