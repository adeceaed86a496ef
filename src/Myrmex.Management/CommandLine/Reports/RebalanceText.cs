using System;
using System.Globalization;
using System.Text;
using Myrmex.Management.Tasks;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>
/// What commands about rebalances print, letter for letter as GlusterFS 10.3 does (captured from it).
/// </summary>
public static class RebalanceText
{
    public const string Usage =
        "\nUsage:\nvolume rebalance <VOLNAME> {{fix-layout start} | {start [force]|stop|status}}\n\n";

    /// <summary>Answer to fix-layout start.</summary>
    public static string Started(string volume, string task) =>
        $"volume rebalance: {volume}: success: Rebalance on {volume} has been started successfully. "
        + $"Use rebalance status command to check status of the rebalance process.\nID: {task}\n";

    /// <summary>Answer to status: the table and the last line.</summary>
    public static string Status(RebalanceReport report) =>
        Table(report) + $"volume rebalance: {report.Volume}: success\n";

    /// <summary>Answer to stop: the table and three lines.</summary>
    public static string Stopped(RebalanceReport report) =>
        Table(report)
        + $"volume rebalance: {report.Volume}: success: rebalance process may be in the middle of a file migration.\n"
        + "The process will be fully stopped once the migration of the file is complete.\n"
        + "Please check rebalance process for completion before doing any further brick related tasks on the volume.\n"
        + "\n";

    public static string Failed(string volume, string reason) => $"volume rebalance: {volume}: failed: {reason}\n";

    /// <summary>The block of <c>volume status</c> about a task, without its heading and rule.</summary>
    public static string StatusBlock(string task, ClusterTaskState state)
    {
        var text = new StringBuilder();
        Line("Task", "Rebalance");
        Line("ID", task);
        Line("Status", RebalanceReport.TextOf(RebalanceReport.Plain(state)));
        return text.Append(" \n").ToString();

        void Line(string key, string value) => text.Append($"{key,-20} : {value,-20}\n");
    }

    private static string Table(RebalanceReport report)
    {
        var text = new StringBuilder();
        if (report.IsFixLayout)
        {
            text.Append($"{"Node",35} {"status",41} {"run time in h:m:s",27}\n");
            text.Append($"{"---------",35} {"-----------",41} {"------------",27}\n");
            foreach (var row in report.Rows)
            {
                text.Append($"{row.NodeName,35} {RebalanceReport.TextOf(row.State),50} {Time(row.RuntimeMs)}\n");
            }

            return text.ToString();
        }

        Row(
            "Node", "Rebalanced-files", "size", "scanned", "failures", "skipped", "status",
            $"{"run time in h:m:s",18}");
        const string Rule = "-----------";
        Row("---------", Rule, Rule, Rule, Rule, Rule, "------------", $"{"--------------",18}");
        foreach (var row in report.Rows)
        {
            Row(
                row.NodeName, Number(row.Files), Size(row.SizeBytes), Number(row.Scanned), Number(row.Failures),
                Number(row.Skipped), RebalanceReport.TextOf(row.State), Time(row.RuntimeMs));
        }

        return text.ToString();

        void Row(
            string node, string files, string size, string scanned, string failures, string skipped, string status,
            string time) =>
            text.Append($"{node,40} {files,16} {size,13} {scanned,13} {failures,13} {skipped,13} {status,20} {time}\n");
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Time(long ms)
    {
        var seconds = ms / 1000;
        return string.Create(
            CultureInfo.InvariantCulture, $"{seconds / 3600,8}:{seconds / 60 % 60:00}:{seconds % 60:00}");
    }

    /// <summary>In the largest unit of which there is one, as GlusterFS writes sizes: "0Bytes", "1.5KB".</summary>
    private static string Size(long bytes)
    {
        ReadOnlySpan<string> units = ["KB", "MB", "GB", "TB", "PB"];
        var value = (double)bytes;
        var unit = -1;
        while (value >= 1024 && unit < units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit < 0
            ? $"{Number(bytes)}Bytes"
            : string.Create(CultureInfo.InvariantCulture, $"{value:0.0}{units[unit]}");
    }
}
