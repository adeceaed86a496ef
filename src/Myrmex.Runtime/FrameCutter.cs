using System;
using Myrmex.Base;

namespace Myrmex.Runtime;

/// <summary>
/// Cuts a byte stream into frames with as little copying as possible. Bytes are received into a chunk and frames are
/// slices of it; a frame that does not fit gets a buffer of its own, into which the rest of it is received straight. A
/// length is only an announcement: a buffer beyond <see cref="Limits.FrameReserveBytes"/> grows with what has really
/// arrived. It ends at a multiple of 4096 in memory, so that data at its end, if it is whole blocks, can go to a disk
/// past the page cache from where it is. Only the link's loop touches it.
/// </summary>
/// <remarks>
/// Invariants: the chunk holds [_start, _end) not yet cut; while _large is set the chunk holds only what follows the
/// large frame, and nothing before the buffer is as long as the frame. A chunk is rewound only when nobody but the
/// cutter holds it.
/// </remarks>
internal sealed class FrameCutter(LinkOptions options, PayloadPool? pool = null)
{
    private readonly int _frameBytesMax = Math.Min(options.FrameBytesMax, PayloadPool.CapacityMax);
    private readonly PayloadPool _pool = pool ?? PayloadPool.Shared;
    private PayloadBuffer? _chunk;
    private int _start;
    private int _end;
    private long _needed; // Length of the partial frame at _start; 0 when not known yet.
    private PayloadBuffer? _large;
    private int _largeStart; // Where the frame begins in it.
    private int _largeLength;
    private int _largeReserved; // Bytes of the frame that the buffer is meant for: the length, or less while it grows.
    private int _largeReceived;
    private bool _largeIsOut; // Next has handed it out.
    private bool _isBulk; // The last frame was a large one.

    public enum Result
    {
        NeedMore,
        Frame,
        Bad,
    }

    /// <summary>Why <see cref="Next"/> answered Bad.</summary>
    public string Error { get; private set; } = string.Empty;

    /// <summary>True between the first and the last byte of a frame with a buffer of its own.</summary>
    public bool IsInLargeFrame => _large is not null;

    /// <summary>Bytes put into the room so far; what is compared is whether it has changed.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>True when no byte of an incomplete frame is held.</summary>
    public bool IsEmpty => _large is null && _start == _end;

    /// <summary>Where to put the next bytes: <paramref name="first"/>, then <paramref name="second"/>, which may be empty.</summary>
    public void Room(out Payload first, out Payload second)
    {
        second = default;
        if (_largeIsOut)
        {
            DropLarge();
        }

        if (_large is null)
        {
            PrepareChunk();
        }

        if (_large is null)
        {
            first = ChunkRoom(_isBulk && _start == _end ? Limits.BulkPeekBytes : int.MaxValue);
            return;
        }

        if (_largeReceived == _largeReserved && _largeReserved < _largeLength)
        {
            GrowLarge();
        }

        first = new Payload(_large, _largeStart + _largeReceived, _largeReserved - _largeReceived);
        if (_largeReserved < _largeLength)
        {
            return; // What follows belongs to the frame too.
        }

        PrepareChunk();
        second = ChunkRoom(Limits.BulkPeekBytes);
    }

    /// <summary>Tells that <paramref name="count"/> bytes were put into the room.</summary>
    public void Received(int count)
    {
        ReceivedBytes += count;
        if (_large is not null)
        {
            var taken = Math.Min(count, _largeReserved - _largeReceived);
            _largeReceived += taken;
            count -= taken;
        }

        _end += count;
        Invariant.Check(_chunk is null ? count == 0 : _end <= _chunk.Capacity);
    }

    /// <summary>
    /// The next whole frame, lent until the following call of any member. After Bad the stream cannot be cut any more.
    /// </summary>
    public Result Next(out Payload frame)
    {
        frame = default;
        if (_large is not null)
        {
            if (_largeReceived < _largeLength)
            {
                return Result.NeedMore;
            }

            if (!_largeIsOut)
            {
                _largeIsOut = true;
                _isBulk = true;
                frame = new Payload(_large, _largeStart, _largeLength);
                return Result.Frame;
            }

            DropLarge();
        }

        if (_start == _end)
        {
            return Result.NeedMore;
        }

        return CutFromChunk(out frame);
    }

    /// <summary>Gives the chunk back when nothing is in it: a silent link holds no memory.</summary>
    public void Rest()
    {
        if (_largeIsOut)
        {
            DropLarge();
        }

        if (_large is null && _start == _end && _chunk is not null)
        {
            DropChunk();
        }
    }

    /// <summary>A copy of what was received and not handed out.</summary>
    public byte[] Remains()
    {
        var large = _large is null || _largeIsOut ? 0 : _largeReceived;
        var rest = new byte[large + _end - _start];
        if (large > 0)
        {
            _large!.GetSpan().Slice(_largeStart, large).CopyTo(rest); // There are bytes in it.
        }

        if (_end > _start)
        {
            _chunk!.GetSpan()[_start.._end].CopyTo(rest.AsSpan(large)); // So there is a chunk.
        }

        return rest;
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        DropLarge();
        DropChunk();
    }

    private Result CutFromChunk(out Payload frame)
    {
        frame = default;
        var received = _chunk!.GetSpan()[_start.._end]; // There are bytes, so there is a chunk.
        var length = options.FrameLength(received);
        if (length < 0)
        {
            return Bad("the bytes do not start a frame");
        }

        if (length > _frameBytesMax)
        {
            return Bad("a frame is longer than allowed");
        }

        _needed = length;
        if (length == 0)
        {
            return received.Length < Limits.ChunkBytes ? Result.NeedMore : Bad("the length of a frame is missing");
        }

        if (length > received.Length)
        {
            return Result.NeedMore;
        }

        frame = new Payload(_chunk, _start, (int)length);
        _start += (int)length;
        _needed = 0;
        _isBulk = false;
        return Result.Frame;
    }

    /// <summary>Makes room in the chunk for the rest of the partial frame, or gives that frame a buffer of its own.</summary>
    private void PrepareChunk()
    {
        if (_chunk is null)
        {
            _chunk = _pool.Rent(Limits.ChunkBytes);
            _start = _end = 0;
            return;
        }

        if (_start == _end)
        {
            if (_chunk.References == 1)
            {
                _start = _end = 0;
            }
            else if (_chunk.Capacity - _end < Limits.ChunkRoomMin)
            {
                ExchangeChunk();
            }

            return;
        }

        var needed = _needed > 0 ? _needed : Math.Min(_chunk.Capacity, _end - _start + Limits.ChunkRoomMin);
        if (_start + needed <= _chunk.Capacity)
        {
            return;
        }

        if (needed > _chunk.Capacity)
        {
            StartLarge((int)needed);
        }
        else if (_chunk.References == 1)
        {
            _chunk.GetSpan()[_start.._end].CopyTo(_chunk.GetSpan());
            _end -= _start;
            _start = 0;
        }
        else
        {
            ExchangeChunk();
        }
    }

    private void StartLarge(int length)
    {
        _largeReserved = Math.Min(length, _pool.IsPressed ? Limits.FrameReserveBytesPressed : Limits.FrameReserveBytes);
        _largeStart = StartOf(length);
        _large = _pool.Rent(_largeStart + _largeReserved);
        _largeLength = length;
        _largeReceived = _end - _start;
        _largeIsOut = false;
        _chunk!.GetSpan()[_start.._end].CopyTo(_large.GetSpan()[_largeStart..]); // The caller looked at the chunk.
        _start = _end;
        _needed = 0;
    }

    private static int StartOf(int length)
    {
        var start = -length & (Limits.BlockBytes - 1);
        return length <= PayloadPool.CapacityMax - start ? start : 0;
    }

    /// <summary>The buffer is full and the frame is longer: one of twice the size, at most of the frame's length.</summary>
    private void GrowLarge()
    {
        var old = _large!; // The caller looked.
        _largeReserved = (int)Math.Min(_largeLength, 2L * _largeReserved);
        _large = _pool.Rent(_largeStart + _largeReserved);
        old.GetSpan().Slice(_largeStart, _largeReceived).CopyTo(_large.GetSpan()[_largeStart..]);
        old.Release();
    }

    /// <summary>Takes a new chunk and moves the partial frame there; whoever holds slices keeps the old one.</summary>
    private void ExchangeChunk()
    {
        var old = _chunk!; // Only called with a chunk.
        var fresh = _pool.Rent(Limits.ChunkBytes);
        old.GetSpan()[_start.._end].CopyTo(fresh.GetSpan());
        _end -= _start;
        _start = 0;
        _chunk = fresh;
        old.Release();
    }

    private Payload ChunkRoom(int sizeMax) => new(_chunk!, _end, Math.Min(_chunk!.Capacity - _end, sizeMax));

    private Result Bad(string error)
    {
        Error = error;
        return Result.Bad;
    }

    private void DropLarge()
    {
        _large?.Release();
        _large = null;
        _largeIsOut = false;
    }

    private void DropChunk()
    {
        _chunk?.Release();
        _chunk = null;
        _start = _end = 0;
    }
}
