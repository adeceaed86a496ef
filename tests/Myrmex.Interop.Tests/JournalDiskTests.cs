using System;
using System.Globalization;
using System.IO;
using Myrmex.Interop.Tests.Kit;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Interop.Tests;

/// <summary>Journals that have a disk of their own.</summary>
public sealed class JournalDiskTests(ITestOutputHelper output) : IDisposable
{
    private const long JournalDiskMiB = 4096;
    private const long StoreDiskMiB = 1024;

    private readonly TestDirectory _directory = new(nameof(JournalDiskTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void MembersDieAndAreReplacedAndTheRoomIsThatOfTheStore()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk", StoreDiskMiB));
        var fast = _directory.Own(XfsImage.Mount(_directory, "fast", JournalDiskMiB));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3), fast.Path));
        var mount = volume.Mount("mnt");
        using (var load = new JournalLoad(_directory, "load", mount.Path, volume.Mount("mnt2").Path))
        {
            load.AwaitProgress("before the kill");
            volume.KillBricks();
            load.AwaitProgress("after the kill");
            volume.Reset(1, static () => { });
            load.AwaitProgress("with a new member");
            output.WriteLine($"{load.Finish(mount.Path)}");
        }

        volume.CheckCopies();
        Assert.All(volume.Bricks, b => Assert.False(Directory.Exists($"{b}/.glusterfs/journal")));
        Assert.Equal(4, Directory.GetDirectories(fast.Path, "vol.*").Length); // One is that of the former member.

        var total = Shell.CheckBash(mount.Path, "df -B1 --output=size . | tail -1").Trim();
        Assert.InRange(long.Parse(total, CultureInfo.InvariantCulture), 1, StoreDiskMiB << 20);
        Assert.NotEqual(
            0, Shell.Bash(mount.Path, "head -c 2G /dev/zero > full; s=$?; sync -f . || exit 1; exit $s").ExitCode);
        File.Delete($"{mount.Path}/full");
        Wait.Until( // XFS frees the blocks a moment later.
            "there is room again", TimeSpan.FromSeconds(30),
            () => Shell.Bash(mount.Path, "head -c 1M /dev/urandom > again && sync -f .").ExitCode == 0);
        volume.CheckCopies();
    }

    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void WithoutTheirDiskNoBrickStartsAndWithItEverythingIsThere()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var fast = _directory.Own(XfsImage.Mount(_directory, "fast"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3), fast.Path));
        using (var mount = volume.Mount("mnt"))
        {
            Shell.CheckBash(mount.Path, "head -c 8M /dev/urandom > data; sha256sum data > sum; sync -f .");
        }

        volume.Daemon.StopVolume(JournalVolume.Name);
        Mounts.Unmount(fast.Path);
        var refused = volume.Daemon.Run($"volume start {JournalVolume.Name}");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains($"there is no journal in {fast.Path}/vol.", refused.Error, StringComparison.Ordinal);
        fast.MountAgain();
        volume.Daemon.StartVolume(JournalVolume.Name, 3);
        Shell.CheckBash(volume.Mount("mnt2").Path, "sha256sum -c --quiet sum");
        volume.CheckCopies();
    }
}
