using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text.Json;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>
/// A node of the cluster, under <c>node/ID</c>: it is a member as long as this record is there. Written by the join, by
/// detach and label, and by the node itself (host name, addresses, ports, certificate).
/// </summary>
internal sealed record NodeRecord
{
    private static readonly ImmutableSortedDictionary<string, string> NoLabels =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public required NodeId Id { get; init; }

    /// <summary>
    /// Names under which administrators know the node, the first one is shown; never empty. No other node has one of
    /// them.
    /// </summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>What the machine calls itself.</summary>
    public required string HostName { get; init; }

    /// <summary>Addresses of its interfaces without loopback, or the one it is bound to; text, sorted.</summary>
    public IReadOnlyList<string> Addresses { get; init => field = value ?? []; } = [];

    /// <summary>Port of volume files and the port map.</summary>
    public int ManagementPort { get; init => field = value == 0 ? NodeLimits.ManagementPortDefault : value; } =
        NodeLimits.ManagementPortDefault;

    /// <summary>Port on which its daemon serves the other nodes.</summary>
    public int NodePort { get; init => field = value == 0 ? NodeLimits.NodePortDefault : value; } =
        NodeLimits.NodePortDefault;

    /// <summary>SHA-256 of the certificate it shows, as 64 lower case hexadecimal digits.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>
    /// While a new certificate takes the place of the old one: the fingerprint of the new one, which counts as well.
    /// </summary>
    public string? NextFingerprint { get; init; }

    /// <summary>Its public key: SubjectPublicKeyInfo, base64.</summary>
    public required string PublicKey { get; init; }

    /// <summary>Set by administrators, e.g. <c>rack</c> and <c>site</c>.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init => field = value ?? NoLabels; } = NoLabels;

    /// <summary>Its proxy asks clients to go to others; set by administrators.</summary>
    public bool DrainsProxy { get; init; }

    /// <summary>How often administrators have asked for a new process in the place of its proxy.</summary>
    public int ProxyUpgrades { get; init; }

    /// <summary>When it became a member, milliseconds since 1970.</summary>
    public required long JoinedUnixMs { get; init; }

    /// <summary>The first node has 1; a number is never used twice, so that it orders the nodes by age.</summary>
    public required long Sequence { get; init; }

    /// <summary>The name that is shown.</summary>
    public string Name => Names[0];

    /// <summary>True for one of the node's names; letter case does not count, as in DNS.</summary>
    public bool HasName(string name)
    {
        foreach (var own in Names)
        {
            if (string.Equals(own, name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, NodeJson.Default.NodeRecord);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static NodeRecord FromBytes(ReadOnlySpan<byte> bytes)
    {
        var record = JsonSerializer.Deserialize(bytes, NodeJson.Default.NodeRecord);
        return record is { Names.Count: > 0 } ? record : throw new JsonException("the node has no name");
    }
}
