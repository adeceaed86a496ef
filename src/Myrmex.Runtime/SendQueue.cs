using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Runtime;

/// <summary>
/// The bytes of a link that wait to be sent. Small sends are encoded back to back into blocks and merge into one piece;
/// payload tails are pieces of their own, retained until they are sent. One thread at a time drains, without the lock while
/// it is in the system call; whoever queues meanwhile need not wait, because the drainer looks again.
/// </summary>
internal sealed class SendQueue
{
    private readonly Lock _lock = new(); // Guards everything below; held from Begin to End; above the pool's locks.
    private Segment[] _ring = new Segment[16]; // Its length is a power of two.
    private int _head;
    private int _count;
    private long _queuedBytes;
    private PayloadBuffer? _block; // Holds one reference of its own.
    private int _blockUsed;
    private PayloadBuffer? _lent;
    private int _lentOffset;
    private int _lentSize;
    private bool _closed = true;
    private bool _draining;
    private bool _blocked;
    private bool _writableMeanwhile;

    /// <summary>What a drainer does next.</summary>
    public enum Next
    {
        /// <summary>Gather and send again.</summary>
        Continue,

        /// <summary>Nothing is left, or the transport takes no more for now.</summary>
        Stop,

        /// <summary>The link was closed meanwhile; tell its loop that nobody drains any more.</summary>
        Closed,
    }

    public long QueuedBytes => Volatile.Read(ref _queuedBytes);

    /// <summary>True when the news that the transport is writable matters to somebody.</summary>
    public bool WaitsForWritable => Volatile.Read(ref _blocked) || Volatile.Read(ref _draining);

    public void Open()
    {
        lock (_lock)
        {
            _closed = false;
        }
    }

    public Span<byte> Begin(int sizeMax)
    {
        Invariant.Check(sizeMax > 0); // An empty span says "closed", and then nothing is locked.
        _lock.Enter();
        if (_closed)
        {
            _lock.Exit();
            return default;
        }

        Invariant.Check(_lent is null);
        if (sizeMax > Limits.ChunkBytes)
        {
            _lent = PayloadPool.Shared.Rent(sizeMax);
            _lentOffset = 0;
        }
        else
        {
            _lent = BlockWithRoomFor(sizeMax);
            _lentOffset = _blockUsed;
        }

        _lentSize = sizeMax;
        return _lent.GetSpan().Slice(_lentOffset, sizeMax);
    }

    /// <summary>Queues what was lent and the tails behind it, in order; true when that was anything.</summary>
    public bool End(int used, ReadOnlySpan<Payload> tails)
    {
        Invariant.Check(_lock.IsHeldByCurrentThread);
        var lent = _lent;
        Invariant.Check(lent is not null);
        Invariant.Check(used >= 0 && used <= _lentSize);
        _lent = null;
        var isBlock = ReferenceEquals(lent, _block);
        var before = _queuedBytes;
        var start = _lentOffset; // Of what lies in the lent buffer and is not queued yet.
        var end = start + used;
        foreach (ref readonly var tail in tails)
        {
            if (isBlock && tail.Length <= Limits.TailCopyBytesMax && tail.Length <= lent.Capacity - end)
            {
                tail.Span.CopyTo(lent.GetSpan()[end..]);
                end += tail.Length;
            }
            else if (tail.Length > 0)
            {
                Append(lent, start, end - start);
                Append(tail.Buffer!, tail.Offset, tail.Length); // A payload with bytes has a buffer.
                start = end;
            }
        }

        Append(lent, start, end - start);
        if (isBlock)
        {
            _blockUsed = end;
        }
        else
        {
            lent.Release(); // The segment has its own reference.
        }

        var isAny = _queuedBytes > before;
        _lock.Exit();
        return isAny;
    }

    /// <summary>Makes the caller the drainer, unless there is one, there is nothing to send, or nothing can be sent.</summary>
    public bool TryStartDrain()
    {
        lock (_lock)
        {
            if (_draining || _blocked || _closed || _count == 0)
            {
                return false;
            }

            _draining = true;
            _writableMeanwhile = false;
            return true;
        }
    }

    /// <summary>The first pieces of the queue, valid until the drainer calls <see cref="Sent"/>.</summary>
    public unsafe int Gather(IoVec* pieces, int countMax)
    {
        lock (_lock)
        {
            Invariant.Check(_draining);
            var count = Math.Min(countMax, _count);
            for (var i = 0; i < count; i++)
            {
                ref var segment = ref At(i);
                pieces[i] = new IoVec((byte*)segment.Buffer.Address + segment.Offset, segment.Length);
            }

            return count;
        }
    }

    /// <summary>
    /// Copies the start of the queue, which stays as it is until the drainer calls <see cref="Sent"/>; the number of bytes.
    /// </summary>
    public int Copy(Span<byte> target)
    {
        lock (_lock)
        {
            Invariant.Check(_draining);
            var used = 0;
            for (var i = 0; i < _count && used < target.Length; i++)
            {
                ref var segment = ref At(i);
                var part = Math.Min(segment.Length, target.Length - used);
                segment.Buffer.GetSpan().Slice(segment.Offset, part).CopyTo(target[used..]);
                used += part;
            }

            return used;
        }
    }

    /// <summary>The drainer's report of one send.</summary>
    public Next Sent(long bytes, bool isBlocked)
    {
        lock (_lock)
        {
            Consume(bytes);
            if (_closed)
            {
                _draining = false;
                return Next.Closed;
            }

            if (isBlocked && !_writableMeanwhile)
            {
                _blocked = true;
                _draining = false;
                return Next.Stop;
            }

            _writableMeanwhile = false;
            if (_count > 0)
            {
                return Next.Continue;
            }

            _draining = false;
            DropIdleBlock();
            return Next.Stop;
        }
    }

    /// <summary>The drainer gives up its part although bytes may be left.</summary>
    public Next StopDrain()
    {
        lock (_lock)
        {
            Invariant.Check(_draining);
            _draining = false;
            return _closed ? Next.Closed : Next.Stop;
        }
    }

    /// <summary>The transport takes bytes again; true when the caller shall drain.</summary>
    public bool Writable()
    {
        lock (_lock)
        {
            _writableMeanwhile = _draining;
            _blocked = false;
            return !_draining && _count > 0;
        }
    }

    /// <summary>
    /// Takes what is queued out of use until <see cref="Open"/>: nothing is queued or sent any more. Null while somebody
    /// drains, and when the queue is closed.
    /// </summary>
    public byte[]? TryFreeze()
    {
        lock (_lock)
        {
            if (_draining || _closed)
            {
                return null;
            }

            _closed = true;
            var rest = new byte[_queuedBytes];
            var used = 0;
            for (var i = 0; i < _count; i++)
            {
                ref var segment = ref At(i);
                segment.Buffer.GetSpan().Slice(segment.Offset, segment.Length).CopyTo(rest.AsSpan(used));
                used += segment.Length;
            }

            return rest;
        }
    }

    /// <summary>No more sends from now on.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
        }
    }

    /// <summary>Drops what a closed queue holds; false while somebody drains, who will then answer Next.Closed.</summary>
    public bool TryClear()
    {
        lock (_lock)
        {
            Invariant.Check(_closed);
            if (_draining)
            {
                return false;
            }

            Consume(_queuedBytes);
            _block?.Release();
            _block = null;
            return true;
        }
    }

    private PayloadBuffer BlockWithRoomFor(int size)
    {
        if (_block is not null && _block.Capacity - _blockUsed >= size)
        {
            return _block;
        }

        _block?.Release();
        _block = PayloadPool.Shared.Rent(Limits.ChunkBytes);
        _blockUsed = 0;
        return _block;
    }

    private void Append(PayloadBuffer buffer, int offset, int length)
    {
        if (length == 0)
        {
            return;
        }

        Volatile.Write(ref _queuedBytes, _queuedBytes + length);
        if (_count > 0)
        {
            ref var last = ref At(_count - 1);
            if (ReferenceEquals(last.Buffer, buffer) && last.Offset + last.Length == offset)
            {
                // Also while it is being sent: the drainer reports bytes, not pieces.
                last.Length += length;
                return;
            }
        }

        if (_count == _ring.Length)
        {
            Grow();
        }

        buffer.Retain();
        _count++;
        At(_count - 1) = new Segment { Buffer = buffer, Offset = offset, Length = length };
    }

    private void Consume(long bytes)
    {
        Volatile.Write(ref _queuedBytes, _queuedBytes - bytes);
        Invariant.Check(_queuedBytes >= 0);
        while (bytes > 0)
        {
            ref var first = ref _ring[_head];
            if (first.Length > bytes)
            {
                first.Offset += (int)bytes;
                first.Length -= (int)bytes;
                return;
            }

            bytes -= first.Length;
            first.Buffer.Release();
            first = default;
            _head = (_head + 1) & (_ring.Length - 1);
            _count--;
        }
    }

    /// <summary>An idle link holds no block.</summary>
    private void DropIdleBlock()
    {
        _block?.Release();
        _block = null;
    }

    private ref Segment At(int index) => ref _ring[(_head + index) & (_ring.Length - 1)];

    private void Grow()
    {
        var larger = new Segment[_ring.Length * 2];
        for (var i = 0; i < _count; i++)
        {
            larger[i] = At(i);
        }

        _ring = larger;
        _head = 0;
    }

    private struct Segment
    {
        public PayloadBuffer Buffer;
        public int Offset;
        public int Length;
    }
}
