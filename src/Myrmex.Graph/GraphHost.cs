using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Runtime;

namespace Myrmex.Graph;

/// <summary>One generation of a process' graph, with its own state of being up.</summary>
public sealed class GraphGeneration(int id)
{
    private int _users;
    private Action? _whenUnused;

    public int Id { get; } = id;

    public TranslatorGraph Graph { get; internal set; } = null!;

    public bool IsUp { get; internal set; }

    /// <summary>Counts an open fd (or any other use) that keeps a replaced graph running.</summary>
    public void AddUser() => Interlocked.Increment(ref _users);

    public void RemoveUser()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            Volatile.Read(ref _whenUnused)?.Invoke();
        }
    }

    /// <summary>Runs <paramref name="action"/> once nobody uses the graph any more; now, when nobody does.</summary>
    internal void WhenUnused(Action action)
    {
        Volatile.Write(ref _whenUnused, action);
        if (Volatile.Read(ref _users) == 0)
        {
            action();
        }
    }
}

/// <summary>
/// The graph of a client process and its live switch: a new volume file either changes options in place or becomes a new graph
/// that takes over when it is up. The old one goes on for the fds that still use it and is stopped after them.
/// </summary>
public sealed class GraphHost(
    IReadOnlyList<TranslatorRegistration> registrations, Seams seams, Func<int, GraphOrigin> originOf)
{
    /// <summary>Time that fops in flight have to finish on a graph that has been replaced.</summary>
    private const long DrainMs = 10_000;

    private readonly Lock _lock = new(); // Guards the fields below; never held while a translator is called.
    private GraphGeneration? _active;
    private GraphGeneration? _pending;
    private int _nextId;

    /// <summary>The graph that serves; null before the first volume file is loaded.</summary>
    public GraphGeneration? Active => Volatile.Read(ref _active);

    /// <summary>Called after a new graph became the active one.</summary>
    public event Action<GraphGeneration>? Switched;

    /// <summary>Events of the active graph.</summary>
    public event Action<GraphEvent>? Event;

    /// <summary>
    /// Loads a volume file. The first graph becomes active at once, later ones when they are up. Throws
    /// <see cref="GraphException"/>, with the running graph untouched, when the file cannot work.
    /// </summary>
    public void Load(string volfile)
    {
        var document = VolfileDocument.Parse(volfile);
        var active = Active;
        if (active is not null && active.Graph.TryReconfigure(document))
        {
            Log.Information("graph", "options changed in place", ("graph", active.Id));
            return;
        }

        var generation = new GraphGeneration(Interlocked.Increment(ref _nextId) - 1);
        generation.Graph = TranslatorGraph.Build(
            document, registrations, seams, originOf(generation.Id), e => OnEvent(generation, e));
        GraphGeneration? dropped;
        lock (_lock)
        {
            dropped = _pending;
            if (_active is null)
            {
                _active = generation;
                _pending = null;
            }
            else
            {
                _pending = generation;
            }
        }

        dropped?.Graph.Stop();
        generation.Graph.Start();
    }

    public void Stop()
    {
        Active?.Graph.Stop();
        Volatile.Read(ref _pending)?.Graph.Stop();
    }

    private void OnEvent(GraphGeneration generation, GraphEvent graphEvent)
    {
        if (graphEvent.Kind is GraphEventKind.ChildUp or GraphEventKind.ChildDown)
        {
            generation.IsUp = graphEvent.Kind == GraphEventKind.ChildUp;
        }

        GraphGeneration? replaced = null;
        lock (_lock)
        {
            if (ReferenceEquals(generation, _pending) && generation.IsUp)
            {
                replaced = _active;
                _active = generation;
                _pending = null;
            }
            else if (!ReferenceEquals(generation, _active))
            {
                return;
            }
        }

        if (replaced is not null)
        {
            Log.Information("graph", "switched to a new graph", ("from", replaced.Id), ("to", generation.Id));
            Switched?.Invoke(generation);
            replaced.WhenUnused(() => seams.Scheduler.Schedule(DrainMs, replaced.Graph.Stop));
        }

        Event?.Invoke(graphEvent);
    }
}
