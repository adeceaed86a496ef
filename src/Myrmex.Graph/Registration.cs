using System;
using System.Collections.Generic;

namespace Myrmex.Graph;

/// <summary>What a translator type promises. Source: docs/architecture.md, "Maturity".</summary>
public enum Maturity
{
    Experimental,
    Preview,
    Maintained,
    Deprecated,
}

/// <summary>A kind of translator that volfiles may name.</summary>
/// <param name="Type">Type in the volfile, e.g. "cluster/distribute".</param>
public sealed record TranslatorRegistration(
    string Type, Func<TranslatorPlace, Translator> Create, IReadOnlyList<OptionDeclaration> Options, Maturity Maturity)
{
    /// <summary>Fewest and most subvolumes.</summary>
    public int SubvolumesMin { get; init; } = 1;

    public int SubvolumesMax { get; init; } = 1;
}
