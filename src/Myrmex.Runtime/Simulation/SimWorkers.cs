namespace Myrmex.Runtime.Simulation;

/// <summary>Workers of a simulated node: every job runs after a delay of its own, so in any order.</summary>
internal sealed class SimWorkers(SimNode node) : IWorkers
{
    private readonly int _life = node.Incarnation;

    public void Submit(IWork work)
    {
        if (!node.IsUp || _life != node.Incarnation)
        {
            return;
        }

        if (node.IsDiskHung)
        {
            node.HoldBack(work);
            return;
        }

        var world = node.World;
        var delay = world.Random.Between(world.Options.WorkerDelayNsMin, world.Options.WorkerDelayNsMax);
        world.Add(delay, node, loop: null, work);
    }
}
