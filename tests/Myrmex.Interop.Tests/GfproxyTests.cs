using System;
using System.IO;
using Myrmex.Interop.Tests.Kit;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Stock clients, and ours with a volume file by hand, through the proxy: all they know of the volume is one server.
/// </summary>
public sealed class GfproxyTests(ProxiedVolumes volumes, ITestOutputHelper output) : IClassFixture<ProxiedVolumes>
{
    private const Need Needs = Need.StockClient | Need.Xfs | Need.Python;

    private static readonly TimeSpan Blocked = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void FilesOfOneClientAreThoseOfAnother(string volume)
    {
        var stock = volumes.MountStock(volume);
        var ours = volumes.MountOurs(volume);
        stock.Sh(
            """
            mkdir -p work/deep/tree; cd work
            for i in $(seq 40); do echo "content $i" > f$i; done
            mv f1 g1; ln g1 h1; ln -s g1 s1; mkfifo pipe; chmod 640 f2; truncate -s 1M f3; fallocate -l 64k f4
            fallocate -p -o 4096 -l 4096 f4; setfattr -n user.colour -v red f5; mv deep/tree deep/moved; rm f6
            dd if=/dev/urandom of=large bs=1M count=9 oflag=direct status=none; sha256sum large > sum
            dd if=/dev/zero of=f7 bs=7 count=1000 oflag=append conv=notrunc status=none
            """);
        ours.Sh(
            """
            cd work; set -o pipefail
            test "$(ls | wc -l)" = 45; test "$(cat h1)" = "content 1"; test "$(readlink s1)" = g1
            test "$(stat -c %h g1)" = 2; test "$(stat -c %a f2)" = 640; test "$(stat -c %s f3)" = 1048576
            test "$(getfattr --only-values -n user.colour f5)" = red; test -p pipe; test -d deep/moved; test ! -e f6
            sha256sum -c --quiet sum; test "$(stat -c %s f7)" = 7010
            python3 - f4 <<'END'
            import os, sys
            fd = os.open(sys.argv[1], os.O_RDONLY)
            hole = os.lseek(fd, 0, os.SEEK_HOLE); print(hole); assert hole in (4096, 65536), hole
            END
            getfattr --only-values -n trusted.glusterfs.pathinfo f8 | grep -q POSIX
            df --output=avail . | tail -1 | grep -q "[1-9]"; rm -r deep; mkdir again
            """);
        stock.Sh("cd work; test -d again; sleep 1.1; test ! -e deep; rm -r ../work");
        Assert.True(stock.Unmount() && ours.Unmount());
    }

    /// <summary>Permissions are decided by the bricks, for the caller and with the caller's groups.</summary>
    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void CallersKeepTheirIdentity(string volume)
    {
        var mount = volumes.MountStock(volume);
        mount.Sh(
            """
            mkdir own shut group; chown 1234:1235 own; chmod 700 shut own; chown 0:7777 group; chmod 770 group
            setpriv --reuid 1234 --regid 1235 --clear-groups sh -c 'echo mine > own/file'
            test "$(stat -c %u:%g own/file)" = 1234:1235
            ! setpriv --reuid 1234 --regid 1235 --clear-groups touch shut/file 2>/dev/null
            ! setpriv --reuid 1234 --regid 1235 --clear-groups touch group/file 2>/dev/null
            setpriv --reuid 1234 --regid 1235 --groups 7777 touch group/file
            rm -r own shut group
            """);
        Assert.True(mount.Unmount());
    }

    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void FioFindsEveryChecksumItWrote(string volume)
    {
        var mount = volumes.MountStock(volume);
        mount.Sh(
            """
            fio --name=v --directory=. --size=12m --rw=randwrite --bsrange=4k-64k --numjobs=2 --verify=crc32c \
                --do_verify=1 --verify_fatal=1 --end_fsync=1 --group_reporting > fio.txt || { cat fio.txt; exit 1; }
            rm v.* fio.txt
            """);
        Assert.True(mount.Unmount());
    }

    /// <summary>gfapi has no name for thin: it gets what the volume says.</summary>
    [InteropFact(Needs | Need.FioGfapi)]
    public void AVolumeCanMakeAllItsClientsThin()
    {
        volumes.Daemon.Gluster($"volume set {ProxiedVolumes.Replicated} client.mode thin");
        try
        {
            Shell.Check(
                volumes.Directory.Make("fio"), "fio", "--name=thin", "--ioengine=gfapi",
                $"--volume={ProxiedVolumes.Replicated}", $"--brick={volumes.Daemon.Host}", "--rw=randwrite", "--bs=16k",
                "--size=8m", "--verify=crc32c", "--do_verify=1", "--verify_fatal=1");
            Assert.Contains(
                File.ReadLines(volumes.ProxyLog),
                l => l.Contains("client attached", StringComparison.Ordinal)
                    && l.Contains($"PC_NAME:{ProxiedVolumes.Replicated}-gfproxy-client", StringComparison.Ordinal));
        }
        finally
        {
            volumes.Daemon.Gluster($"volume set {ProxiedVolumes.Replicated} client.mode thick");
        }
    }

    /// <summary>To a brick all clients of a proxy are one: their locks must not be.</summary>
    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed, false)]
    [InlineData(ProxiedVolumes.Distributed, true)]
    [InlineData(ProxiedVolumes.Replicated, false)]
    [InlineData(ProxiedVolumes.Replicated, true)]
    public void LocksOfTwoClientsExcludeEachOther(string volume, bool throughTwoProxies)
    {
        var a = volumes.MountStock(volume);
        var b = throughTwoProxies
            ? volumes.MountStockAt(volume, volumes.StartSecondProxy(volume)) : volumes.MountStock(volume);
        using (var first = Open(a))
        using (var second = Open(b))
        {
            Assert.Equal("granted", first.Ask("lock ex 10 20"));
            Assert.Equal("EAGAIN", second.Ask("try ex 15 1"));
            Assert.Equal("granted", second.Ask("try ex 30 10"));
            Assert.Equal("held ex 10 20", second.Ask("test sh 0 20"));
            second.Tell("lock ex 10 5");
            Assert.Null(second.Answer(Blocked));
            Assert.Equal("granted", first.Ask("unlock 10 20"));
            Assert.Equal("granted", second.Answer(Soon));
            Assert.Equal("EAGAIN", first.Ask("try sh 12 1"));
        }

        Assert.True(a.Unmount() && b.Unmount());
    }

    /// <summary>
    /// What a client has locked, and what it waits for, goes with it at once, although the connection of the proxy to
    /// the bricks goes on: the one it waits for would get what it holds only after giving up its own.
    /// </summary>
    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void AKilledClientLosesItsLocksWhileItWaitsForOthers(string volume)
    {
        var dying = volumes.MountStock(volume);
        var other = volumes.MountStock(volume);
        using (var held = Open(other, "other"))
        using (var holder = Open(dying, "locked"))
        using (var waits = Open(dying, "other"))
        using (var waiter = Open(other, "locked"))
        {
            Assert.Equal("granted", held.Ask("lock ex 0 0"));
            Assert.Equal("granted", holder.Ask("lock ex 0 0"));
            waits.Tell("lock ex 0 0");
            waiter.Tell("lock ex 0 0");
            Assert.Null(waits.Answer(Blocked));
            Assert.Null(waiter.Answer(Blocked));
            dying.Kill();
            Assert.Equal("granted", waiter.Answer(Soon));
            Assert.Equal("granted", held.Ask("unlock 0 0"));
            Assert.Equal("granted", held.Ask("try ex 0 0")); // The wait of the dead one has not got it.
        }

        Assert.True(other.Unmount());
    }

    /// <summary>
    /// A proxy that dies is there again soon (within a second on a quiet machine). What it has never heard of - gfids, open files - it finds by
    /// itself; the stock client holds what it has not sent, and tells ENOTCONN for what was on its way.
    /// </summary>
    [InteropTheory(Needs)]
    [InlineData(ProxiedVolumes.Distributed)]
    [InlineData(ProxiedVolumes.Replicated)]
    public void AStockClientGoesOnAfterTheProxyWasKilled(string volume)
    {
        var mount = volumes.MountStock(volume);
        mount.Sh("mkdir -p d/e; for i in $(seq 20); do echo $i > d/e/f$i; done");
        var open = new FileStream(
            Path.Combine(mount.Path, "d/e/f3"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        var first = volumes.Daemon.ProxyPid;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Child.Signal(first, "KILL");
        Wait.Until("another proxy runs", Soon, () => volumes.Daemon.ProxyPid is > 0 and var pid && pid != first);
        output.WriteLine($"another proxy runs after {watch.ElapsedMilliseconds} ms");
        volumes.AwaitProxy();
        open.Write("three"u8);
        open.Flush(flushToDisk: true);
        open.Dispose();
        mount.Sh(
            """
            test "$(cat d/e/f3)" = three; for i in $(seq 4 20); do test "$(cat d/e/f$i)" = $i; done
            mv d/e d/g; echo new > d/g/new; ls d/g | wc -l | grep -qx 21; rm -r d
            """);
        Assert.True(mount.Unmount());
    }

    /// <summary>Clients of a proxy do not notice what the volume is made of.</summary>
    [InteropFact(Needs)]
    public void AVolumeGrowsUnderItsClients()
    {
        const string Volume = ProxiedVolumes.Distributed;
        var mount = volumes.MountStock(Volume);
        var folder = Directory.CreateDirectory(Path.Combine(mount.Path, "load")).FullName;
        var record = volumes.Directory["grown.record"];
        using var writer = Helper.Start("writer.py", "write", folder, record, "50");
        volumes.Daemon.Gluster($"volume add-brick {Volume} {volumes.Daemon.Host}:{volumes.Spare} force");
        Wait.Until(
            "the proxy has another graph", Soon,
            () => File.ReadAllText(volumes.ProxyLog).Contains("switched to a new graph", StringComparison.Ordinal));
        mount.Sh("mkdir grown; for i in $(seq 40); do echo $i > grown/f$i; done; cat grown/* | wc -l | grep -qx 40");
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(volumes.Spare, "grown")));
        Assert.EndsWith(" errors 0", writer.Finish(Soon), StringComparison.Ordinal);
        var verified = Shell.Check("/", "python3", Helper.PathOf("writer.py"), "verify", folder, record).Trim();
        if (!verified.EndsWith(" missing 0 wrong 0", StringComparison.Ordinal))
        {
            var bricks = Path.GetDirectoryName(volumes.Spare);
            Assert.Fail($"{verified}\n{Shell.CheckBash("/", $"find {bricks} -path '*/load*' -ls | tail -40")}");
        }

        Assert.Equal(0, mount.CountInLog("disconnected from"));
        mount.Sh("rm -r grown load");
        Assert.True(mount.Unmount());
    }

    private static Helper Open(FuseMount mount, string file = "locked")
    {
        var helper = Helper.Start("locks.py", Path.Combine(mount.Path, file));
        Assert.Equal("ready", helper.Answer(TimeSpan.FromSeconds(20)));
        return helper;
    }
}
