using System.Linq;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>The volume model: texts GlusterFS tools parse, settings in order, and the form it is stored in.</summary>
public sealed class VolumeTests
{
    [Theory]
    [InlineData(3, 1, 0, "Distribute", "3")]
    [InlineData(3, 3, 0, "Replicate", "1 x 3 = 3")]
    [InlineData(4, 2, 0, "Distributed-Replicate", "2 x 2 = 4")]
    [InlineData(6, 3, 1, "Distributed-Replicate", "2 x (2 + 1) = 6")]
    public void TypeAndBrickCountReadAsInGlusterFS(int bricks, int replicas, int arbiters, string type, string count)
    {
        var volume = SampleVolumes.Replicate(bricks, replicas, arbiters);
        Assert.Equal((type, count), (volume.TypeText, volume.BrickCountText));
    }

    [Fact]
    public void TheLastBricksOfEachReplicaSetAreArbiters()
    {
        var volume = SampleVolumes.Replicate(6, 3, 1);
        Assert.Equal([false, false, true, false, false, true], volume.Bricks.Select(volume.IsArbiter));
    }

    [Fact]
    public void ANewSettingComesFirstAndAChangedOneKeepsItsPlace()
    {
        var volume = SampleVolumes.Distribute(1)
            .With(new VolumeSetting("a", "1")).With(new VolumeSetting("b", "1")).With(new VolumeSetting("a", "2"));
        Assert.Equal(["b=1", "a=2"], volume.Settings.Take(2).Select(s => $"{s.Key}={s.Value}"));
        Assert.Equal(4, volume.Version);
    }

    [Fact]
    public void AStoredVolumeIsReadBackTheSame()
    {
        var volume = SampleVolumes.Replicate(6, 3, 1).With(VolumeStatus.Started).With(new VolumeSetting("user.x", "ä \" \\"));
        var again = VolumeJson.FromBytes(VolumeJson.ToBytes(volume));
        Assert.Equal(volume.Bricks, again.Bricks);
        Assert.Equal(volume.Settings, again.Settings);
        Assert.Empty(again.ReplicaSets);
        Assert.Equal(
            volume with { Bricks = [], Settings = [], ReplicaSets = [] },
            again with { Bricks = [], Settings = [], ReplicaSets = [] });
        Assert.Contains("\"started\"", System.Text.Encoding.UTF8.GetString(VolumeJson.ToBytes(volume)), System.StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("all", "\"all\" cannot be the name of a volume.")]
    [InlineData("a b", "Volume name should not contain \" \" character.\nVolume names can only contain alphanumeric, '-' and '_' characters.")]
    [InlineData("a/b", "Volume name should not contain \"/\" character.\nVolume names can only contain alphanumeric, '-' and '_' characters.")]
    [InlineData("", "Volume name must have 1 to 255 characters.")]
    [InlineData("Good_name-1", null)]
    public void VolumeNamesAreCheckedAsInGlusterFS(string name, string? problem) =>
        Assert.Equal(problem, VolumeNames.Problem(name));

    [Theory]
    [InlineData("demo", "demo", false)]
    [InlineData("/demo", "demo", false)]
    [InlineData("demo.srv1.bricks-b1", "demo", true)]
    [InlineData("demo.srv1.example.org.bricks-b1", "demo", true)]
    public void GetSpecKeysNameAVolumeOrABrick(string text, string volume, bool brick)
    {
        Assert.True(VolfileKey.TryParse(text, out var key));
        Assert.Equal((volume, brick), (key.Volume, key.IsBrick));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("a b")]
    [InlineData("gluster/bitd")]
    public void OtherKeysAreNotForVolumes(string text) => Assert.False(VolfileKey.TryParse(text, out _));

    [Fact]
    public void ABrickKeyFindsItsBrick()
    {
        var volume = SampleVolumes.Distribute(3);
        Assert.True(VolfileKey.TryParse("demo.srv1.bricks-b2", out var key));
        Assert.Equal("/bricks/b2", key.BrickOf(volume)?.Path);
        Assert.True(VolfileKey.TryParse("demo.srv2.bricks-b2", out key));
        Assert.Null(key.BrickOf(volume));
    }
}
