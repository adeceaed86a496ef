using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>What a node found.</summary>
/// <param name="Problem">Why it could not be asked; null when it answered.</param>
/// <param name="Findings">What does not agree; empty when all is well.</param>
public sealed record NodeAuditMessage(string Node, string HostName, string? Problem, IReadOnlyList<string> Findings);

public sealed record AuditMessage(IReadOnlyList<NodeAuditMessage> Nodes);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(NodeAuditMessage))]
[JsonSerializable(typeof(AuditMessage))]
public sealed partial class AuditMessageJson : JsonSerializerContext;
