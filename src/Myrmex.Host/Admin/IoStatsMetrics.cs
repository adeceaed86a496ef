using System;
using Myrmex.Base;
using Myrmex.Debug;
using Myrmex.Management.Metrics;

namespace Myrmex.Host;

/// <summary>Metrics of one debug/io-stats, in a brick or a mount.</summary>
internal static class IoStatsMetrics
{
    public static void AddTo(MetricsText text, IoStats stats)
    {
        var total = stats.Total();
        text.Add(MetricTable.OpenFiles, stats.OpenFiles.Current, stats.Name)
            .Add(MetricTable.Counting, stats.Counting ? 1 : 0, stats.Name)
            .Add(MetricTable.ReadBytes, total.ReadBytes, stats.Name)
            .Add(MetricTable.WrittenBytes, total.WrittenBytes, stats.Name);
        foreach (var code in Enum.GetValues<FopCode>())
        {
            var fop = total.Fops[(int)code];
            if (fop.Count == 0)
            {
                continue;
            }

            var name = code.ToString().ToLowerInvariant();
            text.Add(MetricTable.Fops, fop.Count, stats.Name, name)
                .Add(MetricTable.FopErrors, fop.Errors, stats.Name, name);
            if (fop.Measured > 0)
            {
                text.AddSummary(MetricTable.FopLatency, fop.TotalNs / 1e9, fop.Measured, stats.Name, name);
            }
        }
    }
}
