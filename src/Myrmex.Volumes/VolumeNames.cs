using System;

namespace Myrmex.Volumes;

/// <summary>What may be the name of a volume or the text of a setting.</summary>
public static class VolumeNames
{
    /// <summary>Characters of the longest name.</summary>
    public const int LengthMax = 255;

    /// <summary>Characters of the longest value of a setting.</summary>
    public const int ValueLengthMax = 32 << 10;

    /// <summary>Null for a good name, else what is wrong, in GlusterFS' words.</summary>
    public static string? Problem(string name)
    {
        if (name == "all")
        {
            return "\"all\" cannot be the name of a volume.";
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return $"Volume name should not contain \"{c}\" character.\n"
                    + "Volume names can only contain alphanumeric, '-' and '_' characters.";
            }
        }

        return name.Length is 0 or > LengthMax ? $"Volume name must have 1 to {LengthMax} characters." : null;
    }

    /// <summary>
    /// Null for text that can stand in a volume file, else what is wrong. Backquotes are refused because other parsers
    /// of volume files run what is between them.
    /// </summary>
    public static string? ValueProblem(string value)
    {
        if (value.Length is 0 or > ValueLengthMax)
        {
            return $"must have 1 to {ValueLengthMax} characters";
        }

        return value.AsSpan().IndexOfAnyInRange('\0', '\u001F') >= 0 || value.Contains('`')
            ? "must not contain line breaks, control characters or backquotes" : null;
    }
}
