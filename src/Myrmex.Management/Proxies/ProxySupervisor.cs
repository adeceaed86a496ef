using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.Bricks;
using Myrmex.Management.Cluster;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Proxies;

/// <summary>
/// Keeps one proxy running as long as this node should serve a started volume to thin clients. Like
/// <see cref="BrickSupervisor"/>, one loop owns its state and compares what should be with what is; the proxy never
/// ends with the daemon. It is a launcher, which starts the process that serves again when that dies, with or without a
/// daemon.
/// </summary>
internal sealed class ProxySupervisor
{
    private readonly ClusterView _view;
    private readonly ProxyPlacement _placement;
    private readonly LocalNode _node;
    private readonly IBrickProbe _probe;
    private readonly IProcessControl _processes;
    private readonly Seams _seams;
    private readonly DaemonOptions _options;
    private readonly ServedFiles _files;
    private readonly ServedProcess _process;
    private readonly Signal _look = new();
    private readonly HashSet<string> _online = new(StringComparer.Ordinal); // Owned by the loop.
    private readonly Dictionary<string, ProxyDrainState> _drains = new(StringComparer.Ordinal); // Owned by the loop.
    private int? _upgrades; // How often administrators have asked for one, as far as that was done; owned by the loop.
    private volatile IReadOnlyList<ProxyRun> _runs = [];
    private volatile HashSet<string> _ports = []; // Exports with a port; replaced as a whole.

    public ProxySupervisor(
        DaemonOptions options, ClusterView view, ProxyPlacement placement, LocalNode node, IProcessControl processes,
        IBrickProbe probe, IBrickPort portStore, Seams seams)
    {
        _options = options;
        _view = view;
        _placement = placement;
        _node = node;
        _processes = processes;
        _probe = probe;
        _seams = seams;
        _files = new ServedFiles(options.ProxyVolfileDirectory, options.ProxyList);
        _process = new ServedProcess(SpecOf(options), processes, portStore, seams);
        view.Volumes.Changed += _ => _look.Set();
        view.Nodes.Changed += _ => _look.Set();
    }

    /// <summary>Asks the process who its clients are; without it nobody knows.</summary>
    public IBrickAdmin? Admin { get; init; }

    private bool IsDraining => _view.NodeOf(_node.Id) is { DrainsProxy: true };

    /// <summary>Raised when <see cref="Runs"/> is another. Handlers must not wait.</summary>
    public event Action? Changed;

    /// <summary>The volumes that should be served here, as they are.</summary>
    public IReadOnlyList<ProxyRun> Runs => _runs;

    /// <summary>
    /// The port for an export's name; 0 when it is not served. While the process that serves it is started again who
    /// connects has to wait for that and for nothing else.
    /// </summary>
    public int PortOf(string export) => _ports.Contains(export) ? _process.Port : 0;

    /// <summary>The loop; runs until it is cancelled and leaves the process alone.</summary>
    public Task RunAsync(CancellationToken cancellation) =>
        _process.SuperviseAsync(LookAsync, WaitAsync, cancellation);

    private static ServedProcessSpec SpecOf(DaemonOptions options) => new()
    {
        Name = "proxy",
        Room = "proxy",
        ListOption = "--volumes",
        ListPath = options.ProxyList,
        PidFile = options.ProxyPidFile,
        LogFile = Path.Combine(options.LogDirectory, "proxy.log"),
        Executable = options.Executable,
        MoreOptions =
        [
            "--admin-socket", BrickAdminProgram.ProxySocketOf(options.WorkingDirectory),
            "--hand-over", BrickAdminProgram.ProxyHandOverSocketOf(options.WorkingDirectory),
            "--worker-file", options.ProxyWorkerFile,
        ],
        WorkerFile = options.ProxyWorkerFile,
        PortBase = options.BrickPortBase + 1, // The first one is for bricks, also while they do not run.
        RestartPauseMsMin = 0, // Its clients wait, and it has no disk that could be broken.
        RestartCalmMs = Limits.ProxyCalmMs,
    };

    /// <summary>One comparison of what should be and what is; answers how long to wait for the next.</summary>
    private async Task<long> LookAsync(CancellationToken cancellation)
    {
        var wanted = _view.Volumes.Rows.Values.Select(r => r.Value)
            .Where(v => v.Status == VolumeStatus.Started && _placement.IsOn(v, _node.Id)).ToList();
        if (_files.Update([.. wanted.Select(FileOf)]))
        {
            _process.WantHangUp();
        }

        _online.IntersectWith(wanted.Select(v => v.Name));
        var hasDied = _process.NoticeDeath();
        if (_process.NoticeServer() || hasDied)
        {
            _online.Clear();
        }

        if (wanted.Count == 0)
        {
            await _process.EndAsync(cancellation);
            Publish([]);
            return Limits.SupervisePeriodMs;
        }

        Publish(wanted);
        await _process.StartIfDueAsync(cancellation);
        _process.HangUpIfDue();
        await ProbeAsync(wanted, cancellation);
        _process.RetryWhatDoesNotServe(_online.Count, wanted.Count);
        UpgradeIfAsked();
        _process.NoticeUpgradeFailure();
        await CountClientsAsync(cancellation);
        Publish(wanted);
        return _online.Count == wanted.Count && _drains.Count == 0 ? Limits.SupervisePeriodMs : Limits.ProbePeriodMs;
    }

    private ServedFile FileOf(Volume volume) => new(
        Path.Combine(_options.ProxyVolfileDirectory, $"{volume.Name}.vol"),
        ProxyVolfile.Build(volume, _options.Port, IsDraining, _node.Id).ToString());

    private async Task ProbeAsync(List<Volume> wanted, CancellationToken cancellation)
    {
        foreach (var volume in wanted.Where(v => !_online.Contains(v.Name)))
        {
            if (_process.Pid == 0)
            {
                return;
            }

            var export = ProxyVolfile.ExportOf(volume.Name);
            var result = await _probe.ProbeAsync(_process.Port, volume, export, cancellation);
            if (result == ProbeResult.Unreachable)
            {
                return; // The others are in the same process.
            }

            _process.Answered();
            if (result == ProbeResult.Serving)
            {
                _online.Add(volume.Name);
                Log.Information("proxy", "volume is served to thin clients", ("volume", volume.Name));
            }
        }
    }

    /// <summary>What was asked for while no daemon ran is not done: the process may be a new one by then.</summary>
    private void UpgradeIfAsked()
    {
        var asked = _view.NodeOf(_node.Id)?.ProxyUpgrades ?? 0;
        if (_upgrades is { } done && done != asked && _process.IsRunning)
        {
            _process.Upgrade(); // The launcher does it, and says how it went.
        }
        else if (_upgrades is null)
        {
            _process.ForgetUpgradeFailure(); // Nobody knows which one it was.
        }

        _upgrades = asked;
    }

    /// <summary>Of a proxy that drains it is known who is left.</summary>
    private async Task CountClientsAsync(CancellationToken cancellation)
    {
        _drains.Clear();
        if (!IsDraining || Admin is not { } admin)
        {
            return;
        }

        foreach (var volume in _online)
        {
            try
            {
                var clients = (await admin.ClientsAsync(ProxyVolfile.ExportOf(volume), cancellation)).Clients;
                _drains[volume] = new ProxyDrainState(
                    clients.Count(c => c.FollowsDrain && c.IsInUse), clients.Count(c => !c.FollowsDrain));
            }
            catch (BrickAdminException e)
            {
                Log.Warning("proxy", "the clients of the proxy are not known", ("reason", e.Message));
            }
        }
    }

    private void Publish(List<Volume> wanted)
    {
        var failed = _process.UpgradeFailure is { } reason ? new FailedUpgrade(_upgrades ?? 0, reason) : null;
        // What has been online keeps its port as long as the launcher has the socket.
        _ports = [
            .. wanted.Select(v => v.Name)
                .Where(v => _online.Contains(v) || (_process.IsRunning && _ports.Contains(ProxyVolfile.ExportOf(v))))
                .Select(ProxyVolfile.ExportOf),
        ];
        var runs = wanted.Select(v => _online.Contains(v.Name)
            ? new ProxyRun(v.Name, Online: true, _process.Port, _process.Pid)
            {
                Drain = _drains.GetValueOrDefault(v.Name),
                FailedUpgrade = failed,
            }
            : new ProxyRun(v.Name, Online: false, 0, 0) { FailedUpgrade = failed }).ToList();
        if (!runs.SequenceEqual(_runs))
        {
            _runs = runs;
            Changed?.Invoke();
        }
    }

    /// <summary>Until there is news or the time is over; the death of the process is news.</summary>
    private async Task WaitAsync(long pauseMs, CancellationToken cancellation)
    {
        for (var left = pauseMs; left > 0; left -= Limits.ProxyDeathMs)
        {
            var slice = Math.Min(left, Limits.ProxyDeathMs);
            if (await _look.WaitAsync(_seams.Scheduler, slice, cancellation)
                || (_process.Identity is { } process && !_processes.IsAlive(process)) || _process.IsServerAnother
                || _process.HasUpgradeNews)
            {
                return;
            }
        }
    }
}
