using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>The daemon that answers.</summary>
public sealed record DaemonMessage(string Version, string NodeId, string HostName, int Port, int Pid)
{
    public string WorkingDirectory { get; init => field = value ?? string.Empty; } = string.Empty;

    /// <summary>The loopback port of the REST service and the page; 0 for none.</summary>
    public int HttpPort { get; init; }
}

/// <summary>All that is told to everyone: the daemon lives.</summary>
/// <param name="Status">Always "ok".</param>
public sealed record HealthMessage(string Status);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(DaemonMessage))]
[JsonSerializable(typeof(HealthMessage))]
public sealed partial class DaemonMessageJson : JsonSerializerContext;
