using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Bricks;

/// <summary>What is known of a brick that should be served here.</summary>
/// <param name="Pid">0 when its process is not running.</param>
/// <param name="Refused">
/// The process runs but has not made the brick available in the time that it usually takes.
/// </param>
internal readonly record struct BrickState(int Port, int Pid, bool Online, bool Refused);

/// <summary>
/// Keeps one brick process running as long as this node has a brick of a started volume. One loop owns all of its state
/// and compares what should be with what is, so that it does not matter what was interrupted before:
/// the process is started, adopted when it runs already, told of changed bricks (SIGHUP), started again on the same
/// port when it dies, and ended when nothing is left to serve. It never ends with the daemon.
/// </summary>
internal sealed class BrickSupervisor
{
    private readonly DaemonOptions _options;
    private readonly ClusterView _view;
    private readonly ServerQuorum _quorum;
    private readonly LocalNode _node;
    private readonly IBrickProbe _probe;
    private readonly Seams _seams;
    private readonly BrickFiles _files;
    private readonly ServedProcess _process;
    private readonly Signal _look = new();
    private readonly Lock _lock = new(); // Guards _states, _run, _rounds and _roundDone; a leaf lock.
    private ImmutableDictionary<string, BrickState> _states = ImmutableDictionary<string, BrickState>.Empty;
    private NodeRun _run;
    private long _rounds;
    private TaskCompletionSource _roundDone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Owned by the loop.
    private readonly HashSet<string> _online = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Leaving> _leaving = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refusals = new(StringComparer.Ordinal); // By path: why.
    private List<WantedBrick> _wantedBefore = [];
    private long _suspectUntilNs;

    public BrickSupervisor(
        DaemonOptions options, ClusterView view, ServerQuorum quorum, LocalNode node, IProcessControl processes,
        IBrickProbe probe, IBrickPort portStore, Seams seams)
    {
        _options = options;
        _view = view;
        _quorum = quorum;
        _node = node;
        _probe = probe;
        _seams = seams;
        _files = new BrickFiles(options);
        _process = new ServedProcess(SpecOf(options), processes, portStore, seams);
        _run = new NodeRun(node.Id, 0, HasQuorum: true, []);
        view.Volumes.Changed += _ => _look.Set();
        view.Ops.Changed += _ => _look.Set();
        view.Parts.Changed += _ => _look.Set();
        quorum.Changed += _look.Set;
    }

    /// <summary>Raised when <see cref="Run"/> is another. Handlers must not wait.</summary>
    public event Action? RunChanged;

    /// <summary>The brick process has died. Handlers must not wait.</summary>
    public event Action? ProcessDied;

    /// <summary>
    /// Something says that the brick process may have died: looks at once and again until it is clear.
    /// </summary>
    public void Suspect()
    {
        Volatile.Write(ref _suspectUntilNs, _seams.Clock.MonotonicNs + (Limits.SuspectMs * 1_000_000));
        _look.Set();
    }

    /// <summary>What this node does.</summary>
    public NodeRun Run
    {
        get
        {
            lock (_lock)
            {
                return _run;
            }
        }
    }

    /// <summary>
    /// What is known of a brick, by its path or the name of its member's export; default when it should not be served.
    /// </summary>
    public BrickState StateOf(string export)
    {
        lock (_lock)
        {
            return _states.GetValueOrDefault(export);
        }
    }

    public string BrickLog => LogOf(_options);

    /// <summary>The last reason that the brick process has logged for not serving a brick, or null.</summary>
    public string? WhyRefused(Volume volume, Brick brick) =>
        BrickLogReader.LastReason(BrickLog, _files.VolfileOf(volume, brick));

    /// <summary>Ends when <paramref name="reached"/> is true after a round; false when that took too long.</summary>
    public async Task<bool> WaitAsync(Func<bool> reached, long timeoutMs, CancellationToken cancellation)
    {
        var deadlineNs = _seams.Clock.MonotonicNs + (timeoutMs * 1_000_000);
        await RoundAsync(cancellation);
        while (!reached())
        {
            if (_seams.Clock.MonotonicNs > deadlineNs)
            {
                return false;
            }

            await Pauses.WaitAsync(_seams.Scheduler, Limits.ProbePeriodMs / 2, cancellation);
            await RoundAsync(cancellation);
        }

        return true;
    }

    /// <summary>Ends after a round that began after this call.</summary>
    public async Task RoundAsync(CancellationToken cancellation)
    {
        long wanted;
        Task done;
        lock (_lock)
        {
            wanted = _rounds + 2; // The next one may be under way with old news.
            done = _roundDone.Task;
        }

        while (true)
        {
            _look.Set();
            await done.WaitAsync(cancellation);
            lock (_lock)
            {
                if (_rounds >= wanted)
                {
                    return;
                }

                done = _roundDone.Task;
            }
        }
    }

    /// <summary>The loop; runs until it is cancelled and leaves the brick process alone.</summary>
    public Task RunAsync(CancellationToken cancellation) => _process.SuperviseAsync(
        LookAsync,
        async (pauseMs, cancelled) =>
        {
            EndRound();
            await _look.WaitAsync(_seams.Scheduler, pauseMs, cancelled);
        },
        cancellation);

    private static string LogOf(DaemonOptions options) => Path.Combine(options.LogDirectory, "brick.log");

    private static ServedProcessSpec SpecOf(DaemonOptions options) => new()
    {
        Name = "brick",
        Room = "bricks",
        ListOption = "--bricks",
        ListPath = options.BrickList,
        PidFile = options.BrickPidFile,
        LogFile = LogOf(options),
        Executable = options.Executable,
        MoreOptions =
        [
            "--admin-socket", BrickAdmin.BrickAdminProgram.SocketOf(options.WorkingDirectory),
            "--state-socket", DaemonOptions.StateSocketOf(options.WorkingDirectory),
        ],
        PortBase = options.BrickPortBase,
    };

    /// <summary>One comparison of what should be and what is; answers how long to wait for the next.</summary>
    private async Task<long> LookAsync(CancellationToken cancellation)
    {
        var revision = _view.Revision;
        var wanted = WantedBricks();
        NoteLeaving(wanted);
        if (_files.Update(wanted))
        {
            _process.WantHangUp();
        }

        var held = HeldList.Read(_options.BrickList); // Only now: it is an answer to the list.
        NoteHeld(wanted, held);

        _online.IntersectWith(wanted.Select(w => w.Brick.Path));
        NoticeDeath();
        if (wanted.Count == 0)
        {
            await EndProcessAsync(cancellation);
            _leaving.Clear();
            PublishStates(wanted, revision);
            return Limits.SupervisePeriodMs;
        }

        await _process.StartIfDueAsync(cancellation);
        HangUpIfDue();
        await ProbeAsync(wanted, cancellation);
        await LookAtLeavingAsync(held, cancellation);
        _process.RetryWhatDoesNotServe(_online.Count, wanted.Count);
        PublishStates(wanted, revision);
        return _process.IsRunning && _seams.Clock.MonotonicNs < Volatile.Read(ref _suspectUntilNs)
            ? Limits.SuspectPeriodMs
            : _online.Count == wanted.Count && _leaving.Count == 0 ? Limits.SupervisePeriodMs : Limits.ProbePeriodMs;
    }

    /// <summary>
    /// Bricks that clients could use and that are not wanted any more: until the process has let go of them.
    /// </summary>
    private void NoteLeaving(List<WantedBrick> wanted)
    {
        var paths = wanted.Select(w => w.Brick.Path).ToHashSet(StringComparer.Ordinal);
        bool IsLeaving(string path) => _online.Contains(path) && !paths.Contains(path);
        foreach (var before in _wantedBefore.Where(b => IsLeaving(b.Brick.Path)))
        {
            _leaving[before.Brick.Path] = new Leaving(before, _seams.Clock.MonotonicNs, WasOnline: true);
        }

        foreach (var path in paths)
        {
            _leaving.Remove(path);
        }

        _wantedBefore = wanted;
    }

    /// <summary>
    /// Bricks that the process has in hands and that are not wanted, whoever told it to serve them: they need not
    /// have come online, and may be from before this daemon.
    /// </summary>
    private void NoteHeld(List<WantedBrick> wanted, IReadOnlySet<string>? held)
    {
        if (!_process.IsRunning || held is null)
        {
            return;
        }

        var ops = _view.Ops.Rows.Values.Select(o => o.Value.Planned);
        foreach (var volume in _view.Volumes.Rows.Values.Select(v => v.Value).Concat(ops))
        {
            foreach (var brick in volume.Bricks.Where(
                b => b.Node == _node.Id && held.Contains(_files.VolfileOf(volume, b))))
            {
                if (!_leaving.ContainsKey(brick.Path) && wanted.All(w => w.Brick.Path != brick.Path))
                {
                    _leaving[brick.Path] = new Leaving(
                        new WantedBrick(volume, brick), _seams.Clock.MonotonicNs, WasOnline: false);
                    _process.WantHangUp(); // Its list has been another one for a while, perhaps.
                }
            }
        }
    }

    private async Task LookAtLeavingAsync(IReadOnlySet<string>? held, CancellationToken cancellation)
    {
        foreach (var (path, leaving) in _leaving.ToList())
        {
            var (volume, brick) = leaving.Brick;
            var isHeld = held?.Contains(_files.VolfileOf(volume, brick));
            if (!_process.IsRunning || !(isHeld ?? await IsServedAsync(volume, brick, cancellation)))
            {
                _leaving.Remove(path);
            }
            else if (_seams.Clock.MonotonicNs - leaving.SinceNs > Limits.BrickStopMs * 1_000_000)
            {
                Log.Error("bricks", "a brick of a stopped volume still serves", ("brick", path));
                _leaving.Remove(path);
                _process.WantHangUp();
            }
        }
    }

    private async Task<bool> IsServedAsync(Volume volume, Brick brick, CancellationToken cancellation) =>
        await _probe.ProbeAsync(_process.Port, volume, ExportOf(volume, brick), cancellation) == ProbeResult.Serving;

    private void HangUpIfDue()
    {
        if (_process.HangUpIfDue())
        {
            _refusals.Clear(); // Every brick is tried again, with an outcome of its own.
        }
    }

    private List<WantedBrick> WantedBricks()
    {
        // A change that ends a command, and may make a volume started, comes to volumes first, then to ops and parts:
        // who looks in this order sees a brick in the command, or in the volume, or in both.
        var parts = _view.Parts.Rows;
        var ops = _view.Ops.Rows;
        var wanted = new List<WantedBrick>();
        foreach (var (volume, _) in _view.Volumes.Rows.Values)
        {
            if (volume.Status == VolumeStatus.Started && _quorum.Allows(volume))
            {
                wanted.AddRange(volume.Bricks
                    .Where(b => b.Node == _node.Id && !b.IsReset && !IsBeingRenewed(volume, b))
                    .Select(b => new WantedBrick(volume, b)));
            }
        }

        foreach (var (op, _) in ops.Values)
        {
            AddBricksOf(op, parts.TryGetValue($"{op.Id}/{_node.Id}", out var part) ? part.Value : null, wanted);
        }

        return wanted;
    }

    /// <summary>
    /// A command is about to give its directory to a new member, or takes that back: until the command is over the
    /// directory is not the brick's.
    /// </summary>
    private bool IsBeingRenewed(Volume volume, Brick brick) => _view.Ops.Rows.Values.Any(
        o => o.Value.Kind == OpKind.ReplaceBrick && o.Value.Volume == volume.Name
            && o.Value.Planned.Bricks.Any(
                b => o.Value.NewBricks.Contains(b.Index) && b.Index != brick.Index && b.Node == brick.Node
                    && b.Path == brick.Path));

    /// <summary>Bricks that a command has started or is starting.</summary>
    private void AddBricksOf(Op op, OpPart? part, List<WantedBrick> wanted)
    {
        if (op.Phase == OpPhase.Do
            && part is { State: OpPartState.Serving or OpPartState.Done }
            && (op.Kind == OpKind.Start || op.Planned.Status == VolumeStatus.Started))
        {
            wanted.AddRange(op.Planned.Bricks
                .Where(b => b.Node == _node.Id && op.NewBricks.Contains(b.Index))
                .Where(b => wanted.All(w => w.Brick.Path != b.Path))
                .Select(b => new WantedBrick(op.Planned, b)).ToList());
        }
    }

    private void NoticeDeath()
    {
        if (_process.NoticeDeath())
        {
            ForgetProcess();
            ProcessDied?.Invoke();
        }
    }

    private void ForgetProcess()
    {
        _refusals.Clear();
        _online.Clear();
    }

    private async Task EndProcessAsync(CancellationToken cancellation)
    {
        if (await _process.EndAsync(cancellation))
        {
            ForgetProcess();
        }
    }

    private async Task ProbeAsync(List<WantedBrick> wanted, CancellationToken cancellation)
    {
        foreach (var brick in wanted)
        {
            if (!_process.IsRunning || _online.Contains(brick.Brick.Path))
            {
                continue;
            }

            var result = await _probe.ProbeAsync(
                _process.Port, brick.Volume, ExportOf(brick.Volume, brick.Brick), cancellation);
            if (result != ProbeResult.Unreachable)
            {
                _process.Answered();
            }

            if (result == ProbeResult.Serving)
            {
                _online.Add(brick.Brick.Path);
                Log.Information(
                    "bricks", "brick is online", ("volume", brick.Volume.Name), ("brick", brick.Brick.Path));
            }
            else if (result == ProbeResult.Unreachable)
            {
                return; // The others are in the same process.
            }
        }
    }

    /// <summary>
    /// Where there are journals the door is shut as long as no member leads, and the members need their ports.
    /// </summary>
    private static string ExportOf(Volume volume, Brick brick) => volume.HasJournals ? brick.MemberExport : brick.Path;

    private void PublishStates(List<WantedBrick> wanted, Revision revision)
    {
        var (pid, port) = (_process.Pid, _process.Port);
        var late = _process.IsReached && _process.QuietNs > Limits.BrickLateMs * 1_000_000;
        var states = ImmutableDictionary.CreateBuilder<string, BrickState>(StringComparer.Ordinal);
        var runs = new List<BrickRun>();
        foreach (var (volume, brick) in wanted)
        {
            var online = _online.Contains(brick.Path);
            var refused = late && !online;
            states[brick.Path] = new BrickState(port, pid, online, refused);
            if (volume.HasJournals)
            {
                states[brick.MemberExport] = states[brick.Path];
            }

            var reason = refused ? ReasonOf(volume, brick) : null;
            runs.Add(new BrickRun(
                volume.Name, brick.Path, online, refused, reason, online ? port : 0, online ? pid : 0));
        }

        runs.AddRange(_leaving.Values.Select(l => new BrickRun(
            l.Brick.Volume.Name, l.Brick.Brick.Path, l.WasOnline, Refused: false, Reason: null,
            l.WasOnline ? port : 0, l.WasOnline ? pid : 0)));
        lock (_lock)
        {
            _states = states.ToImmutable();
            _run = new NodeRun(_node.Id, revision.Value, _quorum.IsHeld, runs);
        }

        RunChanged?.Invoke();
    }

    /// <summary>Why a brick is refused, read from the log once for every time that it was tried.</summary>
    private string? ReasonOf(Volume volume, Brick brick)
    {
        if (!_refusals.TryGetValue(brick.Path, out var known) && WhyRefused(volume, brick) is { } reason)
        {
            _refusals[brick.Path] = known = reason;
        }

        return known;
    }

    private void EndRound()
    {
        TaskCompletionSource done;
        lock (_lock)
        {
            _rounds++;
            done = _roundDone;
            _roundDone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        done.SetResult();
    }

    private readonly record struct Leaving(WantedBrick Brick, long SinceNs, bool WasOnline);
}
