using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

public sealed class MessageCodecTests
{
    private static readonly UInt128 Set = new(11, 12);
    private static readonly MessageOrigin From = new(new Term(1UL << 40), new MemberId(63), ulong.MaxValue, 3, 4);

    [Fact]
    public void EveryMessageComesBackAsItWas()
    {
        foreach (var message in Messages())
        {
            var back = MessageCodec.Decode(Encode(message), default, out var set);
            Assert.NotNull(back);
            Assert.Equal(Set, set);
            Assert.Equal(message.GetType(), back.GetType());
            Assert.Equal(From, back.From);
            Assert.Equal(Encode(message), Encode(back));
        }
    }

    [Fact]
    public void FieldsComeBackInTheirPlaces()
    {
        var answer = (ReplicaMessage.AppendAnswer)Back(new ReplicaMessage.AppendAnswer
        {
            From = From,
            Outcome = AppendOutcome.Full,
            Promised = new Term(2),
            Status = MemberStatus.Syncing,
            Durable = new JournalIndex(3),
            Written = new JournalIndex(4),
            Hint = new JournalIndex(5),
            Room = new RoomReport(-6, new JournalIndex(7), IsOut: true),
        });
        Assert.Equal(new RoomReport(-6, new JournalIndex(7), IsOut: true), answer.Room);
        Assert.Equal(
            (AppendOutcome.Full, 2UL, MemberStatus.Syncing, 3UL, 4UL, 5UL),
            (answer.Outcome, answer.Promised.Value, answer.Status, answer.Durable.Value, answer.Written.Value, answer.Hint.Value));
    }

    [Fact]
    public void MessagesOfCopiesAreTheseBytes()
    {
        var from = new MessageOrigin(new Term(1), new MemberId(2), 3, 4, 5);
        Assert.Equal(
            "070E" + "0C00000000000000" + "0B00000000000000" + "0100000000000000" + "02" + "0300000000000000"
            + "0400000000000000" + "0500000000000000" + "0600000000000000" + "0700000000000000",
            Body(new ReplicaMessage.CopyOffer { From = from, Copy = 6, Start = new JournalIndex(7) }));
        Assert.EndsWith(
            "0600000000000000" + "0700000000000000" + "04" + "01" + "0900000000000000" + "0800000000000000" + "01000000"
            + "02000000" + "AABB",
            Body(new ReplicaMessage.CopyRequest
            {
                From = from,
                Copy = 6,
                Next = 7,
                Window = 4,
                IsAgain = true,
                Wanted = 9,
                WantsFrom = 8,
                Wants = [new byte[] { 0xAA, 0xBB }],
            }),
            StringComparison.Ordinal);
        Assert.EndsWith(
            "0600000000000000" + "0700000000000000" + "03" + "0800000000000000" + "0900000000000000"
            + "0A000000000000000000000000000000" + "0B00000000000000" + "0C00000000000000" + "0D00000000000000"
            + "0E00000000000000" + "0F00000000000000" + "1000000000000000" + "00000000",
            Body(new ReplicaMessage.CopyPiece
            {
                From = from,
                Copy = 6,
                Number = 7,
                Part = CopyPart.End,
                Index = new JournalIndex(8),
                EntryTerm = new Term(9),
                Chain = 10,
                Done = new CopyCount(11, 12),
                All = new CopyCount(13, 14),
                WantsTaken = 15,
                ElidedThrough = new JournalIndex(16),
            }),
            StringComparison.Ordinal);
    }

    private static string Body(ReplicaMessage message) => Convert.ToHexString(Encode(message).AsSpan()[..^4]);

    [Fact]
    public void EntriesComeBackWithTheirData()
    {
        var data = Payload.CopyOf([1, 2, 3, 4, 5]);
        var entries = new[] { Entry(1, [9], data.Slice(0, 2)), Entry(2, [], default), Entry(3, [8, 7], data.Slice(2, 3)) };
        var message = new ReplicaMessage.Append { From = From, Commit = new JournalIndex(1), Items = entries };
        var head = Encode(message);
        Assert.Equal(entries, MessageCodec.EntriesOf(message));
        var back = (ReplicaMessage.Append)MessageCodec.Decode(head, data, out _)!;
        Assert.Equal([1, 2], back.Items[0].Data.Span.ToArray());
        Assert.Equal([3, 4, 5], back.Items[2].Data.Span.ToArray());
        Assert.Equal([8, 7], back.Items[2].Meta.ToArray());
        Assert.Equal(entries[1].Header, back.Items[1].Header);
        Assert.Null(MessageCodec.Decode(head, data.Slice(0, 4), out _));
        Assert.Null(MessageCodec.Decode(head, default, out _));
        data.Release();
    }

    [Fact]
    public void ElidedEntriesComeBackWithWhatIsLeft()
    {
        var whole = Payload.CopyOf([.. Enumerable.Range(0, 9000).Select(i => (byte)i)]);
        var all = Entry(1, [9], whole).WithoutData(new JournalIndex(70));
        var some = Entry(2, [8], whole).WithoutBlocks([0b010], new JournalIndex(80));
        var data = Payload.CopyOf([.. some.Data.Span, 1, 2, 3]);
        var message = new ReplicaMessage.Append { From = From, Items = [all, some, Entry(3, [], data.Slice(some.Data.Length, 3))] };
        var back = (ReplicaMessage.Append)MessageCodec.Decode(Encode(message), data, out _)!;
        Assert.Equal([70UL, 80], back.Items.Take(2).Select(e => e.Elided!.Through.Value));
        Assert.Equal([9000, 9000, 3], back.Items.Select(e => e.DataLength));
        Assert.True(back.Items[0].Elided!.IsAll && back.Items[0].Data.IsEmpty);
        Assert.Equal(EntryChain.Digest(whole.Span), back.Items[0].Elided!.DigestWith(default));
        Assert.Equal(EntryChain.Digest(whole.Span), back.Items[1].Elided!.DigestWith(back.Items[1].Data.Span));
        Assert.Equal(some.Data.Span.ToArray(), back.Items[1].Data.Span.ToArray());
        Assert.Null(back.Items[2].Elided);
        Assert.Null(MessageCodec.Decode(Encode(message), data.Slice(0, data.Length - 1), out _));
        some.Data.Release();
        whole.Release();
        data.Release();
    }

    [Fact]
    public void EveryFlippedBitAndEveryCutIsNoticed()
    {
        foreach (var message in Messages())
        {
            var bytes = Encode(message);
            for (var i = 0; i < bytes.Length * 8; i++)
            {
                bytes[i / 8] ^= (byte)(1 << (i % 8));
                Assert.Null(MessageCodec.Decode(bytes, default, out _));
                bytes[i / 8] ^= (byte)(1 << (i % 8));
            }

            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.Null(MessageCodec.Decode(bytes.AsSpan(0, length), default, out _));
            }
        }
    }

    /// <summary>Bytes whose checksum is right but whose content is not: no exception, whatever they are.</summary>
    [Fact]
    public void NonsenseWithAGoodChecksumIsRefusedOrReadButNeverThrows()
    {
        var random = new SimRandom(7);
        var seeds = Messages().Select(Encode).ToList();
        var refused = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = seeds[random.Below(seeds.Count)].ToArray();
            for (var change = 0; change < 3; change++)
            {
                bytes[random.Below(bytes.Length - 4)] = (byte)random.Next();
            }

            BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), Checksum(bytes.AsSpan(0, bytes.Length - 4)));
            refused += MessageCodec.Decode(bytes, default, out _) is null ? 1 : 0;
        }

        Assert.InRange(refused, 1, 19_999);
    }

    private static IEnumerable<ReplicaMessage> Messages()
    {
        yield return new ReplicaMessage.Fence { From = From };
        yield return new ReplicaMessage.ReadQuestion { From = From, Tag = 8, Through = new JournalIndex(9) };
        yield return new ReplicaMessage.ReadAnswer
        {
            From = From,
            Tag = 8,
            Asker = 12,
            IsGood = true,
            Index = new JournalIndex(1UL << 50),
            Applied = new JournalIndex(11),
        };
        yield return new ReplicaMessage.FenceAnswer
        {
            From = From,
            Promised = new Term(7),
            LastTerm = new Term(6),
            LastIndex = new JournalIndex(5),
            LastChain = UInt128.MaxValue,
        };
        yield return new ReplicaMessage.Fetch { From = From, PreviousIndex = new JournalIndex(1), PreviousChain = 2 };
        yield return new ReplicaMessage.Entries { From = From, Answer = EntriesAnswer.NoMatch, Items = [Entry(4, [1, 2, 3], default)] };
        yield return new ReplicaMessage.Append { From = From, Items = [Entry(1, [], default), Entry(2, [5], default)] };
        yield return new ReplicaMessage.Append { From = From, Items = [Entry(1, [6], default).WithoutData(new JournalIndex(3))] };
        yield return new ReplicaMessage.Append { From = From, RelayTo = new MemberId(63), Commit = new JournalIndex(4) };
        yield return new ReplicaMessage.AppendAnswer { From = From, Status = MemberStatus.Learner, Hint = new JournalIndex(9) };
        yield return new ReplicaMessage.Beat { From = From, Round = 8, Commit = new JournalIndex(7), WantsGrant = true };
        yield return new ReplicaMessage.Beat { From = From, Round = 9, Commit = new JournalIndex(7), Settled = new JournalIndex(6) };
        yield return new ReplicaMessage.BeatAnswer { From = From, Round = 8, Granted = true, Durable = new JournalIndex(3) };
        yield return new ReplicaMessage.SyncRequest { From = From, Index = new JournalIndex(3) };
        yield return new ReplicaMessage.Transfer { From = From };
        yield return new ReplicaMessage.Recover { From = From, Nonce = 5 };
        yield return new ReplicaMessage.RecoverAnswer { From = From, Nonce = 5, End = new JournalIndex(6) };
        yield return new ReplicaMessage.Position { From = From, IsQuestion = true, CanLead = true, HearsLeader = true, LastIndex = new JournalIndex(4) };
        yield return new ReplicaMessage.CopyOffer { From = From, Copy = 3, Start = new JournalIndex(4) };
        yield return new ReplicaMessage.CopyRequest { From = From, Copy = 3, Next = 4, Window = 5, IsAgain = true, Wants = [new byte[] { 1 }, new byte[3]] };
        yield return new ReplicaMessage.CopyPiece
        {
            From = From,
            Copy = 3,
            Number = 4,
            Part = CopyPart.Sessions,
            Index = new JournalIndex(5),
            EntryTerm = new Term(6),
            Chain = 7,
            Done = new CopyCount(8, 9),
            All = new CopyCount(10, 11),
            Items = [Entry(1, [2], default)],
        };
    }

    private static JournalEntry Entry(ulong index, byte[] meta, Payload data) => new(
        new EntryHeader(new Term(2), new JournalIndex(index), index, EntryKind.Operation, 3, 4, 5), meta, data);

    private static byte[] Encode(ReplicaMessage message)
    {
        var target = new ArrayBufferWriter<byte>();
        MessageCodec.EncodeHead(Set, message, target);
        return target.WrittenSpan.ToArray();
    }

    private static ReplicaMessage Back(ReplicaMessage message) => MessageCodec.Decode(Encode(message), default, out _)!;

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        // Bit by bit: also a check that the codec's is the Castagnoli CRC.
        var sum = uint.MaxValue;
        foreach (var value in bytes)
        {
            sum ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82F63B78 : 0);
            }
        }

        return ~sum;
    }
}
