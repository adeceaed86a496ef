using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Rpc;

/// <summary>Puts a record together that came in several fragments. Stock peers never send such; others may.</summary>
internal sealed class FragmentBuffer : IDisposable
{
    private const int LengthMax = 16 << 20;

    private readonly List<Payload> _parts = [];
    private int _length;

    public bool TryAdd(ReadOnlySpan<byte> fragment)
    {
        if (_length + fragment.Length > LengthMax || _parts.Count == 4096)
        {
            return false;
        }

        _parts.Add(Payload.CopyOf(fragment));
        _length += fragment.Length;
        return true;
    }

    /// <summary>The whole record; the caller owns it.</summary>
    public Payload Take()
    {
        var buffer = PayloadPool.Shared.Rent(_length);
        var at = 0;
        foreach (var part in _parts)
        {
            part.Span.CopyTo(buffer.GetSpan()[at..]);
            at += part.Length;
        }

        Dispose();
        return new Payload(buffer, 0, at);
    }

    public void Dispose()
    {
        _parts.ForEach(p => p.Release());
        _parts.Clear();
    }
}
