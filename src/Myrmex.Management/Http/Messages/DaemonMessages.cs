using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>The daemon that answers.</summary>
public sealed record DaemonMessage(string Version, string NodeId, string HostName, int Port, int Pid)
{
    public string WorkingDirectory { get; init => field = value ?? string.Empty; } = string.Empty;
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
