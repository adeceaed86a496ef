using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex brick</c> and <c>myrmex proxy</c>: a process that serves all that a list names on one port. SIGHUP reads
/// the list again, SIGUSR1 writes a state dump beside the log, SIGTERM ends it. One that has a launcher begins as that
/// (see <see cref="Launcher"/>) and serves when it is started as its worker.
/// </summary>
internal sealed class ServingCommand
{
    /// <summary>SIGUSR1, which .NET does not name.</summary>
    private const PosixSignal DumpSignal = (PosixSignal)10;

    private const int AdminTries = 100;
    private const int AdminPauseMs = 20;

    private readonly string _name;
    private readonly bool _isLaunched;
    private readonly Func<string, VolfileDocument, Seams, Action<string>, IServed> _start;

    private readonly Option<int> _port = new("--port")
    {
        Description = "port to listen on (0 lets the system choose)",
        DefaultValueFactory = _ => 49152,
    };

    private readonly Option<string> _bind = new("--bind")
    {
        Description = "address to listen on",
        DefaultValueFactory = _ => "0.0.0.0",
    };

    private readonly Option<string> _list;

    private readonly Option<string?> _logFile = new("--log-file") { Description = "log; standard error by default" };

    private readonly Option<LogLevel> _level = new("--log-level") { DefaultValueFactory = _ => LogLevel.Information };

    private readonly Option<string?> _pidFile = new("--pid-file") { Description = "file for the process id" };

    private readonly Option<int> _reactors = new("--reactors")
    {
        Description = "network loops; 0 = by the number of cores",
    };

    private readonly Option<int> _workers = new("--workers")
    {
        Description = "threads for work that may block; 0 = default",
    };

    private readonly Option<string?> _adminSocket = new("--admin-socket")
    {
        Description = "unix socket for the questions of the daemon",
    };

    private readonly Option<string?> _stateSocket = new("--state-socket")
    {
        Description = "unix socket at which the daemon lets bricks use the state of the cluster",
    };

    private readonly Option<string?> _handOver = new("--hand-over")
    {
        Description = "unix socket at which a new process may take everything over",
    };

    private readonly Option<bool> _takeOver = new("--take-over")
    {
        Description = "begin by taking over from the process at the --hand-over socket",
        Hidden = true,
    };

    private readonly Option<string?> _workerFile = new("--worker-file")
    {
        Description = "file for the id of the process that serves; it names none while that is started again",
    };

    private readonly Option<int> _listener = new(Launcher.ListenerOption)
    {
        DefaultValueFactory = _ => -1,
        Hidden = true,
    };

    private readonly Option<int> _launcher = new(Launcher.LauncherOption) { Hidden = true };

    private readonly Option<int> _worker = new(Launcher.WorkerOption) { Hidden = true };

    /// <param name="name">Name of the command.</param>
    /// <param name="list">The option that names the list.</param>
    /// <param name="start">Starts serving by a volume file.</param>
    /// <param name="isLaunched">A launcher keeps the listening socket, whatever becomes of who serves.</param>
    public ServingCommand(
        string name, string list, Func<string, VolfileDocument, Seams, Action<string>, IServed> start,
        bool isLaunched = false)
    {
        _name = name;
        _isLaunched = isLaunched;
        _start = start;
        _list = new Option<string>(list)
        {
            Description = "file with the paths of volume files, one a line",
            Required = true,
        };
    }

    public int Run(string[] args)
    {
        var root = new RootCommand($"Serves what the list {_list.Name} names.")
        {
            _port, _bind, _list, _logFile, _level, _pidFile, _reactors, _workers, _adminSocket, _stateSocket,
            _handOver,
        };
        foreach (var option in _isLaunched ? (Option[])[_takeOver, _workerFile, _listener, _launcher, _worker] : [])
        {
            root.Add(option);
        }

        root.SetAction(o => _isLaunched && o.GetValue(_launcher) == 0 ? Launch(o, args) : Serve(o));
        return root.Parse(args).Invoke();
    }

    private int Launch(ParseResult options, string[] args)
    {
        using var log = HostLog.Open(options.GetValue(_logFile), options.GetValue(_level));
        if (options.GetValue(_listener) is var listener && listener < 0)
        {
            _ = File.ReadAllLines(options.GetRequiredValue(_list)); // What cannot work is told at once.
            listener = Launcher.Listen(new LinkAddress(options.GetRequiredValue(_bind), options.GetValue(_port)));
        }

        WritePidFile(options);
        string[] own =
        [
            .. args.Where(a => !a.StartsWith(Launcher.ListenerOption + "=", StringComparison.Ordinal)
                && !a.StartsWith(Launcher.WorkerOption + "=", StringComparison.Ordinal)),
        ];
        using var launcher = new Launcher(
            [.. HostPaths.Executable, _name, .. own], [.. HostPaths.Executable, _name, .. WorkerArguments(own)],
            options.GetValue(_workerFile), options.GetValue(_logFile), listener, options.GetValue(_worker));
        return launcher.Run();
    }

    /// <summary>
    /// The options of a launcher for its worker: the list is one word with its option, by which the two are told apart.
    /// </summary>
    private string[] WorkerArguments(string[] own)
    {
        var at = Array.IndexOf(own, _list.Name);
        return at < 0 || at + 1 == own.Length ? own
            : [.. own[..at], $"{own[at]}={own[at + 1]}", .. own[(at + 2)..]];
    }

    private int Serve(ParseResult options)
    {
        if (_isLaunched)
        {
            Launcher.Follow(options.GetValue(_launcher));
        }

        using var log = HostLog.Open(options.GetValue(_logFile), options.GetValue(_level));
        using var runtime = new LinuxRuntime(new LinuxRuntimeOptions
        {
            Name = _name,
            Reactors = options.GetValue(_reactors),
            Workers = options.GetValue(_workers),
        });
        using var stop = new ManualResetEventSlim();
        using var server = new RpcServer(
            runtime.Seams, connection => new ServerConnection(connection, Registry.Exports));
        using var store = Registry.Store; // Ends after what is served and before the runtime.
        store.UseSocket(options.GetValue(_stateSocket), runtime.Seams);
        var host = new ServedList(
            _name, options.GetRequiredValue(_list), runtime.Seams,
            (path, document, failed) => _start(path, document, runtime.Seams, failed));
        host.Reload();
        // Before it listens: who reaches it may signal it at once. A daemon under nohup hands down an ignored SIGHUP.
        Sys.HeedSignal(Sys.SignalHangUp);
        using var hangUp = OnSignal(PosixSignal.SIGHUP, () => host.Reload());
        if (TryTakeOver(options, runtime, server, out var address) is { } failure)
        {
            Log.Error(_name, "cannot take over", ("reason", failure));
            server.Dispose();
            host.StopAll();
            return 1;
        }

        using var admin = ListenForQuestions(options, runtime.Seams, host);
        address ??= Listen(options, runtime.Network, server);
        using var offer = options.GetValue(_handOver) is { } socket
            ? HandOver.Offer(_name, server, address.Value, socket) : null;
        if (!_isLaunched)
        {
            WritePidFile(options);
        }

        Log.Information(_name, "serving", ("address", address), ("count", host.Count));
        using var dump = OnSignal(DumpSignal, () => HostLog.WriteDump(_name, host.Dump()));
        using var terminate = OnSignal(PosixSignal.SIGTERM, stop.Set);
        using var interrupt = OnSignal(PosixSignal.SIGINT, stop.Set);
        Sys.UnblockSignals(Launcher.PassedSignals); // Those of a launcher have been held.
        stop.Wait();
        host.HandOver();
        server.Dispose();
        host.StopAll();
        return 0;
    }

    private void WritePidFile(ParseResult options)
    {
        if (options.GetValue(_pidFile) is { } pidFile)
        {
            File.WriteAllText(pidFile, $"{Environment.ProcessId}\n");
        }
    }

    private static LinkOptions ServerLinks =>
        RpcConnection.LinkOptions() with { OfferedTls = Registry.Exports.OfferedTls };

    private LinkAddress Listen(ParseResult options, LinuxNetwork network, RpcServer server)
    {
        var address = new LinkAddress(options.GetRequiredValue(_bind), options.GetValue(_port));
        return _isLaunched
            ? server.Listen(accept => network.ListenOn(options.GetValue(_listener), address, ServerLinks, accept))
            : server.Listen(address, ServerLinks);
    }

    /// <summary>Where clients are listened for, when another process was taken over; or why it could not.</summary>
    private string? TryTakeOver(ParseResult options, LinuxRuntime runtime, RpcServer server, out LinkAddress? address)
    {
        address = null;
        if (!_isLaunched || !options.GetValue(_takeOver))
        {
            return null;
        }

        _ = Sys.Close(options.GetValue(_listener)); // The other process hands over the same one.
        try
        {
#pragma warning disable VSTHRD002 // The main thread has nothing else to do.
            address = HandOver.TakeAsync(
                _name, server, runtime.Network, ServerLinks, Registry.Exports,
                options.GetValue(_handOver) ?? throw new IOException("--take-over needs --hand-over"))
                .GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
            return null;
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    /// <summary>Data is served also when questions cannot be.</summary>
    private BrickAdminServer? ListenForQuestions(ParseResult options, Seams seams, ServedList host)
    {
        if (options.GetValue(_adminSocket) is not { } path)
        {
            return null;
        }

        var admin = new BrickAdminServer(
            seams, new BrickAdminService(() => host.Running, Registry.Exports, seams.Clock)
            {
                ProblemOf = host.ProblemOf,
            });
        for (var triesLeft = _isLaunched ? AdminTries : 1; triesLeft > 0; triesLeft--)
        {
            try
            {
                admin.Listen(path);
                break;
            }
            catch (IOException) when (triesLeft > 1)
            {
                Thread.Sleep(AdminPauseMs); // A former process is about to be gone.
            }
            catch (IOException e)
            {
                Log.Error(_name, "questions cannot be answered", ("socket", path), ("reason", e.Message));
            }
        }

        return admin;
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, Action action) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        });
}
