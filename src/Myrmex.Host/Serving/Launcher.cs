using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// The process that has the listening socket of a server and does nothing else than to keep another one running, the
/// worker, which inherits the socket and serves (see <see cref="WorkerKeeper"/>). So the socket outlives a worker that
/// crashes: who connects meanwhile waits for the next one. SIGUSR2 is the wish for an upgrade; after one the launcher
/// executes the executable again, so that it is as new as its worker. SIGTERM ends both, SIGHUP and SIGUSR1 are passed
/// on, and the kernel ends the worker when the launcher ends, however that happens.
/// </summary>
internal sealed class Launcher : IWorkerProcesses, IDisposable
{
    /// <summary>A worker is told its listening socket by number.</summary>
    public const string ListenerOption = "--listener";

    /// <summary>A worker is told whose it is.</summary>
    public const string LauncherOption = "--launcher";

    /// <summary>A launcher that was executed again is told its worker.</summary>
    public const string WorkerOption = "--worker";

    private const string TakeOver = "--take-over";
    private const string Room = "launcher";

    /// <summary>Longest wait for news: should a signal be lost, it is made up for.</summary>
    private const int LookMs = 1_000;

    /// <summary>The worker of a launcher that was killed may not be gone yet, and has the address.</summary>
    private const int ListenTries = 100;

    private const int ListenPauseMs = 20;

    private readonly string[] _own;
    private readonly string[] _command;
    private readonly string? _workerFile;
    private readonly UpgradeReport _report;
    private readonly int _listener;
    private readonly WorkerKeeper _keeper;
    private readonly AutoResetEvent _news = new(initialState: false);
    private readonly ConcurrentQueue<int> _signals = new();
    private int _told;

    /// <param name="own">What has started this launcher: executable, subcommand and options.</param>
    /// <param name="command">What starts a worker, but for what only the launcher knows.</param>
    /// <param name="workerFile">File that names the worker as long as there is one.</param>
    /// <param name="logFile">Where workers log; null when that is nowhere to be read.</param>
    /// <param name="listener">A socket that listens.</param>
    /// <param name="worker">A child of this process that serves already; 0 for none.</param>
    public Launcher(
        string[] own, string[] command, string? workerFile, string? logFile, int listener, int worker)
    {
        _own = own;
        _command = command;
        _workerFile = workerFile;
        _report = new UpgradeReport(workerFile, logFile);
        _listener = listener;
        _keeper = new WorkerKeeper(this);
        if (worker != 0)
        {
            _keeper.Adopt(worker, Environment.TickCount64);
        }
    }

    /// <summary>
    /// Signals that wait, in a process that was just started, until somebody heeds them: by default they would end it.
    /// </summary>
    public static ReadOnlySpan<int> HeldSignals =>
        [Sys.SignalHangUp, Sys.SignalUser1, Sys.SignalUser2, Sys.SignalTerminate];

    /// <summary>Those of them that a worker heeds.</summary>
    public static ReadOnlySpan<int> PassedSignals => [Sys.SignalHangUp, Sys.SignalUser1, Sys.SignalTerminate];

    /// <summary>A listening socket that children inherit. Throws IOException when the address stays taken.</summary>
    public static int Listen(LinkAddress address)
    {
        for (var triesLeft = ListenTries; ; triesLeft--)
        {
            try
            {
                var listener = LinuxNetwork.OpenListener(address);
                _ = Sys.Fcntl(listener, Sys.FSetFd, 0);
                return listener;
            }
            catch (IOException) when (triesLeft > 0)
            {
                Thread.Sleep(ListenPauseMs);
            }
        }
    }

    /// <summary>
    /// In the worker: it ends with its launcher from now on. Throws IOException when that is gone already.
    /// </summary>
    public static void Follow(int launcher)
    {
        _ = Sys.EndWithParent(Sys.SignalKill);
        if (Sys.ParentProcessId != launcher)
        {
            throw new IOException("the launcher has ended");
        }
    }

    /// <summary>
    /// Runs until SIGTERM or SIGINT; answers the exit code. For the first thread of the process: the worker ends with
    /// the thread that has started it, and only that one outlives the execution of another program.
    /// </summary>
    public int Run()
    {
        Sys.HeedSignal(Sys.SignalHangUp);
        List<PosixSignalRegistration> handlers =
        [
            .. HeldSignals.ToArray().Select(s => OnSignal((PosixSignal)s, s)),
            OnSignal(PosixSignal.SIGINT, Sys.SignalTerminate), OnSignal(PosixSignal.SIGCHLD, 0),
        ];
        Sys.UnblockSignals(HeldSignals);
        _keeper.PassOn(Sys.SignalHangUp); // One that came while the former program was replaced was lost.
        while (!_keeper.IsOver)
        {
            Reap();
            Heed();
            _keeper.Turn(Environment.TickCount64);
            TellWorker();
            ExecuteAgainIfUpgraded();
            if (!_keeper.IsOver)
            {
                _news.WaitOne((int)Math.Min(_keeper.WaitMs(Environment.TickCount64), LookMs));
            }
        }

        handlers.ForEach(h => h.Dispose());
        return 0;
    }

    int IWorkerProcesses.Start(bool takesOver)
    {
        string[] command =
        [
            .. _command, Named(ListenerOption, _listener), Named(LauncherOption, Environment.ProcessId),
            .. takesOver ? (string[])[TakeOver] : [],
        ];
        if (takesOver)
        {
            _report.Begin();
        }

        var pid = Sys.Spawn(command, HeldSignals);
        if (pid > 0)
        {
            Log.Information(Room, "process started", ("pid", pid));
            return pid;
        }

        Log.Error(Room, "cannot be started", ("path", command[0]), ("errno", Sys.ErrorOf(pid)));
        return 0;
    }

    void IWorkerProcesses.Signal(int pid, int signal) => _ = Sys.Kill(pid, signal);

    void IWorkerProcesses.UpgradeFailed(string why) => _report.Fail(why);

    public void Dispose()
    {
        _news.Dispose();
        if (_workerFile is not null)
        {
            File.Delete(_workerFile);
        }
    }

    private static string Named(string option, int value) =>
        string.Create(CultureInfo.InvariantCulture, $"{option}={value}");

    private PosixSignalRegistration OnSignal(PosixSignal signal, int number) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            _signals.Enqueue(number);
            _news.Set();
        });

    private void Reap()
    {
        while (Sys.ReapChild(out var code) is > 0 and var pid)
        {
            _keeper.Ended(pid, code, Environment.TickCount64);
        }
    }

    private void Heed()
    {
        while (_signals.TryDequeue(out var signal))
        {
            switch (signal)
            {
                case Sys.SignalTerminate when !_keeper.IsEnding:
                    _ = Sys.Close(_listener); // Nobody is to wait for what does not come.
                    _keeper.End();
                    break;
                case Sys.SignalUser2:
                    _keeper.Upgrade(Environment.TickCount64);
                    break;
                case 0:
                    break; // A child has ended.
                default:
                    _keeper.PassOn(signal);
                    break;
            }
        }
    }

    /// <summary>Readers see a whole number or no file.</summary>
    private void TellWorker()
    {
        if (_workerFile is null || _told == _keeper.Worker)
        {
            return;
        }

        _told = _keeper.Worker;
        try
        {
            if (_told == 0)
            {
                File.Delete(_workerFile);
            }
            else
            {
                File.WriteAllText(_workerFile + ".new", string.Create(CultureInfo.InvariantCulture, $"{_told}\n"));
                File.Move(_workerFile + ".new", _workerFile, overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error(Room, "the process that serves cannot be named", ("path", _workerFile), ("reason", e.Message));
        }
    }

    private void ExecuteAgainIfUpgraded()
    {
        if (!_keeper.HasUpgraded)
        {
            return;
        }

        _keeper.HasUpgraded = false;
        Log.Information(Room, "executing the new executable", ("path", _own[0]));
        Sys.BlockSignals(HeldSignals); // When this is the only thread left they are kept for the new program.
        var failed = Sys.Execute(
            [.. _own, Named(ListenerOption, _listener), Named(WorkerOption, _keeper.Worker)]);
        Sys.UnblockSignals(HeldSignals);
        Log.Warning(Room, "goes on in the former executable", ("errno", Sys.ErrorOf(failed)));
    }
}
