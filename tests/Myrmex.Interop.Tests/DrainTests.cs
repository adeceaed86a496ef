using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// A proxy is drained while our client writes with checksums and holds a lock: it goes to another one without an error,
/// and others never get the lock. Clients of GlusterFS stay and are served.
/// </summary>
public sealed class DrainTests(ProxiedVolumes volumes) : IClassFixture<ProxiedVolumes>, IDisposable
{
    private const Need Needs = Need.StockClient | Need.Xfs | Need.Python;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FioEnds = TimeSpan.FromSeconds(180);

    public void Dispose() => volumes.Proxy("undrain");

    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void AProxyIsDrainedWithoutAnyError(string volume)
    {
        using var second = volumes.StartOwnProxy(volume);
        second.Stop();
        var mount = volumes.MountThin(volume, second.Port); // At the proxy of the daemon: there is no other one.
        var stock = volumes.MountStock(volume);
        second.Start();
        using var holder = Open(mount);
        using var other = Open(stock);
        Assert.Equal("granted", holder.Ask("lock ex 10 20"));
        Assert.Equal("EAGAIN", other.Ask("try ex 15 1"));
        using var fio = StartFio(volume, mount);
        Thread.Sleep(2_000);
        Assert.Equal(1, volumes.Proxy("drain").ExitCode); // There is no other proxy that the daemon knows of.
        var drained = volumes.Proxy("drain", "--force");
        Assert.True(drained.ExitCode == 0, $"{drained}\n{mount.LogTail()}");
        Assert.Contains("draining: 0 clients still leave, 1 of GlusterFS stay", drained.Output, StringComparison.Ordinal);
        Assert.Equal("EAGAIN", other.Ask("try ex 15 1"));
        var newcomer = volumes.MountThin(volume, second.Port);
        newcomer.Sh("ls > /dev/null");
        Wait.Until( // The new mount avoids it, but for the question which proxy serves.
            "the proxy is left", Soon, () => State(volume) == (true, 0), () => volumes.Status().ToString());

        volumes.Daemon.Kill(); // What was said holds on.
        volumes.Daemon.Start();
        volumes.AwaitProxy();
        Wait.Until("it drains still", Soon, () => State(volume) == (true, 0), () => volumes.Status().ToString());
        stock.Sh("echo still > served; test \"$(cat served)\" = still; rm served");
        Assert.Equal("EAGAIN", other.Ask("try ex 15 1"));
        Assert.Equal(0, volumes.Proxy("undrain").ExitCode);
        Assert.False(State(volume).Draining);
        AwaitFio(fio, mount);
        Assert.Equal("granted", holder.Ask("unlock 10 20"));
        Assert.Equal("granted", other.Ask("try ex 15 1"));
        holder.Dispose();
        other.Dispose();
        Assert.True(newcomer.Unmount() && mount.Unmount() && stock.Unmount());
    }

    [InteropFact(Needs)]
    public void ANewMountSaysThatItWaitsWhileAllProxiesDrain()
    {
        const string Volume = ProxiedVolumes.Distributed;
        Assert.Equal(0, volumes.Proxy("drain", "--force").ExitCode);
        var path = volumes.Directory.Make("late");
        var volfile = volumes.Directory.Write("late.vol", volumes.ThinVolfile(Volume)); // There is no other proxy.
        var refused = Shell.Run("/", Soon, Product.Executable, ["mount", "-f", "-o", $"volfile={volfile},mount-timeout=4", path]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("did not come up within 4 s", refused.Error, StringComparison.Ordinal);
        Assert.Contains("all its proxies drain", refused.Error, StringComparison.Ordinal);

        using var mount = Child.Start("late", volumes.Directory.Logs, Product.Executable, "mount", "-f", "-o", $"volfile={volfile}", path);
        Wait.Until(
            "it says that it waits", Soon, () => mount.LogTail().Contains("all its proxies drain", StringComparison.Ordinal), () => mount.LogTail());
        Assert.True(mount.Running);
        Assert.Equal(0, volumes.Proxy("undrain").ExitCode);
        Wait.Until("it is there", Soon, () => Shell.Run("/", Soon, "mountpoint", "-q", path).ExitCode == 0, () => mount.LogTail());
        Shell.CheckBash(path, "echo in > in; test \"$(cat in)\" = in; rm in");
        Shell.Check("/", "umount", path);
        Assert.True(mount.WaitForExit(Soon), mount.LogTail());
    }

    private Child StartFio(string volume, FuseMount mount) => Child.Start(
        $"fio-{volume}", volumes.Directory.Logs, "fio", "--name=drained", $"--directory={mount.Path}", "--size=16m",
        "--rw=randrw", "--bsrange=4k-64k", "--numjobs=2", "--verify=crc32c", "--verify_fatal=1", "--verify_backlog=64",
        "--time_based", "--runtime=20", "--group_reporting", "--allow_file_create=1", "--fsync=50",
        $"--aux-path={volumes.Directory.Logs}");

    private static void AwaitFio(Child fio, FuseMount mount)
    {
        Assert.True(fio.WaitForExit(FioEnds), "fio does not end");
        Assert.True(fio.ExitCode == 0, fio.LogTail() + mount.LogTail());
    }

    private (bool Draining, int? Leaving) State(string volume)
    {
        using var status = JsonDocument.Parse(volumes.Status().Output);
        var proxy = status.RootElement.GetProperty("proxies").EnumerateArray()
            .Single(p => p.GetProperty("volume").GetString() == volume);
        var leaving = proxy.GetProperty("leavingClients");
        return (proxy.GetProperty("draining").GetBoolean(),
            leaving.ValueKind == JsonValueKind.Null ? null : leaving.GetInt32());
    }

    private static Helper Open(FuseMount mount)
    {
        var helper = Helper.Start("locks.py", Path.Combine(mount.Path, "locked"));
        Assert.Equal("ready", helper.Answer(TimeSpan.FromSeconds(20)));
        return helper;
    }
}
