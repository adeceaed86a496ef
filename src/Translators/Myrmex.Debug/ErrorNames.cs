using System;
using System.Collections.Generic;
using System.Globalization;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>Lists of error numbers in options: <c>EIO,ENOENT</c> or plain numbers.</summary>
internal static class ErrorNames
{
    /// <summary>Throws <see cref="GraphException"/> for a word that is neither an errno name nor a positive number.</summary>
    public static Errno[] Parse(string text)
    {
        var errors = new List<Errno>();
        foreach (var word in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var isNumber = int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            if (isNumber ? number == 0 : !Enum.TryParse(word, ignoreCase: true, out Errno _))
            {
                throw new GraphException($"'{word}' is not an error name or number");
            }

            errors.Add(isNumber ? (Errno)number : Enum.Parse<Errno>(word, ignoreCase: true));
        }

        return [.. errors];
    }
}
