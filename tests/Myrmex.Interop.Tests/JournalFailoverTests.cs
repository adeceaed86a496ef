using System;
using Myrmex.Interop.Tests.Kit;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Members of a replica set die, hang and lose their network while programs work: no program sees an error, nothing
/// acknowledged is
/// lost, nobody reads what was overwritten, and afterwards all copies are equal. Times are told, not required; the
/// longer forms are in
/// <c>./campaign failover</c>.
/// </summary>
public sealed class JournalFailoverTests(ITestOutputHelper output) : IDisposable
{
    private readonly TestDirectory _directory = new(nameof(JournalFailoverTests));

    public void Dispose() => _directory.Dispose();

    /// <summary>
    /// The same when changes are answered from memory: what a process has written survives it, synced or not.
    /// </summary>
    [InteropTheory(Need.StockClient | Need.Xfs | Need.Python)]
    [InlineData(false)]
    [InlineData(true)]
    public void AllMembersOfANodeDieAgainAndAgain(bool fromMemory)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        volume.Acknowledge(fromMemory);
        var mount = volume.Mount("mnt");
        using var load = new JournalLoad(_directory, "load", mount.Path, volume.Mount("mnt2").Path);
        for (var round = 0; round < (Machine.LongRuns ? 10 : 3); round++)
        {
            load.AwaitProgress("before the kill");
            volume.KillBricks();
        }

        load.AwaitProgress("after the kills");
        volume.Daemon.Kill();
        volume.Daemon.Start();
        load.AwaitProgress("after the daemon was killed");
        output.WriteLine($"{load.Finish(mount.Path)}");
        volume.CheckCopies();
    }

    /// <summary>
    /// The setting is changed while programs work and members die. An interval of ten seconds makes all that is
    /// answered from memory be in memory only when the members die.
    /// </summary>
    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void WhereChangesAreWhenTheyAreAnsweredIsChangedWhileProgramsWork()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        volume.Daemon.Gluster($"volume set {JournalVolume.Name} journal.sync-interval 10000");
        var mount = volume.Mount("mnt");
        using var load = new JournalLoad(_directory, "load", mount.Path, volume.Mount("mnt2").Path);
        for (var round = 0; round < 4; round++)
        {
            load.AwaitProgress("before the change");
            volume.Acknowledge(fromMemory: round % 2 == 0);
            load.AwaitProgress("after the change");
            volume.KillBricks();
        }

        load.AwaitProgress("after the kills");
        output.WriteLine($"{load.Finish(mount.Path)}");
        volume.CheckCopies();
    }

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python)]
    public void FioFindsEveryChecksumAfterKills()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        var mount = volume.Mount("mnt");
        const string Job = "--name=kills --ioengine=psync --direct=1 --rw=randwrite --bs=4k --size=8m --numjobs=2 "
            + "--thread --time_based --runtime=8 --verify=crc32c --verify_fatal=1 --verify_backlog=512";
        using var fio = Child.Start("fio", _directory.Logs, "fio", [$"--directory={mount.Path}", .. Job.Split(' ')]);
        for (var round = 0; round < 2; round++)
        {
            fio.WaitForExit(TimeSpan.FromSeconds(3));
            volume.KillBricks();
        }

        Assert.True(fio.WaitForExit(TimeSpan.FromSeconds(120)), fio.LogTail());
        Assert.True(fio.ExitCode == 0, fio.LogTail(80));
        volume.CheckCopies();
    }

    [InteropFact(FailoverBed.Needs)]
    public void TheLeaderFailsInEveryWay()
    {
        using var bed = new FailoverBed(_directory);
        var first = bed.Mount("mnt1", 0).Path;
        var second = bed.Mount("mnt2", 1).Path;
        (FailoverFault Fault, int Seconds)[] faults =
        [
            (FailoverFault.KillBricks, 0), (FailoverFault.StopEtcd, 3), (FailoverFault.KillNode, 6),
            (FailoverFault.FreezeBricks, 12),
            (FailoverFault.CutLink, 10),
        ];
        foreach (var (fault, seconds) in faults)
        {
            using var load = new JournalLoad(_directory, $"{fault}", first, second);
            bed.Fail(fault, TimeSpan.FromSeconds(seconds), load);
            output.WriteLine($"{fault}: {load.Finish(second)}");
        }

        bed.CheckCopies();
    }
}
