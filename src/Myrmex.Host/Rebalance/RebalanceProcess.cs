using System;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Graph;
using Myrmex.Management.Tasks;
using Myrmex.Protocol;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host.Rebalance;

/// <summary>
/// One fix of all layouts in this process: threads, graph, walk, reports. When the volume gets another graph meanwhile,
/// the walk begins again with it, as directories already visited have no range on what has come.
/// </summary>
internal sealed class RebalanceProcess : IDisposable
{
    private const long ReportPeriodMs = 1000;
    private const int UpTimeoutMs = 60_000;

    private readonly RebalanceArguments _arguments;
    private readonly LinuxRuntime _runtime;
    private readonly long _startedUnixMs;
    private readonly TaskCompletionSource<string?> _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new(); // Guards _switched; a leaf lock.
    private CancellationTokenSource _switched = new();
    private VolumeClient? _client;
    private GraphHost? _host;
    private LayoutWalk? _walk;

    public RebalanceProcess(RebalanceArguments arguments)
    {
        _arguments = arguments;
        _runtime = new LinuxRuntime(new LinuxRuntimeOptions { Name = "rebalance", Reactors = 1 });
        _startedUnixMs = NowUnixMs();
    }

    /// <summary>
    /// Works until everything is done, or it is cancelled; answers the last state, which is in the status file then.
    /// </summary>
    public ClusterTaskState Run(CancellationToken stop)
    {
        var error = string.Empty;
        ClusterTaskState state;
        using var reports = new Timer(_ => Report(ClusterTaskState.FixLayoutRunning, string.Empty));
        try
        {
            Report(ClusterTaskState.FixLayoutRunning, string.Empty);
            Connect(stop);
            reports.Change(ReportPeriodMs, ReportPeriodMs);
            WalkAsync(stop).GetAwaiter().GetResult();
            var failures = _walk!.Failures; // There was a walk.
            state = failures == 0 ? ClusterTaskState.FixLayoutCompleted : ClusterTaskState.FixLayoutFailed;
            error = failures == 0 ? string.Empty : _walk.LastError;
        }
        catch (OperationCanceledException)
        {
            state = ClusterTaskState.FixLayoutStopped;
        }
        catch (Exception e) when (e is GraphException or IOException)
        {
            (state, error) = (ClusterTaskState.FixLayoutFailed, e.Message);
            Log.Error("rebalance", "the layouts cannot be fixed", ("reason", error));
        }

        using var over = new ManualResetEvent(false);
        reports.Dispose(over);
        over.WaitOne(); // What was being reported must not come after the last report.
        Report(state, error);
        Log.Information(
            "rebalance", "ended",
            ("state", state), ("directories", _walk?.Directories), ("files", _walk?.Files),
            ("failures", _walk?.Failures), ("retries", _walk?.Retries));
        return state;
    }

    public string Dump()
    {
        var dump = new StateDump();
        dump.Section("rebalance", _arguments.Task);
        dump.Put("directories", _walk?.Directories ?? 0);
        dump.Put("waiting", _walk?.Waiting ?? 0);
        dump.Put("files", _walk?.Files ?? 0);
        dump.Put("failures", _walk?.Failures ?? 0);
        return dump + (_host?.Active?.Graph.Dump() ?? string.Empty);
    }

    public void Dispose()
    {
        _client?.Dispose();
        if (_client is null)
        {
            _host?.Stop();
        }

        _runtime.Dispose();
        _switched.Dispose();
    }

    private long NowUnixMs() => _runtime.Seams.Clock.WallNs / 1_000_000;

    /// <summary>Returns when the volume answers. Throws with a text for people when it does not.</summary>
    private void Connect(CancellationToken stop)
    {
        var origin = new GraphOrigin { ProcessName = "rebalance", ProcessId = _runtime.Seams.NewGfid().ToString() };
        if (_arguments.Volfile.Length > 0)
        {
            _host = new GraphHost(Registry.All, _runtime.Seams, id => origin with { GraphId = id });
            _host.Event += OnEvent;
            _host.Switched += OnSwitched;
            _host.Load(File.ReadAllText(_arguments.Volfile, Encoding.UTF8));
        }
        else
        {
            _client = new VolumeClient(
                _runtime.Seams, Registry.All, [_arguments.Server], _arguments.Volume, origin);
            _host = _client.Host;
            _host.Switched += OnSwitched;
            _client.Up += () => _up.TrySetResult(null);
            _client.Failed += reason => _up.TrySetResult(reason);
            _client.Start();
        }

        if (!_up.Task.Wait(UpTimeoutMs, stop))
        {
            throw new IOException($"the volume did not come up within {UpTimeoutMs / 1000} s");
        }

        if (_up.Task.Result is { } problem)
        {
            throw new IOException(problem);
        }
    }

    private void OnEvent(GraphEvent graphEvent)
    {
        if (graphEvent.Kind == GraphEventKind.ChildUp)
        {
            _up.TrySetResult(null);
        }
        else if (graphEvent.Kind == GraphEventKind.AuthenticationFailed)
        {
            _up.TrySetResult($"the volume refused this client: {graphEvent.Text}");
        }
    }

    private void OnSwitched(GraphGeneration generation)
    {
        CancellationTokenSource former;
        lock (_lock)
        {
            former = _switched;
            _switched = new CancellationTokenSource();
        }

        former.Cancel();
    }

    private async Task WalkAsync(CancellationToken stop)
    {
        while (true)
        {
            CancellationToken switched;
            lock (_lock)
            {
                switched = _switched.Token;
            }

            using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, switched);
            var graph = _host!.Active!.Graph; // Up: there is an active graph.
            var walk = new LayoutWalk(graph.Top, graph.SlotCount, _runtime.Seams);
            Volatile.Write(ref _walk, walk);
            try
            {
                await walk.RunAsync(_arguments.Throttle.Parallel, _arguments.Throttle.PauseMs, both.Token);
                return;
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                Log.Information("rebalance", "the volume has another graph, beginning again");
            }
        }
    }

    private void Report(ClusterTaskState state, string error)
    {
        if (_arguments.StatusFile is not { } path)
        {
            return;
        }

        var walk = Volatile.Read(ref _walk);
        var progress = new TaskProgress
        {
            Task = _arguments.Task,
            Pid = Environment.ProcessId,
            State = state,
            Directories = walk?.Directories ?? 0,
            DirectoriesWaiting = walk?.Waiting ?? 0,
            Files = walk?.Files ?? 0,
            Failures = walk?.Failures ?? 0,
            StartedUnixMs = _startedUnixMs,
            UpdatedUnixMs = NowUnixMs(),
            Error = error,
        };
        try
        {
            progress.Write(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error("rebalance", "status cannot be written", ("file", path), ("reason", e.Message));
        }
    }
}
