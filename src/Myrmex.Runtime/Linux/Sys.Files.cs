using System;
using System.Runtime.InteropServices;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Files and directories. Paths and names are bytes without a terminating NUL; one that contains a NUL answers EINVAL,
/// one that is too long ENAMETOOLONG.
/// </summary>
public static unsafe partial class Sys
{
    public const int PathMax = 4096;

    public const int OReadOnly = 0;
    public const int OWriteOnly = 1;
    public const int OReadWrite = 2;
    public const int OCreate = 0x40;
    public const int OExclusive = 0x80;
    public const int OTruncate = 0x200;
    public const int OAppend = 0x400;
    public const int ONoAtime = 0x40000;
    public const int OCloexec = 0x80000;
    public const int OPath = 0x200000;

    public const int AtSymlinkNoFollow = 0x100;
    public const int AtRemoveDirectory = 0x200;
    public const int AtEmptyPath = 0x1000;

    /// <summary>Directory descriptor that stands for the working directory, for absolute paths.</summary>
    public const int AtWorkingDirectory = -100;

    /// <summary>Nanoseconds that leave a time of <see cref="SetTimesAt"/> unchanged.</summary>
    public const uint TimeOmit = (1 << 30) - 2;

    public const int RenameNoReplace = 1;

    /// <summary>RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND of PRead and PWrite.</summary>
    public const int RwDataSync = 2;
    public const int RwSync = 4;
    public const int RwNoWait = 8;
    public const int RwAppend = 16;

    public const int SeekSet = 0;
    public const int SeekData = 3;
    public const int SeekHole = 4;

    private const uint StatMask = 0x7FF | 0x800 | 0x2000; // Basic, birth time, alignment of direct I/O.
    private const uint StatMaskWithoutChangeTimes = 0x73F | 0x800;

    private static bool IsX64 => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    // The same open flags have other numbers on arm64.
    public static readonly int ODirect = IsX64 ? 0x4000 : 0x10000;
    public static readonly int ODirectory = IsX64 ? 0x10000 : 0x4000;
    public static readonly int ONoFollow = IsX64 ? 0x20000 : 0x8000;

    public static int OpenAt(int directory, ReadOnlySpan<byte> path, int flags, uint mode = 0)
    {
        if (TooLong(path, out var error))
        {
            return error;
        }

        var text = stackalloc byte[path.Length + 1];
        Terminate(path, text);
        return Result(NativeOpenAt(directory, text, flags | OCloexec, mode));
    }

    /// <summary>statx of a name below a directory, not following a symbolic link.</summary>
    public static int StatAt(int directory, ReadOnlySpan<byte> path, out FileStat stat)
    {
        if (TooLong(path, out var error))
        {
            stat = default;
            return error;
        }

        var text = stackalloc byte[path.Length + 1];
        Terminate(path, text);
        fixed (FileStat* pointer = &stat)
        {
            return Result(NativeStatx(directory, text, AtSymlinkNoFollow, StatMask, pointer));
        }
    }

    /// <summary>statx of an open file.</summary>
    public static int Stat(int fd, out FileStat stat) => StatEmpty(fd, StatMask, out stat);

    /// <summary>
    /// The same without mtime and ctime. Once they were asked for, the next write must give the file finer ones than
    /// the kernel's tick, which is a transaction of the file system for every write (Linux 6.13 and later).
    /// </summary>
    public static int StatWithoutChangeTimes(int fd, out FileStat stat) =>
        StatEmpty(fd, StatMaskWithoutChangeTimes, out stat);

    public static int MakeDirectoryAt(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var text = stackalloc byte[name.Length + 1];
        Terminate(name, text);
        return Result(NativeMkDirAt(directory, text, mode));
    }

    public static int MakeNodeAt(int directory, ReadOnlySpan<byte> name, uint mode, ulong device)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var text = stackalloc byte[name.Length + 1];
        Terminate(name, text);
        return Result(NativeMkNodAt(directory, text, mode, device));
    }

    public static int SymlinkAt(ReadOnlySpan<byte> target, int directory, ReadOnlySpan<byte> name)
    {
        if (TooLong(target, out var error) || TooLong(name, out error))
        {
            return error;
        }

        var targetText = stackalloc byte[target.Length + 1];
        var text = stackalloc byte[name.Length + 1];
        Terminate(target, targetText);
        Terminate(name, text);
        return Result(NativeSymlinkAt(targetText, directory, text));
    }

    /// <summary>Hard link; a symbolic link as source is linked itself, not followed.</summary>
    public static int LinkAt(int sourceDirectory, ReadOnlySpan<byte> source, int directory, ReadOnlySpan<byte> name)
    {
        if (TooLong(source, out var error) || TooLong(name, out error))
        {
            return error;
        }

        var sourceText = stackalloc byte[source.Length + 1];
        var text = stackalloc byte[name.Length + 1];
        Terminate(source, sourceText);
        Terminate(name, text);
        return Result(NativeLinkAt(sourceDirectory, sourceText, directory, text, 0));
    }

    /// <param name="flags">0, or <see cref="AtRemoveDirectory"/> for rmdir.</param>
    public static int UnlinkAt(int directory, ReadOnlySpan<byte> name, int flags = 0)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var text = stackalloc byte[name.Length + 1];
        Terminate(name, text);
        return Result(NativeUnlinkAt(directory, text, flags));
    }

    public static int RenameAt(
        int sourceDirectory, ReadOnlySpan<byte> source, int directory, ReadOnlySpan<byte> name, uint flags = 0)
    {
        if (TooLong(source, out var error) || TooLong(name, out error))
        {
            return error;
        }

        var sourceText = stackalloc byte[source.Length + 1];
        var text = stackalloc byte[name.Length + 1];
        Terminate(source, sourceText);
        Terminate(name, text);
        return flags == 0
            ? Result(NativeRenameAt(sourceDirectory, sourceText, directory, text))
            : Result(NativeRenameAt2(sourceDirectory, sourceText, directory, text, flags));
    }

    /// <summary>
    /// Length of the target text put into <paramref name="buffer"/> (cut when it does not fit), or negative errno.
    /// </summary>
    public static int ReadLinkAt(int directory, ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        if (TooLong(path, out var error))
        {
            return error;
        }

        var text = stackalloc byte[path.Length + 1];
        Terminate(path, text);
        fixed (byte* pointer = buffer)
        {
            return (int)Result(NativeReadLinkAt(directory, text, pointer, buffer.Length));
        }
    }

    /// <summary>Mode bits of a name that is no symbolic link.</summary>
    public static int ChangeModeAt(int directory, ReadOnlySpan<byte> path, uint mode)
    {
        if (TooLong(path, out var error))
        {
            return error;
        }

        var text = stackalloc byte[path.Length + 1];
        Terminate(path, text);
        return Result(NativeFChModAt(directory, text, mode, 0));
    }

    public static int ChangeMode(int fd, uint mode) => Result(NativeFChMod(fd, mode));

    /// <summary>
    /// Owner and group, <see cref="uint.MaxValue"/> leaves one unchanged; a symbolic link is not followed.
    /// </summary>
    public static int ChangeOwnerAt(int directory, ReadOnlySpan<byte> path, uint uid, uint gid)
    {
        if (TooLong(path, out var error))
        {
            return error;
        }

        var text = stackalloc byte[path.Length + 1];
        Terminate(path, text);
        return Result(NativeFChOwnAt(directory, text, uid, gid, AtSymlinkNoFollow));
    }

    public static int ChangeOwner(int fd, uint uid, uint gid) => Result(NativeFChOwn(fd, uid, gid));

    /// <summary>Access and modification time; <see cref="TimeOmit"/> nanoseconds leave one unchanged.</summary>
    public static int SetTimesAt(int directory, ReadOnlySpan<byte> path, FileTime atime, FileTime mtime)
    {
        if (TooLong(path, out var error))
        {
            return error;
        }

        var text = stackalloc byte[path.Length + 1];
        Terminate(path, text);
        var times = stackalloc long[4] { atime.Seconds, atime.Nanoseconds, mtime.Seconds, mtime.Nanoseconds };
        return Result(NativeUTimeNsAt(directory, text, times, AtSymlinkNoFollow));
    }

    public static int SetTimes(int fd, FileTime atime, FileTime mtime)
    {
        var times = stackalloc long[4] { atime.Seconds, atime.Nanoseconds, mtime.Seconds, mtime.Nanoseconds };
        return Result(NativeFUTimeNs(fd, times));
    }

    /// <summary>Bytes read at an offset; 0 at the end.</summary>
    /// <param name="flags">0 or RwNoWait, which answers EAGAIN for what is not in memory.</param>
    public static nint PRead(int fd, nint address, nint count, long offset, int flags = 0)
    {
        if (flags == 0)
        {
            return Result(NativePRead(fd, (byte*)address, count, offset));
        }

        var piece = new IoVec((byte*)address, count);
        return Result(NativePReadV2(fd, &piece, 1, offset, flags));
    }

    public static nint PRead(int fd, Span<byte> buffer, long offset, int flags = 0)
    {
        fixed (byte* pointer = buffer)
        {
            return PRead(fd, (nint)pointer, buffer.Length, offset, flags);
        }
    }

    /// <summary>Bytes written at an offset, perhaps fewer than asked.</summary>
    /// <param name="flags">0, RwDataSync or RwSync; RwAppend puts the end of the file in the place of the
    /// offset.</param>
    public static nint PWrite(int fd, nint address, nint count, long offset, int flags = 0)
    {
        if (flags == 0)
        {
            return Result(NativePWrite(fd, (byte*)address, count, offset));
        }

        var piece = new IoVec((byte*)address, count);
        return Result(NativePWriteV2(fd, &piece, 1, offset, flags));
    }

    public static nint PWrite(int fd, ReadOnlySpan<byte> buffer, long offset, int flags = 0)
    {
        fixed (byte* pointer = buffer)
        {
            return PWrite(fd, (nint)pointer, buffer.Length, offset, flags);
        }
    }

    public static int Fsync(int fd) => Result(NativeFsync(fd));

    /// <summary>Everything of the file system that <paramref name="fd"/> is on.</summary>
    public static int SyncFileSystem(int fd) => Result(NativeSyncFs(fd));

    public static int Fdatasync(int fd) => Result(NativeFdatasync(fd));

    public static int Truncate(int fd, long size) => Result(NativeFTruncate(fd, size));

    /// <param name="mode">FALLOC_FL_* bits.</param>
    public static int Fallocate(int fd, int mode, long offset, long length) =>
        Result(NativeFAllocate(fd, mode, offset, length));

    /// <summary>The new position, or negative errno.</summary>
    public static long Seek(int fd, long offset, int whence) => Result((nint)NativeLSeek(fd, offset, whence));

    /// <summary>Bytes copied inside the kernel, perhaps fewer than asked.</summary>
    public static nint CopyFileRange(int source, long sourceOffset, int target, long targetOffset, nint count) =>
        Result(NativeCopyFileRange(source, &sourceOffset, target, &targetOffset, count, 0));

    /// <summary>Bytes of struct linux_dirent64 records put into <paramref name="buffer"/>, 0 at the end.</summary>
    public static int ReadDirectory(int fd, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            return (int)Result(NativeGetDents64(fd, pointer, buffer.Length));
        }
    }

    public static int StatFileSystem(int fd, out FileSystemStat stat)
    {
        fixed (FileSystemStat* pointer = &stat)
        {
            return Result(NativeFStatVfs(fd, pointer));
        }
    }

    /// <summary>Sets the file creation mask of the whole process and answers the former one.</summary>
    public static uint Umask(uint mask) => NativeUMask(mask);

    private static bool TooLong(ReadOnlySpan<byte> path, out int error)
    {
        error = path.Length >= PathMax ? -(int)Errno.ENAMETOOLONG
            : path.Contains((byte)0) ? -(int)Errno.EINVAL
            : 0;
        return error != 0;
    }

    private static void Terminate(ReadOnlySpan<byte> path, byte* text)
    {
        path.CopyTo(new Span<byte>(text, path.Length));
        text[path.Length] = 0;
    }

    private static int StatEmpty(int fd, uint mask, out FileStat stat)
    {
        byte empty = 0;
        fixed (FileStat* pointer = &stat)
        {
            return Result(NativeStatx(fd, &empty, AtEmptyPath, mask, pointer));
        }
    }

    [LibraryImport(Libc, EntryPoint = "openat", SetLastError = true)]
    private static partial int NativeOpenAt(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "statx", SetLastError = true)]
    private static partial int NativeStatx(int directory, byte* path, int flags, uint mask, FileStat* stat);

    [LibraryImport(Libc, EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int NativeMkDirAt(int directory, byte* path, uint mode);

    [LibraryImport(Libc, EntryPoint = "mknodat", SetLastError = true)]
    private static partial int NativeMkNodAt(int directory, byte* path, uint mode, ulong device);

    [LibraryImport(Libc, EntryPoint = "symlinkat", SetLastError = true)]
    private static partial int NativeSymlinkAt(byte* target, int directory, byte* path);

    [LibraryImport(Libc, EntryPoint = "linkat", SetLastError = true)]
    private static partial int NativeLinkAt(int sourceDirectory, byte* source, int directory, byte* path, int flags);

    [LibraryImport(Libc, EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int NativeUnlinkAt(int directory, byte* path, int flags);

    [LibraryImport(Libc, EntryPoint = "renameat", SetLastError = true)]
    private static partial int NativeRenameAt(int sourceDirectory, byte* source, int directory, byte* path);

    [LibraryImport(Libc, EntryPoint = "renameat2", SetLastError = true)]
    private static partial int NativeRenameAt2(
        int sourceDirectory, byte* source, int directory, byte* path, uint flags);

    [LibraryImport(Libc, EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint NativeReadLinkAt(int directory, byte* path, byte* buffer, nint size);

    [LibraryImport(Libc, EntryPoint = "fchmodat", SetLastError = true)]
    private static partial int NativeFChModAt(int directory, byte* path, uint mode, int flags);

    [LibraryImport(Libc, EntryPoint = "fchmod", SetLastError = true)]
    private static partial int NativeFChMod(int fd, uint mode);

    [LibraryImport(Libc, EntryPoint = "fchownat", SetLastError = true)]
    private static partial int NativeFChOwnAt(int directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport(Libc, EntryPoint = "fchown", SetLastError = true)]
    private static partial int NativeFChOwn(int fd, uint uid, uint gid);

    [LibraryImport(Libc, EntryPoint = "utimensat", SetLastError = true)]
    private static partial int NativeUTimeNsAt(int directory, byte* path, long* times, int flags);

    [LibraryImport(Libc, EntryPoint = "futimens", SetLastError = true)]
    private static partial int NativeFUTimeNs(int fd, long* times);

    [LibraryImport(Libc, EntryPoint = "pread", SetLastError = true)]
    private static partial nint NativePRead(int fd, byte* buffer, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint NativePWrite(int fd, byte* buffer, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "preadv2", SetLastError = true)]
    private static partial nint NativePReadV2(int fd, IoVec* pieces, int count, long offset, int flags);

    [LibraryImport(Libc, EntryPoint = "pwritev2", SetLastError = true)]
    private static partial nint NativePWriteV2(int fd, IoVec* pieces, int count, long offset, int flags);

    [LibraryImport(Libc, EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeFsync(int fd);

    [LibraryImport(Libc, EntryPoint = "syncfs", SetLastError = true)]
    private static partial int NativeSyncFs(int fd);

    [LibraryImport(Libc, EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int NativeFdatasync(int fd);

    [LibraryImport(Libc, EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int NativeFTruncate(int fd, long size);

    [LibraryImport(Libc, EntryPoint = "fallocate", SetLastError = true)]
    private static partial int NativeFAllocate(int fd, int mode, long offset, long length);

    [LibraryImport(Libc, EntryPoint = "lseek", SetLastError = true)]
    private static partial long NativeLSeek(int fd, long offset, int whence);

    [LibraryImport(Libc, EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint NativeCopyFileRange(
        int source, long* sourceOffset, int target, long* targetOffset, nint count, uint flags);

    [LibraryImport(Libc, EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint NativeGetDents64(int fd, byte* buffer, nint size);

    [LibraryImport(Libc, EntryPoint = "fstatvfs", SetLastError = true)]
    private static partial int NativeFStatVfs(int fd, FileSystemStat* stat);

    [LibraryImport(Libc, EntryPoint = "umask")]
    private static partial uint NativeUMask(uint mask);
}
