using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Campaigns;

/// <summary>
/// Commands with a daemon killed, or stopped for longer than its lease, at any instant of them. When the daemon is back no command may
/// be under way, and the cluster must be as if each command had happened as a whole or not at all: see <see cref="ClusterAudit"/>.
/// </summary>
internal sealed class KillsScenario(CampaignRun run, NodeBed bed)
{
    /// <summary>What happens in a round, as often as it is here.</summary>
    private static readonly Blow[] Blows =
        [Blow.KillDaemon, Blow.KillDaemon, Blow.KillDaemon, Blow.KillDaemon, Blow.FreezeDaemon, Blow.KillEtcdLeader];

    private const int BadRoundsMax = 10;

    private const double FirstGuessMs = 400;

    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan RecoveryLimit = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, double> _usualMs = [];
    private readonly SortedDictionary<string, Tally> _tallies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _refusals = [];
    private TimeSpan _longest;
    private string _longestAt = "";
    private TimeSpan _longestStart;
    private readonly SortedDictionary<Blow, int> _blows = [];
    private int _bad;

    private enum Blow
    {
        KillDaemon,

        /// <summary>SIGSTOP, and on after its lease has ended: it must not go on with what others have taken back.</summary>
        FreezeDaemon,

        KillEtcdLeader,
    }

    public void Run()
    {
        bed.Spare.StartDaemon();
        var model = new ClusterModel(bed, HasAddBrick());
        model.Adopt(bed.ReadStore() ?? throw new HarnessException("etcd does not answer"));
        var rounds = (int)run.Options.Number(ClusterCampaign.Kills, run.IsSmoke ? 4 : 200);
        var end = TimeSpan.FromMinutes(run.Options.Number(ClusterCampaign.Minutes, 60));
        var clock = Stopwatch.StartNew();
        var done = 0;
        run.Step("kills", () =>
        {
            while (done < rounds && clock.Elapsed < end && _bad < BadRoundsMax)
            {
                RunRound(model, ++done);
            }
        });
        Report(done, rounds);
        if (_bad < BadRoundsMax)
        {
            run.Step("clean up after the kills", () => RemoveAll(model));
        }
    }

    private bool HasAddBrick() =>
        bed.Nodes[0].Rest.Get("openapi.json", CommandLimit).Body?["paths"]?["/v1/volumes/{name}/bricks"] is not null;

    private void RunRound(ClusterModel model, int round)
    {
        var random = run.Random((ulong)round);
        var command = model.Choose(random);
        var coordinator = bed.Nodes[random.Below(bed.Nodes.Count)];
        var blow = Blows[random.Below(Blows.Length)];
        var victim = ChooseVictim(command, coordinator, random);
        victim = blow == Blow.KillEtcdLeader ? bed.EtcdLeader() ?? throw new HarnessException("etcd has no leader") : victim;
        var delayMs = random.Below(10_000) / 10_000.0 * _usualMs.GetValueOrDefault(command.Kind, FirstGuessMs) * 1.1;
        var pause = TimeSpan.FromMilliseconds(blow == Blow.FreezeDaemon ? 7_000 + random.Below(3_000) : random.Below(3) == 0 ? random.Below(9_000) : random.Below(300));
        var title = string.Create(
            CultureInfo.InvariantCulture,
            $"round {round}: {command} on {coordinator.Name}, {blow} on {victim.Name} after {delayMs:0} ms for {pause.TotalSeconds:0.0} s");
        var former = OldId(command);
        var failures = run.Failures;
        try
        {
            var asked = coordinator.Rest.SendAsync(command.Method, command.Path, command.Body, CommandLimit);
            WaitFor(delayMs);
            var early = asked.IsCompleted ? asked.GetAwaiter().GetResult() : null;
            Strike(victim, blow);
            Learn(command, early, delayMs);
            if (early is { Refused: true })
            {
                run.Fail($"{title}: refused before anything happened: {early.Why}");
            }

            Thread.Sleep(pause);
            var clock = Stopwatch.StartNew();
            Restore(victim, blow);
            var served = clock.Elapsed;
            var answer = asked.GetAwaiter().GetResult();
            var store = AwaitCalm(clock);
            var calm = clock.Elapsed;
            var happened = Judge(model, command, answer, store, title);
            model.Settle(command, happened, former, random);
            _blows[blow] = _blows.GetValueOrDefault(blow) + 1;
            Note(command, answer, happened, served, calm, title);
            var differences = new ClusterAudit(bed, model, AwaitServed(model)).Run();
            foreach (var difference in differences)
            {
                run.Fail($"{title}; {Text(answer)}: {difference}");
            }
        }
        catch (HarnessException e)
        {
            run.Fail($"{title}: {e.Message}");
        }

        if (run.Failures > failures)
        {
            // What is there now counts from here on: one mistake must not be told again in every round.
            _bad++;
            model.Adopt(bed.ReadStore() ?? throw new HarnessException("etcd does not answer"));
        }
    }

    private BedNode ChooseVictim(ModelCommand command, BedNode coordinator, SimRandom random)
    {
        var bricks = (command.After ?? command.Before)?.Bricks ?? [];
        var participants = command.MemberAfter is not null ? [bed.Spare] : bed.Nodes.Where(n => n != coordinator && bricks.Any(b => b.Node == n.Id)).ToArray();
        return participants.Length > 0 && random.Below(2) == 0 ? participants[random.Below(participants.Length)] : coordinator;
    }

    private static void WaitFor(double delayMs)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalMilliseconds < delayMs)
        {
            Thread.Sleep(delayMs - clock.Elapsed.TotalMilliseconds > 2 ? 1 : 0);
        }
    }

    private static void Strike(BedNode victim, Blow blow)
    {
        switch (blow)
        {
            case Blow.FreezeDaemon:
                victim.Signal("STOP");
                break;
            case Blow.KillEtcdLeader:
                victim.KillEtcd();
                break;
            default:
                victim.KillDaemon();
                break;
        }
    }

    /// <summary>How long an undisturbed command of this kind takes, so that most kills come in the middle of one.</summary>
    /// <param name="early">The answer that came before the kill.</param>
    private void Learn(ModelCommand command, RestAnswer? early, double delayMs)
    {
        var usual = _usualMs.GetValueOrDefault(command.Kind, FirstGuessMs);
        if (early is not null)
        {
            _usualMs[command.Kind] = (usual + early.Took.TotalMilliseconds) / 2;
        }
        else if (delayMs > 0.9 * usual)
        {
            _usualMs[command.Kind] = usual * 1.3;
        }
    }

    private static void Restore(BedNode victim, Blow blow)
    {
        switch (blow)
        {
            case Blow.FreezeDaemon:
                victim.Signal("CONT");
                break;
            case Blow.KillDaemon:
                victim.StartDaemon();
                break;
            default:
                if (!victim.IsManaged)
                {
                    victim.StartEtcd();
                }

                break;
        }
    }

    private string? OldId(ModelCommand command)
    {
        var json = bed.ReadStore()?.GetValueOrDefault($"volume/{command.Volume}");
        return json is null ? null : ModelVolume.Read(json).Id;
    }

    /// <summary>Waits until nothing of any command is left, and answers what is in the store then.</summary>
    private SortedDictionary<string, string> AwaitCalm(Stopwatch clock)
    {
        SortedDictionary<string, string>? store = null;
        while (true)
        {
            store = bed.ReadStore();
            if (store?.Keys.Any(ClusterAudit.IsOfACommand) == false)
            {
                return store;
            }

            if (clock.Elapsed > RecoveryLimit)
            {
                throw new HarnessException(
                    $"after {RecoveryLimit.TotalSeconds:0} s there is still: "
                    + string.Join(' ', store is null ? ["no etcd that answers"] : store.Where(e => ClusterAudit.IsOfACommand(e.Key)).Select(e => $"{e.Key}={e.Value}")));
            }

            Thread.Sleep(100);
        }
    }

    /// <summary>Waits until all nodes say that they do what the volumes want; at the end of time the audit says what they do not.</summary>
    private SortedDictionary<string, string> AwaitServed(ClusterModel model)
    {
        SortedDictionary<string, string> store = new(StringComparer.Ordinal);
        Wait.Holds(RecoveryLimit, () =>
        {
            store = bed.ReadStore() ?? store;
            bed.Spare.ReadId();
            return new ClusterAudit(bed, model, store).Run().Count == 0;
        });
        return store;
    }

    /// <summary>True when the command has happened; anything else than its two outcomes, or not the one that was answered, is a failure.</summary>
    private bool Judge(ClusterModel model, ModelCommand command, RestAnswer answer, SortedDictionary<string, string> store, string title)
    {
        if (command.MemberAfter is { } wanted)
        {
            var member = model.IsMember(store);
            if (answer.Succeeded && member != wanted)
            {
                run.Fail($"{title}: it was answered as done, but it is not");
            }
            else if (answer.Refused && member == wanted)
            {
                run.Fail($"{title}: it was answered as refused ({answer.Why}), but it is done");
            }

            return member == wanted;
        }

        var there = store.TryGetValue($"volume/{command.Volume}", out var json) ? ModelVolume.Read(json).Volume : null;
        bool Is(ModelVolume? outcome) => outcome is null ? there is null : outcome.IsSame(there);
        var (before, after) = (Is(command.Before), Is(command.After));
        if (!before && !after)
        {
            run.Fail($"{title}: {Text(answer)}, neither done nor taken back: {there?.ToString() ?? "no volume"}");
        }
        else if (answer.Succeeded && !after)
        {
            run.Fail($"{title}: it was answered as done, but it is taken back");
        }
        else if (answer.Refused && !before)
        {
            run.Fail($"{title}: it was answered as refused ({answer.Why}), but it is done");
        }

        return after && (answer.Succeeded || !before);
    }

    private void Note(ModelCommand command, RestAnswer answer, bool happened, TimeSpan served, TimeSpan calm, string title)
    {
        var tally = _tallies.TryGetValue(command.Kind, out var known) ? known : _tallies[command.Kind] = new Tally();
        tally.Completed += happened ? 1 : 0;
        tally.TakenBack += happened ? 0 : 1;
        tally.Answered += answer.Status == 0 ? 0 : 1;
        if (answer.Status >= 300)
        {
            var why = $"{answer.Status} {answer.Why.Split('\n')[0]}";
            _refusals[why] = _refusals.GetValueOrDefault(why) + 1;
        }

        if (calm - served > _longest)
        {
            (_longest, _longestAt) = (calm - served, title);
        }

        _longestStart = served > _longestStart ? served : _longestStart;

        run.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{title}; {Text(answer)} after {answer.Took.TotalSeconds:0.0} s; {(happened ? "done" : "not done")}, back after {served.TotalSeconds:0.0} s, calm after {calm.TotalSeconds:0.0} s"));
    }

    private void RemoveAll(ClusterModel model)
    {
        foreach (var volume in model.Volumes.Values)
        {
            if (volume.Status == "Started")
            {
                Shell.Succeed(bed.Nodes[0].Gluster($"volume stop {volume.Name}"));
            }

            Shell.Succeed(bed.Nodes[^1].Gluster($"volume delete {volume.Name}"));
        }

        foreach (var node in bed.Nodes)
        {
            Wait.Until($"{node.Name} has no brick process", RecoveryLimit, () => node.BrickPids.Count == 0);
        }
    }

    private void Report(int done, int rounds)
    {
        run.Figure("commands with a kill", $"{done} of {rounds}: {string.Join(", ", _blows.Select(b => $"{b.Value} {b.Key}"))}");
        foreach (var (kind, tally) in _tallies)
        {
            run.Figure($"  {kind}", $"{tally.Completed} done, {tally.TakenBack} taken back; {tally.Answered} answered");
        }

        foreach (var (why, count) in _refusals.OrderByDescending(r => r.Value))
        {
            run.Figure($"  answered {count} times", why);
        }

        run.Figure("longest start of a daemon until it answers", string.Create(CultureInfo.InvariantCulture, $"{_longestStart.TotalSeconds:0.0} s"));
        run.Figure("longest from then until nothing was under way", string.Create(CultureInfo.InvariantCulture, $"{_longest.TotalSeconds:0.0} s ({_longestAt})"));
    }

    private static string Text(RestAnswer answer) =>
        answer.Succeeded ? "answered done" : answer.Status == 0 ? "no answer" : $"answered {answer.Status} {answer.Why}";

    private sealed class Tally
    {
        public int Completed { get; set; }

        public int TakenBack { get; set; }

        public int Answered { get; set; }
    }
}
