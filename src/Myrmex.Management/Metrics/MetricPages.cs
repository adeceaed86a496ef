using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Myrmex.Management.Metrics;

/// <summary>
/// One page out of those of several processes: every family once, and what all processes have told apart by the label
/// <c>process</c>. Source: Prometheus text format 0.0.4, which wants the samples of a family together.
/// </summary>
public static class MetricPages
{
    private const string Help = "# HELP ";
    private const string Type = "# TYPE ";

    private static readonly HashSet<string> OfAll =
        [.. MetricTable.Everything.Where(m => m.Processes == "all").Select(m => m.Name)];

    public static string Merge(params IEnumerable<(string Process, string Page)> pages)
    {
        var order = new List<string>();
        var families = new Dictionary<string, Family>(StringComparer.Ordinal);
        foreach (var (process, page) in pages)
        {
            var current = string.Empty;
            foreach (var line in page.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var isHead = line.StartsWith(Help, StringComparison.Ordinal)
                    || line.StartsWith(Type, StringComparison.Ordinal);
                var name = isHead ? NameOf(line[Help.Length..]) : NameOf(line);
                current = isHead || !IsOf(current, name) ? name : current;
                if (!families.TryGetValue(current, out var family))
                {
                    families.Add(current, family = new Family());
                    order.Add(current);
                }

                family.Add(isHead ? line : OfAll.Contains(current) ? Labelled(line, process) : line, isHead);
            }
        }

        return string.Concat(order.Select(name => families[name].ToString()));
    }

    private static string NameOf(string line) => line[..(line.AsSpan().IndexOfAny(' ', '{') is var end and >= 0
        ? end : line.Length)];

    /// <summary>A summary has samples of two more names.</summary>
    private static bool IsOf(string family, string name) =>
        name == family || name == family + "_sum" || name == family + "_count";

    private static string Labelled(string sample, string process)
    {
        var end = NameOf(sample).Length;
        var label = $"process=\"{process}\"";
        return sample[end] == '{'
            ? $"{sample[..end]}{{{label},{sample[(end + 1)..]}" : $"{sample[..end]}{{{label}}}{sample[end..]}";
    }

    private sealed class Family
    {
        private readonly List<string> _head = [];
        private readonly StringBuilder _samples = new();

        public void Add(string line, bool isHead)
        {
            if (!isHead)
            {
                _samples.Append(line).Append('\n');
            }
            else if (!_head.Contains(line))
            {
                _head.Add(line);
            }
        }

        public override string ToString() => string.Concat(_head.Select(h => h + "\n")) + _samples;
    }
}
