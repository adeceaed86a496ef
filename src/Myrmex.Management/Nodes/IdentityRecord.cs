using System;
using System.Text.Json;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>
/// Who this node is, under <c>local/identity</c> in its own file: the one truth, of which the files in the identity
/// directory are copies for other programs. Holds the private key: never logged, never sent.
/// </summary>
internal sealed record IdentityRecord
{
    public required string ClusterId { get; init; }

    public required NodeId Id { get; init; }

    /// <summary>Private key, PKCS#8 PEM.</summary>
    public required string Key { get; init; }

    /// <summary>Certificate of the node, PEM.</summary>
    public required string Certificate { get; init; }

    /// <summary>Certificate of the authority, PEM.</summary>
    public required string Authority { get; init; }

    /// <summary>
    /// False until the node has been a member: then it is entered again when its record is missing; later a missing
    /// record means that it was detached.
    /// </summary>
    public bool IsEntered { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, NodeJson.Default.IdentityRecord);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static IdentityRecord FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, NodeJson.Default.IdentityRecord) ?? throw new JsonException("no identity");

    /// <summary>Without the key, in case it is ever written somewhere.</summary>
    public override string ToString() => $"identity of {Id} in cluster {ClusterId}";
}
