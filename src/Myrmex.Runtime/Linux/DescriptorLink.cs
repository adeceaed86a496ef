using System;

namespace Myrmex.Runtime.Linux;

/// <summary>A link over a connected stream socket, whether it was accepted or made by a <see cref="Linux.Connector"/>.</summary>
internal abstract class DescriptorLink(LinuxNetwork network, Reactor reactor, LinkOptions options, LinkAddress peer)
    : StreamLink(reactor, options)
{
    public sealed override LinkAddress Peer => peer;

    public sealed override bool IsLocal => IsToOwn;

    /// <summary>The socket leads to an address of this machine; set before the link is started.</summary>
    public bool IsToOwn { get; set; }

    public Reactor Reactor => reactor;

    /// <summary>The attempt that will give this link its socket; null for an accepted one.</summary>
    public Connector? Connector { get; set; }

    /// <summary>
    /// Takes a connected socket and opens the link, now or after a handshake; on the loop, once. Owns the descriptor from
    /// now on.
    /// </summary>
    public abstract void Start(int fd, Func<Link, ILinkHandler> accept);

    protected override void ReleaseTransport()
    {
        Connector?.Abort();
        network.Forget(this);
    }
}
