using System;
using System.Buffers.Binary;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// The 32-bit hash that decides which brick a name belongs to: a Davies-Meyer construction over the Tiny Encryption
/// Algorithm, words little-endian. Source: GlusterFS 10 placement, checked against its library for lengths 0 to 255.
/// </summary>
internal static class NameHash
{
    private const uint Start0 = 0x9464A485;
    private const uint Start1 = 0x542E1A94;
    private const uint Delta = 0x9E3779B9;
    private const int BlockSize = 16;
    private const int BlockRounds = 6;
    private const int FinalRounds = 10;

    /// <summary>
    /// Hashes the bytes as they are; see <see cref="NameMunger"/> for what a file name is reduced to first.
    /// </summary>
    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        var h0 = Start0;
        var h1 = Start1;
        var length = (uint)bytes.Length;
        var pad = length | (length << 8);
        pad |= pad << 16;
        while (bytes.Length >= BlockSize)
        {
            Mix(ref h0, ref h1, Word(bytes), Word(bytes[4..]), Word(bytes[8..]), Word(bytes[12..]), BlockRounds);
            bytes = bytes[BlockSize..];
        }

        Span<uint> last = [pad, pad, pad, pad];
        var slot = 0;
        for (; bytes.Length >= 4; bytes = bytes[4..])
        {
            last[slot++] = Word(bytes);
        }

        foreach (var c in bytes)
        {
            // A byte is sign-extended, as a C char is on x86: one above 0x7f sets all upper bits.
            last[slot] = c < 0x80 ? (last[slot] << 8) | c : 0xFFFFFF00 | c;
        }

        Mix(ref h0, ref h1, last[0], last[1], last[2], last[3], FinalRounds);
        return h0 ^ h1;
    }

    private static uint Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static void Mix(ref uint h0, ref uint h1, uint a0, uint a1, uint a2, uint a3, int rounds)
    {
        unchecked
        {
            var b0 = h0;
            var b1 = h1;
            var sum = 0U;
            for (var i = 0; i < rounds; i++)
            {
                sum += Delta;
                b0 += ((b1 << 4) + a0) ^ (b1 + sum) ^ ((b1 >> 5) + a1);
                b1 += ((b0 << 4) + a2) ^ (b0 + sum) ^ ((b0 >> 5) + a3);
            }

            h0 += b0;
            h1 += b1;
        }
    }
}
