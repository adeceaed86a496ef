using System;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Interop.Tests;

/// <summary>A volume of two copies and an arbiter on three machines, each of which dies in turn while programs work.</summary>
public sealed class ArbiterTests(ITestOutputHelper output) : IDisposable
{
    private readonly TestDirectory _directory = new(nameof(ArbiterTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(FailoverBed.Needs | Need.StockClient)]
    public void EachOfTheThreeDiesInTurn()
    {
        using var bed = new FailoverBed(_directory, hasArbiter: true);
        var info = Shell.Succeed(bed.Nodes[0].Gluster($"volume info {FailoverBed.Volume}"));
        Assert.Contains("Number of Bricks: 1 x (2 + 1) = 3", info, StringComparison.Ordinal);
        var arbiter = bed.Nodes[2];
        Assert.Contains(
            $"Brick3: {arbiter.Address}:{FailoverBed.BrickOf(arbiter)} (arbiter)", info, StringComparison.Ordinal);
        var first = bed.Mount("mnt1", 0).Path;
        var second = bed.Mount("mnt2", 2).Path;
        var stock = bed.Mount("stock", 1, stock: true).Path;
        Shell.CheckBash(first, "head -c 64M /dev/urandom > large; sha256sum large > large.sha256; sync -f .");
        foreach (var node in bed.Nodes)
        {
            using var load = new JournalLoad(_directory, $"without-{node.Name}", first, second);
            load.AwaitProgress($"before the end of {node.Name}");
            bed.Inject(node, FailoverFault.KillNode);
            load.AwaitProgress($"without {node.Name}");
            load.AwaitProgress($"without {node.Name}");
            bed.TakeBack(node, FailoverFault.KillNode);
            Assert.NotEqual(arbiter, bed.AwaitInStep());
            load.AwaitProgress($"after {node.Name} is back");
            output.WriteLine($"without {node.Name}: {load.Finish(second)}");
            CheckLarge(stock);
        }

        bed.CheckCopies();
        Assert.NotEqual(arbiter, bed.AwaitWhole());
        CheckArbiter(bed, arbiter, stock);
    }

    /// <summary>It has its journal, and what marks a brick; its disk is no part of what the volume has.</summary>
    private void CheckArbiter(FailoverBed bed, BedNode arbiter, string mount)
    {
        var brick = FailoverBed.BrickOf(arbiter);
        Assert.Equal([".glusterfs"], Directory.GetFileSystemEntries(brick).Select(Path.GetFileName));
        Assert.Equal(
            ["journal"], Directory.GetFileSystemEntries(Path.Combine(brick, ".glusterfs")).Select(Path.GetFileName));
        output.WriteLine(Shell.CheckBash("/", $"du -sh {brick}; du -sh {FailoverBed.BrickOf(bed.Nodes[0])}"));
        output.WriteLine(Shell.Succeed(bed.Nodes[0].Gluster($"volume status {FailoverBed.Volume} replication")));
        var heal = Shell.Succeed(bed.Nodes[0].Gluster($"volume heal {FailoverBed.Volume} info"));
        Assert.Contains(
            $"Brick {arbiter.Address}:{brick}\nStatus: Connected\nNumber of entries: 0", heal, StringComparison.Ordinal);
        var status = Shell.Succeed(bed.Nodes[0].Gluster($"volume status {FailoverBed.Volume}"));
        Assert.Equal(3, status.Split('\n').Count(l => l.StartsWith("Brick ", StringComparison.Ordinal)));
        var move = bed.Nodes[0].Gluster($"volume leader {FailoverBed.Volume} move {arbiter.Address}:{brick}");
        Assert.NotEqual(0, move.ExitCode);
        var spare = $"{arbiter.Disk}/another";
        Shell.Succeed(bed.Nodes[0].Gluster(
            $"volume replace-brick {FailoverBed.Volume} {arbiter.Address}:{brick} {arbiter.Address}:{spare} commit force"));
        bed.AwaitWhole();
        Assert.Contains(
            $"{arbiter.Address}:{spare} (arbiter)",
            Shell.Succeed(bed.Nodes[0].Gluster($"volume info {FailoverBed.Volume}")), StringComparison.Ordinal);
        CheckLarge(mount);
    }

    /// <summary>The stock client has one door, and looks for it again every few seconds when that has gone.</summary>
    private static void CheckLarge(string mount)
    {
        Wait.Until(
            "the stock client has found back", TimeSpan.FromSeconds(30),
            () => Shell.Run("/", TimeSpan.FromSeconds(20), "stat", $"{mount}/large").ExitCode == 0);
        Shell.CheckBash(mount, "sha256sum -c --quiet large.sha256");
    }
}
