using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// One record of getdents64: u64 inode, i64 cookie of the next record, u16 size, u8 type, name with NUL. Native endian.
/// </summary>
internal readonly ref struct DirectoryRecord
{
    public ulong Ino { get; private init; }

    /// <summary>Cookie of the position after this record.</summary>
    public ulong Next { get; private init; }

    /// <summary>Linux DT_*.</summary>
    public byte Type { get; private init; }

    public ReadOnlySpan<byte> Name { get; private init; }

    public bool IsDotOrDotDot => Name.SequenceEqual("."u8) || Name.SequenceEqual(".."u8);

    /// <summary>Takes the first record off; false at the end or when the rest is malformed.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> records, out DirectoryRecord record)
    {
        record = default;
        if (records.Length < 20)
        {
            return false;
        }

        var size = BinaryPrimitives.ReadUInt16LittleEndian(records[16..]);
        if (size < 20 || size > records.Length)
        {
            return false;
        }

        var name = records[19..size];
        var end = name.IndexOf((byte)0);
        record = new DirectoryRecord
        {
            Ino = BinaryPrimitives.ReadUInt64LittleEndian(records),
            Next = BinaryPrimitives.ReadUInt64LittleEndian(records[8..]),
            Type = records[18],
            Name = end < 0 ? name : name[..end],
        };
        records = records[size..];
        return true;
    }
}

/// <summary>Reading whole directories for the brick's own purposes.</summary>
internal static class DirectoryScan
{
    /// <summary>All names from the start, without "." and "..". Not for the fop path.</summary>
    public static List<byte[]> Names(int fd)
    {
        var names = new List<byte[]>();
        var buffer = new byte[PosixLimits.ListingBufferMax];
        Sys.Seek(fd, 0, Sys.SeekSet);
        int size;
        while ((size = Sys.ReadDirectory(fd, buffer)) > 0)
        {
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, size);
            while (DirectoryRecord.TryTake(ref rest, out var record))
            {
                if (!record.IsDotOrDotDot)
                {
                    names.Add(record.Name.ToArray());
                }
            }
        }

        return names;
    }
}
