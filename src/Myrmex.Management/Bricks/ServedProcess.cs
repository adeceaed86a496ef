using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Management.Bricks;

/// <summary>How a process is started that serves what a list names.</summary>
internal sealed record ServedProcessSpec
{
    /// <summary>Its subcommand, and what it is called in messages: brick, proxy.</summary>
    public required string Name { get; init; }

    /// <summary>The room of its log lines.</summary>
    public required string Room { get; init; }

    /// <summary>The option and the list: together they tell it from all other processes.</summary>
    public required string ListOption { get; init; }

    public required string ListPath { get; init; }

    public required string PidFile { get; init; }

    public required string LogFile { get; init; }

    /// <summary>What comes before the subcommand.</summary>
    public required IReadOnlyList<string> Executable { get; init; }

    /// <summary>Options besides port, list and log.</summary>
    public required IReadOnlyList<string> MoreOptions { get; init; }

    public required int PortBase { get; init; }

    /// <summary>Pause before it is started again after its first death in a long time.</summary>
    public long RestartPauseMsMin { get; init; } = Limits.RestartPauseMsMin;

    /// <summary>A process that lived this long has its pause reset.</summary>
    public long RestartCalmMs { get; init; } = Limits.RestartCalmMs;

    /// <summary>
    /// For one that is a launcher: the file that names the process which serves. Null for one that serves itself.
    /// </summary>
    public string? WorkerFile { get; init; }
}

/// <summary>
/// A process that outlives the daemon and serves what a list names, on a port that stays the same: started, adopted
/// when it runs already, told to read its list again (SIGHUP), started again when it dies, after growing pauses, and
/// ended. It may be a launcher, which keeps the process that serves itself. Owned by the loop of a supervisor.
/// </summary>
internal sealed class ServedProcess(
    ServedProcessSpec spec, IProcessControl processes, IBrickPort portStore, Seams seams)
{
    /// <summary>Characters of a report of a failed upgrade that are told.</summary>
    private const int FailureLengthMax = 4096;

    private readonly string? _failureFile =
        spec.WorkerFile is { } file ? DaemonOptions.UpgradeFailureFileOf(file) : null;
    private bool _hangUpDue;
    private long _lastHangUpNs;
    private long _startedAtNs;
    private long _startAllowedAtNs;
    private long _restartPauseMs = spec.RestartPauseMsMin;
    private ProcessIdentity? _server; // What served when last looked at; not forgotten before it is gone.

    public int Port { get; private set; }

    /// <summary>The process that serves; 0 while none does.</summary>
    public int Pid => (spec.WorkerFile is null ? Identity : IsRunning ? _server : null)?.Pid ?? 0;

    public ProcessIdentity? Identity { get; private set; }

    public bool IsRunning => Identity is not null;

    /// <summary>It has answered since it was started.</summary>
    public bool IsReached { get; private set; }

    /// <summary>Time since it was last told what to serve.</summary>
    public long QuietNs => seams.Clock.MonotonicNs - Math.Max(_lastHangUpNs, _startedAtNs);

    /// <summary>The loop of a supervisor; runs until it is cancelled and leaves the process alone.</summary>
    /// <param name="look">Compares what should be with what is; answers how long to wait for the next look.</param>
    /// <param name="wait">Waits for so many milliseconds, or until there is news.</param>
    public async Task SuperviseAsync(
        Func<CancellationToken, Task<long>> look, Func<long, CancellationToken, Task> wait,
        CancellationToken cancellation)
    {
        await AdoptAsync(cancellation);
        while (true)
        {
            var pauseMs = Limits.SupervisePeriodMs;
            try
            {
                pauseMs = await look(cancellation);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception
                or TransactionRefusedException)
            {
                Log.Error(spec.Room, "supervision failed, trying again", ("reason", e.Message));
            }

            await wait(pauseMs, cancellation);
        }
    }

    /// <summary>
    /// Another process serves than before, or none does. Of a launcher that has started one this is all there is to
    /// notice.
    /// </summary>
    public bool IsServerAnother => IsRunning && Server() != _server;

    /// <summary>True once for each change of the process that serves; deaths of a launcher are no part of it.</summary>
    public bool NoticeServer()
    {
        var server = Server();
        if (server == _server || Identity is not { } process || !processes.IsAlive(process))
        {
            return false;
        }

        _server = server;
        return true;
    }

    /// <summary>True once for each death.</summary>
    public bool NoticeDeath()
    {
        if (Identity is not { } process || processes.IsAlive(process))
        {
            return false;
        }

        var nowNs = seams.Clock.MonotonicNs;
        if (nowNs - _startedAtNs > spec.RestartCalmMs * 1_000_000)
        {
            _restartPauseMs = spec.RestartPauseMsMin;
        }

        Log.Error(
            spec.Room, $"{spec.Name} process died", ("pid", process.Pid), ("restart-in-ms", _restartPauseMs));
        _startAllowedAtNs = nowNs + (_restartPauseMs * 1_000_000);
        _restartPauseMs = Math.Min(
            Math.Max(_restartPauseMs * 2, Limits.RestartPauseMsMin), Limits.RestartPauseMsMax);
        Forget();
        return true;
    }

    /// <summary>Starts it when it does not run and may be started by now.</summary>
    public async Task StartIfDueAsync(CancellationToken cancellation)
    {
        if (IsRunning || seams.Clock.MonotonicNs < _startAllowedAtNs)
        {
            return;
        }

        if (_server is { } former && processes.IsAlive(former))
        {
            processes.Signal(former, Sys.SignalKill); // Its launcher has died; it has the port as long as it lives.
            return;
        }

        if (processes.Find(spec.ListOption, spec.ListPath) is { } other)
        {
            // Two processes must never serve the same things.
            Log.Warning(spec.Room, $"adopting a {spec.Name} process that was not expected", ("pid", other.Pid));
            Identity = other;
            WritePidFile(other);
            return;
        }

        var port = portStore.Choose(Port, spec.PortBase);
        if (port != Port)
        {
            Port = port;
            await portStore.SaveAsync(port, cancellation);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(spec.LogFile)!); // It has a directory.
        var process = processes.Start(Command(), spec.LogFile);
        Identity = process;
        _hangUpDue = false; // It reads the list when it starts.
        _startedAtNs = seams.Clock.MonotonicNs;
        WritePidFile(process);
        Log.Information(spec.Room, $"{spec.Name} process started", ("pid", process.Pid), ("port", Port));
    }

    /// <summary>There is a report of a failed upgrade, though none has been read, or the reverse.</summary>
    public bool HasUpgradeNews => _failureFile is not null && File.Exists(_failureFile) != UpgradeFailure is not null;

    /// <summary>Why the last upgrade failed; null when it did not, or is under way.</summary>
    public string? UpgradeFailure { get; private set; }

    /// <summary>Looks for the report of a failed upgrade.</summary>
    public void NoticeUpgradeFailure() =>
        UpgradeFailure = !HasUpgradeNews ? UpgradeFailure : ReadFailure(_failureFile!);

    /// <summary>The report of the last upgrade counts no longer.</summary>
    public void ForgetUpgradeFailure()
    {
        UpgradeFailure = null;
        if (_failureFile is not null)
        {
            File.Delete(_failureFile);
        }
    }

    /// <summary>A launcher is to have another process take over from the one that serves, clients included.</summary>
    public void Upgrade()
    {
        ForgetUpgradeFailure();
        if (Identity is { } launcher)
        {
            processes.Signal(launcher, Sys.SignalUser2);
        }
    }

    /// <summary>It is to read its list again.</summary>
    public void WantHangUp() => _hangUpDue = true;

    /// <summary>What is wanted and does not serve long after it was told is told again.</summary>
    public void RetryWhatDoesNotServe(int online, int wanted)
    {
        if (IsReached && online < wanted && QuietNs > Limits.BrickRetryMs * 1_000_000)
        {
            WantHangUp();
        }
    }

    public void Answered() => IsReached = true;

    /// <summary>Tells it to read its list again if that is due; true when it was told.</summary>
    public bool HangUpIfDue()
    {
        // Not before it has answered once: until it knows the signal, it would end it.
        if (Identity is not { } process || !IsReached || !_hangUpDue)
        {
            return false;
        }

        _hangUpDue = false;
        _lastHangUpNs = seams.Clock.MonotonicNs;
        processes.Signal(process, Sys.SignalHangUp);
        return true;
    }

    /// <summary>Ends it; true when there was something to end.</summary>
    public async Task<bool> EndAsync(CancellationToken cancellation)
    {
        if (Identity is not { } process)
        {
            return false;
        }

        processes.Signal(process, Sys.SignalTerminate);
        var deadlineNs = seams.Clock.MonotonicNs + (Limits.TerminateMs * 1_000_000);
        while (processes.IsAlive(process))
        {
            if (seams.Clock.MonotonicNs > deadlineNs)
            {
                Log.Warning(
                    spec.Room, $"{spec.Name} process does not end, killing it", ("pid", process.Pid));
                processes.Signal(process, Sys.SignalKill);
            }

            await Pauses.WaitAsync(seams.Scheduler, Limits.ProbePeriodMs / 2, cancellation);
        }

        Forget();
        Log.Information(spec.Room, $"{spec.Name} process ended, nothing is left to serve", ("pid", process.Pid));
        return true;
    }

    private static string? ReadFailure(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var text = File.ReadAllText(path).TrimEnd();
        return text.Length > FailureLengthMax ? text[..FailureLengthMax] : text;
    }

    private ProcessIdentity? Server() =>
        Identity is { } process && spec.WorkerFile is { } file ? processes.FindChild(process, file) : Identity;

    private string[] Command() =>
    [
        .. spec.Executable, spec.Name, "--port", Port.ToString(CultureInfo.InvariantCulture), spec.ListOption,
        spec.ListPath, "--log-file", spec.LogFile, .. spec.MoreOptions,
    ];

    private async Task AdoptAsync(CancellationToken cancellation)
    {
        Port = await portStore.LoadAsync(cancellation);
        var text = File.Exists(spec.PidFile) ? await File.ReadAllTextAsync(spec.PidFile, cancellation) : string.Empty;
        if (ProcessIdentity.TryParse(text, out var noted) && processes.IsAlive(noted))
        {
            Identity = noted;
        }
        else if (processes.Find(spec.ListOption, spec.ListPath) is { } found)
        {
            // The daemon died between starting it and writing its number down.
            Identity = found;
            WritePidFile(found);
        }

        if (Identity is { } process)
        {
            _hangUpDue = true;
            _startedAtNs = seams.Clock.MonotonicNs;
            Log.Information(
                spec.Room, $"running {spec.Name} process adopted", ("pid", process.Pid), ("port", Port));
        }
    }

    private void Forget()
    {
        Identity = null;
        IsReached = false;
        File.Delete(spec.PidFile);
    }

    private void WritePidFile(ProcessIdentity process) => File.WriteAllText(spec.PidFile, process + "\n");
}
