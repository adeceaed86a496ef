using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Dht;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

public sealed class LayoutTests
{
    [Fact]
    public void TheXattrIsSixteenBigEndianBytes()
    {
        var bytes = new byte[LayoutXattr.Size];
        new LayoutXattr(0x58063D1A, 1, 0x3fffffff, 0x7ffffffd).Write(bytes);
        Assert.Equal("58063D1A000000013FFFFFFF7FFFFFFD", Convert.ToHexString(bytes));
        Assert.True(LayoutXattr.TryRead(bytes, out var read));
        Assert.Equal(new LayoutXattr(0x58063D1A, 1, 0x3fffffff, 0x7ffffffd), read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0000000000000000000000000000")]
    [InlineData("00000000000000000000000000000000ff")]
    [InlineData("00000000000000090000000000000001")]
    [InlineData("00000000000000000000000200000001")]
    public void AXattrThatMakesNoSenseIsRefused(string hex) =>
        Assert.False(LayoutXattr.TryRead(Convert.FromHexString(hex), out _));

    [Fact]
    public void EveryHashHasTheSubvolumeOfItsRange()
    {
        var layout = Of((0x80000000, 0xffffffff), (0, 0x3fffffff), (0x40000000, 0x7fffffff), (0, 0));
        Assert.True(layout.IsWhole);
        Assert.Equal(1, layout.Find(0));
        Assert.Equal(1, layout.Find(0x3fffffff));
        Assert.Equal(2, layout.Find(0x40000000));
        Assert.Equal(0, layout.Find(0x80000000));
        Assert.Equal(0, layout.Find(uint.MaxValue));
    }

    [Fact]
    public void HolesAndOverlapsAreSeen()
    {
        Assert.True(Of((0, 0x7ffffffe), (0x80000000, 0xffffffff)).HasHoles);
        Assert.Equal(-1, Of((0, 0x7ffffffe), (0x80000000, 0xffffffff)).Find(0x7fffffff));
        Assert.True(Of((1, 0xffffffff), (0, 0)).HasHoles);
        Assert.True(Of((0, 0xfffffffe), (0, 0)).HasHoles);
        Assert.True(Of((0, 0), (0, 0)).HasHoles);
        Assert.True(Of((0, 0x80000000), (0x80000000, 0xffffffff)).HasOverlaps);
        Assert.True(Of((0, 0xffffffff), (0x10, 0x20)).HasOverlaps);
        Assert.False(Of((0, 0xffffffff), (0x10, 0x20)).HasHoles);
    }

    [Fact]
    public void DifferentCommitHashesAreNoCommitHash()
    {
        var parts = new[]
        {
            new LayoutPart(Errno.Ok, true, new LayoutXattr(7, 0, 0, 0x7fffffff)),
            new LayoutPart(Errno.Ok, true, new LayoutXattr(8, 0, 0x80000000, 0xffffffff)),
        };
        Assert.Equal(LayoutXattr.CommitHashInvalid, new Layout(parts, -1).CommitHash);
        parts[1] = new LayoutPart(Errno.Ok, true, new LayoutXattr(7, 0, 0x80000000, 0xffffffff));
        Assert.Equal(7U, new Layout(parts, -1).CommitHash);
    }

    [Fact]
    public void WeightsOneOneTwoGiveTheStockRanges()
    {
        var ranges = Plan([1, 1, 2], [true, true, true], 0);
        Assert.Equal([(0U, 0x3ffffffeU), (0x3fffffffU, 0x7ffffffdU), (0x7ffffffeU, 0xffffffffU)], ranges);
    }

    [Fact]
    public void TheStartIsTheHashModuloAllSubvolumes()
    {
        var ranges = Plan([5, 5, 5], [true, true, true], 0x8619bd58); // "/" is 2 modulo 3.
        Assert.Equal(0x8619bd58U % 3, (uint)Array.FindIndex(ranges, r => r.Start == 0));
        Assert.Equal((0U, 0x55555554U), ranges.Single(r => r.Start == 0));
        Assert.Equal((0xaaaaaaaaU, 0xffffffffU), ranges.Single(r => r.Stop == uint.MaxValue));
    }

    [Fact]
    public void ADecommissionedSubvolumeGetsNothingButCountsInTheStart()
    {
        var ranges = Plan([5, 5, 5], [true, false, true], 1);
        Assert.Equal([(0x7fffffffU, 0xffffffffU), (0U, 0U), (0U, 0x7ffffffeU)], ranges);
    }

    [Fact]
    public void AZeroWeightMakesAllEqual() =>
        Assert.Equal(Plan([1, 1], [true, true], 0), Plan([0, 9], [true, true], 0));

    [Fact]
    public void TheSpreadLimitsTheReceivers()
    {
        var ranges = Plan([5, 5, 5, 5], [true, true, true, true], 3, spread: 2);
        Assert.Equal([(0x7fffffffU, 0xffffffffU), (0U, 0U), (0U, 0U), (0U, 0x7ffffffeU)], ranges);
    }

    [Fact]
    public void NobodyEligibleGivesNoRange() => Assert.All(Plan([5, 5], [false, false], 0), r => Assert.Equal((0U, 0U), r));

    [Fact]
    public void AnyWeightsCoverEveryHashOnce()
    {
        var random = new Random(4711);
        for (var round = 0; round < 2000; round++)
        {
            var count = random.Next(1, 40);
            var weights = Enumerable.Range(0, count).Select(_ => (ulong)random.NextInt64(1, 1L << random.Next(1, 40))).ToArray();
            var eligible = Enumerable.Range(0, count).Select(_ => random.Next(4) > 0).ToArray();
            eligible[random.Next(count)] = true;
            var ranges = Plan(weights, eligible, (uint)random.NextInt64(1L << 32), random.Next(0, count));
            Assert.True(Of(ranges).IsWhole, $"round {round}");
        }
    }

    [Fact]
    public void OverlapIsMaximisedByExchangingPairs()
    {
        (uint, uint)[] old = [(0x80000000, 0xffffffff), (0, 0x7fffffff), (0, 0)];
        var ranges = Plan([1, 1, 1], [true, true, true], 0);
        LayoutPlan.MaximiseOverlap(old, ranges);
        Assert.Equal((0xaaaaaaaaU, 0xffffffffU), ranges[0]);
        Assert.Equal((0U, 0x55555554U), ranges[1]);
        Assert.True(Of(ranges).IsWhole);
    }

    private static (uint Start, uint Stop)[] Plan(ulong[] weights, bool[] eligible, uint startHash, int spread = 0)
    {
        var ranges = new (uint, uint)[weights.Length];
        LayoutPlan.Compute(weights, eligible, startHash, spread, ranges);
        return ranges;
    }

    private static Layout Of(params (uint Start, uint Stop)[] ranges) =>
        new([.. ranges.Select(r => new LayoutPart(Errno.Ok, true, new LayoutXattr(0, 0, r.Start, r.Stop)))], -1);
}
