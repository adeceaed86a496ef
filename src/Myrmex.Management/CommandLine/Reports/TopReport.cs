using System.Globalization;
using System.Linq;
using System.Text;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>volume top. Source: GlusterFS 10.3, text and XML.</summary>
internal static class TopReport
{
    private const int NameWidth = 47;

    public static string Text(TopList list, VolumeReport<BrickTop> report)
    {
        var text = new StringBuilder();
        foreach (var brick in report.Bricks)
        {
            text.Line($"Brick: {brick.Place.Name}");
            if (brick.Value is not { } top)
            {
                text.Line(brick.Problem ?? string.Empty);
                continue;
            }

            Head(text, list, top);
            if (list is TopList.ReadPerf or TopList.WritePerf)
            {
                Speeds(text, top);
            }
            else
            {
                Counts(text, top);
            }
        }

        return text.ToString();
    }

    public static string Xml(TopList list, VolumeReport<BrickTop> report)
    {
        var xml = CliXml.Success();
        xml.Open("volTop");
        xml.Element("brickCount", report.Bricks.Count(b => b.Value is not null));
        xml.Element("topOp", (int)list < (int)TopList.Reserved ? (int)list + 1 : (int)list);
        foreach (var brick in report.Bricks)
        {
            if (brick.Value is { } top)
            {
                xml.Open("brick");
                xml.Element("name", brick.Place.Name);
                xml.Element("members", top.Files.Count);
                Head(xml, list, top);
                foreach (var file in top.Files)
                {
                    File(xml, file);
                }

                xml.Close();
            }
        }

        return xml.ToString();
    }

    /// <summary>volume top clear; GlusterFS has no XML for it.</summary>
    public static string Cleared(VolumeReport<BrickTop> report)
    {
        var text = new StringBuilder();
        foreach (var brick in report.Bricks)
        {
            text.Line(brick.Value is null
                ? $"Brick {brick.Place.Name}: {brick.Problem}" : $"Cleared stats for brick {brick.Place.Name}");
        }

        return text.ToString();
    }

    private static void Head(StringBuilder text, TopList list, BrickTop top)
    {
        if (list == TopList.Open)
        {
            text.Line(
                $"Current open fds: {top.CurrentOpen}, Max open fds: {top.MaxOpen}, Max openfd time: {MaxTime(top)}");
        }
        else if (top.Throughput is { } throughput)
        {
            text.Line($"Throughput {throughput:F2} MBps time {top.TimeTakenUs / 1e6:F4} secs");
        }
    }

    private static void Counts(StringBuilder text, BrickTop top)
    {
        if (top.Files.Count > 0)
        {
            text.Line("Count\t\tfilename").Line("=======================");
        }

        foreach (var file in top.Files)
        {
            text.Line($"{file.Figure}\t\t{file.Path}");
        }
    }

    private static void Speeds(StringBuilder text, BrickTop top)
    {
        if (top.Files.Count > 0)
        {
            text.Line($"MBps {"Filename".PadRight(NameWidth)} {"Time".PadRight(26)}")
                .Line($"==== {"========".PadRight(NameWidth)} {"====".PadRight(26)}");
        }

        foreach (var file in top.Files)
        {
            // GlusterFS puts the fraction behind the zone, without its zeros: here the time is as everywhere else.
            var name = file.Path.Length <= NameWidth ? file.Path : "..." + file.Path[^(NameWidth - 3)..];
            text.Line($"{file.Figure,4} {name.PadRight(NameWidth)} {ReportText.Time(file.WallNs)}");
        }
    }

    private static void Head(CliXml xml, TopList list, BrickTop top)
    {
        if (list == TopList.Open)
        {
            xml.Element("currentOpen", top.CurrentOpen);
            xml.Element("maxOpen", top.MaxOpen);
            xml.Element("maxOpenTime", MaxTime(top));
        }
        else if (top.Throughput is { } throughput)
        {
            xml.Element("throughput", throughput.ToString("F6", CultureInfo.InvariantCulture));
            xml.Element("timeTaken", top.TimeTakenUs.ToString("F6", CultureInfo.InvariantCulture));
        }
    }

    private static void File(CliXml xml, TopFile file)
    {
        xml.Open("file");
        xml.Element("filename", file.Path);
        xml.Element("count", file.Figure);
        if (file.WallNs > 0)
        {
            xml.Element("time", ReportText.Time(file.WallNs));
        }

        xml.Close();
    }

    private static string MaxTime(BrickTop top) => top.MaxOpenWallNs == 0 ? "N/A" : ReportText.Time(top.MaxOpenWallNs);
}
