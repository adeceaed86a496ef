using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Myrmex.Replication.Engine;

/// <summary>
/// The chain value of an entry: 128 bits over the chain before it, its header, its meta part and the digest of its
/// data. Equal chains mean equal journals up to that entry, so two members compare whole histories by one number; and
/// an entry can be checked, and sent on, by who has the digest in place of the data.
/// </summary>
/// <remarks>
/// Not cryptographic, by choice: who may speak to a member is settled by its connection, and the value guards against
/// divergence and damage, not against forgery. Each leader and each follower runs it over every byte written, so it
/// has to cost less than a copy: two lanes of folded 64 x 64 multiplications (the construction of the wyhash and XXH3
/// families). The values are on disk: a change of this code is a new version of the journal. Golden values are in the
/// tests.
/// </remarks>
public static class EntryChain
{
    private const ulong P0 = 0xA0761D6478BD642F;
    private const ulong P1 = 0xE7037ED1A0B428DB;
    private const ulong P2 = 0x8EBC6AF09C88C6E3;
    private const ulong P3 = 0x589965CC75374CC3;

    /// <summary>The chain of an entry that follows one whose chain is <paramref name="previous"/>.</summary>
    /// <param name="header">Its <see cref="EntryHeader.Chain"/> is ignored.</param>
    public static UInt128 Next(
        UInt128 previous, in EntryHeader header, ReadOnlySpan<byte> meta, ReadOnlySpan<byte> data) =>
        Next(previous, header, meta, Digest(data), data.Length);

    /// <summary>The same from the digest of the data, for who does not have the bytes.</summary>
    public static UInt128 Next(
        UInt128 previous, in EntryHeader header, ReadOnlySpan<byte> meta, UInt128 digest, int dataLength)
    {
        var low = Fold((ulong)previous ^ P0, header.Term.Value ^ P1);
        var high = Fold((ulong)(previous >> 64) ^ P2, header.Index.Value ^ P3);
        low = Fold(low ^ (ulong)header.Session, (ulong)(header.Session >> 64) ^ P1);
        high = Fold(high ^ header.Sequence, header.Step ^ ((ulong)header.Kind << 32) ^ P2);
        low = Fold(low ^ (ulong)meta.Length, (ulong)dataLength ^ P3);
        Mix(ref low, ref high, meta);
        Mix(ref low, ref high, digest);
        return Finish(low, high);
    }

    /// <summary>
    /// What the chain of an entry covers of its data: 128 bits over the digests of all its blocks of <see
    /// cref="ElidedData.BlockBytes"/>; 0 for no data.
    /// </summary>
    public static UInt128 Digest(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return default;
        }

        var digest = new DataDigest(data.Length);
        while (!data.IsEmpty)
        {
            var block = data[..Math.Min(ElidedData.BlockBytes, data.Length)];
            digest.Add(BlockDigest(block));
            data = data[block.Length..];
        }

        return digest.Finish();
    }

    /// <summary>128 bits over the bytes of a block.</summary>
    public static UInt128 BlockDigest(ReadOnlySpan<byte> block)
    {
        var low = P2;
        var high = (ulong)block.Length ^ P1;
        Mix(ref low, ref high, block);
        return Finish(low, high);
    }

    /// <summary>The entry with its chain.</summary>
    public static EntryHeader Seal(
        UInt128 previous, in EntryHeader header, ReadOnlySpan<byte> meta, ReadOnlySpan<byte> data) =>
        header with { Chain = Next(previous, header, meta, data) };

    /// <summary>
    /// The entry is what its chain says, after an entry with chain <paramref name="previous"/>, whether its bytes are
    /// there or were elided.
    /// </summary>
    public static bool Matches(UInt128 previous, JournalEntry entry)
    {
        var digest = entry.Elided?.DigestWith(entry.Data.Span) ?? Digest(entry.Data.Span);
        return Next(previous, entry.Header, entry.Meta.Span, digest, entry.DataLength) == entry.Header.Chain;
    }

    internal static (ulong Low, ulong High) BeginDigest(int length) =>
        (Fold((ulong)length ^ P2, P0), Fold((ulong)length ^ P1, P3));

    internal static void Mix(ref ulong low, ref ulong high, UInt128 digest)
    {
        low = Fold(low ^ (ulong)digest, (ulong)(digest >> 64) ^ P1);
        high = Fold(high ^ (ulong)(digest >> 64), (ulong)digest ^ P2);
    }

    internal static UInt128 Finish(ulong low, ulong high)
    {
        var first = Fold(low ^ P0, high ^ P1);
        return new UInt128(Fold(high ^ P2, low ^ first ^ P3), first);
    }

    private static void Mix(ref ulong low, ref ulong high, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 32)
        {
            low = Fold(low ^ Word(bytes), Word(bytes[8..]) ^ P1);
            high = Fold(high ^ Word(bytes[16..]), Word(bytes[24..]) ^ P2);
            bytes = bytes[32..];
        }

        if (bytes.Length > 0)
        {
            Span<byte> rest = stackalloc byte[32];
            rest.Clear();
            bytes.CopyTo(rest);
            low = Fold(low ^ Word(rest), Word(rest[8..]) ^ P3);
            high = Fold(high ^ Word(rest[16..]), Word(rest[24..]) ^ P0 ^ (ulong)bytes.Length);
        }
    }

    private static ulong Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong left, ulong right)
    {
        // The sums keep a factor of zero from wiping out what was mixed in before.
        var high = Math.BigMul(left, right, out var low);
        return (low ^ high) + left + (right << 32 | right >> 32);
    }
}
