using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>Which fops a test translator strikes and how often: a percentage and the option "enable".</summary>
internal readonly record struct FopChance(double Percent, FopSet Fops)
{
    private const string Enable = "enable";

    public static OptionDeclaration PercentOption(string key, string help) =>
        new(key, OptionKind.Percent, "10", help) { Minimum = 0, Maximum = 100, Live = true };

    public static OptionDeclaration EnableOption(string help) =>
        new(Enable, OptionKind.Text, null, help) { Live = true };

    /// <param name="standard">The fops when none are enabled by name.</param>
    public static FopChance Read(OptionValues options, string percentKey, FopSet standard)
    {
        var enable = options.Text(Enable);
        return new FopChance(options.Percent(percentKey), enable.Length > 0 ? FopSet.Parse(enable) : standard);
    }

    public bool Strikes(FopCode code, Dice dice) => Percent != 0 && Fops.Contains(code) && dice.Hits(Percent);
}
