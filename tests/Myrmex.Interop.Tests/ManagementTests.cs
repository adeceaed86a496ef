using System;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>What a stock client sees of the management: volume files, changes while it runs, restarts.</summary>
public sealed class ManagementTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly TestDirectory _directory = new(nameof(ManagementTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void RemovingATranslatorSwitchesARunningClientToTheNewGraph()
    {
        var (server, mount) = VolumeAndMount();
        mount.Sh("exec 3> open; echo before >&3; echo kept > kept");
        using var copy = Child.Start("copy", mount.Path, "/bin/bash", "-c", "for i in $(seq 400); do head -c 20000 /dev/zero > f$i || exit 1; done");
        server.Gluster("volume set vol performance.write-behind off");
        Wait.Until("the client fetched the new volume file", Soon, () => Graphs(mount) > 1, () => mount.LogTail());
        Assert.True(copy.WaitForExit(TimeSpan.FromSeconds(40)));
        Assert.Equal(0, copy.ExitCode);
        mount.Sh("[[ $(ls -d f* | wc -l) == 400 && $(cat f* | wc -c) == 8000000 ]]; cat kept; echo after > after");
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void ChangedOptionReachesARunningClient()
    {
        var (server, mount) = VolumeAndMount();
        server.Gluster("volume set vol performance.md-cache-timeout 7");
        Wait.Until(
            "the client took the option", Soon, () => mount.CountInLog("md-cache-timeout using set value 7") > 0, () => mount.LogTail());
        mount.Sh("echo x > f; cat f");
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void FileThatIsOpenDuringASwitchKeepsItsData()
    {
        var (server, mount) = VolumeAndMount();
        using var writer = Child.Start(
            "writer", mount.Path, "/bin/bash", "-c", "exec 3> open; for i in $(seq 60); do echo line $i >&3 || exit 1; sleep 0.1; done");
        server.Gluster("volume set vol performance.open-behind off");
        Wait.Until("the client switched", Soon, () => Graphs(mount) > 1, () => mount.LogTail());
        server.Gluster("volume set vol performance.open-behind on");
        Assert.True(writer.WaitForExit(TimeSpan.FromSeconds(40)));
        Assert.Equal(0, writer.ExitCode);
        Assert.Equal("60\n", mount.Sh("wc -l < open"));
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void StoppedVolumeComesBackToAMountedClient()
    {
        var (server, mount) = VolumeAndMount();
        mount.Sh("echo one > f");
        server.StopVolume("vol");
        Assert.NotEqual(0, Shell.Bash(mount.Path, "ls; cat f", TimeSpan.FromSeconds(20)).ExitCode);
        server.StartVolume("vol", 3);
        Wait.Until("the client is back", Soon, () => Shell.Bash(mount.Path, "cat f", TimeSpan.FromSeconds(20)).Output == "one\n", () => mount.LogTail());
        mount.Sh("echo two >> f; cat f");
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void UnknownVolumeIsRefused()
    {
        var (server, _) = VolumeAndMount();
        Assert.Throws<HarnessException>(() => StockMount.FromServer(_directory, "none", server.Host, "nosuchvolume"));
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void LeadingSlashOfAVolumeNameMeansNothing()
    {
        var (server, mount) = VolumeAndMount();
        mount.Sh("echo x > f");
        using var second = StockMount.FromServer(_directory, "second", server.Host, "/vol");
        Assert.Equal("x\n", second.Sh("cat f"));
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void MountHelperMounts()
    {
        var (server, mount) = VolumeAndMount();
        mount.Sh("mkdir d; echo x > d/f");
        var path = _directory.Make("helper");
        try
        {
            Shell.Check("/", "mount", "-t", "glusterfs", "-o", $"log-file={_directory.Logs}/helper.log", $"{server.Host}:/vol", path);
            Assert.Equal("x\n", Shell.CheckBash(path, "cat d/f"));
        }
        finally
        {
            Mounts.Unmount(path);
        }
    }

    [InteropFact(Need.StockClient | Need.Xfs)]
    public void TwoVolumesOfOneDaemonDoNotMix()
    {
        var (server, mount) = VolumeAndMount();
        server.CreateVolume("other", Bricks.Make(_directory.Make("disk/other"), 2));
        using var other = StockMount.FromServer(_directory, "m-other", server.Host, "other");
        mount.Sh("echo vol > f");
        other.Sh("[[ ! -e f ]]; echo other > f");
        Assert.Equal("vol\n", mount.Sh("cat f"));
        server.StopVolume("other");
        mount.Sh("echo still > g; cat g f");
    }

    private static int Graphs(StockMount mount) => mount.CountInLog("switched to graph");

    private (VolumeServer Server, StockMount Mount) VolumeAndMount()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var server = _directory.Own(VolumeServer.Start(_directory));
        server.CreateVolume("vol", Bricks.Make(disk.Path, 3));
        return (server, _directory.Own(StockMount.FromServer(_directory, "mnt", server.Host, "vol")));
    }
}
