using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Management.Metrics;

/// <summary>The page of metrics of a daemon.</summary>
public static class DaemonMetrics
{
    /// <param name="volumeStates">State of every volume: Created, Started or Stopped.</param>
    /// <param name="bricksWanted">Bricks of started volumes on this node.</param>
    /// <param name="nodesAlive">Nodes of the cluster that are there, this one included.</param>
    /// <param name="proxiesWanted">Volumes that the proxy of this node should serve.</param>
    public static string Text(
        IReadOnlyCollection<string> volumeStates, int bricksWanted, int bricksOnline, int nodes, int nodesAlive,
        int proxiesWanted = 0, int proxiesOnline = 0)
    {
        var text = new MetricsText();
        ProcessMetrics.AddTo(text);
        foreach (var state in new[] { "Created", "Started", "Stopped" })
        {
            text.Add(MetricTable.Volumes, volumeStates.Count(s => s == state), state.ToLowerInvariant());
        }

        return text.Add(MetricTable.Bricks, bricksWanted, "wanted").Add(MetricTable.Bricks, bricksOnline, "online")
            .Add(MetricTable.Proxies, proxiesWanted, "wanted").Add(MetricTable.Proxies, proxiesOnline, "online")
            .Add(MetricTable.Nodes, nodes, "known").Add(MetricTable.Nodes, nodesAlive, "alive").ToString();
    }
}
