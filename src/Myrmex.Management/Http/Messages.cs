using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>What the REST service and the command line say to each other. Names are camelCase in JSON.</summary>
public sealed record ErrorMessage(string Error);

public sealed record DaemonMessage(string Version, string NodeId, string HostName, int Port, int Pid);

public sealed record BrickMessage(string Host, string Path, int Index, string Node, bool IsArbiter);

public sealed record OptionMessage(string Key, string? Value, bool IsDefault);

public sealed record VolumeMessage(
    string Name, string Id, string Status, string Type, int TypeNumber, string BrickCountText, int DistributeCount,
    int ReplicaCount, int ArbiterCount, IReadOnlyList<BrickMessage> Bricks, IReadOnlyList<OptionMessage> Options);

public sealed record VolumeListMessage(IReadOnlyList<VolumeMessage> Volumes);

public sealed record CreateMessage(string Name, IReadOnlyList<string> Bricks)
{
    public int ReplicaCount { get; init; } = 1;

    public int ArbiterCount { get; init; }

    public bool Force { get; init; }
}

public sealed record OptionListMessage(IReadOnlyList<OptionMessage> Options);

public sealed record BrickDetailMessage(
    string Device, string FileSystem, string MountOptions, ulong BlockSize, ulong TotalBytes, ulong FreeBytes,
    ulong Inodes, ulong FreeInodes);

public sealed record BrickStatusMessage(
    string Host, string Path, string Node, bool Online, int Port, int Pid, BrickDetailMessage? Detail);

public sealed record VolumeStatusMessage(string Name, string Id, IReadOnlyList<BrickStatusMessage> Bricks);

public sealed record PeerMessage(string Id, string HostName, bool Connected, bool IsLocal);

public sealed record PeerListMessage(IReadOnlyList<PeerMessage> Peers);

public sealed record OptionHelpMessage(string Key, string? Default, string Help);

public sealed record OptionHelpListMessage(IReadOnlyList<OptionHelpMessage> Options);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(DaemonMessage))]
[JsonSerializable(typeof(VolumeMessage))]
[JsonSerializable(typeof(VolumeListMessage))]
[JsonSerializable(typeof(CreateMessage))]
[JsonSerializable(typeof(OptionListMessage))]
[JsonSerializable(typeof(VolumeStatusMessage))]
[JsonSerializable(typeof(PeerListMessage))]
[JsonSerializable(typeof(OptionHelpListMessage))]
public sealed partial class MessageJson : JsonSerializerContext;
