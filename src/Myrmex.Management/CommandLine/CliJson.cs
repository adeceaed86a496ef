using System;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Myrmex.Management.CommandLine;

/// <summary>The JSON of <c>--json</c>: the messages of the REST interface, indented.</summary>
internal static class CliJson
{
    private static readonly JsonWriterOptions Indented =
        new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of<T>(T message, JsonTypeInfo<T> type)
    {
        using var buffer = new System.IO.MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented))
        {
            JsonSerializer.Serialize(writer, message, type);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)) + "\n";
    }
}
