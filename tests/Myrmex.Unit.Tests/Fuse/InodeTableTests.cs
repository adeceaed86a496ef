using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>Lookup counts, and when cached attributes may be answered.</summary>
public sealed class InodeTableTests
{
    private const long Second = 1_000_000_000;

    private readonly InodeTable _table = new(Second);

    [Fact]
    public void TheRootIsNodeOneAndStays()
    {
        Assert.True(_table.TryGetGfid(InodeTable.RootNode, out var gfid));
        Assert.True(gfid.IsRoot);
        Assert.Equal(InodeTable.RootNode, _table.Link(Gfid.Root, default, _table.Token, 0, out _));
        Assert.True(_table.Forget(InodeTable.RootNode, 1));
        Assert.True(_table.TryGetGfid(InodeTable.RootNode, out _));
        Assert.Equal(1, _table.Count);
    }

    [Fact]
    public void AnInodeLivesUntilAllItsLookupsAreForgotten()
    {
        var gfid = GfidOf(7);
        var node = Link(gfid);
        Assert.Equal(node, Link(gfid));
        Assert.Equal(node, Link(gfid));
        Assert.True(_table.Forget(node, 2));
        Assert.True(_table.TryGetGfid(node, out var found));
        Assert.Equal(gfid, found);
        Assert.True(_table.Forget(node, 1));
        Assert.False(_table.TryGetGfid(node, out _));
        Assert.Equal(0UL, _table.NodeOf(gfid));
    }

    [Fact]
    public void ForgettingMoreThanWasLookedUpChangesNothing()
    {
        var node = Link(GfidOf(7));
        Assert.False(_table.Forget(node, 2));
        Assert.False(_table.Forget(0, 1));
        Assert.False(_table.Forget(ulong.MaxValue, 1));
        Assert.True(_table.TryGetGfid(node, out _));
    }

    [Fact]
    public void ANodeNumberIsNeverUsedForAnotherInode()
    {
        var seen = new HashSet<ulong> { InodeTable.RootNode };
        for (var i = 0; i < 5000; i++)
        {
            var node = Link(GfidOf(i + 2));
            Assert.True(seen.Add(node));
            Assert.True(_table.Forget(node, 1));
            Assert.False(_table.TryGetGfid(node, out _));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TheTableIsEmptyAfterAllIsForgotten(int seed)
    {
        var random = new Random(seed);
        var counts = new Dictionary<ulong, (Gfid Gfid, ulong Lookups)>();
        for (var i = 0; i < 50_000; i++)
        {
            if (random.Next(3) > 0)
            {
                var gfid = GfidOf(random.Next(2, 8000));
                var node = Link(gfid);
                counts.TryGetValue(node, out var known);
                Assert.True(known.Lookups == 0 || known.Gfid == gfid);
                counts[node] = (gfid, known.Lookups + 1);
            }
            else if (counts.Count > 0)
            {
                var node = Pick(counts, random);
                var some = 1 + (ulong)random.NextInt64((long)counts[node].Lookups);
                Assert.True(_table.Forget(node, some));
                counts[node] = (counts[node].Gfid, counts[node].Lookups - some);
                if (counts[node].Lookups == 0)
                {
                    counts.Remove(node);
                }
            }
        }

        Assert.Equal(counts.Count + 1, _table.Count);
        foreach (var (node, known) in counts)
        {
            Assert.True(_table.TryGetGfid(node, out var gfid));
            Assert.Equal(known.Gfid, gfid);
            Assert.True(_table.Forget(node, known.Lookups));
        }

        Assert.Equal(1, _table.Count);
        Assert.Equal(0UL, _table.LookupsOutstanding);
    }

    [Fact]
    public void AttributesAreAnsweredUntilTheirTimeIsOver()
    {
        var gfid = GfidOf(7);
        var node = _table.Link(gfid, File(gfid, size: 5), _table.Token, 0, out _);
        Assert.True(_table.TryGetAttributes(node, Second / 4, out var iatt, out var validNs));
        Assert.Equal(5UL, iatt.Size);
        Assert.Equal(gfid, iatt.Gfid);
        Assert.Equal(Second * 3 / 4, validNs);
        Assert.False(_table.TryGetAttributes(node, Second, out _, out _));
    }

    [Fact]
    public void WithoutATimeoutNothingIsAnswered()
    {
        var table = new InodeTable(0);
        var gfid = GfidOf(7);
        var node = table.Link(gfid, File(gfid, size: 5), table.Token, 0, out _);
        Assert.False(table.TryGetAttributes(node, 0, out _, out _));
    }

    [Fact]
    public void AttributesSeenBeforeAChangeDoNotReplaceThoseAfterIt()
    {
        var gfid = GfidOf(7);
        var node = Link(gfid);
        var statToken = _table.Token;
        var writeToken = _table.Token;
        _table.Changed(node, File(gfid, size: 9), writeToken, 0);
        _table.Observed(node, File(gfid, size: 5), statToken, 0);
        Assert.True(_table.TryGetAttributes(node, 0, out var iatt, out _));
        Assert.Equal(9UL, iatt.Size);
    }

    [Fact]
    public void OfTwoChangesAtOnceNobodyKnowsTheResult()
    {
        var gfid = GfidOf(7);
        var node = Link(gfid);
        var first = _table.Token;
        var second = _table.Token;
        _table.Changed(node, File(gfid, size: 5), first, 0);
        Assert.True(_table.TryGetAttributes(node, 0, out _, out _));
        _table.Changed(node, File(gfid, size: 9), second, 0);
        Assert.False(_table.TryGetAttributes(node, 0, out _, out _));
        _table.Changed(node, File(gfid, size: 10), _table.Token, 0);
        Assert.True(_table.TryGetAttributes(node, 0, out var iatt, out _));
        Assert.Equal(10UL, iatt.Size);
    }

    [Fact]
    public void AnInodeThatComesBackStillKnowsWhatIsOld()
    {
        var gfid = GfidOf(7);
        var node = Link(gfid);
        var listing = _table.Token;
        _table.Changed(node, File(gfid, size: 9), _table.Token, 0);
        _table.Forget(node, 1);
        node = _table.Link(gfid, File(gfid, size: 5), listing, 0, out _);
        Assert.False(_table.TryGetAttributes(node, 0, out _, out _));
        Assert.False(_table.TryLinkListed(gfid, File(gfid, size: 5), listing, 0, out _, out _));
        Assert.Equal(1UL, _table.LookupsOutstanding);
    }

    [Fact]
    public void ARemovedNameMakesTheLinkCountsOfFilesUnknownButNotOfDirectories()
    {
        var file = _table.Link(GfidOf(7), File(GfidOf(7), size: 5), _table.Token, 0, out _);
        var directory = _table.Link(GfidOf(8), Directory(GfidOf(8)), _table.Token, 0, out _);
        _table.NamesChanged(directory: false);
        Assert.False(_table.TryGetAttributes(file, 0, out _, out _));
        Assert.True(_table.TryGetAttributes(directory, 0, out _, out _));
        _table.NamesChanged(directory: true);
        Assert.False(_table.TryGetAttributes(directory, 0, out _, out _));
        _table.Observed(file, File(GfidOf(7), size: 5), _table.Token, 0);
        Assert.True(_table.TryGetAttributes(file, 0, out _, out _));
    }

    [Fact]
    public void AnInvalidationDropsAttributesAndKnowledgeOfCapabilities()
    {
        var gfid = GfidOf(7);
        var node = _table.Link(gfid, File(gfid, size: 5), _table.Token, 0, out _);
        _table.SetNoCapability(node, Second);
        Assert.True(_table.HasNoCapability(node, 0));
        Assert.Equal(node, _table.Invalidate(gfid));
        Assert.False(_table.TryGetAttributes(node, 0, out _, out _));
        Assert.False(_table.HasNoCapability(node, 0));
        Assert.Equal(0UL, _table.Invalidate(GfidOf(99)));
    }

    private static ulong Pick(Dictionary<ulong, (Gfid Gfid, ulong Lookups)> counts, Random random)
    {
        var skip = random.Next(Math.Min(counts.Count, 50));
        foreach (var node in counts.Keys)
        {
            if (skip-- == 0)
            {
                return node;
            }
        }

        throw new InvalidOperationException();
    }

    private static Gfid GfidOf(int number) => new(0x1234_0000_0000_0000UL + (ulong)number, (ulong)number * 0x9E3779B97F4A7C15UL);

    private static Iatt File(Gfid gfid, ulong size) => new() { Gfid = gfid, Mode = FileMode.Regular | 0x1A4, Nlink = 1, Size = size };

    private static Iatt Directory(Gfid gfid) => new() { Gfid = gfid, Mode = FileMode.Directory | 0x1ED, Nlink = 2 };

    private ulong Link(Gfid gfid) => _table.Link(gfid, default, _table.Token, 0, out _);
}
