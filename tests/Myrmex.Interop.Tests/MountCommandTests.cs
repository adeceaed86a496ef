using System;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// What <c>myrmex mount</c> does besides serving files: becoming a daemon, options, failures with a reason, the end. The graph
/// is one brick in memory in the same process.
/// </summary>
public sealed class MountCommandTests : IDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private readonly TestDirectory _directory = new(nameof(MountCommandTests));

    public MountCommandTests()
    {
        MountPoint = _directory.Make("mnt");
    }

    private string MountPoint { get; }

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.Fuse)]
    public void TheCommandReturnsWhenTheMountAnswersAndTheDaemonEndsWithTheMount()
    {
        var pid = MountInBackground();
        Assert.Equal("fuse.myrmex", Mounts.TypeOf(MountPoint));
        Assert.Equal("hi\n", Shell.CheckBash(MountPoint, "echo hi > a; cat a"));
        Assert.True(Mounts.Unmount(MountPoint));
        Wait.Until("the daemon ends", EndLimit, () => !Directory.Exists($"/proc/{pid}"));
        Assert.False(File.Exists(_directory["pid"]));
    }

    [InteropFact(Need.Fuse)]
    public void ATerminatedDaemonUnmountsEvenAMountInUse()
    {
        var pid = MountInBackground();
        using var user = Child.Start("user", _directory.Logs, "/bin/bash", "-c", $"exec 3> {MountPoint}/f; sleep 60");
        Wait.Until("the file is open", EndLimit, () => File.Exists(Path.Combine(MountPoint, "f")));
        Child.Signal(pid, "TERM");
        Wait.Until("it is unmounted", EndLimit, () => !Mounts.IsMounted(MountPoint));
        user.Stop();
        Wait.Until("the daemon ends", EndLimit, () => !Directory.Exists($"/proc/{pid}"));
    }

    [InteropFact(Need.Fuse)]
    public void AKilledDaemonLeavesAnErrorAndNoHang()
    {
        var pid = MountInBackground();
        Shell.CheckBash(MountPoint, "echo hi > a");
        using var user = Child.Start("user", _directory.Logs, "/bin/bash", "-c", $"cd {MountPoint}; exec 3> f; sleep 60");
        Wait.Until("the file is open", EndLimit, () => File.Exists(Path.Combine(MountPoint, "f")));
        Child.Signal(pid, "KILL");
        Wait.Until("the daemon is gone", EndLimit, () => !Directory.Exists($"/proc/{pid}"));
        var result = Shell.Run("/", TimeSpan.FromSeconds(5), "ls", MountPoint);
        Assert.True(result.ExitCode > 0, result.ToString());
        Assert.Contains("not connected", result.Error, StringComparison.Ordinal);
        user.Stop();
        Assert.True(Mounts.Unmount(MountPoint));
    }

    [InteropFact(Need.Fuse)]
    public void AnUnknownOptionIsNamed()
    {
        var result = Mount("-o", "ro,frobnicate=7");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Invalid option frobnicate", result.Error, StringComparison.Ordinal);
        Assert.False(Mounts.IsMounted(MountPoint));
    }

    [InteropFact(Need.Fuse)]
    public void AFailureGivesItsReason()
    {
        var result = Product.Run("mount", "--volfile", _directory["missing.vol"], MountPoint);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("missing.vol", result.Error, StringComparison.Ordinal);

        var file = _directory.Write("bad.vol", "volume x\n type nonsense/none\nend-volume\n");
        result = Product.Run("mount", "--volfile", file, MountPoint);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("nonsense/none", result.Error, StringComparison.Ordinal);

        result = Product.Run("mount", "--volfile", Volfile(), _directory["no-directory"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("no-directory", result.Error, StringComparison.Ordinal);

        var port = Addresses.FreePort("127.0.0.1");
        result = Product.Run("mount", $"127.0.0.1:{port}:/vol", MountPoint);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("can be reached", result.Error, StringComparison.Ordinal);
        Assert.False(Mounts.IsMounted(MountPoint));
    }

    [InteropFact(Need.Fuse)]
    public void AReadOnlyMountRefusesChanges()
    {
        MountInBackground("ro,noatime");
        var result = Shell.Bash(MountPoint, "touch a");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Read-only", result.Error, StringComparison.Ordinal);
        Assert.Contains(
            File.ReadAllLines("/proc/self/mounts"),
            line => line.Contains(MountPoint, StringComparison.Ordinal) && line.Contains(" ro,", StringComparison.Ordinal)
                && line.Contains("noatime", StringComparison.Ordinal));
    }

    [InteropFact(Need.Fuse)]
    public void ASignalWritesTheStateBesideTheLog()
    {
        var pid = MountInBackground();
        Shell.CheckBash(MountPoint, "echo hi > a; cat a");
        Child.Signal(pid, "USR1");
        string[] Dumps() => Directory.GetFiles(_directory.Logs, "mount.*.dump");
        Wait.Until("the dump is written", EndLimit, () => Dumps().Any(file => new FileInfo(file).Length > 0));
        var text = File.ReadAllText(Dumps()[0]);
        Assert.Contains("requests.Create=1", text, StringComparison.Ordinal);
        Assert.Contains("[features/locks.locks]", text, StringComparison.Ordinal);
    }

    [InteropFact(Need.Root | Need.Fuse)]
    public void AnAdministratorHasAMountWriteItsState()
    {
        using var server = new MyrmexDaemon(_directory);
        server.CreateVolume("vol", [_directory.Make("brick")]);
        using var mount = MyrmexMount.FromServer(_directory, "own", server.Host, "vol", $"log-file={_directory.Logs}/own.log");
        mount.Sh("echo hi > a; cat a");
        Refused(1, "has its volume file from");
        Refused(mount.Pid, "has its volume file from", "192.0.2.1");
        Refused(0, "is not a client");
        Assert.Equal(
            "volume statedump: success", server.Gluster($"volume statedump vol client 127.0.0.1:{mount.Pid}").TrimEnd());
        string[] Dumps() =>
        [
            .. Directory.GetFiles(_directory.Logs, $"mount.{mount.Pid}.*.dump"),
            .. Directory.GetFiles(Path.GetTempPath(), $"mount.{mount.Pid}.*.dump"), // In the foreground it has no log of its own.
        ];
        Wait.Until("the dump is written", EndLimit, () => Dumps().Any(file => new FileInfo(file).Length > 0), () => mount.LogTail());
        var dump = Assert.Single(Dumps());
        Assert.Contains("requests.Create=1", File.ReadAllText(dump), StringComparison.Ordinal);
        File.Delete(dump);
        server.StopVolume("vol");
        Refused(mount.Pid, "is not in the started state");

        void Refused(int pid, string why, string host = "127.0.0.1")
        {
            var result = server.Run($"volume statedump vol client {host}:{pid}");
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("volume statedump: failed: ", result.Error, StringComparison.Ordinal);
            Assert.Contains(why, result.Error, StringComparison.Ordinal);
        }
    }

    [InteropFact(Need.Fuse)]
    public void ReadAheadIsAMegabyteAndLargeReadsArriveWhole()
    {
        var pid = MountInBackground();
        Shell.CheckBash(
            MountPoint, "head -c 8388608 /dev/zero > big; echo 3 > /proc/sys/vm/drop_caches; cat big > /dev/null");
        Child.Signal(pid, "USR1");
        string[] Dumps() => Directory.GetFiles(_directory.Logs, "mount.*.dump");
        Wait.Until("the dump is written", EndLimit, () => Dumps().Any(file => new FileInfo(file).Length > 0));
        var reads = File.ReadAllLines(Dumps()[0]).First(line => line.StartsWith("requests.Read=", StringComparison.Ordinal));
        Assert.InRange(int.Parse(reads["requests.Read=".Length..]), 1, 20);
    }

    [InteropFact(Need.Fuse)]
    public void TheMountHelperOfTheSystemWorks()
    {
        var helper = Path.Combine(Product.Repository, "packaging", "mount.myrmex");
        var path = Path.GetDirectoryName(Product.Executable);
        var result = Shell.Bash(
            "/", $"PATH={path}:$PATH sh {helper} memory {MountPoint} -o rw,noatime,volfile={Volfile()},log-file={_directory.Logs}/m.log,pid-file={_directory["pid"]}");
        Ledger.AddProcess(int.Parse(File.ReadAllText(_directory["pid"])));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("fuse.myrmex", Mounts.TypeOf(MountPoint));
        Assert.True(Mounts.Unmount(MountPoint));
    }

    private string Volfile() => _directory.Write("memory.vol", LocalGraph.Memory);

    private CommandResult Mount(params string[] arguments) =>
        Product.Run(["mount", "--volfile", Volfile(), .. arguments, MountPoint]);

    /// <summary>Mounts as a user would, and answers the process id of the daemon.</summary>
    private int MountInBackground(string options = "rw")
    {
        var pidFile = _directory["pid"];
        var result = Mount("-o", $"{options},pid-file={pidFile},log-file={_directory.Logs}/mount.log");
        Assert.True(result.ExitCode == 0, result.ToString());
        var pid = int.Parse(File.ReadAllText(pidFile));
        Ledger.AddProcess(pid);
        return pid;
    }
}
