using System.Linq;
using System.Text;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>volume status clients and client-list. Source: GlusterFS 10.3, text and XML.</summary>
internal static class ClientsReport
{
    public static string Text(VolumeReport<BrickClients> report)
    {
        var text = new StringBuilder();
        text.Line($"Client connections for volume {report.Volume}").Line(ReportText.Rule);
        foreach (var brick in report.Bricks)
        {
            text.Line($"Brick : {brick.Place.Name}");
            if (brick.Value is { } value)
            {
                Brick(text, value);
            }
            else
            {
                text.Line(brick.Problem ?? string.Empty);
            }

            text.Line(ReportText.Rule);
        }

        return text.Line(string.Empty).ToString();
    }

    public static string Xml(VolumeReport<BrickClients> report) => ReportXml.Status(report, (xml, value) =>
    {
        xml.Open("clientsStatus");
        xml.Element("clientCount", value.Clients.Count);
        foreach (var client in value.Clients)
        {
            xml.Open("client");
            xml.Element("hostname", client.Address);
            xml.Element("bytesRead", client.BytesRead);
            xml.Element("bytesWrite", client.BytesWritten);
            xml.Element("opVersion", client.OpVersion);
            xml.Close();
        }

        xml.Close();
    });

    /// <summary>Clients by kind of process; a process that is attached to many bricks counts once.</summary>
    public static string ListText(VolumeReport<BrickClients> report)
    {
        var kinds = report.Bricks.SelectMany(b => b.Value?.Clients ?? [])
            .GroupBy(c => ProcessOf(c.ProcessId)).Select(g => g.First())
            .GroupBy(c => c.ProcessName.Length > 0 ? c.ProcessName : "unknown")
            .OrderBy(g => g.Key, System.StringComparer.Ordinal).ToList();
        var text = new StringBuilder();
        text.Line($"Client connections for volume {report.Volume}");
        if (kinds.Count > 0)
        {
            text.Line($"{"Name",-48} {"count",15}").Line($"{"-----",-48} {"------",15}");
        }

        foreach (var kind in kinds)
        {
            text.Line($"{kind.Key,-48} {kind.Count(),15}");
        }

        return text.Line(string.Empty).Line($"total clients for volume {report.Volume} : {kinds.Sum(k => k.Count())} ")
            .Line(new string('-', 65)).Line(string.Empty).ToString();
    }

    /// <summary>GlusterFS has no element for the list: only the nodes.</summary>
    public static string ListXml(VolumeReport<BrickClients> report) => ReportXml.Status(report, null);

    private static void Brick(StringBuilder text, BrickClients value)
    {
        text.Line($"Clients connected : {value.Clients.Count}");
        if (value.Clients.Count == 0)
        {
            return;
        }

        text.Line($"{"Hostname",-48} {"BytesRead",15} {"BytesWritten",15} {"OpVersion",15}")
            .Line($"{"--------",-48} {"---------",15} {"------------",15} {"---------",15}");
        foreach (var client in value.Clients)
        {
            text.Line($"{client.Address,-48} {client.BytesRead,15} {client.BytesWritten,15} {client.OpVersion,15}");
        }
    }

    /// <summary>What all connections of one process have: CTX_ID:…-GRAPH_ID:….</summary>
    private static string ProcessOf(string processId)
    {
        var end = processId.IndexOf("-GRAPH_ID:", System.StringComparison.Ordinal);
        return end < 0 ? processId : processId[..end];
    }
}
