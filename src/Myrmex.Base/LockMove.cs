using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Myrmex.Base;

/// <summary>
/// How a POSIX lock goes to another connection without a moment in which somebody else could get it: what
/// <see cref="InfoName"/> of the former open file says, in the xdata of the LK that asks for the same lock again. The
/// value is known to nobody but the holder and the brick.
/// </summary>
public static class LockMove
{
    /// <summary>XData of LK: locks taken through the open file that the value names are the asker's own.</summary>
    public static ReadOnlySpan<byte> Key => "myrmex.lock-move"u8;

    /// <summary>The name of the value, for FGETXATTR. Source: GlusterFS' lock migration.</summary>
    public static ReadOnlySpan<byte> InfoName => "trusted.glusterfs.lockinfo"u8;

    /// <summary>What begins the value of a client of a replica set.</summary>
    private static ReadOnlySpan<byte> HoldersMark => "myrmex-1"u8;

    /// <summary>
    /// The value of an open file of a replica set, where locks belong to sessions and not to open files: the mark, the
    /// session (16 bytes, big-endian), and each owner that holds something through the file, with its length
    /// (u16, little-endian) before it.
    /// </summary>
    public static byte[] WriteHolders(UInt128 session, IReadOnlyCollection<LkOwner> owners)
    {
        var bytes = new byte[HoldersMark.Length + 16 + (owners.Count * (2 + LkOwner.LengthMax))];
        HoldersMark.CopyTo(bytes);
        BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(HoldersMark.Length), session);
        var length = HoldersMark.Length + 16;
        Span<byte> text = stackalloc byte[LkOwner.LengthMax];
        foreach (var owner in owners)
        {
            owner.CopyTo(text);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(length), (ushort)owner.Length);
            text[..owner.Length].CopyTo(bytes.AsSpan(length + 2));
            length += 2 + owner.Length;
        }

        return bytes[..length];
    }

    /// <summary>False for a value of something else than a replica set.</summary>
    public static bool TryReadHolders(ReadOnlySpan<byte> bytes, out UInt128 session, List<LkOwner> owners)
    {
        session = 0;
        if (!bytes.StartsWith(HoldersMark) || bytes.Length < HoldersMark.Length + 16)
        {
            return false;
        }

        session = BinaryPrimitives.ReadUInt128BigEndian(bytes[HoldersMark.Length..]);
        bytes = bytes[(HoldersMark.Length + 16)..];
        while (!bytes.IsEmpty)
        {
            var length = bytes.Length < 2 ? int.MaxValue : BinaryPrimitives.ReadUInt16LittleEndian(bytes);
            if (length > LkOwner.LengthMax || bytes.Length - 2 < length)
            {
                return false;
            }

            owners.Add(new LkOwner(bytes.Slice(2, length)));
            bytes = bytes[(2 + length)..];
        }

        return session != 0;
    }
}
