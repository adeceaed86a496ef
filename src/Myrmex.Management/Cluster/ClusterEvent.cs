using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Something that has happened in the cluster. Kept below <c>event/</c> in the order of <see cref="Seq"/>, which has no
/// gaps and is the cursor of readers. Written by the transaction that made it happen.
/// </summary>
/// <param name="Seq">From 1; 0 before it is written.</param>
/// <param name="UnixMs">Clock of the node that wrote it; for people, not for order.</param>
/// <param name="Type">One of <see cref="EventTypes"/> or <see cref="Graph.ReplicaNewsTypes"/>.</param>
/// <param name="Volume">Name of the volume concerned, or null.</param>
/// <param name="Node">Identity of the node concerned, or null.</param>
public sealed record ClusterEvent(
    long Seq, long UnixMs, string Type, string? Volume, string? Node, IReadOnlyDictionary<string, string> Data)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ClusterEventJson.Default.ClusterEvent);

    public static ClusterEvent FromBytes(System.ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, ClusterEventJson.Default.ClusterEvent) ?? throw new JsonException("no event");

    /// <summary>The key's last part: decimal with leading zeros, so that keys sort as numbers.</summary>
    public static string NameOf(long seq) => seq.ToString("D20", CultureInfo.InvariantCulture);
}

/// <summary>
/// All types of events but those of members of replica sets, which are <see cref="Graph.ReplicaNewsTypes"/>. Names
/// follow GlusterFS' events where it has one.
/// </summary>
public static class EventTypes
{
    public const string VolumeCreate = "VOLUME_CREATE";
    public const string VolumeStart = "VOLUME_START";
    public const string VolumeStop = "VOLUME_STOP";
    public const string VolumeDelete = "VOLUME_DELETE";
    public const string VolumeSet = "VOLUME_SET";
    public const string VolumeReset = "VOLUME_RESET";
    public const string VolumeAddBrick = "VOLUME_ADD_BRICK";
    public const string BrickReplace = "BRICK_REPLACE";
    public const string BrickResetStart = "BRICK_RESET_START";
    public const string BrickResetCommit = "BRICK_RESET_COMMIT";
    public const string ClusterSet = "CLUSTER_SET";
    public const string CommandAborted = "COMMAND_ABORTED";
    public const string BrickConnected = "BRICK_CONNECTED";
    public const string BrickDisconnected = "BRICK_DISCONNECTED";
    public const string ServiceConnected = "SVC_CONNECTED";
    public const string ServiceDisconnected = "SVC_DISCONNECTED";
    public const string PeerAttach = "PEER_ATTACH";
    public const string PeerDetach = "PEER_DETACH";
    public const string PeerConnect = "PEER_CONNECT";
    public const string PeerDisconnect = "PEER_DISCONNECT";
    public const string PeerLabel = "PEER_LABEL";
    public const string ProxyDrain = "PROXY_DRAIN";
    public const string ProxyUndrain = "PROXY_UNDRAIN";
    public const string ProxyUpgrade = "PROXY_UPGRADE";
    public const string PeerRename = "PEER_RENAME";
    public const string QuorumLost = "QUORUM_LOST";
    public const string QuorumRegained = "QUORUM_REGAINED";
    public const string TaskStart = "TASK_START";
    public const string TaskEnd = "TASK_END";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClusterEvent))]
internal sealed partial class ClusterEventJson : JsonSerializerContext;
