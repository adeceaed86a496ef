using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// The process of a proxy that serves dies again and again while clients of all kinds work: its launcher keeps the
/// socket, so nobody is refused, and puts another one in its place, with a daemon and without. A launcher that dies
/// takes it along, and the daemon starts both.
/// </summary>
public sealed class ProxyCrashTests(ProxiedVolumes volumes) : IClassFixture<ProxiedVolumes>
{
    private const Need Needs = Need.StockClient | Need.Xfs | Need.Python;
    private const int Crashes = 5;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ProgramEnds = TimeSpan.FromSeconds(180);

    private MyrmexDaemon Daemon => volumes.Daemon;

    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void NobodyIsRefusedWhileTheProcessThatServesIsReplaced(string volume)
    {
        var (launcher, port) = (Daemon.ProxyLauncherPid, Port(volume));
        var thin = volumes.MountThin(volume, port); // Its only proxy, so it has to wait for it.
        var stock = volumes.MountStock(volume);
        var stop = volumes.Directory[$"stop-crash-{volume}"];
        using var writers = Child.Start(
            $"writers-crash-{volume}", volumes.Directory.Logs, "python3", Helper.PathOf("thinwriters.py"),
            Directory.CreateDirectory(Path.Combine(thin.Path, "crash")).FullName, stop);
        for (var crash = 1; crash <= Crashes; crash++)
        {
            Thread.Sleep(1_000);
            var former = Daemon.ProxyPid;
            Child.Signal(former, "KILL");
            var early = volumes.MountOurs(volume, port); // Comes up as soon as somebody serves.
            var connected = ConnectUntilAnotherServes(port, former);
            Assert.True(connected > 0);
            early.Sh("ls > /dev/null");
            volumes.AwaitProxy();
            Assert.Equal((launcher, port), (Daemon.ProxyLauncherPid, Port(volume)));
            stock.Sh($"n=0; until echo {crash} > crashed; do n=$((n+1)); test $n -lt 10; sleep 1; done; test $(cat crashed) = {crash}");
            Assert.True(early.Unmount());
        }

        File.WriteAllText(stop, string.Empty);
        Assert.True(writers.WaitForExit(ProgramEnds), "the writers do not end");
        Assert.True(writers.ExitCode == 0, writers.LogTail() + thin.LogTail());
        Assert.Equal(0, CountInLog("cannot be started"));
        Assert.True(thin.Unmount() && stock.Unmount());
    }

    /// <summary>
    /// The daemon is not on the path of data, nor on that of what serves it. A process that has just been started learns
    /// the ports of the bricks from their daemons, so here, where the only one is away, it can work when that is back.
    /// </summary>
    [InteropFact(Needs)]
    public void ACrashIsCoveredWhileThereIsNoDaemon()
    {
        const string Volume = ProxiedVolumes.Distributed;
        var (launcher, port) = (Daemon.ProxyLauncherPid, Port(Volume));
        var mount = volumes.MountThin(Volume, port);
        Daemon.Kill();
        try
        {
            Work(mount);
            for (var crash = 0; crash < 2; crash++)
            {
                var former = Daemon.ProxyPid;
                Child.Signal(former, "KILL");
                ConnectUntilAnotherServes(port, former);
            }
        }
        finally
        {
            Daemon.Start();
        }

        var server = Daemon.ProxyPid;
        volumes.AwaitProxy();
        Assert.Equal((launcher, server, port), (Daemon.ProxyLauncherPid, Daemon.ProxyPid, Port(Volume)));
        Work(mount);
        Assert.True(mount.Unmount());
    }

    [InteropFact(Needs)]
    public void ALauncherThatDiesIsStartedAgainOnItsPortWithAllItNeeds()
    {
        const string Volume = ProxiedVolumes.Distributed;
        var (launcher, server, port) = (Daemon.ProxyLauncherPid, Daemon.ProxyPid, Port(Volume));
        var mount = volumes.MountThin(Volume, port);
        Child.Signal(launcher, "KILL");
        Wait.Until("the process that served has ended with it", Soon, () => !IsAlive(server), () => Child.TailOf(volumes.ProxyLog));
        Wait.Until("there is another one", Soon, () => Daemon.ProxyPid is > 0 and var pid && pid != server && IsAlive(pid));
        volumes.AwaitProxy();
        Assert.NotEqual(launcher, Daemon.ProxyLauncherPid);
        Assert.Equal(port, Port(Volume));
        Work(mount);
        Assert.True(mount.Unmount());
    }

    /// <summary>After an upgrade the launcher is the same process and a new program; it has the socket still.</summary>
    [InteropFact(Needs)]
    public void ACrashAfterAnUpgradeIsCoveredToo()
    {
        const string Volume = ProxiedVolumes.Distributed;
        var (launcher, port) = (Daemon.ProxyLauncherPid, Port(Volume));
        var mount = volumes.MountThin(Volume, port);
        for (var round = 1; round <= 2; round++)
        {
            var executed = CountInLog("executing the new executable");
            var former = Daemon.ProxyPid;
            var upgraded = volumes.Proxy("upgrade");
            Assert.True(upgraded.ExitCode == 0, $"{upgraded}\n{Child.TailOf(volumes.ProxyLog)}");
            Assert.Equal(executed + 1, CountInLog("executing the new executable"));
            var server = Daemon.ProxyPid;
            Assert.NotEqual(former, server);
            Assert.Contains($"--worker={server}", CommandLineOf(launcher), StringComparison.Ordinal);
            Work(mount);
            Child.Signal(server, "KILL");
            ConnectUntilAnotherServes(port, server);
            volumes.AwaitProxy();
            Assert.Equal((launcher, port), (Daemon.ProxyLauncherPid, Port(Volume)));
            Work(mount);
            mount.Sh("mkdir -p any; chmod 777 any");
            Daemon.Gluster($"volume set {Volume} server.all-squash on"); // A signal reaches who serves now.
            AwaitOwner(mount, 65534);
            Daemon.Gluster($"volume reset {Volume} server.all-squash");
            AwaitOwner(mount, 0);
        }

        Assert.True(mount.Unmount());
    }

    /// <summary>A launcher by hand; what it is told while the process that serves is started is not lost.</summary>
    [InteropFact(Need.Root)]
    public void SignalsWaitForAProcessThatIsBeingStarted()
    {
        var list = volumes.Directory.Write("signals.list", "");
        using var proxy = new OwnProxy(volumes.Directory, list);
        for (var crash = 0; crash < 3; crash++)
        {
            var former = proxy.Pid;
            Child.Signal(former, "KILL");
            Wait.Until("another one is started", Soon, () => proxy.Pid is > 0 and var pid && pid != former);
            foreach (var signal in new[] { "HUP", "USR1", "HUP" })
            {
                proxy.Signal(signal);
            }

            var dumps = $"*.{Addresses.Text(proxy.Pid)}.*.dump";
            Wait.Until("it has written its state", Soon, () => Directory.GetFiles(Path.GetTempPath(), dumps).Length > 0, proxy.LogTail);
            Directory.GetFiles(Path.GetTempPath(), dumps).ToList().ForEach(File.Delete);
            Assert.True(IsAlive(proxy.Pid));
        }

        File.WriteAllText(list, $"{Daemon.WorkingDirectory}/proxy-volfiles/{ProxiedVolumes.Distributed}.vol\n");
        var last = proxy.Pid;
        Child.Signal(last, "KILL");
        proxy.Signal("HUP");
        Wait.Until("it serves", Soon, () => proxy.LogTail().Contains("volume is up", StringComparison.Ordinal), proxy.LogTail);
        var server = proxy.Pid;
        proxy.Stop();
        Assert.False(IsAlive(server));
        Assert.Equal(0, proxy.Pid);
    }

    /// <summary>Until a new file of root belongs to somebody.</summary>
    private static void AwaitOwner(MyrmexMount mount, int owner) => Wait.Until(
        $"files belong to {owner}", Soon,
        () => Shell.Run(mount.Path, Soon, "bash", "-c", "touch any/$0 && stat -c %u any/$0", Guid.NewGuid().ToString())
            .Output.Trim() == Addresses.Text(owner));

    /// <summary>Through a client that waits for its proxy.</summary>
    private static void Work(MyrmexMount mount) => mount.Sh(
        """
        rm -rf work; mkdir work; for i in $(seq 20); do echo $i > work/f$i; done; test "$(cat work/* | wc -l)" = 20
        """);

    /// <summary>Connects all the while; answers how often. A connection that is refused fails the test.</summary>
    private int ConnectUntilAnotherServes(int port, int former)
    {
        var (count, over) = (0, DateTime.UtcNow + Soon);
        var open = new List<Socket>();
        while (count == 0 || (Daemon.ProxyPid is var pid && (pid == 0 || pid == former)))
        {
            Assert.True(DateTime.UtcNow < over, Child.TailOf(volumes.ProxyLog));
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            open.Add(socket);
            socket.Connect(Daemon.Host, port);
            count++;
            Thread.Sleep(1);
        }

        open.ForEach(s => s.Dispose());
        return count;
    }

    private int Port(string volume)
    {
        using var status = JsonDocument.Parse(volumes.Status().Output);
        return status.RootElement.GetProperty("proxies").EnumerateArray()
            .Single(p => p.GetProperty("volume").GetString() == volume).GetProperty("port").GetInt32();
    }

    private int CountInLog(string text) => File.ReadLines(volumes.ProxyLog).Count(l => l.Contains(text, StringComparison.Ordinal));

    private static bool IsAlive(int pid) =>
        CommandLineOf(pid).Length > 0; // A zombie has none.

    private static string CommandLineOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{Addresses.Text(pid)}/cmdline");
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }
}
