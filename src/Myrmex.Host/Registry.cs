using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Host;

/// <summary>The one list of all translators; a graph can be built from these types and no others.</summary>
internal static class Registry
{
    public static IReadOnlyList<TranslatorRegistration> All { get; } =
    [
    ];
}
