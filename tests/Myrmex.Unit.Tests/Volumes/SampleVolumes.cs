using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Volumes;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>Volumes for tests.</summary>
internal static class SampleVolumes
{
    public static readonly NodeId Node = new(new Gfid(0x1111, 0x2222));

    public static Volume Distribute(int bricks, string name = "demo") => new()
    {
        Name = name,
        Id = new VolumeId(new Gfid(0xA, 0xB)),
        Bricks = Bricks(bricks),
        NextBrickIndex = bricks,
        Settings = VolumeOptions.AtCreation,
        Username = "the-user",
        Password = "the-password",
    };

    public static Volume Replicate(int bricks, int replicas, int arbiters = 0) =>
        Distribute(bricks) with { ReplicaCount = replicas, ArbiterCount = arbiters };

    /// <summary>Copies kept by journals; incarnations are 100, 101 and so on.</summary>
    public static Volume Journals(int bricks, int replicas, int arbiters = 0)
    {
        var volume = Replicate(bricks, replicas, arbiters) with { Replication = ReplicationKind.Journal };
        return volume.FormReplicaSets(Incarnations());
    }

    public static System.Func<ulong> Incarnations(ulong first = 100)
    {
        var next = first;
        return () => next++;
    }

    private static List<Brick> Bricks(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new Brick("srv1", $"/bricks/b{i + 1}", i, Node, FileSystem: 7))];
}
