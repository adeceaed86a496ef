using System.Text.Json.Serialization;

namespace Myrmex.Management.Nodes;

/// <summary>JSON of what is kept of nodes in the store and in files.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(NodeRecord))]
[JsonSerializable(typeof(NodeLife))]
internal sealed partial class NodeJson : JsonSerializerContext;
