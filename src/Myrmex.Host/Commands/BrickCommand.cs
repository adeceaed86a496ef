using System;
using System.CommandLine;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex brick</c>: serves all bricks of a node on one port. SIGHUP reads the list again, SIGUSR1 writes a state dump beside
/// the log, SIGTERM ends it.
/// </summary>
internal static class BrickCommand
{
    /// <summary>SIGUSR1, which .NET does not name.</summary>
    private const PosixSignal DumpSignal = (PosixSignal)10;

    private static readonly Option<int> Port = new("--port")
    {
        Description = "port to listen on (0 lets the system choose)",
        DefaultValueFactory = _ => 49152,
    };

    private static readonly Option<string> Bind = new("--bind")
    {
        Description = "address to listen on",
        DefaultValueFactory = _ => "0.0.0.0",
    };

    private static readonly Option<string> Bricks = new("--bricks")
    {
        Description = "file with the paths of volume files, one a line",
        Required = true,
    };

    private static readonly Option<string?> LogFile = new("--log-file") { Description = "log; standard error by default" };

    private static readonly Option<LogLevel> Level = new("--log-level") { DefaultValueFactory = _ => LogLevel.Information };

    private static readonly Option<string?> PidFile = new("--pid-file") { Description = "file for the process id" };

    private static readonly Option<int> Reactors = new("--reactors") { Description = "network loops; 0 = by the number of cores" };

    private static readonly Option<int> Workers = new("--workers") { Description = "threads for work that may block; 0 = default" };

    private static readonly Option<string?> AdminSocket = new("--admin-socket")
    {
        Description = "unix socket for the questions of the daemon",
    };

    private static readonly Option<string?> StateSocket = new("--state-socket")
    {
        Description = "unix socket at which the daemon lets bricks use the state of the cluster",
    };

    public static Command Entry { get; } = new("brick", "serve the bricks of this node (started by the daemon)", Run);

    private static int Run(string[] args)
    {
        var root = new RootCommand("Serves the bricks of this node.")
        {
            Port, Bind, Bricks, LogFile, Level, PidFile, Reactors, Workers, AdminSocket, StateSocket,
        };
        root.SetAction(Serve);
        return root.Parse(args).Invoke();
    }

    private static int Serve(ParseResult options)
    {
        using var log = HostLog.Open(options.GetValue(LogFile), options.GetValue(Level));
        using var runtime = new LinuxRuntime(new LinuxRuntimeOptions
        {
            Name = "brick",
            Reactors = options.GetValue(Reactors),
            Workers = options.GetValue(Workers),
        });
        using var stop = new ManualResetEventSlim();
        using var server = new RpcServer(runtime.Seams, connection => new ServerConnection(connection, Registry.Exports));
        using var store = Registry.Store; // Ends after the bricks and before the runtime.
        store.UseSocket(options.GetValue(StateSocket), runtime.Seams);
        var host = new BrickHost(options.GetRequiredValue(Bricks), runtime.Seams);
        host.Reload();
        using var admin = ListenForQuestions(options, runtime.Seams, host);
        // Before it listens: who reaches it may signal it at once. A daemon under nohup hands down an ignored SIGHUP.
        Sys.HeedSignal(Sys.SignalHangUp);
        using var hangUp = OnSignal(PosixSignal.SIGHUP, () => host.Reload());
        var address = server.Listen(
            new LinkAddress(options.GetRequiredValue(Bind), options.GetValue(Port)),
            RpcConnection.LinkOptions() with { OfferedTls = Registry.Exports.OfferedTls });
        if (options.GetValue(PidFile) is { } pidFile)
        {
            File.WriteAllText(pidFile, $"{Environment.ProcessId}\n");
        }

        Log.Information("brick", "serving", ("address", address), ("bricks", host.Count));
        using var dump = OnSignal(DumpSignal, () => HostLog.WriteDump("brick", host.Dump()));
        using var terminate = OnSignal(PosixSignal.SIGTERM, stop.Set);
        using var interrupt = OnSignal(PosixSignal.SIGINT, stop.Set);
        stop.Wait();
        server.Dispose();
        host.StopAll();
        return 0;
    }

    /// <summary>Data is served also when questions cannot be.</summary>
    private static BrickAdminServer? ListenForQuestions(ParseResult options, Seams seams, BrickHost host)
    {
        if (options.GetValue(AdminSocket) is not { } path)
        {
            return null;
        }

        var admin = new BrickAdminServer(
            seams, new BrickAdminService(() => host.Running, Registry.Exports, seams.Clock)
            {
                ProblemOf = host.ProblemOf,
            });
        try
        {
            admin.Listen(path);
        }
        catch (IOException e)
        {
            Log.Error("brick", "questions cannot be answered", ("socket", path), ("reason", e.Message));
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
