using System;
using System.Collections.Generic;

namespace Myrmex.Runtime.Simulation;

/// <summary>
/// One direction between two nodes for one connection: what is put in arrives later, in order, and waits while the
/// direction is cut (as TCP sends again until it gets through). What arrives runs as the kernel of the target, not as its
/// process.
/// </summary>
internal sealed class SimPipe(SimFabric fabric, SimNode source, SimNode target)
{
    private readonly Queue<Action> _messages = new();
    private int _stalled; // Arrivals that met a cut.
    private long _lastArrivalNs;

    public SimNode Source => source;

    public SimNode Target => target;

    public void Send(Action arrive)
    {
        _messages.Enqueue(arrive);
        PlanArrival();
    }

    /// <summary>The direction may be open again: what waited is under way once more.</summary>
    public void Retry()
    {
        var count = _stalled;
        _stalled = 0;
        for (var i = 0; i < count; i++)
        {
            PlanArrival();
        }
    }

    private void PlanArrival()
    {
        var world = source.World;
        var latency = world.Random.Between(world.Options.LatencyNsMin, world.Options.LatencyNsMax);
        _lastArrivalNs = Math.Max(_lastArrivalNs, world.NowNs + latency);
        world.Add(_lastArrivalNs - world.NowNs, node: null, loop: null, (Action)Arrive);
    }

    /// <summary>Whichever arrival this is, it delivers the oldest message: the order cannot change.</summary>
    private void Arrive()
    {
        if (!fabric.IsCut(source, target))
        {
            _messages.Dequeue()();
            return;
        }

        if (_stalled++ == 0)
        {
            fabric.WaitForMending(this);
        }
    }
}
