using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Campaigns;

/// <summary>
/// Rounds of one fault each in the middle of copies with fsync, on our mount and on the stock client's at the same time. What fsync has
/// acknowledged must be there, both clients must find back by themselves, and applications may see only the documented errors.
/// </summary>
internal sealed class FaultsCampaign : Campaign
{
    private const string Rounds = "rounds";
    private const string First = "first";
    private const string Kind = "kind";

    /// <summary>Seconds of silence after which the volume's clients leave a connection; some stops are longer.</summary>
    private const int PingTimeoutSeconds = 4;

    /// <summary>What a lost connection may look like, by the README of protocol/client: ENOTCONN, and EBADFD for an fd that stays bad.</summary>
    private static readonly string[] Documented = ["Transport endpoint is not connected", "File descriptor in bad state"];

    /// <summary>
    /// What the stock client's distribution makes of it besides: CREATE answers EIO ("no subvolume in layout") and RENAME EINVAL while
    /// the subvolume that a name belongs to is not connected.
    /// </summary>
    private static readonly string[] DocumentedOfStock = [.. Documented, "Input/output error", "Invalid argument"];

    private static readonly Fault[] Faults =
        [Fault.KillBrick, Fault.KillBrick, Fault.KillDaemon, Fault.KillBoth, Fault.StopBrick, Fault.StopBrickLong];

    private enum Fault
    {
        KillBrick,
        KillDaemon,
        KillBoth,
        StopBrick,
        StopBrickLong,
    }

    public override string Name => "faults";

    public override string Summary => "kill -9 and SIGSTOP of bricks and daemon in the middle of copies with fsync";

    public override Need Needs => Need.StockClient | Need.Xfs | Need.Python;

    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>
    {
        [Rounds] = "number of rounds (50)",
        [First] = "number of the first round (1): a round has the same fault whatever came before",
        [Kind] = "only this fault: KillBrick, KillDaemon, KillBoth, StopBrick, StopBrickLong",
    };

    public override void Run(CampaignRun run)
    {
        var volume = CampaignVolume.Start(run.Directory, sizeMiB: 8192);
        volume.Daemon.Gluster($"volume set {CampaignVolume.Name} network.ping-timeout {PingTimeoutSeconds}");
        var sides = new[] { new Side("own", volume.Mount("own"), Documented), new Side("stock", volume.MountStock("stock"), DocumentedOfStock) };
        var first = (int)run.Options.Number(First, 1);
        var rounds = (int)run.Options.Number(Rounds, run.IsSmoke ? 2 : 50);
        var totals = new Totals();
        for (var round = first; round < first + rounds; round++)
        {
            var failures = run.Failures;
            RunRound(run, volume, sides, round, totals);
            if (run.Failures > failures && !sides.All(s => s.Mount.Running))
            {
                break; // Without a client every further round fails for the same reason.
            }
        }

        Report(run, totals, rounds);
        foreach (var side in sides)
        {
            side.Mount.Dispose();
        }

        run.Step("look at the bricks on disk", volume.StopAndAudit);
    }

    private static void RunRound(CampaignRun run, CampaignVolume volume, Side[] sides, int round, Totals totals)
    {
        var random = run.Random((ulong)round);
        var fault = Faults[random.Below(Faults.Length)];
        fault = run.Options.Has(Kind) ? Enum.Parse<Fault>(run.Options.Text(Kind, "")) : fault;
        var replay = string.Create(CultureInfo.InvariantCulture, $"--seed {run.Seed} --first {round} --rounds 1");
        try
        {
            var writers = sides.Select(side => new RoundWriter(run, side, round)).ToList();
            writers.ForEach(w => w.AwaitProgress());
            var seconds = Inject(volume, fault, random);
            writers.ForEach(w => w.AwaitProgress());
            writers.ForEach(w => w.Finish());
            var acknowledged = writers.Sum(w => w.Acknowledged);
            var errors = Check(run, volume, sides, writers, round, replay, totals);
            totals.Rounds[fault] = totals.Rounds.GetValueOrDefault(fault) + 1;
            run.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"round {round}: {fault}, {seconds:0.0} s; acknowledged {acknowledged}, errors {errors}"));
        }
        catch (HarnessException e)
        {
            run.Fail($"round {round} ({fault}): {e.Message}", replay);
        }
    }

    /// <summary>Does the fault and takes it back; the seconds in between.</summary>
    private static double Inject(CampaignVolume volume, Fault fault, SimRandom random)
    {
        Thread.Sleep(random.Below(400));
        var daemon = volume.Daemon;
        var brick = daemon.BrickPid;
        var pauseMs = fault == Fault.StopBrickLong ? (PingTimeoutSeconds * 1000) + random.Below(6000) : random.Below(2500);
        switch (fault)
        {
            case Fault.KillBrick:
                Child.Signal(brick, "KILL");
                pauseMs = 0;
                break;
            case Fault.KillDaemon:
                daemon.Kill();
                Thread.Sleep(pauseMs);
                daemon.Start();
                break;
            case Fault.KillBoth:
                daemon.Kill();
                Child.Signal(brick, "KILL");
                Thread.Sleep(pauseMs);
                daemon.Start();
                break;
            default:
                Child.Signal(brick, "STOP");
                Thread.Sleep(pauseMs);
                Child.Signal(brick, "CONT");
                break;
        }

        if (fault is Fault.KillBrick or Fault.KillBoth)
        {
            Wait.Until(
                "the daemon has started another brick process",
                Limits.Back,
                () => daemon.BrickPid != brick && daemon.BrickPids(CampaignVolume.Name).Count > 0);
            Ledger.AddProcess(daemon.BrickPid);
        }
        else if (daemon.BrickPid != brick)
        {
            throw new HarnessException($"the brick process {brick} became {daemon.BrickPid} although nobody killed it");
        }

        return pauseMs / 1000.0;
    }

    private static int Check(
        CampaignRun run, CampaignVolume volume, Side[] sides, List<RoundWriter> writers, int round, string replay, Totals totals)
    {
        var errors = 0;
        foreach (var writer in writers)
        {
            var texts = writer.Errors().ToList();
            errors += texts.Count;
            foreach (var text in texts)
            {
                totals.Errors[text] = totals.Errors.GetValueOrDefault(text) + 1;
            }

            foreach (var text in texts.Except(writer.Side.Documented).Distinct())
            {
                run.Fail($"round {round}: the {writer.Side.Name} client's application saw '{text}'", replay);
            }
        }

        // Each side's data through the other side, and now and then through a client that has seen nothing of it.
        foreach (var (writer, other) in writers.Zip(sides.Reverse()))
        {
            writer.Verify(other.Mount.Path, replay);
        }

        if (round % 5 == 0)
        {
            using var fresh = volume.Mount("fresh");
            writers.ForEach(w => w.Verify(fresh.Path, replay));
        }

        totals.Acknowledged += writers.Sum(w => w.Acknowledged);
        foreach (var writer in writers)
        {
            writer.Remove(volume, replay);
        }

        return errors;
    }

    private static void Report(CampaignRun run, Totals totals, int rounds)
    {
        run.Figure("rounds", $"{totals.Rounds.Values.Sum()} of {rounds}: {Join(totals.Rounds)}");
        run.Figure("acknowledged by fsync", $"{totals.Acknowledged} files and lines");
        run.Figure("errors that applications saw", totals.Errors.Count == 0 ? "none" : Join(totals.Errors));
    }

    private static string Join<T>(Dictionary<T, int> counts)
        where T : notnull =>
        string.Join(", ", counts.OrderBy(c => $"{c.Key}", StringComparer.Ordinal).Select(c => $"{c.Value} {c.Key}"));

    private sealed record Side(string Name, FuseMount Mount, string[] Documented);

    private sealed class Totals
    {
        public Dictionary<Fault, int> Rounds { get; } = [];

        public Dictionary<string, int> Errors { get; } = [];

        public int Acknowledged { get; set; }
    }

    /// <summary>The writer of one side in one round, in a folder of its own.</summary>
    private sealed class RoundWriter
    {
        private const int ProgressLines = 20;

        private readonly CampaignRun _run;
        private readonly string _folder;
        private readonly string _record;
        private readonly Helper _helper;

        public RoundWriter(CampaignRun run, Side side, int round)
        {
            _run = run;
            Side = side;
            _folder = $"{side.Name}-{round}";
            _record = run.Directory[_folder + ".record.txt"];
            Directory.CreateDirectory(Path.Combine(side.Mount.Path, _folder));
            var seed = (run.Seed * 1000) + (ulong)round;
            _helper = run.Directory.Own(
                Helper.Start("writer.py", "write", Path.Combine(side.Mount.Path, _folder), _record, "100000", $"{seed}"));
        }

        public Side Side { get; }

        public int Acknowledged => Lines().Count(l => !l.StartsWith("error", StringComparison.Ordinal));

        /// <summary>Waits for more acknowledged files: the client works.</summary>
        public void AwaitProgress()
        {
            var goal = Acknowledged + ProgressLines;
            Wait.Until($"the {Side.Name} client's writer gets on", Limits.Back, () => Acknowledged >= goal, () => Child.TailOf(_record, 5));
        }

        public void Finish() => _helper.Finish(Limits.Back);

        public IEnumerable<string> Errors() =>
            Lines().Where(l => l.StartsWith("error ", StringComparison.Ordinal)).Select(l => l.Split(' ', 3)[2]);

        public void Verify(string mount, string replay)
        {
            CommandResult? result = null;
            // A client whose connection is only now found dead answers ENOTCONN once more: then there is no answer to judge yet.
            Wait.Holds(Limits.Back, () => (result = Read(mount)).Output.Length > 0 || !result.Error.Contains("Errno 107", StringComparison.Ordinal));
            if (result?.Output.EndsWith("missing 0 wrong 0\n", StringComparison.Ordinal) != true)
            {
                _run.Fail($"what the {Side.Name} client wrote, seen at {mount}: {result}", replay);
            }
        }

        /// <summary>Everything that was acknowledged is there; now all of it must be removable.</summary>
        public void Remove(CampaignVolume volume, string replay)
        {
            var result = Shell.Run("/", Limits.Command, "rm", "-rf", Path.Combine(Side.Mount.Path, _folder));
            if (result.ExitCode != 0)
            {
                var rests = Shell.Run(
                    "/", Limits.Command, "find", [.. volume.Bricks.Select(b => Path.Combine(b, _folder)), "-printf", "%p %M %n links %s bytes\\n"]);
                _run.Fail($"the {Side.Name} client's folder cannot be removed: {result.Error} on the bricks: {rests.Output}", replay);
            }

            File.Delete(_record);
            _helper.Dispose();
        }

        private CommandResult Read(string mount) =>
            Shell.Run("/", Limits.Command, "python3", Helper.PathOf("writer.py"), "verify", Path.Combine(mount, _folder), _record);

        private string[] Lines() => File.Exists(_record) ? File.ReadAllLines(_record) : [];
    }
}
