using System;
using System.Threading;

namespace Myrmex.Runtime;

/// <summary>
/// Notices when a scheduler does not get on: the thread that is at it, or that has its timers, waits in a system call,
/// for a disk that hangs. Nothing on that scheduler could notice. Its own timers run elsewhere
/// (<see cref="Seams.Aside"/>).
/// </summary>
/// <param name="aside">Has the timers.</param>
/// <param name="watched">What is watched.</param>
/// <param name="clock">Tells how long.</param>
/// <param name="changed">
/// True when it has not run anything for <see cref="StuckMs"/>, again at each look while that is so; then false, once.
/// On threads of either scheduler, one call after the other.
/// </param>
public sealed class SchedulerWatch(IScheduler aside, IScheduler watched, IClock clock, Action<bool> changed)
    : IDisposable
{
    /// <summary>Milliseconds between two looks.</summary>
    public const long PeriodMs = 500;

    /// <summary>A scheduler that has run nothing for so many milliseconds is stuck.</summary>
    public const long StuckMs = 2000;

    private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
    private readonly Lock _telling = new(); // One call of `changed` after the other; taken before _lock.
    private IDisposable? _timer;
    private long _askedNs; // When it was given something to run that it has not run yet; 0 for nothing.
    private int _overdue; // Looks in a row at which it was late: a process that stood still is late once.
    private bool _isStuck;
    private bool _isStopped;

    public void Start() => ScheduleLook();

    public void Dispose()
    {
        lock (_lock)
        {
            _isStopped = true;
            _timer?.Dispose();
        }
    }

    private void ScheduleLook()
    {
        lock (_lock)
        {
            _timer = _isStopped ? null : aside.Schedule(PeriodMs, Look);
        }
    }

    private void Look()
    {
        bool asks;
        lock (_lock)
        {
            asks = _askedNs == 0;
            _askedNs = asks ? clock.MonotonicNs : _askedNs;
            _overdue = !asks && clock.MonotonicNs - _askedNs >= StuckMs * 1_000_000 ? _overdue + 1 : 0;
        }

        if (asks)
        {
            watched.Post(OnRun);
        }

        Tell();
        ScheduleLook();
    }

    private void OnRun()
    {
        lock (_lock)
        {
            _askedNs = 0;
            _overdue = 0;
        }

        Tell();
    }

    private void Tell()
    {
        lock (_telling)
        {
            bool isStuck;
            lock (_lock)
            {
                isStuck = _overdue > 1;
                if (_isStopped || (!isStuck && !_isStuck))
                {
                    return;
                }

                _isStuck = isStuck;
            }

            changed(isStuck);
        }
    }
}
