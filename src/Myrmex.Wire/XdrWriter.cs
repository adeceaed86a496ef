using System;
using System.Buffers.Binary;
using Myrmex.Base;

namespace Myrmex.Wire;

/// <summary>
/// Writes XDR into a span that the caller has sized (see the codecs' SizeMax). Everything is big-endian in units of four
/// bytes. Source: RFC 4506.
/// </summary>
public ref struct XdrWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>The directory that this connection must see as the volume's root (sub-directory mount); null for none.</summary>
    public Gfid RootAlias { get; init; }

    /// <summary>Bytes written so far.</summary>
    public int Position { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _target[..Position];

    public static int SizeOf(Name name) => 4 + Padded(name.Length);

    public static int SizeOf(XData? data) => 12 + (data is null ? 0 : data.Encoded.Length);

    public static int SizeOf(Flock flock) => 32 + Padded(flock.Owner.Length);

    public static int SizeOf(DirEntries entries, bool plus)
    {
        var perEntry = 4 + 8 + 8 + 4 + 4 + 4 + 3 + (plus ? Iatt.WireSize + 12 : 0);
        var size = 4 + (entries.Count * perEntry) + entries.NamesLength;
        for (var i = 0; plus && i < entries.Count; i++)
        {
            size += entries[i].XData?.Encoded.Length ?? 0;
        }

        return size;
    }

    public static int SizeOf(LockItem[] locks)
    {
        var size = 4;
        foreach (var item in locks)
        {
            size += 8 + SizeOf(item.Flock) + SizeOf(item.ClientUid);
        }

        return size;
    }

    public void WriteInt(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(4), value);

    public void WriteUInt(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void WriteLong(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(8), value);

    public void WriteULong(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);

    public void WriteGfid(Gfid gfid) => gfid.CopyTo(Take(Gfid.Size));

    public void WriteIatt(in Iatt iatt)
    {
        if (!RootAlias.IsNull && iatt.Gfid == RootAlias)
        {
            var root = iatt with { Gfid = Gfid.Root, Ino = 1 };
            IattCodec.Write(Take(Iatt.WireSize), in root);
            return;
        }

        IattCodec.Write(Take(Iatt.WireSize), in iatt);
    }

    /// <summary>Bytes as they are, no length word, no padding.</summary>
    public void WriteRaw(scoped ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Length word, bytes, zero padding.</summary>
    public void WriteOpaque(scoped ReadOnlySpan<byte> bytes)
    {
        WriteInt(bytes.Length);
        var padded = Take(Padded(bytes.Length));
        padded[bytes.Length..].Clear();
        bytes.CopyTo(padded);
    }

    public void WriteName(Name name) => WriteOpaque(name.Span);

    /// <summary>gfx_dict: xdr_size, count, number of pairs, pairs; a null dictionary is 0, -1, 0.</summary>
    public void WriteXData(XData? data)
    {
        if (data is null)
        {
            WriteInt(0);
            WriteInt(-1);
            WriteInt(0);
            return;
        }

        WriteInt(data.Encoded.Length);
        WriteInt(data.Count);
        WriteInt(data.Count);
        WriteRaw(data.Encoded);
    }

    public void WriteFlock(Flock flock)
    {
        WriteUInt((uint)flock.Type);
        WriteUInt(flock.Whence);
        WriteLong(flock.Start);
        WriteLong(flock.Length);
        WriteUInt(flock.Pid);
        WriteInt(flock.Owner.Length);
        var padded = Take(Padded(flock.Owner.Length));
        padded.Clear();
        flock.Owner.CopyTo(padded);
    }

    public void WriteLease(Lease lease)
    {
        WriteUInt(lease.Command);
        WriteUInt(lease.Type);
        WriteGfid(lease.Id);
        WriteUInt(lease.Flags);
    }

    public void WriteStatFs(StatFs value)
    {
        WriteULong(value.BlockSize);
        WriteULong(value.FragmentSize);
        WriteULong(value.Blocks);
        WriteULong(value.BlocksFree);
        WriteULong(value.BlocksAvailable);
        WriteULong(value.Files);
        WriteULong(value.FilesFree);
        WriteULong(value.FilesAvailable);
        WriteULong(value.FileSystemId);
        WriteULong(value.MountFlags);
        WriteULong(value.NameMax);
    }

    /// <summary>op_ret and op_errno.</summary>
    public void WriteResult(Reply reply)
    {
        WriteInt(reply.IsOk ? reply.OpRet : -1);
        WriteInt((int)(reply.IsOk ? reply.Hint : reply.Error));
    }

    public void WriteDirList(DirEntries entries) => WriteEntries(entries, plus: false);

    public void WriteDirPlusList(DirEntries entries) => WriteEntries(entries, plus: true);

    public void WriteLocks(LockItem[] locks)
    {
        foreach (var item in locks)
        {
            WriteInt(1);
            WriteFlock(item.Flock);
            WriteName(item.ClientUid);
            WriteUInt(item.Flags);
        }

        WriteInt(0);
    }

    private static int Padded(int length) => (length + 3) & ~3;

    private void WriteEntries(DirEntries entries, bool plus)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            ref var entry = ref entries[i];
            WriteInt(1);
            WriteULong(entry.Ino);
            WriteULong(entry.Offset);
            WriteInt(entry.NameLength);
            WriteUInt(entry.Type);
            WriteName(entries.NameOf(i));
            if (plus && !RootAlias.IsNull && entries.NameOf(i).Equals(".."u8))
            {
                // It could be the directory above the root that the client sees.
                WriteIatt(default);
                WriteXData(null);
            }
            else if (plus)
            {
                WriteIatt(in entry.Iatt);
                WriteXData(entry.XData);
            }
        }

        WriteInt(0);
    }

    private Span<byte> Take(int size)
    {
        var span = _target.Slice(Position, size);
        Position += size;
        return span;
    }
}
