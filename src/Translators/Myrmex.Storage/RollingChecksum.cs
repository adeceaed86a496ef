using System;

namespace Myrmex.Storage;

/// <summary>Adler-32 begun at 0 instead of 1, the weak checksum of RCHECKSUM.</summary>
internal static class RollingChecksum
{
    private const uint Modulus = 65521;

    // Bytes that can be summed before the sums must be reduced.
    private const int Run = 5552;

    public static uint Of(ReadOnlySpan<byte> data)
    {
        uint a = 0, b = 0;
        while (!data.IsEmpty)
        {
            var part = data[..Math.Min(Run, data.Length)];
            foreach (var value in part)
            {
                a += value;
                b += a;
            }

            a %= Modulus;
            b %= Modulus;
            data = data[part.Length..];
        }

        return (b << 16) | a;
    }
}
