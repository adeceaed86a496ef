using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Graph;

/// <summary>
/// Stands for a translator type that a volfile names but that needs to do nothing here: every fop goes to the subvolume as it
/// is. Options that would oblige it to do something must be off, or the graph is refused: nothing is ignored silently.
/// </summary>
public sealed class PassThrough : Translator
{
    private PassThrough(TranslatorPlace place, IReadOnlyList<string> mustBeOff)
        : base(place)
    {
        foreach (var key in mustBeOff.Where(place.Options.Boolean))
        {
            throw BadOption($"volume {place.Name}: {place.Type} with option {key} on is not supported");
        }
    }

    /// <summary>Live: no option has an effect, so every change is taken.</summary>
    public override bool Reconfigure(OptionValues options) => true;

    /// <param name="type">Type in the volfile.</param>
    /// <param name="mustBeOff">Boolean options that are refused when on.</param>
    public static TranslatorRegistration Registration(string type, params string[] mustBeOff) =>
        new(
            type,
            place => new PassThrough(place, mustBeOff),
            [.. mustBeOff.Select(key => new OptionDeclaration(key, OptionKind.Boolean, "off", "Not supported: must be off."))],
            Maturity.Preview);
}
