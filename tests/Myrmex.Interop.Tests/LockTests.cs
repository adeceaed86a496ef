using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>Record locks between two stock clients: the brick alone can decide them.</summary>
public sealed class LockTests : IDisposable
{
    private static readonly TimeSpan Blocked = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly TestDirectory _directory = new(nameof(LockTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void LocksOfTwoClientsExcludeEachOther()
    {
        var (a, b) = TwoMounts();
        using var first = Open(a);
        using var second = Open(b);
        Assert.Equal("granted", first.Ask("lock ex 10 20"));
        Assert.Equal("EAGAIN", second.Ask("try ex 15 1"));
        Assert.Equal("EAGAIN", second.Ask("try sh 29 10"));
        Assert.Equal("granted", second.Ask("try ex 30 10"));
        Assert.Equal("held ex 10 20", second.Ask("test sh 0 0"));
        Assert.Equal("granted", first.Ask("lock sh 10 20"));
        Assert.Equal("granted", second.Ask("try sh 10 5"));
        Assert.Equal("granted", first.Ask("unlock 10 20"));
        Assert.Equal("granted", second.Ask("try ex 0 0"));
        Assert.Equal("EAGAIN", first.Ask("try sh 1000000 1"));
        Assert.Equal("held ex 0 0", first.Ask("test ex 5 5"));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void ContendersNeverMeetInside()
    {
        var (a, b) = TwoMounts();
        var rounds = Machine.LongRuns ? 400 : 60;
        var contenders = new List<Helper>();
        try
        {
            contenders.AddRange(new[] { a, b, a, b }.Select(Open));
            for (var i = 0; i < contenders.Count; i++)
            {
                contenders[i].Tell($"contend {rounds} {(i % 2 == 0 ? a : b).Path}");
            }

            Assert.All(contenders, c => Assert.Equal("violations 0", c.Answer(TimeSpan.FromSeconds(50))));
        }
        finally
        {
            contenders.ForEach(c => c.Dispose());
        }
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void WaitingClientGetsTheLockWhenItIsReleased()
    {
        var (a, b) = TwoMounts();
        using var holder = Open(a);
        using var waiter = Open(b);
        Assert.Equal("granted", holder.Ask("lock ex 0 0"));
        waiter.Tell("lock ex 100 10");
        Assert.Null(waiter.Answer(Blocked));
        Assert.Equal("granted", holder.Ask("unlock 0 50"));
        Assert.Null(waiter.Answer(Blocked));
        Assert.Equal("granted", holder.Ask("unlock 50 0"));
        Assert.Equal("granted", waiter.Answer(Soon));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void KilledProcessLosesItsLocks()
    {
        var (a, b) = TwoMounts();
        using var holder = Open(a);
        using var waiter = Open(b);
        Assert.Equal("granted", holder.Ask("lock ex 0 0"));
        waiter.Tell("lock ex 0 0");
        Assert.Null(waiter.Answer(Blocked));
        holder.Kill();
        Assert.Equal("granted", waiter.Answer(Soon));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void KilledClientLosesItsLocks()
    {
        var (a, b) = TwoMounts();
        using var holder = Open(a);
        using var waiter = Open(b);
        Assert.Equal("granted", holder.Ask("lock ex 0 0"));
        waiter.Tell("lock ex 0 0");
        Assert.Null(waiter.Answer(Blocked));
        a.Kill();
        Assert.Equal("granted", waiter.Answer(Soon));
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void KilledWaiterLeavesTheQueue()
    {
        var (a, b) = TwoMounts();
        using var holder = Open(a);
        using var dying = Open(b);
        using var waiter = Open(b);
        Assert.Equal("granted", holder.Ask("lock ex 0 0"));
        dying.Tell("lock ex 0 0");
        Assert.Null(dying.Answer(Blocked));
        waiter.Tell("lock sh 0 0");
        Assert.Null(waiter.Answer(Blocked));
        dying.Kill();
        Assert.Equal("granted", holder.Ask("unlock 0 0"));
        Assert.Equal("granted", waiter.Answer(Soon));
        Assert.Equal("granted", holder.Ask("try sh 0 0"));
    }

    private static Helper Open(FuseMount mount)
    {
        var helper = Helper.Start("locks.py", Path.Combine(mount.Path, "locked"));
        Assert.Equal("ready", helper.Answer(TimeSpan.FromSeconds(20)));
        return helper;
    }

    private (FuseMount First, FuseMount Second) TwoMounts()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var server = _directory.Own(new BrickProcess(_directory, "vol", Bricks.Make(disk.Path, 2)));
        var volfile = Volfiles.Client("vol", server.Bricks);
        return (_directory.Own(StockMount.FromVolfile(_directory, "m1", volfile)),
            _directory.Own(StockMount.FromVolfile(_directory, "m2", volfile)));
    }
}
