using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>The three times of an inode, seconds and nanoseconds since the epoch.</summary>
public readonly record struct InodeTimes(
    long Atime, uint AtimeNsec, long Mtime, uint MtimeNsec, long Ctime, uint CtimeNsec)
{
    /// <summary>Bytes of the value of trusted.glusterfs.mdata.</summary>
    public const int MdataSize = 57;

    public static InodeTimes Of(in Iatt iatt) =>
        new(iatt.Atime, iatt.AtimeNsec, iatt.Mtime, iatt.MtimeNsec, iatt.Ctime, iatt.CtimeNsec);

    /// <summary>These times with those in <paramref name="flags"/> (Ctime, Mtime, Atime) replaced.</summary>
    public InodeTimes With(TimeFlags flags, long seconds, uint nanoseconds)
    {
        var times = this;
        times = (flags & TimeFlags.Atime) != 0 ? times with { Atime = seconds, AtimeNsec = nanoseconds } : times;
        times = (flags & TimeFlags.Mtime) != 0 ? times with { Mtime = seconds, MtimeNsec = nanoseconds } : times;
        return (flags & TimeFlags.Ctime) != 0 ? times with { Ctime = seconds, CtimeNsec = nanoseconds } : times;
    }

    public void CopyTo(ref Iatt iatt)
    {
        (iatt.Atime, iatt.AtimeNsec) = (Atime, AtimeNsec);
        (iatt.Mtime, iatt.MtimeNsec) = (Mtime, MtimeNsec);
        (iatt.Ctime, iatt.CtimeNsec) = (Ctime, CtimeNsec);
    }

    /// <summary>
    /// The value of trusted.glusterfs.mdata: u8 version 1, u64 flags 0, then ctime, mtime, atime as i64 seconds and i64
    /// nanoseconds, big-endian. Source: GlusterFS' on-disk format, as storage/posix keeps it.
    /// </summary>
    public byte[] ToMdata()
    {
        var bytes = new byte[MdataSize];
        bytes[0] = 1;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(9), Ctime);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(17), CtimeNsec);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(25), Mtime);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(33), MtimeNsec);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(41), Atime);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(49), AtimeNsec);
        return bytes;
    }

    /// <summary>Reads such a value; false when it is malformed.</summary>
    public static bool TryReadMdata(ReadOnlySpan<byte> bytes, out InodeTimes times)
    {
        times = default;
        if (bytes.Length != MdataSize || bytes[0] != 1)
        {
            return false;
        }

        Span<ulong> nsec = stackalloc ulong[3];
        for (var i = 0; i < 3; i++)
        {
            nsec[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes[(17 + (16 * i))..]);
            if (nsec[i] >= 1_000_000_000)
            {
                return false;
            }
        }

        times = new InodeTimes(
            BinaryPrimitives.ReadInt64BigEndian(bytes[41..]), (uint)nsec[2],
            BinaryPrimitives.ReadInt64BigEndian(bytes[25..]), (uint)nsec[1],
            BinaryPrimitives.ReadInt64BigEndian(bytes[9..]), (uint)nsec[0]);
        return true;
    }

    /// <summary>
    /// Reads the 36-byte value of set-ctime-mdata: i64 seconds of a, m and c, then u32 nanoseconds of them, big-endian.
    /// </summary>
    public static bool TryReadWire(ReadOnlySpan<byte> bytes, out InodeTimes times)
    {
        times = default;
        if (bytes.Length != 36)
        {
            return false;
        }

        times = new InodeTimes(
            BinaryPrimitives.ReadInt64BigEndian(bytes), BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[8..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]));
        return Math.Max(times.AtimeNsec, Math.Max(times.MtimeNsec, times.CtimeNsec)) < 1_000_000_000;
    }
}
