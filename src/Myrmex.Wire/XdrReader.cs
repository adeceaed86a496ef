using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Wire;

/// <summary>
/// Reads XDR from a received record. It never throws on bad input: the first problem sets <see cref="Failed"/>, and from
/// then on everything reads as zero or empty. Names and payload borrow the record.
/// </summary>
public ref struct XdrReader
{
    /// <summary>Most entries of one directory listing or lock list.</summary>
    private const int ListMax = 65536;

    private readonly Payload _record;
    private readonly ReadOnlySpan<byte> _bytes;

    public XdrReader(Payload record, int position = 0)
    {
        _record = record;
        _bytes = record.Span;
        Position = position;
    }

    public int Position { get; private set; }

    public readonly int Remaining => _bytes.Length - Position;

    public bool Failed { get; private set; }

    /// <summary>
    /// The directory that stands for the volume's root on this connection (sub-directory mount); null for none.
    /// </summary>
    public Gfid RootAlias { get; init; }

    public int ReadInt() => TryTake(4, out var bytes) ? BinaryPrimitives.ReadInt32BigEndian(bytes) : 0;

    public uint ReadUInt() => TryTake(4, out var bytes) ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;

    public long ReadLong() => TryTake(8, out var bytes) ? BinaryPrimitives.ReadInt64BigEndian(bytes) : 0;

    public ulong ReadULong() => TryTake(8, out var bytes) ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : 0;

    public Gfid ReadGfid()
    {
        if (!TryTake(Gfid.Size, out var bytes))
        {
            return default;
        }

        var gfid = Gfid.FromBytes(bytes);
        return gfid.IsRoot && !RootAlias.IsNull ? RootAlias : gfid;
    }

    public Iatt ReadIatt() => TryTake(Iatt.WireSize, out var bytes) ? IattCodec.Read(bytes) : default;

    /// <summary>Length word, bytes, padding; the span is lent by the record.</summary>
    public ReadOnlySpan<byte> ReadOpaque()
    {
        var length = ReadUInt();
        if (length > (uint)Remaining || !TryTake((int)((length + 3) & ~3u), out var bytes))
        {
            Failed = true;
            return default;
        }

        return bytes[..(int)length];
    }

    /// <summary>Skips <paramref name="size"/> bytes and lends them.</summary>
    public ReadOnlySpan<byte> ReadRaw(int size)
    {
        if (size < 0)
        {
            Failed = true;
            return default;
        }

        return TryTake(size, out var bytes) ? bytes : default;
    }

    /// <summary>
    /// A string; a trailing NUL, which some senders count, is not part of the name. Other NULs are malformed.
    /// </summary>
    public Name ReadName()
    {
        var start = Position + 4;
        var bytes = ReadOpaque();
        if (Failed || bytes.IsEmpty)
        {
            return default;
        }

        var length = bytes[^1] == 0 ? bytes.Length - 1 : bytes.Length;
        if (bytes[..length].Contains((byte)0))
        {
            // Every string of the protocol is a C string: what stands behind a NUL would be seen here and nowhere else.
            Failed = true;
            return default;
        }

        return new Name(_record.Memory.Slice(start, length));
    }

    /// <summary>A dictionary from the pool, or null for the null and, unless it is kept, for the empty one.</summary>
    /// <param name="keepEmpty">
    /// For values that are the answer itself: GlusterFS' client takes a missing dictionary for none and dies of it, so
    /// who passes a reply on must not make one out of an empty one.
    /// </param>
    public XData? ReadXData(bool keepEmpty = false)
    {
        var size = ReadInt();
        var count = ReadInt();
        var pairs = ReadInt();
        if (Failed || size < 0 || size > Remaining)
        {
            Failed = true;
            return null;
        }

        if (count < 0 || pairs == 0)
        {
            Failed |= size != 0;
            return keepEmpty && count == 0 && !Failed ? XData.Rent() : null;
        }

        TryTake(size, out var encoded);
        var data = XData.Rent();
        if (!data.TryLoad(encoded, pairs))
        {
            data.Release();
            Failed = true;
            return null;
        }

        return data;
    }

    public Flock ReadFlock()
    {
        var type = (LockType)ReadUInt();
        var whence = ReadUInt();
        var start = ReadLong();
        var length = ReadLong();
        var pid = ReadUInt();
        var owner = ReadOpaque();
        if (owner.Length > LkOwner.LengthMax)
        {
            Failed = true;
            return default;
        }

        return new Flock(type, whence, start, length, pid, new LkOwner(owner));
    }

    public Lease ReadLease() => new(ReadUInt(), ReadUInt(), ReadGfid(), ReadUInt());

    public StatFs ReadStatFs() => new()
    {
        BlockSize = ReadULong(),
        FragmentSize = ReadULong(),
        Blocks = ReadULong(),
        BlocksFree = ReadULong(),
        BlocksAvailable = ReadULong(),
        Files = ReadULong(),
        FilesFree = ReadULong(),
        FilesAvailable = ReadULong(),
        FileSystemId = ReadULong(),
        MountFlags = ReadULong(),
        NameMax = ReadULong(),
    };

    /// <summary>op_ret and op_errno.</summary>
    public void ReadResult(Reply reply)
    {
        reply.OpRet = ReadInt();
        var error = (Errno)ReadInt();
        if (reply.OpRet < 0)
        {
            reply.Error = error == Errno.Ok ? Errno.EIO : error;
        }
        else
        {
            reply.Hint = error;
        }
    }

    /// <summary>
    /// The payload of a request: what is left of the record, which must be <paramref name="size"/> bytes.
    /// </summary>
    public Payload ReadRest(uint size)
    {
        if (Failed || size != (uint)Remaining)
        {
            Failed = true;
            return default;
        }

        return _record.Slice(Position, (int)size);
    }

    /// <summary>The payload of a reply; op_ret counts, and the record is retained for it.</summary>
    public Payload ReadReplyPayload(Reply reply, uint size)
    {
        var count = reply.IsOk ? reply.OpRet : 0;
        if (Failed || count > Remaining)
        {
            Failed = true;
            return default;
        }

        _ = size; // The stock client ignores it too; op_ret is what the sender vouches for.
        if (count == 0)
        {
            return default;
        }

        var payload = _record.Slice(Position, count);
        payload.Retain();
        return payload;
    }

    public void ReadDirList(DirEntries entries) => ReadEntries(entries, plus: false);

    public void ReadDirPlusList(DirEntries entries) => ReadEntries(entries, plus: true);

    public LockItem[] ReadLocks()
    {
        var items = new List<LockItem>();
        while (ReadInt() == 1 && !Failed)
        {
            if (items.Count == ListMax)
            {
                Failed = true;
                break;
            }

            items.Add(new LockItem(ReadFlock(), ReadName().ToOwned(), ReadUInt()));
        }

        return [.. items];
    }

    private void ReadEntries(DirEntries entries, bool plus)
    {
        entries.Clear();
        while (ReadInt() == 1 && !Failed)
        {
            if (entries.Count == ListMax)
            {
                Failed = true;
                return;
            }

            var ino = ReadULong();
            var offset = ReadULong();
            ReadUInt();
            var type = ReadUInt();
            var name = ReadName();
            var iatt = plus ? ReadIatt() : default;
            var data = plus ? ReadXData() : null;
            Failed |= name.Length is 0 or > Name.LengthMax || name.Span.Contains((byte)'/');
            if (Failed)
            {
                data?.Release();
                return;
            }

            ref var entry = ref entries.Add(name.Span);
            entry.Ino = ino;
            entry.Offset = offset;
            entry.Type = type;
            entry.Iatt = iatt;
            entry.XData = data;
        }
    }

    private bool TryTake(int size, out ReadOnlySpan<byte> bytes)
    {
        if (Failed || size > Remaining)
        {
            Failed = true;
            bytes = default;
            return false;
        }

        bytes = _bytes.Slice(Position, size);
        Position += size;
        return true;
    }
}
