using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>Bricks to add to a volume.</summary>
/// <param name="Bricks">"HOST:/PATH" each.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AddBrickMessage(IReadOnlyList<string> Bricks)
{
    /// <summary>Copies of each file after it; 0 leaves it.</summary>
    public int ReplicaCount { get; init; }

    /// <summary>Take directories that are used otherwise or lie on the root file system.</summary>
    public bool Force { get; init; }
}

public sealed record BlockCountMessage(long Size, long Reads, long Writes);

public sealed record FopCountMessage(string Name, long Hits, double AverageNs, double MinimumNs, double MaximumNs);

/// <summary>What a brick did in a span of time.</summary>
/// <param name="Interval">Number of the interval; -1 for everything since the brick started.</param>
public sealed record ProfileStatsMessage(
    int Interval, long DurationSeconds, long BytesRead, long BytesWritten, IReadOnlyList<BlockCountMessage> Blocks,
    IReadOnlyList<FopCountMessage> Fops);

public sealed record BrickProfileMessage(
    string Host, string Path, ProfileStatsMessage? Cumulative, ProfileStatsMessage? Interval);

/// <param name="Op">start, stop, info or clear.</param>
public sealed record ProfileMessage(string Volume, string Op, IReadOnlyList<BrickProfileMessage> Bricks);

public sealed record TopFileMessage(string Name, long Count, double ThroughputMBps, long UnixMs);

/// <param name="MaxOpenUnixMs">When most files were open; 0 for never.</param>
/// <param name="ThroughputMBps">Of the test that read-perf and write-perf do; 0 without one.</param>
public sealed record BrickTopMessage(
    string Host, string Path, long CurrentOpen, long MaxOpen, long MaxOpenUnixMs, double ThroughputMBps,
    double TimeTakenUs, IReadOnlyList<TopFileMessage> Files);

/// <param name="Metric">open, read, write, opendir, readdir, read-perf, write-perf or clear.</param>
public sealed record TopMessage(string Volume, string Metric, IReadOnlyList<BrickTopMessage> Bricks);

/// <summary>A file that a dump was written to, on the machine of the brick.</summary>
public sealed record DumpFileMessage(string Host, string Path, string File);

public sealed record StatedumpMessage(string Volume, IReadOnlyList<DumpFileMessage> Files);

/// <param name="Blocked">Requests that waited and are refused now.</param>
/// <param name="Granted">Locks that were held.</param>
public sealed record ClearedLocksMessage(string Host, string Path, string Kind, int Blocked, int Granted);

public sealed record ClearLocksMessage(string Volume, IReadOnlyList<ClearedLocksMessage> Bricks);

public sealed record ClientMessage(string Host, long BytesRead, long BytesWritten, int OpVersion, string Name);

public sealed record BrickClientsMessage(
    string Host, string Path, string Node, bool Online, int Port, int Pid, IReadOnlyList<ClientMessage> Clients);

public sealed record VolumeClientsMessage(string Volume, IReadOnlyList<BrickClientsMessage> Bricks);

/// <summary>What a brick holds in memory, as names and values.</summary>
public sealed record BrickInternalsMessage(
    string Host, string Path, string Node, bool Online, int Port, int Pid, IReadOnlyList<OptionMessage> Values);

/// <param name="Kind">mem, inode, fd or callpool.</param>
public sealed record VolumeInternalsMessage(
    string Volume, string Kind, IReadOnlyList<BrickInternalsMessage> Bricks);

/// <summary>Something was done that has no result of its own.</summary>
public sealed record DoneMessage(string Volume, string Text);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AddBrickMessage))]
[JsonSerializable(typeof(ProfileMessage))]
[JsonSerializable(typeof(TopMessage))]
[JsonSerializable(typeof(StatedumpMessage))]
[JsonSerializable(typeof(ClearLocksMessage))]
[JsonSerializable(typeof(VolumeClientsMessage))]
[JsonSerializable(typeof(VolumeInternalsMessage))]
[JsonSerializable(typeof(DoneMessage))]
public sealed partial class BrickAdminMessageJson : JsonSerializerContext;
