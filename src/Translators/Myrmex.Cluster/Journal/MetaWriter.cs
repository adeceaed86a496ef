using System;
using System.Buffers;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Writes the words of a meta part: varints (7 bits a byte, lowest first), zigzag for signed ones, counted bytes.
/// </summary>
internal sealed class MetaWriter
{
    /// <summary>A writer that has grown beyond is not kept.</summary>
    private const int KeptBytesMax = 64 << 10;

    [ThreadStatic]
    private static MetaWriter? _local;

    private readonly ArrayBufferWriter<byte> _bytes = new(512);

    /// <summary>The empty writer of this thread: for one operation at a time.</summary>
    public static MetaWriter Begin()
    {
        if (_local is not { } writer || writer._bytes.Capacity > KeptBytesMax)
        {
            _local = writer = new MetaWriter();
        }

        writer._bytes.ResetWrittenCount();
        return writer;
    }

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public void Byte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
    }

    public void Unsigned(ulong value)
    {
        var span = _bytes.GetSpan(10);
        var count = 0;
        while (value >= 0x80)
        {
            span[count++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[count++] = (byte)value;
        _bytes.Advance(count);
    }

    public void Signed(long value) => Unsigned((ulong)((value << 1) ^ (value >> 63)));

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Unsigned((ulong)value.Length);
        _bytes.Write(value);
    }

    public void Gfid(in Gfid gfid)
    {
        var span = _bytes.GetSpan(Base.Gfid.Size);
        BinaryPrimitives.WriteUInt64BigEndian(span, gfid.High);
        BinaryPrimitives.WriteUInt64BigEndian(span[8..], gfid.Low);
        _bytes.Advance(Base.Gfid.Size);
    }

    public void Times(in InodeTimes times)
    {
        Signed(times.Atime);
        Unsigned(times.AtimeNsec);
        Signed(times.Mtime);
        Unsigned(times.MtimeNsec);
        Signed(times.Ctime);
        Unsigned(times.CtimeNsec);
    }

    public void Iatt(in Iatt iatt)
    {
        Gfid(iatt.Gfid);
        Unsigned((ulong)iatt.Flags);
        Unsigned(iatt.Ino == iatt.Gfid.Ino ? 0 : 1u);
        if (iatt.Ino != iatt.Gfid.Ino)
        {
            Unsigned(iatt.Ino);
        }

        Unsigned(iatt.Dev);
        Unsigned(iatt.Rdev);
        Unsigned(iatt.Size);
        Unsigned(iatt.Blocks);
        Unsigned(iatt.Attributes);
        Unsigned(iatt.AttributesMask);
        Times(InodeTimes.Of(in iatt));
        Signed(iatt.Btime);
        Unsigned(iatt.BtimeNsec);
        Unsigned(iatt.Nlink);
        Unsigned(iatt.Uid);
        Unsigned(iatt.Gid);
        Unsigned(iatt.BlockSize);
        Unsigned(iatt.Mode);
    }
}
