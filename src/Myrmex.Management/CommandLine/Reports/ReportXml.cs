using System.Globalization;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>The frame of volume status in XML: volStatus, volumes, volume, a node for every brick.</summary>
internal static class ReportXml
{
    /// <param name="writeValue">Writes what a brick said into its node.</param>
    public static string Status<T>(VolumeReport<T> report, System.Action<CliXml, T>? writeValue)
        where T : class
    {
        var xml = CliXml.Success();
        xml.Open("volStatus");
        xml.Open("volumes");
        xml.Open("volume");
        xml.Element("volName", report.Volume);
        xml.Element("nodeCount", report.Bricks.Count);
        foreach (var brick in report.Bricks)
        {
            xml.Open("node");
            Place(xml, brick.Place);
            if (brick.Value is { } value)
            {
                writeValue?.Invoke(xml, value);
            }

            xml.Close();
        }

        return xml.ToString();
    }

    private static void Place(CliXml xml, BrickPlace place)
    {
        var port = place.Online ? place.Port.ToString(CultureInfo.InvariantCulture) : "N/A";
        xml.Element("hostname", place.Host);
        xml.Element("path", place.Path);
        xml.Element("peerid", place.Node);
        xml.Element("status", place.Online ? 1 : 0);
        xml.Element("port", port);
        xml.Open("ports");
        xml.Element("tcp", port);
        xml.Element("rdma", "N/A");
        xml.Close();
        xml.Element("pid", place.Online ? place.Pid : -1);
    }
}
