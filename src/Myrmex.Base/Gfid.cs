using System;
using System.Buffers.Binary;

namespace Myrmex.Base;

/// <summary>
/// The 16-byte identity of a file or directory, the same on every brick and for every name of the file.
/// Kept as two big-endian words so that equality, hashing and the inode number are register operations.
/// Source: <c>trusted.gfid</c>, and <c>gfid[16]</c> of program 1298437.
/// </summary>
public readonly struct Gfid : IEquatable<Gfid>, IComparable<Gfid>
{
    public const int Size = 16;

    public Gfid(ulong high, ulong low)
    {
        High = high;
        Low = low;
    }

    /// <summary>Bytes 0 to 7, big-endian.</summary>
    public ulong High { get; }

    /// <summary>Bytes 8 to 15, big-endian.</summary>
    public ulong Low { get; }

    /// <summary>The root directory of every volume: 00…01.</summary>
    public static Gfid Root => new(0, 1);

    /// <summary>All zero: "no gfid".</summary>
    public static Gfid Null => default;

    public bool IsNull => (High | Low) == 0;

    public bool IsRoot => High == 0 && Low == 1;

    /// <summary>The inode number clients see: the last eight bytes; 1 for the root.</summary>
    public ulong Ino => Low;

    /// <summary>Reads the first 16 bytes of <paramref name="bytes"/>, which must be there.</summary>
    public static Gfid FromBytes(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    public void CopyTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <summary>Writes the 36 lower-case ASCII characters of the canonical text form.</summary>
    public void Format(Span<byte> ascii36)
    {
        Span<byte> raw = stackalloc byte[Size];
        CopyTo(raw);
        var at = 0;
        for (var i = 0; i < Size; i++)
        {
            if (i is 4 or 6 or 8 or 10)
            {
                ascii36[at++] = (byte)'-';
            }

            ascii36[at++] = "0123456789abcdef"u8[raw[i] >> 4];
            ascii36[at++] = "0123456789abcdef"u8[raw[i] & 15];
        }
    }

    /// <summary>Parses the canonical 36-character form; false on anything else.</summary>
    public static bool TryParse(ReadOnlySpan<byte> ascii, out Gfid gfid)
    {
        gfid = default;
        if (ascii.Length != 36)
        {
            return false;
        }

        Span<byte> raw = stackalloc byte[Size];
        var at = 0;
        for (var i = 0; i < Size; i++)
        {
            if (i is 4 or 6 or 8 or 10 && ascii[at++] != (byte)'-')
            {
                return false;
            }

            var high = HexValue(ascii[at++]);
            var low = HexValue(ascii[at++]);
            if ((high | low) < 0)
            {
                return false;
            }

            raw[i] = (byte)((high << 4) | low);
        }

        gfid = FromBytes(raw);
        return true;
    }

    public static bool TryParse(string text, out Gfid gfid)
    {
        gfid = default;
        return text.Length == 36 && System.Text.Ascii.IsValid(text)
            && TryParse(System.Text.Encoding.ASCII.GetBytes(text), out gfid);
    }

    public static bool operator ==(Gfid left, Gfid right) => left.Equals(right);

    public static bool operator !=(Gfid left, Gfid right) => !left.Equals(right);

    public bool Equals(Gfid other) => High == other.High && Low == other.Low;

    public override bool Equals(object? obj) => obj is Gfid other && Equals(other);

    /// <summary>Stable between runs and machines: random gfids need no further mixing than this.</summary>
    public override int GetHashCode()
    {
        var mixed = (High ^ (Low * 0x9E3779B97F4A7C15UL)) * 0xD6E8FEB86659FD93UL;
        return (int)(mixed >> 32);
    }

    public int CompareTo(Gfid other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    public override string ToString()
    {
        Span<byte> ascii = stackalloc byte[36];
        Format(ascii);
        return System.Text.Encoding.ASCII.GetString(ascii);
    }

    private static int HexValue(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
        _ => -1,
    };
}
