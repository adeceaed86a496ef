using System;
using System.Text;

namespace Myrmex.Base;

/// <summary>
/// A file name, path or symbolic link target: bytes, never decoded, no terminating NUL.
/// It borrows its memory from whoever made it (a received record, a FUSE request) for the duration of the fop;
/// keep it longer with <see cref="ToOwned"/>. Equality is by content.
/// </summary>
public readonly struct Name : IEquatable<Name>
{
    /// <summary>Longest name of one directory entry in bytes. Source: NAME_MAX.</summary>
    public const int LengthMax = 255;

    public Name(ReadOnlyMemory<byte> bytes)
    {
        Memory = bytes;
    }

    public ReadOnlyMemory<byte> Memory { get; }

    public ReadOnlySpan<byte> Span => Memory.Span;

    public int Length => Memory.Length;

    public bool IsEmpty => Memory.IsEmpty;

    public bool IsDotOrDotDot => Length switch
    {
        1 => Span[0] == (byte)'.',
        2 => Span[0] == (byte)'.' && Span[1] == (byte)'.',
        _ => false,
    };

    /// <summary>True for a name that may stand in a directory: 1 to 255 bytes, no slash, no NUL, not "." or "..".</summary>
    public bool IsValidEntry =>
        Length is > 0 and <= LengthMax && !IsDotOrDotDot && Span.IndexOfAny((byte)'/', (byte)0) < 0;

    /// <summary>Why it may not stand in a directory: ENAMETOOLONG or EINVAL; Ok when it may.</summary>
    public Errno CheckEntry() => Length > LengthMax ? Errno.ENAMETOOLONG : IsValidEntry ? Errno.Ok : Errno.EINVAL;

    public static implicit operator Name(string text) => new(Encoding.UTF8.GetBytes(text));

    public static Name From(ReadOnlySpan<byte> bytes) => new(bytes.ToArray());

    public static bool operator ==(Name left, Name right) => left.Equals(right);

    public static bool operator !=(Name left, Name right) => !left.Equals(right);

    /// <summary>A copy that owns its memory.</summary>
    public Name ToOwned() => new(Memory.ToArray());

    public bool Equals(Name other) => Span.SequenceEqual(other.Span);

    public bool Equals(ReadOnlySpan<byte> other) => Span.SequenceEqual(other);

    public override bool Equals(object? obj) => obj is Name other && Equals(other);

    public override int GetHashCode()
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var b in Span)
        {
            hash = (hash ^ b) * 0x100000001B3UL;
        }

        return (int)(hash ^ (hash >> 32));
    }

    public override string ToString() => Encoding.UTF8.GetString(Span);
}
