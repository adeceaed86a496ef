using System;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// One attempt to connect a link: the name is resolved off the loop, then the addresses are tried one after the other,
/// each with its share of the time that is left.
/// </summary>
internal sealed class Connector : IPollHandler
{
    private readonly DescriptorLink _link;
    private readonly ILinkHandler _handler;
    private readonly LinkAddress _target;
    private readonly long _deadlineNs;
    private byte[][] _addresses = [];
    private int _next; // Index of the address to try next.
    private int _fd = -1;
    private byte[] _address = []; // That the socket is for.
    private IDisposable? _timer;
    private bool _isOver;

    public Connector(DescriptorLink link, ILinkHandler handler, LinkAddress target, long timeoutMs)
    {
        _link = link;
        _handler = handler;
        _target = target;
        _deadlineNs = LinuxClock.Shared.MonotonicNs + (timeoutMs * 1_000_000);
    }

    /// <summary>Starts; from any thread. What follows happens on the link's loop.</summary>
    public void Start()
    {
        if (_target.UnixPath is not null)
        {
            Post([SocketAddresses.OfUnix(_target.UnixPath)]);
        }
        else if (IPAddress.TryParse(_target.Host, out var ip))
        {
            Post([SocketAddresses.OfInet(ip, _target.Port)]);
        }
        else
        {
            _timer = _link.Scheduler.Schedule(LeftMs(), () => End(Errno.ETIMEDOUT, "the name is not resolved in time"));
            _ = ResolveAsync();
        }
    }

    /// <summary>The link is being closed; on its loop.</summary>
    public void Abort()
    {
        _isOver = true;
        DropSocket();
    }

    public void OnEvents(uint events)
    {
        if (_isOver || _fd < 0)
        {
            return;
        }

        var result = Sys.GetSockOpt(_fd, Sys.SolSocket, Sys.SoError, out var error);
        if (result < 0 || error != 0)
        {
            Failed(result < 0 ? Sys.ErrorOf(result) : (Errno)error);
            return;
        }

        Succeeded();
    }

    private async Task ResolveAsync()
    {
        try
        {
            var found = await Dns.GetHostAddressesAsync(_target.Host).ConfigureAwait(false);
            Post(Array.ConvertAll(found, ip => SocketAddresses.OfInet(ip, _target.Port)));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            _link.Scheduler.Post(() => End(Errno.EHOSTUNREACH, $"cannot resolve '{_target.Host}': {e.Message}"));
        }
    }

    private void Post(byte[][] addresses)
    {
        _link.Scheduler.Post(() =>
        {
            _timer?.Dispose();
            _addresses = addresses;
            TryNext(Errno.EHOSTUNREACH);
        });
    }

    private void TryNext(Errno lastError)
    {
        while (!_isOver)
        {
            if (_next >= _addresses.Length)
            {
                End(lastError, $"cannot connect: {lastError}");
                return;
            }

            var leftMs = LeftMs();
            if (leftMs == 0)
            {
                End(Errno.ETIMEDOUT, "cannot connect in time");
                return;
            }

            lastError = TryAddress(_addresses[_next], leftMs / (_addresses.Length - _next));
            _next++;
            if (lastError == Errno.Ok)
            {
                return;
            }
        }
    }

    /// <summary>Ok when the attempt is under way or has succeeded.</summary>
    private Errno TryAddress(byte[] address, long timeoutMs)
    {
        var family = SocketAddresses.FamilyOf(address);
        _address = address;
        _fd = Sys.Socket(family);
        if (_fd < 0)
        {
            return Sys.ErrorOf(_fd);
        }

        if (family != Sys.AfUnix)
        {
            LinuxNetwork.TuneTcp(_fd);
        }

        var result = Sys.Connect(_fd, address);
        if (result >= 0)
        {
            Succeeded();
            return Errno.Ok;
        }

        var error = Sys.ErrorOf(result);
        if (error == Errno.EINPROGRESS)
        {
            var registered = _link.Reactor.Register(_fd, Sys.EpollOut, this);
            if (registered >= 0)
            {
                _timer = _link.Scheduler.Schedule(Math.Max(1, timeoutMs), () => Failed(Errno.ETIMEDOUT));
                return Errno.Ok;
            }

            error = Sys.ErrorOf(registered);
        }

        DropSocket();
        return error;
    }

    /// <summary>Who connects to his own machine comes from the same address, or from a loopback one.</summary>
    private static bool IsOwn(int fd, byte[] address)
    {
        if (SocketAddresses.FamilyOf(address) == Sys.AfUnix)
        {
            return true;
        }

        Span<byte> own = stackalloc byte[SocketAddresses.SizeMax];
        var size = Sys.GetSockName(fd, own);
        var host = size < 0 ? string.Empty : SocketAddresses.Parse(own[..size]).Host;
        return host.Length > 0 && (host == SocketAddresses.Parse(address).Host
            || (IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip)));
    }

    private void Failed(Errno error)
    {
        DropSocket();
        TryNext(error);
    }

    private void Succeeded()
    {
        _timer?.Dispose();
        _isOver = true;
        var fd = _fd;
        _fd = -1;
        _link.Reactor.Unregister(fd);
        _link.IsToOwn = IsOwn(fd, _address);
        _link.Start(fd, _ => _handler);
    }

    private void End(Errno error, string reason)
    {
        if (!_isOver)
        {
            Abort();
            _link.Close(error, reason);
        }
    }

    private void DropSocket()
    {
        _timer?.Dispose();
        _timer = null;
        if (_fd >= 0)
        {
            _link.Reactor.Unregister(_fd);
            Sys.Close(_fd);
            _fd = -1;
        }
    }

    private long LeftMs() => Math.Max(0, (_deadlineNs - LinuxClock.Shared.MonotonicNs) / 1_000_000);
}
