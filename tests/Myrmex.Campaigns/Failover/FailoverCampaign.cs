using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// A replicated volume over three machines whose leader fails in every way, again and again, while programs on two
/// mounts write and read:
/// no errors, nothing acknowledged lost, no stale read, every history of a page linearizable, equal copies in the end.
/// </summary>
internal sealed class FailoverCampaign : Campaign
{
    private const string Rounds = "rounds";
    private const string Only = "only";
    private const string Away = "away";
    private const string Arbiter = "arbiter";
    private const string ReadSize = "read-size";

    private const int RoundsUsual = 5;
    private const int AwayUsual = 60;

    /// <summary>A page: what the histories and the database read.</summary>
    private const int ReadSizeUsual = 4096;

    /// <summary>Seconds that programs of a fixed time work longer than a fault lasts.</summary>
    private const int SecondsAround = 10;

    /// <summary>What is left out unless it is named: most programs end when there is no room.</summary>
    private const FailoverFault Left = FailoverFault.FillDisk;

    private const int DiskMiB = 4096;

    public override string Name => "failover";

    public override string Summary =>
        "three machines with a replicated volume: the leader fails in every way under load";

    public override Need Needs => FailoverBed.Needs;

    public override IReadOnlyDictionary<string, string> Options { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Rounds] = $"times that every fault happens ({RoundsUsual})",
            [Away] = $"seconds that what was cut, stopped or frozen stays so ({AwayUsual})",
            [Arbiter] = "the third brick is an arbiter",
            [ReadSize] = $"followers answer reads of this many bytes and more, 0 for none ({ReadSizeUsual})",
            [Only] = $"only this fault: {string.Join(' ', Enum.GetNames<FailoverFault>())}",
        };

    public override void Run(CampaignRun run)
    {
        var only = run.Options.Text(Only, "");
        FailoverFault[] faults = only.Length > 0 ? [Enum.Parse<FailoverFault>(only, ignoreCase: true)]
            : run.IsSmoke ? [FailoverFault.KillBricks] : [.. Enum.GetValues<FailoverFault>().Where(f => f != Left)];
        FailoverBed? bed = null;
        if (!run.Step("start three nodes", () => bed = run.Directory.Own(
            new FailoverBed(run.Directory, DiskMiB, run.Options.Has(Arbiter)))))
        {
            return;
        }

        bed!.Set("journal.follower-read-size", Addresses.Text((int)run.Options.Number(ReadSize, ReadSizeUsual)));
        var first = bed.Mount("mnt1", 0).Path;
        var second = bed.Mount("mnt2", 1).Path;
        Postgres? postgres = null;
        if (!run.IsSmoke && !faults.Contains(FailoverFault.FillDisk) && Postgres.Programs is { } programs)
        {
            run.Step("start PostgreSQL", () => postgres = run.Directory.Own(Postgres.Start(run.Directory, programs, first)));
        }

        var away = TimeSpan.FromSeconds(run.Options.Number(Away, run.IsSmoke ? 2 : AwayUsual));
        for (var round = 1; round <= run.Options.Number(Rounds, run.IsSmoke ? 1 : RoundsUsual); round++)
        {
            foreach (var fault in faults)
            {
                run.Step($"{fault} {Addresses.Text(round)}", () => Round(run, bed, fault, round, away, postgres, first, second));
            }
        }

        if (postgres is not null)
        {
            run.Step("PostgreSQL adds up", () => run.Figure("PostgreSQL", postgres.Finish()));
        }

        run.Step("all copies are equal", () => bed.CheckCopies());
    }

    private static void Round(
        CampaignRun run, FailoverBed bed, FailoverFault fault, int round, TimeSpan away, Postgres? postgres,
        string first, string second)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{fault}-{round}");
        using var load = new JournalLoad(run.Directory, name, first, second);
        using var histories = new PageHistories(run.Directory, name, first, second);
        // Of all programs these two alone go on after ENOSPC.
        using var programs = fault == FailoverFault.FillDisk ? null : new RoundPrograms(
            run.Directory, name, (int)away.TotalSeconds + SecondsAround, postgres, first, second);
        bed.Fail(fault, away, load);
        var result = load.Finish(second);
        if (result.Full > 0 && fault != FailoverFault.FillDisk)
        {
            throw new HarnessException($"there was no room {Addresses.Text(result.Full)} times");
        }

        run.Figure(name, $"{result}; {histories.Finish()}; {programs?.Finish() ?? "no other programs"}");
        Directory.Delete(Path.Combine(first, name), recursive: true);
    }
}
