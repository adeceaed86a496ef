using System;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>The processes of a <see cref="WorkerKeeper"/>.</summary>
internal interface IWorkerProcesses
{
    /// <summary>Starts one; its id, or 0 when it cannot be started.</summary>
    /// <param name="takesOver">It begins by taking everything over from the one that serves.</param>
    int Start(bool takesOver);

    void Signal(int pid, int signal);

    /// <summary>An upgrade was asked for and will not be; whoever serves goes on.</summary>
    /// <param name="why">What became of the new process.</param>
    void UpgradeFailed(string why);
}

/// <summary>
/// What a launcher does when: one process serves; when it ends it is started again, at once the first time and after
/// pauses that grow as long as it keeps ending. While an upgrade is under way there is a second one, its successor.
/// Times are milliseconds of a clock that never goes back. Not for several threads.
/// </summary>
internal sealed class WorkerKeeper(IWorkerProcesses processes)
{
    /// <summary>A process that lived so long is started again at once.</summary>
    public const long CalmMs = 10_000;

    /// <summary>Pause before the second start within that time; it doubles up to the longest.</summary>
    public const long PauseMsMin = 100;

    public const long PauseMsMax = 5_000;

    /// <summary>A successor that has not taken over by then is given up.</summary>
    public const long UpgradeMs = 45_000;

    private const string Room = "launcher";

    private long _startedAtMs;
    private long _startAtMs;
    private long _pauseMs;
    private int _successor;
    private long _upgradeEndsMs;
    private bool _isGivenUp; // The successor, for it took too long.

    /// <summary>The process that serves; 0 when there is none.</summary>
    public int Worker { get; private set; }

    public bool IsEnding { get; private set; }

    /// <summary>Nothing is left to do.</summary>
    public bool IsOver => IsEnding && Worker == 0;

    /// <summary>A successor has taken over; set back by who asks.</summary>
    public bool HasUpgraded { get; set; }

    /// <summary>So long nothing has to be done unless something happens.</summary>
    public long WaitMs(long nowMs) =>
        IsEnding ? long.MaxValue
        : Worker == 0 ? Math.Max(0, _startAtMs - nowMs)
        : _successor != 0 ? Math.Max(0, _upgradeEndsMs - nowMs)
        : long.MaxValue;

    /// <summary>Goes on with a process that serves already.</summary>
    public void Adopt(int pid, long nowMs) => (Worker, _startedAtMs) = (pid, nowMs);

    /// <summary>Does what is due.</summary>
    public void Turn(long nowMs)
    {
        if (IsEnding)
        {
            return;
        }

        if (Worker == 0 && nowMs >= _startAtMs)
        {
            _startedAtMs = nowMs;
            Worker = processes.Start(takesOver: false);
            if (Worker == 0)
            {
                Rest(nowMs);
            }
        }

        if (_successor != 0 && nowMs >= _upgradeEndsMs)
        {
            Log.Error(Room, "the new process does not take over, giving it up", ("pid", _successor));
            processes.Signal(_successor, Sys.SignalKill);
            _isGivenUp = true;
            _upgradeEndsMs = nowMs + UpgradeMs;
        }
    }

    /// <summary>A process has ended, with 0 for success.</summary>
    public void Ended(int pid, int code, long nowMs)
    {
        if (pid == _successor)
        {
            Log.Error(Room, "the new process did not take over", ("pid", pid), ("code", code));
            _successor = 0;
            processes.UpgradeFailed(_isGivenUp ? $"the new process did not take over within {UpgradeMs / 1000} s"
                : code < 0 ? $"the new process was ended by signal {-code}"
                : $"the new process ended with code {code}");
        }
        else if (pid == Worker)
        {
            WorkerEnded(code, nowMs);
        }
    }

    /// <summary>Passes a signal on to all that serve or will.</summary>
    public void PassOn(int signal)
    {
        foreach (var pid in (ReadOnlySpan<int>)[Worker, _successor])
        {
            if (pid != 0)
            {
                processes.Signal(pid, signal);
            }
        }
    }

    /// <summary>A new process is to take the place of the one that serves, clients included.</summary>
    public void Upgrade(long nowMs)
    {
        if (IsEnding || Worker == 0 || _successor != 0)
        {
            Log.Warning(Room, "nothing can be upgraded now", ("pid", Worker), ("successor", _successor));
            if (!IsEnding && Worker == 0)
            {
                processes.UpgradeFailed("no process serves that could be taken over; one is being started");
            }

            return;
        }

        _isGivenUp = false;
        _successor = processes.Start(takesOver: true);
        _upgradeEndsMs = nowMs + UpgradeMs;
        if (_successor != 0)
        {
            Log.Information(Room, "a new process takes over", ("pid", _successor), ("from", Worker));
        }
        else
        {
            processes.UpgradeFailed("the new process cannot be started");
        }
    }

    /// <summary>Ends all; it is over when the last has ended.</summary>
    public void End()
    {
        IsEnding = true;
        if (Worker != 0)
        {
            processes.Signal(Worker, Sys.SignalTerminate);
        }

        AbandonSuccessor();
    }

    private void WorkerEnded(int code, long nowMs)
    {
        var former = Worker;
        if (code == 0 && _successor != 0)
        {
            (Worker, _successor) = (_successor, 0);
            _startedAtMs = nowMs;
            HasUpgraded = true;
            Log.Information(Room, "another process serves", ("pid", Worker), ("former", former));
            return;
        }

        Worker = 0;
        AbandonSuccessor(); // There is nobody it could take over from, and a new one is up sooner.
        if (IsEnding)
        {
            return;
        }

        if (nowMs - _startedAtMs >= CalmMs)
        {
            _pauseMs = 0;
        }

        Log.Error(
            Room, "the process that serves has ended", ("pid", former), ("code", code), ("restart-in-ms", _pauseMs));
        Rest(nowMs);
    }

    /// <summary>What becomes of it is not asked any more.</summary>
    private void AbandonSuccessor()
    {
        if (_successor != 0)
        {
            processes.Signal(_successor, Sys.SignalKill);
            _successor = 0;
        }
    }

    private void Rest(long nowMs)
    {
        _startAtMs = nowMs + _pauseMs;
        _pauseMs = Math.Clamp(_pauseMs * 2, PauseMsMin, PauseMsMax);
    }
}
