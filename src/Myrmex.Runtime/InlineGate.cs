using System;
using System.Threading;

namespace Myrmex.Runtime;

/// <summary>
/// Decides where brief work (a create, a cached write, …) runs. A thread hop costs more than such work as long as the
/// file system answers from memory, so it runs on the calling loop; when it turns out to be slow, it goes to workers
/// for a while, so that a slow disk holds up nobody else's connection. One slow piece of work alone says nothing: a
/// thread that has lost its processor to others looks the same. Safe for all threads; a race between them counts one
/// more or less.
/// </summary>
public sealed class InlineGate(IClock clock)
{
    /// <summary>Work that takes longer than this is slow: 3 ms.</summary>
    private const long SlowNs = 3_000_000;

    /// <summary>Two slow ones within so many close the gate.</summary>
    private const int WatchedCount = 16;

    /// <summary>Time the gate stays closed: 1 s.</summary>
    private const long ClosedNs = 1_000_000_000;

    /// <summary>It doubles up to this, 16 s, while the work is slow again at once.</summary>
    private const long ClosedNsMax = 16 * ClosedNs;

    private long _closedUntilNs = long.MinValue;
    private long _closedNs = ClosedNs;
    private int _sinceSlow = WatchedCount;
    private int _sinceOpen = WatchedCount;

    /// <summary>Runs the work here or hands it to a worker.</summary>
    public void Run(IWork work, IWorkers workers)
    {
        if (!TryEnter(out var startNs))
        {
            workers.Submit(work);
            return;
        }

        work.Run();
        Leave(startNs);
    }

    /// <summary>Work is brief just now.</summary>
    public bool IsOpen => clock.MonotonicNs >= Volatile.Read(ref _closedUntilNs);

    /// <summary>True when the work may be done here; then call <see cref="Leave"/> behind it.</summary>
    public bool TryEnter(out long startNs)
    {
        startNs = clock.MonotonicNs;
        return startNs >= Volatile.Read(ref _closedUntilNs);
    }

    public void Leave(long startNs)
    {
        var end = clock.MonotonicNs;
        _sinceOpen = Math.Min(_sinceOpen + 1, WatchedCount);
        if (end - startNs <= SlowNs)
        {
            _sinceSlow = Math.Min(_sinceSlow + 1, WatchedCount);
            return;
        }

        if (_sinceSlow < WatchedCount)
        {
            _closedNs = _sinceOpen < WatchedCount ? Math.Min(2 * _closedNs, ClosedNsMax) : ClosedNs;
            _sinceOpen = 0;
            _sinceSlow = WatchedCount; // What closed it does not count again.
            Volatile.Write(ref _closedUntilNs, end + _closedNs);
            return;
        }

        _sinceSlow = 0;
    }
}
