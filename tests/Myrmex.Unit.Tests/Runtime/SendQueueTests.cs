using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: bytes leave in the order of the sends, in few pieces, and every buffer is released exactly once.</summary>
[Trait("Tier", "unit")]
public sealed unsafe class SendQueueTests
{
    private readonly SendQueue _queue = new();

    public SendQueueTests() => _queue.Open();

    [Fact]
    public void SmallSendsMergeIntoOnePiece()
    {
        for (var i = 0; i < 100; i++)
        {
            Send(100, i);
        }

        Assert.True(_queue.TryStartDrain());
        var pieces = stackalloc IoVec[4];
        Assert.Equal(1, _queue.Gather(pieces, 4));
        Assert.Equal(10_000, pieces[0].Length);
        Assert.Equal(SendQueue.Next.Stop, _queue.Sent(10_000, isBlocked: false));
    }

    [Fact]
    public void AnyPartialSendsDeliverTheSameBytes()
    {
        var random = new Random(7);
        var expected = new List<byte>();
        var tails = new List<Payload>();
        for (var i = 0; i < 200; i++)
        {
            var size = random.Next(20) == 0 ? 100_000 : random.Next(1, 3000);
            var tail = random.Next(2) == 0 ? default : Payload.CopyOf(TestFrames.Make(random.Next(4, 40_000), i));
            Send(size, i, tail);
            expected.AddRange(TestFrames.Make(Math.Max(4, size), i).AsSpan(0, size));
            expected.AddRange(tail.Span);
            if (tail.Length > 0)
            {
                tails.Add(tail);
            }
        }

        Assert.Equal(expected.Count, _queue.QueuedBytes);
        var sent = Drain(random);
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(sent));
        foreach (var tail in tails)
        {
            Assert.Equal(1, tail.Buffer!.References);
            tail.Release();
        }
    }

    [Fact]
    public void ASendThatIsTakenBackLeavesNothing()
    {
        Assert.Equal(200_000, _queue.Begin(200_000).Length);
        Assert.False(_queue.End(used: 0, tails: default));
        Assert.Equal(100, _queue.Begin(100).Length);
        Assert.False(_queue.End(used: 0, tails: default));
        Assert.Equal(0, _queue.QueuedBytes);
        Assert.False(_queue.TryStartDrain());
    }

    [Fact]
    public void OnlyOneThreadDrainsAndItSeesWhatComesMeanwhile()
    {
        Send(100, salt: 1);
        Assert.True(_queue.TryStartDrain());
        Assert.False(_queue.TryStartDrain());
        Send(50, salt: 2);
        Assert.Equal(SendQueue.Next.Continue, _queue.Sent(100, isBlocked: false));
        Assert.Equal(SendQueue.Next.Stop, _queue.Sent(50, isBlocked: false));
        Assert.False(_queue.TryStartDrain());
    }

    [Fact]
    public void ABlockedQueueWaitsUntilItIsWritable()
    {
        Send(100, salt: 1);
        Assert.True(_queue.TryStartDrain());
        Assert.Equal(SendQueue.Next.Stop, _queue.Sent(30, isBlocked: true));
        Assert.False(_queue.TryStartDrain());
        Assert.True(_queue.WaitsForWritable);
        Assert.True(_queue.Writable());
        Assert.True(_queue.TryStartDrain());
        Assert.Equal(SendQueue.Next.Stop, _queue.Sent(70, isBlocked: false));
    }

    [Fact]
    public void BecomingWritableBetweenTheRefusalAndItsReportIsNotLost()
    {
        Send(100, salt: 1);
        Assert.True(_queue.TryStartDrain());
        Assert.False(_queue.Writable());
        Assert.Equal(SendQueue.Next.Continue, _queue.Sent(0, isBlocked: true));
        Assert.Equal(SendQueue.Next.Stop, _queue.Sent(100, isBlocked: false));
    }

    [Theory]
    [InlineData(100)] // Encoded into the block.
    [InlineData(Limits.ChunkBytes + 1)] // Into a buffer of its own.
    public void SeveralTailsFollowInOrderAndOnlySmallOnesAreCopied(int size)
    {
        int[] lengths = [0, 10, 5_000, Limits.TailCopyBytesMax, 1, Limits.TailCopyBytesMax + 1, 0, 7];
        var tails = Array.ConvertAll(lengths, length => Payload.CopyOf(TestFrames.Make(Math.Max(4, length), length)));
        tails = [.. tails.Select((t, i) => t.Slice(0, lengths[i]))];
        var expected = new List<byte>();
        for (var round = 0; round < 20; round++)
        {
            var head = TestFrames.Make(size, round);
            head.CopyTo(_queue.Begin(size + 50));
            Assert.True(_queue.End(size, tails));
            expected.AddRange(head);
            expected.AddRange(tails.SelectMany(t => t.Span.ToArray()));
        }

        Assert.Equal(expected.Count, _queue.QueuedBytes);
        Assert.Equal(21, tails[2].Buffer!.References);
        Assert.Equal(size < Limits.ChunkBytes, tails[3].Buffer!.References == 1);
        Assert.Equal(expected, Drain(new Random(3)));
        Assert.All(tails, t => Assert.Equal(1, t.Buffer!.References));
        Array.ForEach(tails, t => t.Release());
    }

    [Fact]
    public void AClosedQueueLendsNothingAndIsClearedOnlyWhenNobodyDrains()
    {
        var tail = Payload.CopyOf(TestFrames.Make(5000));
        Send(100, salt: 1, tail);
        Assert.True(_queue.TryStartDrain());
        _queue.Close();
        Assert.True(_queue.Begin(10).IsEmpty);
        Assert.False(_queue.TryClear());
        Assert.Equal(SendQueue.Next.Closed, _queue.Sent(10, isBlocked: false));
        Assert.True(_queue.TryClear());
        Assert.Equal(1, tail.Buffer!.References);
        Assert.Equal(0, _queue.QueuedBytes);
        tail.Release();
    }

    private void Send(int size, int salt, Payload tail = default)
    {
        var room = _queue.Begin(size);
        TestFrames.Make(Math.Max(4, size), salt).AsSpan(0, size).CopyTo(room);
        Assert.True(_queue.End(size, [tail]));
    }

    private byte[] Drain(Random random)
    {
        var sent = new List<byte>();
        var pieces = stackalloc IoVec[8];
        Assert.True(_queue.TryStartDrain());
        SendQueue.Next next;
        do
        {
            var count = _queue.Gather(pieces, 8);
            var taken = 0;
            for (var i = 0; i < count; i++)
            {
                // Sometimes the kernel takes only a part of a piece, and then nothing of the following ones.
                var whole = (int)pieces[i].Length;
                var part = random.Next(3) == 0 ? random.Next(1, whole + 1) : whole;
                sent.AddRange(new ReadOnlySpan<byte>(pieces[i].Address, part));
                taken += part;
                if (part < whole)
                {
                    break;
                }
            }

            next = _queue.Sent(taken, isBlocked: false);
        }
        while (next == SendQueue.Next.Continue);
        return sent.ToArray();
    }
}
