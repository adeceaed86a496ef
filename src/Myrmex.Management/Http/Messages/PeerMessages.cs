using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>A node of the cluster.</summary>
public sealed record PeerMessage(string Id, string HostName, bool Connected, bool IsLocal)
{
    /// <summary>Further names of the node.</summary>
    public IReadOnlyList<string> OtherNames { get; init; } = [];

    /// <summary>Set by administrators, e.g. rack and site.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

public sealed record PeerListMessage(IReadOnlyList<PeerMessage> Peers);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(PeerMessage))]
[JsonSerializable(typeof(PeerListMessage))]
public sealed partial class PeerMessageJson : JsonSerializerContext;
