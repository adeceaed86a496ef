using System.Linq;
using Myrmex.Graph;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>Volume files of volumes: shape, names that must not move, and options at the right translator.</summary>
public sealed class VolfileTests
{
    [Fact]
    public void ABrickFileIsTheServerStackNamedByThePath()
    {
        var volume = SampleVolumes.Distribute(3);
        var expected = """
            volume demo-posix
                type storage/posix
                option shared-brick-count 3
                option volume-id 00000000-0000-000a-0000-00000000000b
                option directory /bricks/b2
                option fips-mode-rchecksum on
            end-volume

            volume demo-locks
                type features/locks
                subvolumes demo-posix
            end-volume

            volume demo-outcomes
                type features/outcomes
                subvolumes demo-locks
            end-volume

            volume demo-cache-leases
                type features/cache-leases
                subvolumes demo-outcomes
            end-volume

            volume demo-leases
                type features/leases
                subvolumes demo-cache-leases
            end-volume

            volume demo-upcall
                type features/upcall
                subvolumes demo-leases
            end-volume

            volume /bricks/b2
                type debug/io-stats
                option unique-id /bricks/b2
                option volume-id 00000000-0000-000a-0000-00000000000b
                subvolumes demo-upcall
            end-volume

            volume demo-server
                type protocol/server
                option transport-type tcp
                option auth.login./bricks/b2.allow the-user
                option auth.login.the-user.password the-password
                option auth-path /bricks/b2
                option auth.addr./bricks/b2.allow *
                subvolumes /bricks/b2
            end-volume


            """;
        Assert.Equal(expected, BrickVolfile.Build(volume, volume.Bricks[1]).ToString());
    }

    [Fact]
    public void AClientFileHasAClientABrickAndDistributeEvenOverOne()
    {
        var file = ClientVolfile.Build(SampleVolumes.Distribute(1), trusted: false);
        Assert.Equal(
            [
                "demo-client-0:protocol/client", "demo-dht:cluster/distribute", "demo-write-behind:performance/write-behind",
                "demo-open-behind:performance/open-behind", "demo-quick-read:performance/quick-read",
                "demo-md-cache:performance/md-cache", "demo:debug/io-stats",
            ],
            file.Blocks.Select(b => $"{b.Name}:{b.Type}"));
        Assert.Equal("42", file.Blocks[0].Option("ping-timeout"));
        Assert.Null(file.Blocks[0].Option("username"));
    }

    [Fact]
    public void PerformanceOptionsSwitchTranslatorsOff()
    {
        var volume = SampleVolumes.Distribute(2);
        foreach (var key in new[] { "performance.write-behind", "performance.open-behind", "performance.quick-read", "performance.stat-prefetch" })
        {
            volume = volume.With(new VolumeSetting(key, "off"));
        }

        Assert.Equal(
            ["protocol/client", "protocol/client", "cluster/distribute", "debug/io-stats"],
            ClientVolfile.Build(volume, trusted: false).Blocks.Select(b => b.Type));
    }

    [Fact]
    public void CtimeAddsItsTranslator()
    {
        var volume = SampleVolumes.Distribute(1).With(new VolumeSetting("features.ctime", "on"));
        var client = ClientVolfile.Build(volume, trusted: false);
        Assert.Equal(["demo-dht"], client.Blocks.Single(b => b.Type == "features/utime").Subvolumes);
    }

    [Fact]
    public void ClientNamesFollowTheBrickAndNotItsPosition()
    {
        var volume = SampleVolumes.Distribute(3);
        volume = volume with { Bricks = [volume.Bricks[2], volume.Bricks[0]] };
        var file = ClientVolfile.Build(volume, trusted: true);
        Assert.Equal(["demo-client-2", "demo-client-0"], file.Blocks.Single(b => b.Type == "cluster/distribute").Subvolumes);
        Assert.Equal(("the-user", "the-password"), (file.Blocks[0].Option("username"), file.Blocks[0].Option("password")));
    }

    [Fact]
    public void SettingsReachTheirTranslators()
    {
        var volume = SampleVolumes.Distribute(1)
            .With(new VolumeSetting("auth.allow", "10.0.0.*,10.1.0.1"))
            .With(new VolumeSetting("network.ping-timeout", "10"))
            .With(new VolumeSetting("performance.write-behind-window-size", "2MB"))
            .With(new VolumeSetting("performance.flush-behind", "on"))
            .With(new VolumeSetting("diagnostics.count-fop-hits", "on"));
        var brick = BrickVolfile.Build(volume, volume.Bricks[0]);
        var client = ClientVolfile.Build(volume, trusted: false);
        Assert.Equal("10.0.0.*,10.1.0.1", brick.Top.Option("auth.addr./bricks/b1.allow"));
        Assert.Equal("10", client.Blocks[0].Option("ping-timeout"));
        Assert.Equal("2MB", client.Blocks.Single(b => b.Name == "demo-write-behind").Option("cache-size"));
        Assert.Equal("on", client.Blocks.Single(b => b.Name == "demo-write-behind").Option("flush-behind"));
        Assert.Equal("on", client.Top.Option("count-fop-hits"));
        Assert.Equal("on", brick.Blocks.Single(b => b.Type == "debug/io-stats").Option("count-fop-hits"));
    }

    /// <summary>Its default is that of GlusterFS clients; ours answers close at once only where a volume asks for it.</summary>
    [Fact]
    public void FlushBehindIsInNoVolumeFileUnlessItIsSet()
    {
        var client = ClientVolfile.Build(SampleVolumes.Distribute(1), trusted: false);
        Assert.Null(client.Blocks.Single(b => b.Name == "demo-write-behind").Option("flush-behind"));
    }

    [Fact]
    public void EveryVolumeFileParsesBackToItself()
    {
        var volume = SampleVolumes.Distribute(3).With(new VolumeSetting("cluster.rsync-hash-regex", "^\\.(.+) #\"x$"));
        foreach (var file in new[] { ClientVolfile.Build(volume, trusted: true), BrickVolfile.Build(volume, volume.Bricks[0]) })
        {
            Assert.Equal(file.ToString(), VolfileDocument.Parse(file.ToString()).ToString());
        }
    }
}
