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

        /// <summary>Asked each time: options may change while the graph is in use.</summary>
        public bool BuffersWrites
        {
            get
            {
                foreach (var translator in generation.Graph.Translators)
                {
                    if (translator.DefersWrites)
                    {
                        return true;
                    }
                }

                return false;
            }
        }

        public void AddUser() => generation.AddUser();

        public void RemoveUser() => generation.RemoveUser();
    }
}
