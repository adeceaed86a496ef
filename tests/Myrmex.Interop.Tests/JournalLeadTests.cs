using System;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Interop.Tests;

/// <summary>
/// The lead of a replica set goes over by plan while programs work: by command, before a brick process ends in good order, and
/// back to the brick that should have it. No program sees an error, and the pause is short; times are told, and held far above
/// what is aimed at (0.1 s), because the machine may be busy.
/// </summary>
public sealed class JournalLeadTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(2);

    private readonly TestDirectory _directory = new(nameof(JournalLeadTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(FailoverBed.Needs)]
    public void TheLeadMovesByPlan()
    {
        using var bed = new FailoverBed(_directory);
        var first = bed.Mount("mnt1", 0).Path;
        var second = bed.Mount("mnt2", 1).Path;
        var should = bed.Nodes[0]; // With one replica set.
        Gluster(bed, "volume set vol cluster.lead-return off");
        using (var idle = new JournalLoad(_directory, "idle", first, second))
        {
            idle.AwaitProgress("alone");
            idle.AwaitProgress("alone");
            output.WriteLine($"nothing happens: {idle.Finish(second)}");
        }

        foreach (var round in Enumerable.Range(0, 6))
        {
            var next = bed.Nodes.First(n => n != bed.AwaitWhole());
            using var load = new JournalLoad(_directory, $"move{round}", first, second);
            load.AwaitProgress("before the move");
            Gluster(bed, $"volume leader vol move {next.Address}:{next.Disk}/brick");
            load.AwaitProgress("after the move");
            var seen = load.Finish(second);
            output.WriteLine($"moved to {next.Name}: {seen}");
            Assert.True(seen.Longest < PauseMax, $"{seen}");
            Assert.Equal(next, bed.AwaitWhole());
            Assert.Contains($"{next.Address}:{next.Disk}/brick", Gluster(bed, "volume leader vol"));
        }

        Assert.Contains("REPLICA_LEAD_MOVED", Events(bed));
        foreach (var round in Enumerable.Range(0, 2))
        {
            var leader = bed.AwaitWhole();
            using var load = new JournalLoad(_directory, $"end{round}", first, second);
            load.AwaitProgress("before the end");
            foreach (var pid in leader.BrickPids)
            {
                Child.Signal(pid, "TERM");
            }

            load.AwaitProgress("after the end");
            var seen = load.Finish(second);
            output.WriteLine($"the bricks of {leader.Name} ended in good order: {seen}");
            Assert.True(seen.Longest < PauseMax, $"{seen}");
            Assert.NotEqual(leader, bed.AwaitWhole());
        }

        var other = bed.Nodes.First(n => n != should);
        Gluster(bed, $"volume leader vol move {other.Address}:{other.Disk}/brick");
        Gluster(bed, "volume set vol cluster.lead-return-time 3");
        Gluster(bed, "volume set vol cluster.lead-return on");
        Gluster(bed, "volume leader vol reset");
        Wait.Until("the lead is back", TimeSpan.FromSeconds(60), () => bed.AwaitWhole() == should);
        bed.CheckCopies();
    }

    private static string Gluster(FailoverBed bed, string command) => Shell.Succeed(bed.Nodes[0].Gluster(command));

    private static string Events(FailoverBed bed) => Shell.Succeed(bed.Nodes[0].Myrmex("events"));
}
