using System;
using System.Buffers.Binary;

namespace Myrmex.Replication.Journal;

/// <summary>What a batch does.</summary>
internal enum BatchKind : byte
{
    /// <summary>Adds entries after the last one.</summary>
    Append = 1,

    /// <summary>Takes away all entries from an index on.</summary>
    Cut = 2,

    /// <summary>Has entries again that were damaged.</summary>
    Repair = 3,
}

/// <summary>
/// The first 128 bytes of a batch, little-endian: <code> offset size      0    4  magic "MJBH"      4    4  crc32c of
/// bytes 8..128      8   16  incarnation of the journal     24    8  segment     32    8  batch     40    4  its own
/// first block in the segment     44    4  blocks of headers, checksums, meta and trailer     48    4  blocks of data
///     52    4  entries     56    1  kind: 1 append, 2 cut, 3 repair     57    1  flags: 1 the chain before is not
/// known     58    2  0     60    4  first byte of the trailer in the batch     64    8  last index before the batch
///    72    8  cut: first index taken away     80    8  term of the entry before (append: the last one; cut: the one
/// before the cut)     88   16  chain of that entry    104   24  cuts before the batch: count, last from, lowest from
/// </code>
/// </summary>
internal struct BatchHead
{
    public ulong Segment;
    public ulong Number;
    public uint Block;
    public int HeadBlocks;
    public int DataBlocks;
    public int Count;
    public BatchKind Kind;
    public bool KnowsPreviousChain;
    public int TrailerOffset;
    public ulong LastBefore;
    public ulong CutFrom;
    public ulong PreviousTerm;
    public UInt128 PreviousChain;
    public CutHistory Cuts;

    public readonly int Blocks => HeadBlocks + DataBlocks;
}

/// <summary>
/// The first 128 bytes of a segment and of its last block, little-endian: <code> offset size      0    8  magic
/// "MYRMXSEG"      8    4  version     12    4  crc32c of bytes 16..128     16   16  incarnation of the journal
/// 32    8  segment     40    8  number of its first batch     48    8  last index before the segment     56    8
/// term of that entry     64   16  chain of that entry     80   24  cuts before the segment: count, last from, lowest
/// from    104    8  bytes of the segment    112    1  flags: 1 nothing before the segment counts, 2 the chain before
/// is not known    113   15  0
/// </code>
/// </summary>
internal sealed record SegmentHead(
    ulong Number, ulong FirstBatch, ulong LastBefore, ulong PreviousTerm, UInt128 PreviousChain, CutHistory Cuts,
        long Bytes,
    bool IsFresh, bool KnowsPreviousChain);

/// <summary>
/// Bytes of the journal to values and back. The trailer of a batch, 64 bytes after the last meta, little-endian:
/// <code> offset size      0    4  magic "MJBT"      4    4  crc32c of bytes 8..64      8    8  batch     16    8
/// first index (0 without entries)     24    8  last index     32    4  crc32c of the batch head and all entry
/// headers     36    4  entries     40    8  segment     48   16  0
/// </code>
/// </summary>
internal static class JournalFormat
{
    /// <summary>Since 2 the chain of an entry covers the digest of its data, and entries may be elided.</summary>
    public const uint Version = 2;
    public const int HeadSize = 128;
    public const int EntrySize = 128;
    public const int TrailerSize = 64;
    public const uint BatchMagic = 0x4842_4A4D; // "MJBH"

    private const ulong SegmentMagic = 0x4745_5358_4D52_594D; // "MYRMXSEG"
    private const uint EntryMagic = 0x4E45_4A4D; // "MJEN"
    private const uint TrailerMagic = 0x5442_4A4D; // "MJBT"

    public static int BlocksOf(long bytes) => (int)((bytes + JournalLimits.BlockBytes - 1) / JournalLimits.BlockBytes);

    public static uint SeedOf(UInt128 incarnation)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, incarnation);
        return Crc32C.Of(bytes);
    }

    public static void WriteCuts(Span<byte> target, CutHistory cuts)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, cuts.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], cuts.LastFrom);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], cuts.LowestFrom);
    }

    public static CutHistory ReadCuts(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(source), BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(source[16..]));

    public static void WriteEntry(Span<byte> target, in EntryRecord record, uint seed)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, EntryMagic);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], record.Header.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], record.Header.Term.Value);
        BinaryPrimitives.WriteUInt128LittleEndian(target[24..], record.Header.Chain);
        BinaryPrimitives.WriteUInt128LittleEndian(target[40..], record.PreviousChain);
        BinaryPrimitives.WriteUInt128LittleEndian(target[56..], record.Header.Session);
        BinaryPrimitives.WriteUInt64LittleEndian(target[72..], record.Header.Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(target[80..], record.Header.Step);
        target[84] = (byte)record.Header.Kind;
        target[85] = (byte)((record.KnowsPreviousChain ? 0 : 1) | (record.IsElided ? 2 : 0));
        target[86] = target[87] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(target[88..], record.Batch);
        BinaryPrimitives.WriteUInt64LittleEndian(target[96..], record.Segment);
        BinaryPrimitives.WriteUInt32LittleEndian(target[104..], record.BatchBlock);
        BinaryPrimitives.WriteInt32LittleEndian(target[108..], record.MetaOffset);
        BinaryPrimitives.WriteInt32LittleEndian(target[112..], record.MetaLength);
        BinaryPrimitives.WriteUInt32LittleEndian(target[116..], record.MetaChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(target[120..], record.DataBlock);
        BinaryPrimitives.WriteInt32LittleEndian(target[124..], record.DataLength);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Crc32C.Of(target[8..EntrySize], seed));
    }

    /// <summary>False when the bytes are not a header of this journal, or say what cannot be.</summary>
    public static bool TryReadEntry(ReadOnlySpan<byte> source, uint seed, long segmentBytes, out EntryRecord record)
    {
        record = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != EntryMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Crc32C.Of(source[8..EntrySize], seed))
        {
            return false;
        }

        record.Header = new EntryHeader(
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[16..])),
            new JournalIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])),
            BinaryPrimitives.ReadUInt128LittleEndian(source[24..]),
            (EntryKind)source[84],
            BinaryPrimitives.ReadUInt128LittleEndian(source[56..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[72..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[80..]));
        record.PreviousChain = BinaryPrimitives.ReadUInt128LittleEndian(source[40..]);
        record.KnowsPreviousChain = (source[85] & 1) == 0;
        record.IsElided = (source[85] & 2) != 0;
        record.Batch = BinaryPrimitives.ReadUInt64LittleEndian(source[88..]);
        record.Segment = BinaryPrimitives.ReadUInt64LittleEndian(source[96..]);
        record.BatchBlock = BinaryPrimitives.ReadUInt32LittleEndian(source[104..]);
        record.MetaOffset = BinaryPrimitives.ReadInt32LittleEndian(source[108..]);
        record.MetaLength = BinaryPrimitives.ReadInt32LittleEndian(source[112..]);
        record.MetaChecksum = BinaryPrimitives.ReadUInt32LittleEndian(source[116..]);
        record.DataBlock = BinaryPrimitives.ReadUInt32LittleEndian(source[120..]);
        record.DataLength = BinaryPrimitives.ReadInt32LittleEndian(source[124..]);
        return IsPossible(record, segmentBytes);
    }

    public static void WriteBatch(Span<byte> target, in BatchHead head, UInt128 incarnation)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, BatchMagic);
        BinaryPrimitives.WriteUInt128LittleEndian(target[8..], incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], head.Segment);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], head.Number);
        BinaryPrimitives.WriteUInt32LittleEndian(target[40..], head.Block);
        BinaryPrimitives.WriteInt32LittleEndian(target[44..], head.HeadBlocks);
        BinaryPrimitives.WriteInt32LittleEndian(target[48..], head.DataBlocks);
        BinaryPrimitives.WriteInt32LittleEndian(target[52..], head.Count);
        target[56] = (byte)head.Kind;
        target[57] = head.KnowsPreviousChain ? (byte)0 : (byte)1;
        target[58] = target[59] = 0;
        BinaryPrimitives.WriteInt32LittleEndian(target[60..], head.TrailerOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(target[64..], head.LastBefore);
        BinaryPrimitives.WriteUInt64LittleEndian(target[72..], head.CutFrom);
        BinaryPrimitives.WriteUInt64LittleEndian(target[80..], head.PreviousTerm);
        BinaryPrimitives.WriteUInt128LittleEndian(target[88..], head.PreviousChain);
        WriteCuts(target[104..], head.Cuts);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Crc32C.Of(target[8..HeadSize]));
    }

    /// <summary>False when no batch of this segment starts in this block.</summary>
    public static bool TryReadBatch(
        ReadOnlySpan<byte> source, UInt128 incarnation, ulong segment, long block, long segmentBytes,
            out BatchHead head)
    {
        head = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != BatchMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Crc32C.Of(source[8..HeadSize])
            || BinaryPrimitives.ReadUInt128LittleEndian(source[8..]) != incarnation)
        {
            return false;
        }

        head.Segment = BinaryPrimitives.ReadUInt64LittleEndian(source[24..]);
        head.Number = BinaryPrimitives.ReadUInt64LittleEndian(source[32..]);
        head.Block = BinaryPrimitives.ReadUInt32LittleEndian(source[40..]);
        head.HeadBlocks = BinaryPrimitives.ReadInt32LittleEndian(source[44..]);
        head.DataBlocks = BinaryPrimitives.ReadInt32LittleEndian(source[48..]);
        head.Count = BinaryPrimitives.ReadInt32LittleEndian(source[52..]);
        head.Kind = (BatchKind)source[56];
        head.KnowsPreviousChain = (source[57] & 1) == 0;
        head.TrailerOffset = BinaryPrimitives.ReadInt32LittleEndian(source[60..]);
        head.LastBefore = BinaryPrimitives.ReadUInt64LittleEndian(source[64..]);
        head.CutFrom = BinaryPrimitives.ReadUInt64LittleEndian(source[72..]);
        head.PreviousTerm = BinaryPrimitives.ReadUInt64LittleEndian(source[80..]);
        head.PreviousChain = BinaryPrimitives.ReadUInt128LittleEndian(source[88..]);
        head.Cuts = ReadCuts(source[104..]);
        return head.Segment == segment && head.Block == block && IsPossible(head, segmentBytes);
    }

    public static void WriteTrailer(Span<byte> target, in BatchHead head, ulong first, ulong last, uint headers)
    {
        target[..TrailerSize].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target, TrailerMagic);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], head.Number);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], first);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], last);
        BinaryPrimitives.WriteUInt32LittleEndian(target[32..], headers);
        BinaryPrimitives.WriteInt32LittleEndian(target[36..], head.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], head.Segment);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Crc32C.Of(target[8..TrailerSize]));
    }

    /// <summary>
    /// True when the trailer is that of this batch and says that all its headers are as they were written.
    /// </summary>
    public static bool IsTrailerOf(ReadOnlySpan<byte> source, in BatchHead head, uint headers) =>
        BinaryPrimitives.ReadUInt32LittleEndian(source) == TrailerMagic
        && BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) == Crc32C.Of(source[8..TrailerSize])
        && BinaryPrimitives.ReadUInt64LittleEndian(source[8..]) == head.Number
        && BinaryPrimitives.ReadUInt32LittleEndian(source[32..]) == headers
        && BinaryPrimitives.ReadInt32LittleEndian(source[36..]) == head.Count
        && BinaryPrimitives.ReadUInt64LittleEndian(source[40..]) == head.Segment;

    public static void WriteSegment(Span<byte> target, SegmentHead head, UInt128 incarnation)
    {
        target[..HeadSize].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target, SegmentMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteUInt128LittleEndian(target[16..], incarnation);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], head.Number);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], head.FirstBatch);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], head.LastBefore);
        BinaryPrimitives.WriteUInt64LittleEndian(target[56..], head.PreviousTerm);
        BinaryPrimitives.WriteUInt128LittleEndian(target[64..], head.PreviousChain);
        WriteCuts(target[80..], head.Cuts);
        BinaryPrimitives.WriteInt64LittleEndian(target[104..], head.Bytes);
        target[112] = (byte)((head.IsFresh ? 1 : 0) | (head.KnowsPreviousChain ? 0 : 2));
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], Crc32C.Of(target[16..HeadSize]));
    }

    /// <summary>
    /// The head of a segment, or null when the bytes are none of this journal, this number and this version.
    /// </summary>
    /// <param name="otherVersion">The version when it is another one, else 0.</param>
    public static SegmentHead? ReadSegment(
        ReadOnlySpan<byte> source, UInt128 incarnation, ulong number, long bytes, out uint otherVersion)
    {
        otherVersion = 0;
        if (BinaryPrimitives.ReadUInt64LittleEndian(source) != SegmentMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[12..]) != Crc32C.Of(source[16..HeadSize])
            || BinaryPrimitives.ReadUInt128LittleEndian(source[16..]) != incarnation
            || BinaryPrimitives.ReadUInt64LittleEndian(source[32..]) != number)
        {
            return null;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        if (version != Version)
        {
            otherVersion = version;
            return null;
        }

        var head = new SegmentHead(
            number, BinaryPrimitives.ReadUInt64LittleEndian(source[40..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[48..]),
                BinaryPrimitives.ReadUInt64LittleEndian(source[56..]),
            BinaryPrimitives.ReadUInt128LittleEndian(source[64..]), ReadCuts(source[80..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[104..]), (source[112] & 1) != 0, (source[112] & 2) == 0);
        return head.Bytes == bytes && head.FirstBatch > 0 ? head : null;
    }

    private static bool IsPossible(in BatchHead head, long segmentBytes)
    {
        var blocks = segmentBytes / JournalLimits.BlockBytes;
        var entriesEnd = HeadSize + ((long)head.Count * EntrySize);
        return head.Kind is BatchKind.Append or BatchKind.Cut or BatchKind.Repair
            && head.Count is >= 0 and <= JournalLimits.BatchEntriesMax
            && (head.Count > 0) == (head.Kind != BatchKind.Cut)
            && head.Number > 0
            && head.HeadBlocks > 0 && head.HeadBlocks <= JournalLimits.HeadBytesMax / JournalLimits.BlockBytes
            && head.DataBlocks >= 0
            && (long)head.Block + head.HeadBlocks + head.DataBlocks < blocks
            && head.TrailerOffset >= entriesEnd
            && (long)head.TrailerOffset + TrailerSize <= head.HeadBlocks * JournalLimits.BlockBytes
            && head.LastBefore < ulong.MaxValue - JournalLimits.BatchEntriesMax
            && (head.Kind != BatchKind.Cut || (head.CutFrom > 0 && head.CutFrom <= head.LastBefore + 1));
    }

    private static bool IsPossible(in EntryRecord record, long segmentBytes)
    {
        var blocks = segmentBytes / JournalLimits.BlockBytes;
        return record.Header.Index.Value > 0
            && record.MetaLength >= 0
            && record.MetaLength <= JournalEntry.MetaMax + (record.IsElided ? ElidedData.EncodedMax : 0)
            && record.DataLength is >= 0 and <= JournalEntry.DataMax
            && record.MetaOffset >= HeadSize + EntrySize
            && record.BatchBlock > 0
            && ((long)record.BatchBlock * JournalLimits.BlockBytes) + record.MetaOffset + record.MetaPartLength
                <= segmentBytes
            && (long)record.DataBlock + BlocksOf(record.DataLength) < blocks;
    }
}
