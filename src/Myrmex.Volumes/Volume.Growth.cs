using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Serialization;

namespace Myrmex.Volumes;

/// <summary>
/// Bricks that come and go. Invariants kept by every change: brick indices are unique, given in the order of joining
/// and never used again, whatever happens to the brick; they rise along the bricks, except that a brick in the place of
/// another one has a later one; the number of bricks is a multiple of
/// <see cref="ReplicaCount"/>; the bricks of one replica set follow each other and are decommissioned together; at
/// least one replica set is not decommissioned.
/// </summary>
public sealed partial record Volume
{
    /// <summary>Most bricks of one volume, as many subvolumes as cluster/distribute takes.</summary>
    public const int BricksMax = 1024;

    /// <summary>Subvolumes of cluster/distribute that are being emptied, as clients name them.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> DecommissionedSubvolumes => HasJournals
        ? [.. ReplicaSets.Where((_, place) => MembersAt(place)[0].Decommissioned).Select(NameOf)]
        : [.. Bricks.Where(static b => b.Decommissioned).Select(b => b.IdIn(Name))];

    /// <summary>
    /// The volume with further bricks behind those it has. They get the next indices in their order, whatever index
    /// they come with. Directories keep their layouts until they are fixed: new bricks get the files of new directories
    /// only. Where there are journals, <see cref="FormReplicaSets"/> has to follow. Throws
    /// <see cref="ArgumentException"/> with a text for the user.
    /// </summary>
    public Volume AddBricks(IReadOnlyList<Brick> added)
    {
        if (added.Count == 0 || added.Count % ReplicaCount != 0)
        {
            throw new ArgumentException(
                $"Incorrect number of bricks supplied {added.Count} for type {TypeText} with count {ReplicaCount}",
                nameof(added));
        }

        var bricks = Bricks.ToList();
        for (var i = 0; i < added.Count; i++)
        {
            var brick = added[i] with { Index = NextBrickIndex + i, Decommissioned = false };
            if (bricks.Find(b => b.Node == brick.Node && b.Path == brick.Path) is { } same)
            {
                throw new ArgumentException(
                    $"Brick {brick.FullName} is already part of volume {Name} as {same.FullName}", nameof(added));
            }

            bricks.Add(brick);
        }

        return bricks.Count > BricksMax
            ? throw new ArgumentException($"A volume has at most {BricksMax} bricks", nameof(added))
            : this with { Bricks = bricks, NextBrickIndex = NextBrickIndex + added.Count, Version = Version + 1 };
    }

    /// <summary>
    /// The volume with the bricks of these indices being emptied, or (<paramref name="decommissioned"/> false) in use
    /// again. Throws <see cref="ArgumentException"/> with a text for the user.
    /// </summary>
    public Volume Decommission(IReadOnlyCollection<int> indices, bool decommissioned)
    {
        CheckWholeSets(indices);
        Brick[] bricks = [.. Bricks.Select(b =>
            indices.Contains(b.Index) ? b with { Decommissioned = decommissioned } : b)];
        return bricks.All(static b => b.Decommissioned)
            ? throw new ArgumentException("Removing all the bricks is not allowed", nameof(indices))
            : this with { Bricks = bricks, Version = Version + 1 };
    }

    /// <summary>
    /// The volume without the bricks of these indices; the others keep theirs. Throws
    /// <see cref="ArgumentException"/> with a text for the user.
    /// </summary>
    public Volume RemoveBricks(IReadOnlyCollection<int> indices)
    {
        CheckWholeSets(indices);
        Brick[] bricks = [.. Bricks.Where(b => !indices.Contains(b.Index))];
        return bricks.All(static b => b.Decommissioned)
            ? throw new ArgumentException("Removing all the bricks is not allowed", nameof(indices))
            : this with
            {
                Bricks = bricks,
                ReplicaSets = [.. ReplicaSets.Where((_, place) => !indices.Contains(MembersAt(place)[0].Index))],
                Version = Version + 1,
            };
    }

    private void CheckWholeSets(IReadOnlyCollection<int> indices)
    {
        foreach (var index in indices)
        {
            if (!Bricks.Any(b => b.Index == index))
            {
                throw new ArgumentException($"{Name}-client-{index} is not a brick of volume {Name}", nameof(indices));
            }
        }

        for (var first = 0; first < Bricks.Count; first += ReplicaCount)
        {
            var count = Bricks.Skip(first).Take(ReplicaCount).Count(b => indices.Contains(b.Index));
            if (count != 0 && count != ReplicaCount)
            {
                throw new ArgumentException(
                    $"Bricks not from same subvol for {(ArbiterCount > 0 ? "arbiter" : "replica")}", nameof(indices));
            }
        }
    }
}
