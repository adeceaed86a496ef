using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Myrmex.Campaigns;

/// <summary>How long programs had no answer, by the way a proxy was lost.</summary>
internal sealed class Stalls
{
    private readonly SortedDictionary<string, List<TimeSpan>> _byKind = new(StringComparer.Ordinal);

    /// <summary>Proxies lost.</summary>
    public int Count { get; private set; }

    public void Add(string kind, TimeSpan stall)
    {
        if (!_byKind.TryGetValue(kind, out var list))
        {
            _byKind.Add(kind, list = []);
        }

        list.Add(stall);
        Count++;
    }

    public IEnumerable<(string Kind, string Text)> Lines() => _byKind.Select(k => (k.Key, TextOf([.. k.Value.Order()])));

    private static string TextOf(TimeSpan[] sorted) => string.Create(
        CultureInfo.InvariantCulture,
        $"{sorted.Length} times, without an answer for {Part(sorted, 50):0.00} s (p50), {Part(sorted, 90):0.00} s (p90), "
            + $"{Part(sorted, 99):0.00} s (p99), {sorted[^1].TotalSeconds:0.00} s at most; over 1 s {sorted.Count(s => s.TotalSeconds > 1)}, "
            + $"over 3 s {sorted.Count(s => s.TotalSeconds > 3)}");

    private static double Part(TimeSpan[] sorted, int percent) => sorted[(sorted.Length - 1) * percent / 100].TotalSeconds;
}
