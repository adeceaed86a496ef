using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>What the two ends of a copy tell each other beside operations: it comes back, and damage is noticed.</summary>
public sealed class CopyNotesTests
{
    private static readonly Gfid A = new(1, 2);
    private static readonly Gfid B = new(3, 4);
    private static readonly byte[] Digest = [.. Enumerable.Range(1, CopyHasher.DigestBytes).Select(n => (byte)n)];

    [Fact]
    public void NamesComeBack()
    {
        var names = new CopyNames(A, true, false, [new CopyName("one", B, Digest, HasContent: true), new CopyName("two", A, [])]);
        var back = CopyNotes.DecodeNames(CopyNotes.Encode(names))!;
        Assert.Equal((A, true, false, 2), (back.Directory, back.IsFirst, back.IsLast, back.Names.Count));
        Assert.Equal(["one", "two"], back.Names.Select(n => n.Name.ToString()));
        Assert.Equal((B, A), (back.Names[0].Gfid, back.Names[1].Gfid));
        Assert.Equal(Digest, back.Names[0].Digest);
        Assert.Equal([true, false], back.Names.Select(n => n.HasContent));
    }

    [Fact]
    public void RangesComeBackAndTellTheirFileOnce()
    {
        List<CopyBlocks> ranges =
        [
            new(A, 0, CopyHasher.RangeMax, 0, new byte[16]), new(A, 1 << 20, 70_000, 1, new byte[24], IsEnd: true),
            new(B, 4096, 4097, 2, new byte[24]),
        ];
        var bytes = CopyNotes.Encode(ranges);
        var back = CopyNotes.DecodeBlocks(bytes)!;
        Assert.Equal(
            ranges.Select(r => (r.Gfid, r.Offset, r.Length, r.Level, r.IsEnd)),
            back.Select(r => (r.Gfid, r.Offset, r.Length, r.Level, r.IsEnd)));
        Assert.InRange(bytes.Length, 16 + (2 * 24), 16 + (2 * 24) + (2 * 16) + (3 * 12));
    }

    [Fact]
    public void WantsComeBack()
    {
        var inode = new CopyWant(CopyWantKind.Inode, A, B, "name", true, 0, 0, 0, HasContent: true);
        var data = new CopyWant(CopyWantKind.Data, A, default, default, false, 1L << 40, 8192, 2);
        Assert.Equal(inode, CopyNotes.DecodeWant(CopyNotes.Encode(inode)));
        Assert.Equal(
            inode with { IsNew = false, HasContent = false },
            CopyNotes.DecodeWant(CopyNotes.Encode(inode with { IsNew = false, HasContent = false })));
        Assert.Equal(data, CopyNotes.DecodeWant(CopyNotes.Encode(data)));
    }

    /// <summary>A hash that is missing, a range that is none: nothing is read beyond what is there.</summary>
    [Fact]
    public void WhatIsDamagedIsRefused()
    {
        Assert.Null(CopyNotes.DecodeBlocks(CopyNotes.Encode([new CopyBlocks(A, 0, 8193, 2, new byte[24])])));
        Assert.Null(CopyNotes.DecodeBlocks(CopyNotes.Encode([new CopyBlocks(A, 0, CopyHasher.RangeMax + 1, 0, new byte[32])])));
        Assert.Null(CopyNotes.DecodeWant(CopyNotes.Encode(
            new CopyWant(CopyWantKind.Data, A, default, default, false, -1, 1, 0))));
        Assert.Null(CopyNotes.DecodeNames(CopyNotes.Encode(new CopyNames(A, true, true, [new CopyName("one", B, [1, 2])]))));
        Assert.Null(CopyNotes.DecodeSalt(CopyNotes.EncodeSalt(5).AsSpan()[..^1]));
        var bytes = CopyNotes.Encode(new CopyNames(A, true, true, [new CopyName("one", B, new byte[16])]));
        var random = new SimRandom(1);
        for (var i = 0; i < 10_000; i++)
        {
            var damaged = bytes[..random.Below(bytes.Length + 1)];
            if (damaged.Length > 0)
            {
                damaged[random.Below(damaged.Length)] ^= (byte)(1 << random.Below(8));
            }

            _ = CopyNotes.DecodeNames(damaged); // Does not throw.
            _ = CopyNotes.DecodeBlocks(damaged);
            _ = CopyNotes.DecodeWant(damaged);
        }

        Assert.Null(CopyNotes.DecodeNames(bytes.AsSpan()[..^1]));
        Assert.False(CopyNotes.IsNote(OperationCodec.Encode(new JournalOperation { Fop = FopCode.Setattr, Gfid = A })));
        Assert.True(CopyNotes.IsNote(bytes));
    }
}
