using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// A new process takes the place of a proxy that unmodified clients use: they notice a pause. What is open stays open,
/// what is locked is locked all the while, and who waits for a lock gets it.
/// </summary>
public sealed class ProxyUpgradeTests(ProxiedVolumes volumes) : IClassFixture<ProxiedVolumes>
{
    private const Need Needs = Need.StockClient | Need.Xfs | Need.Python;
    private const int Upgrades = 3;

    private static readonly TimeSpan Blocked = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ProgramEnds = TimeSpan.FromSeconds(180);

    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void StockClientsNoticeAPause(string volume)
    {
        var mount = volumes.MountStock(volume);
        var rival = volumes.MountStock(volume);
        mount.Sh("mkdir -p d/e; for i in $(seq 20); do echo $i > d/e/f$i; done");
        using var open = new FileStream(
            Path.Combine(mount.Path, "d/e/f3"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        using var removed = new FileStream(
            Path.Combine(mount.Path, "removed"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, 0);
        removed.Write("gone"u8);
        File.Delete(Path.Combine(mount.Path, "removed"));
        using var holder = Open(mount);
        using var waiter = Open(rival);
        using var prober = Open(rival);
        Assert.Equal("granted", holder.Ask("lock ex 10 20"));
        Assert.Equal("granted", holder.Ask("lock sh 100 0"));
        waiter.Tell("lock ex 10 5");
        Assert.Null(waiter.Answer(Blocked));
        using var fio = StartFio(volume, mount.Path);
        var stop = volumes.Directory[$"stop-{volume}"];
        using var tries = StartTries(volume, rival.Path, stop);
        for (var i = 0; i < Upgrades; i++)
        {
            Thread.Sleep(1_500);
            Upgrade();
            Assert.Equal("EAGAIN", prober.Ask("try sh 12 1"));
            Assert.Equal("held ex 10 20", prober.Ask("test sh 0 20"));
            open.Write("three"u8);
            open.Flush(flushToDisk: true);
        }

        File.WriteAllText(stop, string.Empty);
        Await(tries, mount);
        removed.Write(" and there"u8);
        removed.Flush(flushToDisk: true);
        removed.Position = 0;
        Assert.Equal("gone and there", new StreamReader(removed, leaveOpen: true).ReadToEnd());
        Assert.Null(waiter.Answer(Blocked));
        Assert.Equal("granted", holder.Ask("unlock 10 20"));
        Assert.Equal("granted", waiter.Answer(Soon));
        Assert.Equal("EAGAIN", holder.Ask("try sh 12 1"));
        Assert.Equal("EAGAIN", prober.Ask("try ex 200 1"));
        Await(fio, mount);
        mount.Sh("test \"$(cat d/e/f3)\" = threethreethree; for i in $(seq 4 20); do test \"$(cat d/e/f$i)\" = $i; done");
        Assert.Equal(0, mount.CountInLog("disconnected from") + rival.CountInLog("disconnected from"));
        open.Dispose();
        removed.Dispose();
        holder.Dispose();
        waiter.Dispose();
        prober.Dispose();
        Assert.True(rival.Unmount() && mount.Unmount());
    }

    /// <summary>A request that failed would be an error of the guest's disk.</summary>
    [InteropFact(Needs | Need.QemuGluster)]
    public void AQemuDiskNoticesAPause()
    {
        const string Volume = ProxiedVolumes.Replicated;
        volumes.Daemon.Gluster($"volume set {Volume} client.mode thin");
        try
        {
            var image = $"gluster://{volumes.Daemon.Host}/{Volume}/disk.qcow2";
            Shell.Check("/", "qemu-img", "create", "-f", "qcow2", image, "64M");
            var script = volumes.Directory.Write(
                "qemu.sh",
                "set -e; { for i in $(seq 1 250); do echo \"write -P $((i % 250 + 1)) ${i}00k 100k\"; echo \"flush\"; "
                + "echo \"read -P $((i % 250 + 1)) ${i}00k 100k\"; echo \"sleep 30\"; done; } > $1.in\n"
                + "qemu-io -f qcow2 $2 < $1.in > $1.out 2>&1\n"
                + "test $(grep -c 'wrote 102400/102400' $1.out) = 250; test $(grep -c 'read 102400/102400' $1.out) = 250\n"
                + "! grep 'failed' $1.out\n");
            using var qemu = Child.Start(
                "qemu-io", volumes.Directory.Logs, "bash", script, volumes.Directory["qemu"], image);
            for (var i = 0; i < Upgrades; i++)
            {
                Thread.Sleep(2_000);
                Upgrade();
            }

            Assert.True(qemu.Running, "the program has ended before the last upgrade");
            Assert.True(qemu.WaitForExit(ProgramEnds), "qemu-io does not end");
            Assert.True(qemu.ExitCode == 0, qemu.LogTail() + Child.TailOf(volumes.Directory["qemu.out"]));
            Assert.Contains(
                "No errors", Shell.Check("/", "qemu-img", "check", image), StringComparison.Ordinal);
        }
        finally
        {
            volumes.Daemon.Gluster($"volume set {Volume} client.mode thick");
        }
    }

    [InteropFact(Needs)]
    public void ANewProcessThatDiesLeavesEverythingToTheFormerOne()
    {
        const string Volume = ProxiedVolumes.Distributed;
        var mount = volumes.MountStock(Volume);
        var rival = volumes.MountStock(Volume);
        using var holder = Open(mount);
        using var prober = Open(rival);
        Assert.Equal("granted", holder.Ask("lock ex 10 20"));
        var (former, upgraded) = KillNewcomer();
        for (var attempt = 1; upgraded.ExitCode == 0 && attempt < 10; attempt++)
        {
            (former, upgraded) = KillNewcomer(); // It had taken over already: some hundredths of a second are enough.
        }

        Assert.Equal(1, upgraded.ExitCode);
        Assert.Contains("ended by signal 9", upgraded.ToString(), StringComparison.Ordinal);
        Assert.Contains($"({former}) goes on", upgraded.ToString(), StringComparison.Ordinal);
        Assert.Equal(former, volumes.Daemon.ProxyPid);
        Assert.Equal("EAGAIN", prober.Ask("try sh 12 1"));
        rival.Sh("echo still > served; test \"$(cat served)\" = still; rm served");
        Assert.Equal(0, mount.CountInLog("disconnected from") + rival.CountInLog("disconnected from"));

        Upgrade();
        Assert.Equal("EAGAIN", prober.Ask("try sh 12 1"));
        Assert.Equal("granted", holder.Ask("unlock 10 20"));
        Assert.Equal("granted", prober.Ask("try sh 12 1"));
        holder.Dispose();
        prober.Dispose();
        Assert.True(rival.Unmount() && mount.Unmount());
    }

    /// <summary>Upgrades the proxy and kills the new process as soon as it is seen.</summary>
    private (int Former, CommandResult Result) KillNewcomer()
    {
        var former = volumes.Daemon.ProxyPid;
        var upgrading = Task.Run(() => volumes.Proxy("upgrade"));
        while (!upgrading.IsCompleted)
        {
            if (FindNewcomer() is > 0 and var newcomer && newcomer != former)
            {
                using var dying = System.Diagnostics.Process.GetProcessById(newcomer);
                dying.Kill();
                break;
            }
        }

        Assert.True(upgrading.Wait(ProgramEnds), "the command does not end");
        return (former, upgrading.Result);
    }

    /// <summary>The process that is to take the proxy's place; 0 when there is none.</summary>
    private int FindNewcomer() => Directory.GetDirectories("/proc")
        .Where(p => char.IsAsciiDigit(p["/proc/".Length]))
        .Where(p => CommandLineOf(p) is var words && words.Contains("--take-over", StringComparison.Ordinal)
            && words.Contains(volumes.Daemon.WorkingDirectory, StringComparison.Ordinal))
        .Select(p => int.Parse(Path.GetFileName(p), CultureInfo.InvariantCulture))
        .FirstOrDefault();

    private static string CommandLineOf(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (IOException)
        {
            return string.Empty; // It has just ended.
        }
    }

    private void Upgrade()
    {
        var former = volumes.Daemon.ProxyPid;
        var result = volumes.Proxy("upgrade");
        Assert.True(result.ExitCode == 0, $"{result}\n{Child.TailOf(volumes.ProxyLog)}");
        Assert.NotEqual(former, volumes.Daemon.ProxyPid);
        volumes.AwaitProxy();
    }

    private Child StartFio(string volume, string path) => Child.Start(
        $"fio-{volume}", volumes.Directory.Logs, "fio", "--name=upgraded", $"--directory={path}", "--size=16m",
        "--rw=randrw", "--bsrange=4k-64k", "--numjobs=2", "--verify=crc32c", "--verify_fatal=1", "--verify_backlog=64",
        "--time_based", "--runtime=15", "--group_reporting", "--fsync=50", $"--aux-path={volumes.Directory.Logs}");

    /// <summary>Tries to get what is locked, again and again; fails when it does, and when an operation does.</summary>
    private Child StartTries(string volume, string path, string stop) => Child.Start(
        $"tries-{volume}", volumes.Directory.Logs, "python3", "-c",
        """
        import fcntl, os, sys
        path, stop = sys.argv[1:]
        fd, tries = os.open(path + "/locked", os.O_RDWR), 0
        while not os.path.exists(stop):
            tries += 1
            os.close(os.open(f"{path}/made{tries % 50}", os.O_CREAT | os.O_WRONLY))
            try:
                fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 28)
            except BlockingIOError:
                continue
            sys.exit("the lock was free")
        print(tries)
        """,
        path, stop);

    private static void Await(Child child, FuseMount mount)
    {
        Assert.True(child.WaitForExit(ProgramEnds), $"{child.Name} does not end");
        Assert.True(child.ExitCode == 0, child.LogTail() + mount.LogTail());
    }

    private static Helper Open(FuseMount mount)
    {
        var helper = Helper.Start("locks.py", Path.Combine(mount.Path, "locked"));
        Assert.Equal("ready", helper.Answer(TimeSpan.FromSeconds(20)));
        return helper;
    }
}
