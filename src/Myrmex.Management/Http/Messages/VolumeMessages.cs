using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

public sealed record BrickMessage(string Host, string Path, int Index, string Node, bool IsArbiter)
{
    /// <summary>Taken out of service by reset-brick.</summary>
    public bool IsReset { get; init; }

    /// <summary>Where its journal is when it has a disk of its own; null for one in the brick, or none.</summary>
    public string? Journal { get; init; }
}

public sealed record VolumeMessage(
    string Name, string Id, string Status, string Type, int TypeNumber, string BrickCountText, int DistributeCount,
    int ReplicaCount, int ArbiterCount, IReadOnlyList<BrickMessage> Bricks, IReadOnlyList<OptionMessage> Options)
    : ITagged
{
    /// <summary>One higher with every change; also the entity tag.</summary>
    public long Version { get; init; }

    [JsonIgnore]
    public string? Tag => VolumeTarget.TagOf(Id, Version);
}

public sealed record VolumeListMessage(IReadOnlyList<VolumeMessage> Volumes);

/// <summary>A volume to make.</summary>
/// <param name="Bricks">"HOST:/PATH" each.</param>
/// <param name="ReplicaCount">
/// A parameter because its default must hold for what is read: generated readers set other properties to zero.
/// </param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CreateMessage(string Name, IReadOnlyList<string> Bricks, int ReplicaCount = 1)
{
    public int ArbiterCount { get; init; }

    /// <summary>The option journal.directory from the start; null for journals in the bricks.</summary>
    public string? JournalDirectory { get; init; }

    /// <summary>Take directories that are used otherwise or lie on the root file system.</summary>
    public bool Force { get; init; }
}

public sealed record BrickDetailMessage(
    string Device, string FileSystem, string MountOptions, ulong BlockSize, ulong TotalBytes, ulong FreeBytes,
    ulong Inodes, ulong FreeInodes);

public sealed record BrickStatusMessage(
    string Host, string Path, string Node, bool Online, int Port, int Pid, BrickDetailMessage? Detail);

/// <summary>The proxy of a volume on a node that should run one.</summary>
/// <param name="Host">Name of the node.</param>
/// <param name="Port">0 when clients cannot use it.</param>
/// <param name="Pid">0 when clients cannot use it.</param>
public sealed record ProxyStatusMessage(string Volume, string Host, string Node, bool Online, int Port, int Pid)
{
    /// <summary>It sends its clients to other proxies, and new ones avoid it.</summary>
    public bool Draining { get; init; }

    /// <summary>Clients that go elsewhere and still use it; null when it does not drain or that is not known.</summary>
    public int? LeavingClients { get; init; }

    /// <summary>Clients that cannot go elsewhere, those of GlusterFS; null as before.</summary>
    public int? StayingClients { get; init; }

    /// <summary>
    /// The last upgrade that was asked for has failed, and the former process goes on; null when it has not.
    /// </summary>
    public FailedUpgradeMessage? FailedUpgrade { get; init; }
}

/// <summary>Why a new process has not taken over from a proxy.</summary>
/// <param name="Number">Which one of all upgrades that were asked for on the node.</param>
/// <param name="Reason">Lines: what became of the new process, and what its log says.</param>
public sealed record FailedUpgradeMessage(int Number, string Reason);

/// <summary>What <c>myrmex proxy status --json</c> prints.</summary>
public sealed record ProxyListMessage(IReadOnlyList<ProxyStatusMessage> Proxies);

public sealed record VolumeStatusMessage(string Name, string Id, IReadOnlyList<BrickStatusMessage> Bricks)
{
    public IReadOnlyList<ProxyStatusMessage> Proxies { get; init => field = value ?? []; } = [];

    /// <summary>Long work on the volume.</summary>
    public IReadOnlyList<TaskMessage> Tasks { get; init => field = value ?? []; } = [];
}

/// <summary>What <c>volume status --json</c> prints.</summary>
public sealed record VolumeStatusListMessage(IReadOnlyList<VolumeStatusMessage> Volumes);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(VolumeMessage))]
[JsonSerializable(typeof(VolumeListMessage))]
[JsonSerializable(typeof(CreateMessage))]
[JsonSerializable(typeof(VolumeStatusMessage))]
[JsonSerializable(typeof(VolumeStatusListMessage))]
[JsonSerializable(typeof(ProxyListMessage))]
public sealed partial class VolumeMessageJson : JsonSerializerContext;
