using System;
using System.Linq;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>Reports of bricks.</summary>
internal static partial class CliReports
{
    static partial void Profile(ProfileMessage message, bool isXml, ref string? text)
    {
        var report = new VolumeReport<BrickProfile>(message.Volume, message.Bricks);
        text = message.Op is "start" or "stop"
            ? isXml ? ProfileReport.SwitchedXml(message.Volume, message.Op == "start", problem: null) : null
            : isXml ? ProfileReport.Xml(report) : ProfileReport.Text(report);
    }

    static partial void Top(TopMessage message, bool isXml, ref string? text)
    {
        var report = new VolumeReport<BrickTop>(message.Volume, message.Bricks);
        if (message.Metric == "clear")
        {
            text = TopReport.Cleared(report);
            return;
        }

        var list = Enum.Parse<TopList>(message.Metric.Replace("-", string.Empty), ignoreCase: true);
        text = isXml ? TopReport.Xml(list, report) : TopReport.Text(list, report);
    }

    static partial void Clients(VolumeClientsMessage message, bool isList, bool isXml, ref string? text)
    {
        var report = new VolumeReport<BrickClients>(message.Volume, message.Bricks);
        text = (isList, isXml) switch
        {
            (true, true) => ClientsReport.ListXml(report),
            (true, false) => ClientsReport.ListText(report),
            (false, true) => ClientsReport.Xml(report),
            _ => ClientsReport.Text(report),
        };
    }

    static partial void Internals(VolumeInternalsMessage message, bool isXml, ref string? text) =>
        text = (message.Kind, isXml) switch
        {
            ("mem", true) => BrickStateReports.MemoryXml(Part(message, i => i.Memory)),
            ("mem", false) => BrickStateReports.MemoryText(Part(message, i => i.Memory)),
            ("inode", true) => BrickStateReports.InodesXml(Part(message, i => i.Inodes)),
            ("inode", false) => BrickStateReports.InodesText(Part(message, i => i.Inodes)),
            ("fd", true) => BrickStateReports.FdsXml(Part(message, i => i.Fds)),
            ("fd", false) => BrickStateReports.FdsText(Part(message, i => i.Fds)),
            ("leases", true) => LeasesReport.Xml(Part(message, i => i.Leases)),
            ("leases", false) => LeasesReport.Text(Part(message, i => i.Leases)),
            (_, true) => BrickStateReports.CallsXml(Part(message, i => i.Calls)),
            _ => BrickStateReports.CallsText(Part(message, i => i.Calls)),
        };

    private static VolumeReport<T> Part<T>(VolumeInternalsMessage message, Func<BrickInternals, T?> part)
        where T : class => new(
        message.Volume,
        [
            .. message.Bricks.Select(b => new BrickReport<T>(
                b.Place, b.Value is { } value ? part(value) : null, b.Problem)),
        ]);
}
