using System;
using System.Threading;
using Myrmex.Graph;

namespace Myrmex.Fuse;

/// <summary>
/// The graphs of a <see cref="GraphHost"/>, for a session. The host must have loaded its first volume file.
/// </summary>
public sealed class GraphHostSource : IGraphSource
{
    private readonly GraphHost _host;
    private HostedGraph _current;

    public GraphHostSource(GraphHost host)
    {
        _host = host;
        _current = new HostedGraph(host.Active ?? throw new GraphException("no volume file has been loaded"));
        _host.Switched += OnSwitched;
    }

    public event Action? Switched;

    public event Action<GraphEvent>? Event
    {
        add => _host.Event += value;
        remove => _host.Event -= value;
    }

    public IHostedGraph Current => Volatile.Read(ref _current);

    private void OnSwitched(GraphGeneration generation)
    {
        Volatile.Write(ref _current, new HostedGraph(generation));
        Switched?.Invoke();
    }

    private sealed class HostedGraph(GraphGeneration generation) : IHostedGraph
    {
        public Translator Top { get; } = generation.Graph.Top;

        public int SlotCount { get; } = generation.Graph.SlotCount;

        public bool IsUp => generation.IsUp;

        public bool BuffersWrites { get; } = HasWriteBehind(generation.Graph);

        public void AddUser() => generation.AddUser();

        public void RemoveUser() => generation.RemoveUser();

        private static bool HasWriteBehind(TranslatorGraph graph)
        {
            foreach (var translator in graph.Translators)
            {
                if (translator.DefersWrites)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
