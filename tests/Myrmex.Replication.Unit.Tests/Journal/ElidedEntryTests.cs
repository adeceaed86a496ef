using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>Entries without data, or without some of it, in a journal.</summary>
public sealed class ElidedEntryTests
{
    private const int DataLength = 5 * 4096 + 7;

    [Fact]
    public void TheyAreThereAfterARestartAsTheyWere()
    {
        using var bed = new JournalBed();
        var entries = Append(bed);
        for (var round = 0; round < 2; round++)
        {
            var chain = default(UInt128);
            for (var i = 0; i < entries.Length; i++)
            {
                Assert.Equal(Errno.Ok, bed.Journal.Read(new JournalIndex((ulong)i + 1), out var read));
                Assert.True(EntryChain.Matches(chain, read!));
                chain = read!.Header.Chain;
                Assert.Equal(entries[i].Meta.ToArray(), read.Meta.ToArray());
                Assert.Equal(entries[i].Data.Span.ToArray(), read.Data.Span.ToArray());
                Assert.Equal(entries[i].Elided?.Encoded.ToArray(), read.Elided?.Encoded.ToArray());
                read.Data.Release();
            }

            var metas = new List<EntryMeta>();
            Assert.True(bed.Journal.ReadMeta(new JournalIndex(1), entries.Length, metas));
            Assert.Equal(entries.Select(e => (e.Header, e.DataLength, e.Elided is not null)),
                metas.Select(m => (m.Header, m.DataLength, m.IsElided)));
            Assert.Equal(entries.Select(e => e.Meta.ToArray()), metas.Select(m => m.Meta));
            Assert.Empty(bed.Journal.Scrub(1 << 20).Faults);
            bed.Restart();
        }

        Array.ForEach(entries, e => e.Data.Release());
    }

    /// <summary>All of a journal with two of them, one byte after the other: what is read is what was written, or damaged.</summary>
    [Fact]
    public void DamageToThemIsFound()
    {
        var found = 0;
        for (var at = 4096; at < 16 * 4096; at += 61)
        {
            using var bed = new JournalBed();
            var entries = Append(bed);
            bed.Disk.Corrupt(JournalBed.SegmentPath(1), at, 0x10);
            for (var i = 0; i < entries.Length; i++)
            {
                if (bed.Journal.Read(new JournalIndex((ulong)i + 1), out var read) == Errno.Ok)
                {
                    Assert.Equal(entries[i].Elided?.Encoded.ToArray(), read!.Elided?.Encoded.ToArray());
                    Assert.Equal(entries[i].Data.Span.ToArray(), read.Data.Span.ToArray());
                    read.Data.Release();
                }
                else
                {
                    found++;
                }
            }

            Array.ForEach(entries, e => e.Data.Release());
        }

        Assert.InRange(found, 50, 1000);
    }

    [Fact]
    public void AJournalOfAnEarlierFormatIsRefusedInWords()
    {
        using var bed = new JournalBed();
        bed.Append(1);
        bed.Journal.Dispose();
        foreach (var block in new[] { 0, 31 })
        {
            var head = bed.Disk.Content(JournalBed.SegmentPath(1)).AsSpan(block * JournalBed.Block, 128).ToArray();
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), 1);
            bed.Disk.Overwrite(JournalBed.SegmentPath(1), block * JournalBed.Block, head);
        }

        Assert.Equal(Errno.EINVAL, ReplicaJournal.Open(bed.Disk, bed.Options, out _, out var problem));
        Assert.Contains("format 1 of an earlier release", problem, StringComparison.Ordinal);
    }

    private static JournalEntry[] Append(JournalBed bed)
    {
        var random = new SimRandom(3);
        var bytes = new byte[DataLength];
        var entries = new JournalEntry[4];
        var chain = default(UInt128);
        for (var i = 0; i < entries.Length; i++)
        {
            random.Fill(bytes);
            var data = Payload.CopyOf(bytes);
            var header = new EntryHeader(new Term(1), new JournalIndex((ulong)i + 1), default, EntryKind.Operation, 4, 5, 6);
            var meta = new byte[] { (byte)i, 2, 3 };
            var whole = new JournalEntry(EntryChain.Seal(chain, header, meta, bytes), meta, data);
            chain = whole.Header.Chain;
            entries[i] = i == 1 ? whole.WithoutData(new JournalIndex(90))
                : i == 2 ? whole.WithoutBlocks([0b10_0110], new JournalIndex(91)) : whole;
            if (i is 1 or 2)
            {
                data.Release();
            }
        }

        Assert.Equal(Errno.Ok, bed.Journal.Append(entries, out var taken));
        Assert.Equal(entries.Length, taken);
        return entries;
    }
}
