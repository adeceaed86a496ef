using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Debug;
using Myrmex.Fuse;
using Myrmex.Graph;
using Myrmex.Management.Metrics;
using Myrmex.Protocol;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>A volume and its mount in this process: threads, graph, session, in this order, and down again.</summary>
internal sealed class MountedVolume : IDisposable
{
    private const int PatienceMs = 3_000;

    private readonly MountArguments _arguments;
    private readonly LinuxRuntime _runtime;
    private readonly TaskCompletionSource<string?> _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private VolumeClient? _client;
    private GraphHost? _host;
    private FuseSession? _session;
    private MetricsResponder? _metrics;
    private int _isDumping;

    public MountedVolume(MountArguments arguments)
    {
        _arguments = arguments;
        _runtime = new LinuxRuntime(new LinuxRuntimeOptions { Name = "mount", Reactors = arguments.Fuse.Loops });
    }

    /// <summary>Returns when the mount answers. Throws with a text for the user when it cannot.</summary>
    public void Start()
    {
        _host = _arguments.VolfilePath.Length > 0 ? LoadFile() : Fetch();
        if (!AwaitUp())
        {
            throw new FuseException(
                $"the volume did not come up within {_arguments.MountTimeoutMs / 1000} s "
                + "(are its bricks running? do all its proxies drain?)");
        }

        if (_up.Task.Result is { } problem)
        {
            throw new FuseException(problem);
        }

        CheckRoot();
        _session = new FuseSession(_arguments.Fuse, new GraphHostSource(_host), _runtime.Seams);
        if (_arguments.Metrics is { } address)
        {
            _metrics = new MetricsResponder(_runtime.Seams, address, Metrics);
        }

        _session.Mount(_runtime.Reactors);
    }

    /// <summary>Whoever waits for long is told what for.</summary>
    private bool AwaitUp()
    {
        var patienceMs = Math.Min(PatienceMs, _arguments.MountTimeoutMs);
        if (_up.Task.Wait(patienceMs))
        {
            return true;
        }

        var remaining = (_arguments.MountTimeoutMs - patienceMs) / 1000;
        Console.Error.WriteLine(
            "myrmex mount: the volume is not up yet (its bricks are away, or all its proxies drain); "
            + $"waiting for at most {remaining} s more");
        Log.Warning("mount", "the volume is not up yet", ("mount", _arguments.MountPoint), ("seconds", remaining));
        return _up.Task.Wait(_arguments.MountTimeoutMs - patienceMs);
    }

    public void Unmount() => _session?.Unmount();

    public void WaitForEnd() => _session?.WaitForEnd();

    /// <summary>Writes a state dump beside the log, on a thread of its own; one at a time, others go without.</summary>
    public void WriteDump()
    {
        if (Interlocked.Exchange(ref _isDumping, 1) != 0)
        {
            return;
        }

        _ = Task.Run(() =>
        {
            try
            {
                HostLog.WriteDump("mount", Dump());
            }
            finally
            {
                Volatile.Write(ref _isDumping, 0);
            }
        });
    }

    private string Dump()
    {
        var dump = new StateDump();
        _session?.DumpState(dump);
        dump.Section("memory", "process");
        dump.Put("payload-bytes", PayloadPool.Shared.OutstandingBytes);
        dump.Put("heap-bytes", GC.GetTotalMemory(forceFullCollection: false));
        return dump + (_host?.Active?.Graph.Dump() ?? string.Empty);
    }

    /// <summary>The page of metrics of this process.</summary>
    public string Metrics()
    {
        var text = new MetricsText();
        ProcessMetrics.AddTo(text);
        if (_session is { } session)
        {
            text.Add(MetricTable.FuseLocalGetattrs, session.LocalGetattrs);
            foreach (var (opcode, count) in session.RequestCounts())
            {
                text.Add(MetricTable.FuseRequests, count, opcode.ToLowerInvariant());
            }
        }

        foreach (var stats in _host?.Active?.Graph.Translators.OfType<IoStats>() ?? [])
        {
            IoStatsMetrics.AddTo(text, stats);
        }

        return text.ToString();
    }

    public void Dispose()
    {
        _metrics?.Dispose();
        _session?.Dispose();
        _client?.Dispose();
        if (_client is null)
        {
            _host?.Stop();
        }

        _runtime.Dispose();
    }

    private GraphHost Fetch()
    {
        var origin = new GraphOrigin
        {
            ProcessName = "fuse",
            SubDirectory = _arguments.SubDirectory,
            ProcessId = NewProcessId(),
        };
        _client = new VolumeClient(
            _runtime.Seams, Registry.All, _arguments.Servers, _arguments.VolfileKey, origin, Environment.ProcessId);
        _client.StateDumpAsked += WriteDump;
        _client.Up += () => _up.TrySetResult(null);
        _client.Failed += reason => _up.TrySetResult(reason);
        _client.Start();
        return _client.Host;
    }

    private GraphHost LoadFile()
    {
        var origin = new GraphOrigin { ProcessName = "fuse", ProcessId = NewProcessId() };
        var host = new GraphHost(Registry.All, _runtime.Seams, id => origin with { GraphId = id });
        host.Event += graphEvent =>
        {
            if (graphEvent.Kind == GraphEventKind.ChildUp)
            {
                _up.TrySetResult(null);
            }
            else if (graphEvent.Kind == GraphEventKind.AuthenticationFailed)
            {
                _up.TrySetResult($"the volume refused this client: {graphEvent.Text}");
            }
        };
        host.Load(File.ReadAllText(_arguments.VolfilePath));
        return host;
    }

    private string NewProcessId()
    {
        Span<byte> text = stackalloc byte[36];
        _runtime.Seams.NewGfid().Format(text);
        return System.Text.Encoding.ASCII.GetString(text);
    }

    /// <summary>The first lookup of the root: a volume that cannot answer it is not worth a mount.</summary>
    private void CheckRoot()
    {
        var call = Call.Internal(pid: 0);
        var fop = new LookupFop { Gfid = Gfid.Root };
        var lookup = _host!.Active!.Graph.Top.Lookup(in fop, call).AsTask();
        if (!lookup.Wait(_arguments.MountTimeoutMs))
        {
            throw new FuseException("the volume does not answer a lookup of its root");
        }

        var error = lookup.Result.Error;
        lookup.Result.Release();
        call.Release();
        if (error != Errno.Ok)
        {
            throw new FuseException($"the volume's root cannot be read: {error}");
        }
    }
}
