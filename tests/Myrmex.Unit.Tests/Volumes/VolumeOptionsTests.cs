using System.Linq;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>The option table: refusals in GlusterFS' words, and defaults that pass their own check.</summary>
public sealed class VolumeOptionsTests
{
    [Theory]
    [InlineData("performance.write-behind", "maybe", "'maybe' in 'option performance.write-behind maybe' is not on/off, yes/no, true/false, enable/disable or 1/0")]
    [InlineData("network.ping-timeout", "5000", "'5000' in 'option network.ping-timeout 5000' is out of range [0 - 1013]")]
    [InlineData("network.ping-timeout", "10sec", null)]
    [InlineData("performance.write-behind-window-size", "2MB", null)]
    [InlineData("performance.write-behin", "off", "option : performance.write-behin does not exist\nDid you mean performance.write-behind?")]
    [InlineData("network.pingtimeout", "1", "option : network.pingtimeout does not exist\nDid you mean network.ping-timeout?")]
    [InlineData("user.anything.goes", "x y", null)]
    [InlineData("user.x", "a`id`", "the value of option user.x must not contain line breaks, control characters or backquotes")]
    [InlineData("auth.allow", "a\nb", "the value of option auth.allow must not contain line breaks, control characters or backquotes")]
    [InlineData("auth.allow", "", "the value of option auth.allow must have 1 to 32768 characters")]
    public void SettingsAreCheckedBeforeTheyAreKept(string key, string value, string? problem) =>
        Assert.Equal(problem, VolumeOptions.Problem(key, value));

    [Fact]
    public void EveryDefaultPassesItsOwnCheck() =>
        Assert.All(VolumeOptions.All.Where(o => o.Declaration.Default is not null), o =>
            Assert.Null(VolumeOptions.Problem(o.Key, o.Declaration.Default!)));

    [Fact]
    public void EveryOptionHasHelpAndAKeyOfItsOwn()
    {
        Assert.All(VolumeOptions.All, o => Assert.NotEmpty(o.Declaration.Help));
        Assert.Equal(VolumeOptions.All.Count, VolumeOptions.All.Select(o => o.Key).Distinct().Count());
    }

    [Fact]
    public void ANewVolumeHasTheSettingsGlusterFSGivesIt() => Assert.Equal(
        ["storage.fips-mode-rchecksum=on", "transport.address-family=inet", "nfs.disable=on"],
        VolumeOptions.AtCreation.Select(s => $"{s.Key}={s.Value}"));
}
