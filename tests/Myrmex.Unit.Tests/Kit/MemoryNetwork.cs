using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>
/// Links in memory on a <see cref="MemoryLoop"/>: bytes travel when the loop runs, in pieces of the size the test wants. Steady
/// traffic allocates nothing.
/// </summary>
internal sealed class MemoryNetwork(MemoryLoop loop) : INetwork
{
    private readonly Dictionary<LinkAddress, MemoryListener> _listeners = [];
    private readonly List<MemoryLink> _links = [];

    /// <summary>Most bytes that are handed on in one go.</summary>
    public Func<int> PieceSize { get; set; } = () => int.MaxValue;

    /// <summary>Certificate name that servers see of links made from now on.</summary>
    public string ClientName { get; set; } = string.Empty;

    /// <summary>Address that servers see of links made from now on.</summary>
    public LinkAddress ClientAddress { get; set; } = new("10.0.0.9", 49151);

    /// <summary>Connections stay in the air until the test clears this and lets time pass.</summary>
    public bool HoldConnects { get; set; }

    public int ConnectCount { get; private set; }

    /// <summary>Open links of the connecting side, oldest first.</summary>
    public IReadOnlyList<MemoryLink> Clients => [.. _links.Where(l => l.IsOpen)];

    public IListener Listen(LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept)
    {
        if (_listeners.ContainsKey(address))
        {
            throw new IOException($"listen {address}: EADDRINUSE");
        }

        return _listeners[address] = new MemoryListener(this, address, options, accept);
    }

    public Link Connect(LinkAddress address, LinkOptions options, ILinkHandler handler)
    {
        ConnectCount++;
        var link = new MemoryLink(this, loop, options, address, string.Empty);
        link.HandledBy(handler);
        _links.Add(link);
        loop.Post(() => Open(link, address));
        return link;
    }

    /// <summary>Breaks every connection, as when a server's machine reboots.</summary>
    public void DropAll()
    {
        foreach (var link in Clients)
        {
            link.Close(Errno.ECONNRESET, "dropped by the test");
        }
    }

    private void Open(MemoryLink link, LinkAddress address)
    {
        if (HoldConnects)
        {
            loop.Schedule(1, () => Open(link, address));
            return;
        }

        if (!_listeners.TryGetValue(address, out var listener))
        {
            link.Close(Errno.ECONNREFUSED, "nobody listens");
            return;
        }

        if (link.IsClosed)
        {
            return;
        }

        var peer = new MemoryLink(this, loop, listener.Options, ClientAddress, ClientName);
        link.Other = peer;
        peer.Other = link;
        peer.HandledBy(listener.Accept(peer));
        peer.Open();
        link.Open();
    }

    private void Forget(LinkAddress address) => _listeners.Remove(address);

    private sealed class MemoryListener(
        MemoryNetwork network, LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept) : IListener
    {
        public LinkAddress Address => address;

        public LinkOptions Options => options;

        public Func<Link, ILinkHandler> Accept => accept;

        public void Dispose() => network.Forget(address);
    }
}

/// <summary>One end of a connection in memory.</summary>
internal sealed class MemoryLink(
    MemoryNetwork network, MemoryLoop loop, LinkOptions options, LinkAddress peerAddress, string peerName) : Link, IWork
{
    private readonly ByteQueue _out = new();
    private readonly ByteQueue _in = new();
    private ILinkHandler? _handler;
    private bool _isOpen;
    private bool _isPaused;
    private bool _isPosted;
    private bool _isLent;
    private bool _isCutting;

    public override LinkAddress Peer => peerAddress;

    public override string PeerName => peerName;

    public override IScheduler Scheduler => loop;

    public override bool IsOpen => _isOpen && !IsClosed;

    public bool IsClosed { get; private set; }

    public override long QueuedBytes => _out.Length;

    public bool IsPaused => _isPaused;

    public string CloseReason { get; private set; } = string.Empty;

    /// <summary>The other side takes nothing, like a process that is stopped.</summary>
    public bool IsStuck { get; set; }

    /// <summary>What is sent vanishes: the wire is cut, and nobody has noticed yet.</summary>
    public bool IsCut { get; set; }

    public MemoryLink? Other { get; set; }

    public void HandledBy(ILinkHandler handler) => _handler = handler;

    public void Open()
    {
        if (!IsClosed)
        {
            _isOpen = true;
            _handler!.OnOpen(this);
        }
    }

    public override Span<byte> BeginSend(int sizeMax)
    {
        Invariant.Check(!_isLent);
        if (!IsOpen)
        {
            return default;
        }

        _isLent = true;
        return _out.Room(sizeMax);
    }

    public override void EndSendGathered(int used, ReadOnlySpan<Payload> tails)
    {
        Invariant.Check(_isLent);
        _isLent = false;
        _out.Add(used);
        foreach (ref readonly var tail in tails)
        {
            tail.Span.CopyTo(_out.Room(tail.Length));
            _out.Add(tail.Length);
        }

        Post();
    }

    /// <summary>Sends bytes that no RPC layer has made.</summary>
    public void SendRaw(ReadOnlySpan<byte> bytes)
    {
        var room = BeginSend(bytes.Length);
        if (!room.IsEmpty)
        {
            bytes.CopyTo(room);
            EndSend(bytes.Length, default);
        }
    }

    public override void Flush()
    {
    }

    public override void PauseReading() => _isPaused = true;

    public override void ResumeReading()
    {
        _isPaused = false;
        Post();
        Other?.Post();
    }

    public override void Close(Errno error, string reason)
    {
        if (IsClosed)
        {
            return;
        }

        IsClosed = true;
        CloseReason = reason;
        loop.Post(() =>
        {
            _handler?.OnClosed(this, error, reason);
            if (!IsCut)
            {
                Other?.Close(Errno.ENOTCONN, "closed by the peer");
            }
        });
    }

    void IWork.Run()
    {
        _isPosted = false;
        CutFrames();
        if (Other is null || IsClosed || IsStuck || Other._isPaused || _out.Length == 0)
        {
            return;
        }

        if (IsCut)
        {
            _out.Take(_out.Length);
            return;
        }

        var count = Math.Min(_out.Length, network.PieceSize());
        _out.Bytes[..count].CopyTo(Other._in.Room(count));
        Other._in.Add(count);
        _out.Take(count);
        Other.CutFrames();
        if (_out.Length > 0)
        {
            Post();
        }
    }

    /// <summary>Lets bytes move again after the test has changed what holds them up.</summary>
    public void Post()
    {
        if (!_isPosted)
        {
            _isPosted = true;
            loop.Post(this);
        }
    }

    private void CutFrames()
    {
        Invariant.Check(!_isCutting);
        _isCutting = true;
        while (IsOpen && !_isPaused && _in.Length > 0)
        {
            var length = options.FrameLength(_in.Bytes);
            if (length < 0 || length > options.FrameBytesMax)
            {
                Close(Errno.EPROTO, "a frame is longer than allowed");
                break;
            }

            if (length == 0 || length > _in.Length)
            {
                break;
            }

            var frame = Payload.CopyOf(_in.Bytes[..(int)length]);
            _in.Take((int)length);
            try
            {
                _handler!.OnFrame(this, frame);
            }
            finally
            {
                frame.Release();
                _isCutting = false;
            }

            _isCutting = true;
        }

        _isCutting = false;
    }

    private sealed class ByteQueue
    {
        private byte[] _bytes = new byte[4096];
        private int _start;
        private int _end;

        public int Length => _end - _start;

        public Span<byte> Bytes => _bytes.AsSpan(_start, Length);

        public Span<byte> Room(int size)
        {
            if (_bytes.Length - _end < size)
            {
                var target = Length + size > _bytes.Length ? new byte[Math.Max(_bytes.Length * 2, Length + size)] : _bytes;
                Bytes.CopyTo(target);
                _end -= _start;
                _start = 0;
                _bytes = target;
            }

            return _bytes.AsSpan(_end, size);
        }

        public void Add(int count) => _end += count;

        public void Take(int count) => _start += count;
    }
}
