using System;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Myrmex.Volumes;

/// <summary>Volumes as the state store keeps them: JSON with camelCase names, unknown members ignored.</summary>
public static class VolumeJson
{
    public static byte[] ToBytes(Volume volume) =>
        JsonSerializer.SerializeToUtf8Bytes(volume, VolumeJsonContext.Default.Volume);

    /// <summary>Throws <see cref="JsonException"/> for anything that is not a volume.</summary>
    public static Volume FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, VolumeJsonContext.Default.Volume) ?? throw new JsonException("no volume");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = false)]
[JsonSerializable(typeof(Volume))]
internal sealed partial class VolumeJsonContext : JsonSerializerContext;
