using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// One volume over all machines, used by our client and by the stock one all the time, while options change, bricks are added, and one
/// machine after the other fails in every way. Files of other machines' bricks must not notice; commands must answer; what was away must
/// come back by itself.
/// </summary>
internal sealed class FleetScenario(CampaignRun run, NodeBed bed)
{
    private const string Volume = "fleet";
    private const string Everyone = "*";
    private const string Temporary = "extra";

    /// <summary>Seconds after which a client leaves a silent connection: nobody on other bricks may see an error, but a look-up of a
    /// directory asks all bricks and waits for this.</summary>
    private const int PingTimeoutSeconds = 5;

    /// <summary>Longer than the lease of a node.</summary>
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(9);

    private static readonly TimeSpan Back = TimeSpan.FromSeconds(60);

    private readonly CommandTimes _times = new(run);
    private readonly List<FleetWriter> _writers = [];
    private readonly Dictionary<string, (int Count, TimeSpan Longest)> _returns = [];
    private readonly Dictionary<string, int> _errors = [];
    private long _worstMs;
    private string _worstAt = "";
    private int _operations;
    private int _serial;

    private enum Fault
    {
        KillDaemon,
        KillBrick,
        FreezeDaemon,
        CutNetwork,
        PowerOff,
    }

    private IReadOnlyList<BedNode> Nodes => bed.Nodes;

    public void Run()
    {
        var mounts = new List<BedMount>();
        if (!run.Step("volume, mounts and writers", () => mounts.AddRange(Begin())))
        {
            return;
        }

        run.Step("options under load", ChangeOptions);
        run.Step("a brick is added under load", () => AddBrick(mounts));
        foreach (var (node, index) in Nodes.Select((n, i) => (n, i)))
        {
            if (!run.IsSmoke || index == 1)
            {
                FailEveryWay(node);
            }
        }

        run.Step("leader of etcd killed", KillEtcdLeader);
        if (!run.IsSmoke)
        {
            run.Step("majority of etcd lost", LoseMajority);
            run.Step("all machines switched off", LoseAll);
        }

        run.Step("end: everything that was acknowledged", () => Finish(mounts));
        Report();
    }

    private List<BedMount> Begin()
    {
        var bricks = string.Join(' ', Nodes.Select(n => $"{n.Address}:{n.Disk}/fleet"));
        _times.Expect("all nodes up", Nodes[0], $"volume create {Volume} {bricks}");
        _times.Expect("all nodes up", Nodes[0], $"volume set {Volume} network.ping-timeout {PingTimeoutSeconds}");
        _times.Expect("all nodes up", Nodes[1], $"volume start {Volume}");
        AwaitWhole(Nodes[2 % Nodes.Count]);
        BedMount[] mounts =
        [
            bed.Mount("own", Nodes[^2], Volume, stock: false),
            bed.Mount("stock", Nodes[^1], Volume, stock: true),
        ];
        var directories = Nodes.ToDictionary(n => n.Name, n => Path.Combine(n.Disk, "fleet"));
        _writers.Add(run.Directory.Own(new FleetWriter(run.Directory, "own", mounts[0], directories)));
        _writers.Add(run.Directory.Own(new FleetWriter(run.Directory, "stock", mounts[1], directories)));
        AwaitProgress("at the start", Nodes.Select(n => n.Name));
        Clear("at the start");
        return [.. mounts];
    }

    private void ChangeOptions()
    {
        string[] settings =
        [
            "performance.write-behind off", "performance.write-behind on", "client.ssl off", "performance.quick-read off",
            "performance.quick-read on", "diagnostics.client-log-level DEBUG", "diagnostics.client-log-level INFO",
        ];
        foreach (var (setting, i) in settings.Select((s, i) => (s, i)))
        {
            _times.Expect("all nodes up", Nodes[i % Nodes.Count], $"volume set {Volume} {setting}");
            AwaitProgress($"after {setting}", Nodes.Select(n => n.Name));
            Clear($"after {setting}");
        }

        Battery("all nodes up", Nodes);
    }

    private void AddBrick(List<BedMount> mounts)
    {
        if (!Nodes[0].Gluster("volume help").Output.Contains("volume add-brick", StringComparison.Ordinal))
        {
            run.Figure("a brick is added under load", "left out: this version has no such command");
            return;
        }

        var path = $"{Nodes[0].Disk}/fleet-added";
        if (!_times.Expect("all nodes up", Nodes[^1], $"volume add-brick {Volume} {Nodes[0].Address}:{path}"))
        {
            return;
        }

        AwaitProgress("after add-brick", Nodes.Select(n => n.Name));
        Clear("after add-brick");
        foreach (var mount in mounts)
        {
            var folder = Path.GetFileName(mount.Path) + "-new";
            Wait.Until("new folders use the new brick", Back, () =>
            {
                mount.Sh($"mkdir -p {folder}-{++_serial} && cd {folder}-{_serial} && for i in $(seq 60); do echo $i > f$i; done");
                var there = Path.Combine(path, $"{folder}-{_serial}");
                return Directory.Exists(there) && Directory.GetFiles(there).Length > 0;
            });
        }
    }

    private void FailEveryWay(BedNode node)
    {
        Fault[] faults = run.IsSmoke ? [Fault.PowerOff] : Enum.GetValues<Fault>();
        foreach (var fault in faults)
        {
            run.Step($"{node.Name}: {fault}", () => Fail(node, fault));
        }
    }

    private void Fail(BedNode node, Fault fault)
    {
        var others = Nodes.Where(n => n != node).ToList();
        var situation = $"a node with {fault}";
        Clear("before " + fault);
        Inject(node, fault);
        var clock = Stopwatch.StartNew();
        Battery(situation, others);
        Clear(situation, node.Name);
        var left = Away - clock.Elapsed;
        if (fault is not (Fault.KillBrick or Fault.KillDaemon) && left > TimeSpan.Zero)
        {
            Thread.Sleep(left);
            Battery(situation, others);
            Clear(situation, node.Name);
        }

        TakeBack(node, fault);
        clock.Restart();
        if (!node.DaemonRuns)
        {
            throw new HarnessException($"the daemon of {node.Name} has ended\n{node.LogTail()}");
        }

        node.AwaitDaemon();
        AwaitWhole(others[0]);
        AwaitWhole(node);
        AwaitProgress($"after {situation} of {node.Name}", [node.Name]);
        var took = clock.Elapsed;
        var (count, longest) = _returns.GetValueOrDefault($"{fault}");
        _returns[$"{fault}"] = (count + 1, longest > took ? longest : took);
        Clear($"after {situation}", node.Name);
        AwaitProgress($"long after {situation} of {node.Name}", Nodes.Select(n => n.Name));
        Clear($"long after {situation}");
        if (node.BrickPids.Count != 1)
        {
            run.Fail($"{node.Name} has {node.BrickPids.Count} brick processes after {fault}");
        }
    }

    private static void Inject(BedNode node, Fault fault)
    {
        switch (fault)
        {
            case Fault.KillDaemon:
                node.KillDaemon();
                break;
            case Fault.KillBrick:
                node.KillBricks();
                break;
            case Fault.FreezeDaemon:
                node.Signal("STOP");
                break;
            case Fault.CutNetwork:
                node.Cut();
                break;
            default:
                node.PowerOff();
                break;
        }
    }

    private static void TakeBack(BedNode node, Fault fault)
    {
        switch (fault)
        {
            case Fault.KillDaemon:
                node.LaunchDaemon();
                break;
            case Fault.FreezeDaemon:
                node.Signal("CONT");
                break;
            case Fault.CutNetwork:
                node.Reconnect();
                break;
            case Fault.PowerOff:
                node.PowerOn();
                break;
        }
    }

    /// <summary>Every kind of command on nodes that are up.</summary>
    private void Battery(string situation, IReadOnlyList<BedNode> nodes)
    {
        var (first, second) = (nodes[_serial % nodes.Count], nodes[(_serial + 1) % nodes.Count]);
        foreach (var node in new[] { first, second })
        {
            foreach (var command in (string[])["volume info", $"volume status {Volume}", "volume list", "peer status"])
            {
                _times.Expect(situation, node, command);
            }
        }

        var size = 1 + (++_serial % 9);
        _times.Expect(situation, first, $"volume set {Volume} performance.md-cache-timeout {size}");
        var name = $"{Temporary}{_serial}";
        var created = _times.Expect(
            situation, second, $"volume create {name} {first.Address}:{first.Disk}/{name} {second.Address}:{second.Disk}/{name}");
        if (created)
        {
            _times.Expect(situation, first, $"volume start {name}");
            _times.Expect(situation, second, $"volume stop {name}");
            _times.Expect(situation, first, $"volume delete {name}");
            Directory.Delete($"{first.Disk}/{name}", recursive: true);
            Directory.Delete($"{second.Disk}/{name}", recursive: true);
        }
    }

    private void KillEtcdLeader()
    {
        var leader = bed.EtcdLeader() ?? throw new HarnessException("etcd has no leader");
        leader.KillEtcd();
        foreach (var (node, i) in Nodes.Select((n, i) => (n, i)))
        {
            var (result, took) = _times.Time("etcd leader killed", node, $"volume set {Volume} performance.md-cache-timeout {i + 1}");
            if (i == 0)
            {
                run.Figure("first change after the leader of etcd was killed", Text(took) + (result.ExitCode == 0 ? "" : ", refused: " + CommandTimes.Words(result)));
            }

            if (result.ExitCode != 0)
            {
                run.Fail($"etcd leader killed: 'volume set' on {node.Name}: {CommandTimes.Words(result)}");
            }
        }

        if (!leader.IsManaged)
        {
            leader.StartEtcd();
        }

        Wait.Until("etcd is whole", Back, () => bed.HealthyMembers() >= 3);
        AwaitWhole(Nodes[0]);
        Clear("leader of etcd killed");
    }

    private void LoseMajority()
    {
        var members = Nodes.Where(n => n.EtcdPids.Count > 0).ToList();
        var lost = members.Take((members.Count / 2) + 1).ToList();
        lost.ForEach(n => n.HaltEtcd());
        var clock = Stopwatch.StartNew();
        foreach (var node in Nodes)
        {
            var (result, took) = _times.Time("no majority of etcd, changes", node, $"volume set {Volume} performance.md-cache-timeout 3");
            var words = CommandTimes.Words(result);
            if (result.ExitCode == 0 || !words.Contains("etcd", StringComparison.OrdinalIgnoreCase) || took > TimeSpan.FromSeconds(10))
            {
                run.Fail($"no majority of etcd: 'volume set' on {node.Name} after {Text(took)}: exit code {result.ExitCode}, {words}");
            }

            foreach (var command in (string[])["volume info", $"volume status {Volume}", "volume list", "peer status"])
            {
                _times.Expect("no majority of etcd, looks", node, command);
            }
        }

        run.Figure("without a majority of etcd", Text(clock.Elapsed));
        Clear("without a majority of etcd");
        lost.ForEach(n => n.ResumeEtcd());
        clock.Restart();
        Wait.Until("commands work again", Back, () => Nodes[0].Gluster($"volume set {Volume} performance.md-cache-timeout 4").ExitCode == 0, bed.LogTails);
        run.Figure("first change after the majority was back", Text(clock.Elapsed));
        AwaitWhole(Nodes[0]);
        Battery("all nodes up", Nodes);
        Clear("after the majority was back");
    }

    /// <summary>Everything stops at once; switched on in another order it must come back without any help.</summary>
    private void LoseAll()
    {
        foreach (var node in Nodes)
        {
            node.PowerOff();
        }

        Thread.Sleep(Away);
        var clock = Stopwatch.StartNew();
        foreach (var node in Nodes.Reverse())
        {
            node.PowerOn();
        }

        foreach (var node in Nodes)
        {
            node.AwaitDaemon();
        }

        AwaitWhole(Nodes[0]);
        AwaitWhole(Nodes[^1]);
        Clear("all machines switched off", Everyone);
        AwaitProgress("after all machines were switched on", Nodes.Select(n => n.Name), tolerant: true);
        run.Figure("all machines on until both clients used all bricks", Text(clock.Elapsed));
        Battery("all nodes up", Nodes);
        Clear("after all machines were switched on");
    }

    private void Finish(List<BedMount> mounts)
    {
        foreach (var writer in _writers)
        {
            Note(writer, writer.End(), "at the end", tolerated: null);
        }

        foreach (var writer in _writers)
        {
            foreach (var mount in mounts)
            {
                if (writer.Verify(mount) is { Length: > 0 } wrong)
                {
                    run.Fail($"what {writer.Name} wrote, seen at {mount.Path}: {wrong}");
                }
            }
        }

        _writers.ForEach(w => w.Dispose());
        mounts.ForEach(m => m.Dispose());
        _times.Expect("all nodes up", Nodes[0], $"volume stop {Volume}");
        foreach (var node in Nodes)
        {
            Wait.Until($"{node.Name} has no brick process", Back, () => node.BrickPids.Count == 0);
        }

        _times.Expect("all nodes up", Nodes[^1], $"volume delete {Volume}");
        foreach (var directory in Nodes.SelectMany(n => Directory.GetDirectories(n.Disk)))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Takes notice of what writers saw; an error on a brick of any other node than the tolerated one is a failure.</summary>
    private void Clear(string when, string? tolerated = null)
    {
        foreach (var writer in _writers)
        {
            Note(writer, writer.Look(), when, tolerated);
        }
    }

    private void Note(FleetWriter writer, IReadOnlyList<BrickView> views, string when, string? tolerated)
    {
        foreach (var view in views)
        {
            _operations += view.Operations;
            var away = tolerated == Everyone || view.Brick == tolerated;
            if (!away && view.WorstMs > _worstMs)
            {
                (_worstMs, _worstAt) = (view.WorstMs, $"{writer.Name} client, brick of {view.Brick}, {when}");
            }

            foreach (var error in view.Errors.GroupBy(e => e.Split(' ')[0]))
            {
                var key = $"{error.Key} ({writer.Name})";
                _errors[key] = _errors.GetValueOrDefault(key) + error.Count();
                if (!away || error.Key == "WRONG")
                {
                    run.Fail($"{when}: the {writer.Name} client saw {error.Count()} times {error.First()} on files of {view.Brick}");
                }
            }
        }
    }

    /// <summary>Waits until both clients have worked on files of these bricks once more.</summary>
    private void AwaitProgress(string when, IEnumerable<string> bricks, bool tolerant = false)
    {
        var since = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var waiting = _writers.SelectMany(w => bricks.Select(b => (Writer: w, Brick: b))).ToHashSet();
        var all = bricks.ToList();
        Wait.Until($"the clients get on {when}", Back, () =>
        {
            foreach (var writer in waiting.Select(w => w.Writer).Distinct().ToList())
            {
                var views = writer.Look();
                // Errors of the brick that was away are expected until its client has found it again.
                Note(writer, views, when, tolerant ? Everyone : all.Count == 1 ? all[0] : null);
                waiting.RemoveWhere(w => w.Writer == writer && views.Any(v => v.Brick == w.Brick && v.GoodUnixMs > since));
            }

            return waiting.Count == 0;
        }, () => string.Join(' ', waiting.Select(w => $"{w.Writer.Name}:{w.Brick}")));
    }

    private void AwaitWhole(BedNode asked)
    {
        var why = "";
        Wait.Until("everything is online again", Back, () => (why = bed.NotWhole(asked, [Volume])).Length == 0, () => why);
    }

    private void Report()
    {
        _times.Report();
        run.Figure("writes with fsync and read back", $"{_operations}");
        run.Figure("longest of them on a brick that was not away", string.Create(CultureInfo.InvariantCulture, $"{_worstMs} ms ({_worstAt})"));
        run.Figure("errors on bricks that were away", _errors.Count == 0 ? "none" : string.Join(", ", _errors.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Value} {e.Key}")));
        foreach (var (fault, (count, longest)) in _returns)
        {
            run.Figure($"back after {fault}", $"{count} times, longest {Text(longest)} until both clients used it");
        }
    }

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");
}
