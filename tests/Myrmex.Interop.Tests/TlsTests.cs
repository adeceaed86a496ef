using System;
using System.IO;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// A volume with server.ssl and one without share the port of a node's bricks. Certificates are made by openssl, as administrators do.
/// </summary>
public sealed class TlsTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory = new(nameof(TlsTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void BothClientsSpeakTlsWithOneVolumeAndPlainWithItsNeighbour()
    {
        var (daemon, paths) = Volumes();
        var stock = _directory.Own(StockMount.FromServer(_directory, "stock", daemon.Host, "secret"));
        var own = _directory.Own(MyrmexMount.FromServer(_directory, "own", daemon.Host, "secret"));
        stock.Sh("head -c 3000000 /dev/urandom > data; sync data");
        own.Sh("cp data copy; cmp data copy; sync copy");
        stock.Sh("cmp data copy; rm data");
        Assert.True(File.Exists(Path.Combine(paths[0], "copy")));

        var open = _directory.Own(StockMount.FromServer(_directory, "open", daemon.Host, "open"));
        var ownOpen = _directory.Own(MyrmexMount.FromServer(_directory, "own-open", daemon.Host, "open"));
        open.Sh("echo plain > file");
        ownOpen.Sh("grep plain file");
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void WhoIsNotOnTheListOrSpeaksNoTlsIsRefused()
    {
        var (daemon, paths) = Volumes();
        MakeCertificate("alice", "ca");
        MakeCertificate("mallory", "ca");
        _directory.Own(StockMount.FromVolfile(_directory, "alice", Client(daemon, paths[0], "alice"))).Sh("touch by-alice");
        _directory.Own(MyrmexMount.FromVolfile(_directory, "alice2", Client(daemon, paths[0], "alice"))).Sh("test -e by-alice");
        AssertRefused("mallory", Client(daemon, paths[0], "mallory"), "remote-error=Authentication failed");
        var plain = Volfiles.Client("secret", [new BrickAddress(daemon.Host, 24007, paths[0])]);
        AssertRefused("plain", plain, "remote-error=the volume takes only clients that speak TLS");
    }

    /// <summary>The keys of a connection are in the process: clients connect again, and nobody sees an error.</summary>
    [InteropFact(Need.Xfs)]
    public void ClientsOfAProxyConnectAgainWhenItIsUpgraded()
    {
        var (daemon, _) = Volumes();
        daemon.Gluster("volume set secret config.gfproxyd enable");
        Wait.Until("the proxy serves", Soon, () => Proxy(daemon, "status").ExitCode == 0, () => Proxy(daemon, "status").ToString());
        Ledger.AddProcess(daemon.ProxyLauncherPid);

        // For its first two seconds a brick does not know whether an append that comes a second time was done before it started, and says EIO.
        Thread.Sleep(3_000);
        var mount = _directory.Own(MyrmexMount.FromServer(_directory, "thin", daemon.Host, "secret", "thin-client"));
        mount.Sh("echo before > file; exec 5< file; exec 6>> file; echo open >&6; test \"$(tail -1 <&5)\" = open");
        using var writer = Child.Start(
            "writer", _directory.Logs, "bash", "-c",
            "set -e; cd \"$0\"; exec 5>> log; for i in $(seq 400); do echo $i >&5; echo $i > f$((i % 20)); sleep 0.02; done; echo done", mount.Path);
        var former = daemon.ProxyPid;
        var upgraded = Proxy(daemon, "upgrade");
        Assert.True(upgraded.ExitCode == 0, $"{upgraded}\n{mount.LogTail()}");
        Assert.NotEqual(former, daemon.ProxyPid);
        Assert.True(writer.Running, $"the upgrade came too late: {writer.LogTail()}");
        Assert.True(writer.WaitForExit(Soon), "the writer does not end");
        Assert.True(writer.ExitCode == 0, writer.LogTail() + mount.LogTail());
        mount.Sh("test \"$(seq 400)\" = \"$(cat log)\"; test $(cat f0) = 400");
        Assert.True(mount.Unmount());
    }

    private static CommandResult Proxy(MyrmexDaemon daemon, string word) => Shell.Run(
        "/", Shell.DefaultLimit, "env", [$"MYRMEX_WORKDIR={daemon.WorkingDirectory}", Product.Executable, "proxy", word]);

    /// <summary>A refused client says why in its log and ends, perhaps before the mount is seen.</summary>
    private void AssertRefused(string name, string volfile, string reason)
    {
        try
        {
            using var mount = StockMount.FromVolfile(_directory, name, volfile);
            Wait.Until("the client ends", TimeSpan.FromSeconds(20), () => !mount.Running, () => mount.LogTail());
        }
        catch (HarnessException e) when (e.Message.StartsWith("the client ended", StringComparison.Ordinal))
        {
        }

        Assert.Contains(reason, File.ReadAllText(Path.Combine(_directory.Logs, name + ".log")), StringComparison.Ordinal);
    }

    /// <summary>A client graph by hand, without the login that trusted volume files have.</summary>
    private string Client(MyrmexDaemon daemon, string path, string name) => Volfiles.Client(
        "secret",
        [new BrickAddress(daemon.Host, 24007, path)],
        performance: true,
        "transport.socket.ssl-enabled on",
        $"transport.socket.ssl-own-cert {_directory[name + ".pem"]}",
        $"transport.socket.ssl-private-key {_directory[name + ".key"]}",
        $"transport.socket.ssl-ca-list {_directory["ca.pem"]}");

    /// <summary>A volume "secret" and a volume "open", one brick each.</summary>
    private (MyrmexDaemon Daemon, string[] Paths) Volumes()
    {
        Openssl("req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.pem");
        MakeCertificate("node", "ca");
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory));
        var paths = Bricks.Make(disk.Path, 2);
        daemon.CreateVolume("open", [paths[1]]);
        daemon.CreateVolume(
            "secret",
            [paths[0]],
            "server.ssl on",
            "client.ssl on",
            "auth.ssl-allow node,alice",
            $"ssl.own-cert {_directory["node.pem"]}",
            $"ssl.private-key {_directory["node.key"]}",
            $"ssl.ca-list {_directory["ca.pem"]}");
        return (daemon, paths);
    }

    private void MakeCertificate(string name, string authority)
    {
        Openssl($"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr");
        Openssl($"x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 30 -out {name}.pem");
    }

    private void Openssl(string command) => Shell.Check(_directory.Path, "openssl", command.Split(' '));
}
