using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>Replica sets of a volume with journals: what is given once is never given again.</summary>
public sealed class ReplicaSetTests
{
    [Fact]
    public void EveryMemberHasANumberInItsSetAndAnIncarnationOfItsOwn()
    {
        var volume = SampleVolumes.Journals(6, 3);
        Assert.Equal([0, 1, 2, 0, 1, 2], volume.Bricks.Select(b => b.Member));
        Assert.Equal([100ul, 101, 102, 103, 104, 105], volume.Bricks.Select(b => b.Incarnation));
        Assert.Equal([new ReplicaSet(0, 3), new ReplicaSet(1, 3)], volume.ReplicaSets);
        Assert.Equal([0, 0, 0, 1, 1, 1], volume.Bricks.Select(volume.SetPlaceOf));
        Assert.Equal([3, 4, 5], volume.MembersAt(1).Select(b => b.Index));
    }

    [Fact]
    public void AnIncarnationIsNeverZero()
    {
        ulong[] random = [0, 0, 7, 0, 8];
        var at = 0;
        var volume = SampleVolumes.Replicate(2, 2) with { Replication = ReplicationKind.Journal };
        Assert.Equal([7ul, 8], volume.FormReplicaSets(() => random[at++]).Bricks.Select(b => b.Incarnation));
    }

    [Fact]
    public void ABrickInThePlaceOfAnArbiterIsOne()
    {
        var volume = SampleVolumes.Journals(3, 3, arbiters: 1);
        var after = volume.ReplaceBrick(2, Brick("/n1"), SampleVolumes.Incarnations(200));
        Assert.Equal([false, false, true], after.Bricks.Select(after.IsArbiter));
        after = after.ReplaceBrick(0, Brick("/n2"), SampleVolumes.Incarnations(300));
        Assert.Equal([false, false, true], after.Bricks.Select(after.IsArbiter));
        Assert.Equal("1 x (2 + 1) = 3", after.BrickCountText);
    }

    [Fact]
    public void AVolumeWithoutJournalsHasNone()
    {
        var volume = SampleVolumes.Distribute(2);
        Assert.Same(volume, volume.FormReplicaSets(SampleVolumes.Incarnations()));
        Assert.Null(volume.Bricks[0].Member);
    }

    [Fact]
    public void ANumberOfASetIsNeverGivenTwice()
    {
        var volume = SampleVolumes.Journals(4, 2).RemoveBricks([2, 3]);
        Assert.Equal([new ReplicaSet(0, 2)], volume.ReplicaSets);
        var grown = volume.AddBricks([Brick("/n1"), Brick("/n2")]).FormReplicaSets(SampleVolumes.Incarnations(200));
        Assert.Equal([0, 2], grown.ReplicaSets.Select(s => s.Number));
        Assert.Equal([100ul, 101, 200, 201], grown.Bricks.Select(b => b.Incarnation));
        Assert.Equal(volume.Bricks, grown.Bricks.Take(2));
        var first = grown.RemoveBricks([0, 1]);
        Assert.Equal([2], first.ReplicaSets.Select(s => s.Number));
        Assert.Equal(grown.IdOf(grown.ReplicaSets[1]), first.IdOf(first.ReplicaSets[0]));
    }

    /// <summary>The set keeps its place and its name; nothing that the old brick had is given to the new one.</summary>
    [Fact]
    public void ABrickInThePlaceOfAnotherIsANewMember()
    {
        var volume = SampleVolumes.Journals(6, 3).Reset([4], isReset: true);
        var after = volume.ReplaceBrick(4, Brick("/n1") with { IsReset = true }, SampleVolumes.Incarnations(200));
        Assert.Equal([0, 1, 2, 3, 6, 5], after.Bricks.Select(b => b.Index));
        Assert.Equal([0, 1, 2, 0, 3, 2], after.Bricks.Select(b => b.Member));
        Assert.Equal([100ul, 101, 102, 103, 200, 105], after.Bricks.Select(b => b.Incarnation));
        Assert.Equal([new ReplicaSet(0, 3), new ReplicaSet(1, 4)], after.ReplicaSets);
        Assert.Equal((7, volume.Version + 1), (after.NextBrickIndex, after.Version));
        Assert.DoesNotContain(after.Bricks, b => b.IsReset);
        Assert.Equal(volume.IdOf(volume.ReplicaSets[1]), after.IdOf(after.ReplicaSets[1]));
        var again = after.ReplaceBrick(6, Brick("/n2"), SampleVolumes.Incarnations(300));
        Assert.Equal((7, 4), (again.Bricks[4].Index, again.Bricks[4].Member));
        Assert.True(VolumeJson.FromBytes(VolumeJson.ToBytes(volume)).Bricks[4].IsReset);
        Assert.Throws<System.ArgumentException>(
            () => SampleVolumes.Distribute(2).ReplaceBrick(0, Brick("/n1"), SampleVolumes.Incarnations()));
    }

    [Fact]
    public void TheLastMemberNumberIsGivenOnce()
    {
        var volume = SampleVolumes.Journals(3, 3);
        volume = volume with { ReplicaSets = [new ReplicaSet(0, ReplicaSet.MemberMax)] };
        var last = volume.ReplaceBrick(0, Brick("/n1"), SampleVolumes.Incarnations());
        Assert.Equal(ReplicaSet.MemberMax, last.Bricks[0].Member);
        Assert.Throws<System.ArgumentException>(
            () => last.ReplaceBrick(1, Brick("/n2"), SampleVolumes.Incarnations()));
    }

    [Fact]
    public void TheOthersOfTheSetGetTheNewOneInTheirFiles()
    {
        var volume = SampleVolumes.Journals(6, 3);
        var after = volume.ReplaceBrick(1, Brick("/n1"), SampleVolumes.Incarnations(200));
        var file = BrickVolfile.Build(after, after.Bricks[0]).ToString();
        Assert.Contains("option peers 3,2\n", file);
        Assert.Contains("volume demo-peer-6\n", file);
        Assert.Contains("option remote-subvolume /n1.member\n", file);
        Assert.DoesNotContain("demo-peer-1\n", file);
        Assert.Equal(
            BrickVolfile.Build(volume, volume.Bricks[3]).ToString(), BrickVolfile.Build(after, after.Bricks[3]).ToString());
        Assert.Contains("option members 0,3,2\n", ClientVolfile.Build(after, trusted: true, isOurs: true).ToString());
    }

    /// <summary>Keys, journals and link files hold these: they must never change.</summary>
    [Fact]
    public void WhatIsKeptElsewhereIsStable()
    {
        var volume = SampleVolumes.Journals(4, 2);
        Assert.Equal("07ca0679-6e05-8c65-b323-819c022107b9", volume.IdOf(volume.ReplicaSets[0]).ToString());
        Assert.NotEqual(volume.IdOf(volume.ReplicaSets[0]), volume.IdOf(volume.ReplicaSets[1]));
        Assert.NotEqual(
            volume.IdOf(volume.ReplicaSets[0]),
            (volume with { Id = new VolumeId(new Gfid(0xA, 0xC)) }).IdOf(volume.ReplicaSets[0]));
        Assert.Equal("rs/00000000-0000-000a-0000-00000000000b/1/", volume.StorePrefixOf(volume.ReplicaSets[1]));
        Assert.Equal("demo-replicate-1", volume.NameOf(volume.ReplicaSets[1]));
        Assert.Equal("/bricks/b1/.glusterfs/journal", volume.Bricks[0].JournalDirectory);
        Assert.Equal("/bricks/b1.member", volume.Bricks[0].MemberExport);
    }

    [Fact]
    public void ASetThatIsEmptiedIsNamedAsClientsNameIt() => Assert.Equal(
        ["demo-replicate-1"],
        SampleVolumes.Journals(4, 2).Decommission([2, 3], decommissioned: true).DecommissionedSubvolumes);

    [Fact]
    public void AStoredVolumeIsReadBackTheSame()
    {
        var volume = SampleVolumes.Journals(6, 3);
        var again = VolumeJson.FromBytes(VolumeJson.ToBytes(volume));
        Assert.Equal(volume.Bricks, again.Bricks);
        Assert.Equal(volume.ReplicaSets, again.ReplicaSets);
        Assert.Equal((volume.Replication, volume.NextReplicaSet), (again.Replication, again.NextReplicaSet));
        Assert.Contains("\"replication\":\"Journal\"", Encoding.UTF8.GetString(VolumeJson.ToBytes(volume)));
    }

    [Fact]
    public void ARecordOfBeforeThereWereJournalsHasNone()
    {
        const string Record = """
            {"name":"old","id":"00000000-0000-000a-0000-00000000000b","status":"Started",
            "replicaCount":1,"arbiterCount":0,"bricks":[{"host":"h","path":"/b","index":0,"node":"00000000-0000-1111-0000-000000002222","fileSystem":7}],
            "nextBrickIndex":1,"settings":[],"username":"u","password":"p","version":3}
            """;
        var volume = VolumeJson.FromBytes(Encoding.UTF8.GetBytes(Record));
        Assert.Equal(
            (ReplicationKind.None, 0, 0), (volume.Replication, volume.ReplicaSets.Count, volume.NextReplicaSet));
        Assert.Equal((null, 0ul), (volume.Bricks[0].Member, volume.Bricks[0].Incarnation));
    }

    [Theory]
    [InlineData("cluster.quorum-type", "fixed", false)]
    [InlineData("cluster.quorum-type", "auto", true)]
    [InlineData("cluster.quorum-type", "none", true)]
    [InlineData("cluster.quorum-count", "2", false)]
    [InlineData("storage.max-hardlinks", "100", false)]
    [InlineData("storage.max-hardlinks", "0", true)]
    [InlineData("cluster.self-heal-daemon", "off", true)]
    public void WhatAJournalCannotHonourIsRefused(string key, string value, bool isTaken)
    {
        var problem = VolumeOptions.Problem(SampleVolumes.Journals(3, 3), key, value);
        Assert.Equal(isTaken, problem is null);
        Assert.Null(VolumeOptions.Problem(SampleVolumes.Distribute(1), key, value));
        if (problem is not null)
        {
            Assert.StartsWith($"'option {key} {value}' cannot be had on a volume whose copies are kept by", problem);
        }
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("100MB", true)]
    [InlineData("4MB", true)]
    [InlineData("1MB", false)]
    [InlineData("fast", false)]
    public void ACopyMayBeSlowButNotHang(string rate, bool isTaken) =>
        Assert.Equal(isTaken, VolumeOptions.Problem(SampleVolumes.Journals(3, 3), "journal.copy-rate", rate) is null);

    [Theory]
    [InlineData(3, 3, 6, "2 2 2")]
    [InlineData(3, 3, 7, "3 2 2")]
    [InlineData(4, 2, 8, "2 2 2 2")]
    [InlineData(3, 2, 6, "2 2 2")]
    [InlineData(1, 3, 2, "2")]
    public void TheNodesShareTheLeads(int nodes, int copies, int sets, string leads)
    {
        // Bricks go round the nodes, as administrators list them.
        var volume = SampleVolumes.Replicate(copies * sets, copies) with { Replication = ReplicationKind.Journal };
        volume = volume with
        {
            Bricks = [.. volume.Bricks.Select((b, i) => b with { Node = new NodeId(new Gfid(1, (ulong)(i % nodes))) })],
        };
        volume = volume.FormReplicaSets(SampleVolumes.Incarnations());
        var leaders = Enumerable.Range(0, sets).Select(volume.PreferredLeaderAt).ToList();
        Assert.All(leaders.Select((b, place) => (b, place)), l => Assert.Contains(l.b, volume.MembersAt(l.place)));
        Assert.Equal(
            leads, string.Join(' ', leaders.GroupBy(b => b.Node).Select(g => g.Count()).OrderDescending()));
        Assert.Equal(leaders, Enumerable.Range(0, sets).Select(volume.PreferredLeaderAt));
    }

    [Fact]
    public void OnOneNodeTheLeadsGoRoundTheBricks() => Assert.Equal(
        [0, 1, 2, 0],
        Enumerable.Range(0, 4).Select(place => SampleVolumes.Journals(12, 3).PreferredLeaderAt(place).Member));

    private static Brick Brick(string path) => new("srv1", path, 0, SampleVolumes.Node, FileSystem: 7);
}
