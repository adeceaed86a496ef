using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Management.Cluster;
using Myrmex.Management.Nodes;
using Myrmex.Management.Proxies;
using Myrmex.Unit.Tests.Coordination;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>One proxy a node, kept as the volumes want it, whatever dies in between.</summary>
public sealed class ProxySupervisorTests : IAsyncLifetime
{
    private const string Volume = "demo";

    private readonly FakeNode _node = new();

    private FakeProcesses Processes => _node.Processes;

    private ProxySupervisor Proxies => _node.Session.Proxies;

    public async Task InitializeAsync()
    {
        await _node.StartAsync();
        await _node.CreateAsync(Volume, 1);
        await _node.Commands.StartAsync(Volume, force: false, CancellationToken.None);
    }

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [RootFact]
    public async Task TheOptionStartsAndEndsTheProxyAndBricksNeverNotice()
    {
        Assert.Null(Processes.Proxy);
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        Assert.Equal([Volume], Processes.Proxied);
        var export = ProxyVolfile.ExportOf(Volume);
        Assert.Equal((Processes.ProxyPort, Processes.ProxyPort),
            (Proxies.PortOf(export), _node.Session.Volfiles.PortOf(export)));
        Assert.NotEqual(Processes.Port, Processes.ProxyPort);
        var file = Directory.EnumerateFiles(_node.Options.ProxyVolfileDirectory).Single();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await SetAsync(VolumeOptions.Proxy, "disable");
        await UntilAsync(() => Processes.Proxy is null && Proxies.Runs.Count == 0);
        Assert.Equal(["start", "start proxy", "terminate proxy"], Processes.Log);
        Assert.Equal(0, _node.Session.Volfiles.PortOf(export));
    }

    /// <summary>GlusterFS leaves its proxy behind when a volume is stopped and deleted.</summary>
    [RootFact]
    public async Task AStoppedVolumeHasNoProxy()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        await _node.Commands.StopAsync(Volume, force: false, CancellationToken.None);
        await UntilAsync(() => Processes.Proxy is null);
    }

    [RootFact]
    public async Task AProxyThatDiesIsStartedAgainAtOnceOnItsPort()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        var (port, first) = (Processes.ProxyPort, Processes.Proxy);
        var watch = Stopwatch.StartNew();
        Processes.KillProxy();
        await UntilAsync(() => Processes.Proxy is { } other && other != first && IsOnline);
        Assert.InRange(watch.ElapsedMilliseconds, 0, 900);
        Assert.Equal(port, Processes.ProxyPort);
    }

    /// <summary>The launcher keeps the socket: who asks for the port gets it, and waits there.</summary>
    [RootFact]
    public async Task AProcessThatIsStartedAgainByTheLauncherKeepsThePort()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        var export = ProxyVolfile.ExportOf(Volume);
        var (launcher, former) = (Processes.Proxy, Processes.ProxyWorker);
        Assert.Equal(former!.Value.Pid, Proxies.Runs[0].Pid);
        Processes.KillProxyWorker();
        await UntilAsync(() => Proxies.Runs is [{ Online: false, Pid: 0 }]);
        await Task.Delay(300);
        Assert.Equal((Processes.ProxyPort, launcher), (Proxies.PortOf(export), Processes.Proxy));
        Processes.StartProxyWorker();
        await UntilAsync(() => IsOnline);
        Assert.Equal(Processes.ProxyWorker!.Value.Pid, Proxies.Runs[0].Pid);
        Processes.StartProxyWorker(); // One that nobody has seen gone.
        await UntilAsync(() => Proxies.Runs is [{ Online: true } run] && run.Pid == Processes.ProxyWorker!.Value.Pid);
        Assert.Equal(["start", "start proxy"], Processes.Log);
    }

    [RootFact]
    public async Task ALauncherIsNotStartedAsLongAsTheProcessOfTheFormerOneLives()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        var launcher = Processes.Proxy;
        Processes.WorkerStays = true;
        Processes.KillProxy();
        await UntilAsync(() => Processes.Proxy is { } other && other != launcher && IsOnline);
        Assert.Equal(["start", "start proxy", "kill worker", "start proxy"], Processes.Log);
    }

    [RootFact]
    public async Task AnUpgradeIsTheLaunchers()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        await AskForUpgradeAsync(1);
        await UntilAsync(() => Processes.Log.Contains("upgrade proxy"));
        await Task.Delay(300);
        Assert.True(IsOnline);
        Assert.Single(Processes.Log, l => l == "upgrade proxy");
    }

    /// <summary>The launcher has told why; it is published with the number of the upgrade, until the next one.</summary>
    [RootFact]
    public async Task AnUpgradeThatFailedIsTold()
    {
        var failure = DaemonOptions.UpgradeFailureFileOf(_node.Options.ProxyWorkerFile);
        await File.WriteAllTextAsync(failure, "of a daemon that is gone\n");
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        Assert.False(File.Exists(failure));
        await AskForUpgradeAsync(1);
        await UntilAsync(() => Processes.Log.Contains("upgrade proxy"));
        Assert.Null(Proxies.Runs[0].FailedUpgrade);
        await File.WriteAllTextAsync(failure, "it ended\nfor a reason\n");
        await UntilAsync(() => Proxies.Runs[0].FailedUpgrade is not null);
        Assert.Equal(new FailedUpgrade(1, "it ended\nfor a reason"), Proxies.Runs[0].FailedUpgrade);
        Assert.True(IsOnline);
        await UntilAsync(() => _node.Commands.Proxies().Single().FailedUpgrade is { Number: 1 });
        await AskForUpgradeAsync(2);
        await UntilAsync(() => Processes.Log.Count(l => l == "upgrade proxy") == 2 && Proxies.Runs[0].FailedUpgrade is null);
    }

    [RootFact]
    public async Task ANewDaemonAdoptsTheRunningProxy()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        var process = Processes.Proxy;
        await _node.KillAsync();
        await _node.StartAsync();
        await UntilAsync(() => IsOnline);
        Assert.Equal(process, Processes.Proxy);
    }

    [RootFact]
    public async Task AChangedVolumeIsToldToTheProxy()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        await SetAsync("server.all-squash", "on");
        await UntilAsync(() => Processes.Log.Contains("hang up proxy"));
        var file = Directory.EnumerateFiles(_node.Options.ProxyVolfileDirectory).Single();
        Assert.Contains("option all-squash on", await File.ReadAllTextAsync(file));
        await SetAsync("performance.write-behind", "off"); // Of clients alone.
        await Task.Delay(200);
        Assert.Single(Processes.Log, l => l == "hang up proxy");
    }

    [RootFact]
    public async Task OnlyTheNodesThatAreNamedRunOne()
    {
        await SetAsync(VolumeOptions.Proxy, "enable");
        await UntilAsync(() => IsOnline);
        var refused = await Assert.ThrowsAsync<CommandException>(() => SetAsync(VolumeOptions.ProxyNodes, "n,stranger"));
        Assert.Equal("Host stranger is not in 'Peer in Cluster' state", refused.Message);
        await SetAsync(VolumeOptions.ProxyNodes, _node.Name);
        Assert.Single(_node.Session.Placement.NodesOf(_node.Catalog.Find(Volume)!));
        var told = _node.Commands.Status(Volume, detail: false).Proxies.Single();
        Assert.Equal((_node.Name, Volume), (told.Node.Name, told.Volume));
    }

    [RootFact]
    public async Task ClientsGetWhatTheVolumeSays()
    {
        string? Spec(string key, bool trusted = false, bool isOurs = false) =>
            _node.Session.Volfiles.Spec(key, trusted ? _node.Session.Node.Id : null, isOurs);
        bool IsThin(string? spec) => spec?.Contains("remote-subvolume gfproxyd-demo", StringComparison.Ordinal) ?? false;
        Assert.Null(Spec("gfproxy-client/demo"));
        await SetAsync(VolumeOptions.ClientMode, "thin");
        Assert.False(IsThin(Spec("demo")));
        await SetAsync(VolumeOptions.Proxy, "enable");
        Assert.True(IsThin(Spec("demo")));
        Assert.True(IsThin(Spec("gfproxy-client//demo")));
        Assert.Contains("type cluster/aha", Spec("demo", isOurs: true), StringComparison.Ordinal);
        Assert.DoesNotContain("type cluster/aha", Spec("demo"), StringComparison.Ordinal);
        Assert.DoesNotContain("option local", Spec("demo", isOurs: true), StringComparison.Ordinal);
        Assert.Contains(
            "option local demo-gfproxy-client-0", Spec("demo", trusted: true, isOurs: true), StringComparison.Ordinal);
        await SetAsync(VolumeOptions.ClientMode, "auto");
        Assert.True(IsThin(Spec("demo")));
        Assert.False(IsThin(Spec("demo", trusted: true)));
        await SetAsync(VolumeOptions.ClientMode, "thick");
        Assert.False(IsThin(Spec("demo")));
        Assert.True(IsThin(Spec("gfproxy-client/demo")));

        // It holds the password of the volume.
        Assert.Null(Spec("gfproxyd/demo"));
        Assert.Contains("type protocol/server", Spec("gfproxyd/demo", trusted: true), StringComparison.Ordinal);
    }

    private Task AskForUpgradeAsync(int number) => StoreAccess.PutAsync(
        _node.Store, NodeKeys.Node(_node.NodeId), (_node.Record with { ProxyUpgrades = number }).ToBytes());

    private bool IsOnline => Proxies.Runs is [{ Online: true }];

    private Task SetAsync(string key, string value) =>
        _node.Commands.SetAsync(Volume, [new VolumeSetting(key, value)], CancellationToken.None);

    private static async Task UntilAsync(Func<bool> reached)
    {
        var watch = Stopwatch.StartNew();
        while (!reached())
        {
            Assert.True(watch.ElapsedMilliseconds < 10_000, "not reached in time");
            await Task.Delay(10);
        }
    }
}
