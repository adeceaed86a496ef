using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Arm = System.Runtime.Intrinsics.Arm;

namespace Myrmex.Replication.Journal;

/// <summary>
/// CRC-32C (Castagnoli, as in RFC 3720 appendix B.4): by the instruction of the processor where it has one, by tables
/// otherwise.
/// </summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82F63B78; // Reflected.
    private const int Slices = 8;
    private const int Lanes = 3; // The instruction answers after three cycles and can be begun in each.

    private static readonly uint[] Tables = MakeTables();

    /// <summary>
    /// The checksum of <paramref name="bytes"/>, or of what had <paramref name="before"/> followed by them.
    /// </summary>
    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        if (Sse42.X64.IsSupported)
        {
            return ~WithX64(bytes, ~before);
        }

        return Arm.Crc32.Arm64.IsSupported ? ~WithArm(bytes, ~before) : ~WithTables(bytes, ~before);
    }

    /// <summary>
    /// The checksum of each block of <paramref name="blockBytes"/>, a multiple of 8; the last block may be shorter.
    /// Little-endian, one after the other, in <paramref name="target"/>, which has room for all of them.
    /// </summary>
    public static void OfBlocks(ReadOnlySpan<byte> bytes, int blockBytes, Span<byte> target)
    {
        while (Sse42.X64.IsSupported && bytes.Length >= Lanes * blockBytes)
        {
            Three(MemoryMarshal.Cast<byte, ulong>(bytes[..(Lanes * blockBytes)]), blockBytes / sizeof(ulong), target);
            bytes = bytes[(Lanes * blockBytes)..];
            target = target[(Lanes * sizeof(uint))..];
        }

        while (!bytes.IsEmpty)
        {
            var block = bytes[..Math.Min(blockBytes, bytes.Length)];
            BinaryPrimitives.WriteUInt32LittleEndian(target, Of(block));
            bytes = bytes[block.Length..];
            target = target[sizeof(uint)..];
        }
    }

    /// <summary>The same without the processor's help; for tests and old machines.</summary>
    internal static uint OfByTables(ReadOnlySpan<byte> bytes, uint before = 0) => ~WithTables(bytes, ~before);

    private static uint WithX64(ReadOnlySpan<byte> bytes, uint state)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        ulong wide = state;
        foreach (var word in words)
        {
            wide = Sse42.X64.Crc32(wide, word);
        }

        state = (uint)wide;
        foreach (var b in bytes[(words.Length * sizeof(ulong))..])
        {
            state = Sse42.Crc32(state, b);
        }

        return state;
    }

    /// <summary>Three blocks side by side, which takes about as long as one.</summary>
    private static void Three(ReadOnlySpan<ulong> words, int blockWords, Span<byte> target)
    {
        var first = words[..blockWords];
        var second = words.Slice(blockWords, blockWords);
        var third = words.Slice(2 * blockWords, blockWords);
        ulong a = uint.MaxValue;
        ulong b = uint.MaxValue;
        ulong c = uint.MaxValue;
        for (var i = 0; i < first.Length && i < second.Length && i < third.Length; i++)
        {
            a = Sse42.X64.Crc32(a, first[i]);
            b = Sse42.X64.Crc32(b, second[i]);
            c = Sse42.X64.Crc32(c, third[i]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(target, ~(uint)a);
        BinaryPrimitives.WriteUInt32LittleEndian(target[sizeof(uint)..], ~(uint)b);
        BinaryPrimitives.WriteUInt32LittleEndian(target[(2 * sizeof(uint))..], ~(uint)c);
    }

    private static uint WithArm(ReadOnlySpan<byte> bytes, uint state)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
        {
            state = Arm.Crc32.Arm64.ComputeCrc32C(state, word);
        }

        foreach (var b in bytes[(words.Length * sizeof(ulong))..])
        {
            state = Arm.Crc32.ComputeCrc32C(state, b);
        }

        return state;
    }

    private static uint WithTables(ReadOnlySpan<byte> bytes, uint state)
    {
        var tables = Tables;
        while (bytes.Length >= Slices)
        {
            var low = state ^ BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            state = tables[(7 << 8) + (byte)low] ^ tables[(6 << 8) + (byte)(low >> 8)]
                ^ tables[(5 << 8) + (byte)(low >> 16)] ^ tables[(4 << 8) + (byte)(low >> 24)]
                ^ tables[(3 << 8) + (byte)high] ^ tables[(2 << 8) + (byte)(high >> 8)]
                ^ tables[(1 << 8) + (byte)(high >> 16)] ^ tables[(byte)(high >> 24)];
            bytes = bytes[Slices..];
        }

        foreach (var b in bytes)
        {
            state = tables[(byte)(state ^ b)] ^ (state >> 8);
        }

        return state;
    }

    private static uint[] MakeTables()
    {
        var tables = new uint[Slices << 8];
        for (uint i = 0; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value >> 1) ^ ((value & 1) * Polynomial);
            }

            tables[i] = value;
        }

        for (var i = 256; i < tables.Length; i++)
        {
            var shorter = tables[i - 256];
            tables[i] = tables[(byte)shorter] ^ (shorter >> 8);
        }

        return tables;
    }
}
