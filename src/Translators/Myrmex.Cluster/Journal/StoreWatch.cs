using System.Threading;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// How long the oldest call to a store has been under way. Calls are counted by the quarter of a second in which they
/// began, so that <see cref="Begin"/> and <see cref="End"/> cost an addition each and read no clock; any thread. What
/// looks at the ages also moves the time forward: one caller at a time, some times in each quarter.
/// </summary>
public sealed class StoreWatch
{
    /// <summary>Milliseconds of one slot: ages are known to within this.</summary>
    private const long SlotMs = 250;

    private const int Slots = 64; // A power of two. What is older than all slots keeps the time of the oldest.

    private readonly int[] _underWay = new int[Slots];
    private readonly long[] _endMs = new long[Slots]; // Of the slot: what is counted in it began before.
    private int _now;

    /// <summary>A call begins.</summary>
    /// <returns>What <see cref="End"/> is given.</returns>
    public int Begin()
    {
        var slot = Volatile.Read(ref _now);
        Interlocked.Increment(ref _underWay[slot]);
        return slot;
    }

    public void End(int slot) => Interlocked.Decrement(ref _underWay[slot]);

    /// <summary>Milliseconds since the oldest call that is under way began, or less by one slot; 0 for none.</summary>
    public long OldestMs(long nowMs)
    {
        var now = _now;
        if (_endMs[now] == 0)
        {
            _endMs[now] = nowMs + SlotMs;
        }
        else if (nowMs >= _endMs[now] && Volatile.Read(ref _underWay[(now + 1) % Slots]) == 0)
        {
            now = (now + 1) % Slots;
            _endMs[now] = nowMs + SlotMs;
            Volatile.Write(ref _now, now);
        }

        for (var i = 1; i <= Slots; i++)
        {
            var slot = (now + i) % Slots;
            if (Volatile.Read(ref _underWay[slot]) > 0)
            {
                return System.Math.Max(0, nowMs - _endMs[slot]);
            }
        }

        return 0;
    }
}
