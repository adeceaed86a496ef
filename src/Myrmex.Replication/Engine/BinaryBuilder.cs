using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Myrmex.Replication.Engine;

/// <summary>Writes little-endian values one after the other.</summary>
internal readonly struct BinaryBuilder(ArrayBufferWriter<byte> target)
{
    public BinaryBuilder()
        : this(new ArrayBufferWriter<byte>())
    {
    }

    public void Byte(byte value)
    {
        target.GetSpan(1)[0] = value;
        target.Advance(1);
    }

    public void Bool(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target.GetSpan(4), value);
        target.Advance(4);
    }

    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target.GetSpan(8), value);
        target.Advance(8);
    }

    public void UInt128(UInt128 value)
    {
        UInt64((ulong)value);
        UInt64((ulong)(value >> 64));
    }

    /// <summary>The length, then the bytes.</summary>
    public void Bytes(ReadOnlySpan<byte> value)
    {
        UInt32((uint)value.Length);
        target.Write(value);
    }

    public void Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    public byte[] ToArray() => target.WrittenSpan.ToArray();
}
