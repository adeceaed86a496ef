using System;
using System.Runtime.InteropServices;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>struct statx of the kernel, x86-64 and arm64 alike; 256 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct Statx
{
    [FieldOffset(0)] public uint Mask;
    [FieldOffset(4)] public uint BlockSize;
    [FieldOffset(8)] public ulong Attributes;
    [FieldOffset(16)] public uint Nlink;
    [FieldOffset(20)] public uint Uid;
    [FieldOffset(24)] public uint Gid;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Ino;
    [FieldOffset(40)] public ulong Size;
    [FieldOffset(48)] public ulong Blocks;
    [FieldOffset(56)] public ulong AttributesMask;
    [FieldOffset(64)] public long AtimeSeconds;
    [FieldOffset(72)] public uint AtimeNanoseconds;
    [FieldOffset(80)] public long BtimeSeconds;
    [FieldOffset(88)] public uint BtimeNanoseconds;
    [FieldOffset(96)] public long CtimeSeconds;
    [FieldOffset(104)] public uint CtimeNanoseconds;
    [FieldOffset(112)] public long MtimeSeconds;
    [FieldOffset(120)] public uint MtimeNanoseconds;
    [FieldOffset(128)] public uint RdevMajor;
    [FieldOffset(132)] public uint RdevMinor;
    [FieldOffset(136)] public uint DevMajor;
    [FieldOffset(140)] public uint DevMinor;

    public readonly bool IsDirectory => (Mode & 0xF000) == 0x4000;
}

/// <summary>struct statvfs of glibc on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential, Size = 112)]
public struct Statvfs
{
    public ulong BlockSize;
    public ulong FragmentSize;
    public ulong Blocks;
    public ulong BlocksFree;
    public ulong BlocksAvailable;
    public ulong Files;
    public ulong FilesFree;
    public ulong FilesAvailable;
    public ulong FileSystemId;
    public ulong Flags;
    public ulong NameMax;
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Timespec
{
    /// <summary>As nanoseconds: leave this time alone. Source: UTIME_OMIT.</summary>
    public const long Omit = (1L << 30) - 2;

    public long Seconds;
    public long Nanoseconds;
}

/// <summary>Files and directories. Path spans must end with a NUL byte.</summary>
public static unsafe partial class Sys
{
    public const int AtCurrent = -100;
    public const int AtSymlinkNofollow = 0x100;
    public const int AtRemoveDir = 0x200;
    public const int AtEmptyPath = 0x1000;
    public const int OpenPath = 0x200000;
    public const int OpenCloexec = 0x80000;
    public const int OpenDirectory = 0x10000;
    public const int OpenNofollow = 0x20000;
    public const int OpenNoatime = 0x40000;
    public const uint RenameNoReplace = 1;
    public const uint StatxBasicAndBirth = 0xFFF;
    public const int RwfNowait = 8;
    public const int SeekDataKind = 3;
    public const int SeekHoleKind = 4;
    public const int FallocateKeepSize = 1;
    public const int FallocatePunchHole = 2;
    public const int FallocateZeroRange = 0x10;

    private const long SysSetfsuid = 122;
    private const long SysSetfsgid = 123;
    private const int PrSetSecurebits = 28;
    private const int PrGetSecurebits = 27;
    private const int SecbitNoSetuidFixup = 1 << 2;

    public static int OpenAt(int directory, ReadOnlySpan<byte> path, int flags, uint mode = 0)
    {
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeOpenAt(directory, p, flags | OpenCloexec, mode));
        }
    }

    public static int MkdirAt(int directory, ReadOnlySpan<byte> path, uint mode)
    {
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeMkdirAt(directory, p, mode));
        }
    }

    public static int MknodAt(int directory, ReadOnlySpan<byte> path, uint mode, ulong device)
    {
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeMknodAt(directory, p, mode, device));
        }
    }

    public static int SymlinkAt(ReadOnlySpan<byte> target, int directory, ReadOnlySpan<byte> path)
    {
        fixed (byte* t = Terminated(target))
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeSymlinkAt(t, directory, p));
        }
    }

    public static int LinkAt(int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to, int flags = 0)
    {
        fixed (byte* f = Terminated(from))
        fixed (byte* t = Terminated(to))
        {
            return Result(NativeLinkAt(fromDirectory, f, toDirectory, t, flags));
        }
    }

    public static int UnlinkAt(int directory, ReadOnlySpan<byte> path, int flags = 0)
    {
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeUnlinkAt(directory, p, flags));
        }
    }

    public static int RenameAt(int fromDirectory, ReadOnlySpan<byte> from, int toDirectory, ReadOnlySpan<byte> to, uint flags = 0)
    {
        fixed (byte* f = Terminated(from))
        fixed (byte* t = Terminated(to))
        {
            return Result(NativeRenameAt2(fromDirectory, f, toDirectory, t, flags));
        }
    }

    /// <summary>Length of the target, cut to the buffer, or negative errno.</summary>
    public static int ReadlinkAt(int directory, ReadOnlySpan<byte> path, Span<byte> target)
    {
        fixed (byte* p = Terminated(path))
        fixed (byte* t = target)
        {
            return (int)Result(NativeReadlinkAt(directory, p, t, target.Length));
        }
    }

    /// <summary>Never follows a symbolic link at the end of the path.</summary>
    public static int StatAt(int directory, ReadOnlySpan<byte> path, out Statx stat)
    {
        fixed (byte* p = Terminated(path))
        fixed (Statx* s = &stat)
        {
            return Result(NativeStatx(directory, p, AtSymlinkNofollow, StatxBasicAndBirth, s));
        }
    }

    public static int StatFd(int fd, out Statx stat)
    {
        byte empty = 0;
        fixed (Statx* s = &stat)
        {
            return Result(NativeStatx(fd, &empty, AtEmptyPath, StatxBasicAndBirth, s));
        }
    }

    public static long ReadFile(int fd, nint target, int count, long offset) =>
        Result(NativePread(fd, (byte*)target, count, offset));

    /// <summary>Reads what is in the page cache; -EAGAIN when the disk would be needed first.</summary>
    public static long ReadFileCached(int fd, nint target, int count, long offset)
    {
        var vector = new FileVector { Base = (byte*)target, Length = count };
        return Result(NativePreadv2(fd, &vector, 1, offset, RwfNowait));
    }

    public static long WriteFile(int fd, nint source, int count, long offset) =>
        Result(NativePwrite(fd, (byte*)source, count, offset));

    public static int Fsync(int fd) => Result(NativeFsync(fd));

    public static int Fdatasync(int fd) => Result(NativeFdatasync(fd));

    public static int TruncateFd(int fd, long length) => Result(NativeFtruncate(fd, length));

    public static int Allocate(int fd, int mode, long offset, long length) => Result(NativeFallocate(fd, mode, offset, length));

    public static long Seek(int fd, long offset, int kind) => Result((nint)NativeLseek(fd, offset, kind));

    public static long CopyRange(int from, long fromOffset, int to, long toOffset, long count) =>
        Result(NativeCopyFileRange(from, &fromOffset, to, &toOffset, (nint)count, 0));

    public static int ChmodFd(int fd, uint mode) => Result(NativeFchmod(fd, mode));

    /// <summary>Follows symbolic links: not for them.</summary>
    public static int ChmodAt(int directory, ReadOnlySpan<byte> path, uint mode)
    {
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeFchmodAt(directory, p, mode, 0));
        }
    }

    /// <summary>-1 leaves an id alone.</summary>
    public static int ChownAt(int directory, ReadOnlySpan<byte> path, uint uid, uint gid, int flags)
    {
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeFchownAt(directory, p, uid, gid, flags));
        }
    }

    public static int UtimensAt(int directory, ReadOnlySpan<byte> path, Timespec access, Timespec modify, int flags)
    {
        var times = stackalloc Timespec[2] { access, modify };
        fixed (byte* p = Terminated(path))
        {
            return Result(NativeUtimensAt(directory, p, times, flags));
        }
    }

    public static int UtimensFd(int fd, Timespec access, Timespec modify)
    {
        var times = stackalloc Timespec[2] { access, modify };
        return Result(NativeFutimens(fd, times));
    }

    /// <summary>Fills whole linux_dirent64 records; the bytes filled, 0 at the end.</summary>
    public static int GetDents(int fd, Span<byte> buffer)
    {
        fixed (byte* b = buffer)
        {
            return (int)Result(NativeGetdents64(fd, b, buffer.Length));
        }
    }

    public static int StatFileSystem(int fd, out Statvfs stat)
    {
        fixed (Statvfs* s = &stat)
        {
            return Result(NativeFstatvfs(fd, s));
        }
    }

    /// <summary>Size of the value; an empty buffer only asks for it.</summary>
    public static int GetXattr(int fd, ReadOnlySpan<byte> name, Span<byte> value)
    {
        fixed (byte* n = Terminated(name))
        fixed (byte* v = value)
        {
            return (int)Result(NativeFgetxattr(fd, n, v, value.Length));
        }
    }

    public static int GetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value)
    {
        fixed (byte* p = Terminated(path))
        fixed (byte* n = Terminated(name))
        fixed (byte* v = value)
        {
            return (int)Result(NativeLgetxattr(p, n, v, value.Length));
        }
    }

    public static int SetXattr(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags)
    {
        fixed (byte* n = Terminated(name))
        fixed (byte* v = value)
        {
            return Result(NativeFsetxattr(fd, n, v, value.Length, flags));
        }
    }

    public static int SetXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags)
    {
        fixed (byte* p = Terminated(path))
        fixed (byte* n = Terminated(name))
        fixed (byte* v = value)
        {
            return Result(NativeLsetxattr(p, n, v, value.Length, flags));
        }
    }

    public static int ListXattr(int fd, Span<byte> names)
    {
        fixed (byte* v = names)
        {
            return (int)Result(NativeFlistxattr(fd, v, names.Length));
        }
    }

    public static int ListXattr(ReadOnlySpan<byte> path, Span<byte> names)
    {
        fixed (byte* p = Terminated(path))
        fixed (byte* v = names)
        {
            return (int)Result(NativeLlistxattr(p, v, names.Length));
        }
    }

    public static int RemoveXattr(int fd, ReadOnlySpan<byte> name)
    {
        fixed (byte* n = Terminated(name))
        {
            return Result(NativeFremovexattr(fd, n));
        }
    }

    public static int RemoveXattr(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        fixed (byte* p = Terminated(path))
        fixed (byte* n = Terminated(name))
        {
            return Result(NativeLremovexattr(p, n));
        }
    }

    /// <summary>
    /// Lets this thread keep its capabilities when it changes its file system ids. False when the process may not
    /// (no CAP_SETPCAP).
    /// </summary>
    public static bool KeepCapabilitiesOfThread() =>
        NativePrctl(PrSetSecurebits, NativePrctl(PrGetSecurebits, 0, 0, 0, 0) | SecbitNoSetuidFixup, 0, 0, 0) == 0;

    /// <summary>Sets the file system ids of this thread only.</summary>
    public static void SetFileSystemIds(uint uid, uint gid)
    {
        NativeSyscall(SysSetfsgid, gid);
        NativeSyscall(SysSetfsuid, uid);
    }

    /// <summary>Sets the umask of the process; the old one.</summary>
    public static uint Umask(uint mask) => NativeUmask(mask);

    private static ReadOnlySpan<byte> Terminated(ReadOnlySpan<byte> path)
    {
        Invariant.Check(!path.IsEmpty);
        Invariant.Check(path[^1] == 0);
        return path;
    }

    private struct FileVector
    {
        public byte* Base;
        public nint Length;
    }

    [LibraryImport(Libc, EntryPoint = "openat", SetLastError = true)]
    private static partial int NativeOpenAt(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Libc, EntryPoint = "mkdirat", SetLastError = true)]
    private static partial int NativeMkdirAt(int directory, byte* path, uint mode);

    [LibraryImport(Libc, EntryPoint = "mknodat", SetLastError = true)]
    private static partial int NativeMknodAt(int directory, byte* path, uint mode, ulong device);

    [LibraryImport(Libc, EntryPoint = "symlinkat", SetLastError = true)]
    private static partial int NativeSymlinkAt(byte* target, int directory, byte* path);

    [LibraryImport(Libc, EntryPoint = "linkat", SetLastError = true)]
    private static partial int NativeLinkAt(int fromDirectory, byte* from, int toDirectory, byte* to, int flags);

    [LibraryImport(Libc, EntryPoint = "unlinkat", SetLastError = true)]
    private static partial int NativeUnlinkAt(int directory, byte* path, int flags);

    [LibraryImport(Libc, EntryPoint = "renameat2", SetLastError = true)]
    private static partial int NativeRenameAt2(int fromDirectory, byte* from, int toDirectory, byte* to, uint flags);

    [LibraryImport(Libc, EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint NativeReadlinkAt(int directory, byte* path, byte* target, nint size);

    [LibraryImport(Libc, EntryPoint = "statx", SetLastError = true)]
    private static partial int NativeStatx(int directory, byte* path, int flags, uint mask, Statx* stat);

    [LibraryImport(Libc, EntryPoint = "pread64", SetLastError = true)]
    private static partial nint NativePread(int fd, byte* target, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "preadv64v2", SetLastError = true)]
    private static partial nint NativePreadv2(int fd, FileVector* vectors, int count, long offset, int flags);

    [LibraryImport(Libc, EntryPoint = "pwrite64", SetLastError = true)]
    private static partial nint NativePwrite(int fd, byte* source, nint count, long offset);

    [LibraryImport(Libc, EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeFsync(int fd);

    [LibraryImport(Libc, EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int NativeFdatasync(int fd);

    [LibraryImport(Libc, EntryPoint = "ftruncate64", SetLastError = true)]
    private static partial int NativeFtruncate(int fd, long length);

    [LibraryImport(Libc, EntryPoint = "fallocate64", SetLastError = true)]
    private static partial int NativeFallocate(int fd, int mode, long offset, long length);

    [LibraryImport(Libc, EntryPoint = "lseek64", SetLastError = true)]
    private static partial long NativeLseek(int fd, long offset, int kind);

    [LibraryImport(Libc, EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint NativeCopyFileRange(int from, long* fromOffset, int to, long* toOffset, nint count, uint flags);

    [LibraryImport(Libc, EntryPoint = "fchmod", SetLastError = true)]
    private static partial int NativeFchmod(int fd, uint mode);

    [LibraryImport(Libc, EntryPoint = "fchmodat", SetLastError = true)]
    private static partial int NativeFchmodAt(int directory, byte* path, uint mode, int flags);

    [LibraryImport(Libc, EntryPoint = "fchownat", SetLastError = true)]
    private static partial int NativeFchownAt(int directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport(Libc, EntryPoint = "utimensat", SetLastError = true)]
    private static partial int NativeUtimensAt(int directory, byte* path, Timespec* times, int flags);

    [LibraryImport(Libc, EntryPoint = "futimens", SetLastError = true)]
    private static partial int NativeFutimens(int fd, Timespec* times);

    [LibraryImport(Libc, EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint NativeGetdents64(int fd, byte* buffer, nint size);

    [LibraryImport(Libc, EntryPoint = "fstatvfs64", SetLastError = true)]
    private static partial int NativeFstatvfs(int fd, Statvfs* stat);

    [LibraryImport(Libc, EntryPoint = "fgetxattr", SetLastError = true)]
    private static partial nint NativeFgetxattr(int fd, byte* name, byte* value, nint size);

    [LibraryImport(Libc, EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint NativeLgetxattr(byte* path, byte* name, byte* value, nint size);

    [LibraryImport(Libc, EntryPoint = "fsetxattr", SetLastError = true)]
    private static partial int NativeFsetxattr(int fd, byte* name, byte* value, nint size, int flags);

    [LibraryImport(Libc, EntryPoint = "lsetxattr", SetLastError = true)]
    private static partial int NativeLsetxattr(byte* path, byte* name, byte* value, nint size, int flags);

    [LibraryImport(Libc, EntryPoint = "flistxattr", SetLastError = true)]
    private static partial nint NativeFlistxattr(int fd, byte* names, nint size);

    [LibraryImport(Libc, EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint NativeLlistxattr(byte* path, byte* names, nint size);

    [LibraryImport(Libc, EntryPoint = "fremovexattr", SetLastError = true)]
    private static partial int NativeFremovexattr(int fd, byte* name);

    [LibraryImport(Libc, EntryPoint = "lremovexattr", SetLastError = true)]
    private static partial int NativeLremovexattr(byte* path, byte* name);

    [LibraryImport(Libc, EntryPoint = "prctl")]
    private static partial int NativePrctl(int option, long a, long b, long c, long d);

    [LibraryImport(Libc, EntryPoint = "syscall")]
    private static partial long NativeSyscall(long number, long argument);

    [LibraryImport(Libc, EntryPoint = "umask")]
    private static partial uint NativeUmask(uint mask);
}
