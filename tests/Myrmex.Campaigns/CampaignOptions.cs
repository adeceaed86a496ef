using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Myrmex.Campaigns;

/// <summary>The words after a campaign's name: <c>--name value</c> or <c>--name</c> alone.</summary>
internal sealed class CampaignOptions
{
    public const string Seed = "seed";
    public const string Smoke = "smoke";

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private CampaignOptions()
    {
    }

    /// <summary>The options as a command line, to repeat the run.</summary>
    public string Line { get; private set; } = "";

    public static CampaignOptions Parse(IReadOnlyList<string> words, Campaign campaign)
    {
        var options = new CampaignOptions { Line = string.Join(' ', words.Select(w => w.Contains(' ') ? $"'{w}'" : w)) };
        for (var i = 0; i < words.Count; i++)
        {
            var name = words[i].StartsWith("--", StringComparison.Ordinal) ? words[i][2..] : "";
            if (name is not (Seed or Smoke) && !campaign.Options.ContainsKey(name))
            {
                throw new ArgumentException($"{campaign.Name} has no option {words[i]}");
            }

            var hasValue = i + 1 < words.Count && !words[i + 1].StartsWith("--", StringComparison.Ordinal);
            options._values[name] = hasValue ? words[++i] : "";
        }

        return options;
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public string Text(string name, string otherwise) => _values.GetValueOrDefault(name, otherwise);

    public long Number(string name, long otherwise) =>
        !_values.TryGetValue(name, out var text) ? otherwise
        : long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number
        : throw new ArgumentException($"--{name} wants a number, not '{text}'");
}
