using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Runtime;

/// <summary>How a file is opened.</summary>
[Flags]
public enum DiskOpen
{
    Read = 1,
    Write = 2,
    Create = 4,

    /// <summary>With Create: EEXIST when the file is there.</summary>
    Exclusive = 8,

    Truncate = 16,

    /// <summary>
    /// Past the page cache where the file system can; then addresses, offsets and lengths must be multiples of 4096.
    /// </summary>
    Direct = 32,
}

/// <summary>
/// Files for journals and other state of our own (bricks have their own calls). Every call blocks: run it on a worker.
/// Durable is only what was synced: the bytes of a file by <see cref="IDiskFile.Sync"/>, its name and existence by
/// <see cref="SyncDirectory"/>. Paths are absolute.
/// </summary>
public interface IDisk
{
    /// <summary>
    /// Opens a file; <paramref name="file"/> is set when the answer is Ok, and is the caller's to dispose.
    /// </summary>
    Errno Open(string path, DiskOpen how, out IDiskFile? file);

    /// <summary>Gives a file another name, replacing what has that name.</summary>
    Errno Rename(string from, string to);

    Errno Unlink(string path);

    /// <summary>Makes one directory; its parent must exist.</summary>
    Errno MakeDirectory(string path);

    /// <summary>Adds the names in a directory to <paramref name="names"/>, sorted by their bytes.</summary>
    Errno List(string path, List<string> names);

    /// <summary>Makes what happened to the names in a directory durable.</summary>
    Errno SyncDirectory(string path);

    /// <summary>The room of the file system that holds a path. Quick: nothing of it is read from the disk.</summary>
    Errno GetSpace(string path, out DiskSpace space);
}

/// <summary>The room of a file system.</summary>
/// <param name="TotalBytes">All of it.</param>
/// <param name="FreeBytes">What programs without privileges can still use.</param>
public readonly record struct DiskSpace(long TotalBytes, long FreeBytes);

/// <summary>An open file. Safe for all threads as far as the ranges they use do not overlap.</summary>
public interface IDiskFile : IDisposable
{
    /// <summary>True when reads and writes go past the page cache.</summary>
    bool IsDirect { get; }

    Errno GetLength(out long length);

    /// <summary>
    /// Reads up to the length of <paramref name="target"/>; <paramref name="count"/> is 0 at the end of the file.
    /// </summary>
    Errno Read(long offset, Span<byte> target, out int count);

    /// <summary>
    /// Writes; may write less than asked (see <see cref="DiskFileExtensions.WriteFully(IDiskFile, long,
    /// ReadOnlySpan{byte})"/>).
    /// </summary>
    Errno Write(long offset, ReadOnlySpan<byte> source, out int count);

    /// <summary>
    /// Writes the pieces one after the other, as one call to the disk; may write less than asked (see
    /// <see cref="DiskFileExtensions.WriteFully(IDiskFile, long, ReadOnlySpan{Payload})"/>). At most 256 pieces; in a
    /// direct file each has an aligned address and length. The pieces are borrowed.
    /// </summary>
    Errno Write(long offset, ReadOnlySpan<Payload> pieces, out long count);

    /// <summary>
    /// Writes all pieces and makes them durable as <see cref="Sync"/> does, where it can by one call: then the disk is
    /// waited for once.
    /// </summary>
    Errno WriteDurably(long offset, ReadOnlySpan<Payload> pieces);

    /// <summary>
    /// Takes room on the disk for the first <paramref name="length"/> bytes, in few extents, and makes the file at
    /// least so
    /// long; what was not written reads as zero. Says ENOSPC before a write would. A file system that cannot do it only
    /// gets the length.
    /// </summary>
    Errno Preallocate(long length);

    /// <summary>
    /// Makes a range of another open file share the blocks of one of this file, which must not be written again as long
    /// as that is to cost nothing. Offsets and length must be multiples of 4096. EOPNOTSUPP or EXDEV where that cannot
    /// be, EBADF when this file is closed: unlike the others it may be called while the file is being disposed of.
    /// </summary>
    /// <param name="descriptor">Of the other file, open for writing.</param>
    Errno ShareInto(int descriptor, long targetOffset, long offset, long length);

    /// <summary>Cuts or extends the file.</summary>
    Errno Truncate(long length);

    /// <summary>
    /// Makes the bytes and the length durable. After an error nobody knows what is on the disk, and a second call may
    /// answer Ok without having written: give the file up.
    /// </summary>
    Errno Sync();
}

/// <summary>Loops over calls that may do less than they were asked for.</summary>
public static class DiskFileExtensions
{
    /// <summary>Writes everything or fails.</summary>
    public static Errno WriteFully(this IDiskFile file, long offset, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            var error = file.Write(offset, source, out var count);
            if (error is not (Errno.Ok or Errno.EINTR))
            {
                return error;
            }

            if (count == 0 && error == Errno.Ok)
            {
                return Errno.EIO; // A disk that takes nothing and reports nothing.
            }

            offset += count;
            source = source[count..];
        }

        return Errno.Ok;
    }

    /// <summary>Writes all pieces or fails.</summary>
    public static Errno WriteFully(this IDiskFile file, long offset, ReadOnlySpan<Payload> pieces)
    {
        var error = Errno.Ok;
        long count;
        do
        {
            error = file.Write(offset, pieces, out count);
        }
        while (error == Errno.EINTR);
        if (error != Errno.Ok)
        {
            return error;
        }

        // A short write is rare: what is left goes piece by piece.
        foreach (var piece in pieces)
        {
            if (count < piece.Length)
            {
                error = file.WriteFully(offset + count, piece.Span[(int)count..]);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }

            offset += piece.Length;
            count = Math.Max(0, count - piece.Length);
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Reads until <paramref name="target"/> is full or the file ends; <paramref name="count"/> says how far.
    /// </summary>
    public static Errno ReadFully(this IDiskFile file, long offset, Span<byte> target, out int count)
    {
        count = 0;
        while (count < target.Length)
        {
            var error = file.Read(offset + count, target[count..], out var part);
            if (error is not (Errno.Ok or Errno.EINTR))
            {
                return error;
            }

            if (part == 0 && error == Errno.Ok)
            {
                return Errno.Ok;
            }

            count += part;
        }

        return Errno.Ok;
    }
}
