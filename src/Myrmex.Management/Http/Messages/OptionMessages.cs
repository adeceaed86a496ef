using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>An option and its value in force.</summary>
/// <param name="Value">Null when it has none.</param>
/// <param name="IsDefault">Nobody has set it.</param>
public sealed record OptionMessage(string Key, string? Value, bool IsDefault);

public sealed record OptionListMessage(IReadOnlyList<OptionMessage> Options) : ITagged
{
    /// <summary>Of the volume, or of all options of the cluster.</summary>
    [JsonIgnore]
    public string? Tag { get; init; }
}

/// <summary>What an option is to be.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SettingMessage(string Key, string Value);

/// <summary>Settings that are made together or not at all.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SettingListMessage(IReadOnlyList<SettingMessage> Options);

/// <summary>What an option is for.</summary>
public sealed record OptionHelpMessage(string Key, string? Default, string Help)
{
    /// <summary>The values that are taken, in words.</summary>
    public string Range { get; init => field = value ?? string.Empty; } = string.Empty;

    /// <summary>
    /// works, gluster-clients, none (taken, and changes nothing in this version) or refused (only the default is
    /// taken).
    /// </summary>
    public string Effect { get; init => field = value ?? "works"; } = "works";

    /// <summary>It is set for all volumes at once.</summary>
    public bool IsClusterWide { get; init; }
}

/// <summary>Settings that belong together, under a name.</summary>
public sealed record OptionGroupMessage(string Name, IReadOnlyList<SettingMessage> Options);

public sealed record OptionHelpListMessage(IReadOnlyList<OptionHelpMessage> Options);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(OptionListMessage))]
[JsonSerializable(typeof(SettingListMessage))]
[JsonSerializable(typeof(OptionHelpListMessage))]
[JsonSerializable(typeof(OptionGroupMessage))]
public sealed partial class OptionMessageJson : JsonSerializerContext;
