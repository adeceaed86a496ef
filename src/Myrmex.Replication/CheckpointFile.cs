using System;
using System.Buffers.Binary;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// What a replica needs besides its main store to go on after an entry: the place and chain of that entry and the
/// session table as of it. Replaced as a whole; invariant: the main store on disk holds everything up to the index of
/// the file.
/// </summary>
/// <remarks>
/// Layout, little endian: 0 magic "MXCHKPT2", or "MXCHKPTD" while a copy is made into the main store (8), 8 index (8),
/// 16 term (8), 24 chain (16), 40 length of the table
/// (4), 44 CRC-32C of bytes 0 to 43 and of all from 48 on (4), 48 horizon of elided entries (8), 56 the table.
/// </remarks>
/// <param name="IsCopying">
/// The main store holds nothing that can be relied on: a copy into it was begun. Only a copy that is whole ends it.
/// </param>
internal sealed record CheckpointFile(
    JournalIndex Index, Term Term, UInt128 Chain, byte[] Sessions, bool IsCopying = false)
{
    private const string Name = "checkpoint";
    private const int HeadBytes = 56;
    private const int CheckedFrom = 48;

    /// <summary>Bytes of the session table that can be read again; a larger one must not be saved.</summary>
    public const int SessionsMax = 1 << 30;

    private static ReadOnlySpan<byte> Magic => "MXCHKPT2"u8;

    private static ReadOnlySpan<byte> CopyingMagic => "MXCHKPTD"u8;

    /// <summary>
    /// See <see cref="Engine.ReplicaEngine.ElidedThrough"/>; the entries may be gone from the journal.
    /// </summary>
    public JournalIndex ElidedThrough { get; init; }

    public static CheckpointFile Empty { get; } = new(JournalIndex.None, Term.None, default, []);

    /// <summary>Writes it durably beside the journal and puts it in the place of the one before.</summary>
    public Errno Save(IDisk disk, string directory)
    {
        var bytes = Encode();
        var temporary = $"{directory}/{Name}.new";
        var error = disk.Open(temporary, DiskOpen.Write | DiskOpen.Create | DiskOpen.Truncate, out var file);
        if (error != Errno.Ok)
        {
            return error;
        }

        using (file)
        {
            error = file!.WriteFully(0, bytes); // Opened.
            error = error == Errno.Ok ? file!.Sync() : error;
        }

        error = error == Errno.Ok ? disk.Rename(temporary, $"{directory}/{Name}") : error;
        return error == Errno.Ok ? disk.SyncDirectory(directory) : error;
    }

    /// <summary>Reads it; ENOENT when there was no checkpoint yet, EUCLEAN when it is damaged.</summary>
    public static Errno Load(IDisk disk, string directory, out CheckpointFile checkpoint)
    {
        checkpoint = Empty;
        var error = disk.Open($"{directory}/{Name}", DiskOpen.Read, out var file);
        if (error != Errno.Ok)
        {
            return error;
        }

        using (file)
        {
            error = file!.GetLength(out var length); // Opened.
            if (error != Errno.Ok || length is < HeadBytes or > HeadBytes + SessionsMax)
            {
                return error == Errno.Ok ? Errno.EUCLEAN : error;
            }

            var bytes = new byte[length];
            error = file.ReadFully(0, bytes, out var count);
            return error != Errno.Ok ? error : Decode(bytes.AsSpan(0, count), out checkpoint) ? Errno.Ok
                : Errno.EUCLEAN;
        }
    }

    /// <summary>Puts a file that is of no use aside; Ok when there is none.</summary>
    public static Errno KeepDamaged(IDisk disk, string directory)
    {
        var error = disk.Rename($"{directory}/{Name}", $"{directory}/{Name}.damaged");
        return error is Errno.Ok or Errno.ENOENT ? Errno.Ok : error;
    }

    private byte[] Encode()
    {
        var bytes = new byte[HeadBytes + Sessions.Length];
        (IsCopying ? CopyingMagic : Magic).CopyTo(bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Term.Value);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(24), Chain);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(40), Sessions.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(CheckedFrom), ElidedThrough.Value);
        Sessions.CopyTo(bytes, HeadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(44), Checksum(bytes));
        return bytes;
    }

    private static bool Decode(ReadOnlySpan<byte> bytes, out CheckpointFile checkpoint)
    {
        checkpoint = Empty;
        var isCopying = bytes.Length >= HeadBytes && bytes[..8].SequenceEqual(CopyingMagic);
        if (bytes.Length < HeadBytes || (!isCopying && !bytes[..8].SequenceEqual(Magic))
            || BinaryPrimitives.ReadInt32LittleEndian(bytes[40..]) != bytes.Length - HeadBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[44..]) != Checksum(bytes))
        {
            return false;
        }

        checkpoint = new CheckpointFile(
            new JournalIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..])),
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..])),
            BinaryPrimitives.ReadUInt128LittleEndian(bytes[24..]),
            bytes[HeadBytes..].ToArray(),
            isCopying)
        {
            ElidedThrough = new JournalIndex(BinaryPrimitives.ReadUInt64LittleEndian(bytes[CheckedFrom..])),
        };
        return true;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes) => Crc32C.Of(bytes[CheckedFrom..], Crc32C.Of(bytes[..44]));
}
