using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>What the journal promises when the disk does as it is told, and when it is full.</summary>
[Trait("Tier", "unit")]
public sealed class ReplicaJournalTests
{
    [Theory]
    [InlineData("", 0x00000000)]
    [InlineData("123456789", 0xE3069283)]
    [InlineData("a", 0xC1D04330)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x22620404)]
    public void ChecksumsAreThoseOfTheStandard(string text, uint expected)
    {
        Assert.Equal(expected, Crc32C.Of(Encoding.ASCII.GetBytes(text)));
        Assert.Equal(expected, Crc32C.OfByTables(Encoding.ASCII.GetBytes(text)));
    }

    /// <summary>RFC 3720, B.4.</summary>
    [Fact]
    public void ChecksumsAreThoseOfTheScsiDocument()
    {
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Of(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        var rising = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        Assert.Equal(0x46DD794Eu, Crc32C.Of(rising));
        Assert.Equal(0x113FDB5Cu, Crc32C.OfByTables(rising.Reverse().ToArray()));
    }

    [Fact]
    public void BothWaysToAChecksumAgreeAtEveryLengthAndInParts()
    {
        var bytes = new byte[300];
        new SimRandom(4).Fill(bytes);
        for (var i = 0; i <= bytes.Length; i++)
        {
            Assert.Equal(Crc32C.Of(bytes.AsSpan(0, i)), Crc32C.OfByTables(bytes.AsSpan(0, i)));
            Assert.Equal(Crc32C.Of(bytes), Crc32C.Of(bytes.AsSpan(i), Crc32C.Of(bytes.AsSpan(0, i))));
        }
    }

    [Fact]
    public void ChecksumsOfBlocksAreThoseOfEachBlock()
    {
        const int Block = 64;
        var bytes = new byte[8 * Block];
        new SimRandom(5).Fill(bytes);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var expected = bytes.AsSpan(0, length).ToArray().Chunk(Block)
                .SelectMany(b => BitConverter.GetBytes(Crc32C.OfByTables(b)));
            var found = new byte[((length + Block - 1) / Block) * sizeof(uint)];
            Crc32C.OfBlocks(bytes.AsSpan(0, length), Block, found);
            Assert.Equal(expected, found);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(70_000)]
    public void EntriesOfAllSizesAreReadAsWrittenBeforeAndAfterAPowerLoss(int length)
    {
        using var bed = new JournalBed(blocks: 128);
        bed.Append(1, length);
        bed.Append(3, length);
        bed.CheckAll();
        bed.Restart();
        bed.CheckAll();
        Assert.Equal(2, bed.Journal.Report.Batches);
        bed.Append(2, length, term: 3);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void LargeAlignedDataIsWrittenFromWhereItIs()
    {
        using var bed = new JournalBed(blocks: 200);
        bed.Append(1, 100);
        bed.Append(3, 64 << 10); // Payloads of the pool are aligned.
        bed.Append(1, 5000);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void WhatDoesNotFollowIsRefusedAndChangesNothing()
    {
        using var bed = new JournalBed();
        bed.Append(2, term: 5);
        var random = new SimRandom(1);
        foreach (var wrong in new[] { Sample.Make(random, 5, 4, 1), Sample.Make(random, 5, 2, 1), Sample.Make(random, 4, 3, 1) })
        {
            var entry = wrong.ToEntry();
            Assert.Equal(Errno.EINVAL, bed.Journal.Append([entry], out var taken));
            Assert.Equal(0, taken);
            entry.Data.Release();
        }

        var large = Sample.Make(random, 5, 3, 1, dataLength: 40 * JournalBed.Block).ToEntry();
        Assert.Equal(Errno.EFBIG, bed.Journal.Append([large], out _));
        large.Data.Release();
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void WhatWasCutNeverComesBackAndItsPlaceIsFree()
    {
        using var bed = new JournalBed();
        bed.Append(3);
        bed.Append(3);
        bed.CutFrom(3);
        bed.CheckAll();
        bed.Restart();
        bed.CheckAll();
        bed.Append(2, term: 2);
        bed.Restart();
        bed.CheckAll();
        bed.CutFrom(1);
        bed.Restart();
        Assert.Equal(0ul, bed.Journal.Last.Value);
        bed.Append(1, term: 9);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void WhatTheCheckpointCoversCannotBeCutAndOnlyThatCanBeCompacted()
    {
        using var bed = new JournalBed();
        bed.Append(5);
        bed.SaveCheckpoint(3);
        Assert.Equal(Errno.EINVAL, bed.Journal.CutFrom(new JournalIndex(3)));
        Assert.Equal(Errno.EINVAL, bed.Journal.CutFrom(new JournalIndex(7)));
        Assert.Equal(Errno.EINVAL, bed.Journal.Compact(new JournalIndex(4)));
        bed.CutFrom(4);
        JournalBed.Ok(bed.Journal.Compact(new JournalIndex(3)));
        Assert.Equal(4ul, bed.Journal.First.Value);
        Assert.True(bed.Journal.TryGetHeader(new JournalIndex(3), out var header));
        Assert.Equal(bed.Samples[2].Chain, header.Chain);
    }

    [Fact]
    public void AJournalNeverTakesMoreThanItsMaximumAndCompactionMakesRoomInRecycledSegments()
    {
        using var bed = new JournalBed(blocks: 10, segments: 4);
        for (var round = 0; round < 30; round++)
        {
            Errno error;
            while ((error = bed.TryAppend(1)) == Errno.Ok)
            {
                Assert.True(
                    bed.Journal.DiskBytes <= bed.Options.BytesMax, $"{bed.Journal.DiskBytes} of {bed.Options.BytesMax} in {round}");
            }

            Assert.Equal(Errno.ENOSPC, error);
            Assert.True(bed.Journal.Space.UsedPercent >= 75, $"round {round}: {bed.Journal.Space}");
            bed.CutFrom(bed.Journal.Last.Value); // Room is kept back for that.
            bed.SaveCheckpoint(bed.Journal.Last.Value - 1);
            JournalBed.Ok(bed.Journal.Compact(bed.Journal.State.Checkpoint));
            Assert.True(bed.Journal.Space.FreeBytes > 0, $"round {round}: {bed.Journal.Space} {bed.Journal.First} {bed.Journal.Last}");
            if (round % 5 == 3)
            {
                bed.Restart();
            }

            bed.CheckAll();
        }

        Assert.True(bed.Journal.Metrics.SegmentsRecycled > 0);
        var names = new List<string>();
        bed.Disk.List("/j", names);
        Assert.True(names.Count(n => n.StartsWith("s-", StringComparison.Ordinal)) <= 4);
    }

    [Fact]
    public void OldBytesOfARecycledSegmentNeverLookValid()
    {
        using var bed = new JournalBed(blocks: 10, segments: 4);
        for (var i = 0; i < 12; i++)
        {
            bed.Append(1);
        }

        bed.SaveCheckpoint(12);
        JournalBed.Ok(bed.Journal.Compact(new JournalIndex(12)));
        for (var i = 0; i < 5; i++)
        {
            bed.Append(1);
        }

        Assert.True(bed.Journal.Metrics.SegmentsRecycled > 0);
        bed.Restart();
        Assert.Equal(0, bed.Journal.Report.Holes);
        bed.CheckAll();
    }

    [Fact]
    public void ASegmentThatWasClonedIsRemovedInsteadOfUsedAgain()
    {
        using var bed = new JournalBed(blocks: 10, segments: 4);
        for (var i = 0; i < 6; i++)
        {
            bed.Append(1);
        }

        Assert.True(bed.Journal.TryGetDataExtent(new JournalIndex(1), out var extent));
        Assert.Equal(0, extent.OffsetBytes % JournalBed.Block);
        Assert.Equal(bed.Samples[0].Data, bed.Disk.Content(extent.Path).AsSpan((int)extent.OffsetBytes, extent.LengthBytes).ToArray());
        bed.Journal.MarkCloned(extent.Segment);
        bed.SaveCheckpoint(6);
        JournalBed.Ok(bed.Journal.Compact(new JournalIndex(6)));
        Assert.Equal(0, bed.Journal.Metrics.SegmentsRecycled);
    }

    [Fact]
    public void AFullDiskRefusesAnAppendAndNothingElseIsHarmed()
    {
        using var bed = new JournalBed(blocks: 10, segments: 8);
        bed.Disk.CapacityBytes = 30 * JournalBed.Block;
        Errno error;
        while ((error = bed.TryAppend(1)) == Errno.Ok)
        {
        }

        Assert.Equal(Errno.ENOSPC, error);
        Assert.Equal(Errno.Ok, bed.Journal.Failure);
        bed.CheckAll();
        bed.Disk.CapacityBytes = long.MaxValue;
        bed.Append(1);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void AFullDiskStopsNoAppendOfAJournalThatHasItsBlocks()
    {
        using var bed = new JournalBed(blocks: 10, segments: 6, format: false);
        bed.Options = bed.Options with { SegmentsReserved = 5, DiskFreeMin = 1 << 20 };
        JournalBed.Ok(ReplicaJournal.Format(bed.Disk, bed.Options, new SuperblockState { Incarnation = new UInt128(1, 2) }));
        bed.Disk.SyncDirectory("/");
        bed.Open();
        bed.Disk.GetSpace("/", out var space);
        bed.Disk.CapacityBytes = space.TotalBytes - space.FreeBytes; // Not a byte is left.
        for (var round = 0; round < 30; round++)
        {
            var count = 0;
            Errno error;
            while ((error = bed.TryAppend(1)) == Errno.Ok)
            {
                count++;
            }

            Assert.Equal(Errno.ENOSPC, error); // Of the journal, which is full.
            Assert.Equal(Errno.Ok, bed.Journal.Failure);
            Assert.True(count >= 8, $"round {round}: {count}");
            bed.SaveCheckpoint(bed.Journal.Last.Value - 1);
            JournalBed.Ok(bed.Journal.Compact(bed.Journal.State.Checkpoint));
            if (round % 4 == 3)
            {
                bed.Restart(round % 8 == 3 ? SimCrash.Process : SimCrash.Power);
            }

            bed.CheckAll();
        }
    }

    [Theory]
    [InlineData(320, 4, 13)]
    [InlineData(1024, 8, 16)]
    [InlineData(8192, 64, 16)]
    [InlineData(1_000_000, 128, 16)]
    public void AJournalIsSizedByItsDisk(long diskMiB, int segmentMiB, int segments)
    {
        var options = JournalOptions.For("/j", new DiskSpace(diskMiB << 20, diskMiB << 20));
        Assert.Equal((segmentMiB << 20, segments), (options.SegmentBytes, options.SegmentsMax));
        Assert.True((long)options.SegmentsReserved * options.SegmentBytes >= 48 << 20);
        Assert.True(options.SegmentsReserved <= options.SegmentsMax);
        options.Check();
    }

    [Fact]
    public void ShortWritesAreContinued()
    {
        using var bed = new JournalBed(blocks: 200);
        bed.Disk.ShortWriteChance = 0.7;
        bed.Append(3);
        bed.Append(3, 64 << 10);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void AFailedSyncIsFinalUntilTheJournalIsReopenedAndItsBatchNeverCounts()
    {
        using var bed = new JournalBed();
        bed.Append(2);
        bed.Disk.FailNext(DiskCall.Sync, Errno.EIO, pathStart: "/j/s-");
        Assert.Equal(Errno.EIO, bed.TryAppend(2));
        Assert.Equal(Errno.EIO, bed.Journal.Failure);
        Assert.Equal(Errno.EIO, bed.TryAppend(1));
        Assert.Equal(Errno.EIO, bed.Journal.CutFrom(new JournalIndex(1)));
        Assert.Equal(2ul, bed.Journal.Last.Value);
        bed.CheckOne(bed.Samples[0]);
        JournalBed.Ok(bed.Journal.Reopen());
        bed.Restart(SimCrash.Process); // What failed is in the page cache, and looks good.
        bed.CheckAll();
        bed.Append(2, term: 2);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void AfterAFailedSyncAndADeadProcessWhatAStartFindsIsReallyDurable()
    {
        using var bed = new JournalBed();
        bed.Append(2);
        bed.Disk.FailNext(DiskCall.Sync, Errno.EIO, pathStart: "/j/s-");
        Assert.Equal(Errno.EIO, bed.TryAppend(1));
        bed.Restart(SimCrash.Process);
        var found = bed.Journal.Last;
        Assert.Equal(3ul, found.Value);
        bed.Restart();
        Assert.Equal(found, bed.Journal.Last);
    }

    [Fact]
    public void AResetForgetsEverythingAndGoesOnAfterTheGivenEntry()
    {
        using var bed = new JournalBed();
        bed.Append(5);
        JournalBed.Ok(bed.Journal.Reset(new JournalIndex(100), new Term(7), new UInt128(3, 4)));
        bed.Samples.Clear();
        bed.Restart();
        Assert.Equal(101ul, bed.Journal.First.Value);
        Assert.Equal(100ul, bed.Journal.State.Checkpoint.Value);
        Assert.True(bed.Journal.TryGetHeader(new JournalIndex(100), out var header));
        Assert.Equal(new UInt128(3, 4), header.Chain);
        bed.Append(2, term: 8);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void ACloseInGoodOrderIsRemembered()
    {
        using var bed = new JournalBed();
        bed.Append(1);
        JournalBed.Ok(bed.Journal.Close());
        bed.Restart();
        Assert.True(bed.Journal.Report.WasClean);
        Assert.Equal(2ul, bed.Journal.State.BootCount);
        bed.Restart();
        Assert.False(bed.Journal.Report.WasClean);
        bed.CheckAll();
    }

    [Fact]
    public void OneBatchIsOneWriteAndOneSync()
    {
        using var bed = new JournalBed(blocks: 100);
        bed.Append(1);
        var before = bed.Disk.ChangeCount;
        bed.Append(16);
        Assert.Equal(before + 2, bed.Disk.ChangeCount);
        Assert.Equal(2, bed.Journal.Metrics.Batches);
        Assert.Equal(8.5, bed.Journal.Metrics.EntriesPerBatch);
        Assert.InRange(bed.Journal.Metrics.WriteAmplification, 1.0, 1.3);
    }

    [Fact]
    public void RangesStopAtTheirLimits()
    {
        using var bed = new JournalBed(blocks: 100);
        bed.Append(8);
        var entries = new List<JournalEntry>();
        JournalBed.Ok(bed.Journal.ReadRange(new JournalIndex(2), 3, long.MaxValue, entries));
        JournalBed.Ok(bed.Journal.ReadRange(new JournalIndex(5), 100, 5000, entries));
        Assert.Equal([2ul, 3, 4, 5, 6], entries.Select(e => e.Index.Value));
        entries.ForEach(e => e.Data.Release());
        Assert.Equal(Errno.ENOENT, bed.Journal.Read(new JournalIndex(9), out _));
    }
}
