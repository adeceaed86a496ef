using System.IO;
using System.Linq;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>The option table: refusals in GlusterFS' words, and defaults that pass their own check.</summary>
public sealed class VolumeOptionsTests
{
    [Theory]
    [InlineData("performance.write-behind", "maybe", "maybe is not a valid boolean value. performance.write-behind expects a valid boolean value.")]
    [InlineData("network.ping-timeout", "5000", "'5000' in 'option ping-timeout 5000' is out of range [0 - 1013]")]
    [InlineData("network.ping-timeout", "5x", "invalid time format \"5x\" in \"option ping-timeout\"")]
    [InlineData("server.anonuid", "abc", "invalid number format \"abc\" in option \"anonuid\"")]
    [InlineData("server.outstanding-rpc-limit", "99999999", "'99999999' in 'option rpc.outstanding-rpc-limit 99999999' is out of range [0 - 65536]")]
    [InlineData("performance.write-behind-window-size", "abc", "invalid number format \"abc\" in option \"cache-size\"")]
    [InlineData("cluster.min-free-inodes", "abc", "invalid percent format \"abc\" in \"option min-free-inodes\"")]
    [InlineData("cluster.lookup-optimize", "maybe", "option lookup-optimize maybe: 'maybe' is not a valid boolean value")]
    [InlineData("client.event-threads", "99", "'99' in 'option event-threads 99' is out of range [1 - 32]")]
    [InlineData("cluster.server-quorum-ratio", "50", "Not a valid option for single volume")]
    [InlineData("cluster.op-version", "5", "Option \"cluster.op-version\" is not valid for a single volume")]
    [InlineData("cluster.min-free-disk", "200%", "'200.000000' in 'option min-free-disk 200%' is out of range [0 - 100]")]
    [InlineData("cluster.min-free-disk", "abc", "invalid number format \"abc\" in \"option min-free-disk\"")]
    [InlineData("cluster.min-free-disk", "10GB", null)]
    [InlineData("features.shard", "on", "'option features.shard on' is not supported by this version: only off is")]
    [InlineData("features.shard", "disable", null)]
    [InlineData("performance.io-cache", "on", null)]
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

    [Theory]
    [InlineData("cluster.server-quorum-ratio", "60", null)]
    [InlineData("cluster.server-quorum-ratio", "160%", "'160.000000' in 'option server-quorum-ratio 160%' is out of range [0 - 100]")]
    [InlineData("cluster.server-quorum-ratio", "abc", "invalid percent format \"abc\" in \"option server-quorum-ratio\"")]
    [InlineData("performance.write-behind", "off", "Not a valid option for all volumes")]
    [InlineData("cluster.op-version", "5", "Required op-version (5) should not be equal or lower than current cluster op-version (100000).")]
    [InlineData("cluster.op-version", "x", "invalid number format \"x\" in option \"cluster.op-version\"")]
    [InlineData("cluster.max-op-version", "4", "Not a valid option to set")]
    [InlineData("cluster.brick-multiplex", "maybe", "maybe is not a valid boolean value. cluster.brick-multiplex expects a valid boolean value.")]
    [InlineData("cluster.brick-multiplex", "on", null)]
    public void OptionsOfAllVolumesAreCheckedInTheSameWords(string key, string value, string? problem) =>
        Assert.Equal(problem, ClusterOptions.Problem(key, value));

    [Fact]
    public void EveryGroupHasSettingsOfKnownOptions() => Assert.All(OptionGroups.BuiltIn, name =>
    {
        var settings = OptionGroups.Find(name, directory: null);
        Assert.NotEmpty(settings!);
        Assert.All(settings!, s => Assert.True(
            VolumeOptions.Find(s.Key) is not null || VolumeOptions.IsUserKey(s.Key), $"{name}: {s.Key}"));
    });

    [Theory]
    [InlineData("db-workload")]
    [InlineData("virt")]
    [InlineData("distributed-virt")]
    [InlineData("gluster-block")]
    [InlineData("samba")]
    [InlineData("nl-cache")]
    public void AGroupIsRefusedOnlyForWhatIsNotThere(string name, params string[] refused) => Assert.Equal(
        refused, OptionGroups.Find(name, directory: null)!.Where(s => VolumeOptions.Problem(s.Key, s.Value) is not null)
            .Select(s => s.Key));

    /// <summary>No read of such a volume is old, and what is told arrives a moment later.</summary>
    [Fact]
    public void VolumesWithJournalsRefuseCachesThatAreTold()
    {
        const string Key = "features.cache-invalidation";
        Assert.Contains("no read of such a volume is", VolumeOptions.Problem(SampleVolumes.Journals(3, 3), Key, "on"));
        Assert.Null(VolumeOptions.Problem(SampleVolumes.Journals(3, 3), Key, "off"));
        Assert.Null(VolumeOptions.Problem(SampleVolumes.Distribute(1), Key, "on"));
    }

    [Fact]
    public void TheAdministratorsOwnGroupComesFirst()
    {
        var directory = Directory.CreateTempSubdirectory("myrmex-groups-").FullName;
        File.WriteAllText(Path.Combine(directory, "virt"), "# mine\n\n a.b = c \nnothing\n");
        Assert.Equal([new VolumeSetting("a.b", "c")], OptionGroups.Find("virt", directory));
        Assert.Null(OptionGroups.Find("../virt", directory));
        Assert.Null(OptionGroups.Find("nosuch", directory));
        Directory.Delete(directory, recursive: true);
    }
}
