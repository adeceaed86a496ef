using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>What a node did of a rebalance.</summary>
/// <param name="Status">
/// GlusterFS' number: 0 not started, 1 in progress, 2 stopped, 3 completed, 4 failed, 5 to 8 the same of fix-layout.
/// </param>
/// <param name="StatusText">The same in words.</param>
public sealed record RebalanceNodeMessage(
    string Node, string HostName, long Files, long SizeBytes, long Lookups, long Failures, long Skipped, int Status,
    string StatusText, double RuntimeSeconds);

/// <param name="TaskId">Empty when none was ever started.</param>
/// <param name="Kind">fix-layout or rebalance.</param>
public sealed record RebalanceMessage(
    string Volume, string TaskId, string Kind, IReadOnlyList<RebalanceNodeMessage> Nodes);

/// <summary>Long work.</summary>
/// <param name="State">waiting, running, done, failed or stopped.</param>
/// <param name="Node">Identity of the node that does it, or null.</param>
/// <param name="Progress">Counters whose names depend on the kind.</param>
/// <param name="Error">Why it failed, or null.</param>
public sealed record TaskMessage(
    string Id, string Kind, string State, string? Volume, string? Node, IReadOnlyDictionary<string, long> Progress,
    long StartedUnixMs, long ChangedUnixMs, string? Error);

public sealed record TaskListMessage(IReadOnlyList<TaskMessage> Tasks);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RebalanceMessage))]
[JsonSerializable(typeof(TaskMessage))]
[JsonSerializable(typeof(TaskListMessage))]
public sealed partial class RebalanceMessageJson : JsonSerializerContext;
