using System.Collections.Generic;
using System.Linq;
using Myrmex.Debug;
using Myrmex.Graph;
using Myrmex.Protocol;

namespace Myrmex.Host;

/// <summary>A running brick as administrators see it.</summary>
/// <param name="Name">Its path: what clients ask for.</param>
/// <param name="Top">What its clients' fops go to.</param>
internal sealed record BrickView(string Name, TranslatorGraph Graph, Translator Top)
{
    /// <summary>Null when the volume file has none.</summary>
    public IoStats? Stats { get; } = Top as IoStats ?? Graph.Translators.OfType<IoStats>().LastOrDefault();

    /// <summary>Where administrators' own fops go: below the counters, which are of clients.</summary>
    public Translator Below => Top is IoStats ? Top.Subvolumes[0] : Top;

    /// <summary>All bricks of a graph: the exports of its door.</summary>
    public static IEnumerable<BrickView> Of(TranslatorGraph graph) =>
        graph.Top is ServerTranslator server ? server.Subvolumes.Select(s => new BrickView(s.Name, graph, s)) : [];
}
