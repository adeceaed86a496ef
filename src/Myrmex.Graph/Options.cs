using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Myrmex.Graph;

public enum OptionKind
{
    Text,
    Boolean,
    Integer,

    /// <summary>Bytes, with the suffixes KB, MB, GB, TB, PB (powers of 1024) or none.</summary>
    Size,

    /// <summary>Number with an optional % sign.</summary>
    Percent,

    /// <summary>Seconds, with the suffixes s, sec, min, hr, days, w.</summary>
    Time,

    /// <summary>One of a list of words.</summary>
    Choice,
}

/// <summary>
/// One option of a translator. From these tables come parsing, checks, <c>volume set help</c> and the reference pages.
/// </summary>
/// <param name="Key">Name in the volfile.</param>
/// <param name="Default">Text of the default; null when there is none.</param>
public sealed record OptionDeclaration(string Key, OptionKind Kind, string? Default, string Help)
{
    public double Minimum { get; init; } = double.NegativeInfinity;

    public double Maximum { get; init; } = double.PositiveInfinity;

    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>A change needs no new graph.</summary>
    public bool Live { get; init; }

    /// <summary>Null when <paramref name="value"/> is acceptable, else what is wrong with it.</summary>
    public string? Check(string value)
    {
        double number = 0;
        switch (Kind)
        {
            case OptionKind.Boolean:
                return OptionText.TryBoolean(value, out _) ? null : "is not on/off, yes/no, true/false, enable/disable or 1/0";
            case OptionKind.Choice:
                return Choices.Contains(value, StringComparer.OrdinalIgnoreCase) ? null : $"must be one of {string.Join(", ", Choices)}";
            case OptionKind.Integer:
                if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
                {
                    return "is not a whole number";
                }

                number = integer;
                break;
            case OptionKind.Size:
                if (!OptionText.TrySize(value, out var size))
                {
                    return "is not a size such as 65536, 64KB or 1GB";
                }

                number = size;
                break;
            case OptionKind.Percent:
                if (!OptionText.TryPercent(value, out number))
                {
                    return "is not a percentage such as 10 or 10%";
                }

                break;
            case OptionKind.Time:
                if (!OptionText.TryTime(value, out var seconds))
                {
                    return "is not a time such as 30, 5min or 2hr";
                }

                number = seconds;
                break;
        }

        return number < Minimum || number > Maximum
            ? string.Create(CultureInfo.InvariantCulture, $"is out of range [{Minimum} - {Maximum}]")
            : null;
    }
}

/// <summary>The options of one translator: what the volfile says, else the declared default.</summary>
public sealed class OptionValues
{
    private readonly Dictionary<string, OptionDeclaration> _declared;
    private readonly Dictionary<string, string> _given;

    /// <param name="declared">The translator's table. Keys given but not declared are kept and ignored.</param>
    public OptionValues(IEnumerable<OptionDeclaration> declared, IEnumerable<KeyValuePair<string, string>> given)
    {
        _declared = declared.ToDictionary(d => d.Key, StringComparer.Ordinal);
        _given = new Dictionary<string, string>(given, StringComparer.Ordinal);
    }

    public IReadOnlyDictionary<string, string> Given => _given;

    public IEnumerable<OptionDeclaration> Declared => _declared.Values;

    /// <summary>Throws <see cref="GraphException"/> for the first value that its declaration does not accept.</summary>
    public void Validate(string translator)
    {
        foreach (var (key, value) in _given)
        {
            if (_declared.TryGetValue(key, out var declaration) && declaration.Check(value) is { } problem)
            {
                throw new GraphException($"volume {translator}: option {key}: '{value}' {problem}");
            }
        }
    }

    public bool Has(string key) => _given.ContainsKey(key);

    /// <summary>The value or the default; empty when neither is there.</summary>
    public string Text(string key) =>
        _given.TryGetValue(key, out var value) ? value
        : _declared.TryGetValue(key, out var declaration) ? declaration.Default ?? string.Empty
        : string.Empty;

    /// <summary>What is between commas, without blanks and what is empty.</summary>
    public string[] Words(string key) =>
        Text(key).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public bool Boolean(string key) => OptionText.TryBoolean(Text(key), out var value) && value;

    public long Integer(string key) =>
        long.TryParse(Text(key), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;

    /// <summary>Bytes.</summary>
    public long Size(string key) => OptionText.TrySize(Text(key), out var value) ? value : 0;

    public double Percent(string key) => OptionText.TryPercent(Text(key), out var value) ? value : 0;

    /// <summary>Seconds.</summary>
    public long Time(string key) => OptionText.TryTime(Text(key), out var value) ? value : 0;
}

/// <summary>The words and suffixes of option values. Source: GlusterFS option grammar.</summary>
public static class OptionText
{
    public static bool TryBoolean(string text, out bool value)
    {
        value = text.ToLowerInvariant() is "1" or "on" or "yes" or "true" or "enable" or "enabled";
        return value || text.ToLowerInvariant() is "0" or "off" or "no" or "false" or "disable" or "disabled";
    }

    public static bool TrySize(string text, out long bytes)
    {
        bytes = 0;
        var upper = text.Trim().ToUpperInvariant();
        var end = upper.Length;
        while (end > 0 && !char.IsAsciiDigit(upper[end - 1]) && upper[end - 1] != '.')
        {
            end--;
        }

        int? shift = upper[end..].Trim() switch
        {
            "" or "B" => 0,
            "K" or "KB" => 10,
            "M" or "MB" => 20,
            "G" or "GB" => 30,
            "T" or "TB" => 40,
            "P" or "PB" => 50,
            _ => null,
        };
        if (shift is null || !double.TryParse(upper[..end], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number * Math.Pow(2, shift.Value) > long.MaxValue / 2)
        {
            return false;
        }

        bytes = (long)(number * Math.Pow(2, shift.Value));
        return true;
    }

    public static bool TryPercent(string text, out double percent) =>
        double.TryParse(text.Trim().TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out percent)
        && double.IsFinite(percent);

    public static bool TryTime(string text, out long seconds)
    {
        seconds = 0;
        var lower = text.Trim().ToLowerInvariant();
        var end = lower.Length;
        while (end > 0 && !char.IsAsciiDigit(lower[end - 1]))
        {
            end--;
        }

        long? unit = lower[end..].Trim() switch
        {
            "" or "s" or "sec" => 1,
            "m" or "min" => 60,
            "h" or "hr" => 3600,
            "d" or "days" => 86400,
            "w" or "wk" => 7 * 86400,
            _ => null,
        };
        if (unit is null || !long.TryParse(lower[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > long.MaxValue / unit.Value)
        {
            return false;
        }

        seconds = number * unit.Value;
        return true;
    }
}
