using System;
using System.IO;
using System.Net;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>A listening socket on one reactor; what it accepts is spread over all.</summary>
internal sealed class LinuxListener : IListener, IPollHandler
{
    // Errors of bind and socket that never leave this file.
    private const int FamilyNotSupported = 97;
    private const int AddressNotAvailable = 99;

    private readonly LinuxNetwork _network;
    private readonly Reactor _reactor;
    private readonly LinkOptions _options;
    private readonly Func<Link, ILinkHandler> _accept;
    private readonly int _fd;
    private int _isDisposed;

    /// <param name="descriptor">A socket that listens already; negative to make one.</param>
    public LinuxListener(
        LinuxNetwork network, Reactor reactor, LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept,
        int descriptor = -1)
    {
        _network = network;
        _reactor = reactor;
        _options = options;
        _accept = accept;
        _fd = descriptor >= 0 ? descriptor : Open(address);
        try
        {
            Address = address.UnixPath is not null ? address : address with { Port = BoundPort(_fd) };
            Check(reactor.Register(_fd, Sys.EpollIn, this), "watch", address);
        }
        catch
        {
            Sys.Close(_fd);
            throw;
        }
    }

    public LinkAddress Address { get; }

    public void OnEvents(uint events)
    {
        Span<byte> peer = stackalloc byte[SocketAddresses.SizeMax];
        for (var i = 0; i < Limits.AcceptsPerTurn && Volatile.Read(ref _isDisposed) == 0; i++)
        {
            var fd = Sys.Accept(_fd, peer, out var size);
            if (fd < 0)
            {
                Failed(Sys.ErrorOf(fd));
                return;
            }

            if (_options.OfferedTls is null)
            {
                _network.Adopt(fd, PeerOf(peer[..size]), _options, _accept);
            }
            else
            {
                new FirstByte(_network, _reactor, fd, PeerOf(peer[..size]), _options, _accept).Start();
            }
        }
    }

    public int Pause()
    {
        _reactor.Modify(_fd, 0);
        return _fd;
    }

    public void Resume() => _reactor.Modify(_fd, Sys.EpollIn);

    /// <summary>Stops listening; accepted links stay.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        if (Address.UnixPath is not null)
        {
            File.Delete(Address.UnixPath);
        }

        _network.Forget(this);
        if (_reactor.IsCurrentThread)
        {
            CloseSocket();
        }
        else
        {
            _reactor.Post(CloseSocket);
        }
    }

    /// <summary>Mode 0600.</summary>
    private const uint OwnerOnly = 0x180;

    internal static int Open(LinkAddress address)
    {
        if (address.UnixPath is not null)
        {
            return OpenUnix(address);
        }

        if (address.Host is "" or "*")
        {
            // Both families with one socket; a kernel without IPv6 gets the IPv4 one.
            var both = TryOpen(SocketAddresses.OfInet(IPAddress.IPv6Any, address.Port), out var error);
            return both >= 0 || (int)error is not (AddressNotAvailable or FamilyNotSupported)
                ? Check(both, "listen", address)
                : Check(TryOpen(SocketAddresses.OfInet(IPAddress.Any, address.Port), out _), "listen", address);
        }

        if (!IPAddress.TryParse(address.Host, out var ip))
        {
            throw new IOException($"listen {address}: a listener needs a numeric address");
        }

        return Check(TryOpen(SocketAddresses.OfInet(ip, address.Port), out _), "listen", address);
    }

    private static int OpenUnix(LinkAddress address)
    {
        var native = SocketAddresses.OfUnix(address.UnixPath!); // Only called for unix addresses.
        var fd = TryOpen(native, out var error);
        if (error == Errno.EADDRINUSE && IsStale(native))
        {
            File.Delete(address.UnixPath!);
            fd = TryOpen(native, out _);
        }

        return Check(fd, "listen", address);
    }

    /// <summary>True when the path is a socket that nobody listens on any more.</summary>
    private static bool IsStale(byte[] address)
    {
        var probe = Sys.Socket(Sys.AfUnix);
        if (probe < 0)
        {
            return false;
        }

        var result = Sys.Connect(probe, address);
        Sys.Close(probe);
        return Sys.ErrorOf(result) == Errno.ECONNREFUSED;
    }

    private static int TryOpen(byte[] address, out Errno error)
    {
        var family = SocketAddresses.FamilyOf(address);
        var fd = Sys.Socket(family);
        error = Sys.ErrorOf(fd);
        if (fd < 0)
        {
            return fd;
        }

        if (family == Sys.AfUnix)
        {
            // The file that bind makes takes the socket's mode: there is no moment in which others could connect.
            Sys.ChangeMode(fd, OwnerOnly);
        }

        Sys.SetSockOpt(fd, Sys.SolSocket, Sys.SoReuseAddr, value: 1);
        if (family == Sys.AfInet6)
        {
            Sys.SetSockOpt(fd, Sys.IpProtoIpv6, Sys.Ipv6Only, value: 0);
        }

        var result = Sys.Bind(fd, address);
        if (result >= 0)
        {
            result = Sys.Listen(fd, Limits.ListenBacklog);
        }

        error = Sys.ErrorOf(result);
        if (result < 0)
        {
            Sys.Close(fd);
            return result;
        }

        return fd;
    }

    private static int BoundPort(int fd)
    {
        Span<byte> own = stackalloc byte[SocketAddresses.SizeMax];
        var size = Sys.GetSockName(fd, own);
        return size < 0 ? 0 : SocketAddresses.Parse(own[..size]).Port;
    }

    private static int Check(int result, string what, LinkAddress address) =>
        result >= 0 ? result : throw new IOException($"{what} {address}: {Sys.ErrorOf(result)}");

    private LinkAddress PeerOf(ReadOnlySpan<byte> peer) =>
        Address.UnixPath is not null ? Address : SocketAddresses.Parse(peer);

    private void Failed(Errno error)
    {
        switch (error)
        {
            case Errno.EAGAIN or Errno.EINTR or Errno.ECONNABORTED:
                return;
            case Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM:
                Log.Warning("runtime", "cannot accept for now", ("address", Address), ("errno", error));
                Rest();
                return;
            default:
                // Network errors of the new connection, which accept reports as its own.
                Log.Debug("runtime", "accept failed", ("address", Address), ("errno", error));
                return;
        }
    }

    /// <summary>Does not look at the socket for a while: it stays readable and would keep the loop busy.</summary>
    private void Rest()
    {
        _reactor.Modify(_fd, 0);
        _reactor.Schedule(Limits.AcceptRestMs, () =>
        {
            if (Volatile.Read(ref _isDisposed) == 0)
            {
                _reactor.Modify(_fd, Sys.EpollIn);
            }
        });
    }

    private void CloseSocket()
    {
        _reactor.Unregister(_fd);
        Sys.Close(_fd);
    }
}
