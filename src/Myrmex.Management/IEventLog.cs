using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;

namespace Myrmex.Management;

/// <summary>What has happened in the cluster, from the oldest that is kept.</summary>
internal interface IEventLog
{
    /// <summary>The events with a higher number than <paramref name="after"/>, in order, the first of them.</summary>
    IReadOnlyList<ClusterEvent> Read(long after, int max);

    /// <summary>Number of the last event; 0 when there was none.</summary>
    long Last { get; }

    /// <summary>Ends when there is an event with a higher number than <paramref name="after"/>.</summary>
    Task WaitAsync(long after, CancellationToken cancellation);
}
