using System.Collections.Generic;
using System.Linq;
using Myrmex.Management.Metrics;
using Myrmex.Protocol;

namespace Myrmex.Host;

/// <summary>The page of metrics of a brick process.</summary>
internal static class BrickMetrics
{
    public static string Text(IEnumerable<BrickView> bricks, ExportTable exports)
    {
        var text = new MetricsText();
        ProcessMetrics.AddTo(text);
        foreach (var brick in bricks)
        {
            var clients = exports.ClientsOf(brick.Name, int.MaxValue);
            var calls = exports.CallsOf(brick.Name);
            text.Add(MetricTable.BrickClients, clients.Count, brick.Name)
                .Add(MetricTable.BrickOpenFds, clients.Sum(c => (long)c.FdCount), brick.Name)
                .Add(
                    MetricTable.BrickActiveInodes,
                    clients.SelectMany(c => c.Fds).Select(f => f.Gfid).Distinct().Count(), brick.Name)
                .Add(MetricTable.BrickCalls, calls.Count, brick.Name)
                .Add(
                    MetricTable.BrickOldestCallSeconds, calls.Count == 0 ? 0 : calls[0].AgeNs / 1e9, brick.Name);
            if (brick.Stats is { } stats)
            {
                IoStatsMetrics.AddTo(text, stats);
            }
        }

        return text.ToString();
    }
}
