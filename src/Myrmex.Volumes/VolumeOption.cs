using System;
using System.Collections.Generic;
using System.Globalization;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>The graph an option acts on.</summary>
public enum GraphSide
{
    Client,
    Brick,
}

/// <summary>Where a volume option goes: an option of one translator type in one kind of graph.</summary>
/// <param name="Key">Name in the volume file; <c>{brick}</c> stands for the path of the brick.</param>
public readonly record struct OptionTarget(GraphSide Side, string Type, string Key);

/// <summary>
/// An option of <c>volume set</c>. Without targets it decides about the shape of a graph or about management itself.
/// </summary>
public sealed record VolumeOption(OptionDeclaration Declaration, IReadOnlyList<OptionTarget> Targets)
{
    public string Key => Declaration.Key;

    /// <summary>Set when a volume is created and kept by <c>volume reset</c> without <c>force</c>.</summary>
    public string? AtCreation { get; init; }

    public OptionEffect Effect { get; init; }

    /// <summary>Help with a word about options that do not do what they do in GlusterFS.</summary>
    public string Help => Effect switch
    {
        OptionEffect.GlusterClients => $"{Declaration.Help} (For GlusterFS clients.)",
        OptionEffect.None => $"{Declaration.Help} (Taken; has no effect in this version.)",
        OptionEffect.Refused => $"{Declaration.Help} (Not in this version: only {Declaration.Default} is taken.)",
        _ => Declaration.Help,
    };

    /// <summary>The value is a percentage, or a size in bytes.</summary>
    public bool IsPercentOrSize { get; init; }

    /// <summary>The effect as the REST interface says it.</summary>
    public string EffectText => Effect switch
    {
        OptionEffect.GlusterClients => "gluster-clients",
        OptionEffect.None => "none",
        OptionEffect.Refused => "refused",
        _ => "works",
    };

    /// <summary>The values that are taken, in words.</summary>
    public string RangeText => Declaration.Kind switch
    {
        OptionKind.Boolean => "on, off",
        OptionKind.Choice => string.Join(", ", Declaration.Choices),
        OptionKind.Integer => $"number{Bounds()}",
        OptionKind.Size => $"size{Bounds()}",
        OptionKind.Percent => $"percent{Bounds()}",
        OptionKind.Time => $"seconds{Bounds()}",
        _ when IsPercentOrSize => "percent or size",
        _ => "text",
    };

    /// <summary>Null when the value can be set, else why not, in GlusterFS' words where it has the case.</summary>
    public string? Problem(string value)
    {
        if (Declaration.Check(value) is { } problem)
        {
            return Words(value, problem);
        }

        if (IsPercentOrSize && PercentOrSizeProblem(value) is { } unfit)
        {
            return unfit;
        }

        return Effect != OptionEffect.Refused || Means(value, Declaration.Default!) ? null
            : $"'option {Key} {value}' is not supported by this version: only {Declaration.Default} is";
    }

    /// <summary>The same, also when one says "off" and the other "no".</summary>
    private static bool Means(string value, string other) =>
        OptionText.TryBoolean(value, out var one) && OptionText.TryBoolean(other, out var two)
            ? one == two : string.Equals(value, other, StringComparison.OrdinalIgnoreCase);

    private string? PercentOrSizeProblem(string value)
    {
        var name = Targets.Count > 0 ? Targets[0].Key : Key;
        if (!value.EndsWith('%'))
        {
            return OptionText.TrySize(value, out _) ? null : $"invalid number format \"{value}\" in \"option {name}\"";
        }

        return !OptionText.TryPercent(value, out var percent)
            ? $"invalid number format \"{value}\" in \"option {name}\""
            : percent is >= 0 and <= 100 ? null : string.Create(
                CultureInfo.InvariantCulture,
                $"'{percent:F6}' in 'option {name} {value}' is out of range [0 - 100]");
    }

    // GlusterFS names the option of the translator, and writes each kind of mistake in its own way.
    private string Words(string value, string problem)
    {
        var name = Targets.Count > 0 && !Targets[0].Key.Contains('{') ? Targets[0].Key : Key;
        if (problem.StartsWith("is out of range", StringComparison.Ordinal))
        {
            var number = Declaration.Kind == OptionKind.Percent && OptionText.TryPercent(value, out var percent)
                ? percent.ToString("F6", CultureInfo.InvariantCulture) : value;
            return double.IsInfinity(Declaration.Maximum)
                ? string.Create(CultureInfo.InvariantCulture,
                    $"'{number}' in 'option {name} {value}' is smaller than minimum value '{Declaration.Minimum}'")
                : $"'{number}' in 'option {name} {value}' {problem}";
        }

        return Declaration.Kind switch
        {
            OptionKind.Boolean when Targets.Count == 0 =>
                $"{value} is not a valid boolean value. {Key} expects a valid boolean value.",
            OptionKind.Boolean => $"option {name} {value}: '{value}' is not a valid boolean value",
            OptionKind.Choice => $"option {name} {value}: '{value}' is not valid "
                + $"(possible options are {string.Join(", ", Declaration.Choices)}.)",
            OptionKind.Time => $"invalid time format \"{value}\" in \"option {name}\"",
            OptionKind.Percent => $"invalid percent format \"{value}\" in \"option {name}\"",
            _ => $"invalid number format \"{value}\" in option \"{name}\"",
        };
    }

    private string Bounds() => (double.IsInfinity(Declaration.Minimum), double.IsInfinity(Declaration.Maximum)) switch
    {
        (true, true) => string.Empty,
        (false, true) => string.Create(CultureInfo.InvariantCulture, $" from {Declaration.Minimum}"),
        _ => string.Create(
            CultureInfo.InvariantCulture, $" from {Declaration.Minimum} to {Declaration.Maximum}"),
    };
}
