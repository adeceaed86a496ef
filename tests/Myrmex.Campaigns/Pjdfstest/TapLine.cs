using System;
using System.Collections.Generic;
using System.Globalization;

namespace Myrmex.Campaigns;

/// <summary>One result in the Test Anything Protocol: <c>ok 1 text</c> or <c>not ok 1 text</c>; "todo" tests may fail.</summary>
internal readonly record struct TapLine(int Number, bool IsOk, string Text)
{
    public static List<TapLine> ReadAll(IEnumerable<string> lines)
    {
        var results = new List<TapLine>();
        foreach (var line in lines)
        {
            var isBad = line.StartsWith("not ok ", StringComparison.Ordinal);
            if (!isBad && !line.StartsWith("ok ", StringComparison.Ordinal))
            {
                continue;
            }

            var words = line[(isBad ? 7 : 3)..].Split(' ', 2);
            var isTodo = line.Contains("# todo", StringComparison.OrdinalIgnoreCase);
            if (int.TryParse(words[0], CultureInfo.InvariantCulture, out var number))
            {
                results.Add(new TapLine(number, !isBad || isTodo, words.Length > 1 ? words[1] : ""));
            }
        }

        return results;
    }
}
