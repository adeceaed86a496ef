using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>TCP and unix sockets, with or without TLS, on a set of reactors.</summary>
public sealed class LinuxNetwork : INetwork, IDisposable
{
    // Seconds of silence, seconds between probes, probes: the numbers GlusterFS uses.
    private const int KeepIdleSeconds = 20;
    private const int KeepIntervalSeconds = 2;
    private const int KeepProbes = 9;

    /// <summary>
    /// Milliseconds after which what was not acknowledged is sent again, at most. Left alone, TCP doubles the time each
    /// time: a cable that was away for five seconds would be of use only seconds after it is back.
    /// </summary>
    private const int ResendMsMax = 1_000;

    private readonly Reactor[] _reactors;
    private readonly Lock _lock = new(); // Guards the two sets; a leaf lock.
    private readonly HashSet<DescriptorLink> _links = [];
    private readonly HashSet<LinuxListener> _listeners = [];
    private int _nextReactor = -1;
    private bool _isDisposed;

    /// <summary>The reactors stay their owner's; dispose the network before them.</summary>
    public LinuxNetwork(IReadOnlyList<Reactor> reactors)
    {
        Invariant.Check(reactors.Count > 0);
        _reactors = [.. reactors];
    }

    /// <summary>Links that are open, connecting or closing.</summary>
    public int LinkCount
    {
        get
        {
            lock (_lock)
            {
                return _links.Count;
            }
        }
    }

    public IListener Listen(LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept) =>
        ListenOn(descriptor: -1, address, options, accept);

    /// <summary>Goes on with a socket that listens already, which it takes; makes one when it is negative.</summary>
    public IListener ListenOn(
        int descriptor, LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept)
    {
        var listener = new LinuxListener(this, NextReactor(), address, options, accept, descriptor);
        lock (_lock)
        {
            _listeners.Add(listener);
        }

        return listener;
    }

    /// <summary>
    /// A socket that listens at an address, for <see cref="ListenOn"/>, here or in another process; the caller has it.
    /// Throws IOException when it cannot be bound.
    /// </summary>
    public static int OpenListener(LinkAddress address) => LinuxListener.Open(address);

    /// <summary>
    /// Goes on with a link of another process: takes the descriptor of the remains. Reading is paused until it is
    /// resumed. <paramref name="accept"/> is called on the link's loop.
    /// </summary>
    public void Resume(LinkRemains remains, LinkAddress peer, LinkOptions options, Func<Link, ILinkHandler> accept)
    {
        var reactor = NextReactor();
        var link = (SocketLink)Make(reactor, options with { Tls = null }, peer, isAccepted: true);
        link.PauseReading();
        reactor.Post(() =>
        {
            StartAccepted(link, remains.Descriptor, accept);
            link.Preload(remains);
        });
    }

    public Link Connect(LinkAddress address, LinkOptions options, ILinkHandler handler) =>
        Connect(address, options, handler, NextReactor());

    /// <summary>Connects with the link's loop chosen by the caller.</summary>
    public Link Connect(LinkAddress address, LinkOptions options, ILinkHandler handler, Reactor reactor)
    {
        var link = Make(reactor, options, address, isAccepted: false);
        link.HandledBy(handler);
        link.Connector = new Connector(link, handler, address, options.ConnectTimeoutMs);
        link.Connector.Start();
        return link;
    }

    /// <summary>Closes all listeners and links. Handlers hear OnClosed on their loops, which must still run.</summary>
    public void Dispose()
    {
        LinuxListener[] listeners;
        DescriptorLink[] links;
        lock (_lock)
        {
            _isDisposed = true;
            listeners = [.. _listeners];
            links = [.. _links];
        }

        foreach (var listener in listeners)
        {
            listener.Dispose();
        }

        foreach (var link in links)
        {
            link.Close(Errno.ECANCELED, "the network is shut down");
        }
    }

    internal static void TuneTcp(int fd)
    {
        Sys.SetSockOpt(fd, Sys.IpProtoTcp, Sys.TcpNoDelay, value: 1);
        Sys.SetSockOpt(fd, Sys.SolSocket, Sys.SoKeepAlive, value: 1);
        Sys.SetSockOpt(fd, Sys.IpProtoTcp, Sys.TcpKeepIdle, KeepIdleSeconds);
        Sys.SetSockOpt(fd, Sys.IpProtoTcp, Sys.TcpKeepInterval, KeepIntervalSeconds);
        Sys.SetSockOpt(fd, Sys.IpProtoTcp, Sys.TcpKeepCount, KeepProbes);
        Sys.SetSockOpt(fd, Sys.IpProtoTcp, Sys.TcpRtoMax, ResendMsMax); // Where the kernel can.
    }

    /// <summary>Makes a link of an accepted socket, whose descriptor it takes.</summary>
    internal void Adopt(int fd, LinkAddress peer, LinkOptions options, Func<Link, ILinkHandler> accept)
    {
        if (peer.UnixPath is null)
        {
            TuneTcp(fd);
        }

        var reactor = NextReactor();
        var link = Make(reactor, options, peer, isAccepted: true);
        reactor.Post(() => StartAccepted(link, fd, accept));
    }

    internal void Forget(DescriptorLink link)
    {
        lock (_lock)
        {
            _links.Remove(link);
        }
    }

    internal void Forget(LinuxListener listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
        }
    }

    private static void StartAccepted(DescriptorLink link, int fd, Func<Link, ILinkHandler> accept)
    {
        if (link.IsClosing)
        {
            Sys.Close(fd);
            return;
        }

        link.Start(fd, accept);
    }

    private DescriptorLink Make(Reactor reactor, LinkOptions options, LinkAddress peer, bool isAccepted)
    {
        DescriptorLink link = options.Tls is null
            ? new SocketLink(this, reactor, options, peer) { YieldsToMemoryLimit = isAccepted }
            : new TlsLink(this, reactor, options, peer, isAccepted) { YieldsToMemoryLimit = isAccepted };
        lock (_lock)
        {
            _links.Add(link);
            if (_isDisposed)
            {
                link.Close(Errno.ECANCELED, "the network is shut down");
            }
        }

        return link;
    }

    private Reactor NextReactor() =>
        _reactors[(uint)Interlocked.Increment(ref _nextReactor) % (uint)_reactors.Length];
}
