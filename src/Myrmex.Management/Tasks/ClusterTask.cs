using System;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Volumes;

namespace Myrmex.Management.Tasks;

/// <summary>What a task does.</summary>
public enum ClusterTaskKind
{
    /// <summary>Gives all directories of a volume a layout over all its bricks.</summary>
    FixLayout,
}

/// <summary>How far a task is. Numbers as in GlusterFS' XML.</summary>
public enum ClusterTaskState
{
    NotStarted = 0,
    Running = 1,
    Stopped = 2,
    Completed = 3,
    Failed = 4,
    FixLayoutRunning = 5,
    FixLayoutStopped = 6,
    FixLayoutCompleted = 7,
    FixLayoutFailed = 8,
}

/// <summary>What the administrator wants of a task.</summary>
public enum ClusterTaskWish
{
    Run,
    Stop,
}

/// <summary>
/// Long work on a volume, kept at <c>task/ID</c>. Commands make it and change <see cref="Wish"/>; the node in
/// <see cref="Node"/> does everything else. Every change is made on condition that the record was not changed since it
/// was read. A task ends once: a finished record never changes again.
/// </summary>
public sealed record ClusterTask
{
    /// <summary>36 characters.</summary>
    public required string Id { get; init; }

    public ClusterTaskKind Kind { get; init; }

    /// <summary>Name of the volume.</summary>
    public required string Volume { get; init; }

    public VolumeId VolumeId { get; init; }

    /// <summary>The node that does the work, or the last one that did.</summary>
    public NodeId Node { get; init; }

    public ClusterTaskState State { get; init; }

    public ClusterTaskWish Wish { get; init; }

    /// <summary>Of lazy, normal, aggressive, or a number.</summary>
    public string Throttle { get; init => field = value ?? "normal"; } = "normal";

    /// <summary>How often another node has taken it over.</summary>
    public int TakeOvers { get; init; }

    /// <summary>How often its process was started again after it died on its present node.</summary>
    public int Restarts { get; init; }

    /// <summary>Directories done by the process that does it now; it begins again when it is started again.</summary>
    public long Directories { get; init; }

    /// <summary>Files seen by the process that does it now.</summary>
    public long Files { get; init; }

    public long Failures { get; init; }

    /// <summary>Milliseconds since 1970, by the clock of the node that got the command.</summary>
    public long StartedUnixMs { get; init; }

    /// <summary>Milliseconds since 1970; 0 while it is not finished.</summary>
    public long FinishedUnixMs { get; init; }

    /// <summary>Why it failed, for people; null when it has not.</summary>
    public string? Error { get; init; }

    [JsonIgnore]
    public bool IsFinished => FinishedUnixMs != 0;

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ClusterTaskJson.Default.ClusterTask);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static ClusterTask FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, ClusterTaskJson.Default.ClusterTask) ?? throw new JsonException("no task");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ClusterTask))]
internal sealed partial class ClusterTaskJson : JsonSerializerContext;
