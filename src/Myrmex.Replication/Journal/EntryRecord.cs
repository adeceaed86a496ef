using System;

namespace Myrmex.Replication.Journal;

/// <summary>What the journal can say of an entry.</summary>
public enum EntryState : byte
{
    /// <summary>As far as it was looked at, all of it is there.</summary>
    Good,

    /// <summary>There was an entry, and nothing is known of it.</summary>
    HeaderLost,

    /// <summary>The header is good, meta or checksums are not.</summary>
    MetaLost,

    /// <summary>Header and meta are good, the data is not.</summary>
    DataLost,
}

/// <summary>
/// A header of an entry as it is in segments and header indexes, and in memory. 128 bytes, little-endian:
/// <code>
/// offset size
///      0    4  magic "MJEN"
///      4    4  crc32c of bytes 8..128, begun with the one of the incarnation
///      8    8  index
///     16    8  term
///     24   16  chain
///     40   16  chain of the entry before
///     56   16  session
///     72    8  sequence
///     80    4  step
///     84    1  kind
///     85    1  flags: 1 the chain before is not known, 2 elided: data is missing
///     86    2  0
///     88    8  batch
///     96    8  segment
///    104    4  first block of the batch in the segment
///    108    4  first byte of checksums and meta in the batch
///    112    4  bytes of meta
///    116    4  crc32c of checksums and meta
///    120    4  first block of the data in the segment
///    124    4  bytes of data
/// </code>
/// The meta of an elided entry begins with what is known of the missing data (<see cref="ElidedData"/>), which is not
/// counted as data.
/// </summary>
internal struct EntryRecord
{
    public EntryHeader Header;
    public UInt128 PreviousChain;
    public ulong Batch;
    public ulong Segment;
    public uint BatchBlock;
    public int MetaOffset;
    public int MetaLength;
    public uint MetaChecksum;
    public uint DataBlock;
    public int DataLength;
    public bool KnowsPreviousChain;
    public bool IsElided;
    public EntryState State;

    /// <summary>Bytes of the checksums of the data, which are in front of meta.</summary>
    public readonly int ChecksumsLength => JournalFormat.BlocksOf(DataLength) * sizeof(uint);

    public readonly int MetaPartLength => ChecksumsLength + MetaLength;

    public readonly bool HasHeader => State != EntryState.HeaderLost;
}
