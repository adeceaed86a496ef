using System;
using System.Diagnostics;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests.Etcd;

/// <summary>A daemon whose cluster is in etcd: one after the other on the same etcd, and etcd away while it runs.</summary>
public sealed class EtcdDaemonTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly TestDirectory _directory = new(nameof(EtcdDaemonTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.Etcd | Need.StockClient | Need.Xfs)]
    public void DaemonsOneAfterAnotherSeeTheSameVolumes()
    {
        var etcd = _directory.Own(new EtcdMembers(_directory, 1));
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var first = _directory.Own(new MyrmexDaemon(_directory, "first", "--etcd", etcd.Endpoints));
        first.CreateVolume("vol", Bricks.Make(disk.Path, 2));
        first.Gluster("volume set vol performance.write-behind off");
        var info = first.Gluster("volume info vol");
        var mount = _directory.Own(StockMount.FromServer(_directory, "mnt", first.Host, "vol"));
        mount.Sh("echo one > f");
        first.Kill();
        mount.Sh("echo two >> f");

        // Another node with a file of its own: the volumes are the same, the bricks are not its.
        using (var second = new MyrmexDaemon(_directory, "second", "--etcd", etcd.Endpoints))
        {
            Assert.Equal(info, second.Gluster("volume info vol"));
            Assert.Contains("already exists", second.Run($"volume create vol {second.Host}:{disk.Path}/x force").Output
                + second.Run($"volume create vol {second.Host}:{disk.Path}/x force").Error);
            second.Gluster("volume set vol performance.md-cache-timeout 7");
        }

        first.Start();
        Assert.Contains("performance.md-cache-timeout: 7", first.Gluster("volume info vol"));
        Assert.NotEmpty(first.BrickPids("vol"));
        mount.Sh("echo three >> f; [[ $(wc -l < f) == 3 ]]");
        first.StopVolume("vol");
        first.Gluster("volume delete vol");
        Assert.DoesNotContain("vol", first.Gluster("volume list").Replace("No volumes", "", StringComparison.Ordinal).Split('\n'));
    }

    [InteropFact(Need.Etcd | Need.StockClient | Need.Xfs)]
    public void WhileEtcdIsAwayCommandsSaySoDataFlowsAndAfterwardsEverythingWorks()
    {
        var etcd = _directory.Own(new EtcdMembers(_directory, 1));
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory, "myrmexd", "--etcd", etcd.Endpoints, "--etcd-prefix", "/test/"));
        daemon.CreateVolume("vol", Bricks.Make(disk.Path, 2));
        var mount = _directory.Own(StockMount.FromServer(_directory, "mnt", daemon.Host, "vol"));
        mount.Sh("echo before > f");
        etcd.Kill(0);

        var clock = Stopwatch.StartNew();
        foreach (var command in (string[])["volume set vol performance.md-cache-timeout 5", "volume stop vol", $"volume create other {daemon.Host}:{disk.Path}/o force"])
        {
            var refused = daemon.Run(command);
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains("etcd", refused.Output + refused.Error);
        }

        Assert.Contains("cannot be reached at", daemon.Run("volume set vol performance.md-cache-timeout 5") is var late ? late.Output + late.Error : "");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(45), $"four commands took {clock.Elapsed}");
        Assert.Contains("Status: Started", daemon.Gluster("volume info vol"));
        mount.Sh("echo during >> f");
        using (var late2 = StockMount.FromServer(_directory, "late", daemon.Host, "vol"))
        {
            late2.Sh("[[ $(wc -l < f) == 2 ]]; echo late > g");
        }

        daemon.KillBricks("vol");
        Wait.Until("the brick process is started again", Soon, () => Shell.Bash(mount.Path, "cat f g", Soon).ExitCode == 0, () => mount.LogTail());
        Ledger.AddProcess(daemon.BrickPid);

        etcd.Start(0);
        Wait.Until("commands work again", Soon, () => daemon.Run("volume set vol performance.md-cache-timeout 5").ExitCode == 0);
        daemon.Gluster("volume set vol performance.md-cache-timeout 6");
        daemon.Gluster($"volume create other {daemon.Host}:{disk.Path}/o force");
        daemon.Gluster("volume delete other");
        Assert.Contains("/test/volume/vol", etcd.Ctl("get", "--prefix", "/test/", "--keys-only"));
        Assert.DoesNotContain("intent", etcd.Ctl("get", "--prefix", "/test/", "--keys-only"));
        mount.Sh("echo after >> f; [[ $(wc -l < f) == 3 ]]");
    }

    [InteropFact(Need.Etcd)]
    public void ADaemonThatCannotUseItsEtcdSaysWhyAndEnds()
    {
        var nobody = Addresses.NextLoopback();
        var directory = _directory.Make("d");
        CommandResult Daemon(params string[] arguments) => Shell.Run(
            "/", Soon, Product.Executable,
            ["daemon", "--foreground", "--working-directory", directory, "--bind", nobody, "--http", "0", .. arguments]);
        void Refused(CommandResult result, string why)
        {
            Assert.NotEqual(0, result.ExitCode);
            Assert.Contains(why, result.Output + result.Error);
        }

        Refused(Daemon("--etcd", $"{nobody}:1"), $"etcd cannot be reached at http://{nobody}:1/");
        Refused(Daemon("--etcd", "not an address"), "'not an address' is no address of etcd");
        Refused(Daemon("--etcd", $"{nobody}:1", "--etcd-ca", "/none"), "/none does not exist");
        Refused(Daemon("--etcd", $"{nobody}:1", "--etcd-user", "me"), "needs both a name and a password");
        Refused(Daemon("--etcd", $"{nobody}:1", "--etcd-prefix", "no"), "cannot be a prefix");
    }

    [InteropFact(Need.Etcd | Need.Xfs)]
    public void AFileThatHoldsVolumesIsNotPassedOverForEtcd()
    {
        var etcd = _directory.Own(new EtcdMembers(_directory, 1));
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory));
        daemon.Gluster($"volume create vol {daemon.Host}:{disk.Path}/b1 force");
        daemon.Stop();
        var refused = Shell.Run(
            "/", Soon, Product.Executable, "daemon", "--foreground", "--working-directory", daemon.WorkingDirectory, "--bind", daemon.Host,
            "--http", "0", "--etcd", etcd.Endpoints);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("holds 1 volumes that are not used with --etcd", refused.Output + refused.Error);
    }
}
