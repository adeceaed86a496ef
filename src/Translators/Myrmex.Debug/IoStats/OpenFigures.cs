using System.Threading;

namespace Myrmex.Debug;

/// <summary>Files that are open below debug/io-stats: now, at most, and when that was.</summary>
/// <param name="MaxWallNs">Nanoseconds since 1970; 0 when no file was ever open.</param>
public readonly record struct OpenFigures(long Current, long Max, long MaxWallNs);

/// <summary>
/// Counts open files, whether anything else is measured or not: a late start could not tell what is open.
/// </summary>
internal sealed class OpenCounter
{
    private readonly Lock _lock = new(); // Guards _max and _maxWallNs; a leaf lock.
    private long _current;
    private long _max;
    private long _maxWallNs;

    public void Opened(Runtime.IClock clock)
    {
        var now = Interlocked.Increment(ref _current);
        if (now <= Volatile.Read(ref _max))
        {
            return;
        }

        lock (_lock)
        {
            if (now > _max)
            {
                _maxWallNs = clock.WallNs;
                Volatile.Write(ref _max, now);
            }
        }
    }

    public void Closed() => Interlocked.Decrement(ref _current);

    public OpenFigures Read()
    {
        lock (_lock)
        {
            return new OpenFigures(Volatile.Read(ref _current), _max, _maxWallNs);
        }
    }

    /// <summary>Forgets the maximum.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            Volatile.Write(ref _max, 0);
            _maxWallNs = 0;
        }
    }
}
