using System;
using System.Collections;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>Which bytes of writes later entries overwrite.</summary>
public sealed class OverwrittenDataTests
{
    private static readonly Gfid File = new(1, 1);
    private static readonly Gfid Other = new(1, 2);

    private readonly OverwrittenData _data = new();
    private ulong _index = 1000;

    [Fact]
    public void RangesAreThoseThatWereAdded()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var ranges = new ByteRanges();
            var bits = new BitArray(200);
            for (var i = 0; i < 30; i++)
            {
                var begin = random.Next(190);
                var end = random.Next(begin, Math.Min(200, begin + 25));
                ranges.Add(begin, end);
                for (var at = begin; at < end; at++)
                {
                    bits[at] = true;
                }

                var from = random.Next(195);
                var to = random.Next(from + 1, 200);
                Assert.Equal(Enumerable.Range(from, to - from).All(at => bits[at]), ranges.Covers(from, to));
            }

            var runs = Enumerable.Range(0, 200).Count(at => bits[at] && (at == 0 || !bits[at - 1]));
            Assert.Equal(runs, ranges.Count);
        }
    }

    [Fact]
    public void AWriteThatLaterOnesCoverTogetherIsOverwritten()
    {
        Assert.Equal(Overwritten.Nothing, Write(File, 5000, 5000));
        Assert.Equal(Overwritten.Nothing, Write(File, 0, 5000));
        Assert.Equal(Overwritten.All, Write(File, 100, 9900));
        Assert.Equal(Overwritten.Nothing, Write(Other, 100, 9900));
        Assert.Equal(Overwritten.Nothing, Write(File, 10_000, 5000));
    }

    [Fact]
    public void BlocksThatAreCoveredAreTold()
    {
        _ = Write(File, 8192, 4096);
        Assert.Equal(Overwritten.Some, Write(File, 4096, 9000, out var blocks));
        Assert.Equal(0b010, blocks[0]);
    }

    [Fact]
    public void WhatIsCutOffZeroedOrRemovedIsOverwritten()
    {
        Take(new JournalOperation { Fop = FopCode.Truncate, Gfid = File, Size = 5000 });
        Assert.Equal(Overwritten.All, Write(File, 5000, 4000));
        Assert.Equal(Overwritten.Nothing, Write(File, 4999, 4000));
        Take(new JournalOperation { Fop = FopCode.Zerofill, Gfid = File, Offset = 100, Length = 400 });
        Assert.Equal(Overwritten.All, Write(File, 100, 400));
        Take(new JournalOperation { Fop = FopCode.Discard, Gfid = Other, Offset = 0, Length = 400 });
        Assert.Equal(Overwritten.All, Write(Other, 0, 400));
        Assert.Equal(Overwritten.Nothing, Write(Other, 0, 401));
        Take(new JournalOperation { Fop = FopCode.Unlink, Gfid = Other, Flags = JournalOperation.LastName });
        Assert.Equal(Overwritten.All, Write(Other, 1L << 40, 4000));
    }

    /// <summary>A file that lives on is read by who has it open, and a name that goes may be one of several.</summary>
    [Fact]
    public void WhatMayStillBeReadIsNot()
    {
        Take(new JournalOperation { Fop = FopCode.Unlink, Gfid = File, Flags = JournalOperation.LastName | JournalOperation.Keep });
        Take(new JournalOperation { Fop = FopCode.Unlink, Gfid = File });
        Take(new JournalOperation { Fop = FopCode.Fallocate, Gfid = File, Offset = 0, Length = 10_000 });
        Assert.Equal(Overwritten.Nothing, Write(File, 0, 4000));
        Take(new JournalOperation { Fop = FopCode.Rename, Gfid = File, Displaced = Other, Flags = JournalOperation.LastName });
        Assert.Equal(Overwritten.All, Write(Other, 0, 4000));
        Assert.Equal(Overwritten.Nothing, Write(File, 4000, 4000));
    }

    [Fact]
    public void NothingWrongIsSaidBeyondTheBounds()
    {
        for (var i = 0; i < JournalLimits.ElideFileRangesMax + 100; i++)
        {
            _ = Write(File, i * 1000L, 500);
        }

        Assert.Equal(Overwritten.Nothing, Write(File, (JournalLimits.ElideFileRangesMax + 50) * 1000L, 500));
        Assert.Equal(Overwritten.All, Write(File, 1000, 500));
    }

    private Overwritten Write(Gfid gfid, long offset, int length) => Write(gfid, offset, length, out _);

    private Overwritten Write(Gfid gfid, long offset, int length, out byte[] blocks) =>
        Take(new JournalOperation { Fop = FopCode.Write, Gfid = gfid, Offset = offset, Length = length }, length, out blocks);

    private void Take(JournalOperation operation) => Assert.Equal(Overwritten.Nothing, Take(operation, 0, out _));

    private Overwritten Take(JournalOperation operation, int length, out byte[] blocks)
    {
        blocks = new byte[(ElidedData.BlocksOf(length) + 7) / 8];
        var header = new EntryHeader(new Term(1), new JournalIndex(_index--), default, EntryKind.Operation, 0, 0, 0);
        return _data.Take(header, OperationCodec.Encode(operation), length, blocks);
    }
}
