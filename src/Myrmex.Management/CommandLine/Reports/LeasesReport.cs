using System.Globalization;
using System.Text;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>volume status leases: ours, in the style of the others.</summary>
internal static class LeasesReport
{
    public static string Text(VolumeReport<BrickLeases> report)
    {
        var text = new StringBuilder();
        text.Line($"Leases for volume {report.Volume}").Line(ReportText.Rule);
        foreach (var brick in report.Bricks)
        {
            text.Line($"Brick : {brick.Place.Name}");
            if (brick.Value is not { } value)
            {
                text.Line(brick.Problem ?? string.Empty).Line(ReportText.Rule);
                continue;
            }

            text.Line($"Leases held : {value.Leases.Count}");
            foreach (var lease in value.Leases)
            {
                Lease(text, lease);
            }

            text.Line(ReportText.Rule);
        }

        return text.ToString();
    }

    public static string Xml(VolumeReport<BrickLeases> report) => ReportXml.Status(report, (xml, value) =>
    {
        xml.Open("leasesStatus");
        xml.Element("count", value.Leases.Count);
        foreach (var lease in value.Leases)
        {
            xml.Open("lease");
            xml.Element("path", lease.Path);
            xml.Element("gfid", lease.Gfid);
            xml.Element("type", lease.Type);
            xml.Element("leaseId", lease.LeaseId);
            xml.Element("holder", lease.Holder);
            foreach (var client in lease.Clients)
            {
                xml.Element("client", client);
            }

            xml.Element("heldSeconds", lease.HeldSeconds);
            xml.Element("recalled", lease.Recalled ? 1 : 0);
            xml.Element("waiting", lease.Waiting);
            xml.Close();
        }

        xml.Close();
    });

    private static void Lease(StringBuilder text, BrickLease lease)
    {
        var held = lease.HeldSeconds < 0
            ? "from before this member led" : string.Create(CultureInfo.InvariantCulture, $"{lease.HeldSeconds} s");
        var clients = lease.Clients.Count == 0 ? "away" : string.Join(", ", lease.Clients);
        text.Line(" ").Line($" Path     : {lease.Path}").Line($" GFID     : {lease.Gfid}")
            .Line($" Type     : {lease.Type}").Line($" Lease id : {lease.LeaseId}").Line($" Holder   : {lease.Holder}")
            .Line($" Client   : {clients}").Line($" Held     : {held}")
            .Line($" Recalled : {(lease.Recalled ? "yes" : "no")}").Line($" Waiting  : {lease.Waiting}");
    }
}
