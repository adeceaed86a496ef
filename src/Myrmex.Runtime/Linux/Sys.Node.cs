using System;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Calls for managing a node: signals, and what a path says about itself. None of them is for the fop path.
/// </summary>
public static unsafe partial class Sys
{
    public const int SignalHangUp = 1;
    public const int SignalKill = 9;
    public const int SignalTerminate = 15;

    private const int AtCurrentDirectory = -100;
    private const int StatxSize = 256;
    private const int StatxDeviceMajor = 0x88;
    private const int StatxDeviceMinor = 0x8C;
    private const int OpenDirectoryCloexec = 0x80000;

    /// <summary>Sends a signal to a process; signal 0 only asks whether it is there.</summary>
    public static int Kill(int pid, int signal) => Result(NativeKill(pid, signal));

    /// <summary>
    /// Takes a signal that this process was started to ignore (nohup, a shell's background) back to its default.
    /// Without it .NET installs no handler for that signal.
    /// </summary>
    public static void HeedSignal(int signal) => NativeSignal(signal, handler: 0);

    /// <summary>Bytes of the extended attribute, following symbolic links, or negative errno.</summary>
    public static nint PathGetXattr(string path, string name, Span<byte> value)
    {
        fixed (byte* pointer = value)
        {
            return Result(NativeGetXattr(path, name, pointer, value.Length));
        }
    }

    /// <summary>Sets an extended attribute, whether it exists or not, following symbolic links.</summary>
    public static int PathSetXattr(string path, string name, ReadOnlySpan<byte> value)
    {
        fixed (byte* pointer = value)
        {
            return Result(NativeSetXattr(path, name, pointer, value.Length, 0));
        }
    }

    public static int PathRemoveXattr(string path, string name) => Result(NativeRemoveXattr(path, name));

    /// <summary>
    /// Number of the file system that holds the path (st_dev), following symbolic links, or negative errno.
    /// </summary>
    public static long PathDevice(string path)
    {
        var buffer = stackalloc byte[StatxSize];
        var result = Result(NativeStatx(AtCurrentDirectory, path, 0, 0, buffer));
        return result < 0
            ? result
            : ((long)*(uint*)(buffer + StatxDeviceMajor) << 32) | *(uint*)(buffer + StatxDeviceMinor);
    }

    /// <summary>Room of the file system that holds the path; 0 or negative errno.</summary>
    public static int PathSpace(string path, out FileSystemSpace space)
    {
        // struct statvfs of 64-bit Linux: bsize frsize blocks bfree bavail files ffree favail fsid flag namemax, then
        // spare.
        var words = stackalloc ulong[16];
        var result = Result(NativeStatvfs(path, words));
        space = result < 0
            ? default
            : new FileSystemSpace(words[1], words[2] * words[1], words[4] * words[1], words[5], words[6]);
        return result;
    }

    /// <summary>Makes the entries and attributes of a directory durable.</summary>
    public static int SyncDirectory(string path)
    {
        var fd = Result(NativeOpenPath(path, OpenDirectoryCloexec));
        if (fd < 0)
        {
            return fd;
        }

        var result = Result(NativeSyncFd(fd));
        Close(fd);
        return result;
    }

    [LibraryImport(Libc, EntryPoint = "kill", SetLastError = true)]
    private static partial int NativeKill(int pid, int signal);

    [LibraryImport(Libc, EntryPoint = "signal")]
    private static partial nint NativeSignal(int signal, nint handler);

    [LibraryImport(Libc, EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint NativeGetXattr(string path, string name, byte* value, nint size);

    [LibraryImport(Libc, EntryPoint = "setxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeSetXattr(string path, string name, byte* value, nint size, int flags);

    [LibraryImport(Libc, EntryPoint = "removexattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRemoveXattr(string path, string name);

    [LibraryImport(Libc, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeStatx(int directory, string path, int flags, uint mask, byte* buffer);

    [LibraryImport(Libc, EntryPoint = "statvfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeStatvfs(string path, ulong* buffer);

    // open is variadic in C; without O_CREAT it has no third argument.
    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpenPath(string path, int flags);

    [LibraryImport(Libc, EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeSyncFd(int fd);
}

/// <summary>Room of a file system: sizes in bytes, free for ordinary users.</summary>
public readonly record struct FileSystemSpace(
    ulong BlockSize, ulong TotalBytes, ulong FreeBytes, ulong Inodes, ulong FreeInodes);
