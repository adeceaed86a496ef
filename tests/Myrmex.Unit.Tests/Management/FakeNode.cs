using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.Bricks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// The processes of a node as the supervisor sees them, and the bricks in them: a process serves what its list says, from
/// its start or its last hang-up signal on.
/// </summary>
internal sealed class FakeProcesses : IProcessControl, IBrickProbe
{
    private readonly Lock _lock = new();
    private readonly List<string> _log = [];
    private HashSet<string> _served = [];
    private ProcessIdentity? _running;
    private string _list = string.Empty;
    private int _started;
    private HashSet<string> _proxied = [];
    private ProcessIdentity? _proxy; // The launcher.
    private ProcessIdentity? _proxyWorker;
    private string _proxyList = string.Empty;

    public int ProxyPort { get; private set; }

    public ProcessIdentity? Proxy
    {
        get
        {
            lock (_lock)
            {
                return _proxy;
            }
        }
    }

    /// <summary>The process of the proxy that serves.</summary>
    public ProcessIdentity? ProxyWorker
    {
        get
        {
            lock (_lock)
            {
                return _proxyWorker;
            }
        }
    }

    /// <summary>The worker of a launcher that has died takes its time.</summary>
    public bool WorkerStays { get; set; }

    /// <summary>What the proxy has been told to serve.</summary>
    public IReadOnlyList<string> Proxied
    {
        get
        {
            lock (_lock)
            {
                return [.. _proxied.Order()];
            }
        }
    }

    /// <summary>Bricks that the process cannot serve.</summary>
    public HashSet<string> Broken { get; } = [];

    /// <summary>What is taken out of the list stays in hands until <see cref="LetGo"/>.</summary>
    public bool IsSlow { get; set; }

    /// <summary>It does not say what it has in hands.</summary>
    public bool IsOfBefore { get; set; }

    /// <summary>Starts fail at once.</summary>
    public bool DiesAtStart { get; set; }

    public int Starts => _started;

    public int Port { get; private set; }

    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_lock)
            {
                return [.. _log];
            }
        }
    }

    public ProcessIdentity? Running
    {
        get
        {
            lock (_lock)
            {
                return _running;
            }
        }
    }

    public ProcessIdentity Start(IReadOnlyList<string> command, string outputFile)
    {
        lock (_lock)
        {
            if (command.Contains("proxy"))
            {
                return StartProxy(command);
            }

            Assert(_running is null, "two brick processes");
            _started++;
            _log.Add("start");
            var identity = new ProcessIdentity(1000 + _started, _started, "boot");
            Port = int.Parse(command[command.ToList().IndexOf("--port") + 1]);
            _list = command[command.ToList().IndexOf("--bricks") + 1];
            _running = DiesAtStart ? null : identity;
            Reload();
            return identity;
        }
    }

    public bool IsAlive(ProcessIdentity process) => Running == process || Proxy == process || ProxyWorker == process;

    public void Signal(ProcessIdentity process, int signal)
    {
        lock (_lock)
        {
            if (_proxyWorker == process)
            {
                _log.Add("kill worker");
                _proxyWorker = null;
                return;
            }

            if (_proxy == process)
            {
                SignalProxy(signal);
                return;
            }

            if (_running != process)
            {
                return;
            }

            _log.Add(signal == Sys.SignalHangUp ? "hang up" : signal == Sys.SignalTerminate ? "terminate" : "kill");
            if (signal == Sys.SignalHangUp)
            {
                Reload();
            }
            else
            {
                _running = null;
            }
        }
    }

    public ProcessIdentity? Find(string argument, string value) => argument == "--bricks" ? Running : Proxy;

    public ProcessIdentity? FindChild(ProcessIdentity parent, string pidFile)
    {
        lock (_lock)
        {
            return parent == _proxy && pidFile.EndsWith("/proxy-worker.pid") ? _proxyWorker : null;
        }
    }

    /// <summary>The launcher dies, and what it has started with it.</summary>
    public void KillProxy()
    {
        lock (_lock)
        {
            _proxy = null;
            _proxyWorker = WorkerStays ? _proxyWorker : null;
        }
    }

    /// <summary>The process that serves dies; the launcher does nothing yet.</summary>
    public void KillProxyWorker()
    {
        lock (_lock)
        {
            _proxyWorker = null;
        }
    }

    /// <summary>The launcher starts a process, in the place of another one or not.</summary>
    public void StartProxyWorker()
    {
        lock (_lock)
        {
            _proxyWorker = new ProcessIdentity(7000 + ++_started, _started, "boot");
            ReloadProxy();
        }
    }

    private ProcessIdentity StartProxy(IReadOnlyList<string> command)
    {
        Assert(_proxy is null && _proxyWorker is null, "two proxies");
        _started++;
        _log.Add("start proxy");
        ProxyPort = int.Parse(command[command.ToList().IndexOf("--port") + 1]);
        _proxyList = command[command.ToList().IndexOf("--volumes") + 1];
        _proxy = new ProcessIdentity(5000 + _started, _started, "boot");
        StartProxyWorker();
        return _proxy.Value;
    }

    private void SignalProxy(int signal)
    {
        _log.Add(signal switch
        {
            Sys.SignalHangUp => "hang up proxy",
            Sys.SignalUser2 => "upgrade proxy",
            _ => "terminate proxy",
        });
        if (signal == Sys.SignalHangUp)
        {
            ReloadProxy();
        }
        else if (signal != Sys.SignalUser2)
        {
            _proxy = _proxyWorker = null;
        }
    }

    private void ReloadProxy() =>
        _proxied = [.. File.ReadAllLines(_proxyList).Select(l => Path.GetFileNameWithoutExtension(l))];

    /// <summary>The process dies by itself.</summary>
    public void Die()
    {
        lock (_lock)
        {
            _running = null;
        }
    }

    public void LetGo()
    {
        lock (_lock)
        {
            IsSlow = false;
            Reload();
        }
    }

    public Task<ProbeResult> ProbeAsync(int port, Volume volume, string export, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (export == ProxyVolfile.ExportOf(volume.Name))
            {
                return Task.FromResult(
                    _proxyWorker is null || port != ProxyPort ? ProbeResult.Unreachable
                    : _proxied.Contains(volume.Name) ? ProbeResult.Serving : ProbeResult.NotServing);
            }

            var path = export.EndsWith(Myrmex.Volumes.Brick.MemberSuffix)
                ? export[..^Myrmex.Volumes.Brick.MemberSuffix.Length] : export;
            return Task.FromResult(
                _running is null || port != Port ? ProbeResult.Unreachable
                : _served.Contains(path) && !Broken.Contains(path) ? ProbeResult.Serving
                : ProbeResult.NotServing);
        }
    }

    private static void Assert(bool condition, string text)
    {
        if (!condition)
        {
            throw new InvalidOperationException(text);
        }
    }

    private void Reload()
    {
        _served = [];
        var paths = File.ReadAllLines(_list);
        if (!IsOfBefore)
        {
            HeldList.Write(_list, IsSlow ? paths.Union(HeldList.Read(_list) ?? new HashSet<string>()) : paths);
        }

        foreach (var path in paths)
        {
            var directory = File.ReadAllLines(path).First(l => l.Contains("option directory ")).Trim().Split(' ')[2];
            _served.Add(directory);
        }
    }
}

/// <summary>A port that is always free, kept in memory.</summary>
internal sealed class FakePort : IBrickPort
{
    public int Saved { get; set; }

    public bool CurrentIsTaken { get; set; }

    public Task<int> LoadAsync(CancellationToken cancellation) => Task.FromResult(Saved);

    public Task SaveAsync(int port, CancellationToken cancellation)
    {
        Saved = port;
        return Task.CompletedTask;
    }

    public int Choose(int current, int first) => current > 0 && !CurrentIsTaken ? current : current > 0 ? current + 1 : first;
}

/// <summary>
/// The inside of a daemon over fake processes: a whole session of it, and a way to kill and start it
/// again. Directories are real and lie on a file system with trusted attributes that is not the root's.
/// </summary>
internal sealed class FakeNode : IAsyncDisposable
{
    public static readonly NodeId Id = Volumes.SampleVolumes.Node;

    private CancellationTokenSource _stop = new();
    private Task _loops = Task.CompletedTask;

    /// <summary>Which node of the cluster this is.</summary>
    public NodeId NodeId { get; init; } = Id;

    public string Name { get; init; } = "n";

    public NodeRecord Record => new()
    {
        Id = NodeId,
        Names = [Name],
        HostName = Name,
        Fingerprint = "",
        PublicKey = "",
        JoinedUnixMs = 0,
        Sequence = 1,
    };

    public string Root { get; } = Path.Combine("/dev/shm", $"myrmex-unit-{Guid.NewGuid():N}");

    public IStateStore Store { get; set; } = new MemoryStore(LinuxClock.Shared);

    public FakeProcesses Processes { get; } = new();

    public FakePort Port { get; } = new();

    public FakePort ProxyPort { get; } = new();

    public DaemonSession Session { get; private set; } = null!; // Set by StartAsync.

    public VolumeCatalog Catalog => Session.Catalog;

    public BrickSupervisor Supervisor => Session.Supervisor;

    public VolumeCommands Commands => Session.Commands;

    public DaemonOptions Options => new()
    {
        WorkingDirectory = Path.Combine(Root, "state"),
        Executable = ["myrmex"],
    };

    public string Brick(int number) => Path.Combine(Root, $"b{number}");

    public async Task<FakeNode> StartAsync()
    {
        Directory.CreateDirectory(Root);
        Daemon.MakeDirectories(Options);
        _stop = new CancellationTokenSource();
        var instance = Guid.NewGuid().ToString();
        var life = new NodeLife(Environment.ProcessId, instance, "test", StartedUnixMs: 0);
        var presence = new NodeLifeKeeper(Store, NodeId, life, RealTime.Seams);
        var view = new ClusterView(Store, RealTime.Seams.Scheduler);
        Session = new DaemonSession(
            Options, Store, view, new ClusterWriter(Store, view, RealTime.Seams, patienceMs: 0), presence,
            new LocalNode(NodeId, LinuxClock.Shared), instance, Processes, Processes, Port, ProxyPort, RealTime.Seams);
        await Coordination.StoreAccess.PutAsync(Store, NodeKeys.Node(NodeId), Record.ToBytes());
        await view.LoadAsync(_stop.Token);
        _loops = Task.WhenAll([.. Session.Run(_stop.Token), presence.RunAsync(_stop.Token)]);
        await view.WaitAsync(() => view.IsAlive(NodeId), 5_000, RealTime.Seams, _stop.Token);
        return this;
    }

    /// <summary>Ends when something has come to pass; fails after 20 s. It is looked at once a time.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        const int PeriodMs = 20;
        const int PeriodsMax = 1_000;
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < PeriodsMax, "it has not come to pass");
            await Task.Delay(PeriodMs);
        }
    }

    /// <summary>The daemon dies; processes and the store stay.</summary>
    public async Task KillAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _loops;
        }
        catch (Exception e) when (e is OperationCanceledException or StateStoreException)
        {
            // That is how loops end.
        }
    }

    public Task<Volume> CreateAsync(string name, params int[] bricks) => Commands.CreateAsync(
        new CreateRequest(name, [.. bricks.Select(b => $"localhost:{Brick(b)}")]), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _stop.Dispose();
        if (Directory.Exists(Root))
        {
            Directory.Delete(Root, recursive: true);
        }
    }
}
