using System.Globalization;
using System.Security;
using System.Text;
using Myrmex.Management.Tasks;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>
/// The XML of commands about rebalances, element for element as GlusterFS 10.3 writes it (captured from it).
/// </summary>
public static class RebalanceXml
{
    /// <summary>Number of a command in GlusterFS' XML.</summary>
    private const int OperationStop = 2;
    private const int OperationStatus = 3;
    private const int OperationFixLayout = 4;

    /// <summary>Answer to fix-layout start: the whole document.</summary>
    public static string Started(string task) =>
        Head(0, 0, string.Empty)
        + $"  <volRebalance>\n    <task-id>{task}</task-id>\n    <op>{OperationFixLayout}</op>\n  </volRebalance>\n"
        + "</cliOutput>\n";

    public static string Status(RebalanceReport report) => Report(report, OperationStatus);

    public static string Stopped(RebalanceReport report) => Report(report, OperationStop);

    /// <summary>A refused status or stop.</summary>
    public static string Failed(string reason) =>
        Head(-1, 30800, reason)
        + $"  <cliOp>volRebalance</cliOp>\n  <output>{Escape(reason)}</output>\n</cliOutput>\n";

    /// <summary>A refused fix-layout start.</summary>
    public static string StartFailed(string reason) =>
        Head(-1, 30800, reason)
        + $"  <volRebalance>\n    <op>{OperationFixLayout}</op>\n  </volRebalance>\n</cliOutput>\n";

    /// <summary>
    /// The task element of <c>volume status</c>, to be put into the tasks of its volume, indented for it.
    /// </summary>
    public static string StatusTask(string task, ClusterTaskState state)
    {
        var plain = RebalanceReport.Plain(state);
        return $"          <task>\n            <type>Rebalance</type>\n            <id>{task}</id>\n"
            + $"            <status>{(int)plain}</status>\n"
            + $"            <statusStr>{RebalanceReport.TextOf(plain)}</statusStr>\n          </task>\n";
    }

    private static string Report(RebalanceReport report, int operation)
    {
        var text = new StringBuilder(Head(0, 0, string.Empty));
        text.Append("  <volRebalance>\n")
            .Append("    <task-id>").Append(report.TaskId).Append("</task-id>\n")
            .Append("    <op>").Append(operation).Append("</op>\n")
            .Append("    <nodeCount>").Append(report.Rows.Count).Append("</nodeCount>\n");
        foreach (var row in report.Rows)
        {
            text.Append("    <node>\n");
            Element(text, "nodeName", Escape(row.NodeName));
            Element(text, "id", row.NodeId);
            Figures(text, row);
            text.Append("    </node>\n");
        }

        text.Append("    <aggregate>\n");
        Figures(text, report.Total);
        return text.Append("    </aggregate>\n  </volRebalance>\n</cliOutput>\n").ToString();
    }

    private static void Figures(StringBuilder text, RebalanceRow row)
    {
        Number(text, "files", row.Files);
        Number(text, "size", row.SizeBytes);
        Number(text, "lookups", row.Scanned);
        Number(text, "failures", row.Failures);
        Number(text, "skipped", row.Skipped);
        Number(text, "status", (int)row.State);
        Element(text, "statusStr", RebalanceReport.TextOf(row.State));
        Element(text, "runtime", (row.RuntimeMs / 1000.0).ToString("0.00", CultureInfo.InvariantCulture));
    }

    private static void Number(StringBuilder text, string name, long value) =>
        Element(text, name, value.ToString(CultureInfo.InvariantCulture));

    private static void Element(StringBuilder text, string name, string value) =>
        text.Append("      <").Append(name).Append('>').Append(value).Append("</").Append(name).Append(">\n");

    private static string Head(int result, int error, string message) =>
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<cliOutput>\n"
        + string.Create(
            CultureInfo.InvariantCulture, $"  <opRet>{result}</opRet>\n  <opErrno>{error}</opErrno>\n")
        + (message.Length == 0 ? "  <opErrstr/>\n" : $"  <opErrstr>{Escape(message)}</opErrstr>\n");

    /// <summary>As GlusterFS' XML writer does: quotes stay as they are in text.</summary>
    private static string Escape(string text) =>
        SecurityElement.Escape(text).Replace("&apos;", "'").Replace("&quot;", "\"");
}
