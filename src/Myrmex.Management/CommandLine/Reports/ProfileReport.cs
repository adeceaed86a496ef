using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>volume profile info. Source: GlusterFS 10.3, text and XML.</summary>
internal static class ProfileReport
{
    private const int BlocksPerRow = 3;

    public static string Text(VolumeReport<BrickProfile> report)
    {
        var text = new StringBuilder();
        foreach (var brick in report.Bricks)
        {
            var title = $"Brick: {brick.Place.Name}";
            text.Line(title).Line(new string('-', title.Length));
            if (brick.Value is not { } profile)
            {
                text.Line(brick.Problem ?? string.Empty).Line(" ");
                continue;
            }

            if (profile.Cleared)
            {
                text.Line("Cleared stats.");
            }

            Figures(text, "Cumulative Stats:", profile.Cumulative);
            Figures(text, $"Interval {profile.Interval?.Number ?? 0} Stats:", profile.Interval);
        }

        return text.ToString();
    }

    public static string Xml(VolumeReport<BrickProfile> report)
    {
        var xml = CliXml.Success();
        xml.Open("volProfile");
        xml.Element("volname", report.Volume);
        xml.Element("profileOp", 3);
        xml.Element("brickCount", report.Bricks.Count(b => b.Value is not null));
        foreach (var brick in report.Bricks)
        {
            if (brick.Value is not { } profile)
            {
                continue;
            }

            xml.Open("brick");
            xml.Element("brickName", brick.Place.Name);
            if (profile.Cleared)
            {
                xml.Element("clearStats", "Cleared stats.");
            }

            Figures(xml, "cumulativeStats", profile.Cumulative);
            Figures(xml, "intervalStats", profile.Interval);
            xml.Close();
        }

        return xml.ToString();
    }

    /// <summary>The XML of profile start (1) and stop (2); a problem makes it a failure.</summary>
    public static string SwitchedXml(string volume, bool started, string? problem)
    {
        var xml = problem is null ? CliXml.Success() : CliXml.Failure(problem);
        xml.Open("volProfile");
        xml.Element("volname", volume);
        xml.Element("profileOp", started ? 1 : 2);
        return xml.ToString();
    }

    private static void Figures(StringBuilder text, string title, ProfileFigures? figures)
    {
        if (figures is null)
        {
            return;
        }

        text.Line(title);
        Blocks(text, figures.Blocks.Where(b => b.Reads + b.Writes > 0).ToList());
        Fops(text, figures.Fops);
        text.Line(" ")
            .Line($"    Duration: {figures.DurationSeconds} seconds")
            .Line($"   Data Read: {figures.ReadBytes} bytes")
            .Line($"Data Written: {figures.WrittenBytes} bytes")
            .Line(" ");
    }

    private static void Blocks(StringBuilder text, List<BlockProfile> blocks)
    {
        foreach (var row in blocks.Chunk(BlocksPerRow))
        {
            Row(text, "   Block Size:", row.Select(b => $"{b.Size.ToString(CultureInfo.InvariantCulture),19}b+ "));
            Row(text, " No. of Reads:", row.Select(b => $"{b.Reads.ToString(CultureInfo.InvariantCulture),21} "));
            Row(text, "No. of Writes:", row.Select(b => $"{b.Writes.ToString(CultureInfo.InvariantCulture),21} "));
            if (row.Length == BlocksPerRow)
            {
                text.Line(" ");
            }
        }
    }

    private static void Row(StringBuilder text, string title, IEnumerable<string> cells) =>
        text.Append(title).AppendJoin(string.Empty, cells).Append('\n');

    /// <summary>Those that took least of the time first.</summary>
    private static void Fops(StringBuilder text, IReadOnlyList<FopProfile> fops)
    {
        if (fops.Count == 0)
        {
            return;
        }

        text.Line(" %-latency   Avg-latency   Min-Latency   Max-Latency   No. of calls         Fop")
            .Line(" ---------   -----------   -----------   -----------   ------------        ----");
        var total = fops.Sum(f => f.Hits * f.AverageNs);
        foreach (var fop in fops.OrderBy(f => f.Hits * f.AverageNs))
        {
            var share = total > 0 ? fop.Hits * fop.AverageNs * 100 / total : 0;
            var (name, hits, mean) = (fop.Name, fop.Hits, fop.AverageNs);
            text.Line(
                $"{share,10:F2} {mean,10:F2} ns {fop.MinNs,10:F2} ns {fop.MaxNs,10:F2} ns {hits,14} {name,11}");
        }
    }

    private static void Figures(CliXml xml, string name, ProfileFigures? figures)
    {
        if (figures is null)
        {
            return;
        }

        xml.Open(name);
        xml.Open("blockStats");
        foreach (var block in figures.Blocks)
        {
            xml.Open("block");
            xml.Element("size", block.Size);
            xml.Element("reads", block.Reads);
            xml.Element("writes", block.Writes);
            xml.Close();
        }

        xml.Close();
        xml.Open("fopStats");
        foreach (var fop in figures.Fops.Where(f => f.Name is not ("RELEASE" or "RELEASEDIR" or "FORGET")))
        {
            xml.Open("fop");
            xml.Element("name", fop.Name);
            xml.Element("hits", fop.Hits);
            xml.Element("avgLatency", fop.AverageNs.ToString("F6", CultureInfo.InvariantCulture));
            xml.Element("minLatency", fop.MinNs.ToString("F6", CultureInfo.InvariantCulture));
            xml.Element("maxLatency", fop.MaxNs.ToString("F6", CultureInfo.InvariantCulture));
            xml.Close();
        }

        xml.CloseEmptied();
        xml.Element("duration", figures.DurationSeconds);
        xml.Element("totalRead", figures.ReadBytes);
        xml.Element("totalWrite", figures.WrittenBytes);
        xml.Close();
    }
}
