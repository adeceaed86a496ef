using System;
using System.Buffers.Binary;
using System.Text;

namespace Myrmex.Replication.Engine;

/// <summary>
/// Reads what <see cref="BinaryBuilder"/> wrote. Bad input never throws: the first value that does not fit sets
/// <see cref="Failed"/>, and all values from then on are zero.
/// </summary>
internal ref struct BinaryParser(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public bool Failed { get; private set; }

    public readonly int Left => _rest.Length;

    /// <summary>Everything was read and nothing failed.</summary>
    public readonly bool IsComplete => !Failed && _rest.IsEmpty;

    public byte Byte() => Take(1) is { Length: 1 } part ? part[0] : (byte)0;

    public bool Bool()
    {
        var value = Byte();
        Require(value <= 1);
        return value == 1;
    }

    public uint UInt32() => Take(4) is { Length: 4 } part ? BinaryPrimitives.ReadUInt32LittleEndian(part) : 0;

    public ulong UInt64() => Take(8) is { Length: 8 } part ? BinaryPrimitives.ReadUInt64LittleEndian(part) : 0;

    public UInt128 UInt128()
    {
        var low = UInt64();
        return new UInt128(UInt64(), low);
    }

    /// <summary>A run of bytes with its length before it; a view into the input.</summary>
    public ReadOnlySpan<byte> Bytes(int lengthMax)
    {
        var length = UInt32();
        Require(length <= (uint)lengthMax);
        return Failed ? default : Take((int)length);
    }

    public string Text(int lengthMax)
    {
        var bytes = Bytes(lengthMax);
        return Failed ? "" : Encoding.UTF8.GetString(bytes);
    }

    public void Require(bool condition) => Failed |= !condition;

    private ReadOnlySpan<byte> Take(int length)
    {
        Require(length <= _rest.Length);
        if (Failed)
        {
            return default;
        }

        var part = _rest[..length];
        _rest = _rest[length..];
        return part;
    }
}
