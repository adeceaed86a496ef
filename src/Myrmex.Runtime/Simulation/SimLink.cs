using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Runtime.Simulation;

/// <summary>
/// One end of a simulated connection. Bytes arrive cut at odd places; a window bounds what is on the way or unread. Methods
/// named Arrived are called as the kernel: they leave the rest to the link's loop.
/// </summary>
internal sealed class SimLink(SimFabric fabric, SimNode node, IScheduler scheduler, LinkOptions options, LinkAddress peer)
    : StreamLink(scheduler, options, node.Memory)
{
    private readonly Queue<ReadOnlyMemory<byte>> _unread = new();
    private int _unacknowledged; // Bytes sent that the other end has not read.
    private bool _endArrived;
    private bool _isDead;

    public override LinkAddress Peer => peer;

    public override string PeerName => Remote is null || !IsTls ? string.Empty : Remote.Node.Name;

    public SimNode Node => node;

    public bool IsTls { get; } = options.Tls is not null;

    /// <summary>The other end; null until the connection is made.</summary>
    public SimLink? Remote { get; set; }

    /// <summary>The way to the other end; null until connecting has begun.</summary>
    public SimPipe? Out { get; set; }

    public bool IsDead => _isDead;

    public override void Flush()
    {
        if (!Queue.TryStartDrain())
        {
            return;
        }

        SendQueue.Next next;
        do
        {
            var room = Math.Min(node.World.Options.WindowBytes - _unacknowledged, Limits.ChunkBytes);
            var bytes = new byte[Math.Max(0, room)];
            var count = Queue.Copy(bytes);
            _unacknowledged += count;
            SendPieces(bytes.AsMemory(0, count));
            next = Queue.Sent(count, isBlocked: room <= 0);
        }
        while (next == SendQueue.Next.Continue);
        if (next == SendQueue.Next.Closed)
        {
            PostClose();
        }
    }

    public void Arrived(ReadOnlyMemory<byte> piece)
    {
        if (!_isDead && !IsClosing)
        {
            _unread.Enqueue(piece);
            PostReceive();
        }
    }

    public void EndArrived()
    {
        _endArrived = true;
        PostReceive();
    }

    public void ResetArrived(Errno error, string reason)
    {
        if (!_isDead)
        {
            Close(error, reason);
        }
    }

    public void AcknowledgementArrived(int bytes)
    {
        if (_isDead)
        {
            return;
        }

        _unacknowledged -= bytes;
        if (Queue.Writable())
        {
            PostFlush();
        }
    }

    /// <summary>The process this end belongs to is gone; nothing is called any more, memory goes back.</summary>
    public void Die()
    {
        _isDead = true;
        Queue.Close();
        Queue.TryClear();
        Cutter.Clear();
        _unread.Clear();
    }

    protected override void ReceiveTurn()
    {
        if (!CutFrames())
        {
            return;
        }

        while (_unread.Count > 0 && !WaitsForMemory())
        {
            Acknowledge(ReadSome());
            if (!CutFrames())
            {
                return;
            }
        }

        Cutter.Rest();
        if (_endArrived && _unread.Count == 0)
        {
            Close(Errno.ENOTCONN, "closed by the peer");
        }
    }

    protected override void ReleaseTransport()
    {
        _unread.Clear();
        Out?.Send(() => Remote?.EndArrived());
        fabric.Forget(this);
    }

    private int ReadSome()
    {
        var piece = _unread.Peek();
        Cutter.Room(out var first, out var second);
        var count = Math.Min(piece.Length, first.Length + second.Length);
        var toFirst = Math.Min(count, first.Length);
        piece.Span[..toFirst].CopyTo(first.Span);
        piece.Span[toFirst..count].CopyTo(second.Span);
        Cutter.Received(count);
        _unread.Dequeue();
        if (count < piece.Length)
        {
            PutBack(piece[count..]);
        }

        return count;
    }

    private void PutBack(ReadOnlyMemory<byte> rest)
    {
        var others = _unread.ToArray();
        _unread.Clear();
        _unread.Enqueue(rest);
        foreach (var other in others)
        {
            _unread.Enqueue(other);
        }
    }

    private void Acknowledge(int bytes) => Out?.Send(() => Remote?.AcknowledgementArrived(bytes));

    private void SendPieces(ReadOnlyMemory<byte> bytes)
    {
        var random = node.World.Random;
        while (bytes.Length > 0)
        {
            var size = bytes.Length > 1 && random.Chance(0.4) ? 1 + random.Below(bytes.Length) : bytes.Length;
            var piece = bytes[..size];
            bytes = bytes[size..];
            Out!.Send(() => Remote?.Arrived(piece)); // An open link has its way out.
        }
    }
}
