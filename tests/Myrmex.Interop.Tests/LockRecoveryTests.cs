using System;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Record locks of our client when the brick process dies and comes back. A stock client loses them without a word; ours takes them
/// again, whoever serves, and when it cannot the file is bad.
/// </summary>
[Collection(StockGlusterdCollection.Name)]
public sealed class LockRecoveryTests : IDisposable
{
    private static readonly TimeSpan Back = TimeSpan.FromSeconds(70);

    private readonly TestDirectory _directory = new(nameof(LockRecoveryTests));

    /// <summary>Who serves.</summary>
    public enum Server
    {
        Own,
        Stock,
    }

    public void Dispose() => _directory.Dispose();

    [InteropTheory(Need.StockServer | Need.Xfs | Need.Python)]
    [InlineData(Server.Own)]
    [InlineData(Server.Stock)]
    public void ALockOutlivesItsBrickProcess(Server kind)
    {
        var (server, a, b) = TwoMounts(kind);
        using var first = Open(a);
        using var second = Open(b);
        Assert.Equal("granted", first.Ask("lock ex 0 100"));
        RestartBricks(server);
        AwaitBack(a);
        AwaitBack(b);
        Assert.Equal("EAGAIN", second.Ask("try ex 50 1"));
        Assert.Equal("granted", second.Ask("try ex 200 10"));
        Assert.Equal("EAGAIN", first.Ask("try sh 205 1"));
        Assert.Equal("granted", first.Ask("unlock 0 100"));
        Assert.Equal("granted", second.Ask("try ex 50 1"));
    }

    [InteropFact(Need.StockServer | Need.Xfs | Need.Python)]
    public void ALockOutlivesAChangeOfTheClientsGraph()
    {
        var (server, a, b) = TwoMounts(Server.Own);
        using var first = Open(a);
        using var second = Open(b);
        Assert.Equal("granted", first.Ask("lock ex 0 100"));
        server.Gluster("volume set vol performance.write-behind off");
        Wait.Until("the client has the new graph", Back, () => CountInLog(a, "attached") > 1, () => a.LogTail());
        Assert.Equal("granted", first.Ask("lock ex 200 1")); // The file moves with its next use.
        Assert.Equal("EAGAIN", second.Ask("try ex 50 1"));
        Assert.Equal("EAGAIN", second.Ask("try ex 200 1"));
        Assert.Equal("granted", first.Ask("unlock 0 100"));
        Assert.Equal("granted", second.Ask("try ex 50 1"));
        Assert.DoesNotContain("a lock was lost", File.ReadAllText(a.Log), StringComparison.Ordinal);
    }

    [InteropTheory(Need.StockServer | Need.Xfs | Need.Python | Need.Long)]
    [InlineData(Server.Own)]
    [InlineData(Server.Stock)]
    public void AFileWhoseLockSomebodyElseHasGotIsBad(Server kind)
    {
        var (server, a, b) = TwoMounts(kind);
        using var first = Open(a);
        using var second = Open(b);
        Assert.Equal("granted", first.Ask("lock ex 0 0"));
        Child.Signal(a.Pid, "STOP");
        RestartBricks(server);
        AwaitBack(b);
        Assert.Equal("granted", second.Ask("lock ex 0 0"));
        Child.Signal(a.Pid, "CONT");
        AwaitBack(a);
        Assert.True(Wait.Holds(Back, () => first.Ask("test sh 0 0") == "EBADFD"), a.LogTail());
        Assert.Contains("locks of a file are lost", File.ReadAllText(a.Log), StringComparison.Ordinal);
        Assert.Equal("granted", second.Ask("unlock 0 0"));
        using var again = Open(a);
        Assert.Equal("granted", again.Ask("try ex 0 0"));
        Assert.Equal("EBADFD", first.Ask("try ex 0 0"));
    }

    private static Helper Open(FuseMount mount)
    {
        var helper = Helper.Start("locks.py", Path.Combine(mount.Path, "locked"));
        Assert.Equal("ready", helper.Answer(TimeSpan.FromSeconds(20)));
        return helper;
    }

    private static int CountInLog(FuseMount mount, string text) =>
        File.ReadLines(mount.Log).Count(line => line.Contains(text, StringComparison.Ordinal));

    private static void AwaitBack(FuseMount mount) => Wait.Until(
        "the client is back", Back, () => Shell.Bash(mount.Path, "touch probe", Back).ExitCode == 0, () => mount.LogTail());

    private static void RestartBricks(VolumeServer server)
    {
        var before = server.BrickPids("vol");
        server.KillBricks("vol");
        Wait.Until("another brick process runs", Back, () =>
        {
            if (server is StockGlusterd)
            {
                server.Gluster("volume start vol force"); // A stock daemon leaves dead bricks alone.
            }

            return server.BrickPids("vol") is [var pid, ..] && !before.Contains(pid);
        });
    }

    private (VolumeServer Server, MyrmexMount First, MyrmexMount Second) TwoMounts(Server kind)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        VolumeServer server = kind == Server.Own ? new MyrmexDaemon(_directory) : new StockGlusterd(_directory);
        _directory.Own(server);
        server.CreateVolume("vol", Bricks.Make(disk.Path, 1));
        return (
            server,
            _directory.Own(MyrmexMount.FromServer(_directory, "a", server.Host, "vol")),
            _directory.Own(MyrmexMount.FromServer(_directory, "b", server.Host, "vol")));
    }
}
