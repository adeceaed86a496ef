using System;

namespace Myrmex.Runtime.Simulation;

/// <summary>
/// The loop of a simulated node: posted work runs later, in order; timers are never early by the node's clock.
/// </summary>
internal sealed class SimScheduler : IScheduler
{
    private readonly SimNode _node;
    private readonly int _life;
    private long _lastPostNs;

    public SimScheduler(SimNode node)
    {
        (_node, _life) = (node, node.Incarnation);
        Context = new SimContext(PostItem);
    }

    /// <summary>What follows an await here is posted here.</summary>
    public SimContext Context { get; }

    public bool IsCurrentThread => ReferenceEquals(_node.World.CurrentLoop, this);

    public void Post(IWork work) => PostItem(work);

    public void Post(Action action) => PostItem(action);

    public IDisposable Schedule(long delayMs, Action action) =>
        _node.World.Add(
            Math.Max(0, delayMs) * 1_000_000, _node, IsAlive ? this : null, IsAlive ? action : Nothing);

    private bool IsAlive => _node.IsUp && _life == _node.Incarnation;

    private static void Nothing()
    {
    }

    private void PostItem(object item)
    {
        if (!IsAlive)
        {
            return;
        }

        var world = _node.World;
        var due = world.NowNs + world.Random.Between(0, world.Options.PostDelayNsMax);
        _lastPostNs = Math.Max(_lastPostNs, due);
        world.Add(_lastPostNs - world.NowNs, _node, this, item);
    }
}
