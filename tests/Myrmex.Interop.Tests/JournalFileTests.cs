using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Files that are open when they lose their last name, on replicated volumes: reads, writes, fsync and fstat go on
/// whoever leads, a copy has them, and when nobody has them open any more their space is given back on all members.
/// </summary>
public sealed class JournalFileTests : IDisposable
{
    private const string GraceOption = "journal.lock-grace";
    private const string GraceSeconds = "10";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    /// <summary>A leader waits so long for clients that it does not know yet, and much more.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(100);

    private readonly TestDirectory _directory = new(nameof(JournalFileTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(FailoverBed.Needs)]
    public void FilesWithoutANameGoOnWhenTheLeaderDies()
    {
        using var bed = new FailoverBed(_directory);
        Shell.Succeed(bed.Nodes[0].Gluster($"volume set {FailoverBed.Volume} {GraceOption} {GraceSeconds}"));
        var leader = bed.AwaitWhole();
        var first = bed.Mount("mnt1", 0);
        var second = bed.Mount("mnt2", 1);
        using var unlinked = Open(first, "unlinked");
        using var covered = Open(first, "covered");
        using var late = Open(first, "late");
        using var elsewhere = Open(first, "elsewhere");
        Helper[] all = [unlinked, covered, late, elsewhere];
        Assert.Equal("ok", unlinked.Ask("unlink"));
        File.WriteAllText(Path.Combine(first.Path, "new"), "another one");
        Assert.Equal("ok", covered.Ask($"rename {Path.Combine(first.Path, "new")}"));
        File.Delete(Path.Combine(second.Path, "elsewhere"));
        for (var round = 0; round < 2; round++)
        {
            bed.Inject(leader, FailoverFault.KillNode);
            File.Delete(Path.Combine(second.Path, "late")); // The next leader does not know yet that it is open.
            Array.ForEach(all, file => AssertWorks(file, round));
            bed.TakeBack(leader, FailoverFault.KillNode);
            leader = bed.AwaitWhole();
        }

        Assert.Equal("another one", File.ReadAllText(Path.Combine(second.Path, "covered")));
        AwaitKept(bed.Bricks, 4);
        leader.KillBricks();
        Array.ForEach(all, file => AssertWorks(file, 3));
        bed.AwaitWhole();
        Array.ForEach(all, file => Assert.Equal("ok", file.Ask("close")));
        AwaitGone(bed.Bricks);
        bed.CheckCopies();
    }

    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void AFileWithoutANameIsInACopyAndOutlivesAllMembers()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        volume.Set(GraceOption, GraceSeconds);
        var mount = volume.Mount("mnt");
        using var file = Open(mount, "file");
        Assert.Equal("ok", file.Ask("unlink"));
        volume.Replace(1, Bricks.Make(disk.Path, 4)[3]);
        AssertWorks(file, 1);
        AwaitKept(volume.Bricks, 1);
        volume.KillBricks();
        AssertWorks(file, 2);
        volume.CheckCopies();
        AwaitKept(volume.Bricks, 1);
        Assert.Equal("ok", file.Ask("close"));
        AwaitGone(volume.Bricks);
        volume.CheckCopies();
    }

    /// <summary>A client that goes without a word gives back what it had open, too.</summary>
    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void AStockClientsFileGoesOnAndGoesWithTheClient()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        volume.Set(GraceOption, GraceSeconds);
        var stock = volume.MountStock("stock");
        using var file = Open(stock, "file");
        Assert.Equal("ok", file.Ask("unlink"));
        var leader = volume.AwaitLeader();
        volume.Daemon.Gluster(
            $"volume leader {JournalVolume.Name} move {volume.Daemon.Host}:{volume.Bricks[(leader + 1) % 3]}");
        AssertWorks(file, 1);
        AwaitKept(volume.Bricks, 1);
        file.Kill();
        stock.Dispose();
        AwaitGone(volume.Bricks);
        volume.CheckCopies();
    }

    private static void AssertWorks(Helper file, int round)
    {
        Assert.Equal("0123456789", file.Ask("read 0 10", Soon));
        Assert.Equal("ok", file.Ask($"write {10 + round} {round}", Soon));
        Assert.Equal("ok", file.Ask("sync", Soon));
        Assert.Equal($"{round}", file.Ask($"read {10 + round} 1", Soon));
        Assert.Equal($"links 0 size {11 + round}", file.Ask("stat", Soon));
        Assert.Equal("ok", file.Ask("mode 600", Soon));
        Assert.Equal("ok", file.Ask("cut 10", Soon));
        Assert.Equal("nothing", file.Ask("read 10 1", Soon));
    }

    private static List<string> Kept(string brick)
    {
        var kept = Path.Combine(brick, ".glusterfs", "kept");
        return Directory.Exists(kept) ? [.. Directory.EnumerateFiles(kept)] : [];
    }

    /// <summary>Followers apply a moment later.</summary>
    private static void AwaitKept(IReadOnlyCollection<string> bricks, int count) => Wait.Until(
        $"{count} files are kept on all members", Soon, () => bricks.All(brick => Kept(brick).Count == count));

    private static void AwaitGone(IReadOnlyCollection<string> bricks) => Wait.Until(
        "files that nobody has open are gone", Grace, () => bricks.All(brick => Kept(brick).Count == 0));

    private static Helper Open(FuseMount mount, string name)
    {
        var helper = Helper.Start("openfile.py", Path.Combine(mount.Path, name));
        Assert.Equal("ready", helper.Answer(Soon));
        Assert.Equal("ok", helper.Ask("write 0 0123456789", Soon));
        return helper;
    }
}
