using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>
/// The times of a file as <c>trusted.glusterfs.mdata</c> keeps them, so that all copies of the file show the same ones.
/// Layout, 57 bytes, big-endian: u8 version = 1, u64 flags = 0, then ctime, mtime, atime, each i64 seconds and i64
/// nanoseconds.
/// </summary>
internal struct Mdata
{
    public const int Size = 57;

    // A stamp this much older than the stored time is no late arrival: the stored time was set into the future by hand.
    private const long LateSecondsMax = 10;

    public long Ctime;
    public long Mtime;
    public long Atime;
    public uint CtimeNsec;
    public uint MtimeNsec;
    public uint AtimeNsec;

    /// <summary>False for a value of another size, version or with impossible nanoseconds.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Mdata mdata)
    {
        mdata = default;
        if (bytes.Length != Size || bytes[0] != 1)
        {
            return false;
        }

        mdata.Ctime = BinaryPrimitives.ReadInt64BigEndian(bytes[9..]);
        mdata.Mtime = BinaryPrimitives.ReadInt64BigEndian(bytes[25..]);
        mdata.Atime = BinaryPrimitives.ReadInt64BigEndian(bytes[41..]);
        return TryReadNsec(bytes[17..], out mdata.CtimeNsec)
            && TryReadNsec(bytes[33..], out mdata.MtimeNsec)
            && TryReadNsec(bytes[49..], out mdata.AtimeNsec);
    }

    /// <summary>
    /// Reads the 36-byte MDATA value of an xdata pair: three i64 seconds, then three u32 nanoseconds, of a, m and c.
    /// </summary>
    public static bool TryReadWire(ReadOnlySpan<byte> bytes, out Mdata mdata)
    {
        mdata = default;
        if (bytes.Length != 36)
        {
            return false;
        }

        mdata.Atime = BinaryPrimitives.ReadInt64BigEndian(bytes);
        mdata.Mtime = BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
        mdata.Ctime = BinaryPrimitives.ReadInt64BigEndian(bytes[16..]);
        mdata.AtimeNsec = BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]);
        mdata.MtimeNsec = BinaryPrimitives.ReadUInt32BigEndian(bytes[28..]);
        mdata.CtimeNsec = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]);
        return Math.Max(mdata.AtimeNsec, Math.Max(mdata.MtimeNsec, mdata.CtimeNsec)) < 1_000_000_000;
    }

    public readonly void Write(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        bytes[0] = 1;
        BinaryPrimitives.WriteInt64BigEndian(bytes[9..], Ctime);
        BinaryPrimitives.WriteInt64BigEndian(bytes[17..], CtimeNsec);
        BinaryPrimitives.WriteInt64BigEndian(bytes[25..], Mtime);
        BinaryPrimitives.WriteInt64BigEndian(bytes[33..], MtimeNsec);
        BinaryPrimitives.WriteInt64BigEndian(bytes[41..], Atime);
        BinaryPrimitives.WriteInt64BigEndian(bytes[49..], AtimeNsec);
    }

    /// <summary>
    /// Moves the times named in <paramref name="flags"/> (Ctime, Mtime, Atime) forward to a stamp. A stamp that is a
    /// little older than the stored time changes nothing, so that copies which see two fops in different order end with
    /// equal times; with ForwardOnly no older stamp does. True when a time has changed.
    /// </summary>
    public bool Advance(TimeFlags flags, long seconds, uint nsec)
    {
        var isChanged = false;
        var lateMax = (flags & TimeFlags.ForwardOnly) != 0 ? long.MaxValue : LateSecondsMax;
        if ((flags & TimeFlags.Ctime) != 0 && IsNews(Ctime, CtimeNsec, seconds, nsec, lateMax))
        {
            (Ctime, CtimeNsec) = (seconds, nsec);
            isChanged = true;
        }

        if ((flags & TimeFlags.Mtime) != 0 && IsNews(Mtime, MtimeNsec, seconds, nsec, lateMax))
        {
            (Mtime, MtimeNsec) = (seconds, nsec);
            isChanged = true;
        }

        if ((flags & TimeFlags.Atime) != 0 && IsNews(Atime, AtimeNsec, seconds, nsec, lateMax))
        {
            (Atime, AtimeNsec) = (seconds, nsec);
            isChanged = true;
        }

        return isChanged;
    }

    /// <summary>Sets the times named in <paramref name="flags"/>, whether that is forward or back.</summary>
    public void Set(TimeFlags flags, long seconds, uint nsec)
    {
        if ((flags & TimeFlags.Ctime) != 0)
        {
            (Ctime, CtimeNsec) = (seconds, nsec);
        }

        if ((flags & TimeFlags.Mtime) != 0)
        {
            (Mtime, MtimeNsec) = (seconds, nsec);
        }

        if ((flags & TimeFlags.Atime) != 0)
        {
            (Atime, AtimeNsec) = (seconds, nsec);
        }
    }

    private static bool IsNews(long stored, uint storedNsec, long seconds, uint nsec, long lateMax) =>
        seconds > stored || (seconds == stored && nsec > storedNsec)
        || (lateMax < long.MaxValue && seconds < stored - lateMax);

    private static bool TryReadNsec(ReadOnlySpan<byte> bytes, out uint nsec)
    {
        var value = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        nsec = (uint)value;
        return value < 1_000_000_000;
    }
}
