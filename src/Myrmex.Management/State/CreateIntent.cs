using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Volumes;

namespace Myrmex.Management.State;

/// <summary>What a brick directory was before a command touched it, so that the command can be taken back.</summary>
/// <param name="Existed">The directory was there.</param>
/// <param name="HadInternals">Its .glusterfs was there.</param>
/// <param name="FormerVolumeId">Its trusted.glusterfs.volume-id in text form, or null.</param>
internal sealed record BrickBefore(string Path, bool Existed, bool HadInternals, string? FormerVolumeId);

/// <summary>
/// Written before <c>volume create</c> makes its first directory and deleted by the same transaction that stores the
/// volume. One that is found at start belongs to a daemon that died in between: what it did is taken back, because
/// nobody was told that it worked.
/// </summary>
internal sealed record CreateIntent(VolumeId VolumeId, IReadOnlyList<BrickBefore> Bricks)
{
    /// <summary>
    /// The node whose daemon made the directories, and takes them back; null in old ones: the only node.
    /// </summary>
    public string? Node { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, IntentJsonContext.Default.CreateIntent);

    public static CreateIntent FromBytes(System.ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, IntentJsonContext.Default.CreateIntent)
            ?? throw new JsonException("no intent");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CreateIntent))]
internal sealed partial class IntentJsonContext : JsonSerializerContext;
