using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>A brick that a node should serve, as it is.</summary>
/// <param name="Online">Clients can use it.</param>
/// <param name="Refused">The brick process runs and does not serve it; <paramref name="Reason"/> may say why.</param>
/// <param name="Port">0 when it has none.</param>
/// <param name="Pid">0 when its process does not run.</param>
internal sealed record BrickRun(
    string Volume, string Path, bool Online, bool Refused, string? Reason, int Port, int Pid);

/// <summary>A volume that the proxy of a node should serve.</summary>
/// <param name="Online">Clients can use it.</param>
/// <param name="Port">0 when it is not online.</param>
/// <param name="Pid">0 when it is not online.</param>
internal sealed record ProxyRun(string Volume, bool Online, int Port, int Pid)
{
    /// <summary>Who is left there; null unless it drains.</summary>
    public ProxyDrainState? Drain { get; init; }

    /// <summary>The last upgrade of the proxy that was asked for has failed; null when it has not.</summary>
    public FailedUpgrade? FailedUpgrade { get; init; }
}

/// <summary>An upgrade of a proxy that has failed: the former process goes on.</summary>
/// <param name="Number">Which one of all that were asked for on the node.</param>
/// <param name="Reason">Lines: what became of the new process, and what the log says.</param>
internal sealed record FailedUpgrade(int Number, string Reason);

/// <summary>The clients of a proxy that drains.</summary>
/// <param name="Leaving">They go elsewhere, and still use it.</param>
/// <param name="Staying">Those of GlusterFS, which cannot go: they are served on.</param>
internal sealed record ProxyDrainState(int Leaving, int Staying);

/// <summary>
/// What a node does, kept at <c>run/NODE</c> under the node's lease: it goes when the node is not heard of. It holds
/// the bricks that should be served, and those that still are although they should not.
/// </summary>
/// <param name="Revision">
/// The change of volumes or ops that the node has acted on: what it says is the state after it.
/// </param>
/// <param name="HasQuorum">Enough nodes live for volumes with server quorum.</param>
internal sealed record NodeRun(NodeId Node, long Revision, bool HasQuorum, IReadOnlyList<BrickRun> Bricks)
{
    /// <summary>The volumes that the proxy of the node should serve.</summary>
    public IReadOnlyList<ProxyRun> Proxies { get; init => field = value ?? []; } = [];

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, NodeRunJson.Default.NodeRun);

    public static NodeRun FromBytes(System.ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, NodeRunJson.Default.NodeRun) ?? throw new JsonException("no state of a node");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NodeRun))]
internal sealed partial class NodeRunJson : JsonSerializerContext;
