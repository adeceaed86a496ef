using System;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Extended attributes. Sizes are bytes; a get or list with an empty buffer answers the size it would need, one with a
/// buffer that is too small ERANGE. The forms with a directory never follow a symbolic link at the end of the path.
/// </summary>
public static unsafe partial class Sys
{
    public const int XattrCreate = 1;
    public const int XattrReplace = 2;

    // Since Linux 6.13, the same on every architecture.
    private const int SetXattrAtNumber = 463;
    private const int GetXattrAtNumber = 464;
    private const int ListXattrAtNumber = 465;
    private const int RemoveXattrAtNumber = 466;

    private static int _noXattrAt; // 1: the kernel is too old, paths go through /proc.

    public static nint GetXattr(int fd, ReadOnlySpan<byte> name, Span<byte> value)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var text = stackalloc byte[name.Length + 1];
        Terminate(name, text);
        fixed (byte* pointer = value)
        {
            return Result(NativeFGetXattr(fd, text, pointer, value.Length));
        }
    }

    public static int SetXattr(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags = 0)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var text = stackalloc byte[name.Length + 1];
        Terminate(name, text);
        fixed (byte* pointer = value)
        {
            return Result(NativeFSetXattr(fd, text, pointer, value.Length, flags));
        }
    }

    /// <summary>The names, each with a terminating NUL.</summary>
    public static nint ListXattr(int fd, Span<byte> names)
    {
        fixed (byte* pointer = names)
        {
            return Result(NativeFListXattr(fd, pointer, names.Length));
        }
    }

    public static int RemoveXattr(int fd, ReadOnlySpan<byte> name)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var text = stackalloc byte[name.Length + 1];
        Terminate(name, text);
        return Result(NativeFRemoveXattr(fd, text));
    }

    public static nint GetXattrAt(int directory, ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Span<byte> value)
    {
        if (TooLong(path, out var error) || TooLong(name, out error))
        {
            return error;
        }

        var nameText = stackalloc byte[name.Length + 1];
        var text = stackalloc byte[path.Length + 48];
        Terminate(name, nameText);
        fixed (byte* pointer = value)
        {
            if (Volatile.Read(ref _noXattrAt) == 0)
            {
                Terminate(path, text);
                var arguments = new XattrArguments { Value = (ulong)pointer, Size = (uint)value.Length };
                var result = Result(NativeSyscall(
                    GetXattrAtNumber, directory, (nint)text, AtSymlinkNoFollow, (nint)nameText, (nint)(&arguments),
                    sizeof(XattrArguments)));
                if (result != -(int)Errno.ENOSYS)
                {
                    return result;
                }

                Volatile.Write(ref _noXattrAt, 1);
            }

            ThroughProc(directory, path, text);
            return Result(NativeLGetXattr(text, nameText, pointer, value.Length));
        }
    }

    public static int SetXattrAt(
        int directory, ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags = 0)
    {
        if (TooLong(path, out var error) || TooLong(name, out error))
        {
            return error;
        }

        var nameText = stackalloc byte[name.Length + 1];
        var text = stackalloc byte[path.Length + 48];
        Terminate(name, nameText);
        fixed (byte* pointer = value)
        {
            if (Volatile.Read(ref _noXattrAt) == 0)
            {
                Terminate(path, text);
                var arguments = new XattrArguments
                {
                    Value = (ulong)pointer,
                    Size = (uint)value.Length,
                    Flags = (uint)flags,
                };
                var result = Result(NativeSyscall(
                    SetXattrAtNumber, directory, (nint)text, AtSymlinkNoFollow, (nint)nameText, (nint)(&arguments),
                    sizeof(XattrArguments)));
                if (result != -(int)Errno.ENOSYS)
                {
                    return (int)result;
                }

                Volatile.Write(ref _noXattrAt, 1);
            }

            ThroughProc(directory, path, text);
            return Result(NativeLSetXattr(text, nameText, pointer, value.Length, flags));
        }
    }

    public static nint ListXattrAt(int directory, ReadOnlySpan<byte> path, Span<byte> names)
    {
        if (TooLong(path, out var error))
        {
            return error;
        }

        var text = stackalloc byte[path.Length + 48];
        fixed (byte* pointer = names)
        {
            if (Volatile.Read(ref _noXattrAt) == 0)
            {
                Terminate(path, text);
                var result = Result(NativeSyscall(
                    ListXattrAtNumber, directory, (nint)text, AtSymlinkNoFollow, (nint)pointer, names.Length, 0));
                if (result != -(int)Errno.ENOSYS)
                {
                    return result;
                }

                Volatile.Write(ref _noXattrAt, 1);
            }

            ThroughProc(directory, path, text);
            return Result(NativeLListXattr(text, pointer, names.Length));
        }
    }

    public static int RemoveXattrAt(int directory, ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        if (TooLong(path, out var error) || TooLong(name, out error))
        {
            return error;
        }

        var nameText = stackalloc byte[name.Length + 1];
        var text = stackalloc byte[path.Length + 48];
        Terminate(name, nameText);
        if (Volatile.Read(ref _noXattrAt) == 0)
        {
            Terminate(path, text);
            var result = Result(NativeSyscall(
                RemoveXattrAtNumber, directory, (nint)text, AtSymlinkNoFollow, (nint)nameText, 0, 0));
            if (result != -(int)Errno.ENOSYS)
            {
                return (int)result;
            }

            Volatile.Write(ref _noXattrAt, 1);
        }

        ThroughProc(directory, path, text);
        return Result(NativeLRemoveXattr(text, nameText));
    }

    /// <summary>An attribute of the inode behind an O_PATH descriptor, whatever its type. Needs /proc.</summary>
    public static nint GetXattrOfPath(int pathFd, ReadOnlySpan<byte> name, Span<byte> value)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var nameText = stackalloc byte[name.Length + 1];
        var text = stackalloc byte[48];
        Terminate(name, nameText);
        ThroughProc(pathFd, default, text);
        fixed (byte* pointer = value)
        {
            // Following the link of /proc leads to the very inode, even when that is a symbolic link.
            return Result(NativeGetXattr(text, nameText, pointer, value.Length));
        }
    }

    /// <summary>Sets an attribute of the inode behind an O_PATH descriptor.</summary>
    public static int SetXattrOfPath(int pathFd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags = 0)
    {
        if (TooLong(name, out var error))
        {
            return error;
        }

        var nameText = stackalloc byte[name.Length + 1];
        var text = stackalloc byte[48];
        Terminate(name, nameText);
        ThroughProc(pathFd, default, text);
        fixed (byte* pointer = value)
        {
            return Result(NativeSetXattr(text, nameText, pointer, value.Length, flags));
        }
    }

    /// <summary>Writes "/proc/self/fd/DIRECTORY/PATH", or without the path when that is empty, and a NUL.</summary>
    private static void ThroughProc(int directory, ReadOnlySpan<byte> path, byte* text)
    {
        var target = new Span<byte>(text, path.Length + 48);
        "/proc/self/fd/"u8.CopyTo(target);
        var at = 14;
        directory.TryFormat(target[at..], out var digits);
        at += digits;
        if (!path.IsEmpty)
        {
            target[at++] = (byte)'/';
            path.CopyTo(target[at..]);
            at += path.Length;
        }

        target[at] = 0;
    }

    // struct xattr_args of Linux 6.13.
    [StructLayout(LayoutKind.Sequential)]
    private struct XattrArguments
    {
        public ulong Value;
        public uint Size;
        public uint Flags;
    }

    [LibraryImport(Libc, EntryPoint = "fgetxattr", SetLastError = true)]
    private static partial nint NativeFGetXattr(int fd, byte* name, byte* value, nint size);

    [LibraryImport(Libc, EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint NativeLGetXattr(byte* path, byte* name, byte* value, nint size);

    [LibraryImport(Libc, EntryPoint = "getxattr", SetLastError = true)]
    private static partial nint NativeGetXattr(byte* path, byte* name, byte* value, nint size);

    [LibraryImport(Libc, EntryPoint = "fsetxattr", SetLastError = true)]
    private static partial int NativeFSetXattr(int fd, byte* name, byte* value, nint size, int flags);

    [LibraryImport(Libc, EntryPoint = "lsetxattr", SetLastError = true)]
    private static partial int NativeLSetXattr(byte* path, byte* name, byte* value, nint size, int flags);

    [LibraryImport(Libc, EntryPoint = "setxattr", SetLastError = true)]
    private static partial int NativeSetXattr(byte* path, byte* name, byte* value, nint size, int flags);

    [LibraryImport(Libc, EntryPoint = "flistxattr", SetLastError = true)]
    private static partial nint NativeFListXattr(int fd, byte* names, nint size);

    [LibraryImport(Libc, EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint NativeLListXattr(byte* path, byte* names, nint size);

    [LibraryImport(Libc, EntryPoint = "fremovexattr", SetLastError = true)]
    private static partial int NativeFRemoveXattr(int fd, byte* name);

    [LibraryImport(Libc, EntryPoint = "lremovexattr", SetLastError = true)]
    private static partial int NativeLRemoveXattr(byte* path, byte* name);
}
