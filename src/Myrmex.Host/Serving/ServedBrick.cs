using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>A brick: one graph from its server to its storage.</summary>
internal sealed class ServedBrick : IServed
{
    private ServedBrick(TranslatorGraph graph)
    {
        Door = graph;
    }

    public TranslatorGraph Door { get; }

    public static ServedBrick Start(string path, VolfileDocument document, Seams seams)
    {
        var graph = TranslatorGraph.Build(
            document, Registry.All, seams, new GraphOrigin { ProcessName = "brick", VolfileKey = path },
            e => OnEvent(path, e));
        graph.Start();
        return new ServedBrick(graph);
    }

    public bool TryChange(VolfileDocument document) =>
        Door.Document.ToString() == document.ToString() || Door.TryReconfigure(document);

    public void Stop() => Door.Stop();

    public string Dump() => Door.Dump();

    private static void OnEvent(string path, GraphEvent graphEvent)
    {
        if (graphEvent.Kind == GraphEventKind.ChildDown)
        {
            Log.Error("brick", "brick is down", ("volfile", path), ("error", graphEvent.Error), ("reason", graphEvent.Text));
        }
    }
}
