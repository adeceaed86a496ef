using System.Text.Json.Serialization;

namespace Myrmex.Management.Nodes;

/// <summary>JSON of what is kept of nodes in the store and in files, and of what nodes say to each other.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, IgnoreReadOnlyProperties = true,
    UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(NodeRecord))]
[JsonSerializable(typeof(NodeLife))]
[JsonSerializable(typeof(IdentityRecord))]
[JsonSerializable(typeof(PendingJoin))]
[JsonSerializable(typeof(AdministratorRecord))]
[JsonSerializable(typeof(JoinHello))]
[JsonSerializable(typeof(JoinGreeting))]
[JsonSerializable(typeof(JoinStep))]
[JsonSerializable(typeof(JoinApplication))]
[JsonSerializable(typeof(JoinOffer))]
[JsonSerializable(typeof(JoinDone))]
[JsonSerializable(typeof(NodeAnswer))]
[JsonSerializable(typeof(NodeHealth))]
internal sealed partial class NodeJson : JsonSerializerContext;
