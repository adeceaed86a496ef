using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>Options and counters of debug/error-gen.</summary>
internal sealed class ErrorGenState
{
    private const string PercentKey = "failure";

    private readonly Dice _dice;
    private Settings _settings;
    private long _failedCount;

    public ErrorGenState(TranslatorPlace place)
    {
        _dice = new Dice(place.Seams.Random);
        _settings = Read(place.Options);
    }

    public static IReadOnlyList<OptionDeclaration> Declarations { get; } =
    [
        FopChance.PercentOption(PercentKey, "Share of the enabled fops that fail."),
        new("error-no", OptionKind.Text, "EIO", "Errors to choose from, names or numbers, separated by commas.") { Live = true },
        FopChance.EnableOption("Fops that may fail, separated by commas; all when empty."),
    ];

    public long FailedCount => Volatile.Read(ref _failedCount);

    public void Take(OptionValues options) => Volatile.Write(ref _settings, Read(options));

    public bool TryFail(FopCode code, out Errno error)
    {
        error = Errno.Ok;
        var settings = Volatile.Read(ref _settings);
        if (!settings.Chance.Strikes(code, _dice))
        {
            return false;
        }

        error = settings.Errors[_dice.Pick(settings.Errors.Length)];
        Interlocked.Increment(ref _failedCount);
        return true;
    }

    private static Settings Read(OptionValues options)
    {
        var errors = ErrorNames.Parse(options.Text("error-no"));

        // The end of a file must be heard below, or its resources stay; it can be enabled by name.
        var standard = FopSet.All.Without(FopSet.Of(FopCode.Release, FopCode.Releasedir));
        return new Settings(FopChance.Read(options, PercentKey, standard), errors.Length > 0 ? errors : [Errno.EIO]);
    }

    private sealed record Settings(FopChance Chance, Errno[] Errors);
}
