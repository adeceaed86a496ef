using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>
/// Damage is found, never taken for a torn end when the entry may have been acknowledged, and repaired from bytes that come
/// from elsewhere.
/// </summary>
[Trait("Tier", "unit")]
public sealed class DamageTests
{
    private const int Block = JournalBed.Block;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ADamagedByteAnywhereIsFoundClassifiedAndRepaired(bool withIndex)
    {
        var hit = 0;
        for (var at = 0; at < 32 * Block; at += 64)
        {
            using var bed = Bed(withIndex);
            bed.Disk.Corrupt(JournalBed.SegmentPath(1), at + (at / 64 % 64), 0x10);
            hit += Survive(bed);
        }

        Assert.InRange(hit, 100, 1000);
    }

    /// <summary>A block that is gone, a block of another place, a block of garbage; at every position.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void AWrongBlockAnywhereIsFoundClassifiedAndRepaired(int kind)
    {
        for (var block = 0; block < 32; block++)
        {
            using var bed = Bed(withIndex: true);
            var path = JournalBed.SegmentPath(1);
            var bytes = new byte[Block];
            if (kind == 1)
            {
                bytes = bed.Disk.Content(path).AsSpan(((block + 3) % 12) * Block, Block).ToArray();
            }
            else if (kind == 2)
            {
                new SimRandom((ulong)block).Fill(bytes);
            }

            bed.Disk.Overwrite(path, block * Block, bytes);
            Survive(bed);
        }
    }

    [Fact]
    public void TheLastBatchWithoutAWitnessIsTornAndWithOneItIsFaulty()
    {
        foreach (var witness in new[] { "none", "superblock", "index" })
        {
            using var bed = new JournalBed();
            bed.Append(1);
            bed.Append(2);
            if (witness == "superblock")
            {
                bed.SaveCheckpoint(0);
            }
            else if (witness == "index")
            {
                bed.Journal.FlushIndex();
            }

            bed.Journal.Dispose();
            bed.Disk.Corrupt(JournalBed.SegmentPath(1), (4 * Block) + 9); // Data of the second entry.
            bed.Disk.Crash(SimCrash.Process);
            bed.Open();
            if (witness == "none")
            {
                Assert.Equal(1, bed.Journal.Report.TornBatches);
                Assert.Equal(1ul, bed.Journal.Last.Value);
                continue;
            }

            Assert.Equal(3ul, bed.Journal.Last.Value);
            var fault = Assert.Single(bed.Journal.Faults());
            Assert.Equal(EntryState.DataLost, fault.State);
            Assert.Equal(bed.Samples[1].Header, fault.Header);
            Assert.Equal(Errno.EUCLEAN, bed.Journal.Read(fault.Index, out _));
            bed.Repair(2);
            bed.CheckAll();
            bed.Restart();
            bed.CheckAll();
        }
    }

    [Fact]
    public void AnEntryWhoseHeaderIsLostIsHealthyByTheIndexAndFaultyWithoutIt()
    {
        foreach (var withIndex in new[] { true, false })
        {
            using var bed = Bed(withIndex);
            bed.Disk.Corrupt(JournalBed.SegmentPath(1), Block + 128 + 20);
            bed.Restart();
            Assert.Equal(withIndex ? 0 : 1, bed.Journal.Faults().Count);
            if (withIndex)
            {
                Assert.Equal(1, bed.Journal.Report.HeadersFromIndex);
            }
            else
            {
                Assert.Equal(EntryState.HeaderLost, bed.Journal.Faults()[0].State);
                var wrong = bed.Samples[0] with { Header = bed.Samples[0].Header with { Chain = 5 } };
                var entry = wrong.ToEntry();
                Assert.Equal(Errno.EINVAL, bed.Journal.Repair(entry)); // The entry after it knows its chain.
                entry.Data.Release();
                bed.Repair(1);
            }

            bed.CheckAll();
        }
    }

    [Fact]
    public void RepairTakesOnlyWhatWasThere()
    {
        using var bed = Bed(withIndex: true);
        bed.Disk.Corrupt(JournalBed.SegmentPath(1), (2 * Block) + 1);
        Assert.Equal(Errno.EUCLEAN, bed.Journal.Read(new JournalIndex(1), out _));
        var data = bed.Samples[0].Data.ToArray();
        data[77] ^= 1;
        var wrong = (bed.Samples[0] with { Data = data }).ToEntry();
        Assert.Equal(Errno.EINVAL, bed.Journal.Repair(wrong));
        wrong.Data.Release();
        bed.Repair(1);
        bed.CheckAll();
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void ARotCutStillHoldsByTheSuperblock()
    {
        using var bed = new JournalBed();
        bed.Append(4);
        bed.CutFrom(2);
        bed.Journal.Dispose();
        bed.Disk.Corrupt(JournalBed.SegmentPath(1), (6 * Block) + 30);
        bed.Disk.Crash(SimCrash.Power);
        bed.Open();
        Assert.Equal(1ul, bed.Journal.Last.Value);
        bed.CheckAll();
        bed.Append(1, term: 4);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void EntriesThatALostCutMayHaveReplacedAreNotShown()
    {
        using var bed = new JournalBed();
        bed.Append(1);
        bed.Append(1);
        bed.Append(1);
        bed.CutFrom(2); // Block 7.
        bed.Append(1, term: 2); // Blocks 8 and 9: entry 2 again.
        bed.Append(1, term: 2);
        bed.Journal.Dispose();
        bed.Disk.Corrupt(JournalBed.SegmentPath(1), (7 * Block) + 30);
        bed.Disk.Corrupt(JournalBed.SegmentPath(1), (8 * Block) + 30);
        bed.Disk.Crash(SimCrash.Power);
        bed.Open();
        Assert.Equal(3ul, bed.Journal.Last.Value);
        Assert.Equal([2ul], bed.Journal.Faults().Select(f => f.Index.Value));
        bed.CheckOne(bed.Samples[2]);
    }

    [Fact]
    public void AMisdirectedWriteIsFoundInBothPlaces()
    {
        using var bed = new JournalBed();
        bed.Append(1);
        bed.Append(1);
        bed.Disk.MisdirectNextWrite("/j/s-", Block);
        bed.Append(1); // Lands on the first batch.
        bed.Append(1);
        bed.SaveCheckpoint(0);
        bed.Restart();
        Assert.Equal([1ul, 3], bed.Journal.Faults().Select(f => f.Index.Value));
        Assert.Equal(4ul, bed.Journal.Last.Value);
        bed.Repair(1);
        bed.Repair(3);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void WhatTheDiskCannotReadIsDamageNotAbsence()
    {
        using var bed = Bed(withIndex: true);
        bed.Disk.FailNext(DiskCall.Read, Errno.EIO);
        Assert.Equal(Errno.EUCLEAN, bed.Journal.Read(new JournalIndex(2), out _));
        bed.Journal.Dispose();
        bed.Disk.Crash(SimCrash.Process);
        bed.Disk.FailNext(DiskCall.Read, Errno.EIO, count: 10_000, pathStart: "/j/s-");
        Assert.Equal(Errno.EUCLEAN, ReplicaJournal.Open(bed.Disk, bed.Options, out _, out var problem));
        Assert.Contains("damaged", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void ALostSegmentIsDamageOfItsEntries()
    {
        using var bed = new JournalBed(blocks: 10, segments: 8);
        for (var i = 0; i < 12; i++)
        {
            bed.Append(1, dataLength: 4000);
        }

        bed.Journal.Dispose();
        bed.Disk.Unlink(JournalBed.SegmentPath(2));
        bed.Disk.SyncDirectory("/j");
        bed.Disk.Crash(SimCrash.Power);
        bed.Open();
        var faults = bed.Journal.Faults();
        Assert.NotEmpty(faults);
        Assert.Equal(12ul, bed.Journal.Last.Value);
        foreach (var fault in faults.Reverse())
        {
            bed.Repair(fault.Index.Value);
        }

        bed.CheckAll();
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void AnAppendAfterADamagedEndWaitsForItsRepair()
    {
        using var bed = new JournalBed();
        bed.Append(2);
        bed.SaveCheckpoint(0);
        bed.Journal.Dispose();
        bed.Disk.Corrupt(JournalBed.SegmentPath(1), Block);
        bed.Disk.Crash(SimCrash.Power);
        bed.Open();
        Assert.Equal([1ul, 2], bed.Journal.Faults().Select(f => f.Index.Value));
        Assert.Equal(Errno.EUCLEAN, bed.TryAppend(1));
        bed.Repair(2);
        bed.Append(1);
        bed.Repair(1);
        bed.Restart();
        bed.CheckAll();
    }

    [Fact]
    public void AScrubFindsRotInClosedSegmentsAtItsPace()
    {
        using var bed = new JournalBed(blocks: 10, segments: 8);
        for (var i = 0; i < 12; i++)
        {
            bed.Append(1, dataLength: 4000);
        }

        bed.Disk.Corrupt(JournalBed.SegmentPath(1), (2 * Block) + 5);
        var clock = new FixedClock();
        var scrub = new JournalScrub(bed.Journal, clock, bytesPerSecond: 10_000);
        Assert.Null(scrub.Step());
        var found = new List<FaultyEntry>();
        var seconds = 0;
        while (scrub.Rounds == 0)
        {
            clock.MonotonicNs += 1_000_000_000;
            seconds++;
            found.AddRange(scrub.Step()?.Faults ?? []);
        }

        Assert.Equal([1ul], found.Select(f => f.Index.Value));
        Assert.InRange(scrub.ReadBytes / seconds, 1, 11_000);
    }

    /// <summary>Random bytes, and good bytes with a few changed: an answer, no crash, no endless memory.</summary>
    [Fact]
    public void HostileBytesNeverCrashAStart()
    {
        var random = new SimRandom(9);
        for (var round = 0; round < 600; round++)
        {
            var hasIndex = random.Chance(0.5);
            using var bed = Bed(hasIndex);
            bed.Journal.Dispose();
            var path = hasIndex && random.Chance(0.2) ? JournalBed.IndexPath(1) : JournalBed.SegmentPath(1);
            for (var i = 1 + random.Below(20); i > 0; i--)
            {
                var bytes = new byte[1 + random.Below(200)];
                random.Fill(bytes);
                bed.Disk.Overwrite(path, random.Below(16 * Block), bytes);
            }

            bed.Disk.Crash(SimCrash.Power);
            var before = GC.GetAllocatedBytesForCurrentThread();
            if (ReplicaJournal.Open(bed.Disk, bed.Options, out var journal, out _) == Errno.Ok)
            {
                for (var i = journal!.First.Value; i <= journal.Last.Value; i++)
                {
                    if (journal.Read(new JournalIndex(i), out var entry) == Errno.Ok)
                    {
                        bed.Samples[(int)i - 1].CheckAgainst(entry!);
                        entry!.Data.Release();
                    }
                }

                journal.Dispose();
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20L << 20);
        }
    }

    /// <summary>Heads with good checksums that say what cannot be.</summary>
    [Fact]
    public void LyingHeadersWithGoodChecksumsNeverCrashAStart()
    {
        var random = new SimRandom(21);
        for (var round = 0; round < 1500; round++)
        {
            using var bed = Bed(withIndex: true);
            bed.Journal.Dispose();
            var path = JournalBed.SegmentPath(1);
            var content = bed.Disk.Content(path);
            var starts = new[] { (0, 16, 12, 16), (Block, 8, 4, 8), (3 * Block, 8, 4, 8), (Block + 128, 8, 4, 8) };
            var (at, from, checksum, body) = starts[random.Below(starts.Length)];
            var head = content.AsSpan(at, 128).ToArray();
            for (var i = 1 + random.Below(3); i > 0; i--)
            {
                var field = from + random.Below(128 - from);
                head[field] = random.Chance(0.5) ? (byte)0xFF : (byte)random.Next();
            }

            var seed = at == Block + 128 ? JournalFormat.SeedOf(new UInt128(1, 2)) : 0;
            BitConverter.TryWriteBytes(head.AsSpan(checksum), Crc32C.Of(head.AsSpan(body), seed));
            bed.Disk.Overwrite(path, at, head);
            bed.Disk.Crash(SimCrash.Power);
            var before = GC.GetAllocatedBytesForCurrentThread();
            if (ReplicaJournal.Open(bed.Disk, bed.Options, out var journal, out _) == Errno.Ok)
            {
                journal!.Dispose();
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 30);
        }
    }

    private static JournalBed Bed(bool withIndex)
    {
        var bed = new JournalBed();
        bed.Append(1, 4000);
        bed.Append(2, 4000);
        bed.Append(1, 9000);
        bed.Append(1, 0);
        if (withIndex)
        {
            bed.Journal.FlushIndex();
        }
        else
        {
            bed.Disk.Unlink(JournalBed.IndexPath(1));
        }

        bed.SaveCheckpoint(0);
        bed.Disk.SyncDirectory("/j");
        return bed;
    }

    /// <summary>
    /// After a start nothing is missing, what is shown is right, and what is faulty can be repaired for good. 1 when something
    /// was faulty.
    /// </summary>
    private static int Survive(JournalBed bed)
    {
        bed.Options = bed.Options with { VerifiesDataAtStart = true };
        bed.Restart();
        Assert.Equal(bed.Samples[^1].Header.Index, bed.Journal.Last);
        var faults = bed.Journal.Faults().Select(f => f.Index.Value).ToHashSet();
        foreach (var sample in bed.Samples.Where(s => !faults.Contains(s.Header.Index.Value)))
        {
            bed.CheckOne(sample);
        }

        foreach (var fault in faults.OrderDescending())
        {
            bed.Repair(fault);
        }

        bed.CheckAll();
        bed.Append(1, term: 2);
        bed.Restart();
        bed.CheckAll();
        return faults.Count > 0 ? 1 : 0;
    }

    private sealed class FixedClock : IClock
    {
        public long MonotonicNs { get; set; } = 5;

        public long WallNs => 0;
    }
}
