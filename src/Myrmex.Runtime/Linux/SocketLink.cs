using System;
using System.Runtime.CompilerServices;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// A link over a TCP or unix socket without TLS. It is registered once, edge-triggered for both directions, so that neither
/// pausing nor a full socket costs a system call; every way out of reading therefore either has seen the socket empty or
/// asks its loop to continue.
/// </summary>
internal sealed unsafe class SocketLink(LinuxNetwork network, Reactor reactor, LinkOptions options, LinkAddress peer)
    : DescriptorLink(network, reactor, options, peer), IPollHandler
{
    private const uint Events = Sys.EpollIn | Sys.EpollOut | Sys.EpollRdHup | Sys.EpollEdge;
    private const uint EndEvents = Sys.EpollRdHup | Sys.EpollHup | Sys.EpollErr;

    private int _fd = -1;
    private bool _isReadable;
    private ReadOnlyMemory<byte> _preload; // What another process has received: comes before what is in the socket.
    private bool _endSeen; // No further edge will come: read until the end shows.
    private long _sendCalls;
    private long _receiveCalls;

    /// <summary>System calls made for sending, for tests and state dumps.</summary>
    public long SendCalls => Volatile.Read(ref _sendCalls);

    /// <summary>System calls made for receiving.</summary>
    public long ReceiveCalls => Volatile.Read(ref _receiveCalls);

    public override void Start(int fd, Func<Link, ILinkHandler> accept)
    {
        _fd = fd;
        Open(accept);
        if (IsClosing)
        {
            return; // FinishClose is posted and closes the descriptor.
        }

        var result = Reactor.Register(fd, Events, this);
        if (result < 0)
        {
            Close(Sys.ErrorOf(result), "cannot watch the socket");
        }
    }

    /// <summary>
    /// Begins, after <see cref="DescriptorLink.Start"/> with reading paused, with what another process has received and
    /// not sent. On the loop.
    /// </summary>
    public void Preload(LinkRemains remains)
    {
        _preload = remains.Input;
        if (remains.Output.Length > 0 && BeginSend(remains.Output.Length) is { IsEmpty: false } room)
        {
            remains.Output.CopyTo(room);
            EndSend(remains.Output.Length, default);
        }
    }

    public override LinkRemains? Freeze()
    {
        if (!IsOpen || Queue.TryFreeze() is not { } output)
        {
            return null;
        }

        Invariant.Check(IsPaused);
        return new LinkRemains(_fd, [.. Cutter.Remains(), .. _preload.Span], output);
    }

    public void OnEvents(uint events)
    {
        if ((events & (Sys.EpollOut | EndEvents)) != 0 && Queue.WaitsForWritable && Queue.Writable())
        {
            Flush();
        }

        if ((events & (Sys.EpollIn | EndEvents)) != 0)
        {
            _isReadable = true;
            _endSeen |= (events & EndEvents) != 0;
            Receive();
        }
    }

    [SkipLocalsInit]
    public override void Flush()
    {
        if (!Queue.TryStartDrain())
        {
            return;
        }

        var pieces = stackalloc IoVec[Limits.GatherCountMax];
        for (var round = 0; round < Limits.SendRoundsMax; round++)
        {
            var count = Queue.Gather(pieces, Limits.GatherCountMax);
            var sent = Sys.SendGather(_fd, pieces, count);
            Interlocked.Increment(ref _sendCalls);
            var next = Queue.Sent(sent > 0 ? sent : 0, Sys.ErrorOf(sent) == Errno.EAGAIN);
            if (next == SendQueue.Next.Closed)
            {
                PostClose();
                return;
            }

            if (sent < 0 && Sys.ErrorOf(sent) is not (Errno.EAGAIN or Errno.EINTR))
            {
                Fail(next, Sys.ErrorOf(sent));
                return;
            }

            if (next == SendQueue.Next.Stop)
            {
                return;
            }
        }

        HandOver();
    }

    protected override void ReceiveTurn()
    {
        var budget = Limits.ReceiveBytesPerTurn;
        var flushAt = budget - Limits.ReceiveBytesPerFlush;
        if (!CutFrames()) // What was left when reading was paused.
        {
            return;
        }

        while ((_isReadable || !_preload.IsEmpty) && !WaitsForMemory())
        {
            if (budget <= 0)
            {
                PostReceive();
                return;
            }

            var received = ReceiveOnce();
            if (received <= 0)
            {
                break;
            }

            budget -= received;
            if (!CutFrames())
            {
                return;
            }

            if (budget <= flushAt)
            {
                FlushBatch.FlushNow();
                flushAt = budget - Limits.ReceiveBytesPerFlush;
            }
        }

        Cutter.Rest();
    }

    protected override void ReleaseTransport()
    {
        if (_fd >= 0)
        {
            Reactor.Unregister(_fd);
            Sys.Close(_fd);
            _fd = -1;
        }

        base.ReleaseTransport();
    }

    /// <summary>Bytes received; 0 when there is nothing now or the link is being closed.</summary>
    private int ReceiveOnce()
    {
        Cutter.Room(out var first, out var second);
        var asked = first.Length + second.Length;
        if (!_preload.IsEmpty)
        {
            var part = Math.Min(first.Length, _preload.Length);
            _preload.Span[..part].CopyTo(first.Span);
            _preload = _preload[part..];
            Cutter.Received(part);
            return part;
        }

        nint received;
        if (second.Length == 0)
        {
            received = Sys.Receive(_fd, (byte*)first.Address, first.Length);
        }
        else
        {
            var pieces = stackalloc IoVec[2];
            pieces[0] = new IoVec((byte*)first.Address, first.Length);
            pieces[1] = new IoVec((byte*)second.Address, second.Length);
            received = Sys.ReadV(_fd, pieces, 2);
        }

        _receiveCalls++;
        if (received > 0)
        {
            Cutter.Received((int)received);

            // A short read has emptied the socket, and what comes later is a new edge.
            _isReadable = received == asked || _endSeen;
            return (int)received;
        }

        _isReadable = false;
        var error = Sys.ErrorOf(received);
        if (error == Errno.EINTR)
        {
            _isReadable = true;
            PostReceive();
        }
        else if (received == 0)
        {
            Close(Errno.ENOTCONN, "closed by the peer");
        }
        else if (error != Errno.EAGAIN)
        {
            Close(error, "receive failed");
        }

        return 0;
    }

    private void Fail(SendQueue.Next next, Errno error)
    {
        Close(error, "send failed");
        if (next == SendQueue.Next.Continue && Queue.StopDrain() == SendQueue.Next.Closed)
        {
            PostClose();
        }
    }

    /// <summary>The queue is refilled as fast as it is sent: the loop goes on, this thread has other work.</summary>
    private void HandOver()
    {
        if (Queue.StopDrain() == SendQueue.Next.Closed)
        {
            PostClose();
        }
        else
        {
            PostFlush();
        }
    }
}
