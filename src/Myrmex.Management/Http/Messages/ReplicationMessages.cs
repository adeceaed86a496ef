using System.Collections.Generic;
using System.Text.Json.Serialization;
using Myrmex.Graph;

namespace Myrmex.Management.Http;

/// <summary>The replica sets of a volume with journals.</summary>
public sealed record ReplicationMessage(string Volume, IReadOnlyList<ReplicaSetMessage> Sets);

/// <summary>Bricks that hold the same files.</summary>
/// <param name="Number">In the volume, for ever.</param>
/// <param name="Id">Identity of the set.</param>
/// <param name="Mode">
/// quorum: a change is made when a majority has it on disk. in-sync: when all members have it that are in step.
/// </param>
/// <param name="Leader">Number of the member that serves; null when none says so.</param>
public sealed record ReplicaSetMessage(
    int Number, string Id, string Mode, int? Leader, IReadOnlyList<ReplicaMemberMessage> Members)
{
    /// <summary>Number of the member that should lead, others being equal; null when nobody says so.</summary>
    public int? Preferred { get; init; }
}

/// <summary>A brick of a set.</summary>
/// <param name="Node">Id of the node, in text.</param>
/// <param name="Online">Clients could use it.</param>
/// <param name="Lag">Entries that it lacks on disk; null when nobody knows.</param>
/// <param name="Report">What the member says of itself; null when it did not answer.</param>
/// <param name="Problem">Why there is no report, or what is wrong with the member.</param>
public sealed record ReplicaMemberMessage(
    int Member, string Host, string Path, string Node, bool Online, ulong? Lag, ReplicaReport? Report, string? Problem)
{
    /// <summary>The copy that it gets, as it says itself, or else as the leader says; null when it gets none.</summary>
    public ReplicaCopyReport? Copy { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ReplicationMessage))]
public sealed partial class ReplicationMessageJson : JsonSerializerContext;
