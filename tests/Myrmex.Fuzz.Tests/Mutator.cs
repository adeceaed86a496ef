using System;
using System.Buffers.Binary;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Fuzz.Tests;

/// <summary>Damages bytes in the ways that decoders of length-prefixed formats mind.</summary>
internal static class Mutator
{
    private const int LengthMax = 1 << 20;

    private static readonly uint[] Interesting =
    [
        0, 1, 2, 3, 4, 5, 7, 8, 16, 24, 36, 148, 255, 256, 4095, 4096, 65535, 65536, 1 << 20, 0x7FFFFFFC, 0x7FFFFFFD, 0x7FFFFFFF,
        0x80000000, 0xFFFFFFFC, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF,
    ];

    /// <summary>A damaged copy; <paramref name="other"/> gives material for splices.</summary>
    public static byte[] Mutate(SimRandom random, byte[] bytes, byte[] other)
    {
        var result = (byte[])bytes.Clone();
        var count = 1 + random.Below(6);
        for (var i = 0; i < count; i++)
        {
            result = MutateOnce(random, result, other);
        }

        return result.Length <= LengthMax ? result : result[..LengthMax];
    }

    /// <summary>A copy with one change that leaves its length: most decoders take it, and what is behind them gets the damage.</summary>
    public static byte[] Touch(SimRandom random, byte[] bytes)
    {
        var result = (byte[])bytes.Clone();
        if (result.Length == 0)
        {
            return result;
        }

        switch (random.Below(4))
        {
            case 0:
                result[random.Below(result.Length)] ^= (byte)(1 << random.Below(8));
                return result;
            case 1:
                result[random.Below(result.Length)] = (byte)random.Next();
                return result;
            case 2:
                SetWord(random, result, Interesting[random.Below(Interesting.Length)]);
                return result;
            default:
                return NudgeWord(random, result);
        }
    }

    private static byte[] MutateOnce(SimRandom random, byte[] bytes, byte[] other)
    {
        if (bytes.Length == 0)
        {
            return RandomBytes(random, random.Below(64));
        }

        switch (random.Below(10))
        {
            case 0:
                bytes[random.Below(bytes.Length)] ^= (byte)(1 << random.Below(8));
                return bytes;
            case 1:
                bytes[random.Below(bytes.Length)] = (byte)random.Next();
                return bytes;
            case 2 or 3:
                SetWord(random, bytes, Interesting[random.Below(Interesting.Length)]);
                return bytes;
            case 4:
                return NudgeWord(random, bytes);
            case 5:
                return bytes[..random.Below(bytes.Length)];
            case 6:
                return [.. bytes, .. RandomBytes(random, random.Below(64))];
            case 7:
                return Remove(random, bytes);
            case 8:
                return Insert(random, bytes, Piece(random, bytes));
            default:
                return Insert(random, bytes, Piece(random, other));
        }
    }

    private static void SetWord(SimRandom random, byte[] bytes, uint value)
    {
        if (bytes.Length >= 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(WordAt(random, bytes)), value);
        }
    }

    /// <summary>A length that is off by a little is worse than one that is off by much.</summary>
    private static byte[] NudgeWord(SimRandom random, byte[] bytes)
    {
        if (bytes.Length >= 4)
        {
            var word = bytes.AsSpan(WordAt(random, bytes));
            var value = BinaryPrimitives.ReadUInt32BigEndian(word) + (uint)random.Between(0, 8) - 4;
            BinaryPrimitives.WriteUInt32BigEndian(word, value);
        }

        return bytes;
    }

    private static int WordAt(SimRandom random, byte[] bytes) =>
        random.Chance(0.9) ? random.Below(bytes.Length / 4) * 4 : random.Below(bytes.Length - 3);

    private static byte[] Remove(SimRandom random, byte[] bytes)
    {
        var at = random.Below(bytes.Length);
        var count = Math.Min(bytes.Length - at, 1 + random.Below(40));
        return [.. bytes[..at], .. bytes[(at + count)..]];
    }

    private static byte[] Insert(SimRandom random, byte[] bytes, byte[] piece)
    {
        var at = random.Below(bytes.Length + 1);
        return [.. bytes[..at], .. piece, .. bytes[at..]];
    }

    private static byte[] Piece(SimRandom random, byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return [];
        }

        var at = random.Below(bytes.Length);
        return bytes[at..Math.Min(bytes.Length, at + 1 + random.Below(200))];
    }

    private static byte[] RandomBytes(SimRandom random, int count)
    {
        var bytes = new byte[count];
        random.Fill(bytes);
        return bytes;
    }
}
