using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Numerics;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>
/// Messages as bytes. A message is a head and, for those with entries, the data of the entries one after the other;
/// the head holds everything else and ends with its checksum (CRC-32C). The data needs none here: the chain of its
/// entry covers it. All numbers are little-endian.
/// </summary>
/// <remarks>
/// Head: version 7, kind 1, replica set 16, term 8, sender 1, incarnation 8, boot 8, epoch 8, then the fields of the
/// kind in the order of the type, then the checksum 4. Entry: term 8, index 8, chain 16, kind 1, session 16, sequence
/// 8, step 4, meta length 4 and bytes, data length 4, and what is known of data that is missing, length 4 (0 for none
/// missing) and bytes (<see cref="ElidedData"/>); the data length is without that.
/// </remarks>
public static class MessageCodec
{
    private const byte Version = 7;
    private const int ChecksumBytes = 4;
    private const byte Nobody = 0xFF;

    private enum Kind : byte
    {
        Fence = 1,
        FenceAnswer = 2,
        Fetch = 3,
        Entries = 4,
        Append = 5,
        AppendAnswer = 6,
        Beat = 7,
        BeatAnswer = 8,
        SyncRequest = 9,
        Transfer = 10,
        Recover = 11,
        RecoverAnswer = 12,
        Position = 13,
        CopyOffer = 14,
        CopyRequest = 15,
        CopyPiece = 16,
        ReadQuestion = 17,
        ReadAnswer = 18,
    }

    /// <summary>The entries whose data follows the head, in order; lent.</summary>
    public static IReadOnlyList<JournalEntry> EntriesOf(ReplicaMessage message) => message switch
    {
        ReplicaMessage.Append append => append.Items,
        ReplicaMessage.Entries entries => entries.Items,
        ReplicaMessage.CopyPiece piece => piece.Items,
        _ => [],
    };

    /// <summary>Writes the head.</summary>
    public static void EncodeHead(UInt128 replicaSet, ReplicaMessage message, ArrayBufferWriter<byte> target)
    {
        var start = target.WrittenCount;
        var builder = new BinaryBuilder(target);
        builder.Byte(Version);
        builder.Byte((byte)KindOf(message));
        builder.UInt128(replicaSet);
        builder.UInt64(message.Term.Value);
        builder.Byte(message.Sender.Value);
        builder.UInt64(message.From.Incarnation);
        builder.UInt64(message.From.Boot);
        builder.UInt64(message.From.Epoch);
        EncodeBody(builder, message);
        builder.UInt32(Checksum(target.WrittenSpan[start..]));
    }

    /// <summary>
    /// Reads a message. <paramref name="data"/> is what followed the head; the entries of the message are views into
    /// it and are borrowed as it is.
    /// </summary>
    /// <returns>Null for bytes that are no message.</returns>
    public static ReplicaMessage? Decode(ReadOnlySpan<byte> head, Payload data, out UInt128 replicaSet)
    {
        replicaSet = default;
        if (head.Length < ChecksumBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(head[^ChecksumBytes..]) != Checksum(head[..^ChecksumBytes]))
        {
            return null;
        }

        var parser = new BinaryParser(head[..^ChecksumBytes]);
        parser.Require(parser.Byte() == Version);
        var kind = (Kind)parser.Byte();
        replicaSet = parser.UInt128();
        var term = new Term(parser.UInt64());
        var sender = parser.Byte();
        parser.Require(sender <= Limits.MemberIdMax);
        var from = new MessageOrigin(term, new MemberId(sender), parser.UInt64(), parser.UInt64(), parser.UInt64());
        var message = DecodeBody(ref parser, kind, from, data);
        return parser.IsComplete ? message : null;
    }

    private static Kind KindOf(ReplicaMessage message) => message switch
    {
        ReplicaMessage.Fence => Kind.Fence,
        ReplicaMessage.FenceAnswer => Kind.FenceAnswer,
        ReplicaMessage.Fetch => Kind.Fetch,
        ReplicaMessage.Entries => Kind.Entries,
        ReplicaMessage.Append => Kind.Append,
        ReplicaMessage.AppendAnswer => Kind.AppendAnswer,
        ReplicaMessage.Beat => Kind.Beat,
        ReplicaMessage.BeatAnswer => Kind.BeatAnswer,
        ReplicaMessage.SyncRequest => Kind.SyncRequest,
        ReplicaMessage.Transfer => Kind.Transfer,
        ReplicaMessage.Recover => Kind.Recover,
        ReplicaMessage.RecoverAnswer => Kind.RecoverAnswer,
        ReplicaMessage.Position => Kind.Position,
        ReplicaMessage.CopyOffer => Kind.CopyOffer,
        ReplicaMessage.CopyRequest => Kind.CopyRequest,
        ReplicaMessage.CopyPiece => Kind.CopyPiece,
        ReplicaMessage.ReadQuestion => Kind.ReadQuestion,
        ReplicaMessage.ReadAnswer => Kind.ReadAnswer,
        _ => throw new ArgumentException("unknown message", nameof(message)),
    };

    private static void EncodeBody(BinaryBuilder builder, ReplicaMessage message)
    {
        switch (message)
        {
            case ReplicaMessage.Fence m:
                builder.UInt64(m.Released.Value);
                break;
            case ReplicaMessage.FenceAnswer m:
                builder.UInt64(m.Promised.Value);
                builder.Byte((byte)m.Status);
                builder.UInt64(m.LastTerm.Value);
                builder.UInt64(m.LastIndex.Value);
                builder.UInt128(m.LastChain);
                break;
            case ReplicaMessage.Fetch m:
                builder.UInt64(m.PreviousIndex.Value);
                builder.UInt128(m.PreviousChain);
                break;
            case ReplicaMessage.Entries m:
                builder.Byte((byte)m.Answer);
                builder.UInt64(m.PreviousIndex.Value);
                builder.UInt128(m.PreviousChain);
                EncodeEntries(builder, m.Items);
                break;
            case ReplicaMessage.Append m:
                builder.UInt64(m.PreviousIndex.Value);
                builder.UInt128(m.PreviousChain);
                builder.UInt64(m.Commit.Value);
                builder.Byte(m.RelayTo?.Value ?? Nobody);
                EncodeEntries(builder, m.Items);
                break;
            case ReplicaMessage.AppendAnswer m:
                builder.Byte((byte)m.Outcome);
                builder.UInt64(m.Promised.Value);
                builder.Byte((byte)m.Status);
                builder.UInt64(m.Durable.Value);
                builder.UInt64(m.Written.Value);
                builder.UInt64(m.Hint.Value);
                EncodeRoom(builder, m.Room);
                break;
            case ReplicaMessage.Beat m:
                builder.UInt64(m.Round);
                builder.UInt64(m.Commit.Value);
                builder.UInt64(m.LowestNeeded.Value);
                builder.Bool(m.WantsGrant);
                if (m.Settled != JournalIndex.None)
                {
                    builder.UInt64(m.Settled.Value); // Only where there are witnesses, so that all members know it.
                }

                break;
            case ReplicaMessage.BeatAnswer m:
                builder.UInt64(m.Round);
                builder.UInt64(m.Promised.Value);
                builder.Byte((byte)m.Status);
                builder.Bool(m.Granted);
                builder.UInt64(m.Durable.Value);
                builder.UInt64(m.Written.Value);
                builder.UInt64(m.Applied.Value);
                EncodeRoom(builder, m.Room);
                break;
            default:
                EncodeRare(builder, message);
                break;
        }
    }

    private static void EncodeRoom(BinaryBuilder builder, in RoomReport room)
    {
        builder.UInt64((ulong)room.Bytes);
        builder.UInt64(room.At.Value);
        builder.Bool(room.IsOut);
    }

    private static MemberId? MemberOrNobody(ref BinaryParser parser)
    {
        var value = parser.Byte();
        parser.Require(value is Nobody or <= Limits.MemberIdMax);
        return value == Nobody ? null : new MemberId(value);
    }

    private static RoomReport Room(ref BinaryParser parser) =>
        new((long)parser.UInt64(), Index(ref parser), parser.Bool());

    private static void EncodeRare(BinaryBuilder builder, ReplicaMessage message)
    {
        switch (message)
        {
            case ReplicaMessage.SyncRequest m:
                builder.UInt64(m.Index.Value);
                break;
            case ReplicaMessage.ReadQuestion m:
                builder.UInt64(m.Tag);
                builder.UInt64(m.Through.Value);
                break;
            case ReplicaMessage.ReadAnswer m:
                builder.UInt64(m.Tag);
                builder.UInt64(m.Asker);
                builder.Bool(m.IsGood);
                builder.UInt64(m.Index.Value);
                builder.UInt64(m.Applied.Value);
                break;
            case ReplicaMessage.Recover m:
                builder.UInt64(m.Nonce);
                break;
            case ReplicaMessage.RecoverAnswer m:
                builder.UInt64(m.Nonce);
                builder.UInt64(m.End.Value);
                break;
            case ReplicaMessage.Position m:
                builder.Bool(m.IsQuestion);
                builder.Byte((byte)m.Status);
                builder.Bool(m.CanLead);
                builder.Bool(m.HearsLeader);
                builder.UInt64(m.LastTerm.Value);
                builder.UInt64(m.LastIndex.Value);
                break;
            default:
                EncodeCopy(builder, message);
                break;
        }
    }

    private static void EncodeCopy(BinaryBuilder builder, ReplicaMessage message)
    {
        switch (message)
        {
            case ReplicaMessage.CopyOffer m:
                builder.UInt64(m.Copy);
                builder.UInt64(m.Start.Value);
                break;
            case ReplicaMessage.CopyRequest m:
                builder.UInt64(m.Copy);
                builder.UInt64(m.Next);
                builder.Byte(m.Window);
                builder.Bool(m.IsAgain);
                builder.UInt64(m.Wanted);
                builder.UInt64(m.WantsFrom);
                builder.UInt32((uint)m.Wants.Count);
                foreach (var want in m.Wants)
                {
                    builder.Bytes(want.Span);
                }

                break;
            case ReplicaMessage.CopyPiece m:
                builder.UInt64(m.Copy);
                builder.UInt64(m.Number);
                builder.Byte((byte)m.Part);
                builder.UInt64(m.Index.Value);
                builder.UInt64(m.EntryTerm.Value);
                builder.UInt128(m.Chain);
                builder.UInt64(m.Done.Inodes);
                builder.UInt64(m.Done.Bytes);
                builder.UInt64(m.All.Inodes);
                builder.UInt64(m.All.Bytes);
                builder.UInt64(m.WantsTaken);
                builder.UInt64(m.ElidedThrough.Value);
                EncodeEntries(builder, m.Items);
                break;
            default:
                break; // Transfer is its header.
        }
    }

    private static ReplicaMessage? DecodeBody(ref BinaryParser parser, Kind kind, MessageOrigin from, Payload data)
    {
        switch (kind)
        {
            case Kind.Fence:
                return new ReplicaMessage.Fence { From = from, Released = Term(ref parser) };
            case Kind.FenceAnswer:
                return new ReplicaMessage.FenceAnswer
                {
                    From = from,
                    Promised = Term(ref parser),
                    Status = Status(ref parser),
                    LastTerm = Term(ref parser),
                    LastIndex = Index(ref parser),
                    LastChain = parser.UInt128(),
                };
            case Kind.Fetch:
                return new ReplicaMessage.Fetch
                {
                    From = from,
                    PreviousIndex = Index(ref parser),
                    PreviousChain = parser.UInt128(),
                };
            case Kind.Entries:
                return new ReplicaMessage.Entries
                {
                    From = from,
                    Answer = (EntriesAnswer)Among(ref parser, (byte)EntriesAnswer.TooOld),
                    PreviousIndex = Index(ref parser),
                    PreviousChain = parser.UInt128(),
                    Items = DecodeEntries(ref parser, data),
                };
            case Kind.Append:
                return new ReplicaMessage.Append
                {
                    From = from,
                    PreviousIndex = Index(ref parser),
                    PreviousChain = parser.UInt128(),
                    Commit = Index(ref parser),
                    RelayTo = MemberOrNobody(ref parser),
                    Items = DecodeEntries(ref parser, data),
                };
            case Kind.CopyPiece:
                return DecodePiece(ref parser, from, data);
            case Kind.AppendAnswer:
                return new ReplicaMessage.AppendAnswer
                {
                    From = from,
                    Outcome = (AppendOutcome)Among(ref parser, (byte)AppendOutcome.NeedsCopy),
                    Promised = Term(ref parser),
                    Status = Status(ref parser),
                    Durable = Index(ref parser),
                    Written = Index(ref parser),
                    Hint = Index(ref parser),
                    Room = Room(ref parser),
                };
            default:
                return DecodeSmallBody(ref parser, kind, from);
        }
    }

    private static ReplicaMessage? DecodeSmallBody(ref BinaryParser parser, Kind kind, MessageOrigin from) =>
        kind switch
        {
            Kind.Beat => new ReplicaMessage.Beat
            {
                From = from,
                Round = parser.UInt64(),
                Commit = Index(ref parser),
                LowestNeeded = Index(ref parser),
                WantsGrant = parser.Bool(),
                Settled = parser.Left > 0 ? Index(ref parser) : JournalIndex.None,
            },
            Kind.BeatAnswer => new ReplicaMessage.BeatAnswer
            {
                From = from,
                Round = parser.UInt64(),
                Promised = Term(ref parser),
                Status = Status(ref parser),
                Granted = parser.Bool(),
                Durable = Index(ref parser),
                Written = Index(ref parser),
                Applied = Index(ref parser),
                Room = Room(ref parser),
            },
            Kind.SyncRequest => new ReplicaMessage.SyncRequest { From = from, Index = Index(ref parser) },
            Kind.ReadQuestion => new ReplicaMessage.ReadQuestion
            {
                From = from,
                Tag = parser.UInt64(),
                Through = Index(ref parser),
            },
            Kind.ReadAnswer => new ReplicaMessage.ReadAnswer
            {
                From = from,
                Tag = parser.UInt64(),
                Asker = parser.UInt64(),
                IsGood = parser.Bool(),
                Index = Index(ref parser),
                Applied = Index(ref parser),
            },
            Kind.Transfer => new ReplicaMessage.Transfer { From = from },
            Kind.Recover => new ReplicaMessage.Recover { From = from, Nonce = parser.UInt64() },
            Kind.RecoverAnswer => new ReplicaMessage.RecoverAnswer
            {
                From = from,
                Nonce = parser.UInt64(),
                End = Index(ref parser),
            },
            Kind.Position => new ReplicaMessage.Position
            {
                From = from,
                IsQuestion = parser.Bool(),
                Status = Status(ref parser),
                CanLead = parser.Bool(),
                HearsLeader = parser.Bool(),
                LastTerm = Term(ref parser),
                LastIndex = Index(ref parser),
            },
            Kind.CopyOffer => new ReplicaMessage.CopyOffer
            {
                From = from,
                Copy = parser.UInt64(),
                Start = Index(ref parser),
            },
            Kind.CopyRequest => new ReplicaMessage.CopyRequest
            {
                From = from,
                Copy = parser.UInt64(),
                Next = parser.UInt64(),
                Window = parser.Byte(),
                IsAgain = parser.Bool(),
                Wanted = parser.UInt64(),
                WantsFrom = parser.UInt64(),
                Wants = DecodeWants(ref parser),
            },
            _ => null,
        };

    private static List<ReadOnlyMemory<byte>> DecodeWants(ref BinaryParser parser)
    {
        var count = parser.UInt32();
        parser.Require(count <= Limits.CopyWantsMax);
        var wants = new List<ReadOnlyMemory<byte>>();
        for (var i = 0u; i < count && !parser.Failed; i++)
        {
            wants.Add(parser.Bytes(Limits.CopyWantBytesMax).ToArray());
        }

        return wants;
    }

    private static ReplicaMessage.CopyPiece DecodePiece(ref BinaryParser parser, MessageOrigin from, Payload data) =>
        new()
        {
            From = from,
            Copy = parser.UInt64(),
            Number = parser.UInt64(),
            Part = (CopyPart)Among(ref parser, (byte)CopyPart.Unknown),
            Index = Index(ref parser),
            EntryTerm = Term(ref parser),
            Chain = parser.UInt128(),
            Done = new CopyCount(parser.UInt64(), parser.UInt64()),
            All = new CopyCount(parser.UInt64(), parser.UInt64()),
            WantsTaken = parser.UInt64(),
            ElidedThrough = Index(ref parser),
            Items = DecodeEntries(ref parser, data),
        };

    private static void EncodeEntries(BinaryBuilder builder, IReadOnlyList<JournalEntry> entries)
    {
        builder.UInt32((uint)entries.Count);
        for (var i = 0; i < entries.Count; i++)
        {
            var header = entries[i].Header;
            builder.UInt64(header.Term.Value);
            builder.UInt64(header.Index.Value);
            builder.UInt128(header.Chain);
            builder.Byte((byte)header.Kind);
            builder.UInt128(header.Session);
            builder.UInt64(header.Sequence);
            builder.UInt32(header.Step);
            builder.Bytes(entries[i].Meta.Span);
            builder.UInt32((uint)entries[i].Data.Length);
            builder.Bytes(entries[i].ElidedBytes);
        }
    }

    private static List<JournalEntry> DecodeEntries(ref BinaryParser parser, Payload data)
    {
        var count = parser.UInt32();
        parser.Require(count <= Limits.MessageEntriesMax);
        var entries = new List<JournalEntry>();
        var offset = 0;
        for (var i = 0; i < count && !parser.Failed; i++)
        {
            var header = new EntryHeader(
                Term(ref parser),
                Index(ref parser),
                parser.UInt128(),
                (EntryKind)Among(ref parser, (byte)EntryKind.Lock),
                parser.UInt128(),
                parser.UInt64(),
                parser.UInt32());
            var meta = parser.Bytes(JournalEntry.MetaMax).ToArray();
            var length = parser.UInt32();
            var missing = parser.Bytes(ElidedData.EncodedMax);
            var elided = ElidedData.Decode(missing);
            parser.Require(header.Kind >= EntryKind.Operation && length <= JournalEntry.DataMax
                && length <= data.Length - offset && (missing.IsEmpty || elided?.Encoded.Length == missing.Length)
                && (elided is null || elided.PresentLength == length));
            if (!parser.Failed)
            {
                var there = length == 0 ? default : data.Slice(offset, (int)length);
                entries.Add(elided is null ? new JournalEntry(header, meta, there)
                    : JournalEntry.WithoutData(header, meta, elided, there));
                offset += (int)length;
            }
        }

        parser.Require(offset == data.Length);
        return entries;
    }

    private static Term Term(ref BinaryParser parser) => new(parser.UInt64());

    private static JournalIndex Index(ref BinaryParser parser) => new(parser.UInt64());

    private static MemberStatus Status(ref BinaryParser parser) =>
        (MemberStatus)Among(ref parser, (byte)MemberStatus.Learner);

    private static byte Among(ref BinaryParser parser, byte max)
    {
        var value = parser.Byte();
        parser.Require(value <= max);
        return value;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        while (bytes.Length >= sizeof(ulong))
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var value in bytes)
        {
            sum = BitOperations.Crc32C(sum, value);
        }

        return ~sum;
    }
}
