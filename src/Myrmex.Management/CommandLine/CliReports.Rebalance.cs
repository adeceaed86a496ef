using System.Linq;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Management.Http;
using Myrmex.Management.Tasks;

namespace Myrmex.Management.CommandLine;

/// <summary>Reports of rebalances.</summary>
internal static partial class CliReports
{
    static partial void Rebalance(RebalanceMessage message, string action, bool isXml, ref string? text)
    {
        const double MillisecondsPerSecond = 1_000;
        var report = new RebalanceReport(
            message.TaskId, message.Volume,
            [
                .. message.Nodes.Select(n => new RebalanceRow(
                    n.HostName, n.Node, n.Files, n.SizeBytes, n.Lookups, n.Failures, n.Skipped,
                    (ClusterTaskState)n.Status, (long)(n.RuntimeSeconds * MillisecondsPerSecond))),
            ]);
        text = (action, isXml) switch
        {
            ("stop", true) => RebalanceXml.Stopped(report),
            ("stop", false) => RebalanceText.Stopped(report),
            (_, true) => RebalanceXml.Status(report),
            _ => RebalanceText.Status(report),
        };
    }
}
