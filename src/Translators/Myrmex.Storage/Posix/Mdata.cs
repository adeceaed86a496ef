using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>
/// <c>trusted.glusterfs.mdata</c>: the times that clients see when the file has it. 57 bytes big-endian: u8 version 1, u64 flags,
/// then ctime, mtime, atime as i64 seconds and i64 nanoseconds. Written by features/utime through this brick, or by a stock brick.
/// </summary>
internal struct Mdata
{
    public const int Size = 57;

    public long CtimeSeconds;
    public long CtimeNanoseconds;
    public long MtimeSeconds;
    public long MtimeNanoseconds;
    public long AtimeSeconds;
    public long AtimeNanoseconds;

    public static ReadOnlySpan<byte> Key => "trusted.glusterfs.mdata\0"u8;

    /// <summary>False for a value that is no mdata of version 1; such a value is ignored, never trusted.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, out Mdata mdata)
    {
        mdata = default;
        if (value.Length != Size || value[0] != 1)
        {
            return false;
        }

        mdata.CtimeSeconds = BinaryPrimitives.ReadInt64BigEndian(value[9..]);
        mdata.CtimeNanoseconds = BinaryPrimitives.ReadInt64BigEndian(value[17..]);
        mdata.MtimeSeconds = BinaryPrimitives.ReadInt64BigEndian(value[25..]);
        mdata.MtimeNanoseconds = BinaryPrimitives.ReadInt64BigEndian(value[33..]);
        mdata.AtimeSeconds = BinaryPrimitives.ReadInt64BigEndian(value[41..]);
        mdata.AtimeNanoseconds = BinaryPrimitives.ReadInt64BigEndian(value[49..]);
        return true;
    }

    public readonly void Write(Span<byte> value)
    {
        value[..Size].Clear();
        value[0] = 1;
        BinaryPrimitives.WriteInt64BigEndian(value[9..], CtimeSeconds);
        BinaryPrimitives.WriteInt64BigEndian(value[17..], CtimeNanoseconds);
        BinaryPrimitives.WriteInt64BigEndian(value[25..], MtimeSeconds);
        BinaryPrimitives.WriteInt64BigEndian(value[33..], MtimeNanoseconds);
        BinaryPrimitives.WriteInt64BigEndian(value[41..], AtimeSeconds);
        BinaryPrimitives.WriteInt64BigEndian(value[49..], AtimeNanoseconds);
    }

    /// <summary>Reads the wire form of a dictionary: a, m, c seconds, then a, m, c nanoseconds as u32; 36 bytes.</summary>
    public static bool TryReadWire(ReadOnlySpan<byte> value, out Mdata mdata)
    {
        mdata = default;
        if (value.Length != 36)
        {
            return false;
        }

        mdata.AtimeSeconds = BinaryPrimitives.ReadInt64BigEndian(value);
        mdata.MtimeSeconds = BinaryPrimitives.ReadInt64BigEndian(value[8..]);
        mdata.CtimeSeconds = BinaryPrimitives.ReadInt64BigEndian(value[16..]);
        mdata.AtimeNanoseconds = BinaryPrimitives.ReadUInt32BigEndian(value[24..]);
        mdata.MtimeNanoseconds = BinaryPrimitives.ReadUInt32BigEndian(value[28..]);
        mdata.CtimeNanoseconds = BinaryPrimitives.ReadUInt32BigEndian(value[32..]);
        return true;
    }

    public readonly void ApplyTo(ref Iatt iatt)
    {
        iatt.Ctime = CtimeSeconds;
        iatt.CtimeNsec = (uint)CtimeNanoseconds;
        iatt.Mtime = MtimeSeconds;
        iatt.MtimeNsec = (uint)MtimeNanoseconds;
        iatt.Atime = AtimeSeconds;
        iatt.AtimeNsec = (uint)AtimeNanoseconds;
    }
}
