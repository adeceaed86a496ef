using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text.Json.Nodes;

namespace Myrmex.Campaigns;

/// <summary>A brick of a <see cref="ModelVolume"/>.</summary>
internal readonly record struct ModelBrick(string Node, string Path);

/// <summary>What the campaign knows of a volume: as it should be, or as the store has it.</summary>
/// <param name="Status">Created, Started or Stopped.</param>
/// <param name="Settings">Those with the campaign's keys.</param>
internal sealed record ModelVolume(
    string Name, string Status, ImmutableList<ModelBrick> Bricks, ImmutableSortedDictionary<string, string> Settings)
{
    /// <summary>Keys that nothing but the campaign sets, with values that are allowed.</summary>
    public static readonly IReadOnlyList<(string Key, string[] Values)> Keys =
    [
        ("performance.md-cache-timeout", ["1", "5", "60"]),
        ("network.ping-timeout", ["10", "20", "42"]),
        ("user.campaign", ["one", "two", "three"]),
    ];

    /// <summary>The volume as the store has it, with its id; throws for what is no volume.</summary>
    public static (ModelVolume Volume, string Id) Read(string json)
    {
        var node = JsonNode.Parse(json)!;
        var settings = node["settings"]!.AsArray().Select(s => (Key: $"{s!["key"]}", Value: $"{s["value"]}"))
            .Where(s => Keys.Any(k => k.Key == s.Key));
        var volume = new ModelVolume(
            $"{node["name"]}", $"{node["status"]}",
            [.. node["bricks"]!.AsArray().Select(b => new ModelBrick($"{b!["node"]}", $"{b["path"]}"))],
            settings.ToImmutableSortedDictionary(s => s.Key, s => s.Value, StringComparer.Ordinal));
        return (volume, $"{node["id"]}");
    }

    public bool IsSame(ModelVolume? other) =>
        other is not null && Name == other.Name && Status == other.Status && Bricks.SequenceEqual(other.Bricks)
        && Settings.SequenceEqual(other.Settings);

    public override string ToString() =>
        $"{Name} {Status} {string.Join(' ', Bricks.Select(b => b.Path))} {string.Join(' ', Settings.Select(s => $"{s.Key}={s.Value}"))}";
}
