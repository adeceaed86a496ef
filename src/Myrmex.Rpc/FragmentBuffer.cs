using System;
using Myrmex.Base;

namespace Myrmex.Rpc;

/// <summary>Puts a record together that came in several fragments. Stock peers never send such; others may.</summary>
internal sealed class FragmentBuffer : IDisposable
{
    /// <summary>Most bytes of such a record: a write of 1 MiB with all that may accompany it.</summary>
    public const int LengthMax = 4 << 20;

    /// <summary>Most fragments of a record; empty ones count too.</summary>
    public const int FragmentsMax = 4096;

    private PayloadBuffer? _buffer;
    private int _length;
    private int _count;

    public bool TryAdd(ReadOnlySpan<byte> fragment)
    {
        if (fragment.Length > LengthMax - _length || _count == FragmentsMax)
        {
            return false;
        }

        Reserve(_length + fragment.Length);
        fragment.CopyTo(_buffer!.GetSpan()[_length..]); // Reserve has set it.
        _length += fragment.Length;
        _count++;
        return true;
    }

    /// <summary>The whole record; the caller owns it.</summary>
    public Payload Take()
    {
        var record = _buffer is null ? default : new Payload(_buffer, 0, _length);
        _buffer = null;
        return record;
    }

    public void Dispose()
    {
        _buffer?.Release();
        _buffer = null;
    }

    private void Reserve(int length)
    {
        if (_buffer is not null && length <= _buffer.Capacity)
        {
            return;
        }

        var longer = PayloadPool.Shared.Rent(Math.Max(length, _length * 2));
        _buffer?.GetSpan()[.._length].CopyTo(longer.GetSpan());
        _buffer?.Release();
        _buffer = longer;
    }
}
