using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>The graphs of proxies and of thin clients.</summary>
public sealed class ProxyVolfileTests
{
    [Fact]
    public void AProxyHasTheGraphOfTheVolumeBehindAServer()
    {
        var file = ProxyVolfile.Build(SampleVolumes.Distribute(2), managementPort: 24107);
        Assert.Equal(
            [
                "demo-client-0 protocol/client", "demo-client-1 protocol/client", "demo-dht cluster/distribute",
                "demo-shared-cache performance/shared-cache", "demo-client-locks features/client-locks",
                "gfproxyd-demo debug/io-stats", "demo-gfproxyd-server protocol/server",
            ],
            file.Blocks.Select(b => $"{b.Name} {b.Type}"));
        Assert.Equal(["demo-client-locks"], file.Blocks[^2].Subvolumes);
        Assert.Equal(["demo-shared-cache"], file.Blocks[^3].Subvolumes);
        Assert.Equal(["demo-dht"], file.Blocks[^4].Subvolumes);
        Assert.Equal(["gfproxyd-demo"], file.Top.Subvolumes);
        Assert.Equal("the-user", file.Top.Option("auth.login.gfproxyd-demo.allow"));
        Assert.Equal("the-password", file.Top.Option("auth.login.the-user.password"));
        Assert.Equal("*", file.Top.Option("auth.addr.gfproxyd-demo.allow"));
        Assert.Equal("gfproxyd-demo", file.Top.Option("auth-path"));
        Assert.Equal(("the-user", "the-password"), (file.Blocks[0].Option("username"), file.Blocks[0].Option("password")));
        Assert.Equal("24107", file.Blocks[0].Option("remote-port"));
        Assert.Equal(file.ToString(), VolfileDocument.Parse(file.ToString()).ToString());
    }

    /// <summary>What a brick tells its proxy is not for thousands of clients that have not looked.</summary>
    [Fact]
    public void AProxyOfAVolumeWhoseClientsAreToldKnowsWhoHasLooked()
    {
        var volume = With(
            SampleVolumes.Distribute(2), ("features.cache-invalidation", "on"), ("features.cache-invalidation-timeout", "600"));
        var file = ProxyVolfile.Build(volume);
        var upcall = file.Blocks.Single(b => b.Type == "features/upcall");
        Assert.Equal(["demo-client-locks"], upcall.Subvolumes);
        Assert.Equal([upcall.Name], file.Blocks[^2].Subvolumes);
        Assert.Equal(("on", "600"), (upcall.Option("cache-invalidation"), upcall.Option("cache-invalidation-timeout")));
    }

    [Fact]
    public void AProxyFollowsTheLeadersOfReplicaSets()
    {
        var file = ProxyVolfile.Build(SampleVolumes.Journals(6, 3));
        Assert.Equal(2, file.Blocks.Count(b => b.Type == "cluster/journal-client"));
        Assert.Equal("/bricks/b1.member", file.Blocks[0].Option("remote-subvolume"));
    }

    /// <summary>Who may use the volume, and as whom, is decided where clients come in.</summary>
    [Fact]
    public void OptionsOfTheServerCountAtTheProxyToo()
    {
        var volume = With(
            SampleVolumes.Distribute(1), ("auth.allow", "10.*"), ("auth.reject", "10.1.*"), ("server.root-squash", "on"),
            ("auth.ssl-allow", "a,b"), ("server.outstanding-rpc-limit", "5"), ("features.ctime", "on"));
        var file = ProxyVolfile.Build(volume);
        Assert.Equal("10.*", file.Top.Option("auth.addr.gfproxyd-demo.allow"));
        Assert.Equal("10.1.*", file.Top.Option("auth.addr.gfproxyd-demo.reject"));
        Assert.Equal("a,b", file.Top.Option("auth.login.gfproxyd-demo.ssl-allow"));
        Assert.Equal(("on", "5"), (file.Top.Option("root-squash"), file.Top.Option("rpc.outstanding-rpc-limit")));
        Assert.Contains(file.Blocks, b => b.Type == "features/utime");
    }

    /// <summary>A proxy speaks TLS to bricks when they demand it, and clients speak it to the proxy when they are told to.</summary>
    [Fact]
    public void BothLegsAreEncryptedEachByItsOwnOption()
    {
        const string Ssl = "transport.socket.ssl-enabled";
        var server = ProxyVolfile.Build(With(SampleVolumes.Distribute(1), ("server.ssl", "on")));
        Assert.Equal(("on", "on"), (server.Blocks[0].Option(Ssl), server.Top.Option(Ssl)));
        var client = With(SampleVolumes.Distribute(1), ("client.ssl", "on"));
        Assert.Null(ProxyVolfile.Build(client).Blocks[0].Option(Ssl));
        Assert.Equal("on", ThinVolfile.Build(client, ["h"], trusted: false).Blocks[0].Option(Ssl));
    }

    [Fact]
    public void NoProxyKeepsAnythingThatOthersCanChange()
    {
        var volume = With(
            SampleVolumes.Distribute(2), ("performance.quick-read", "on"), ("performance.stat-prefetch", "on"),
            ("performance.write-behind", "on"), ("performance.open-behind", "on"));
        var caches = ProxyVolfile.Build(volume).Blocks.Where(b => b.Type.StartsWith("performance/"));
        Assert.Equal("performance/shared-cache", Assert.Single(caches).Type);
        Assert.Null(caches.Single().Option("cache")); // Off.
        var journals = ProxyVolfile.Build(SampleVolumes.Journals(3, 3)).Blocks.Where(b => b.Type.StartsWith("performance/"));
        Assert.Equal("performance/shared-cache", Assert.Single(journals).Type);
    }

    /// <summary>The proxy keeps, and the bricks promise to tell: one option says both.</summary>
    [Fact]
    public void AProxyThatKeepsAnswersHasBricksThatPromise()
    {
        var volume = With(SampleVolumes.Distribute(2), ("proxy.cache", "on"), ("proxy.cache-size", "1GB"));
        var cache = ProxyVolfile.Build(volume).Blocks.Single(b => b.Type == "performance/shared-cache");
        Assert.Equal(("on", "1GB"), (cache.Option("cache"), cache.Option("cache-size")));
        var brick = BrickVolfile.Build(volume, volume.Bricks[0]);
        Assert.Equal("on", brick.Blocks.Single(b => b.Type == "features/cache-leases").Option("cache-leases"));
        var set = With(SampleVolumes.Journals(3, 3), ("proxy.cache", "on"));
        Assert.Equal("on", ProxyVolfile.Build(set).Blocks.Single(b => b.Type == "performance/shared-cache").Option("cache"));
        var member = BrickVolfile.Build(set, set.Bricks[0]);
        var leases = member.Blocks.Single(b => b.Type == "features/cache-leases");
        Assert.Equal("on", leases.Option("cache-leases"));

        // It asks the journal how long it may promise something, and hears of every change.
        Assert.Equal("cluster/journal", member.Blocks.Single(b => b.Name == leases.Subvolumes.Single()).Type);
    }

    [Fact]
    public void WhoCannotBePromisedAnythingRefusesTheCache()
    {
        Assert.Null(VolumeOptions.Problem(SampleVolumes.Distribute(2), "proxy.cache", "on"));
        Assert.Null(VolumeOptions.Problem(SampleVolumes.Journals(3, 3), "proxy.cache", "on"));
        var told = With(SampleVolumes.Distribute(2), ("features.cache-invalidation", "on"));
        Assert.Contains("together", VolumeOptions.Problem(told, "proxy.cache", "on"));
        var kept = With(SampleVolumes.Distribute(2), ("proxy.cache", "on"));
        Assert.Contains("together", VolumeOptions.Problem(kept, "features.cache-invalidation", "on"));
    }

    [Fact]
    public void OurThinClientHasAllProxiesInTheirOrder()
    {
        var file = ThinVolfile.Build(SampleVolumes.Distribute(3), ["b", "a"], trusted: true);
        Assert.Equal(
            [
                "demo-gfproxy-client-0 protocol/client", "demo-gfproxy-client-1 protocol/client", "demo-aha cluster/aha",
                "demo-write-behind performance/write-behind", "demo-open-behind performance/open-behind",
                "demo-quick-read performance/quick-read", "demo debug/io-stats",
            ],
            file.Blocks.Select(b => $"{b.Name} {b.Type}"));
        Assert.Equal(["b", "a"], file.Blocks.Take(2).Select(b => b.Option("remote-host")));
        Assert.Equal(["demo-gfproxy-client-0", "demo-gfproxy-client-1"], file.Blocks[2].Subvolumes);
        Assert.All(file.Blocks.Take(2), b => Assert.Equal("gfproxyd-demo", b.Option("remote-subvolume")));
        Assert.All(file.Blocks.Take(2), b => Assert.Equal("the-user", b.Option("username")));
        Assert.Null(file.Blocks[2].Option("local"));
    }

    [Fact]
    public void OurThinClientOnANodeIsToldWhichProxyIsNext()
    {
        var file = ThinVolfile.Build(SampleVolumes.Distribute(3), ["b", "a"], trusted: true, local: 1);
        Assert.Equal("demo-gfproxy-client-1", file.Blocks[2].Option("local"));
    }

    [Fact]
    public void OurClientsBehindProxiesAndOfReplicaSetsHaveAWideWindow()
    {
        var set = With(SampleVolumes.Distribute(3), ("performance.write-behind-window-size", "2MB"));
        var off = With(SampleVolumes.Distribute(3), ("performance.write-behind", "off"));
        Assert.Equal("4MB", Window(ThinVolfile.Build(SampleVolumes.Distribute(3), ["a"], trusted: true)));
        Assert.Equal("2MB", Window(ThinVolfile.Build(set, ["a"], trusted: true)));
        Assert.Null(Window(ThinVolfile.BuildForGluster(SampleVolumes.Distribute(3), host: null, trusted: false)));
        Assert.Equal("4MB", Window(ClientVolfile.Build(SampleVolumes.Journals(3, 3), trusted: true, isOurs: true)));
        Assert.Null(Window(ClientVolfile.Build(SampleVolumes.Journals(3, 3), trusted: true)));
        Assert.Null(Window(ClientVolfile.Build(SampleVolumes.Distribute(3), trusted: true, isOurs: true)));
        Assert.DoesNotContain(
            ThinVolfile.Build(off, ["a"], trusted: true).Blocks, b => b.Option("cache-size") is not null);

        static string? Window(VolfileDocument file) =>
            file.Blocks.Single(b => b.Type == "performance/write-behind").Option("cache-size");
    }

    [Fact]
    public void OurThinClientIsToldWhichProxyIsWhereAllChangesGo()
    {
        var file = ThinVolfile.Build(SampleVolumes.Distribute(3), ["b", "a"], trusted: true, near: 1);
        Assert.Equal("demo-gfproxy-client-1", file.Blocks[2].Option("near"));
        Assert.Null(file.Blocks[2].Option("local"));
        Assert.Equal(SampleVolumes.Journals(3, 3).PreferredLeaderAt(0).Node, SampleVolumes.Journals(3, 3).LeadingNode);
        Assert.Null(SampleVolumes.Journals(6, 3).LeadingNode); // Two sets, two leaders.
        Assert.Null(SampleVolumes.Distribute(3).LeadingNode);
    }

    [Fact]
    public void LargeReadsGoToMembersThatHaveTheData()
    {
        var volume = SampleVolumes.Journals(3, 3);
        Assert.Equal(volume.Bricks.Select(b => b.Node).Distinct(), volume.ReadingNodes);
        var thin = ThinVolfile.Build(volume, ["a", "b", "c"], trusted: true, readers: [0, 2]).Blocks[3];
        Assert.Equal("demo-gfproxy-client-0,demo-gfproxy-client-2", thin.Option("readers"));
        Assert.Null(ThinVolfile.Build(volume, ["a", "b"], trusted: true, readers: [1]).Blocks[2].Option("readers"));
        Assert.Equal((null, "0,1,2"), Readers(volume, node: null));
        Assert.Equal(("0", null), Readers(volume, volume.Bricks[0].Node));
        Assert.Equal((null, "0,1,2"), Readers(volume, new NodeId(new Gfid(9, 9))));
        foreach (var (key, value) in new[] { ("journal.acknowledge", "memory"), ("features.cache-invalidation", "on"), ("features.leases", "on") })
        {
            var other = With(volume, (key, value));
            Assert.Equal((null, null), Readers(other, node: null));
            Assert.Empty(other.ReadingNodes);
        }

        Assert.Empty(SampleVolumes.Journals(6, 3).ReadingNodes);
        var small = With(volume, ("journal.follower-read-size", "0"));
        Assert.Equal("0", ProxyVolfile.Build(small).Blocks.Single(IsSet).Option("read-size"));

        static bool IsSet(VolfileBlock block) => block.Type == "cluster/journal-client";

        static (string? Near, string? Readers) Readers(Volume volume, NodeId? node)
        {
            var set = ProxyVolfile.Build(volume, node: node).Blocks.Single(IsSet);
            return (set.Option("near"), set.Option("readers"));
        }
    }

    /// <summary>Source: volume file trusted-VOL.tcp-gfproxy-fuse.vol of GlusterFS 10, less features/utime.</summary>
    [Fact]
    public void AThinClientOfGlusterHasOneProxyAndHoldsWhatCannotBeSent()
    {
        var file = ThinVolfile.BuildForGluster(SampleVolumes.Distribute(3), host: null, trusted: false);
        Assert.Equal(
            """
            volume demo-gfproxy-client
                type protocol/client
                option remote-subvolume gfproxyd-demo
                option transport-type tcp
                option send-gids true
                option ping-timeout 42
                option transport.address-family inet
            end-volume

            volume demo-quiesce
                type features/quiesce
                subvolumes demo-gfproxy-client
            end-volume

            volume demo-write-behind
                type performance/write-behind
                subvolumes demo-quiesce
            end-volume

            volume demo
                type debug/io-stats
                subvolumes demo-write-behind
            end-volume


            """,
            file.ToString());
        var elsewhere = ThinVolfile.BuildForGluster(
            With(SampleVolumes.Distribute(1), ("performance.write-behind", "off")), "other", trusted: true);
        Assert.Equal("other", elsewhere.Blocks[0].Option("remote-host"));
        Assert.DoesNotContain(elsewhere.Blocks, b => b.Type == "performance/write-behind");
    }

    [Theory]
    [InlineData("gfproxy-client/demo", true, false)]
    [InlineData("gfproxy-client//demo", true, false)]
    [InlineData("/gfproxy-client/demo", true, false)]
    [InlineData("gfproxyd/demo", false, true)]
    [InlineData("demo", false, false)]
    public void KeysSayWhichGraphIsMeant(string text, bool isThin, bool isProxy)
    {
        Assert.True(VolfileKey.TryParse(text, out var key));
        Assert.Equal(("demo", isThin, isProxy, false), (key.Volume, key.IsThin, key.IsProxy, key.IsBrick));
    }

    [Theory]
    [InlineData("gfproxy-client/")]
    [InlineData("gfproxyd/demo.srv1.bricks-b1")]
    [InlineData("gfproxy/demo")]
    public void OtherKeysAreNone(string text) => Assert.False(VolfileKey.TryParse(text, out _));

    private static Volume With(Volume volume, params (string Key, string Value)[] settings) =>
        settings.Aggregate(volume, (v, s) => v.With(new VolumeSetting(s.Key, s.Value)));
}
