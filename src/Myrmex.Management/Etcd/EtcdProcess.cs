using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Management.Bricks;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Management.Etcd;

/// <summary>
/// Keeps the member of etcd running that this node should have, and no other. One loop owns its state and compares what
/// should be with what is: the process is started, adopted when it runs already, started again with growing pauses when
/// it ends, and ended, with its data, when this node has no member any more. It goes on when the daemon ends.
/// </summary>
internal sealed class EtcdProcess
{
    private readonly EtcdNodeOptions _options;
    private readonly IProcessControl _processes;
    private readonly Func<Uri, CancellationToken, Task<EtcdStatus?>> _probe;
    private readonly Func<EtcdMemberSpec, CancellationToken, Task> _learned;
    private readonly Seams _seams;
    private readonly Signal _look = new();
    private readonly Lock _lock = new(); // Guards _wanted; a leaf lock.
    private EtcdMemberSpec? _wanted;
    private volatile EtcdProcessState _state = EtcdProcessState.None;

    // Owned by the loop.
    private EtcdProgram? _program;
    private ProcessIdentity? _process;
    private string _running = string.Empty; // What the process was started with.
    private string _tried = string.Empty; // Member that the next two are about.
    private int _failures;
    private bool _hasServed;
    private long _servedAtNs;
    private long _startedAtNs;
    private long _startAllowedAtNs;
    private long _restartPauseMs = EtcdLimits.RestartPauseMsMin;
    private string? _reason;

    /// <param name="probe">Asks the member at an address.</param>
    /// <param name="learned">Keeps what was found out about the wanted member.</param>
    public EtcdProcess(
        EtcdNodeOptions options, IProcessControl processes, Func<Uri, CancellationToken, Task<EtcdStatus?>> probe,
        Func<EtcdMemberSpec, CancellationToken, Task> learned, Seams seams)
    {
        _options = options;
        _processes = processes;
        _probe = probe;
        _learned = learned;
        _seams = seams;
    }

    public EtcdProcessState State => _state;

    private string WordsFile => _options.PidFile + ".words";

    /// <summary>The member that should run from now on; null for none.</summary>
    public void Want(EtcdMemberSpec? spec)
    {
        lock (_lock)
        {
            _wanted = spec;
        }

        _look.Set();
    }

    /// <summary>Looks until it is cancelled, and leaves the process alone then.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        Adopt();
        while (true)
        {
            try
            {
                await LookAsync(Wanted(), cancellation);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception
                or StateStoreException)
            {
                if (_reason != e.Message)
                {
                    Log.Error("etcd", "the member of this node is not looked after", ("reason", e.Message));
                }

                _reason = e.Message;
                Publish(Wanted(), _hasServed ? EtcdPhase.Starting : EtcdPhase.CannotRun);
            }

            await _look.WaitAsync(_seams.Scheduler, EtcdLimits.SupervisePeriodMs, cancellation);
        }
    }

    private EtcdMemberSpec? Wanted()
    {
        lock (_lock)
        {
            return _wanted;
        }
    }

    private void Adopt()
    {
        var noted = File.Exists(_options.PidFile) ? File.ReadAllText(_options.PidFile) : string.Empty;
        if (!ProcessIdentity.TryParse(noted, out var process) || !_processes.IsAlive(process))
        {
            // The daemon may have died between starting it and writing its number down.
            var unnoted = Members().Select(d => _processes.Find("--data-dir", d)).FirstOrDefault(p => p is not null);
            if (unnoted is null)
            {
                return;
            }

            process = unnoted.Value;
            File.Delete(WordsFile); // Not its.
        }

        _process = process;
        _running = File.Exists(WordsFile) ? File.ReadAllText(WordsFile) : string.Empty;
        _startedAtNs = _seams.Clock.MonotonicNs;
        Log.Information("etcd", "running etcd adopted", ("pid", process.Pid));
    }

    private async Task LookAsync(EtcdMemberSpec? wanted, CancellationToken cancellation)
    {
        NoticeDeath();
        if (wanted is null)
        {
            await EndAsync(cancellation);
            DropData(kept: null);
            Publish(wanted, EtcdPhase.None);
            return;
        }

        if (_tried != wanted.Directory)
        {
            (_tried, _failures, _hasServed, _startAllowedAtNs) = (wanted.Directory, 0, wanted.HasStarted, 0);
            _restartPauseMs = EtcdLimits.RestartPauseMsMin;
            _reason = null;
        }

        var hasData = Directory.Exists(Path.Combine(EtcdProgram.DataOf(_options, wanted), "member"));
        if (wanted.HasStarted && !hasData)
        {
            await EndAsync(cancellation);
            Complain($"{EtcdProgram.DataOf(_options, wanted)} is gone");
            Publish(wanted, EtcdPhase.DataLost);
            return;
        }

        if (_seams.Clock.MonotonicNs >= _startAllowedAtNs)
        {
            await RunWantedAsync(wanted, cancellation);
        }

        if (hasData && !wanted.HasStarted)
        {
            await LearnAsync(wanted with { HasStarted = true }, cancellation);
        }

        await ProbeAsync(cancellation);
    }

    /// <summary>Starts the process, anew when it was started in another way.</summary>
    private async Task RunWantedAsync(EtcdMemberSpec wanted, CancellationToken cancellation)
    {
        var program = await FindProgramAsync(cancellation);
        var command = program.Command(_options, wanted);
        var words = Words(command, wanted);
        if (_process is not null && _running == words)
        {
            return;
        }

        if (_process is { } other)
        {
            Log.Information("etcd", "etcd is started anew with other options", ("pid", other.Pid));
            await EndAsync(cancellation);
        }

        DropData(wanted.Directory);
        Directory.CreateDirectory(_options.DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite
            | UnixFileMode.UserExecute);
        Directory.CreateDirectory(EtcdProgram.DataOf(_options, wanted), UnixFileMode.UserRead
            | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        PutLogAside();
        var process = _processes.Start(command, _options.LogFile);
        Take(process, words);
        Log.Information("etcd", "etcd started", ("pid", process.Pid), ("name", wanted.Name));
    }

    private async Task<EtcdProgram> FindProgramAsync(CancellationToken cancellation)
    {
        foreach (var file in (string[])[
            _options.Certificates.CaFile, _options.Certificates.CertificateFile, _options.Certificates.KeyFile])
        {
            if (!File.Exists(file))
            {
                throw new IOException($"{file} does not exist: this node has no certificate");
            }
        }

        return _program ??= await EtcdProgram.FindAsync(_options.Program, cancellation);
    }

    private void Take(ProcessIdentity process, string words)
    {
        File.WriteAllText(WordsFile, words);
        File.WriteAllText(_options.PidFile, process + "\n");
        _process = process;
        _running = words;
        _startedAtNs = _seams.Clock.MonotonicNs;
    }

    /// <summary>
    /// What a running process must have been started with. What only counts at the first start does not matter later.
    /// etcd reads its certificate again by itself, but not the authority.
    /// </summary>
    private string Words(IReadOnlyList<string> command, EtcdMemberSpec wanted)
    {
        var authority = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_options.Certificates.CaFile)));
        return string.Join('\n', [.. command.Where(w => w != wanted.InitialCluster), authority]);
    }

    private void NoticeDeath()
    {
        if (_process is not { } process || _processes.IsAlive(process))
        {
            return;
        }

        var nowNs = _seams.Clock.MonotonicNs;
        if (nowNs - _startedAtNs > EtcdLimits.RestartCalmMs * 1_000_000)
        {
            _restartPauseMs = EtcdLimits.RestartPauseMsMin;
        }

        _failures = _hasServed ? 0 : _failures + 1;
        Complain($"etcd ended; see {_options.LogFile}");
        var pauseMs = _failures >= EtcdLimits.FirstStartsMax ? EtcdLimits.CannotRunMs : _restartPauseMs;
        _startAllowedAtNs = nowNs + (pauseMs * 1_000_000);
        _restartPauseMs = Math.Min(_restartPauseMs * 2, EtcdLimits.RestartPauseMsMax);
        Forget();
    }

    private void Complain(string reason)
    {
        if (_reason != reason)
        {
            Log.Error("etcd", "the member of this node does not run", ("reason", reason));
        }

        _reason = reason;
    }

    private void Forget()
    {
        _process = null;
        _running = string.Empty;
        File.Delete(_options.PidFile);
        File.Delete(WordsFile);
    }

    private async Task ProbeAsync(CancellationToken cancellation)
    {
        var wanted = Wanted();
        if (_process is not null && _state.Phase == EtcdPhase.Serving && _state.Spec == wanted
            && _seams.Clock.MonotonicNs - _servedAtNs < EtcdLimits.ServingProbeMs * 1_000_000)
        {
            return;
        }

        var status = _process is null ? null : await _probe(_options.Self.ClientUrl, cancellation);
        if (wanted is null || status is not { Leader: not 0 })
        {
            Publish(wanted, _failures >= EtcdLimits.FirstStartsMax ? EtcdPhase.CannotRun : EtcdPhase.Starting);
            return;
        }

        _hasServed = true;
        _servedAtNs = _seams.Clock.MonotonicNs;
        _reason = null;
        var id = EtcdDocumentMember.IdText(status.MemberId);
        if (wanted.MemberId != id)
        {
            // The first member of an etcd, or one whose data is from a backup.
            wanted = wanted with { MemberId = id, HasStarted = true };
            await LearnAsync(wanted, cancellation);
        }

        Publish(wanted, EtcdPhase.Serving);
    }

    private async Task LearnAsync(EtcdMemberSpec known, CancellationToken cancellation)
    {
        await _learned(known, cancellation);
        lock (_lock)
        {
            _wanted = _wanted?.Directory == known.Directory ? known : _wanted;
        }
    }

    private async Task EndAsync(CancellationToken cancellation)
    {
        if (_process is not { } process)
        {
            return;
        }

        _processes.Signal(process, Sys.SignalTerminate);
        var deadlineNs = _seams.Clock.MonotonicNs + (EtcdLimits.TerminateMs * 1_000_000);
        while (_processes.IsAlive(process))
        {
            if (_seams.Clock.MonotonicNs > deadlineNs)
            {
                Log.Warning("etcd", "etcd does not end, killing it", ("pid", process.Pid));
                _processes.Signal(process, Sys.SignalKill);
            }

            await Pauses.WaitAsync(_seams.Scheduler, EtcdLimits.ProbePeriodMs, cancellation);
        }

        Forget();
        Log.Information("etcd", "etcd ended", ("pid", process.Pid));
    }

    /// <summary>Removes data of members that this node does not run: it is of no use to anybody.</summary>
    private void DropData(string? kept)
    {
        foreach (var directory in Members())
        {
            if (Path.GetFileName(directory) != kept)
            {
                Log.Information("etcd", "data of a former member is removed", ("directory", directory));
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    /// <summary>Data directories of this and former members.</summary>
    private string[] Members() => Directory.Exists(_options.DataDirectory)
        ? Directory.GetDirectories(_options.DataDirectory, EtcdMemberSpec.DirectoryPrefix + "*") : [];

    private void PutLogAside()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_options.LogFile)!); // It is below the working directory.
        var log = new FileInfo(_options.LogFile);
        if (log.Exists && log.Length > EtcdLimits.LogBytesMax)
        {
            File.Move(_options.LogFile, _options.LogFile + ".1", overwrite: true);
        }
    }

    private void Publish(EtcdMemberSpec? spec, EtcdPhase phase) =>
        _state = new EtcdProcessState(spec is null ? EtcdPhase.None : phase, spec, _process?.Pid ?? 0, _reason);
}
