using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Coordination;

namespace Myrmex.Management.Cluster;

/// <summary>Options that hold for the whole cluster, set by <c>volume set all</c>: a JSON object of texts.</summary>
internal static class ClusterOptionValues
{
    public static IReadOnlyDictionary<string, string> Read(StateEntry? entry) => entry is null
        ? new Dictionary<string, string>()
        : JsonSerializer.Deserialize(entry.Value.Span, ClusterOptionsJson.Default.DictionaryStringString)
            ?? new Dictionary<string, string>();

    public static byte[] ToBytes(Dictionary<string, string> options) =>
        JsonSerializer.SerializeToUtf8Bytes(options, ClusterOptionsJson.Default.DictionaryStringString);
}

[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class ClusterOptionsJson : JsonSerializerContext;
