using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Engine;

public sealed class EntryChainTests
{
    private static readonly EntryHeader Header = new(
        new Term(3), new JournalIndex(9), default, EntryKind.Operation, new UInt128(5, 6), 7, 8);

    /// <summary>The values are on disk: they never change.</summary>
    [Theory]
    [InlineData(0, "a50ade374efdb9e605fb3441847b6698")]
    [InlineData(5, "2f8bbbd8010f90b5f8200767d3afdeaa")]
    [InlineData(32, "704b8300d3e3ea30f4fe6ea7dcc9a36d")]
    [InlineData(100, "59ecf307a40829af1f2ac2528786346e")]
    public void TheChainHasGoldenValues(int length, string expected)
    {
        var meta = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        Assert.Equal(expected, EntryChain.Next(new UInt128(1, 2), Header, meta, default).ToString("x32", null));
    }

    [Fact]
    public void EveryFieldAndEveryByteChangesTheChain()
    {
        var meta = Enumerable.Range(0, 70).Select(i => (byte)i).ToArray();
        var values = new List<UInt128>
        {
            EntryChain.Next(0, Header, meta, default),
            EntryChain.Next(1, Header, meta, default),
            EntryChain.Next(new UInt128(1, 0), Header, meta, default),
            EntryChain.Next(0, Header with { Term = new Term(4) }, meta, default),
            EntryChain.Next(0, Header with { Index = new JournalIndex(10) }, meta, default),
            EntryChain.Next(0, Header with { Kind = EntryKind.Session }, meta, default),
            EntryChain.Next(0, Header with { Session = 1 }, meta, default),
            EntryChain.Next(0, Header with { Sequence = 1 }, meta, default),
            EntryChain.Next(0, Header with { Step = 1 }, meta, default),
            EntryChain.Next(0, Header, meta[..69], default),
            EntryChain.Next(0, Header, meta[..40], meta[40..]),
            EntryChain.Next(0, Header, default, meta),
            EntryChain.Next(0, Header, meta, new UInt128(0, 1), 4),
            EntryChain.Next(0, Header, meta, new UInt128(1, 0), 4),
            EntryChain.Next(0, Header, meta, new UInt128(0, 1), 5),
        };
        for (var i = 0; i < meta.Length * 8; i++)
        {
            meta[i / 8] ^= (byte)(1 << (i % 8));
            values.Add(EntryChain.Next(0, Header, meta, default));
            meta[i / 8] ^= (byte)(1 << (i % 8));
        }

        Assert.Equal(values.Count, values.Distinct().Count());
        Assert.Equal(values.Count, values.Select(v => (ulong)v).Distinct().Count());
        Assert.Equal(values.Count, values.Select(v => (ulong)(v >> 64)).Distinct().Count());
    }

    [Fact]
    public void AnEntryIsCheckedWithoutItsData()
    {
        var data = Enumerable.Range(0, 5000).Select(i => (byte)(i * 7)).ToArray();
        var payload = Payload.CopyOf(data);
        var entry = new JournalEntry(EntryChain.Seal(5, Header, new byte[] { 1, 2 }, data), new byte[] { 1, 2 }, payload);
        var elided = entry.WithoutData(new JournalIndex(77));
        Assert.True(EntryChain.Matches(5, entry));
        Assert.True(EntryChain.Matches(5, elided));
        Assert.NotNull(elided.Elided);
        Assert.True(elided.Data.IsEmpty);
        Assert.Equal((5000, new JournalIndex(77)), (elided.DataLength, elided.Elided.Through));
        var damaged = elided.Elided!.Encoded.ToArray();
        damaged[^1] ^= 1; // The digest.
        Assert.False(EntryChain.Matches(5, JournalEntry.WithoutData(entry.Header, entry.Meta, ElidedData.Decode(damaged)!)));
        damaged[^1] ^= 1;
        damaged[1] ^= 1; // The length.
        Assert.False(EntryChain.Matches(5, JournalEntry.WithoutData(entry.Header, entry.Meta, ElidedData.Decode(damaged)!)));
        Assert.False(EntryChain.Matches(6, elided));
        payload.Release();
    }

    [Theory]
    [InlineData(5000, 1)]
    [InlineData(5000, 2)]
    [InlineData(40_960, 0b10_0101_1010)]
    [InlineData(36_865, 0b10_0000_0001)]
    public void AnEntryIsCheckedWithoutSomeBlocks(int length, int missing)
    {
        var data = Enumerable.Range(0, length).Select(i => (byte)(i * 7 / 5)).ToArray();
        var payload = Payload.CopyOf(data);
        var entry = new JournalEntry(EntryChain.Seal(5, Header, default, data), default, payload);
        var elided = entry.WithoutBlocks([(byte)missing, (byte)(missing >> 8)], new JournalIndex(77));
        var left = Enumerable.Range(0, length).Where(i => (missing >> (i / 4096) & 1) == 0).Select(i => data[i]).ToArray();
        Assert.Equal(left, elided.Data.Span.ToArray());
        Assert.True(EntryChain.Matches(5, elided));
        elided.Data.Span[^1] ^= 1;
        Assert.False(EntryChain.Matches(5, elided));
        elided.Data.Release();
        payload.Release();
    }

    [Fact]
    public void EveryByteChangesTheDigest()
    {
        var data = Enumerable.Range(0, 70).Select(i => (byte)i).ToArray();
        var values = new List<UInt128> { EntryChain.Digest(data), EntryChain.Digest(data.AsSpan(0, 69)), EntryChain.Digest(default) };
        for (var i = 0; i < data.Length * 8; i++)
        {
            data[i / 8] ^= (byte)(1 << (i % 8));
            values.Add(EntryChain.Digest(data));
            data[i / 8] ^= (byte)(1 << (i % 8));
        }

        Assert.Equal(values.Count, values.Select(v => (ulong)v).Distinct().Count());
        Assert.Equal(values.Count, values.Select(v => (ulong)(v >> 64)).Distinct().Count());
    }

    [Fact]
    public void TheChainInTheHeaderDoesNotCount() =>
        Assert.Equal(EntryChain.Next(0, Header, default, default), EntryChain.Next(0, Header with { Chain = 77 }, default, default));
}
