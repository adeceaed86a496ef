using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// A <c>myrmex brick</c> process with two bricks: one that the wild clients attack, and one that a mount works on meanwhile. Each lies
/// on a file system of its own, because the wild ones may fill theirs.
/// </summary>
internal sealed class BrickUnderFire
{
    private const int WildClients = 4;
    private const long BoundMiB = 1024;

    private readonly CampaignRun _run;
    private readonly WildRecords _records;
    private readonly Child _child;
    private readonly string _host;
    private readonly int _port;
    private readonly string _canary;
    private readonly string _wildBrick;

    public BrickUnderFire(CampaignRun run, WildRecords records)
    {
        _run = run;
        _records = records;
        var directory = run.Directory;
        var wildDisk = directory.Own(XfsImage.Mount(directory, "wilddisk", sizeMiB: 1024));
        var honestDisk = directory.Own(XfsImage.Mount(directory, "honestdisk", sizeMiB: 32 << 10));
        _canary = Path.Combine(wildDisk.Path, "canary");
        Directory.CreateDirectory(_canary);
        File.WriteAllText(Path.Combine(_canary, "text"), "nobody but the campaign writes here\n");
        _wildBrick = Path.Combine(wildDisk.Path, "wild");
        _host = Addresses.NextLoopback();
        _port = Addresses.FreePort(_host);
        var list = directory.Write("bricks.list", $"{Brick(wildDisk, "wild")}\n{Brick(honestDisk, "honest")}\n");
        _child = directory.Own(Child.Start(
            "brick", directory.Logs, Product.Executable, "brick", "--bind", _host, "--port", $"{_port}", "--bricks", list));
        Wait.Until("the brick listens", Limits.Back, () => Addresses.Answers(_host, _port), () => _child.LogTail());
    }

    /// <summary>Repeats one life of one wild client.</summary>
    public void Repeat(int wild, long life)
    {
        new WildClient(_run, _records, _host, _port, wild).Run(life, livesMax: 1, long.MaxValue, CancellationToken.None);
        CheckAlive([]);
    }

    public void Fire(long records)
    {
        using var watch = new ProcessWatch(_run, "the brick process", _child.Pid, BoundMiB);
        using var stop = new CancellationTokenSource();
        using var mount = MyrmexMount.FromVolfile(_run.Directory, "honestmnt", Volfiles.Client("honest", [new BrickAddress(_host, _port, "honest")]));
        var record = _run.Directory["honest.record.txt"];
        Directory.CreateDirectory(Path.Combine(mount.Path, "w"));
        using var writer = Helper.Start("writer.py", "write", Path.Combine(mount.Path, "w"), record, "100000", $"{_run.Seed}");
        var honest = new HonestClient(_run, _host, _port);
        var honestThread = Start("honest", () => honest.Run(stop.Token));
        var wild = Enumerable.Range(0, WildClients).Select(n => new WildClient(_run, _records, _host, _port, n)).ToList();
        var threads = wild.ConvertAll(w => Start(w.Now, () => w.Run(0, long.MaxValue, records / WildClients, stop.Token)));
        Follow(wild, threads, records, stop);
        stop.Cancel();
        honestThread.Join();
        CheckAlive(wild);
        var summary = writer.Finish(Limits.Back);
        _run.Figure("the honest mount", summary);
        if (!summary.EndsWith(" errors 0", StringComparison.Ordinal))
        {
            _run.Fail($"the honest mount noticed something: {summary}");
        }

        Verify(mount, record);
        Report(wild, honest);
        CheckLog(wild);
    }

    /// <summary>
    /// Ends the process and tells how the attacked brick is on disk. This is a figure and no requirement: peers that create and unlink
    /// with one gfid at the same time leave inodes that share it (docs/internals/campaigns.md, "Open").
    /// </summary>
    public void Finish()
    {
        _child.Signal("TERM");
        if (!_child.WaitForExit(Limits.Back))
        {
            _run.Fail($"the brick process does not end: {_child.LogTail(4)}");
        }

        var result = Shell.Run("/", Limits.Audit, "python3", Helper.PathOf("audit.py"), "check", _wildBrick);
        var faults = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var shared = faults.Count(f => f.Contains("the handle is another inode", StringComparison.Ordinal));
        _run.Figure("the attacked brick on disk", $"{faults.LastOrDefault()}, {shared} inodes share a gfid {result.Error}".Trim());
    }

    /// <summary>Many links that announce as much as is allowed and send little of it: memory is for what arrives.</summary>
    public void Announce(int links)
    {
        using var watch = new ProcessWatch(_run, "the brick process under announcements", _child.Pid, BoundMiB);
        using var stop = new CancellationTokenSource();
        var sockets = Enumerable.Range(0, links).Select(_ => WireSocket.Connect(_host, _port)).ToList();
        var honest = new HonestClient(_run, _host, _port);
        try
        {
            foreach (var socket in sockets)
            {
                socket.Send([0x87, 0xFF, 0xFF, 0xF0, .. new byte[100_000]]);
            }

            var thread = Start("honest", () => honest.Run(stop.Token));
            Thread.Sleep(TimeSpan.FromSeconds(3));
            stop.Cancel();
            thread.Join();
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }

        if (honest.Answers == 0)
        {
            _run.Fail($"{links} links that announce long records keep an honest client from being served");
        }

        _run.Figure($"{links} links that announce 128 MiB each", $"{honest.Answers} honest answers, slowest {honest.SlowestMs:0} ms");
        CheckAlive([]);
    }

    private static Thread Start(string name, Action body)
    {
        var thread = new Thread(() => body()) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }

    private string Brick(XfsImage disk, string name)
    {
        var path = Path.Combine(disk.Path, name);
        Directory.CreateDirectory(path);
        var id = BrickProcess.StampVolumeId(path);
        // A client asks for the brick by its short name.
        var text = Volfiles.Brick(name, path, id).Replace($"volume {path}\n", $"volume {name}\n", StringComparison.Ordinal)
            .Replace($"subvolumes {path}\n", $"subvolumes {name}\n", StringComparison.Ordinal)
            .Replace($"auth.addr.{path}.", $"auth.addr.{name}.", StringComparison.Ordinal)
            .Replace($"auth-path {path}", $"auth-path {name}", StringComparison.Ordinal);
        return _run.Directory.Write(name + ".vol", text);
    }

    private void Follow(List<WildClient> wild, List<Thread> threads, long records, CancellationTokenSource stop)
    {
        var next = DateTime.UtcNow.AddSeconds(10);
        while (threads.Any(t => t.IsAlive))
        {
            Thread.Sleep(100);
            if (!_child.Running)
            {
                stop.Cancel();
                threads.ForEach(t => t.Join());
                return;
            }

            if (DateTime.UtcNow > next)
            {
                next = DateTime.UtcNow.AddSeconds(10);
                _run.Say($"{wild.Sum(w => w.Seen)} of {records} records, {ProcessWatch.ResidentMiB(_child.Pid)} MiB resident");
            }
        }
    }

    private void CheckAlive(List<WildClient> wild)
    {
        if (!_child.Running)
        {
            _run.Fail(
                $"the brick process ended with {_child.ExitCode}: {_child.LogTail(3)}; lives then: {string.Join(", ", wild.Select(w => w.Now))}");
        }

        if (File.ReadAllText(Path.Combine(_canary, "text")).Length != 36 || Directory.GetFileSystemEntries(_canary).Length != 1)
        {
            _run.Fail("something outside the brick has changed");
        }
    }

    private void Verify(FuseMount mount, string record)
    {
        var result = Shell.Run("/", Limits.Command, "python3", Helper.PathOf("writer.py"), "verify", Path.Combine(mount.Path, "w"), record);
        if (!result.Output.EndsWith("missing 0 wrong 0\n", StringComparison.Ordinal))
        {
            _run.Fail($"the honest mount's data: {result}");
        }
    }

    private void Report(List<WildClient> wild, HonestClient honest)
    {
        _run.Figure("records seen by the brick", $"{wild.Sum(w => w.Seen)} on {wild.Sum(w => w.Lives)} connections");
        _run.Figure("connections it ended", $"{wild.Sum(w => w.ThrownOut)}");
        _run.Figure("damaged handshakes", $"{wild.Sum(w => w.Handshakes)}");
        _run.Figure("the honest client", $"{honest.Answers} answers, slowest {honest.SlowestMs:0} ms");
        if (honest.Answers == 0)
        {
            _run.Fail("the honest client got no answer at all");
        }
    }

    /// <summary>No errors in the log, and a reason for everyone who was thrown out.</summary>
    private void CheckLog(List<WildClient> wild)
    {
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        var addresses = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(_child.Log))
        {
            var words = line.Split(' ', 3);
            if (words.Length == 3 && words[1] == "E" && !line.Contains(" have the same gfid ", StringComparison.Ordinal))
            {
                // A lookup that meets a create with a gfid that is in use, before that is undone, says so; the disk is checked instead.
                _run.Fail($"the brick logs an error: {line[..Math.Min(line.Length, 400)]}");
            }

            if (line.Contains(" reason=", StringComparison.Ordinal) && !IsNoReason(line))
            {
                // Of a stranger the log has the address: "peer=ADDRESS", or "client=IDENTITY@ADDRESS".
                addresses.Add(line.Split(" reason=")[0].Split(' ')[^1].Split('=', '@')[^1].Trim('"'));
            }

            var at = line.IndexOf(" client=wild-", StringComparison.Ordinal);
            if (at > 0 && line.Contains("client left", StringComparison.Ordinal))
            {
                var fields = line[(at + 8)..].Split(" reason=", 2);
                reasons[fields[0].Split('@')[0]] = fields.Length > 1 ? fields[1] : "";
            }
        }

        foreach (var identity in wild.SelectMany(w => w.Expelled).Where(i => IsNoReason(reasons.GetValueOrDefault(i, ""))).Take(10))
        {
            _run.Fail($"the log does not say why {identity} was thrown out");
        }

        var strangers = wild.SelectMany(w => w.ExpelledStrangers).Where(a => !addresses.Contains(a)).ToList();
        foreach (var address in strangers.Take(10))
        {
            _run.Fail($"the log does not say why the stranger {address} was thrown out ({strangers.Count} of them)");
        }

        var kinds = reasons.Values.GroupBy(r => r.StartsWith("\"malformed ", StringComparison.Ordinal) && r.EndsWith(" request\"", StringComparison.Ordinal)
            ? "a malformed fop"
            : r.Trim('"'));
        _run.Figure("reasons in the log", string.Join(", ", kinds.OrderByDescending(g => g.Count()).Select(g => $"{g.Count()} {g.Key}")));
    }

    private static bool IsNoReason(string reason) => reason.Length == 0 || reason.Contains("closed by the peer", StringComparison.Ordinal);
}
