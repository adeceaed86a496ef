using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>Volume files where journals keep the copies: of members, of our clients, and of GlusterFS' clients.</summary>
public sealed class JournalVolfileTests
{
    [Fact]
    public void AnArbiterHasItsJournalAndNoStorage()
    {
        var volume = SampleVolumes.Journals(6, 3, arbiters: 1);
        var file = BrickVolfile.Build(volume, volume.Bricks[5]);
        Assert.Equal(
            [
                "protocol/client", "protocol/client", "cluster/journal", "debug/io-stats", "cluster/journal-client",
                "protocol/server",
            ],
            file.Blocks.Select(b => b.Type));
        var journal = file.Blocks.Single(b => b.Type == "cluster/journal");
        Assert.Equal(["demo-peer-3", "demo-peer-4"], journal.Subvolumes);
        Assert.Contains(journal.Options, o => o is { Key: "witness", Value: "on" });
        Assert.Contains(journal.Options, o => o is { Key: "peers", Value: "0,1" });
        Assert.Equal(
            ["/bricks/b6.member", "demo-peer-3", "demo-peer-4"],
            file.Blocks.Single(b => b.Type == "cluster/journal-client").Subvolumes);
        foreach (var brick in volume.Bricks.Where(b => !volume.IsArbiter(b)))
        {
            var data = BrickVolfile.Build(volume, brick);
            Assert.Equal("storage/posix", data.Blocks[0].Type);
            Assert.Contains(data.Blocks[0].Options, o => o is { Key: "shared-brick-count", Value: "4" });
            Assert.DoesNotContain(data.Blocks.SelectMany(b => b.Options), o => o.Key == "witness");
        }
    }

    [Fact]
    public void AnArbiterIsNoPreferredLeaderAndOnlyInNeedADoor()
    {
        var volume = SampleVolumes.Journals(9, 3, arbiters: 1);
        for (var place = 0; place < 3; place++)
        {
            Assert.False(volume.IsArbiter(volume.PreferredLeaderAt(place)));
        }

        var arbiter = volume.Bricks[2];
        var file = ClientVolfile.Build(volume, trusted: true, isAlive: b => b.Index is 1 or 2);
        Assert.Contains(
            file.Blocks.First(b => b.Type == "protocol/client").Options,
            o => o.Key == "remote-subvolume" && o.Value == volume.Bricks[1].Path);
        file = ClientVolfile.Build(volume, trusted: true, isAlive: b => b.Index == 2);
        Assert.Contains(
            file.Blocks.First(b => b.Type == "protocol/client").Options,
            o => o.Key == "remote-subvolume" && o.Value == arbiter.Path);
    }

    [Fact]
    public void AMemberHasItsPeersItsJournalAndADoor()
    {
        var volume = SampleVolumes.Journals(4, 2);
        var expected = """
            volume demo-posix
                type storage/posix
                option shared-brick-count 4
                option volume-id 00000000-0000-000a-0000-00000000000b
                option directory /bricks/b4
                option fips-mode-rchecksum on
            end-volume

            volume demo-locks
                type features/locks
                subvolumes demo-posix
            end-volume

            volume demo-peer-2
                type protocol/client
                option remote-host srv1
                option remote-subvolume /bricks/b3.member
                option transport-type tcp
                option send-gids true
                option remote-port 24107
                option username the-user
                option password the-password
                option ping-timeout 4
                option transport.address-family inet
            end-volume

            volume demo-journal
                type cluster/journal
                option replica-set SET
                option store-prefix rs/00000000-0000-000a-0000-00000000000b/1/
                option member 1
                option incarnation 103
                option peers 0
                option journal-directory /bricks/b4/.glusterfs/journal
                option volume-name demo
                option set-number 1
                option brick-name srv1:/bricks/b4
                option node-id 00000000-0000-1111-0000-000000002222
                option preferred-leader 1
                subvolumes demo-locks demo-peer-2
            end-volume

            volume demo-cache-leases
                type features/cache-leases
                subvolumes demo-journal
            end-volume

            volume demo-leases
                type features/leases
                subvolumes demo-cache-leases
            end-volume

            volume /bricks/b4.member
                type debug/io-stats
                option unique-id /bricks/b4
                option volume-id 00000000-0000-000a-0000-00000000000b
                subvolumes demo-leases
            end-volume

            volume /bricks/b4
                type cluster/journal-client
                option members 1,0
                option near 1
                subvolumes /bricks/b4.member demo-peer-2
            end-volume

            volume demo-server
                type protocol/server
                option transport-type tcp
                option auth.login./bricks/b4.allow the-user
                option auth.login./bricks/b4.member.allow the-user
                option auth.login.the-user.password the-password
                option auth-path /bricks/b4
                option auth.addr./bricks/b4.allow *
                option auth.addr./bricks/b4.member.allow *
                subvolumes /bricks/b4 /bricks/b4.member
            end-volume


            """.Replace("SET", volume.IdOf(volume.ReplicaSets[1]).ToString());
        Assert.Equal(expected, BrickVolfile.Build(volume, volume.Bricks[3], managementPort: 24107).ToString());
    }

    [Fact]
    public void AJournalWithADiskOfItsOwnIsWhereTheVolumeSaysAndTheStoreIsNamed()
    {
        var volume = SampleVolumes.Journals(3, 3) with
        {
            Settings = [new(VolumeOptions.JournalDirectory, "/ssd/journals")],
        };
        Assert.Equal("/bricks/b1/.glusterfs/journal", volume.Bricks[0].JournalDirectory); // As it was made.
        var grown = (volume with
        {
            Bricks = [.. volume.Bricks, .. volume.Bricks.Select(b => b with { Path = b.Path + "new" })],
        }).FormReplicaSets(SampleVolumes.Incarnations(0x200));
        Assert.Equal("/bricks/b1/.glusterfs/journal", grown.Bricks[0].JournalDirectory);
        Assert.Equal("/ssd/journals/demo.0000000000000201", grown.Bricks[4].JournalDirectory);
        var options = BrickVolfile.Build(grown, grown.Bricks[4], managementPort: 24107).Blocks
            .Single(b => b.Type == "cluster/journal").Options;
        Assert.Contains(new("journal-directory", "/ssd/journals/demo.0000000000000201"), options);
        Assert.Contains(new("store-directory", "/bricks/b2new/.glusterfs"), options);
        var replaced = volume.ReplaceBrick(0, volume.Bricks[0] with { Path = "/other" }, SampleVolumes.Incarnations(0x300));
        Assert.Equal("/ssd/journals/demo.0000000000000300", replaced.Bricks[0].JournalDirectory);
    }

    [Theory]
    [InlineData("/ssd", true)]
    [InlineData("/", false)]
    [InlineData("ssd", false)]
    [InlineData("/ssd/", false)]
    [InlineData("/ssd/../etc", false)]
    public void TheDirectoryOfJournalsIsAnAbsolutePath(string value, bool isGood) => Assert.Equal(
        isGood, VolumeOptions.Problem(SampleVolumes.Journals(3, 3), VolumeOptions.JournalDirectory, value) is null);

    [Fact]
    public void OurClientAttachesToAllMembersAndHasAJournalClientASet()
    {
        var volume = Bare(SampleVolumes.Journals(4, 2));
        var expected = """
            volume demo-client-0
                type protocol/client
                option remote-host srv1
                option remote-subvolume /bricks/b1.member
                option transport-type tcp
                option send-gids true
                option ping-timeout 4
            end-volume

            volume demo-client-1
                type protocol/client
                option remote-host srv1
                option remote-subvolume /bricks/b2.member
                option transport-type tcp
                option send-gids true
                option ping-timeout 4
            end-volume

            volume demo-replicate-0
                type cluster/journal-client
                option members 0,1
                option readers 0,1
                subvolumes demo-client-0 demo-client-1
            end-volume

            volume demo-client-2
                type protocol/client
                option remote-host srv1
                option remote-subvolume /bricks/b3.member
                option transport-type tcp
                option send-gids true
                option ping-timeout 4
            end-volume

            volume demo-client-3
                type protocol/client
                option remote-host srv1
                option remote-subvolume /bricks/b4.member
                option transport-type tcp
                option send-gids true
                option ping-timeout 4
            end-volume

            volume demo-replicate-1
                type cluster/journal-client
                option members 0,1
                option readers 0,1
                subvolumes demo-client-2 demo-client-3
            end-volume

            volume demo-dht
                type cluster/distribute
                subvolumes demo-replicate-0 demo-replicate-1
            end-volume

            volume demo
                type debug/io-stats
                subvolumes demo-dht
            end-volume


            """;
        Assert.Equal(expected, ClientVolfile.Build(volume, trusted: false, isOurs: true).ToString());
    }

    [Fact]
    public void AGlusterFSClientHasADoorASetUnderTheSameNameThatOursHas()
    {
        var volume = Bare(SampleVolumes.Journals(4, 2));
        var expected = """
            volume demo-replicate-0
                type protocol/client
                option remote-host srv1
                option remote-subvolume /bricks/b1
                option transport-type tcp
                option send-gids true
                option username the-user
                option password the-password
                option ping-timeout 42
            end-volume

            volume demo-replicate-1
                type protocol/client
                option remote-host srv1
                option remote-subvolume /bricks/b3
                option transport-type tcp
                option send-gids true
                option username the-user
                option password the-password
                option ping-timeout 42
            end-volume

            volume demo-dht
                type cluster/distribute
                subvolumes demo-replicate-0 demo-replicate-1
            end-volume

            volume demo
                type debug/io-stats
                subvolumes demo-dht
            end-volume


            """;
        Assert.Equal(expected, ClientVolfile.Build(volume, trusted: true).ToString());
    }

    [Fact]
    public void TheDoorIsTheFirstWhoseNodeIsAliveOrTheFirst()
    {
        var volume = SampleVolumes.Journals(6, 3);
        var other = new NodeId(new Gfid(9, 9));
        volume = volume with { Bricks = [volume.Bricks[0] with { Node = other }, .. volume.Bricks.Skip(1)] };
        string Doors(System.Func<Brick, bool> isAlive) => string.Join(
            ' ', ClientVolfile.Build(volume, trusted: false, isAlive: isAlive)
            .Blocks.Where(b => b.Type == "protocol/client").Select(b => b.Option("remote-subvolume")));
        Assert.Equal("/bricks/b2 /bricks/b4", Doors(b => b.Node != other));
        Assert.Equal("/bricks/b1 /bricks/b4", Doors(b => b.Node == other));
        Assert.Equal("/bricks/b1 /bricks/b4", Doors(_ => false));
    }

    [Fact]
    public void AnEmptiedSetIsNamedInBothFiles()
    {
        var volume = SampleVolumes.Journals(4, 2).Decommission([0, 1], decommissioned: true);
        foreach (var isOurs in new[] { false, true })
        {
            var file = ClientVolfile.Build(volume, trusted: true, isOurs: isOurs);
            var dht = file.Blocks.Single(b => b.Type == "cluster/distribute");
            Assert.Equal("demo-replicate-0", dht.Option("decommissioned-bricks"));
        }
    }

    /// <summary>Bricks that take only TLS take their peers only with it, whatever is said to other clients.</summary>
    [Theory]
    [InlineData("on", null, "on")]
    [InlineData("on", "off", "on")]
    [InlineData(null, "on", null)]
    public void MembersSpeakTlsToEachOtherWhenBricksDemandIt(string? server, string? client, string? peer)
    {
        var volume = Set(Set(SampleVolumes.Journals(2, 2), "server.ssl", server), "client.ssl", client);
        volume = Set(Set(volume, "ssl.own-cert", "/own"), "network.ping-timeout", "7");
        var file = BrickVolfile.Build(volume, volume.Bricks[0]);
        var block = file.Blocks.Single(b => b.Name == "demo-peer-1");
        Assert.Equal(peer, block.Option("transport.socket.ssl-enabled"));
        Assert.Equal(("/own", "7"), (block.Option("transport.socket.ssl-own-cert"), block.Option("ping-timeout")));
        Assert.Equal(server, file.Top.Option("transport.socket.ssl-enabled"));
        var ours = ClientVolfile.Build(volume, trusted: false, isOurs: true);
        Assert.Equal(client, ours.Blocks[0].Option("transport.socket.ssl-enabled"));
    }

    [Fact]
    public void WhoMayUseTheVolumeIsSaidOfBothExports()
    {
        var volume = SampleVolumes.Journals(3, 3).With(new VolumeSetting("auth.allow", "10.*"))
            .With(new VolumeSetting("auth.reject", "10.1.*"));
        var server = BrickVolfile.Build(volume, volume.Bricks[0]).Top;
        foreach (var export in new[] { "/bricks/b1", "/bricks/b1.member" })
        {
            Assert.Equal("10.*", server.Option($"auth.addr.{export}.allow"));
            Assert.Equal("10.1.*", server.Option($"auth.addr.{export}.reject"));
        }
    }

    [Fact]
    public void EveryVolumeFileParsesBackToItself()
    {
        var volume = SampleVolumes.Journals(6, 3).With(new VolumeSetting("features.ctime", "on"));
        IEnumerable<VolfileDocument> files =
        [
            ClientVolfile.Build(volume, trusted: true), ClientVolfile.Build(volume, trusted: true, isOurs: true),
            .. volume.Bricks.Select(b => BrickVolfile.Build(volume, b)),
        ];
        Assert.All(files, f => Assert.Equal(f.ToString(), VolfileDocument.Parse(f.ToString()).ToString()));
    }

    private static Volume Set(Volume volume, string key, string? value) =>
        value is null ? volume : volume.With(new VolumeSetting(key, value));

    /// <summary>Without settings and the layers that they switch on.</summary>
    private static Volume Bare(Volume volume) => volume with
    {
        Settings =
        [
            .. new[] { "write-behind", "open-behind", "quick-read", "stat-prefetch" }
                .Select(p => new VolumeSetting($"performance.{p}", "off")),
        ],
    };
}
