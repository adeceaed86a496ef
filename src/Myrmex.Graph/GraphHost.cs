using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Runtime;

namespace Myrmex.Graph;

/// <summary>
/// The graph of a client process and its live switch: a new volume file either changes options in place or becomes a new graph
/// that takes over when it is up. The old one goes on for the fds that still use it and is stopped after them.
/// </summary>
/// <param name="registrations">The types that graphs may be made of.</param>
/// <param name="seams">For the graphs and for the time that replaced ones have.</param>
/// <param name="originOf">Where a graph came from, by its number.</param>
/// <param name="firstSlot">See <see cref="TranslatorGraph.Build"/>.</param>
public sealed class GraphHost(
    IReadOnlyList<TranslatorRegistration> registrations, Seams seams, Func<int, GraphOrigin> originOf,
    int firstSlot = 0)
{
    /// <summary>Time that fops in flight have to finish on a graph that has been replaced and has no user left.</summary>
    public const long DrainMs = 10_000;

    private readonly Lock _loading = new(); // One volume file after the other; held while graphs are built and started.
    private readonly Lock _lock = new(); // Guards the fields below; never held while a translator is called.
    private readonly List<GraphGeneration> _retired = [];
    private GraphGeneration? _active;
    private GraphGeneration? _pending;
    private int _nextId;
    private bool _isStopped;

    /// <summary>The graph that serves; null before the first volume file is loaded.</summary>
    public GraphGeneration? Active => Volatile.Read(ref _active);

    /// <summary>Graphs that have been replaced and are not stopped yet.</summary>
    public int RetiredCount
    {
        get
        {
            lock (_lock)
            {
                return _retired.Count;
            }
        }
    }

    /// <summary>The graph that serves and those that have been replaced and are not stopped yet.</summary>
    public IReadOnlyList<GraphGeneration> Running
    {
        get
        {
            lock (_lock)
            {
                return _active is null ? [.. _retired] : [_active, .. _retired];
            }
        }
    }

    /// <summary>Called after a new graph became the active one.</summary>
    public event Action<GraphGeneration>? Switched;

    /// <summary>Events of the active graph.</summary>
    public event Action<GraphEvent>? Event;

    /// <summary>
    /// Loads a volume file. The first graph becomes active at once, later ones when they are up; one that is not up yet gives way to
    /// the next file. Throws <see cref="GraphException"/>, with the running graph untouched, when the file cannot work.
    /// </summary>
    public void Load(string volfile)
    {
        lock (_loading)
        {
            var document = VolfileDocument.Parse(volfile);
            var active = Active;
            if (active is not null && active.Graph.TryReconfigure(document))
            {
                // What was waiting to take over came from an older file.
                Exchange(ref _pending, null)?.Graph.Stop();
                Log.Information("graph", "options changed in place", ("graph", active.Id));
                return;
            }

            var generation = new GraphGeneration(_nextId++);
            generation.Graph = TranslatorGraph.Build(
                document, registrations, seams, originOf(generation.Id), e => OnEvent(generation, e), firstSlot);
            Begin(generation);
        }
    }

    /// <summary>Stops all graphs. Fops must have ended.</summary>
    public void Stop()
    {
        var graphs = new List<GraphGeneration>();
        lock (_lock)
        {
            _isStopped = true;
            graphs.AddRange(_retired);
            _retired.Clear();
            if (_pending is not null)
            {
                graphs.Add(_pending);
            }

            if (_active is not null)
            {
                graphs.Add(_active);
            }
        }

        graphs.ForEach(g => g.Graph.Stop());
    }

    private void Begin(GraphGeneration generation)
    {
        GraphGeneration? dropped;
        lock (_lock)
        {
            if (_isStopped)
            {
                return;
            }

            dropped = _pending;
            _pending = null;
            if (_active is null)
            {
                _active = generation;
            }
            else
            {
                _pending = generation;
            }
        }

        dropped?.Graph.Stop();
        try
        {
            generation.Graph.Start();
        }
        catch
        {
            lock (_lock)
            {
                _active = ReferenceEquals(_active, generation) ? null : _active;
                _pending = ReferenceEquals(_pending, generation) ? null : _pending;
            }

            throw;
        }
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
            if (_isStopped)
            {
                return;
            }

            if (ReferenceEquals(generation, _pending) && generation.IsUp && _active is not null)
            {
                replaced = _active;
                _retired.Add(replaced);
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
            replaced.WhenUnused(() => seams.Scheduler.Schedule(DrainMs, () => StopUnused(replaced)));
        }

        Event?.Invoke(graphEvent);
    }

    /// <summary>Fops have had their time; a graph that somebody uses again waits for the next time it is unused.</summary>
    private void StopUnused(GraphGeneration generation)
    {
        lock (_lock)
        {
            if (generation.Users > 0 || !_retired.Remove(generation))
            {
                return;
            }
        }

        generation.Graph.Stop();
        Log.Information("graph", "stopped a graph that was replaced", ("graph", generation.Id));
    }

    private GraphGeneration? Exchange(ref GraphGeneration? place, GraphGeneration? value)
    {
        lock (_lock)
        {
            var old = place;
            place = value;
            return old;
        }
    }
}
