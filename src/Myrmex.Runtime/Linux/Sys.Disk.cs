using System;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>The few file calls of <see cref="LinuxDisk"/>, by path.</summary>
public static unsafe partial class Sys
{
    private const int SeekEnd = 2;

    internal static int DiskOpen(string path, int flags, uint mode) => Result(NativeDiskOpen(path, flags, mode));

    internal static nint DiskRead(int fd, Span<byte> target, long offset)
    {
        fixed (byte* pointer = target)
        {
            return Result(NativeDiskRead(fd, pointer, target.Length, offset));
        }
    }

    internal static nint DiskWrite(int fd, ReadOnlySpan<byte> source, long offset)
    {
        fixed (byte* pointer = source)
        {
            return Result(NativeDiskWrite(fd, pointer, source.Length, offset));
        }
    }

    internal static nint DiskWrite(int fd, ReadOnlySpan<IoVec> pieces, long offset)
    {
        fixed (IoVec* pointer = pieces)
        {
            return Result(NativeDiskWriteGather(fd, pointer, pieces.Length, offset));
        }
    }

    internal static nint DiskWriteDurably(int fd, ReadOnlySpan<IoVec> pieces, long offset)
    {
        fixed (IoVec* pointer = pieces)
        {
            return Result(NativeDiskWriteGather2(fd, pointer, pieces.Length, offset, RwDataSync));
        }
    }

    internal static int DiskAllocate(int fd, long length) => Result(NativeDiskAllocate(fd, mode: 0, 0, length));

    internal static nint DiskLength(int fd) => Result(NativeDiskSeek(fd, 0, SeekEnd));

    /// <summary>Makes a range of a file share the blocks of a range of another one.</summary>
    internal static int ShareRange(int source, long sourceOffset, long length, int target, long targetOffset)
    {
        const nuint ioctlFileCloneRange = 0x4020940D;
        var range = stackalloc long[4] { source, sourceOffset, length, targetOffset };
        return Result(NativeDiskIoctl(target, ioctlFileCloneRange, range));
    }

    internal static int DiskTruncate(int fd, long length) => Result(NativeDiskTruncate(fd, length));

    internal static int DiskDataSync(int fd) => Result(NativeDiskDataSync(fd));

    internal static int DiskFullSync(int fd) => Result(NativeDiskFullSync(fd));

    internal static int DiskRename(string from, string to) => Result(NativeDiskRename(from, to));

    internal static int DiskUnlink(string path) => Result(NativeDiskUnlink(path));

    internal static int DiskMakeDirectory(string path, uint mode) => Result(NativeDiskMakeDirectory(path, mode));

    [LibraryImport(Libc, EntryPoint = "pwritev2", SetLastError = true)]
    private static partial nint NativeDiskWriteGather2(int fd, IoVec* pieces, int count, long offset, int flags);

    // Variadic in C, as open is.
    [LibraryImport(Libc, EntryPoint = "ioctl", SetLastError = true)]
    private static partial int NativeDiskIoctl(int fd, nuint request, long* argument);

    // open is variadic in C; on Linux x86-64 and arm64 the mode is passed like a fixed argument.
    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeDiskOpen(string path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "pread", SetLastError = true)]
    private static partial nint NativeDiskRead(int fd, byte* buffer, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint NativeDiskWrite(int fd, byte* buffer, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "pwritev", SetLastError = true)]
    private static partial nint NativeDiskWriteGather(int fd, IoVec* pieces, int count, long offset);

    [LibraryImport(Libc, EntryPoint = "fallocate", SetLastError = true)]
    private static partial int NativeDiskAllocate(int fd, int mode, long offset, long length);

    [LibraryImport(Libc, EntryPoint = "lseek", SetLastError = true)]
    private static partial nint NativeDiskSeek(int fd, nint offset, int whence);

    [LibraryImport(Libc, EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int NativeDiskTruncate(int fd, long length);

    [LibraryImport(Libc, EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int NativeDiskDataSync(int fd);

    [LibraryImport(Libc, EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeDiskFullSync(int fd);

    [LibraryImport(Libc, EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeDiskRename(string from, string to);

    [LibraryImport(Libc, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeDiskUnlink(string path);

    [LibraryImport(Libc, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeDiskMakeDirectory(string path, uint mode);
}
