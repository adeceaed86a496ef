using System;
using System.Buffers.Binary;

namespace Myrmex.Base;

/// <summary>
/// Lock owner bytes (at most <see cref="LengthMax"/>). Eight bytes or fewer, the usual case, need no allocation.
/// Identity of a lock is this together with the client it came from.
/// </summary>
public readonly struct LkOwner : IEquatable<LkOwner>
{
    public const int LengthMax = 1024;

    private readonly ulong _bytes;
    private readonly byte[]? _long;

    public LkOwner(ReadOnlySpan<byte> bytes)
    {
        Length = bytes.Length;
        if (bytes.Length <= 8)
        {
            Span<byte> padded = stackalloc byte[8];
            padded.Clear();
            bytes.CopyTo(padded);
            _bytes = BinaryPrimitives.ReadUInt64LittleEndian(padded);
        }
        else
        {
            _long = bytes.ToArray();
        }
    }

    public int Length { get; }

    /// <summary>The eight-byte owner FUSE uses for a kernel lock owner.</summary>
    public static LkOwner From(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return new LkOwner(bytes);
    }

    public void CopyTo(Span<byte> destination)
    {
        if (_long is not null)
        {
            _long.CopyTo(destination);
            return;
        }

        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, _bytes);
        bytes[..Length].CopyTo(destination);
    }

    public bool Equals(LkOwner other) =>
        Length == other.Length && _bytes == other._bytes
        && (_long is null || _long.AsSpan().SequenceEqual(other._long));

    public override bool Equals(object? obj) => obj is LkOwner other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(_bytes);
        hash.Add(Length);
        hash.AddBytes(_long);
        return hash.ToHashCode();
    }

    public override string ToString()
    {
        var bytes = new byte[Length];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
