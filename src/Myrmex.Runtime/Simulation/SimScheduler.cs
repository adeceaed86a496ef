using System;

namespace Myrmex.Runtime.Simulation;

/// <summary>The loop of a simulated node: posted work runs later, in order; timers are never early by the node's clock.</summary>
internal sealed class SimScheduler(SimNode node) : IScheduler
{
    private readonly int _life = node.Incarnation;
    private long _lastPostNs;

    public bool IsCurrentThread => ReferenceEquals(node.World.CurrentLoop, this);

    public void Post(IWork work) => PostItem(work);

    public void Post(Action action) => PostItem(action);

    public IDisposable Schedule(long delayMs, Action action) =>
        node.World.Add(
            Math.Max(0, delayMs) * 1_000_000, node, IsAlive ? this : null, IsAlive ? action : Nothing);

    private bool IsAlive => node.IsUp && _life == node.Incarnation;

    private static void Nothing()
    {
    }

    private void PostItem(object item)
    {
        if (!IsAlive)
        {
            return;
        }

        var world = node.World;
        var due = world.NowNs + world.Random.Between(0, world.Options.PostDelayNsMax);
        _lastPostNs = Math.Max(_lastPostNs, due);
        world.Add(_lastPostNs - world.NowNs, node, this, item);
    }
}
