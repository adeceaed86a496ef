using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Coordination;

namespace Myrmex.Management.Cluster;

/// <summary>Options that hold for the whole cluster, set by <c>volume set all</c>: a JSON object of texts.</summary>
internal static class ClusterOptionValues
{
    private const int TagBytes = 16;

    public static IReadOnlyDictionary<string, string> Read(StateEntry? entry) => entry is null
        ? new Dictionary<string, string>()
        : JsonSerializer.Deserialize(entry.Value.Span, ClusterOptionsJson.Default.DictionaryStringString)
            ?? new Dictionary<string, string>();

    public static byte[] ToBytes(Dictionary<string, string> options) =>
        JsonSerializer.SerializeToUtf8Bytes(options, ClusterOptionsJson.Default.DictionaryStringString);

    /// <summary>
    /// Entity tag of the settings: made of them alone, so that it stays when the cluster moves to another store.
    /// </summary>
    public static string TagOf(IReadOnlyDictionary<string, string> options)
    {
        var sorted = new Dictionary<string, string>(options.OrderBy(o => o.Key, StringComparer.Ordinal));
        return $"\"{Convert.ToHexStringLower(SHA256.HashData(ToBytes(sorted)).AsSpan(0, TagBytes))}\"";
    }
}

[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class ClusterOptionsJson : JsonSerializerContext;
