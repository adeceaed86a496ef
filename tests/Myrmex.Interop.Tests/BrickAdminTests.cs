using System;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.Json;
using System.Xml.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// What a running brick process tells administrators, with a stock client that does known I/O. Questions are put by
/// <c>myrmex brick-ask</c>.
/// </summary>
public sealed class BrickAdminTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly TestDirectory _directory = new(nameof(BrickAdminTests));
    private MyrmexDaemon _server = null!;
    private string _brick = string.Empty;

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void ProfileAndTopHaveExactlyWhatAStockClientDid()
    {
        var mount = VolumeAndMount("performance.write-behind off", "performance.quick-read off", "performance.open-behind off");
        mount.Sh("echo x > before");
        _server.Gluster("volume set vol diagnostics.count-fop-hits on");
        _server.Gluster("volume set vol diagnostics.latency-measurement on");
        Wait.Until("counting is on", Soon, () => Metric("myrmex_counting") == 1, () => mount.LogTail());
        Ask("ClearProfile");
        mount.Sh(
            "dd if=/dev/zero of=big bs=128k count=10 status=none; dd if=/dev/zero of=small bs=4k count=3 status=none;"
            + " mkdir d; dd if=big of=/dev/null bs=128k iflag=direct status=none");
        var cumulative = Profile("""{"cumulative":true,"interval":false,"peek":true}""").GetProperty("cumulative");
        Assert.Equal((10, 10), Block(cumulative, 131072));
        Assert.Equal((0, 3), Block(cumulative, 4096));
        Assert.Equal(13, cumulative.GetProperty("blocks").EnumerateArray().Sum(b => b.GetProperty("writes").GetInt64()));
        Assert.Equal((1_310_720, 1_323_008), (Long(cumulative, "readBytes"), Long(cumulative, "writtenBytes")));
        Assert.Equal(13, Hits(cumulative, "WRITE"));
        Assert.Equal(2, Hits(cumulative, "CREATE"));
        Assert.Equal(1, Hits(cumulative, "MKDIR"));
        Assert.Equal(0, Hits(cumulative, "GETXATTR"));
        var write = Fop(cumulative, "WRITE");
        Assert.InRange(write.GetProperty("minNs").GetDouble(), 1, write.GetProperty("averageNs").GetDouble());
        Assert.InRange(write.GetProperty("averageNs").GetDouble(), 1, write.GetProperty("maxNs").GetDouble());

        // A peek leaves the interval, the next question ends it.
        Assert.Equal(13, Hits(Interval(peek: true), "WRITE"));
        Assert.Equal((0, 13), ((int)Long(Interval(peek: true), "number"), Hits(Interval(peek: false), "WRITE")));
        var second = Interval(peek: true);
        Assert.Equal((1, 0), ((int)Long(second, "number"), Hits(second, "WRITE")));

        var writes = Top("Write");
        Assert.Equal(["/big:10", "/small:3"], writes.Select(f => $"{f.GetProperty("path").GetString()}:{Long(f, "figure")}"));
        Assert.Equal("/big:10", Top("Read").Select(f => $"{f.GetProperty("path").GetString()}:{Long(f, "figure")}").Single());
        Assert.All(Top("WritePerf"), f => Assert.NotEqual(0, Long(f, "wallNs")));
        Assert.Equal(13, Metric("myrmex_fops_total{", "fop=\"write\""));
        Assert.Equal(1_323_008, Metric("myrmex_written_bytes_total"));
        Ask("ClearTop");
        Assert.Empty(Top("Write"));

        var speed = Ask("Top", ""","top":{"list":"WritePerf","count":10,"blockSize":4096,"blockCount":256}""").GetProperty("top");
        Assert.InRange(speed.GetProperty("throughput").GetDouble(), 0.001, 1e6);
        Assert.Empty(Directory.GetFiles(Path.Combine(_brick, ".glusterfs"), "perf-*"));
        Assert.NotEqual(0, AskRaw("Top", ""","top":{"list":"WritePerf","count":1,"blockSize":4096,"blockCount":1000000000}""").ExitCode);
    }

    [InteropFact(Need.Root)]
    public void TheLogGoesOnInANewFileAndNoLineIsLost()
    {
        using var server = new MyrmexDaemon(_directory);
        server.CreateVolume("vol", [_directory.Make("bricks/one"), _directory.Make("bricks/two")]);
        var logs = Path.Combine(server.WorkingDirectory, "log");
        var before = File.ReadAllText(Path.Combine(logs, "brick.log"));
        server.Gluster("volume log vol rotate");
        server.Gluster($"volume log vol rotate {server.Host}:{_directory["bricks/two"]}");
        var former = Directory.GetFiles(logs).Where(f => f.Contains("brick.log.")).Order(System.StringComparer.Ordinal).ToArray();
        Assert.Equal(2, former.Length);
        Assert.Equal(before, File.ReadAllText(former[0]));
        server.StopVolume("vol");
        server.StartVolume("vol", 2);
        Wait.Until("the new log has lines", Soon, () => File.ReadAllText(Path.Combine(logs, "brick.log")).Contains("brick started"));
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void ClientsFilesMemoryAndStateDumpAreThoseOfTheProcess()
    {
        var mount = VolumeAndMount();
        using var holder = Child.Start(
            "holder", _directory.Logs, "/bin/bash", "-c", $"exec 3> {mount.Path}/held 4> {mount.Path}/held2; sleep 60");
        Wait.Until("the files are open", Soon, () => OpenFds() == 2, () => mount.LogTail());
        var client = Ask("Clients").GetProperty("clients").GetProperty("clients").EnumerateArray().Single();
        Assert.Contains($"PID:{mount.Pid}-", client.GetProperty("processId").GetString(), StringComparison.Ordinal);
        Assert.Equal(("fuse", 100000), (client.GetProperty("processName").GetString(), (int)Long(client, "opVersion")));
        var (before, _) = (Long(client, "bytesRead"), 0);
        mount.Sh("dd if=/dev/zero of=more bs=1M count=4 status=none; sync more");
        var after = Long(Ask("Clients").GetProperty("clients").GetProperty("clients").EnumerateArray().Single(), "bytesRead");
        Assert.InRange(after - before, 4 << 20, (4 << 20) + 100_000);
        var inodes = Ask("Inodes").GetProperty("inodes");
        Assert.Equal(2, Long(inodes, "activeCount"));
        Assert.Equal(0, Long(Ask("Calls").GetProperty("calls"), "count"));
        var memory = Ask("Memory").GetProperty("memory");
        Assert.InRange(Long(memory, "residentBytes"), 1 << 20, 4L << 30);
        Assert.InRange(Long(memory, "uordblks"), 1, Long(memory, "residentBytes"));
        Assert.Equal(1, Metric("myrmex_brick_clients"));
        Assert.Equal(2, Metric("myrmex_brick_open_fds"));

        var dumps = _directory.Make("dumps");
        var path = Ask("StateDump", $$""","stateDump":{"directory":"{{dumps}}","sections":[]}""").GetProperty("text").GetString()!;
        Assert.Matches($@"^{_brick.Trim('/').Replace('/', '-')}\.{_server.BrickPid}\.dump\.\d+$", Path.GetFileName(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        var dump = File.ReadAllText(path);
        Assert.Equal(2, dump.Split("ia_type=1\n").Length - 1);
        Assert.All(
            new[] { "[mallinfo]\n", "[global.callpool]\ncallpool.cnt=0\n", "[storage/posix.vol-posix]\n", "\nDUMP-END-TIME: " },
            part => Assert.Contains(part, dump, StringComparison.Ordinal));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{_server.WorkingDirectory}/brick.sock"));
        var refused = AskRaw("Clients", string.Empty, "/no/such/brick");
        Assert.Equal((1, true), (refused.ExitCode, refused.Error.Contains("is not running here", StringComparison.Ordinal)));
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void ClearingLocksEndsTheWaitAndFreesTheRange()
    {
        var mount = VolumeAndMount();
        mount.Sh("echo 0123456789 > f");
        using var holder = Child.Start("holder", _directory.Logs, "python3", "-c", LockOf(mount) + "print('held'); time.sleep(60)");
        Wait.Until(
            "the lock is held", Soon,
            () => File.Exists(holder.Log) && File.ReadAllText(holder.Log).Contains("held", StringComparison.Ordinal));
        using var waiter = Child.Start("waiter", _directory.Logs, "python3", "-c", LockOf(mount) + "print('got')");
        Wait.Until("a call waits", Soon, () => Long(Ask("Calls").GetProperty("calls"), "count") == 1);
        var call = Ask("Calls").GetProperty("calls").GetProperty("calls").EnumerateArray().Single();
        Assert.Equal("LK", call.GetProperty("fop").GetString());
        Assert.Equal("No locks cleared.", Clear("/f", "Granted", "inode"));
        Assert.Equal("No locks cleared.", Clear("/f", "All", "posix", "0,50-10"));
        Assert.Equal("posix blocked locks=1 granted locks=0", Clear("/f", "Blocked", "posix", "0,0-10"));
        Assert.True(waiter.WaitForExit(Soon));
        Assert.NotEqual(0, waiter.ExitCode);

        // As with a stock brick: EINTR, which the kernel makes ERESTARTSYS.
        Assert.Contains("512", File.ReadAllText(waiter.Log), StringComparison.Ordinal);
        Assert.Equal("posix blocked locks=0 granted locks=1", Clear("/f", "Granted", "posix"));
        using var next = Child.Start("next", _directory.Logs, "python3", "-c", LockOf(mount) + "print('got')");
        Assert.True(next.WaitForExit(Soon));
        Assert.Equal(0, next.ExitCode);
        var missing = AskRaw("ClearLocks", ""","clearLocks":{"path":"/none","kind":"All","type":"posix","argument":""}""");
        Assert.Equal(
            (1, true), (missing.ExitCode, missing.Error.Contains("No such file or directory", StringComparison.Ordinal)));
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void TheCommandLineShowsExactlyWhatAStockClientDid()
    {
        var mount = VolumeAndMount("performance.write-behind off", "performance.quick-read off", "performance.open-behind off");
        mount.Sh("echo 0123456789 > f");
        Refused("volume profile vol info", "Profile on Volume vol is not started");
        Assert.Contains("Starting volume profile on vol has been successful", _server.Gluster("volume profile vol start"), StringComparison.Ordinal);
        Refused("volume profile vol start", "Profile on Volume vol is already started");
        mount.Sh("dd if=/dev/zero of=big bs=128k count=10 status=none; dd if=/dev/zero of=small bs=4k count=3 status=none; mkdir d");

        // The first fop after the answer of start is counted: nothing waits here.
        var info = _server.Gluster("volume profile vol info peek");
        Assert.StartsWith($"Brick: {_server.Host}:{_brick}\n-----", info);
        Assert.Contains("Cumulative Stats:\n", info, StringComparison.Ordinal);
        Assert.Matches(@"Interval 0 Stats:\n   Block Size: +4096b\+ +131072b\+ \n No\. of Reads: +0 +0 \nNo\. of Writes: +3 +10 \n", info);
        Assert.Matches(@" ns +13 +WRITE\n", info);
        Assert.Matches(@" ns +1 +MKDIR\n", info);
        Assert.Contains("Data Written: 1323008 bytes\n", info, StringComparison.Ordinal);
        var xml = XDocument.Parse(_server.Gluster("volume profile vol info cumulative --xml"));
        Assert.Equal("13", xml.Descendants("fop").Single(f => f.Element("name")!.Value == "WRITE").Element("hits")!.Value);
        Assert.Equal("1323008", xml.Descendants("totalWrite").Single().Value);
        Assert.Equal(
            $"Brick: {_server.Host}:{_brick}\nCount\t\tfilename\n=======================\n10\t\t/big\n3\t\t/small",
            _server.Gluster("volume top vol write").TrimEnd());
        Assert.Contains("\n10\t\t/big", _server.Gluster($"volume top vol write brick {_server.Host}:{_brick} list-cnt 1"), StringComparison.Ordinal);
        Assert.Contains($"Cleared stats for brick {_server.Host}:{_brick}", _server.Gluster("volume top vol clear"), StringComparison.Ordinal);
        Assert.Contains("Cleared stats.", _server.Gluster("volume profile vol info clear"), StringComparison.Ordinal);
        Assert.DoesNotContain("WRITE", _server.Gluster("volume profile vol info"), StringComparison.Ordinal);
        Assert.Contains("Stopping volume profile on vol has been successful", _server.Gluster("volume profile vol stop"), StringComparison.Ordinal);
        Assert.DoesNotContain("diagnostics", _server.Gluster("volume info vol"), StringComparison.Ordinal);

        var clients = _server.Gluster("volume status vol clients");
        Assert.Contains("Clients connected : 1\n", clients, StringComparison.Ordinal);
        Assert.Matches(@"\n127\.[\d.]+:\d+ +\d+ +\d+ +100000 *\n", clients);
        Assert.Matches(@"fuse +1 *\n", _server.Gluster("volume status vol client-list"));
        using (Child.Start("opener", _directory.Logs, "/bin/bash", "-c", $"exec 3< {mount.Path}/f; sleep 60"))
        {
            Wait.Until("the file is open", Soon, () => OpenFds() == 1, () => mount.LogTail());
            Assert.Contains("Connection 1:\nRefCount = 1  MaxFDs = 1 ", _server.Gluster("volume status vol fd"), StringComparison.Ordinal);
            Assert.Contains("Active Inodes : 1\n", _server.Gluster("volume status vol inode"), StringComparison.Ordinal);
        }

        Assert.Contains("Pending calls: 0", _server.Gluster("volume status vol callpool"), StringComparison.Ordinal);
        Assert.Matches(@"Mallinfo\n--------\nArena    : \d+\n", _server.Gluster("volume status vol mem"));
        using var holder = Child.Start("holder", _directory.Logs, "python3", "-c", LockOf(mount) + "print('held'); time.sleep(60)");
        Wait.Until(
            "the lock is held", Soon,
            () => File.Exists(holder.Log) && File.ReadAllText(holder.Log).Contains("held", StringComparison.Ordinal));
        Assert.Equal(
            $"Volume clear-locks successful\n{_server.Host}:{_brick}/: posix blocked locks=0 granted locks=1",
            _server.Gluster("volume clear-locks vol /f kind granted posix").TrimEnd());
        Assert.Equal(
            "Volume clear-locks successful\nNo locks cleared.", _server.Gluster("volume clear-locks vol /f kind all posix").TrimEnd());
        Refused("volume clear-locks vol /none kind all posix", "clear-locks getxattr command failed. Reason: No such file or directory");

        Assert.Equal("volume statedump: success", _server.Gluster("volume statedump vol mem").TrimEnd());
        var dump = Assert.Single(Directory.GetFiles($"{_server.WorkingDirectory}/log", "*.dump.*"));
        Assert.Contains("[mallinfo]", File.ReadAllText(dump), StringComparison.Ordinal);
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void AMountAnswersMetricsOverHttp()
    {
        VolumeAndMount();
        var socket = Path.Combine("/tmp", $"myrmex-metrics-{Environment.ProcessId}.sock");
        using var mount = MyrmexMount.FromServer(_directory, "own", _server.Host, "vol", $"metrics={socket}");
        mount.Sh("echo x > f; cat f");
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await client.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(client, ownsSocket: true);
            },
        });
#pragma warning disable VSTHRD002 // A test may wait.
        var page = http.GetStringAsync(new Uri("http://localhost/metrics")).Result;
        using var other = http.GetAsync(new Uri("http://localhost/else")).Result;
#pragma warning restore VSTHRD002
        Assert.Contains("myrmex_fuse_requests_total{opcode=\"create\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\nmyrmex_counting{graph=\"vol\"} 0\n", page, StringComparison.Ordinal);
        Assert.Equal(404, (int)other.StatusCode);
        File.Delete(socket);
    }

    private void Refused(string command, string reason)
    {
        var result = _server.Run(command);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(reason, result.Error + result.Output, StringComparison.Ordinal);
    }

    private static string LockOf(StockMount mount) =>
        $"import fcntl, sys, time\nsys.stdout.reconfigure(line_buffering=True)\nf = open('{mount.Path}/f', 'r+')\n"
        + "try:\n fcntl.lockf(f, fcntl.LOCK_EX, 10, 0)\n"
        + "except OSError as e:\n print('errno', e.errno)\n sys.exit(1)\n";

    private StockMount VolumeAndMount(params string[] options)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        _server = _directory.Own(new MyrmexDaemon(_directory));
        _brick = Bricks.Make(disk.Path, 1).Single();
        _server.CreateVolume("vol", [_brick], options);
        return _directory.Own(StockMount.FromServer(_directory, "mnt", _server.Host, "vol"));
    }

    private CommandResult AskRaw(string question, string rest, string? brick = null) => Product.Run(
        "brick-ask", "--socket", $"{_server.WorkingDirectory}/brick.sock",
        $$"""{"question":"{{question}}","brick":"{{brick ?? _brick}}"{{rest}}}""");

    private JsonElement Ask(string question, string rest = "")
    {
        using var document = JsonDocument.Parse(Shell.Succeed(AskRaw(question, rest)));
        return document.RootElement.Clone();
    }

    private JsonElement Profile(string query) => Ask("Profile", $",\"profile\":{query}").GetProperty("profile");

    private JsonElement Interval(bool peek) => Profile(
        $$"""{"cumulative":false,"interval":true,"peek":{{(peek ? "true" : "false")}}}""").GetProperty("interval");

    private JsonElement[] Top(string list) =>
        [.. Ask("Top", $$""","top":{"list":"{{list}}","count":10}""").GetProperty("top").GetProperty("files").EnumerateArray()];

    private string Clear(string path, string kind, string type, string argument = "") => Ask(
        "ClearLocks",
        $$""","clearLocks":{"path":"{{path}}","kind":"{{kind}}","type":"{{type}}","argument":"{{argument}}"}""")
        .GetProperty("text").GetString()!;

    private long OpenFds() => Ask("Fds").GetProperty("fds").GetProperty("tables").EnumerateArray().Sum(t => Long(t, "count"));

    private double Metric(string name, string label = "")
    {
        var page = Ask("Metrics").GetProperty("text").GetString()!;
        var line = page.Split('\n').SingleOrDefault(
            l => l.StartsWith(name, StringComparison.Ordinal) && l.Contains(label, StringComparison.Ordinal));
        return line is null ? -1 : double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static (long Reads, long Writes) Block(JsonElement figures, long size)
    {
        var block = figures.GetProperty("blocks").EnumerateArray().Single(b => Long(b, "size") == size);
        return (Long(block, "reads"), Long(block, "writes"));
    }

    private static JsonElement Fop(JsonElement figures, string name) =>
        figures.GetProperty("fops").EnumerateArray().FirstOrDefault(f => f.GetProperty("name").GetString() == name);

    private static long Hits(JsonElement figures, string name) =>
        Fop(figures, name) is { ValueKind: JsonValueKind.Object } fop ? Long(fop, "hits") : 0;

    private static long Long(JsonElement parent, string name) => parent.GetProperty(name).GetInt64();
}
