using System;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Base;

namespace Myrmex.Volumes;

/// <summary>Identity of a volume for its whole life; also <c>trusted.glusterfs.volume-id</c> on its bricks.</summary>
[JsonConverter(typeof(VolumeIdJson))]
public readonly record struct VolumeId(Gfid Value)
{
    public override string ToString() => Value.ToString();
}

/// <summary>Identity of a storage node.</summary>
[JsonConverter(typeof(NodeIdJson))]
public readonly record struct NodeId(Gfid Value)
{
    public override string ToString() => Value.ToString();
}

/// <summary>JSON form: the 36-character text.</summary>
public sealed class VolumeIdJson : JsonConverter<VolumeId>
{
    public override VolumeId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new(IdText.Parse(reader.GetString()));

    public override void Write(Utf8JsonWriter writer, VolumeId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>JSON form: the 36-character text.</summary>
public sealed class NodeIdJson : JsonConverter<NodeId>
{
    public override NodeId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new(IdText.Parse(reader.GetString()));

    public override void Write(Utf8JsonWriter writer, NodeId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

internal static class IdText
{
    public static Gfid Parse(string? text) =>
        Gfid.TryParse(text ?? string.Empty, out var id) ? id : throw new JsonException($"'{text}' is not an identity");
}
