using System;
using System.Diagnostics;

namespace Myrmex.Bench;

/// <summary>One thing measured: a body that does the given number of operations.</summary>
internal sealed record Benchmark(string Name, Action<int> Body)
{
    /// <summary>Nanoseconds and bytes per operation; the smallest of several rounds, after a warm-up.</summary>
    public (double Nanoseconds, double Bytes) Measure(int operations, int rounds)
    {
        for (var i = 0; i < 30; i++)
        {
            Body(Math.Max(operations / 30, 50));
        }

        var best = double.MaxValue;
        var bytes = double.MaxValue;
        for (var i = 0; i < rounds; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            Body(operations);
            var elapsed = Stopwatch.GetElapsedTime(start);
            bytes = Math.Min(bytes, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)operations);
            best = Math.Min(best, elapsed.TotalNanoseconds / operations);
        }

        return (best, bytes);
    }
}
