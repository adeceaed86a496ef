using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>A name as the source of a copy has it.</summary>
/// <param name="Digest">Of all that is said of the inode (<see cref="CopyHasher"/>); empty for a directory, which is
/// sent in any case.</param>
/// <param name="HasContent">The hashes of its content follow.</param>
internal readonly record struct CopyName(Name Name, Gfid Gfid, byte[] Digest, bool HasContent = false);

/// <summary>Names of a directory, in order: those between the last one before and the last one here are all.</summary>
/// <param name="IsFirst">Of the directory.</param>
/// <param name="IsLast">No name comes after these.</param>
internal sealed record CopyNames(Gfid Directory, bool IsFirst, bool IsLast, IReadOnlyList<CopyName> Names);

/// <summary>A range of a file, and the hash of each block of it.</summary>
/// <param name="Level">Which size blocks have, see <see cref="CopyHasher"/>.</param>
/// <param name="IsEnd">Of the file, when the source looked at its size.</param>
internal readonly record struct CopyBlocks(
    Gfid Gfid, long Offset, int Length, int Level, byte[] Hashes, bool IsEnd = false);

/// <summary>What the target of a copy lacks.</summary>
internal enum CopyWantKind : byte
{
    /// <summary>Name and attributes; of a small file the content as well.</summary>
    Inode = 1,

    /// <summary>The hashes of smaller blocks.</summary>
    Blocks = 2,

    /// <summary>The bytes.</summary>
    Data = 3,
}

/// <summary>A thing that the target of a copy asks its source for.</summary>
/// <param name="IsNew">The target has nothing of the inode.</param>
/// <param name="HasContent">What <see cref="CopyName.HasContent"/> said.</param>
internal readonly record struct CopyWant(
    CopyWantKind Kind, Gfid Gfid, Gfid Parent, Name Name, bool IsNew, long Offset, int Length, int Level,
    bool HasContent = false);

/// <summary>
/// What goes along in a copy beside operations, as meta parts: the first byte is none of the versions of <see
/// cref="OperationCodec"/>. Numbers as <see cref="MetaWriter"/> writes them.
/// <list type="table">
/// <item>C1: gfid of the directory; 1 first, 2 last; count; each: counted name, gfid, counted digest, 1 if its content
/// follows</item>
/// <item>C2: count; each: 1 a gfid follows, else it is that of the one before, 2 the file ends here; offset; length;
/// level; counted hashes</item>
/// <item>C3: the salt of all hashes</item>
/// </list>
/// </summary>
internal static class CopyNotes
{
    public const byte Names = 0xC1;
    public const byte Blocks = 0xC2;
    public const byte Salt = 0xC3;

    private const int CountMax = 1 << 16;
    private const int NameMax = 255;

    public static bool IsNote(ReadOnlySpan<byte> meta) => meta.Length > 0 && meta[0] >= Names;

    public static byte[] Encode(CopyNames names)
    {
        var writer = MetaWriter.Begin();
        writer.Byte(Names);
        writer.Gfid(names.Directory);
        writer.Byte((byte)((names.IsFirst ? 1 : 0) | (names.IsLast ? 2 : 0)));
        writer.Unsigned((ulong)names.Names.Count);
        foreach (var (name, gfid, digest, hasContent) in names.Names)
        {
            writer.Bytes(name.Span);
            writer.Gfid(gfid);
            writer.Bytes(digest);
            writer.Byte(hasContent ? (byte)1 : (byte)0);
        }

        return writer.ToArray();
    }

    public static byte[] Encode(IReadOnlyList<CopyBlocks> ranges)
    {
        var writer = MetaWriter.Begin();
        var gfid = default(Gfid);
        writer.Byte(Blocks);
        writer.Unsigned((ulong)ranges.Count);
        foreach (var range in ranges)
        {
            writer.Byte((byte)((range.Gfid == gfid ? 0 : 1) | (range.IsEnd ? 2 : 0)));
            if (range.Gfid != gfid)
            {
                gfid = range.Gfid;
                writer.Gfid(gfid);
            }

            writer.Unsigned((ulong)range.Offset);
            writer.Unsigned((ulong)range.Length);
            writer.Byte((byte)range.Level);
            writer.Bytes(range.Hashes);
        }

        return writer.ToArray();
    }

    public static byte[] EncodeSalt(ulong salt)
    {
        var writer = MetaWriter.Begin();
        writer.Byte(Salt);
        writer.Unsigned(salt);
        return writer.ToArray();
    }

    public static byte[] Encode(in CopyWant want)
    {
        var writer = MetaWriter.Begin();
        writer.Byte((byte)want.Kind);
        writer.Gfid(want.Gfid);
        if (want.Kind == CopyWantKind.Inode)
        {
            writer.Gfid(want.Parent);
            writer.Bytes(want.Name.Span);
            writer.Byte((byte)((want.IsNew ? 1 : 0) | (want.HasContent ? 2 : 0)));
        }
        else
        {
            writer.Unsigned((ulong)want.Offset);
            writer.Unsigned((ulong)want.Length);
            writer.Byte((byte)want.Level);
        }

        return writer.ToArray();
    }

    /// <summary>Null for what is none.</summary>
    public static CopyNames? DecodeNames(ReadOnlySpan<byte> bytes)
    {
        var reader = new MetaReader(bytes);
        var isNames = reader.Byte() == Names;
        var directory = reader.Gfid();
        var flags = reader.Byte();
        var count = reader.Count(CountMax);
        var names = new List<CopyName>(count);
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            var name = new CopyName(
                reader.Name(NameMax), reader.Gfid(), reader.Bytes(CopyHasher.DigestBytes), reader.Byte() != 0);
            isNames &= name.Digest.Length is 0 or CopyHasher.DigestBytes && !name.Name.IsEmpty;
            names.Add(name);
        }

        return isNames && !reader.Failed && reader.IsAtEnd
            ? new CopyNames(directory, (flags & 1) != 0, (flags & 2) != 0, names) : null;
    }

    /// <summary>Null for what is none.</summary>
    public static List<CopyBlocks>? DecodeBlocks(ReadOnlySpan<byte> bytes)
    {
        var reader = new MetaReader(bytes);
        var isGood = reader.Byte() == Blocks;
        var count = reader.Count(CountMax);
        var ranges = new List<CopyBlocks>(count);
        var gfid = default(Gfid);
        for (var i = 0; i < count && isGood && !reader.Failed; i++)
        {
            var flags = reader.Byte();
            gfid = (flags & 1) == 0 ? gfid : reader.Gfid();
            var offset = reader.Unsigned();
            var length = reader.Unsigned();
            var level = reader.Byte();
            var hashes = reader.Bytes(JournalEntry.MetaMax);
            isGood = IsRange(offset, length, level)
                && hashes.Length == CopyHasher.CountOf((int)length, level) * CopyHasher.HashBytesOf(level);
            ranges.Add(new CopyBlocks(gfid, (long)offset, (int)length, level, hashes, (flags & 2) != 0));
        }

        return isGood && !reader.Failed && reader.IsAtEnd ? ranges : null;
    }

    /// <summary>Null for what is none.</summary>
    public static ulong? DecodeSalt(ReadOnlySpan<byte> bytes)
    {
        var reader = new MetaReader(bytes);
        var isSalt = reader.Byte() == Salt;
        var salt = reader.Unsigned();
        return isSalt && !reader.Failed && reader.IsAtEnd ? salt : null;
    }

    /// <summary>Null for what is none.</summary>
    public static CopyWant? DecodeWant(ReadOnlySpan<byte> bytes)
    {
        var reader = new MetaReader(bytes);
        var kind = (CopyWantKind)reader.Byte();
        var gfid = reader.Gfid();
        CopyWant want;
        var isGood = true;
        if (kind == CopyWantKind.Inode)
        {
            var (parent, name, flags) = (reader.Gfid(), reader.Name(NameMax), reader.Byte());
            want = new CopyWant(kind, gfid, parent, name, (flags & 1) != 0, 0, 0, 0, (flags & 2) != 0);
        }
        else
        {
            var (offset, length, level) = (reader.Unsigned(), reader.Unsigned(), reader.Byte());
            isGood = kind is CopyWantKind.Blocks or CopyWantKind.Data && IsRange(offset, length, level);
            want = new CopyWant(kind, gfid, default, default, false, (long)offset, (int)length, level);
        }

        return isGood && !reader.Failed && reader.IsAtEnd ? want : null;
    }

    private static bool IsRange(ulong offset, ulong length, byte level) =>
        offset <= long.MaxValue - CopyHasher.RangeMax && length is > 0 and <= CopyHasher.RangeMax
            && level <= CopyHasher.LevelLast;
}
