using System;

namespace Myrmex.Base;

/// <summary>
/// A run of bytes in a <see cref="PayloadBuffer"/>. In a fop it is borrowed: valid until the fop's task completes, and
/// whoever needs it longer calls <see cref="Retain"/> and later <see cref="Release"/>. In a reply it is owned by the reply.
/// </summary>
public readonly struct Payload
{
    public Payload(PayloadBuffer buffer, int offset, int length)
    {
        Invariant.Check(offset >= 0 && length >= 0 && length <= buffer.Capacity - offset);
        Buffer = buffer;
        Offset = offset;
        Length = length;
    }

    public PayloadBuffer? Buffer { get; }

    public int Offset { get; }

    /// <summary>Bytes.</summary>
    public int Length { get; }

    public bool IsEmpty => Length == 0;

    public Span<byte> Span => Buffer is null ? default : Buffer.GetSpan().Slice(Offset, Length);

    public Memory<byte> Memory => Buffer is null ? default : Buffer.Memory.Slice(Offset, Length);

    /// <summary>Address of the first byte; valid as long as the buffer is held.</summary>
    public nint Address => Buffer is null ? 0 : Buffer.Address + Offset;

    /// <summary>A new, pooled copy of <paramref name="bytes"/>; the caller owns it.</summary>
    public static Payload CopyOf(ReadOnlySpan<byte> bytes)
    {
        var buffer = PayloadPool.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer.GetSpan());
        return new Payload(buffer, 0, bytes.Length);
    }

    public Payload Slice(int offset, int length)
    {
        Invariant.Check(offset >= 0 && length >= 0 && length <= Length - offset);
        return Buffer is null ? default : new Payload(Buffer, Offset + offset, length);
    }

    public void Retain() => Buffer?.Retain();

    public void Release() => Buffer?.Release();
}
