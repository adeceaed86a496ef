using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Unit.Tests.Tidy;
using Xunit;

namespace Myrmex.Unit.Tests.Management.BrickAdmin;

/// <summary>
/// Reports have the shape of GlusterFS 10.3: what it printed (Captured/) is read into a report, and the report is printed
/// again, byte for byte.
/// </summary>
public sealed partial class CapturedReportTests
{
    [Fact]
    public void ProfileTextIsPrintedAsGlusterFsDoes()
    {
        var text = Captured("profile-interval.txt");
        var bricks = text.Split("Brick: ").Skip(1).Select(part => Report(
            part.Split('\n')[0], new BrickProfile(null, ParseFigures(part))));
        Assert.Equal(text, ProfileReport.Text(new VolumeReport<BrickProfile>("v", [.. bricks])));
    }

    [Fact]
    public void ProfileXmlIsPrintedAsGlusterFsDoes()
    {
        var text = Captured("profile-cumulative.xml");
        var bricks = XDocument.Parse(text).Descendants("brick").Select(b => Report(
            b.Element("brickName")!.Value, new BrickProfile(ParseFigures(b.Element("cumulativeStats")!), null)));
        var report = new VolumeReport<BrickProfile>("v", [.. bricks]);
        Assert.Equal(text, ProfileReport.Xml(report));

        // GlusterFS leaves these out.
        var fops = report.Bricks[0].Value!.Cumulative!.Fops;
        var more = new VolumeReport<BrickProfile>("v", [.. report.Bricks.Select(b => b with
        {
            Value = new BrickProfile(
                b.Value!.Cumulative! with { Fops = [.. b.Value.Cumulative!.Fops, new FopProfile("RELEASE", 1, 2, 2, 2)] },
                null),
        })]);
        Assert.Equal(text, ProfileReport.Xml(more));
        Assert.NotEmpty(fops);
    }

    [Fact]
    public void ClearedProfileIsPrintedAsGlusterFsDoes()
    {
        var text = Captured("profile-clear.xml");
        var bricks = XDocument.Parse(text).Descendants("brickName")
            .Select(b => Report(b.Value, new BrickProfile(null, null, Cleared: true)));
        Assert.Equal(text, ProfileReport.Xml(new VolumeReport<BrickProfile>("v", [.. bricks])));
    }

    [Theory]
    [InlineData("top-open.xml", TopList.Open)]
    [InlineData("top-write-perf.xml", TopList.WritePerf)]
    public void TopXmlIsPrintedAsGlusterFsDoes(string file, TopList list)
    {
        var text = Captured(file);
        var bricks = XDocument.Parse(text).Descendants("brick")
            .Select(b => Report(b.Element("name")!.Value, ParseTop(b)));
        Assert.Equal(text, TopReport.Xml(list, new VolumeReport<BrickTop>("v", [.. bricks])));
    }

    [Fact]
    public void TopTextIsPrintedAsGlusterFsDoes()
    {
        // The same moment in both forms.
        var bricks = XDocument.Parse(Captured("top-open.xml")).Descendants("brick")
            .Select(b => Report(b.Element("name")!.Value, ParseTop(b)));
        Assert.Equal(
            Captured("top-open.txt"), TopReport.Text(TopList.Open, new VolumeReport<BrickTop>("v", [.. bricks])));
        var writes = new VolumeReport<BrickTop>(
            "v",
            [
                Report("10.0.0.1:/data/b1/b", new BrickTop(
                    [new TopFile("/a", 10, 0), new TopFile("/c", 3, 0), new TopFile("/b", 3, 0)])),
                Report("10.0.0.1:/data/b2/b", new BrickTop([])),
            ]);
        Assert.Equal(Captured("top-write.txt"), TopReport.Text(TopList.Write, writes));
    }

    [Fact]
    public void ClientsArePrintedAsGlusterFsDoes()
    {
        var text = Captured("status-clients.xml");
        var report = new VolumeReport<BrickClients>("v", [.. XDocument.Parse(text).Descendants("node").Select(ParseNode)]);

        // It counts one node more than it prints.
        Assert.Equal(
            text.Replace("<nodeCount>3", "<nodeCount>2", StringComparison.Ordinal), ClientsReport.Xml(report));
        Assert.Equal(Captured("status-client-list.txt"), ClientsReport.ListText(report));
        var lines = ClientRow().Matches(Captured("status-clients.txt"));
        var table = report with
        {
            Bricks = [.. report.Bricks.Select((b, i) => b with
            {
                Value = new BrickClients([b.Value!.Clients[0] with
                {
                    BytesRead = Number(lines[i].Groups[2].Value),
                    BytesWritten = Number(lines[i].Groups[3].Value),
                }]),
            })],
        };
        Assert.Equal(Captured("status-clients.txt"), ClientsReport.Text(table));
    }

    [Fact]
    public void ABrickThatDoesNotAnswerHasItsReasonInEveryReport()
    {
        var away = new BrickPlace("h", "/b", "n", Online: false, 0, 0);
        var text = ClientsReport.Text(
            new VolumeReport<BrickClients>("v", [new BrickReport<BrickClients>(away, null, "Brick is not running")]));
        Assert.Contains("Brick : h:/b\nBrick is not running\n", text, StringComparison.Ordinal);
        var xml = BrickStateReports.MemoryXml(
            new VolumeReport<BrickMemory>("v", [new BrickReport<BrickMemory>(away, null, "x")]));
        Assert.Equal("-1", XDocument.Parse(xml).Descendants("pid").Single().Value);
        Assert.Empty(XDocument.Parse(xml).Descendants("memStatus"));
    }

    [Fact]
    public void LeasesAreShownWithTheirHolders()
    {
        var leases = new BrickLeases(
        [
            new BrickLease("g1", "/dir/<file>", "0a0b", "read-write", "77", ["h:1", "h:2"], 12, Recalled: true, Waiting: 3),
            new BrickLease("g2", "/other", "0c", "read", "5", [], -1, Recalled: false, Waiting: 0),
        ]);
        var xml = XDocument.Parse(LeasesReport.Xml(Twice(leases)));
        Assert.Equal(["/dir/<file>", "/other", "/dir/<file>", "/other"], xml.Descendants("lease").Select(e => e.Element("path")!.Value));
        Assert.Equal(["1", "0", "1", "0"], xml.Descendants("recalled").Select(e => e.Value));
        var text = LeasesReport.Text(Twice(leases));
        Assert.Contains("Leases held : 2\n \n Path     : /dir/<file>\n", text, StringComparison.Ordinal);
        Assert.Contains(" Client   : h:1, h:2\n Held     : 12 s\n Recalled : yes\n Waiting  : 3\n", text, StringComparison.Ordinal);
        Assert.Contains(" Client   : away\n Held     : from before this member led\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void CallsFdsAndInodesAreWellFormedXmlWithAllBricks()
    {
        var calls = new BrickCalls(1, 5, [new BrickCall(7, "LK", 1, 2, 3, 5, "c<&>")]);
        var fds = new BrickFds([new BrickFdTable("h:1", 2, [new BrickFd(0, "g", 2, false), new BrickFd(2, "h", 0, true)])]);
        var inodes = new BrickInodes(1, [new BrickInode("g", 2, 1)]);
        var callXml = XDocument.Parse(BrickStateReports.CallsXml(Twice(calls)));
        Assert.Equal(["LK", "LK"], callXml.Descendants("op").Select(e => e.Value));
        var fdXml = XDocument.Parse(BrickStateReports.FdsXml(Twice(fds)));
        Assert.Equal(["1", "1"], fdXml.Descendants("firstFree").Select(e => e.Value));
        Assert.Equal(["0", "2", "0", "2"], fdXml.Descendants("entry").Select(e => e.Value));
        var inodeXml = XDocument.Parse(BrickStateReports.InodesXml(Twice(inodes)));
        Assert.Equal(["2", "2"], inodeXml.Descendants("ref").Select(e => e.Value));
        Assert.Contains(" Unique : 7\n", BrickStateReports.CallsText(Twice(calls)), StringComparison.Ordinal);
        Assert.Contains("MaxFDs = 2  FirstFree = 1\n", BrickStateReports.FdsText(Twice(fds)), StringComparison.Ordinal);
    }

    private static VolumeReport<T> Twice<T>(T value)
        where T : class => new("v", [Report("h:/1", value), Report("h:/2", value)]);

    private static BrickReport<T> Report<T>(string name, T value)
        where T : class
    {
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        return new BrickReport<T>(
            new BrickPlace(name[..colon], name[(colon + 1)..], "n", Online: true, 1, 2), value, null);
    }

    private static string Captured(string name) => string.Join(
        '\n', Repository.ReadLines("tests/Myrmex.Unit.Tests/Management/Captured/" + name)) + "\n";

    private static ProfileFigures ParseFigures(string part)
    {
        var lines = part.Split('\n');
        var sizes = Cells(lines, "   Block Size:").Select(c => Number(c.TrimEnd('+').TrimEnd('b'))).ToList();
        var reads = Cells(lines, " No. of Reads:").Select(Number).ToList();
        var writes = Cells(lines, "No. of Writes:").Select(Number).ToList();
        var fops = FopRow().Matches(part).Select(m => new FopProfile(
            m.Groups[5].Value, Number(m.Groups[4].Value), Real(m.Groups[1].Value), Real(m.Groups[2].Value),
            Real(m.Groups[3].Value)));
        return new ProfileFigures(
            0, After(lines, "Duration:"), After(lines, "Data Read:"), After(lines, "Data Written:"),
            [.. sizes.Select((size, i) => new BlockProfile(size, reads[i], writes[i]))], [.. fops]);
    }

    private static ProfileFigures ParseFigures(XElement stats) => new(
        0, Long(stats, "duration"), Long(stats, "totalRead"), Long(stats, "totalWrite"),
        [.. stats.Descendants("block").Select(b => new BlockProfile(Long(b, "size"), Long(b, "reads"), Long(b, "writes")))],
        [.. stats.Descendants("fop").Select(f => new FopProfile(
            f.Element("name")!.Value, Long(f, "hits"), Double(f, "avgLatency"), Double(f, "minLatency"),
            Double(f, "maxLatency")))]);

    private static BrickTop ParseTop(XElement brick) => new(
        [.. brick.Elements("file").Select(f => new TopFile(f.Element("filename")!.Value, Long(f, "count"), Time(f, "time")))])
    {
        CurrentOpen = Long(brick, "currentOpen"),
        MaxOpen = Long(brick, "maxOpen"),
        MaxOpenWallNs = Time(brick, "maxOpenTime"),
        Throughput = brick.Element("throughput") is null ? null : Double(brick, "throughput"),
        TimeTakenUs = Double(brick, "timeTaken"),
    };

    private static BrickReport<BrickClients> ParseNode(XElement node) => new(
        new BrickPlace(
            node.Element("hostname")!.Value, node.Element("path")!.Value, node.Element("peerid")!.Value, Online: true,
            (int)Long(node, "port"), (int)Long(node, "pid")),
        new BrickClients([.. node.Descendants("client").Select(c => new BrickClient(
            c.Element("hostname")!.Value, "CTX_ID:1-GRAPH_ID:0-PID:2", string.Empty, "fuse", (int)Long(c, "opVersion"), 0,
            Long(c, "bytesRead"), Long(c, "bytesWrite"), 0))]),
        null);

    private static IEnumerable<string> Cells(string[] lines, string title) => lines
        .Where(l => l.StartsWith(title, StringComparison.Ordinal))
        .SelectMany(l => l[title.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static long After(string[] lines, string title) =>
        Number(lines.First(l => l.Contains(title, StringComparison.Ordinal)).Split(title)[1].Trim().Split(' ')[0]);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static double Real(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static long Long(XElement parent, string name) =>
        parent.Element(name) is { } element ? Number(element.Value) : 0;

    private static double Double(XElement parent, string name) =>
        parent.Element(name) is { } element ? Real(element.Value) : 0;

    private static long Time(XElement parent, string name) => parent.Element(name) is not { } element ? 0
        : (DateTime.ParseExact(
            element.Value, "yyyy-MM-dd HH:mm:ss.ffffff +0000", CultureInfo.InvariantCulture) - DateTime.UnixEpoch).Ticks * 100;

    [GeneratedRegex(@"^ +[\d.]+ +([\d.]+) ns +([\d.]+) ns +([\d.]+) ns +(\d+) +(\w+)$", RegexOptions.Multiline)]
    private static partial Regex FopRow();

    [GeneratedRegex(@"^(\S+:\d+) +(\d+) +(\d+) +(\d+)$", RegexOptions.Multiline)]
    private static partial Regex ClientRow();
}
