using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>Where the state of the cluster is.</summary>
/// <param name="Kind">embedded, external or managed.</param>
/// <param name="Endpoints">Members of etcd.</param>
/// <param name="Member">How the member of a managed etcd on this node does; null when it has none.</param>
public sealed record StoreMessage(string Kind, IReadOnlyList<string> Endpoints, string? Member);

/// <summary>Where the state of the cluster is to be.</summary>
/// <param name="Kind">managed or external.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MoveStoreMessage(string Kind)
{
    /// <summary>Of an external etcd, "HOST:PORT,...".</summary>
    public string? Endpoints { get; init; }

    public string? Prefix { get; init; }

    /// <summary>Files on every node, PEM.</summary>
    public string? CaFile { get; init; }

    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    public string? User { get; init; }

    /// <summary>File on every node with the password of the user.</summary>
    public string? PasswordFile { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StoreMessage))]
[JsonSerializable(typeof(MoveStoreMessage))]
public sealed partial class StoreMessageJson : JsonSerializerContext;
