using System;
using System.CommandLine;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Host.Rebalance;
using Myrmex.Management.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex rebalance-process</c>: does the work of one rebalance task, as the daemon asks for it. Gives all
/// directories of a volume a layout over all its bricks and tells in a status file how far it is. SIGTERM and SIGINT
/// stop it after the directories it is at; SIGUSR1 writes a state dump beside the log. Started again it walks the whole
/// tree again. Ends with 0 when all layouts are right, 2 when it was stopped, 1 when it failed.
/// </summary>
internal static class RebalanceCommand
{
    /// <summary>SIGUSR1, which .NET does not name.</summary>
    private const PosixSignal DumpSignal = (PosixSignal)10;

    private static readonly Option<string> Server = new("--server")
    {
        Description = "HOST:PORT of a daemon that serves the volume file",
        DefaultValueFactory = _ => "127.0.0.1:24007",
    };

    private static readonly Option<string> Volume = new("--volume") { Description = "name of the volume" };

    private static readonly Option<string?> Volfile = new("--volfile")
    {
        Description = "client volume file to use instead of the server's",
    };

    private static readonly Option<string> TaskId = new("--task")
    {
        Description = "identity of the task, for the status file",
        DefaultValueFactory = _ => string.Empty,
    };

    private static readonly Option<string?> StatusFile = new("--status-file")
    {
        Description = "file that says how far it is",
    };

    private static readonly Option<string> Throttle = new("--throttle")
    {
        Description = "lazy, normal, aggressive, or how many directories at a time",
        DefaultValueFactory = _ => "normal",
    };

    private static readonly Option<string?> LogFile = new("--log-file")
    {
        Description = "log; standard error by default",
    };

    private static readonly Option<LogLevel> Level = new("--log-level")
    {
        DefaultValueFactory = _ => LogLevel.Information,
    };

    public static Command Entry { get; } =
        new("rebalance-process", "fix the layouts of a volume (started by the daemon)", Run);

    private static int Run(string[] args)
    {
        var root = new RootCommand("Gives all directories of a volume a layout over all its bricks.")
        {
            Server, Volume, Volfile, TaskId, StatusFile, Throttle, LogFile, Level,
        };
        root.SetAction(Work);
        return root.Parse(args).Invoke();
    }

    private static int Work(ParseResult options)
    {
        var volfile = options.GetValue(Volfile) ?? string.Empty;
        var volume = options.GetValue(Volume) ?? string.Empty;
        if (!RebalanceThrottle.TryParse(options.GetRequiredValue(Throttle), out var throttle)
            || !RebalanceArguments.TryParseServer(options.GetRequiredValue(Server), out var server)
            || (volfile.Length == 0) == (volume.Length == 0))
        {
            Console.Error.WriteLine(
                "give --volume or --volfile, --throttle lazy, normal, aggressive or 1 to 64, --server HOST:PORT");
            return 1;
        }

        using var log = HostLog.Open(options.GetValue(LogFile), options.GetValue(Level));
        using var stop = new CancellationTokenSource();
        using var process = new RebalanceProcess(new RebalanceArguments(
            server, volume, volfile, options.GetRequiredValue(TaskId), options.GetValue(StatusFile), throttle));
        using var terminate = OnSignal(PosixSignal.SIGTERM, stop.Cancel);
        using var interrupt = OnSignal(PosixSignal.SIGINT, stop.Cancel);
        using var hangUp = OnSignal(PosixSignal.SIGHUP, () => { });
        using var dump = OnSignal(DumpSignal, () => HostLog.WriteDump("rebalance", process.Dump()));
        return process.Run(stop.Token) switch
        {
            ClusterTaskState.FixLayoutCompleted => 0,
            ClusterTaskState.FixLayoutStopped => 2,
            _ => 1,
        };
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, Action action) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        });
}
