using System;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Reads what <see cref="MetaWriter"/> writes. After the first thing that does not fit it has failed and answers zeros:
/// the caller looks at <see cref="Failed"/> once at the end, and before it believes a count.
/// </summary>
internal ref struct MetaReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public bool Failed { get; private set; }

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte()
    {
        if (_rest.IsEmpty)
        {
            Failed = true;
            return 0;
        }

        var value = _rest[0];
        _rest = _rest[1..];
        return value;
    }

    public ulong Unsigned()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Byte();
            if (shift == 63 && next > 1)
            {
                break;
            }

            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return Failed ? 0 : value;
            }
        }

        Fail();
        return 0;
    }

    public uint Word()
    {
        var value = Unsigned();
        if (value > uint.MaxValue)
        {
            Fail();
            return 0;
        }

        return (uint)value;
    }

    public long Signed()
    {
        var value = Unsigned();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A length, offset or size: not negative.</summary>
    public long Position()
    {
        var value = Unsigned();
        if (value > long.MaxValue)
        {
            Fail();
            return 0;
        }

        return (long)value;
    }

    /// <summary>A number of things of at least a byte each.</summary>
    public int Count(int max)
    {
        var value = Unsigned();
        if (value > (ulong)max || value > (ulong)_rest.Length)
        {
            Fail();
            return 0;
        }

        return (int)value;
    }

    public byte[] Bytes(int max)
    {
        var count = Count(max);
        var value = _rest[..count].ToArray();
        _rest = _rest[count..];
        return value;
    }

    public Name Name(int max) => new(Bytes(max));

    public Gfid Gfid()
    {
        if (_rest.Length < Base.Gfid.Size)
        {
            Fail();
            return default;
        }

        var gfid = Base.Gfid.FromBytes(_rest);
        _rest = _rest[Base.Gfid.Size..];
        return gfid;
    }

    public uint Nanoseconds()
    {
        var value = Word();
        if (value >= 1_000_000_000)
        {
            Fail();
        }

        return value;
    }

    public InodeTimes Times() =>
        new(Signed(), Nanoseconds(), Signed(), Nanoseconds(), Signed(), Nanoseconds());

    public Iatt Iatt()
    {
        var iatt = new Iatt { Gfid = Gfid(), Flags = (IattFlags)Unsigned() };
        iatt.Ino = Unsigned() switch
        {
            0 => iatt.Gfid.Ino,
            1 => Unsigned(),
            _ => FailWith(),
        };
        iatt.Dev = Unsigned();
        iatt.Rdev = Unsigned();
        iatt.Size = Unsigned();
        iatt.Blocks = Unsigned();
        iatt.Attributes = Unsigned();
        iatt.AttributesMask = Unsigned();
        Times().CopyTo(ref iatt);
        iatt.Btime = Signed();
        iatt.BtimeNsec = Word();
        iatt.Nlink = Word();
        iatt.Uid = Word();
        iatt.Gid = Word();
        iatt.BlockSize = Word();
        iatt.Mode = Word();
        return iatt;
    }

    public void Fail()
    {
        Failed = true;
        _rest = default;
    }

    private ulong FailWith()
    {
        Fail();
        return 0;
    }
}
