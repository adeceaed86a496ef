using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.NodeApi;

/// <param name="Token">Text of the join token; null for the file of the daemon.</param>
public sealed record JoinClusterMessage(string Host, string? Token);

/// <summary>The join token: a secret.</summary>
public sealed record TokenMessage(string Token);

/// <param name="Request">PKCS#10, PEM; the key stays with who asks.</param>
public sealed record CertificateRequestMessage(string Name, string Request);

/// <summary>Certificates, PEM.</summary>
public sealed record CertificateMessage(string Certificate, string Authority);

/// <summary>A certificate that counts.</summary>
public sealed record AdministratorMessage(string Name, string Fingerprint, long IssuedUnixMs, long EndsUnixMs);

public sealed record AdministratorListMessage(IReadOnlyList<AdministratorMessage> Administrators);

/// <summary>It is done.</summary>
public sealed record DoneMessage(string Host);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(JoinClusterMessage))]
[JsonSerializable(typeof(TokenMessage))]
[JsonSerializable(typeof(CertificateRequestMessage))]
[JsonSerializable(typeof(CertificateMessage))]
[JsonSerializable(typeof(AdministratorListMessage))]
[JsonSerializable(typeof(DoneMessage))]
public sealed partial class TrustMessageJson : JsonSerializerContext;
