using System.Collections.Generic;
using System.Text.Json.Serialization;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.Http;

/// <summary>Bricks to add to a volume.</summary>
/// <param name="Bricks">"HOST:/PATH" each.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AddBrickMessage(IReadOnlyList<string> Bricks)
{
    /// <summary>Copies of each file after it; 0 leaves it.</summary>
    public int ReplicaCount { get; init; }

    /// <summary>Arbiters of a set; null leaves it.</summary>
    public int? ArbiterCount { get; init; }

    /// <summary>Take directories that are used otherwise or lie on the root file system.</summary>
    public bool Force { get; init; }
}

/// <summary>A new brick in the place of one of a replica set.</summary>
/// <param name="Source">The brick that goes, "HOST:/PATH".</param>
/// <param name="Target">The brick that comes, "HOST:/PATH".</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ReplaceBrickMessage(string Source, string Target)
{
    /// <summary>Take a directory that is used otherwise or lies on the root file system.</summary>
    public bool Force { get; init; }
}

/// <summary>A brick of a replica set whose directory is renewed.</summary>
/// <param name="Source">"HOST:/PATH".</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ResetBrickMessage(string Source)
{
    /// <summary>
    /// The same brick, when the directory is renewed and can be taken; null takes the brick out of service before.
    /// </summary>
    public string? Target { get; init; }

    /// <summary>Take a directory that is used otherwise or lies on the root file system.</summary>
    public bool Force { get; init; }
}

/// <summary>What bricks counted. A brick that did not answer has a problem and no value.</summary>
/// <param name="Op">start, stop, info or clear.</param>
/// <param name="Bricks">Of info and clear.</param>
public sealed record ProfileMessage(string Volume, string Op, IReadOnlyList<BrickReport<BrickProfile>> Bricks);

/// <param name="Metric">open, read, write, opendir, readdir, read-perf, write-perf or clear.</param>
public sealed record TopMessage(string Volume, string Metric, IReadOnlyList<BrickReport<BrickTop>> Bricks);

/// <summary>The value of a brick is the path of its dump on the node of the brick.</summary>
public sealed record StatedumpMessage(string Volume, IReadOnlyList<BrickReport<string>> Bricks);

/// <summary>The value of a brick is what it says that it has cleared; one without the path has a problem.</summary>
public sealed record ClearLocksMessage(string Volume, IReadOnlyList<BrickReport<string>> Bricks);

public sealed record VolumeClientsMessage(string Volume, IReadOnlyList<BrickReport<BrickClients>> Bricks);

/// <summary>What a brick holds in memory; the one that was asked for is not null.</summary>
public sealed record BrickInternals(BrickMemory? Memory, BrickInodes? Inodes, BrickFds? Fds, BrickCalls? Calls)
{
    public BrickLeases? Leases { get; init; }
}

/// <param name="Kind">mem, inode, fd, callpool or leases.</param>
public sealed record VolumeInternalsMessage(
    string Volume, string Kind, IReadOnlyList<BrickReport<BrickInternals>> Bricks);

/// <summary>Something was done that has no result of its own.</summary>
public sealed record DoneMessage(string Volume, string Text);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AddBrickMessage))]
[JsonSerializable(typeof(ReplaceBrickMessage))]
[JsonSerializable(typeof(ResetBrickMessage))]
[JsonSerializable(typeof(ProfileMessage))]
[JsonSerializable(typeof(TopMessage))]
[JsonSerializable(typeof(StatedumpMessage))]
[JsonSerializable(typeof(ClearLocksMessage))]
[JsonSerializable(typeof(VolumeClientsMessage))]
[JsonSerializable(typeof(VolumeInternalsMessage))]
[JsonSerializable(typeof(DoneMessage))]
public sealed partial class BrickAdminMessageJson : JsonSerializerContext;
