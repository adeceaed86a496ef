using System;
using System.Collections.Generic;
using System.Text.Json;

namespace Myrmex.Management.Nodes;

/// <summary>
/// The place in a cluster that a node was offered, under <c>local/joining</c> in its own file. The cluster decides by
/// the node's record: once it is there, the join is confirmed and takes effect when the daemon opens its store next.
/// Contains the new private key: never logged, never sent.
/// </summary>
internal sealed record PendingJoin
{
    public required IdentityRecord Identity { get; init; }

    /// <summary>How the cluster's store is reached: becomes <c>local/store</c>.</summary>
    public required string Store { get; init; }

    /// <summary>The members at that time, to ask whether the record is there.</summary>
    public required IReadOnlyList<NodeRecord> Members { get; init; }

    /// <summary>The record is known to be there.</summary>
    public bool IsConfirmed { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, NodeJson.Default.PendingJoin);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static PendingJoin FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, NodeJson.Default.PendingJoin) ?? throw new JsonException("no join");

    /// <summary>Without the key, in case it is ever written somewhere.</summary>
    public override string ToString() => $"join of {Identity}";
}
