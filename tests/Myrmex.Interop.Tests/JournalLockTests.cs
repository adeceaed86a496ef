using System;
using System.IO;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Record locks on replicated volumes are in the journal: they outlive the members, and nobody has to take them again.
/// </summary>
public sealed class JournalLockTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory = new(nameof(JournalLockTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void ALockIsHeldWhenAllMembersWereKilledThoughItsClientDoesNothing()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        var a = volume.Mount("mnt1");
        var b = volume.Mount("mnt2");
        using var first = Open(a);
        using var second = Open(b);
        Assert.Equal("granted", first.Ask("lock ex 0 100"));
        Assert.Equal("EAGAIN", second.Ask("try ex 50 1"));
        Child.Signal(a.Pid, "STOP");
        volume.KillBricks();
        Assert.Equal("EAGAIN", second.Ask("try ex 50 1", Soon));
        Assert.Equal("granted", second.Ask("try ex 200 1", Soon));
        Child.Signal(a.Pid, "CONT");
        Assert.Equal("held ex 200 1", first.Ask("test ex 0 0", Soon));
        Assert.Equal("granted", first.Ask("unlock 0 100", Soon));
        Assert.Equal("granted", second.Ask("lock ex 0 100", Soon));
        volume.KillBricks();
        Assert.Equal("EAGAIN", first.Ask("try sh 0 1", Soon));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void AStockClientsLockOutlivesTheMembersAndGoesWithItsProcess()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        var a = volume.Mount("mnt1");
        var stock = volume.MountStock("stock");
        using var own = Open(a);
        using (var other = Open(stock))
        {
            Assert.Equal("granted", other.Ask("lock ex 0 100"));
            Assert.Equal("EAGAIN", own.Ask("try ex 50 1"));
            Assert.Equal("granted", own.Ask("try ex 200 1"));
            Assert.Equal("EAGAIN", other.Ask("try ex 200 1"));
        }

        Assert.Equal("granted", own.Ask("lock ex 0 100", Soon));
    }

    /// <summary>By the command, at the member that leads, also after another one led.</summary>
    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void AnAdministratorClearsLocks()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        using var first = Open(volume.Mount("mnt1"));
        using var second = Open(volume.Mount("mnt2"));
        Assert.Equal("granted", first.Ask("lock ex 0 100", Soon));
        Assert.Equal("granted", first.Ask("lock ex 200 10", Soon));
        for (var round = 0; round < 2; round++)
        {
            second.Tell("lock ex 0 100");
            Assert.Null(second.Answer(TimeSpan.FromSeconds(2)));
            Assert.Equal("posix blocked locks=1 granted locks=0", Clear(volume, "blocked posix"));
            Assert.Equal("EAGAIN", second.Answer(Soon));
            volume.KillBricks();
            Assert.Equal("EAGAIN", second.Ask("try ex 0 100", Soon));
        }

        Assert.Equal("posix blocked locks=0 granted locks=1", Clear(volume, "granted posix 0,200-10"));
        Assert.Equal("EAGAIN", second.Ask("try ex 0 1", Soon));
        Assert.Equal("granted", second.Ask("try ex 200 10", Soon));
        Assert.Equal("posix blocked locks=0 granted locks=2", Clear(volume, "all posix"));
        Assert.Equal("No locks cleared.", Clear(volume, "all posix"));
        Assert.Equal("granted", second.Ask("lock ex 0 0", Soon));
        volume.CheckCopies();
    }

    private static string Clear(JournalVolume volume, string what)
    {
        var lines = volume.Daemon.Gluster($"volume clear-locks {JournalVolume.Name} /locked kind {what}")
            .TrimEnd().Split('\n');
        Assert.Equal("Volume clear-locks successful", lines[0]);
        return lines[^1][(lines[^1].LastIndexOf(": ", StringComparison.Ordinal) is var at and >= 0 ? at + 2 : 0)..];
    }

    [InteropFact(FailoverBed.Needs)]
    public void ALockIsHeldRightAfterTheLeaderWasKilled()
    {
        using var bed = new FailoverBed(_directory);
        var leader = bed.AwaitWhole();
        using var first = Open(bed.Mount("mnt1", 0));
        using var second = Open(bed.Mount("mnt2", 1));
        Assert.Equal("granted", first.Ask("lock ex 0 0"));
        bed.Inject(leader, FailoverFault.KillNode);
        Assert.Equal("EAGAIN", second.Ask("try sh 7 1", Soon));
        Assert.Equal("granted", first.Ask("unlock 0 0", Soon));
        Assert.Equal("granted", second.Ask("lock ex 0 0", Soon));
        Assert.Equal("EAGAIN", first.Ask("try ex 0 0", Soon));
        bed.TakeBack(leader, FailoverFault.KillNode);
        bed.AwaitWhole();
        Assert.Equal("EAGAIN", first.Ask("try ex 0 0", Soon));
    }

    /// <summary>
    /// The lock of a thin client is in its own name: its proxies are killed and hang in turn, then the leader dies, then
    /// the leader with all proxies, and nobody else gets it in between.
    /// </summary>
    [InteropFact(FailoverBed.Needs)]
    public void AThinClientsLockIsNobodyElsesWhateverBecomesOfProxiesAndLeaders()
    {
        using var bed = new FailoverBed(_directory);
        bed.AwaitWhole();
        using var first = Open(bed.MountThin("mnt1", 0));
        using var second = Open(bed.Mount("mnt2", 1));
        Assert.Equal("granted", first.Ask("lock ex 0 100"));
        Assert.Equal("EAGAIN", second.Ask("try sh 50 1", Soon));
        foreach (var node in bed.Nodes)
        {
            node.SignalProxy("KILL");
            AssertIsHeld(second, TimeSpan.FromSeconds(3));
            bed.AwaitProxies();
            node.SignalProxy("STOP");
            AssertIsHeld(second, TimeSpan.FromSeconds(5)); // The client goes on after two.
            node.SignalProxy("CONT");
            AssertIsHeld(second, TimeSpan.FromSeconds(2));
            Assert.Equal("granted", first.Ask("try ex 200 1", Soon));
            Assert.Equal("granted", first.Ask("unlock 200 1", Soon));
        }

        var leader = bed.AwaitWhole();
        bed.Inject(leader, FailoverFault.KillNode);
        AssertIsHeld(second, TimeSpan.FromSeconds(10));
        bed.TakeBack(leader, FailoverFault.KillNode);
        leader = bed.AwaitWhole();
        bed.AwaitProxies();
        foreach (var node in bed.Nodes)
        {
            node.SignalProxy("KILL");
        }

        leader.KillBricks();
        AssertIsHeld(second, TimeSpan.FromSeconds(10));
        Assert.Equal("EAGAIN", second.Ask("try sh 0 1", Soon));
        Assert.Equal("granted", first.Ask("unlock 0 100", Soon));
        Assert.Equal("granted", second.Ask("lock ex 0 100", Soon));
        Assert.Equal("EAGAIN", first.Ask("try ex 0 0", Soon));
    }

    private static void AssertIsHeld(Helper other, TimeSpan during)
    {
        for (var over = DateTime.UtcNow + during; DateTime.UtcNow < over; Thread.Sleep(100))
        {
            Assert.Equal("EAGAIN", other.Ask("try sh 50 1", Soon));
        }
    }

    private static Helper Open(FuseMount mount)
    {
        var helper = Helper.Start("locks.py", Path.Combine(mount.Path, "locked"));
        Assert.Equal("ready", helper.Answer(TimeSpan.FromSeconds(20)));
        return helper;
    }
}
