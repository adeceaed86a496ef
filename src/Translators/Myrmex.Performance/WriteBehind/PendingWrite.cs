using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// One write of the queue of a file: what one fop brought, or several adjacent ones joined. Owns a reference to its bytes and a
/// call of its own. Pooled; belongs to its file from <see cref="Rent"/> until <see cref="Release"/>.
/// </summary>
internal sealed class PendingWrite
{
    private readonly Action _onDone;
    private PayloadBuffer? _buffer;
    private int _bufferOffset;
    private bool _isCopy; // The buffer is ours alone, so there may be room behind the bytes.
    private Call? _call;
    private uint _flags;
    private WriteBehind? _writer;
    private ValueTaskAwaiter<WriteReply> _awaiter;

    public PendingWrite()
    {
        _onDone = () => _writer!.Finish(this, _awaiter); // Set by SendOn, the only user.
    }

    public PendingWrite? Next { get; set; }

    public PendingWrite? Previous { get; set; }

    public PendingFile File { get; private set; } = null!;

    /// <summary>The open file it came through.</summary>
    public Fd Fd { get; private set; } = null!;

    /// <summary>Counts the writes of a file; the list is in this order.</summary>
    public long Sequence { get; private set; }

    /// <summary>Bytes from the start of the file.</summary>
    public long Offset { get; private set; }

    /// <summary>Bytes still to write.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes that came in, of which some may be written already.</summary>
    public int TotalLength { get; private set; }

    public long End => Offset + Length;

    /// <summary>Under way to the subvolume.</summary>
    public bool IsSent { get; set; }

    /// <summary>The writer that is not answered yet; null once it is.</summary>
    public PendingReply<WriteReply>? Unanswered { get; set; }

    public static PendingWrite Rent(PendingFile file, long sequence, in WriteFop fop, Call call)
    {
        var write = Pool<PendingWrite>.Rent();
        write.File = file;
        write.Sequence = sequence;
        write.Fd = fop.Fd;
        write.Offset = fop.Offset;
        write.Length = fop.Data.Length;
        write.TotalLength = fop.Data.Length;
        write._flags = fop.Flags;
        write._call = Call.Rent();
        write._call.CopyIdentityFrom(call);
        write.TakeBytes(fop.Data);
        return write;
    }

    /// <summary>True when the two must reach the subvolume in their order.</summary>
    public bool Conflicts(PendingWrite other) => Offset < other.End && other.Offset < End;

    /// <summary>True when a write of the same open file and caller continues this one within a size.</summary>
    public bool IsContinuedBy(in WriteFop fop, Call call, int lengthMax) =>
        !IsSent && Unanswered is null && fop.Offset == End && Length + fop.Data.Length <= lengthMax
        && ReferenceEquals(Fd, fop.Fd) && _flags == fop.Flags && IsCaller(call);

    /// <summary>Joins the bytes of a write that continues this one.</summary>
    public void Join(Payload data)
    {
        var room = _isCopy ? _buffer!.Capacity - _bufferOffset - Length : 0;
        if (room < data.Length)
        {
            MoveTo(PayloadPool.Shared.Rent(Length + data.Length));
        }

        data.Span.CopyTo(_buffer!.GetSpan()[(_bufferOffset + Length)..]);
        Length += data.Length;
        TotalLength += data.Length;
    }

    /// <summary>Drops what has been written from the front.</summary>
    public void Advance(int count)
    {
        Invariant.Check(count > 0 && count < Length);
        Offset += count;
        _bufferOffset += count;
        Length -= count;
    }

    /// <summary>Starts the write; true when it is done at once.</summary>
    public bool SendOn(WriteBehind writer, FopHandler next, out WriteReply reply)
    {
        _writer = writer;
        var fop = new WriteFop
        {
            Gfid = File.Gfid,
            Fd = Fd,
            Offset = Offset,
            Flags = _flags,
            Data = new Payload(_buffer!, _bufferOffset, Length),
        };
        return TryFinish(next.Write(in fop, _call!), out reply);
    }

    public void Release()
    {
        _buffer?.Release();
        _call?.Release();
        _buffer = null;
        _call = null;
        _writer = null;
        _awaiter = default;
        Next = null;
        Previous = null;
        File = null!;
        Fd = null!;
        Unanswered = null;
        IsSent = false;
        Pool<PendingWrite>.Return(this);
    }

    private bool TryFinish(ValueTask<WriteReply> task, out WriteReply reply)
    {
        if (task.IsCompleted)
        {
#pragma warning disable VSTHRD002 // The task is complete.
            reply = task.Result;
#pragma warning restore VSTHRD002
            return true;
        }

        // From the last line on the write may be over and in use by somebody else.
        reply = null!; // Not read by the caller.
        var awaiter = task.GetAwaiter();
        _awaiter = awaiter;
        awaiter.UnsafeOnCompleted(_onDone);
        return false;
    }

    private void TakeBytes(Payload data)
    {
        _isCopy = data.Length <= WriteBehindLimits.CopyBytesMax || data.Buffer is null;
        if (_isCopy)
        {
            _buffer = PayloadPool.Shared.Rent(data.Length);
            _bufferOffset = 0;
            data.Span.CopyTo(_buffer.GetSpan());
            return;
        }

        data.Retain();
        _buffer = data.Buffer;
        _bufferOffset = data.Offset;
    }

    private void MoveTo(PayloadBuffer buffer)
    {
        _buffer!.GetSpan().Slice(_bufferOffset, Length).CopyTo(buffer.GetSpan());
        _buffer.Release();
        _buffer = buffer;
        _bufferOffset = 0;
        _isCopy = true;
    }

    private bool IsCaller(Call call) =>
        _call!.Uid == call.Uid && _call.Gid == call.Gid && _call.Pid == call.Pid && _call.LockOwner.Equals(call.LockOwner)
        && ReferenceEquals(_call.Client, call.Client) && _call.Groups.SequenceEqual(call.Groups);
}
