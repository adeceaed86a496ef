using System.Collections.Generic;
using System.Text.Json.Serialization;
using Myrmex.Management.Cluster;

namespace Myrmex.Management.Http;

/// <summary>Events in the order in which they happened.</summary>
/// <param name="Next">What to ask for after these: the number of the last one, or what was asked for.</param>
public sealed record EventListMessage(IReadOnlyList<ClusterEvent> Events, long Next);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(EventListMessage))]
public sealed partial class EventMessageJson : JsonSerializerContext;
