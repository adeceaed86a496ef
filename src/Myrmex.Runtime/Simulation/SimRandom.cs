using System;
using System.Buffers.Binary;

namespace Myrmex.Runtime.Simulation;

/// <summary>
/// A seeded stream of numbers (SplitMix64), the same for a seed on every machine and runtime version. Not cryptographic.
/// </summary>
public sealed class SimRandom(ulong seed) : IRandom
{
    private ulong _state = seed;

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var mixed = _state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>A number from 0 up to, not including, <paramref name="limit"/>, which is at least 1.</summary>
    public int Below(int limit) => (int)(((UInt128)Next() * (uint)limit) >> 64);

    /// <summary>A number from <paramref name="min"/> to <paramref name="max"/>, both included.</summary>
    public long Between(long min, long max) => min + (long)(((UInt128)Next() * ((ulong)(max - min) + 1)) >> 64);

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => (Next() >> 11) * (1.0 / (1UL << 53)) < probability;

    /// <summary>Another stream, for a part whose draws shall not disturb the others.</summary>
    public SimRandom Fork() => new(Next());

    public void Fill(Span<byte> bytes)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (bytes.Length > 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
            var part = Math.Min(word.Length, bytes.Length);
            word[..part].CopyTo(bytes);
            bytes = bytes[part..];
        }
    }
}
