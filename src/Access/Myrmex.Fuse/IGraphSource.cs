using System;
using Myrmex.Graph;

namespace Myrmex.Fuse;

/// <summary>A graph that a session can send fops to.</summary>
public interface IHostedGraph
{
    Translator Top { get; }

    /// <summary>Slots an fd of this graph needs.</summary>
    int SlotCount { get; }

    bool IsUp { get; }

    /// <summary>
    /// True when writes may be acknowledged before they are done, so that FLUSH must ask for their errors.
    /// </summary>
    bool BuffersWrites { get; }

    /// <summary>Keeps the graph running after it was replaced; one call for every open file.</summary>
    void AddUser();

    void RemoveUser();
}

/// <summary>Where a session gets its graph from, and how it hears that there is a new one.</summary>
public interface IGraphSource
{
    /// <summary>Raised on any thread after <see cref="Current"/> has changed.</summary>
    event Action? Switched;

    /// <summary>Events of the current graph, on any thread.</summary>
    event Action<GraphEvent>? Event;

    IHostedGraph Current { get; }
}
