using System;
using System.Buffers.Binary;
using System.Numerics;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication;

/// <summary>
/// What is left of those blocks of an entry's data that were not sent with it, because committed entries after it
/// overwrite them: enough to check the entry and to send it on, not to apply these bytes.
/// </summary>
/// <remarks>
/// As bytes, little-endian: 1 if some blocks are there, 0 if none is (1), bytes of data (4), horizon (8); then for none
/// the digest of the data (16), for some a bit for each block that is missing and the digests of these, in order.
/// </remarks>
public sealed class ElidedData
{
    /// <summary>Bytes of a block; they are counted from the beginning of the data.</summary>
    public const int BlockBytes = 4096;

    /// <summary>Bytes that the encoded form may have.</summary>
    public const int EncodedMax = HeadBytes + (BlocksMax / 8) + (BlocksMax * DigestBytes);

    /// <summary>Blocks that data may have.</summary>
    public const int BlocksMax = JournalEntry.DataMax / BlockBytes;

    private const int HeadBytes = 13;
    private const int DigestBytes = 16;

    private readonly byte[] _encoded;
    private readonly int _digestsAt;

    private ElidedData(byte[] encoded)
    {
        _encoded = encoded;
        Length = BinaryPrimitives.ReadInt32LittleEndian(encoded.AsSpan(1));
        Through = new JournalIndex(BinaryPrimitives.ReadUInt64LittleEndian(encoded.AsSpan(5)));
        _digestsAt = HeadBytes + (IsAll ? 0 : BitmapBytes(Length));
        PresentLength = IsAll ? 0 : Length;
        for (var i = 0; !IsAll && i < BlocksOf(Length); i++)
        {
            PresentLength -= IsMissing(i) ? LengthOf(i) : 0;
        }
    }

    /// <summary>Bytes of the whole data.</summary>
    public int Length { get; }

    /// <summary>
    /// The horizon: the entries that overwrite the missing bytes are at or before this index, which is committed. A
    /// store that has this entry, and not everything up to there, holds what no store ever held.
    /// </summary>
    public JournalIndex Through { get; }

    /// <summary>Nothing of the data is there.</summary>
    public bool IsAll => _encoded[0] == 0;

    /// <summary>Bytes that are there, one block after the other.</summary>
    public int PresentLength { get; }

    public ReadOnlySpan<byte> Encoded => _encoded;

    public static int BlocksOf(int length) => (length + BlockBytes - 1) / BlockBytes;

    /// <summary>All of the data is missing.</summary>
    public static ElidedData All(ReadOnlySpan<byte> data, JournalIndex through)
    {
        var encoded = new byte[HeadBytes + DigestBytes];
        WriteHead(encoded, isAll: true, data.Length, through);
        BinaryPrimitives.WriteUInt128LittleEndian(encoded.AsSpan(HeadBytes), EntryChain.Digest(data));
        return new ElidedData(encoded);
    }

    /// <summary>Some blocks of the data are missing, and some are not.</summary>
    /// <param name="missing">A bit for each block.</param>
    public static ElidedData Some(ReadOnlySpan<byte> data, ReadOnlySpan<byte> missing, JournalIndex through)
    {
        var bitmap = missing[..BitmapBytes(data.Length)];
        var count = CountOf(bitmap);
        Invariant.Check(count > 0 && count < BlocksOf(data.Length));
        var encoded = new byte[HeadBytes + bitmap.Length + (count * DigestBytes)];
        WriteHead(encoded, isAll: false, data.Length, through);
        bitmap.CopyTo(encoded.AsSpan(HeadBytes));
        var at = HeadBytes + bitmap.Length;
        for (var i = 0; i < BlocksOf(data.Length); i++)
        {
            if (IsSet(bitmap, i))
            {
                var block = data.Slice(i * BlockBytes, LengthOf(i, data.Length));
                BinaryPrimitives.WriteUInt128LittleEndian(encoded.AsSpan(at), EntryChain.BlockDigest(block));
                at += DigestBytes;
            }
        }

        return new ElidedData(encoded);
    }

    /// <summary>Reads what <see cref="Encoded"/> is; null for bytes that do not begin with it.</summary>
    public static ElidedData? Decode(ReadOnlySpan<byte> bytes)
    {
        var length = bytes.Length < HeadBytes ? -1 : BinaryPrimitives.ReadInt32LittleEndian(bytes[1..]);
        if (length is < 0 or > JournalEntry.DataMax || bytes[0] > 1)
        {
            return null;
        }

        var isAll = bytes[0] == 0;
        var bitmap = isAll ? 0 : BitmapBytes(length);
        if (bytes.Length < HeadBytes + bitmap)
        {
            return null;
        }

        var count = isAll ? 1 : CountOf(bytes.Slice(HeadBytes, bitmap));
        var all = HeadBytes + bitmap + (count * DigestBytes);
        var blocks = BlocksOf(length);
        var isPossible = bytes.Length >= all && (isAll || (count > 0 && count < blocks
            && (blocks % 8 == 0 || bytes[HeadBytes + bitmap - 1] >> (blocks % 8) == 0)));
        return isPossible ? new ElidedData(bytes[..all].ToArray()) : null;
    }

    /// <summary>The block is not there.</summary>
    public bool IsMissing(int block) => IsAll || IsSet(_encoded.AsSpan(HeadBytes), block);

    /// <summary>Bytes of a block: the last one may be shorter.</summary>
    public int LengthOf(int block) => LengthOf(block, Length);

    /// <summary>The same of data of so many bytes.</summary>
    public static int LengthOf(int block, int dataLength) => Math.Min(BlockBytes, dataLength - (block * BlockBytes));

    /// <summary>The digest of all data, from what is there and what is known of the rest.</summary>
    public UInt128 DigestWith(ReadOnlySpan<byte> present)
    {
        if (IsAll)
        {
            return BinaryPrimitives.ReadUInt128LittleEndian(_encoded.AsSpan(_digestsAt));
        }

        var digest = new DataDigest(Length);
        var at = _digestsAt;
        for (var i = 0; i < BlocksOf(Length); i++)
        {
            if (IsMissing(i))
            {
                digest.Add(BinaryPrimitives.ReadUInt128LittleEndian(_encoded.AsSpan(at)));
                at += DigestBytes;
            }
            else
            {
                digest.Add(EntryChain.BlockDigest(present[..LengthOf(i)]));
                present = present[LengthOf(i)..];
            }
        }

        return digest.Finish();
    }

    private static bool IsSet(ReadOnlySpan<byte> bitmap, int block) => (bitmap[block / 8] >> (block % 8) & 1) != 0;

    private static int BitmapBytes(int length) => (BlocksOf(length) + 7) / 8;

    private static int CountOf(ReadOnlySpan<byte> bitmap)
    {
        var count = 0;
        foreach (var bits in bitmap)
        {
            count += BitOperations.PopCount(bits);
        }

        return count;
    }

    private static void WriteHead(Span<byte> target, bool isAll, int length, JournalIndex through)
    {
        target[0] = isAll ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteInt32LittleEndian(target[1..], length);
        BinaryPrimitives.WriteUInt64LittleEndian(target[5..], through.Value);
    }
}
