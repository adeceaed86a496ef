using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>Bricks that join, are emptied and leave: identities never move, and what cannot be is refused.</summary>
public sealed class VolumeGrowthTests
{
    [Fact]
    public void AddedBricksGetTheNextIndicesAndTheOthersKeepTheirs()
    {
        var volume = SampleVolumes.Distribute(2);
        var grown = volume.AddBricks([New("/bricks/n1"), New("/bricks/n2")]);
        Assert.Equal([0, 1, 2, 3], grown.Bricks.Select(b => b.Index));
        Assert.Equal(volume.Bricks, grown.Bricks.Take(2));
        Assert.Equal((4, volume.Version + 1), (grown.NextBrickIndex, grown.Version));
        Assert.Equal("demo-client-3", grown.Bricks[3].IdIn("demo"));
    }

    [Fact]
    public void AnIndexIsNeverUsedAgain()
    {
        var volume = SampleVolumes.Distribute(3).RemoveBricks([2, 1]).AddBricks([New("/bricks/n1")]);
        Assert.Equal([0, 3], volume.Bricks.Select(b => b.Index));
        Assert.Equal(4, volume.NextBrickIndex);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void AReplicatedVolumeGrowsByWholeSets(int count) => Assert.Throws<ArgumentException>(() =>
        SampleVolumes.Replicate(4, 2).AddBricks([.. Enumerable.Range(0, count).Select(i => New($"/n{i}"))]));

    [Fact]
    public void ADirectoryIsInAVolumeOnce()
    {
        var volume = SampleVolumes.Distribute(2);
        Assert.Throws<ArgumentException>(() => volume.AddBricks([New("/bricks/b2")]));
        Assert.Throws<ArgumentException>(() => volume.AddBricks([New("/n"), New("/n")]));
        var other = New("/bricks/b2") with { Node = new NodeId(new Gfid(3, 3)), Host = "srv2" };
        Assert.Equal(3, volume.AddBricks([other]).Bricks.Count);
    }

    [Fact]
    public void TheNumberOfBricksIsBounded()
    {
        var volume = SampleVolumes.Distribute(Volume.BricksMax - 1).AddBricks([New("/n1")]);
        Assert.Throws<ArgumentException>(() => volume.AddBricks([New("/n2")]));
    }

    [Fact]
    public void ABrickThatIsEmptiedIsNamedInTheVolumeFile()
    {
        var volume = SampleVolumes.Distribute(3).Decommission([1], decommissioned: true);
        Assert.Contains("    option decommissioned-bricks demo-client-1\n", File(volume), StringComparison.Ordinal);
        volume = volume.Decommission([0], decommissioned: true);
        Assert.Contains("option decommissioned-bricks demo-client-0,demo-client-1\n", File(volume), StringComparison.Ordinal);
        volume = volume.Decommission([0, 1], decommissioned: false);
        Assert.DoesNotContain("decommissioned", File(volume), StringComparison.Ordinal);
    }

    [Fact]
    public void NotEverythingCanBeEmptiedOrRemoved()
    {
        var volume = SampleVolumes.Distribute(2).Decommission([1], decommissioned: true);
        Assert.Throws<ArgumentException>(() => volume.Decommission([0], decommissioned: true));
        Assert.Throws<ArgumentException>(() => volume.RemoveBricks([0]));
        Assert.Throws<ArgumentException>(() => volume.RemoveBricks([7]));
        Assert.Throws<ArgumentException>(() => SampleVolumes.Replicate(4, 2).Decommission([0], decommissioned: true));
        Assert.Equal(2, SampleVolumes.Replicate(4, 2).RemoveBricks([0, 1]).Bricks.Count);
    }

    [Fact]
    public void TheFlagIsStoredAndMissingInOlderRecordsMeansFalse()
    {
        var volume = SampleVolumes.Replicate(6, 3, 1).Decommission([3, 4, 5], decommissioned: true);
        var again = VolumeJson.FromBytes(VolumeJson.ToBytes(volume));
        Assert.Equal(volume.Bricks, again.Bricks);
        Assert.True(again.IsArbiter(again.Bricks[5]));
        Assert.True(again.IsArbiter(again.Bricks[5] with { Decommissioned = false }));
        Assert.DoesNotContain(
            "ecommissioned", System.Text.Encoding.UTF8.GetString(VolumeJson.ToBytes(SampleVolumes.Distribute(2))),
            StringComparison.Ordinal);
    }

    private static string File(Volume volume) => ClientVolfile.Build(volume, trusted: false).ToString();

    private static Brick New(string path) => new("srv1", path, Index: 0, SampleVolumes.Node, FileSystem: 7);
}
