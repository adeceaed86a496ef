using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Our thin client over two proxies, which die and hang in turn under writers of many kinds: no error, nothing lost,
/// nothing twice. On volumes with copies and without.
/// </summary>
public sealed class ThinClientTests(ProxiedVolumes volumes) : IClassFixture<ProxiedVolumes>
{
    private static readonly TimeSpan WritersEnd = TimeSpan.FromSeconds(120);

    private static readonly int Rounds = Machine.LongRuns ? 50 : 4;

    [InteropTheory(Need.Xfs | Need.Python)]
    [InlineData(ProxiedVolumes.Distributed, "KILL")]
    [InlineData(ProxiedVolumes.Replicated, "KILL")]
    [InlineData(ProxiedVolumes.Replicated, "STOP")]
    public void WritersDoNotNoticeWhatBecomesOfProxies(string volume, string signal)
    {
        using var second = volumes.StartOwnProxy(volume);
        var mount = volumes.MountThin(volume, second.Port);
        var stop = volumes.Directory[$"stop-{volume}-{signal}"];
        using var writers = Child.Start(
            $"writers-{volume}-{signal}", volumes.Directory.Logs, "python3", Helper.PathOf("thinwriters.py"),
            Directory.CreateDirectory(Path.Combine(mount.Path, signal)).FullName, stop);
        for (var round = 0; round < Rounds; round++)
        {
            Thread.Sleep(2_000);
            var isSecond = round % 2 == 0;
            var pid = isSecond ? second.Pid : volumes.Daemon.ProxyPid;
            Child.Signal(pid, signal);
            Thread.Sleep(3_000);
            if (signal == "STOP")
            {
                Child.Signal(pid, "CONT");
            }
            else if (!isSecond)
            {
                volumes.AwaitProxy();
            }
        }

        File.WriteAllText(stop, string.Empty);
        Assert.True(writers.WaitForExit(WritersEnd), "the writers do not end");
        Assert.True(writers.ExitCode == 0, writers.LogTail() + mount.LogTail());
        var longest = double.Parse(File.ReadLines(writers.Log).Last().Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.True(longest < 10, $"an operation took {longest} s");
        Assert.True(mount.Unmount());
    }

    /// <summary>What both executables have written is read through the other one.</summary>
    [InteropFact(Need.Xfs)]
    public void TheSmallExecutableMountsAsTheCommandDoes()
    {
        var (small, pid) = volumes.MountInBackground(ProxiedVolumes.Replicated, Product.MountExecutable);
        var (large, other) = volumes.MountInBackground(ProxiedVolumes.Replicated, Product.Executable, "mount");
        Shell.CheckBash(small, "seq 100000 > small; mkdir d; mv small d");
        Shell.CheckBash(large, "seq 100000 | cmp - d/small; seq 200000 > d/large; ln d/large d/name");
        Shell.CheckBash(small, "seq 200000 | cmp - d/name; test $(stat -c %h d/large) = 2");
        Assert.Equal("fuse.myrmex", Mounts.TypeOf(small));
        Assert.Equal(Product.Run("--version").Output, Shell.Check("/", Product.MountExecutable, "--version"));
        foreach (var (path, process) in new[] { (small, pid), (large, other) })
        {
            Assert.True(Mounts.Unmount(path));
            Wait.Until("its process ends", TimeSpan.FromSeconds(30), () => !Directory.Exists($"/proc/{process}"));
        }
    }
}
