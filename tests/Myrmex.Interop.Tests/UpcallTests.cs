using System;
using System.Diagnostics;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Unmodified clients with caches that keep attributes for ten minutes see at once what another one changes, because our
/// bricks tell them.
/// </summary>
public sealed class UpcallTests : IDisposable
{
    private const Need Needs = Need.StockClient | Need.Xfs;
    private const string Volume = "told";

    /// <summary>Far below the ten minutes, and far above what a message takes.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly TestDirectory _directory = new(nameof(UpcallTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Needs)]
    public void AStockClientSeesAtOnceWhatAnotherChanges()
    {
        var daemon = StartVolume("on");
        var (one, other) = (Mount(daemon, "one"), Mount(daemon, "other"));
        one.Sh("mkdir d; echo first > d/file; echo kept > d/gone; setfattr -n user.key -v 1 d/file");
        Assert.Equal("6 644\nuser.key=\"1\"\n", See(other));
        Assert.Equal("gone", other.Sh("stat -c %n d/gone >/dev/null && echo gone").Trim());

        one.Sh("echo and more >> d/file; chmod 600 d/file");
        Await("size and mode", () => See(other).StartsWith("15 600\n", StringComparison.Ordinal));
        Assert.Equal("first\nand more\n", other.Sh("cat d/file"));
        one.Sh("setfattr -n user.key -v 22 d/file");
        Await("the extended attribute", () => See(other).EndsWith("\"22\"\n", StringComparison.Ordinal));
        one.Sh("rm d/gone; mv d/file d/moved; echo new > d/new");
        Await("the names", () => other.Sh("ls d").Split('\n', StringSplitOptions.RemoveEmptyEntries) is ["moved", "new"]);
        Assert.NotEqual(0, Shell.Run(other.Path, Shell.DefaultLimit, "stat", "d/gone").ExitCode);

        // The other way, and of what the client itself has made.
        other.Sh("truncate -s 3 d/new");
        Await("the size", () => one.Sh("stat -c %s d/new").Trim() == "3");
        Assert.True(one.Unmount() && other.Unmount());
    }

    /// <summary>What the test above would see if nobody told: the caches are real.</summary>
    [InteropFact(Needs)]
    public void WithoutBeingToldAStockClientKeepsWhatItHas()
    {
        var daemon = StartVolume("off");
        var (one, other) = (Mount(daemon, "one"), Mount(daemon, "other"));
        one.Sh("mkdir d; echo kept > d/gone");
        other.Sh("stat d/gone");
        one.Sh("rm d/gone");
        Thread.Sleep(3_000);
        other.Sh("stat d/gone");
        Assert.True(one.Unmount() && other.Unmount());
    }

    private static string See(FuseMount mount) =>
        mount.Sh("stat -c '%s %a' d/file; getfattr --only-values -n user.key d/file > /dev/null; getfattr -d d/file | grep user.key");

    private static void Await(string what, Func<bool> reached)
    {
        var watch = Stopwatch.StartNew();
        while (!reached())
        {
            Assert.True(watch.Elapsed < Soon, $"{what} not seen after {watch.ElapsedMilliseconds} ms");
        }
    }

    private MyrmexDaemon StartVolume(string told)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var daemon = _directory.Own(new MyrmexDaemon(_directory));
        daemon.CreateVolume(Volume, Bricks.Make(disk.Path, 2));
        foreach (var setting in (string[])
            [
                $"features.cache-invalidation {told}", "features.cache-invalidation-timeout 600",
                "performance.cache-invalidation on", "performance.md-cache-timeout 600", "performance.stat-prefetch on",
            ])
        {
            daemon.Gluster($"volume set {Volume} {setting}");
        }

        return daemon;
    }

    private StockMount Mount(MyrmexDaemon daemon, string name) => _directory.Own(
        StockMount.FromServer(_directory, name, daemon.Host, Volume, "--attribute-timeout=0", "--entry-timeout=0"));
}
