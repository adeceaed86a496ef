using System;
using System.Diagnostics;
using System.Globalization;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Leases on replicated volumes, taken by programs with the stock gfapi library: they are in the journal, so who has one keeps it when
/// other members lead, and is still told when somebody else wants the file.
/// </summary>
public sealed class JournalLeaseTests : IDisposable
{
    private const Need Needs = Need.StockClient | Need.Xfs | Need.Python;

    private static readonly TimeSpan Blocked = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory = new(nameof(JournalLeaseTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Needs)]
    public void ALeaseIsRecalledAndGivenBack()
    {
        using var volume = Make(recallSeconds: 60);
        using var a = Open(volume);
        using var b = Open(volume);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("ok", Do(b, "id B"));
        Assert.Equal("1", Do(a, "open file w c"));
        AwaitGrant(a);
        Assert.Equal("rw", Do(a, "lease 1 get rw A"));
        Assert.Equal("5", Do(a, "write 1 first"));
        Assert.Equal("ok", Do(a, "fsync 1"));
        Assert.Equal("EAGAIN", Do(b, "open file r n"));
        Assert.Equal("none", Do(a, "recall 10"));
        b.Tell("open file r");
        Assert.Null(b.Answer(Blocked));
        Assert.Equal("rw", Do(a, "lease 1 unlock rw A"));
        Assert.StartsWith("1 ", b.Answer(Soon));
        Assert.Equal("first", Do(b, "read 1"));
        Assert.Equal("quiet", Do(b, "recall 0"));
    }

    /// <summary>
    /// The lead goes round, so each member leads once: the one that the programs are connected to, and others. The next leader knows
    /// who has a lease, and grants new ones only when all have had time to come back.
    /// </summary>
    [InteropFact(Needs)]
    public void ALeaseIsKeptByTheNextLeader()
    {
        using var volume = Make(recallSeconds: 60);
        using var a = Open(volume);
        using var b = Open(volume);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("ok", Do(b, "id B"));
        Assert.Equal("1", Do(a, "open file w c"));
        for (var round = 1; round <= 3; round++)
        {
            AwaitGrant(a);
            Move(volume);
            Assert.Equal("rw", Do(a, "lease 1 get rw A"));
            Assert.Equal("4", Do(a, "write 1 mine"));
            Assert.Equal("ok", Do(a, "fsync 1"));
            Assert.Equal("quiet", Do(a, "recall 0"));
            b.Tell("open file r");
            Assert.Equal("none", Do(a, "recall 20"));
            Assert.Null(b.Answer(Blocked));
            Assert.Equal("rw", Do(a, "lease 1 unlock rw A"));
            Assert.StartsWith($"{round} ", b.Answer(Soon));
            Assert.Equal("ok", Do(b, $"close {round}"));
        }
    }

    /// <summary>
    /// The node that leads is killed while the member that the programs are connected to lives: the next leader has the lease from the
    /// journal, nobody is told anything, and it recalls it when somebody wants the file.
    /// </summary>
    [InteropFact(FailoverBed.Needs | Need.StockClient)]
    public void ALeaseOutlivesTheLeaderThatIsKilled()
    {
        using var bed = new FailoverBed(_directory);
        bed.Set("features.leases", "on");
        bed.Set("performance.open-behind", "off");
        bed.Set("journal.lock-grace", "10");
        var leader = bed.AwaitWhole();
        var door = bed.Nodes[0]; // That of the first node that is alive is in the volume file.
        if (leader == door)
        {
            var next = bed.Nodes[1];
            Shell.Succeed(door.Gluster(
                $"volume leader {FailoverBed.Volume} move {next.Address}:{FailoverBed.BrickOf(next)}"));
        }

        using var a = bed.StartLeaseProgram(door);
        using var b = bed.StartLeaseProgram(door);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("ok", Do(b, "id B"));
        Assert.Equal("1", Do(a, "open file w c"));
        AwaitGrant(a);
        leader = bed.AwaitWhole();
        Assert.NotSame(door, leader);
        bed.Inject(leader, FailoverFault.KillNode);
        Assert.Equal("rw", Do(a, "lease 1 get rw A"));
        Assert.Equal("4", Do(a, "write 1 mine"));
        Assert.Equal("ok", Do(a, "fsync 1"));
        Assert.Equal("quiet", Do(a, "recall 2"));
        b.Tell("open file r");
        Assert.Equal("none", Do(a, "recall 30"));
        Assert.Null(b.Answer(Blocked));
        Assert.Equal("rw", Do(a, "lease 1 unlock rw A"));
        Assert.StartsWith("1 ", b.Answer(Soon));
        Assert.Equal("mine", Do(b, "read 1"));
        bed.TakeBack(leader, FailoverFault.KillNode);
        bed.CheckCopies();
    }

    /// <summary>
    /// Programs with gfapi lose their leases with the member that they are connected to. Others wait until it is certain that they do
    /// not come back.
    /// </summary>
    [InteropFact(Needs | Need.Fuse)]
    public void WhenAllMembersWereKilledOthersWaitForTheGrace()
    {
        using var volume = Make(recallSeconds: 60);
        var mount = volume.Mount("mnt");
        using var a = Open(volume);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file w c"));
        AwaitGrant(a);
        volume.KillBricks();
        volume.AwaitLeader();
        var watch = Stopwatch.StartNew();
        mount.Sh("echo changed > file");
        Assert.InRange(watch.Elapsed.TotalSeconds, 3, 45);
        Assert.Equal("changed\n", mount.Sh("cat file"));
    }

    [InteropFact(Needs | Need.Fuse)]
    public void AMountWaitsForALeaseAndForNoneThatIsTakenAway()
    {
        using var volume = Make(recallSeconds: 5);
        var mount = volume.Mount("mnt");
        using var a = Open(volume);
        Assert.Equal("ok", Do(a, "id A"));
        Assert.Equal("1", Do(a, "open file w c"));
        AwaitGrant(a);
        var watch = Stopwatch.StartNew();
        mount.Sh("echo changed > file"); // Nobody gives it back.
        Assert.InRange(watch.Elapsed.TotalSeconds, 4, 30);
        Assert.Equal("none", Do(a, "recall 0"));
        Assert.Equal("none", Do(a, "lease 1 get rw A"));
        AwaitGrant(a);
        a.Kill();
        watch.Restart();
        mount.Sh("echo again > file"); // Given up for a program that is gone.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 4);
    }

    private static void AwaitGrant(Helper program) =>
        Wait.Until("the lease is granted", Soon, () => Do(program, "lease 1 set rw A") == "rw");

    private static void Move(JournalVolume volume)
    {
        var leader = volume.AwaitLeader();
        var next = volume.Bricks[(leader + 1) % volume.Bricks.Count];
        volume.Daemon.Gluster($"volume leader {JournalVolume.Name} move {volume.Daemon.Host}:{next}");
        Wait.Until("another member leads", Soon, () => volume.AwaitLeader() != leader);
    }

    private static Helper Open(JournalVolume volume) =>
        LeaseProgram.Start(volume.Daemon.Host, JournalVolume.Name, Soon);

    private static string Do(Helper helper, string command) => LeaseProgram.Do(helper, command, Soon);

    private JournalVolume Make(int recallSeconds)
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk"));
        var volume = new JournalVolume(_directory, Bricks.Make(disk.Path, 3));
        volume.Set("features.leases", "on");
        volume.Set("features.lease-lock-recall-timeout", recallSeconds.ToString(CultureInfo.InvariantCulture));
        volume.Set("performance.open-behind", "off");
        volume.Set("journal.lock-grace", "10"); // A leader that is younger grants none.
        return volume;
    }
}
