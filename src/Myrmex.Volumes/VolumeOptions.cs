using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>
/// The one table of volume options: <c>volume set</c> and its help, checks, volume files and the reference page come
/// from it. Keys, defaults and ranges are GlusterFS' where the meaning is the same.
/// </summary>
public static partial class VolumeOptions
{
    /// <summary>Keys with this prefix are free-form notes of the administrator.</summary>
    public const string UserPrefix = "user.";

    private const string ExportMark = "{brick}";
    private const int ClosestLengthMax = 256; // Comparing costs the product of the lengths.

    /// <summary>Every option, in the order of help and <c>volume get VOL all</c>.</summary>
    public static IReadOnlyList<VolumeOption> All { get; } = [.. Table(), .. MoreTable()];

    private static readonly Dictionary<string, VolumeOption> ByKey =
        All.ToDictionary(o => o.Key, StringComparer.Ordinal);

    /// <summary>What a new volume has set, the newest first.</summary>
    public static IReadOnlyList<VolumeSetting> AtCreation { get; } =
        [.. All.Where(o => o.AtCreation is not null).Select(o => new VolumeSetting(o.Key, o.AtCreation!))];

    public static VolumeOption? Find(string key) => ByKey.GetValueOrDefault(key);

    public static bool IsUserKey(string key) =>
        key.Length > UserPrefix.Length && key.StartsWith(UserPrefix, StringComparison.Ordinal);

    /// <summary>The value in force: what was set, else the default; empty when there is neither.</summary>
    public static string Effective(Volume volume, string key) =>
        volume.Setting(key) ?? Find(key)?.Declaration.Default ?? string.Empty;

    public static bool IsOn(Volume volume, string key) =>
        OptionText.TryBoolean(Effective(volume, key), out var on) && on;

    /// <summary>Null when the setting can be made, else why not, in GlusterFS' words.</summary>
    public static string? Problem(string key, string value)
    {
        var option = Find(key);
        if (option is null && !IsUserKey(key))
        {
            return key == ClusterOptions.OpVersion || key == ClusterOptions.MaxOpVersion
                ? $"Option \"{key}\" is not valid for a single volume"
                : ClusterOptions.Find(key) is not null ? "Not a valid option for single volume"
                : $"option : {key} does not exist\nDid you mean {Closest(key)}?";
        }

        return VolumeNames.ValueProblem(value) is { } unfit
            ? $"the value of option {key} {unfit}" : option?.Problem(value);
    }

    /// <summary>The known key that differs least from <paramref name="key"/>.</summary>
    public static string Closest(string key) => Closest(key, All.Select(o => o.Key));

    internal static string Closest(string key, IEnumerable<string> keys) =>
        key.Length > ClosestLengthMax ? keys.First() : keys.MinBy(known => Distance(key, known))!;

    /// <summary>What the settings of <paramref name="volume"/> say for one translator, in table order.</summary>
    /// <param name="exports">Of a brick: what is said of a door is said of each of them.</param>
    internal static IEnumerable<KeyValuePair<string, string>> For(
        Volume volume, GraphSide side, string type, params IReadOnlyList<string> exports)
    {
        foreach (var option in All)
        {
            var value = volume.Setting(option.Key);
            if (value is null)
            {
                continue;
            }

            foreach (var target in option.Targets)
            {
                if (target.Side != side || target.Type != type)
                {
                    continue;
                }

                if (!target.Key.Contains(ExportMark, StringComparison.Ordinal))
                {
                    yield return new(target.Key, value);
                    continue;
                }

                foreach (var export in exports)
                {
                    yield return new(target.Key.Replace(ExportMark, export, StringComparison.Ordinal), value);
                }
            }
        }
    }

    /// <summary>Letters to insert, remove or exchange to get from one to the other (Levenshtein).</summary>
    private static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var exchange = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(exchange, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
