using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Serialization;

namespace Myrmex.Volumes;

/// <summary>Numbers as in GlusterFS' info file and XML.</summary>
public enum VolumeStatus
{
    Created = 0,
    Started = 1,
    Stopped = 2,
}

/// <summary>Numbers as in GlusterFS' info file and XML.</summary>
public enum VolumeType
{
    Distribute = 0,
    Replicate = 2,
}

/// <summary>An option that was set.</summary>
public sealed record VolumeSetting(string Key, string Value);

/// <summary>
/// A volume as management knows it. Immutable: a change makes a new one with <see cref="Version"/> one higher.
/// Invariants: brick indices are unique and below <see cref="NextBrickIndex"/>; the number of bricks is a multiple of
/// <see cref="ReplicaCount"/>; bricks of one replica set follow each other.
/// </summary>
public sealed partial record Volume
{
    public required string Name { get; init; }

    public required VolumeId Id { get; init; }

    public VolumeStatus Status { get; init; } = VolumeStatus.Created;

    /// <summary>Copies of each file, arbiters included; 1 for plain distribution.</summary>
    public int ReplicaCount { get; init => field = Math.Max(1, value); } = 1;

    public int ArbiterCount { get; init; }

    public required IReadOnlyList<Brick> Bricks { get; init; }

    /// <summary>The index the next added brick gets.</summary>
    public required int NextBrickIndex { get; init; }

    /// <summary>Settings, the newest first.</summary>
    public IReadOnlyList<VolumeSetting> Settings { get; init => field = value ?? []; } = [];

    /// <summary>What nodes of the pool log in with, whatever auth.allow says.</summary>
    public required string Username { get; init; }

    public required string Password { get; init; }

    public long Version { get; init => field = Math.Max(1, value); } = 1;

    [JsonIgnore]
    public VolumeType Type => ReplicaCount > 1 ? VolumeType.Replicate : VolumeType.Distribute;

    /// <summary>Subvolumes of cluster/distribute.</summary>
    [JsonIgnore]
    public int DistributeCount => Bricks.Count / ReplicaCount;

    [JsonIgnore]
    public string TypeText =>
        ReplicaCount == 1 ? "Distribute" : DistributeCount > 1 ? "Distributed-Replicate" : "Replicate";

    /// <summary>"3", "2 x 3 = 6", or "1 x (2 + 1) = 3" with an arbiter.</summary>
    [JsonIgnore]
    public string BrickCountText =>
        ReplicaCount == 1 ? $"{Bricks.Count}"
        : ArbiterCount > 0 ? $"{DistributeCount} x ({ReplicaCount - ArbiterCount} + {ArbiterCount}) = {Bricks.Count}"
        : $"{DistributeCount} x {ReplicaCount} = {Bricks.Count}";

    /// <summary>
    /// The last bricks of a set, as many as it has arbiters: they keep the journal and no files. A brick in the place
    /// of one is one too.
    /// </summary>
    public bool IsArbiter(Brick brick) => ArbiterCount > 0 && IsArbiterAt(IndexOf(brick));

    private bool IsArbiterAt(int place) => place >= 0 && place % ReplicaCount >= ReplicaCount - ArbiterCount;

    /// <summary>The value that was set, or null.</summary>
    public string? Setting(string key) => Settings.FirstOrDefault(s => s.Key == key)?.Value;

    /// <summary>With a changed or new setting: a changed one keeps its place, a new one comes first.</summary>
    public Volume With(VolumeSetting setting)
    {
        var settings = Settings.ToList();
        var index = settings.FindIndex(s => s.Key == setting.Key);
        if (index >= 0)
        {
            settings[index] = setting;
        }
        else
        {
            settings.Insert(0, setting);
        }

        return this with { Settings = settings, Version = Version + 1 };
    }

    public Volume With(VolumeStatus status) => this with { Status = status, Version = Version + 1 };

    /// <summary>Without the settings that <paramref name="remove"/> selects.</summary>
    public Volume Without(Func<VolumeSetting, bool> remove) =>
        this with { Settings = [.. Settings.Where(s => !remove(s))], Version = Version + 1 };

    /// <summary>
    /// How many bricks of this volume that have files lie on the same file system of the same node as
    /// <paramref name="brick"/>.
    /// </summary>
    public int SharingFileSystem(Brick brick) =>
        Bricks.Where((b, i) => b.Node == brick.Node && b.FileSystem == brick.FileSystem && !IsArbiterAt(i)).Count();

    private int IndexOf(Brick brick)
    {
        for (var i = 0; i < Bricks.Count; i++)
        {
            if (Bricks[i].Index == brick.Index)
            {
                return i;
            }
        }

        return -1;
    }
}
