using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Runtime;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: whatever the pieces a stream arrives in, the frames are the same, and every buffer comes back.</summary>
[Trait("Tier", "unit")]
public sealed class FrameCutterTests
{
    private FrameCutter _cutter = new(TestFrames.Options);
    private readonly List<byte[]> _frames = [];
    private readonly List<Payload> _held = [];
    private readonly List<int> _heldIndexes = []; // Which frame a held payload is.

    [Fact]
    public void AStreamCutAtAnyByteGivesTheSameFrames()
    {
        var sent = Frames(4, 5, 7, 100, 4, 33);
        var stream = sent.SelectMany(frame => frame).ToArray();
        for (var cut = 0; cut <= stream.Length; cut++)
        {
            _frames.Clear();
            Feed(stream.AsSpan(0, cut), hold: false);
            Feed(stream.AsSpan(cut), hold: false);
            Assert.Equal(sent, _frames);
            Assert.True(_cutter.IsEmpty);
        }
    }

    [Fact]
    public void AStreamThatArrivesByteByByteGivesTheSameFrames()
    {
        var sent = Frames(4, 5, 300, 66_000, 4);
        foreach (var value in sent.SelectMany(frame => frame).ToArray())
        {
            Feed([value], hold: false);
        }

        Assert.Equal(sent, _frames);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void FramesOfAllSizesInPiecesOfAllSizesStayWholeAlsoWhenHeld(int seed)
    {
        var random = new Random(seed);
        var sent = Frames(Enumerable.Range(0, 120).Select(_ => SizeFrom(random)).ToArray());
        var stream = sent.SelectMany(frame => frame).ToArray();
        for (var at = 0; at < stream.Length;)
        {
            var piece = Math.Min(stream.Length - at, 1 + random.Next(random.Next(10) == 0 ? 300_000 : 9000));
            Feed(stream.AsSpan(at, piece), hold: random.Next(3) > 0);
            at += piece;
        }

        Assert.Equal(sent.Length, _frames.Count);
        for (var i = 0; i < sent.Length; i++)
        {
            Assert.True(sent[i].AsSpan().SequenceEqual(_frames[i]));
        }

        for (var i = 0; i < _held.Count; i++)
        {
            Assert.True(_held[i].Span.SequenceEqual(sent[_heldIndexes[i]]));
        }

        ReleaseHeld();
    }

    [Fact]
    public void AChunkNobodyHoldsIsUsedAgainAndAHeldOneIsNotTouched()
    {
        Feed(TestFrames.Make(1000), hold: false);
        _cutter.Room(out var first, out _);
        Assert.Equal(0, first.Offset);
        Feed(TestFrames.Make(1000), hold: true);
        _cutter.Room(out var second, out _);
        Assert.Same(first.Buffer, second.Buffer);
        Assert.Equal(1000, second.Offset);
        ReleaseHeld();
    }

    [Fact]
    public void ARestingCutterHoldsNoMemory()
    {
        Feed(TestFrames.Make(100), hold: true);
        var buffer = _held[0].Buffer!;
        Assert.Equal(2, buffer.References);
        _cutter.Rest();
        Assert.Equal(1, buffer.References);
        ReleaseHeld();
    }

    [Fact]
    public void TheBodyOfALargeFrameIsReceivedStraightIntoItsBuffer()
    {
        var frame = TestFrames.Make(200_000);
        Feed(frame.AsSpan(0, 1000), hold: false);
        _cutter.Room(out var first, out var second);
        Assert.Equal(199_000, first.Length);
        Assert.Equal(0, (first.Offset + first.Length) % 4096); // Data at its end can go to a disk from where it is.
        Assert.Equal(Limits.BulkPeekBytes, second.Length);
        Feed(frame.AsSpan(1000), hold: false);
        Assert.Equal(frame, Assert.Single(_frames));

        // While large frames follow each other little is read ahead.
        _cutter.Room(out first, out second);
        Assert.Equal(Limits.BulkPeekBytes, first.Length);
        Assert.True(second.IsEmpty);
    }

    [Fact]
    public void TheBufferOfAVeryLongFrameGrowsWithWhatArrives()
    {
        const int Piece = 500_000;
        var pool = new PayloadPool(1L << 30);
        _cutter = new FrameCutter(TestFrames.Options, pool);
        var frame = TestFrames.Make(TestFrames.Options.FrameBytesMax);
        var most = Limits.FrameReserveBytes + Limits.ChunkBytes + PayloadPool.Alignment;
        for (var at = 0; at < frame.Length; at += Piece)
        {
            Feed(frame.AsSpan(at, Math.Min(Piece, frame.Length - at)), hold: false);
            Assert.InRange(pool.OutstandingBytes, 0, Math.Max(most, 2 * (at + Piece)));
        }

        Assert.True(frame.AsSpan().SequenceEqual(Assert.Single(_frames)));
        _cutter.Clear();
        Assert.Equal(0, pool.OutstandingBytes);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5000)]
    public void FramesAroundTheReservedLengthAreFollowedByTheNext(int more)
    {
        var sent = Frames(Limits.FrameReserveBytes + more, 7, Limits.FrameReserveBytes + more, 300);
        var stream = sent.SelectMany(f => f).ToArray();
        Feed(stream, hold: true);
        Assert.Equal(sent.Length, _frames.Count);
        for (var i = 0; i < sent.Length; i++)
        {
            Assert.True(sent[i].AsSpan().SequenceEqual(_frames[i]));
            Assert.True(sent[i].AsSpan().SequenceEqual(_held[i].Span));
        }

        ReleaseHeld();
    }

    [Fact]
    public void LittleIsReservedForAFrameWhileTheMemoryOfAllLinksRunsShort()
    {
        var pool = new PayloadPool(10 << 20);
        var others = pool.Rent(6 << 20);
        var before = pool.OutstandingBytes;
        _cutter = new FrameCutter(TestFrames.Options, pool);
        var frame = TestFrames.Make(3_000_000);
        Feed(frame.AsSpan(0, 1000), hold: false);
        _cutter.Room(out var first, out var second);
        Assert.Equal(Limits.FrameReserveBytesPressed - 1000, first.Length);
        Assert.Equal((160 << 10) + Limits.ChunkBytes, pool.OutstandingBytes - before); // Whatever the length is.
        Assert.True(second.IsEmpty);
        Feed(frame.AsSpan(1000), hold: false);
        Assert.True(frame.AsSpan().SequenceEqual(Assert.Single(_frames)));
        _cutter.Clear();
        others.Release();
        Assert.Equal(0, pool.OutstandingBytes);
    }

    [Fact]
    public void FramesUpToTheReservedLengthAreReceivedStraight()
    {
        Feed(TestFrames.Make(Limits.FrameReserveBytes).AsSpan(0, 1000), hold: false);
        _cutter.Room(out var first, out _);
        Assert.Equal(Limits.FrameReserveBytes - 1000, first.Length);
        _cutter.Clear();
    }

    [Fact]
    public void AFrameLongerThanAllowedIsRefusedBeforeAnythingIsAllocated()
    {
        byte[] header = [0x7F, 0, 0, 0];
        Put(header);
        Assert.Equal(FrameCutter.Result.Bad, _cutter.Next(out _));
        Assert.False(_cutter.IsInLargeFrame);
        Assert.Equal("a frame is longer than allowed", _cutter.Error);
        _cutter.Clear();
    }

    [Fact]
    public void BytesThatStartNoFrameAreRefused()
    {
        byte[] header = [0, 0, 0, 1];
        Put(header);
        Assert.Equal(FrameCutter.Result.Bad, _cutter.Next(out _));
        _cutter.Clear();
    }

    [Fact]
    public void AHeaderThatNeverEndsIsRefusedWhenTheChunkIsFull()
    {
        var cutter = new FrameCutter(TestFrames.Options with { FrameLength = _ => 0 });
        for (var total = 0; total < Limits.ChunkBytes;)
        {
            Assert.Equal(FrameCutter.Result.NeedMore, cutter.Next(out _));
            cutter.Room(out var first, out _);
            Assert.True(first.Length > 0);
            cutter.Received(first.Length);
            total += first.Length;
        }

        Assert.Equal(FrameCutter.Result.Bad, cutter.Next(out _));
        cutter.Clear();
    }

    private static byte[][] Frames(params int[] sizes) => sizes.Select((size, i) => TestFrames.Make(size, i)).ToArray();

    private static int SizeFrom(Random random) => random.Next(6) switch
    {
        0 => TestFrames.HeaderSize,
        1 => random.Next(60_000, 70_000),
        2 => random.Next(100_000, 400_000),
        _ => random.Next(TestFrames.HeaderSize, 5000),
    };

    private void Feed(ReadOnlySpan<byte> bytes, bool hold)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[Put(bytes)..];
            while (_cutter.Next(out var frame) == FrameCutter.Result.Frame)
            {
                _frames.Add(frame.Span.ToArray());
                if (hold)
                {
                    frame.Retain();
                    _held.Add(frame);
                    _heldIndexes.Add(_frames.Count - 1);
                }
            }
        }
    }

    private int Put(ReadOnlySpan<byte> bytes)
    {
        _cutter.Room(out var first, out var second);
        Assert.True(first.Length > 0);
        var toFirst = Math.Min(first.Length, bytes.Length);
        bytes[..toFirst].CopyTo(first.Span);
        var toSecond = Math.Min(second.Length, bytes.Length - toFirst);
        bytes.Slice(toFirst, toSecond).CopyTo(second.Span);
        _cutter.Received(toFirst + toSecond);
        return toFirst + toSecond;
    }

    private void ReleaseHeld()
    {
        foreach (var payload in _held)
        {
            payload.Release();
        }

        _held.Clear();
        _cutter.Clear();
    }
}
