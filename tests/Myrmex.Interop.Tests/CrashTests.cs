using System;
using System.IO;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Processes die under load. What a client has acknowledged by fsync must be there afterwards, the client must find back by itself, and
/// no wrong byte may be read. The writer (<c>Helpers/writer.py</c>) keeps a record of what was acknowledged to it.
/// </summary>
public sealed class CrashTests : IDisposable
{
    private static readonly TimeSpan Back = TimeSpan.FromSeconds(30);

    private readonly TestDirectory _directory = new(nameof(CrashTests));

    /// <summary>Who mounts.</summary>
    public enum Client
    {
        Stock,
        Own,
    }

    public void Dispose() => _directory.Dispose();

    [InteropTheory(Need.StockClient | Need.Xfs | Need.Python)]
    [InlineData(Client.Stock)]
    [InlineData(Client.Own)]
    public void FsyncedDataOutlivesTheBrickProcess(Client client)
    {
        var (server, mount) = Volume(client);
        using var writer = StartWriter(mount, "w");
        for (var round = 0; round < (Machine.LongRuns ? 10 : 2); round++)
        {
            AwaitProgress("w");
            Child.Signal(server.Pid, "KILL");
            Wait.Until("the process is gone", Back, () => !server.Running);
            server.Start();
            Wait.Until("the client is back", Back, () => Shell.Bash(mount.Path, "ls w; touch probe; rm probe", Back).ExitCode == 0, () => mount.LogTail());
        }

        AwaitProgress("w");
        FinishAndVerify(writer, server, "w");
    }

    [InteropTheory(Need.StockClient | Need.Xfs | Need.Python)]
    [InlineData(Client.Stock)]
    [InlineData(Client.Own)]
    public void FsyncedDataOutlivesTheClient(Client client)
    {
        var (server, mount) = Volume(client);
        using (var writer = StartWriter(mount, "w"))
        {
            AwaitProgress("w");
            mount.Kill();
        }

        Mounts.Unmount(mount.Path);
        Verify(server, "w");
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void DaemonRestartsItsBrickProcessAndClientsGoOn()
    {
        var daemon = Daemon(out var mount);
        using var writer = StartWriter(mount, "w");
        AwaitProgress("w");
        var first = daemon.BrickPid;
        Child.Signal(first, "KILL");
        Wait.Until("the daemon has started another brick process", Back, () => daemon.BrickPid != first && daemon.BrickPids("vol").Count > 0);
        AwaitProgress("w");
        FinishAndVerify(writer, daemon, "w");
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void ClientsDoNotNoticeTheDeathOfTheDaemon()
    {
        var daemon = Daemon(out var mount);
        using var writer = StartWriter(mount, "w");
        AwaitProgress("w");
        var bricks = daemon.BrickPid;
        daemon.Kill();
        AwaitProgress("w");
        daemon.Start();
        AwaitProgress("w");
        Assert.Equal(bricks, daemon.BrickPid);
        Assert.Contains("Started", daemon.Gluster("volume info vol"), StringComparison.Ordinal);
        Assert.EndsWith("errors 0", FinishAndVerify(writer, daemon, "w"), StringComparison.Ordinal);
        daemon.Gluster("volume set vol performance.md-cache-timeout 9");
        daemon.StopVolume("vol");
    }

    private (BrickProcess Server, FuseMount Mount) Volume(Client client)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var server = _directory.Own(new BrickProcess(_directory, "vol", Bricks.Make(disk.Path, 3)));
        var volfile = Volfiles.Client("vol", server.Bricks);
        FuseMount mount = client == Client.Stock
            ? StockMount.FromVolfile(_directory, "mnt", volfile)
            : MyrmexMount.FromVolfile(_directory, "mnt", volfile);
        return (server, _directory.Own(mount));
    }

    private MyrmexDaemon Daemon(out FuseMount mount)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory));
        daemon.CreateVolume("vol", Bricks.Make(disk.Path, 3));
        mount = _directory.Own(StockMount.FromServer(_directory, "mnt", daemon.Host, "vol"));
        return daemon;
    }

    private Helper StartWriter(FuseMount mount, string name)
    {
        Directory.CreateDirectory(Path.Combine(mount.Path, name));
        return Helper.Start("writer.py", "write", Path.Combine(mount.Path, name), Record(name), "50");
    }

    private string Record(string name) => _directory[$"{name}.record.txt"];

    /// <summary>Waits for 20 more acknowledged files.</summary>
    private void AwaitProgress(string name)
    {
        var goal = Lines(name) + 40;
        Wait.Until("the writer gets on", Back, () => Lines(name) >= goal, () => Child.TailOf(Record(name), 5));
    }

    private int Lines(string name)
    {
        if (!File.Exists(Record(name)))
        {
            return 0;
        }

        var count = 0;
        foreach (var line in File.ReadLines(Record(name)))
        {
            count += line.StartsWith("error", StringComparison.Ordinal) ? 0 : 1;
        }

        return count;
    }

    private string FinishAndVerify(Helper writer, object server, string name)
    {
        var summary = writer.Finish(Back);
        Verify(server, name);
        return summary;
    }

    /// <summary>Reads all back through a client that has nothing in its caches.</summary>
    private void Verify(object server, string name)
    {
        using var fresh = server is MyrmexDaemon daemon
            ? StockMount.FromServer(_directory, "fresh", daemon.Host, "vol")
            : StockMount.FromVolfile(_directory, "fresh", Volfiles.Client("vol", ((BrickProcess)server).Bricks));
        var result = Shell.Check("/", "python3", Helper.PathOf("writer.py"), "verify", Path.Combine(fresh.Path, name), Record(name));
        Assert.EndsWith("missing 0 wrong 0\n", result, StringComparison.Ordinal);
        fresh.Sh($"touch {name}/new; rm {name}/new");
    }
}
