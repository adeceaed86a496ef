using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// Two volumes of one daemon that its proxy serves to thin clients: <see cref="Distributed"/> over three bricks, and
/// <see cref="Replicated"/> with three copies.
/// </summary>
public sealed class ProxiedVolumes : IDisposable
{
    public const string Distributed = "dist";
    public const string Replicated = "repl";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private int _mounts;

    public ProxiedVolumes()
    {
        Directory = new TestDirectory(nameof(ProxiedVolumes));
        var disk = Directory.Own(XfsImage.Mount(Directory, "disk"));
        var bricks = Bricks.Make(disk.Path, 7);
        Spare = bricks[6];
        Daemon = Directory.Own(new MyrmexDaemon(Directory));
        var places = bricks.Select(b => $"{Daemon.Host}:{b}").ToArray();
        Daemon.Gluster($"volume create {Distributed} {string.Join(' ', places[..3])} force");
        Daemon.Gluster($"volume create {Replicated} replica 3 {string.Join(' ', places[3..6])} force");
        foreach (var volume in new[] { Distributed, Replicated })
        {
            Daemon.StartVolume(volume, 3);
            Daemon.Gluster($"volume set {volume} config.gfproxyd enable");
        }

        AwaitProxy();
    }

    internal TestDirectory Directory { get; }

    internal MyrmexDaemon Daemon { get; }

    /// <summary>A directory that is no brick yet.</summary>
    public string Spare { get; }

    public void Dispose() => Directory.Dispose();

    /// <summary>Waits until clients can use both volumes.</summary>
    public void AwaitProxy()
    {
        Wait.Until("the proxy serves both volumes", Soon, () => Status().ExitCode == 0, () => Child.TailOf(ProxyLog));
        Ledger.AddProcess(Daemon.ProxyLauncherPid);
    }

    /// <summary><c>myrmex proxy status</c>; exit code 0 when all are online.</summary>
    internal CommandResult Status() => Shell.Run(
        "/", Shell.DefaultLimit, "env",
        [$"MYRMEX_WORKDIR={Daemon.WorkingDirectory}", Product.Executable, "proxy", "status", "--json"]);

    /// <summary><c>myrmex proxy ...</c></summary>
    internal CommandResult Proxy(params string[] words) => Shell.Run(
        "/", Shell.DefaultLimit, "env",
        [$"MYRMEX_WORKDIR={Daemon.WorkingDirectory}", Product.Executable, "proxy", .. words]);

    public string ProxyLog => $"{Daemon.WorkingDirectory}/log/proxy.log";

    /// <summary>The stock client by the volume file that thin clients get.</summary>
    internal StockMount MountStock(string volume) => Directory.Own(
        StockMount.FromServer(Directory, NewName("stock"), Daemon.Host, $"gfproxy-client/{volume}"));

    /// <summary>Our client by hand: to a proxy, and nothing else.</summary>
    /// <param name="port">Port of the proxy; 0 for that of the daemon.</param>
    internal MyrmexMount MountOurs(string volume, int port = 0) => Directory.Own(
        MyrmexMount.FromVolfile(Directory, NewName("ours"), Volfile(volume, port)));

    /// <summary>The stock client to the proxy at a port.</summary>
    internal StockMount MountStockAt(string volume, int port) => Directory.Own(
        StockMount.FromVolfile(Directory, NewName("stock"), Volfile(volume, port)));

    /// <summary>A second proxy, as another node would run it; answers its port.</summary>
    internal int StartSecondProxy(string volume)
    {
        var port = Addresses.FreePort("0.0.0.0");
        var list = Directory.Write(
            $"second-{volume}.list", $"{Daemon.WorkingDirectory}/proxy-volfiles/{volume}.vol\n");
        Directory.Own(Child.Start(
            $"proxy-{volume}", Directory.Logs, Product.Executable, "proxy", "--port", Addresses.Text(port), "--volumes",
            list));
        Wait.Until("the second proxy listens", Soon, () => Addresses.Answers("127.0.0.1", port));
        return port;
    }

    /// <summary>A second proxy that may die and be started again, on one port.</summary>
    internal OwnProxy StartOwnProxy(string volume) => new(
        Directory, Directory.Write($"own-{volume}.list", $"{Daemon.WorkingDirectory}/proxy-volfiles/{volume}.vol\n"));

    /// <summary>Our thin client to the daemon's proxy and one at a port.</summary>
    internal MyrmexMount MountThin(string volume, int port) => Directory.Own(
        MyrmexMount.FromVolfile(
            Directory, NewName("thin"), ThinVolfile(volume, port)));

    /// <summary>A thin client as people mount it, by an executable that has the command <c>mount</c>, or is it.</summary>
    /// <returns>Where it is mounted, and the number of its process.</returns>
    internal (string Path, int Pid) MountInBackground(string volume, string executable, params string[] command)
    {
        var name = NewName("background");
        var path = Directory.Make(name);
        var pid = Directory[name + ".pid"];
        Shell.Check(
            "/", executable, [.. command, "--thin", "-o", $"pid-file={pid},log-file={Directory[name + ".log"]}",
                $"{Daemon.Host}:/{volume}", path]);
        var number = int.Parse(File.ReadAllText(pid), CultureInfo.InvariantCulture);
        Ledger.AddProcess(number);
        return (path, number);
    }

    /// <summary>Of a thin client to the daemon's proxy and one at a port, if there is one.</summary>
    internal string ThinVolfile(string volume, int? port = null) =>
        Attachment("p0", volume, 0) + (port is { } second ? Attachment("p1", volume, second) : "")
        + $"volume aha\n    type cluster/aha\n    subvolumes p0{(port is null ? "" : " p1")}\nend-volume\n"
        + $"volume {volume}\n    type performance/write-behind\n    subvolumes aha\nend-volume\n";

    private string Attachment(string name, string volume, int port)
    {
        var at = port == 0 ? string.Empty : $"    option remote-port {port}\n";
        return $"volume {name}\n    type protocol/client\n    option remote-host {Daemon.Host}\n{at}"
            + $"    option remote-subvolume gfproxyd-{volume}\n    option ping-timeout 2\n"
            + "    option follows-drain on\nend-volume\n";
    }

    private string NewName(string kind) => $"{kind}{Interlocked.Increment(ref _mounts)}";

    private string Volfile(string volume, int port)
    {
        var at = port == 0 ? string.Empty : $"    option remote-port {port}\n";
        return $"volume thin\n    type protocol/client\n    option remote-host {Daemon.Host}\n{at}"
            + $"    option remote-subvolume gfproxyd-{volume}\n    option transport-type tcp\n    option ping-timeout 5\n"
            + "end-volume\n"
            + $"volume {volume}\n    type performance/write-behind\n    subvolumes thin\nend-volume\n";
    }
}
