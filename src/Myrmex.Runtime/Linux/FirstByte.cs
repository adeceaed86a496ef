using System;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// An accepted socket of which nobody knows yet whether the client speaks TLS: its first byte tells, which stays in
/// the socket for the link. A TLS handshake begins with 0x16; the mark of an RPC record with 0x80, or 0x00 when the
/// record has fragments. On the listener's loop.
/// </summary>
internal sealed class FirstByte(
    LinuxNetwork network,
    Reactor reactor,
    int fd,
    LinkAddress peer,
    LinkOptions options,
    Func<Link, ILinkHandler> accept)
    : IPollHandler
{
    private const byte TlsHandshake = 0x16;

    private IDisposable? _timer;
    private bool _isDone;

    public void Start()
    {
        _timer = reactor.Schedule(options.ConnectTimeoutMs, () => Drop("nothing was sent"));
        var result = reactor.Register(fd, Sys.EpollIn | Sys.EpollRdHup, this);
        if (result < 0)
        {
            Drop($"it cannot be watched: {Sys.ErrorOf(result)}");
        }
    }

    public void OnEvents(uint events)
    {
        var result = Sys.Peek(fd, out var next);
        if (Sys.ErrorOf(result) is Errno.EAGAIN or Errno.EINTR)
        {
            return;
        }

        if (result <= 0)
        {
            Drop("it was closed at once");
        }
        else if (next != TlsHandshake)
        {
            HandOver(options);
        }
        else if (options.OfferedTls?.Invoke() is { } tls)
        {
            HandOver(options with { Tls = tls });
        }
        else
        {
            Drop("it speaks TLS, which nothing here does");
        }
    }

    private void HandOver(LinkOptions chosen)
    {
        if (TryEnd())
        {
            network.Adopt(fd, peer, chosen, accept);
        }
    }

    private void Drop(string reason)
    {
        if (TryEnd())
        {
            Log.Debug("runtime", "a connection is dropped", ("peer", peer), ("why", reason));
            Sys.Close(fd);
        }
    }

    private bool TryEnd()
    {
        if (_isDone)
        {
            return false;
        }

        _isDone = true;
        _timer?.Dispose();
        reactor.Unregister(fd);
        return true;
    }
}
