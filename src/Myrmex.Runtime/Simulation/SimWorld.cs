using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Simulation;

/// <summary>Delays and habits of a simulated world.</summary>
public sealed record SimOptions
{
    /// <summary>Delay of posted work, in nanoseconds; work of one loop stays in order.</summary>
    public long PostDelayNsMax { get; init; } = 20_000;

    public long WorkerDelayNsMin { get; init; } = 5_000;

    /// <summary>Jobs of one turn run in any order within this time.</summary>
    public long WorkerDelayNsMax { get; init; } = 2_000_000;

    public long LatencyNsMin { get; init; } = 50_000;

    public long LatencyNsMax { get; init; } = 500_000;

    /// <summary>Bytes on the way or unread above which the sender of a link is blocked.</summary>
    public int WindowBytes { get; init; } = 1 << 20;

    /// <summary>Keeps the lines of the trace; the hash is always made.</summary>
    public bool KeepTrace { get; init; }

    /// <summary>Events one Run call may take before it is called a livelock.</summary>
    public long EventsMax { get; init; } = 50_000_000;
}

/// <summary>
/// A whole cluster on one thread: virtual time, a queue of events in a stable order, nodes with their seams. Everything
/// random comes from the seed, so the same seed and the same calls give the same <see cref="TraceHash"/>. What follows
/// an await is an event too, of the loop that it was on: who makes a world gets its synchronization context. An
/// exception in an event ends the run: it leaves <see cref="Step()"/> wrapped with what is needed to repeat it.
/// </summary>
public sealed class SimWorld
{
    // 2026-01-01 UTC, the wall time at virtual time 0.
    private const long WallStartNs = 1_767_225_600L * 1_000_000_000;

    private readonly TimerHeap _events = new();
    private readonly List<SimNode> _nodes = [];
    private readonly List<string> _trace = [];
    private readonly SimContext _context;
    private int _thread; // That runs an event; 0 for none.

    public SimWorld(ulong seed, SimOptions? options = null)
    {
        var weak = new WeakReference<SimWorld>(this); // The thread may outlive the world.
        _context = new SimContext(action =>
        {
            if (weak.TryGetTarget(out var world))
            {
                world.Add(0, node: null, loop: null, action);
            }
        });

        // With that of a test it would go on elsewhere after an await.
        SynchronizationContext.SetSynchronizationContext(_context);
        Seed = seed;
        Options = options ?? new SimOptions();
        Random = new SimRandom(seed);
        Network = new SimFabric(this);
    }

    public ulong Seed { get; }

    public SimOptions Options { get; }

    public SimRandom Random { get; }

    /// <summary>The wires between the nodes and what can go wrong with them.</summary>
    public SimFabric Network { get; }

    /// <summary>Virtual time since the start.</summary>
    public long NowNs { get; private set; }

    public IReadOnlyList<SimNode> Nodes => _nodes;

    /// <summary>Events run so far.</summary>
    public long EventCount { get; private set; }

    /// <summary>A hash over time, node and kind of every event and over all trace lines so far.</summary>
    public ulong TraceHash { get; private set; } = 14695981039346656037;

    /// <summary>Trace lines, when the options keep them.</summary>
    public IReadOnlyList<string> Trace => _trace;

    /// <summary>The loop whose event is running; null between events and in jobs of workers.</summary>
    internal SimScheduler? CurrentLoop { get; private set; }

    internal static long WallAt(long virtualNs) => WallStartNs + virtualNs;

    public SimNode AddNode(string name)
    {
        foreach (var node in _nodes)
        {
            Invariant.Check(node.Name != name);
        }

        var added = new SimNode(this, name, _nodes.Count);
        _nodes.Add(added);
        return added;
    }

    /// <summary>The node of that name, or null.</summary>
    public SimNode? FindNode(string name) => _nodes.Find(node => node.Name == name);

    /// <summary>Notes what happened, for the trace.</summary>
    public void Note(string text)
    {
        Mix((ulong)NowNs);
        foreach (var c in text)
        {
            Mix(c);
        }

        if (Options.KeepTrace)
        {
            _trace.Add(string.Create(CultureInfo.InvariantCulture, $"{NowNs / 1000,12} us  {text}"));
        }
    }

    /// <summary>Runs an action of the test itself at a virtual time from now; dispose to cancel.</summary>
    public IDisposable After(long delayMs, Action action) => Add(delayMs * 1_000_000, node: null, loop: null, action);

    /// <summary>Runs the next event; false when there is none.</summary>
    public bool Step() => Step(long.MaxValue);

    /// <summary>Runs all events of the next <paramref name="ms"/> milliseconds.</summary>
    public void RunFor(long ms) => RunUntil(static () => false, ms);

    /// <summary>
    /// Runs until the condition holds or <paramref name="limitMs"/> of virtual time are over; whether it holds.
    /// </summary>
    public bool RunUntil(Func<bool> condition, long limitMs)
    {
        var endNs = NowNs + (limitMs * 1_000_000);
        var limit = EventCount + Options.EventsMax;
        while (!condition())
        {
            if (EventCount >= limit)
            {
                throw Failure("livelock", null);
            }

            if (!Step(endNs))
            {
                NowNs = endNs;
                return condition();
            }
        }

        return true;
    }

    /// <summary>Adds an event of a node's present incarnation; with a loop it counts as running on that loop.</summary>
    internal SimEvent Add(long delayNs, SimNode? node, SimScheduler? loop, object work)
    {
        CheckThread();
        var added = new SimEvent(this, node, loop, work);
        _events.Add(added, NowNs + Math.Max(0, delayNs));
        return added;
    }

    internal void Cancel(SimEvent cancelled)
    {
        CheckThread();
        _events.Remove(cancelled);
    }

    /// <summary>Runs an event now, as its loop would: with its sends corked.</summary>
    internal void Run(SimEvent due)
    {
        if (due.Node is { } node && due.Incarnation != node.Incarnation)
        {
            return; // Of a process that has crashed.
        }

        if (due.Node is { IsFrozen: true } frozen)
        {
            frozen.RunLater(due);
            return;
        }

        EventCount++;
        Mix((ulong)NowNs);
        Mix((ulong)(due.Node?.Index ?? -1));
        var (outer, outerContext, outerThread) = (CurrentLoop, SynchronizationContext.Current, _thread);
        SynchronizationContext.SetSynchronizationContext(due.Loop?.Context ?? _context);
        (CurrentLoop, _thread) = (due.Loop, Environment.CurrentManagedThreadId);
        using var turn = PayloadPool.Simulate(due.Node?.Memory);
        FlushBatch.Begin();
        try
        {
            due.Execute();
            FlushBatch.End();
        }
        catch (Exception e) when (e is not SimFailureException)
        {
            FlushBatch.Reset();
            throw Failure(e.Message, e);
        }
        finally
        {
            (CurrentLoop, _thread) = (outer, outerThread);
            SynchronizationContext.SetSynchronizationContext(outerContext);
        }
    }

    private bool Step(long endNs)
    {
        if (_events.TakeDue(endNs) is not SimEvent due)
        {
            return false;
        }

        NowNs = Math.Max(NowNs, due.DueNs);
        Run(due);
        return true;
    }

    private SimFailureException Failure(string what, Exception? inner) => new(
        string.Create(CultureInfo.InvariantCulture, $"seed {Seed}, {NowNs} ns, event {EventCount}: {what}"), inner);

    private void CheckThread() => Invariant.Check(_thread == 0 || _thread == Environment.CurrentManagedThreadId);

    private void Mix(ulong value) => TraceHash = (TraceHash ^ value) * 1099511628211;
}

/// <summary>A simulation went wrong; the message has the seed, the virtual time and the number of the event.</summary>
public sealed class SimFailureException(string message, Exception? inner) : Exception(message, inner);

/// <summary>Something that happens at a virtual time.</summary>
internal sealed class SimEvent(SimWorld world, SimNode? node, SimScheduler? loop, object work) : TimerHeap.Timer
{
    public SimNode? Node => node;

    public SimScheduler? Loop => loop;

    /// <summary>The life of the node it belongs to.</summary>
    public int Incarnation { get; } = node?.Incarnation ?? 0;

    public override void Dispose() => world.Cancel(this);

    public void Execute()
    {
        if (work is IWork item)
        {
            item.Run();
        }
        else
        {
            ((Action)work)();
        }
    }
}
