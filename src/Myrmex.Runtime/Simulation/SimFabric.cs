using System;
using System.Collections.Generic;
using System.IO;
using Myrmex.Base;

namespace Myrmex.Runtime.Simulation;

/// <summary>All connections of the simulated cluster, and the faults of the wires between its nodes.</summary>
public sealed class SimFabric
{
    private const int FirstFreePort = 40_000;

    // How long peers of a machine without power wait before the kernel gives up: keepalive's 20 + 9 * 2 seconds.
    private const long SilenceMs = 38_000;

    private readonly SimWorld _world;
    private readonly List<SimListener> _listeners = [];
    private readonly List<SimLink> _links = []; // In the order they were made, so that faults meet them in one order.
    private readonly HashSet<(int Source, int Target)> _cuts = [];
    private readonly List<SimPipe> _waiting = [];
    private int _nextPort = FirstFreePort;

    internal SimFabric(SimWorld world) => _world = world;

    /// <summary>Ends of connections that exist now.</summary>
    public int LinkCount => _links.Count;

    /// <summary>Nothing gets from either node to the other; connections stay and wait.</summary>
    public void Cut(SimNode a, SimNode b)
    {
        CutOneWay(a, b);
        CutOneWay(b, a);
    }

    /// <summary>Nothing gets from <paramref name="source"/> to <paramref name="target"/>; the other direction works.</summary>
    public void CutOneWay(SimNode source, SimNode target)
    {
        _world.Note($"cut {source.Name} -> {target.Name}");
        _cuts.Add((source.Index, target.Index));
    }

    /// <summary>Cuts a node off from all others.</summary>
    public void Isolate(SimNode node)
    {
        foreach (var other in _world.Nodes)
        {
            if (!ReferenceEquals(other, node))
            {
                Cut(node, other);
            }
        }
    }

    /// <summary>Ends the cuts between two nodes.</summary>
    public void Mend(SimNode a, SimNode b)
    {
        _world.Note($"mend {a.Name} - {b.Name}");
        _cuts.Remove((a.Index, b.Index));
        _cuts.Remove((b.Index, a.Index));
        RetryWaiting();
    }

    /// <summary>Ends all cuts.</summary>
    public void MendAll()
    {
        _world.Note("mend all");
        _cuts.Clear();
        RetryWaiting();
    }

    /// <summary>Resets all connections between two nodes; both sides hear it, even when they are cut apart.</summary>
    public void DropLinks(SimNode a, SimNode b)
    {
        _world.Note($"drop links {a.Name} - {b.Name}");
        foreach (var link in _links.ToArray())
        {
            var remote = link.Out?.Target;
            if ((link.Node == a && remote == b) || (link.Node == b && remote == a))
            {
                link.ResetArrived(Errno.ECONNRESET, "reset by the network");
            }
        }
    }

    internal bool IsCut(SimNode source, SimNode target) => _cuts.Contains((source.Index, target.Index));

    internal void WaitForMending(SimPipe pipe) => _waiting.Add(pipe);

    internal void Forget(SimLink link) => _links.Remove(link);

    internal void Forget(SimListener listener) => _listeners.Remove(listener);

    internal SimListener Listen(
        SimNode node, SimScheduler scheduler, LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept)
    {
        var bound = address.UnixPath is null && address.Port == 0 ? address with { Port = _nextPort++ } : address;
        if (FindListener(node, bound) is not null)
        {
            throw new IOException($"listen {address}: {Errno.EADDRINUSE}");
        }

        var listener = new SimListener(this, node, scheduler, bound, options, accept);
        _listeners.Add(listener);
        return listener;
    }

    internal SimLink Connect(
        SimNode node, SimScheduler scheduler, LinkAddress address, LinkOptions options, ILinkHandler handler)
    {
        var link = new SimLink(this, node, scheduler, options, address);
        link.HandledBy(handler);
        _links.Add(link);
        var target = IsOwn(address) ? node : _world.FindNode(address.Host);
        if (target is null)
        {
            link.Close(Errno.EHOSTUNREACH, $"no node '{address.Host}'");
            return link;
        }

        var timer = scheduler.Schedule(
            options.ConnectTimeoutMs, () => CloseUnopened(link, Errno.ETIMEDOUT, "cannot connect in time"));
        link.Out = new SimPipe(this, node, target);
        var back = new SimPipe(this, target, node);
        link.Out.Send(() => RequestArrived(link, handler, target, back, timer));
        return link;
    }

    internal void NodeCrashed(SimNode node, SimCrash kind)
    {
        _listeners.RemoveAll(listener => listener.Node == node);
        foreach (var link in _links.ToArray())
        {
            if (link.Node != node)
            {
                continue;
            }

            link.Die();
            _links.Remove(link);
            if (kind == SimCrash.Process)
            {
                link.Out?.Send(() => link.Remote?.ResetArrived(Errno.ECONNRESET, "reset by the peer"));
            }
            else if (link.Remote is { IsDead: false } remote)
            {
                _world.After(SilenceMs, () => remote.ResetArrived(Errno.ETIMEDOUT, "the peer is silent"));
            }
        }
    }

    /// <summary>The new kernel knows nothing of the old connections and resets them.</summary>
    internal void NodeRestarted(SimNode node)
    {
        foreach (var link in _links.ToArray())
        {
            if (link.Remote is { IsDead: true } gone && gone.Node == node)
            {
                gone.Out?.Send(() => link.ResetArrived(Errno.ECONNRESET, "reset by the peer"));
            }
        }
    }

    private static bool IsOwn(LinkAddress address) =>
        address.UnixPath is not null || address.Host is "" or "localhost" or "127.0.0.1" or "::1";

    private static void CloseUnopened(SimLink link, Errno error, string reason)
    {
        if (!link.IsOpen)
        {
            link.Close(error, reason);
        }
    }

    private void RequestArrived(SimLink client, ILinkHandler handler, SimNode target, SimPipe back, IDisposable timer)
    {
        if (client.IsClosing || client.IsDead)
        {
            return;
        }

        var listener = FindListener(target, client.Peer);
        if (listener is null)
        {
            if (target.IsUp)
            {
                back.Send(() => client.ResetArrived(Errno.ECONNREFUSED, "cannot connect: ECONNREFUSED"));
            }

            return; // Without power nobody answers.
        }

        var server = new SimLink(this, target, listener.Scheduler, listener.Options, listener.PeerOf(client))
        {
            Out = back,
            Remote = client,
            YieldsToMemoryLimit = true,
        };
        client.Remote = server;
        _links.Add(server);
        listener.Scheduler.Post(() => server.Open(listener.Accept));
        back.Send(() => client.Scheduler.Post(() =>
        {
            timer.Dispose();
            client.Open(_ => handler);
        }));
    }

    private SimListener? FindListener(SimNode node, LinkAddress address) => _listeners.Find(
        listener => listener.Node == node && listener.Address.Port == address.Port
            && listener.Address.UnixPath == address.UnixPath);

    private void RetryWaiting()
    {
        var waiting = _waiting.ToArray();
        _waiting.Clear();
        foreach (var pipe in waiting)
        {
            pipe.Retry(); // Waits again when its direction is still cut.
        }
    }
}

/// <summary>A listener of one life of a node.</summary>
internal sealed class SimListener(
    SimFabric fabric,
    SimNode node,
    SimScheduler scheduler,
    LinkAddress address,
    LinkOptions options,
    Func<Link, ILinkHandler> accept) : IListener
{
    public SimNode Node => node;

    public SimScheduler Scheduler => scheduler;

    public LinkAddress Address => address;

    public LinkOptions Options => options;

    public Func<Link, ILinkHandler> Accept => accept;

    public LinkAddress PeerOf(SimLink client) => address.UnixPath is null ? new LinkAddress(client.Node.Name, 0) : address;

    public void Dispose() => fabric.Forget(this);
}
