using System;
using Myrmex.Base;

namespace Myrmex.Runtime.Simulation;

/// <summary>The network as one life of a simulated node sees it. A host is the name of a node; an empty one is this node.</summary>
internal sealed class SimNetwork(SimNode node, SimScheduler scheduler) : INetwork
{
    private readonly int _life = node.Incarnation;

    public IListener Listen(LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept)
    {
        Invariant.Check(IsAlive);
        return node.World.Network.Listen(node, scheduler, address, options, accept);
    }

    public Link Connect(LinkAddress address, LinkOptions options, ILinkHandler handler)
    {
        Invariant.Check(IsAlive);
        return node.World.Network.Connect(node, scheduler, address, options, handler);
    }

    private bool IsAlive => node.IsUp && _life == node.Incarnation;
}
