using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>A node of the cluster.</summary>
public sealed record PeerMessage(string Id, string HostName, bool Connected, bool IsLocal)
{
    private static readonly Dictionary<string, string> NoLabels = [];

    /// <summary>Further names of the node.</summary>
    public IReadOnlyList<string> OtherNames { get; init => field = value ?? []; } = [];

    /// <summary>Set by administrators, e.g. rack and site.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init => field = value ?? NoLabels; } = NoLabels;
}

public sealed record PeerListMessage(IReadOnlyList<PeerMessage> Peers);

/// <summary>A machine to take into the cluster.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ProbeMessage(string Host);

/// <param name="Outcome">"joined", "local" when it is this node, "member" when it was one already.</param>
public sealed record ProbedMessage(string Outcome, PeerMessage Peer);

/// <summary>Changes of a node's labels.</summary>
/// <param name="Set">Labels with their values.</param>
/// <param name="Remove">Names of labels.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record LabelsMessage(IReadOnlyDictionary<string, string> Set, IReadOnlyList<string> Remove);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PeerMessage))]
[JsonSerializable(typeof(PeerListMessage))]
[JsonSerializable(typeof(ProbeMessage))]
[JsonSerializable(typeof(ProbedMessage))]
[JsonSerializable(typeof(LabelsMessage))]
public sealed partial class PeerMessageJson : JsonSerializerContext;
