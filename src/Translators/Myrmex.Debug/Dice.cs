using System;
using System.Buffers.Binary;
using System.Threading;
using Myrmex.Runtime;

namespace Myrmex.Debug;

/// <summary>
/// Cheap random numbers for all threads, seeded from the seam: with the simulator's seed the sequence repeats.
/// Source: SplitMix64.
/// </summary>
internal sealed class Dice
{
    private const ulong Step = 0x9E3779B97F4A7C15UL;

    private ulong _state;

    public Dice(IRandom random)
    {
        Span<byte> seed = stackalloc byte[8];
        random.Fill(seed);
        _state = BinaryPrimitives.ReadUInt64LittleEndian(seed);
    }

    /// <summary>True in <paramref name="percent"/> of 100 calls.</summary>
    public bool Hits(double percent) => (Next() >> 11) * (100.0 / (1UL << 53)) < percent;

    /// <summary>A number from 0 to <paramref name="count"/> - 1.</summary>
    public int Pick(int count) => (int)(Next() % (ulong)count);

    private ulong Next()
    {
        var z = Interlocked.Add(ref _state, Step);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
