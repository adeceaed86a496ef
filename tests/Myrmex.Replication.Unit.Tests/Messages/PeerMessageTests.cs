using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Runtime.Simulation;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Messages;

/// <summary>
/// Messages from protocol/client to what is below an export, over links in virtual time that cut the stream at odd
/// places. They look at the payload pool of the process, so they run alone.
/// </summary>
[Collection("payload pool")]
public sealed class PeerMessageTests
{
    private const int Megabyte = 1 << 20;

    private static readonly int[] Sizes = [0, 1, 3, 512, 513, 4096, 100_000, Megabyte];

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void EveryMessageArrivesOnceWholeAndInOrder(ulong seed)
    {
        var bed = new PeerBed(seed);
        var client = bed.AttachedClient();
        var random = new SimRandom(seed + 100);
        var before = SettledPool.Bytes();
        var sent = new List<byte[]>();
        for (var i = 0; i < 150; i++)
        {
            var head = Bytes(random, random.Below(20) == 0 ? 70_000 : random.Below(300));
            var data = Enumerable.Range(0, random.Below(6))
                .Select(_ => Payload.CopyOf(Bytes(random, Sizes[random.Below(Sizes.Length)]))).ToArray();
            Assert.True(bed.World.RunUntil(() => PeerBed.Send(client, head, data), 10_000));
            sent.Add(PeerBed.Note(head, data));
            Array.ForEach(data, d => d.Release());
            if (random.Below(3) == 0)
            {
                bed.World.RunFor(random.Below(3));
            }
        }

        Assert.True(bed.World.RunUntil(() => bed.Received.Count == sent.Count, 60_000));
        bed.World.RunFor(1_000);
        AssertEqual(sent, bed.Received);
        Assert.Equal("0", PeerBed.Dump(client, "message_bytes_on_the_way"));
        Assert.InRange(PayloadPool.Shared.OutstandingBytes, 0, before); // What earlier tests left may go.
    }

    [Fact]
    public void DataIsNotCopiedAndHeldUntilItIsSent()
    {
        var bed = new PeerBed();
        var client = bed.AttachedClient();
        var pieces = Enumerable.Range(0, IPeerLink.PiecesMax).Select(i => Piece(5_000, (byte)i)).ToArray();
        int[] references = [];
        bed.ClientNode.Seams.Scheduler.Post(() =>
        {
            Assert.True(PeerBed.Send(client, [1], pieces)); // It leaves at the end of the turn.
            references = [.. pieces.Select(p => p.Buffer!.References)];
        });
        bed.World.RunFor(1);
        Assert.Equal(Enumerable.Repeat(2, pieces.Length), references);
        var sent = PeerBed.Note([1], pieces);
        Assert.True(bed.World.RunUntil(() => bed.Received.Count == 1, 10_000));
        Assert.Equal(sent, bed.Received[0]);
        bed.World.RunFor(100);
        Assert.All(pieces, p => Assert.Equal(1, p.Buffer!.References));
        Array.ForEach(pieces, p => p.Release());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5_000)]
    [InlineData(3 * Megabyte)]
    public void DataThatTheReceiverRetainsOutlivesItsMessage(int size)
    {
        var bed = new PeerBed();
        var client = bed.AttachedClient();
        var before = SettledPool.Bytes();
        var kept = new List<Payload>();
        bed.OnMessage = data =>
        {
            data.Retain();
            kept.Add(data);
        };
        var pieces = Enumerable.Range(0, 8).Select(i => Piece(size, (byte)(i + 1))).ToArray();
        foreach (var piece in pieces)
        {
            Assert.True(PeerBed.Send(client, [1, 2], piece));
        }

        Assert.True(bed.World.RunUntil(() => kept.Count == pieces.Length, 20_000));
        bed.OnMessage = null;
        for (var i = 0; i < 50; i++)
        {
            Assert.True(PeerBed.Send(client, [3], pieces[0]));
            bed.World.RunFor(100);
        }

        for (var i = 0; i < kept.Count; i++)
        {
            Assert.True(kept[i].Span.SequenceEqual(pieces[i].Span), $"message {i}");
            kept[i].Release();
            pieces[i].Release();
        }

        Assert.InRange(PayloadPool.Shared.OutstandingBytes, 0, before); // What earlier tests left may go.
    }

    [Fact]
    public void TheFirstMessageIsLostAndMakesAnAttachmentOfItsOwn()
    {
        var bed = new PeerBed();
        var client = bed.Client();
        Assert.Single(bed.Door.Connections());
        Assert.Equal("not used", PeerBed.Dump(client, "messages"));
        Assert.False(PeerBed.Send(client, [1]));
        bed.World.RunFor(100);
        Assert.Equal(2, bed.Door.Connections().Length);
        Assert.Equal("attached", PeerBed.Dump(client, "messages"));
        Assert.True(PeerBed.Send(client, [2]));
        Assert.True(bed.World.RunUntil(() => bed.Received.Count == 1, 1_000));
        Assert.Equal(PeerBed.Note([2]), bed.Received[0]);
    }

    [Theory]
    [InlineData(false, true)] // Not logged in.
    [InlineData(true, false)] // Nobody takes messages there.
    public void WhoIsRefusedOnceSendsNothingMoreUntilTheNextAttachment(bool isTrusted, bool isMember)
    {
        var bed = new PeerBed(isMember: isMember);
        bed.World.RunFor(100);
        bed.Store.Raise(GraphEventKind.ChildUp); // Without a member the brick has waited for what its client says.
        var client = bed.Client(isTrusted);
        Assert.True(bed.World.RunUntil(() => PeerBed.Send(client, [1]), 10_000));
        bed.World.RunFor(100);
        Assert.Equal("attached, refused", PeerBed.Dump(client, "messages"));
        Assert.Equal("0", PeerBed.Dump(client, "message_bytes_on_the_way"));
        Assert.False(bed.World.RunUntil(() => PeerBed.Send(client, [2]), 60_000));
        Assert.Equal(Errno.Ok, bed.Stat(client));

        bed.World.Network.DropLinks(bed.ServerNode, bed.ClientNode);
        Assert.True(bed.World.RunUntil(() => PeerBed.Send(client, [3]), 10_000));
        bed.World.RunFor(100);
        Assert.False(PeerBed.Send(client, [4]));
        Assert.Empty(bed.Received);
    }

    [Fact]
    public void MessagesBeyondTheWindowAreLostAndHeartbeatsStillGo()
    {
        var bed = new PeerBed();
        var client = bed.AttachedClient();
        var piece = Piece(Megabyte, 7);
        bed.ServerNode.Freeze(20_000);
        var accepted = 0;
        while (PeerBed.Send(client, [1], piece))
        {
            accepted++;
            bed.World.RunFor(1);
        }

        Assert.Equal((int)(PeerSender.OnTheWayBytesMax / (Megabyte + 1)), accepted);
        Assert.True(PeerBed.Send(client, [2]));
        var heads = 1;
        var head = new byte[10_000];
        while (PeerBed.Send(client, head))
        {
            heads++;
        }

        var onTheWay = long.Parse(PeerBed.Dump(client, "message_bytes_on_the_way"), CultureInfo.InvariantCulture);
        Assert.InRange(
            onTheWay, PeerSender.OnTheWayBytesMax + PeerSender.OnTheWayBytesReserve - head.Length,
            PeerSender.OnTheWayBytesMax + PeerSender.OnTheWayBytesReserve);
        Assert.True(bed.World.RunUntil(() => bed.Received.Count == accepted + heads, 60_000));
        bed.World.RunFor(100);
        Assert.Equal("0", PeerBed.Dump(client, "message_bytes_on_the_way"));
        Assert.Equal(PeerBed.Note([2]), bed.Received[accepted]);
        Assert.True(PeerBed.Send(client, [3], piece));
        bed.World.RunFor(1_000);
        Assert.Equal(1, piece.Buffer!.References);
        piece.Release();
    }

    [Fact]
    public void AMessageLargerThanTheWindowGoesAlone()
    {
        var bed = new PeerBed();
        var client = bed.AttachedClient();
        var piece = Piece(Megabyte, 7);
        var pieces = Enumerable.Repeat(piece, 80).ToArray();
        Assert.True(PeerBed.Send(client, [1]));
        Assert.False(PeerBed.Send(client, [2], pieces));
        bed.World.RunFor(100);
        Assert.True(PeerBed.Send(client, [3], pieces));
        Assert.True(bed.World.RunUntil(() => bed.Received.Count == 2, 60_000));
        Assert.Equal(80 * Megabyte, bed.Received[1].Length - 5);
        bed.World.RunFor(1_000);
        piece.Release();
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void AfterALossOfTheConnectionWhatArrivedIsAPrefix(ulong seed)
    {
        var bed = new PeerBed(seed);
        var client = bed.AttachedClient();
        var before = SettledPool.Bytes();
        var (sent, arrived) = (0, 0);
        for (var round = 0; round < 5; round++)
        {
            bed.Received.Clear();
            var first = sent;
            for (var i = 0; i < 40; i++)
            {
                var piece = Piece(300_000, (byte)sent);
                sent += PeerBed.Send(client, BitConverter.GetBytes(sent), piece) ? 1 : 0;
                piece.Release();
            }

            _ = bed.World.RunUntil(() => bed.Received.Count >= 10, 10_000);
            bed.World.Network.DropLinks(bed.ServerNode, bed.ClientNode);
            bed.World.RunFor(10);
            Assert.Equal("0", PeerBed.Dump(client, "message_bytes_on_the_way"));
            Assert.InRange(bed.Received.Count, 10, 39);
            for (var i = 0; i < bed.Received.Count; i++)
            {
                Assert.Equal(first + i, BitConverter.ToInt32(bed.Received[i], 4));
                Assert.Equal(8 + 300_000, bed.Received[i].Length);
                Assert.True(bed.Received[i].AsSpan(8).IndexOfAnyExcept((byte)(first + i)) < 0);
            }

            arrived += bed.Received.Count;
            Assert.True(bed.World.RunUntil(() => PeerBed.Send(client, BitConverter.GetBytes(-1)), 20_000));
            bed.World.RunFor(100);
            Assert.Equal(PeerBed.Note(BitConverter.GetBytes(-1)), bed.Received[^1]);
        }

        Assert.InRange(arrived, 50, sent - 5);
        Assert.InRange(PayloadPool.Shared.OutstandingBytes, 0, before); // What earlier tests left may go.
    }

    [Fact]
    public void MembersAreLetInBeforeTheBrickServesAndOthersAreNot()
    {
        var bed = new PeerBed();
        bed.Store.Raise(GraphEventKind.ChildDown);
        var other = bed.Client(isTrusted: false);
        bed.AttachedClient();
        Assert.Equal(Errno.ENOTCONN, bed.Stat(other));
        bed.Store.Raise(GraphEventKind.ChildUp);
        bed.World.RunFor(5_000);
        Assert.Equal(Errno.Ok, bed.Stat(other));
    }

    [Fact]
    public void AMemberServesWithoutItsWaysToTheOthers()
    {
        var bed = new PeerBed(); // The other member is not there.
        Assert.Equal(Errno.Ok, bed.Stat(bed.Client(isTrusted: false)));
        Assert.Equal(Errno.ENOTCONN, new PeerBed(isMember: false) is { } proxy ? proxy.Stat(proxy.Client()) : default);
    }

    [Fact]
    public void NeitherTooManyFopsNorFullMemoryHoldMessagesUp()
    {
        var bed = new PeerBed();
        var client = bed.AttachedClient();
        bed.Store.Held = [];
        var fops = Enumerable.Range(0, 200).Select(_ => PeerBed.StatAsync(client)).ToList();
        bed.World.RunFor(1_000);
        Assert.InRange(bed.Store.Stats, 64, 70); // The rest is not read.
        var limit = bed.ServerNode.Memory.LimitBytes;
        bed.ServerNode.Memory.LimitBytes = -1;
        bed.Store.Held.ForEach(h => h.SetResult(StatReply.Rent()));
        Assert.True(PeerBed.Send(client, [9]));
        Assert.True(bed.World.RunUntil(() => bed.Received.Count == 1, 1_000));
        bed.World.RunFor(1_000);
        Assert.InRange(bed.Store.Stats, 64, 140); // Memory holds the rest of the fops up.
        bed.ServerNode.Memory.LimitBytes = limit;
        bed.Store.Held = null;
        bed.World.RunFor(1_000);
    }

    [Fact]
    public void AStoppedClientSendsNothing()
    {
        var bed = new PeerBed();
        var client = bed.AttachedClient();
        bed.ClientNode.Seams.Scheduler.Post(client.Stop);
        bed.World.RunFor(100);
        Assert.False(PeerBed.Send(client, [1]));
        bed.World.RunFor(60_000);
        Assert.False(PeerBed.Send(client, [1]));
        Assert.Empty(bed.Door.Connections());
        Assert.Empty(bed.Received);
    }

    private static void AssertEqual(List<byte[]> sent, List<byte[]> received)
    {
        for (var i = 0; i < sent.Count; i++)
        {
            Assert.True(sent[i].AsSpan().SequenceEqual(received[i]), $"message {i}");
        }
    }

    private static byte[] Bytes(SimRandom random, int count)
    {
        var bytes = new byte[count];
        random.Fill(bytes);
        return bytes;
    }

    private static Payload Piece(int size, byte value)
    {
        var bytes = new byte[size];
        Array.Fill(bytes, value);
        return Payload.CopyOf(bytes);
    }
}
