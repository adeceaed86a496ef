using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Myrmex.Base;

[assembly: DisableRuntimeMarshalling]

namespace Myrmex.Runtime.Linux;

/// <summary>
/// The system calls of this process; the only P/Invokes there are. Every wrapper returns the call's result, or the negative
/// errno number when it failed; nothing throws. Pointers and spans are used only during the call. One file per concern.
/// </summary>
public static unsafe partial class Sys
{
    private const string Libc = "libc";

    /// <summary>close-on-exec flag of F_GETFD and F_SETFD.</summary>
    public const int FdCloexec = 1;

    public const int FGetFd = 1;
    public const int FSetFd = 2;
    public const int FGetFl = 3;
    public const int FSetFl = 4;

    /// <summary>O_NONBLOCK, the same number on x86-64 and arm64.</summary>
    public const int ONonblock = 0x800;

    /// <summary>Nanoseconds of CLOCK_BOOTTIME: since the start of the machine, its sleep included.</summary>
    public static long BootTimeNs
    {
        get
        {
            const int bootTime = 7;
            long* time = stackalloc long[2];
            _ = NativeClockGetTime(bootTime, time); // Cannot fail: every kernel that .NET runs on has the clock.
            return (time[0] * 1_000_000_000) + time[1];
        }
    }

    /// <summary>
    /// Fills with random bytes that nobody can predict; getrandom(2), which waits only while the machine starts.
    /// </summary>
    public static void Random(Span<byte> bytes)
    {
        fixed (byte* pointer = bytes)
        {
            for (var done = 0; done < bytes.Length;)
            {
                var count = Result(NativeGetRandom(pointer + done, bytes.Length - done, 0));
                Invariant.Check(count > 0 || ErrorOf(count) == Errno.EINTR); // It has no other error to give.
                done += (int)Math.Max(count, 0);
            }
        }
    }

    /// <summary>The errno in the result of a wrapper; Ok when it succeeded.</summary>
    public static Errno ErrorOf(long result) => result < 0 ? (Errno)(int)-result : Errno.Ok;

    /// <summary>Closes a descriptor. Never repeat it after an error: the number may already belong to someone else.</summary>
    public static int Close(int fd) => Result(NativeClose(fd));

    /// <summary>Bytes read, 0 at the end, or negative errno.</summary>
    public static nint Read(int fd, byte* buffer, nint count) => Result(NativeRead(fd, buffer, count));

    public static nint Read(int fd, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            return Result(NativeRead(fd, pointer, buffer.Length));
        }
    }

    /// <summary>Bytes written, perhaps fewer than asked, or negative errno.</summary>
    public static nint Write(int fd, byte* buffer, nint count) => Result(NativeWrite(fd, buffer, count));

    public static nint Write(int fd, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            return Result(NativeWrite(fd, pointer, buffer.Length));
        }
    }

    /// <summary>fcntl with an integer argument.</summary>
    public static int Fcntl(int fd, int command, int argument) => Result(NativeFcntl(fd, command, argument));

    /// <summary>The result of a native call that sets errno, as wrappers return it.</summary>
    internal static int Result(int result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    internal static nint Result(nint result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    [LibraryImport(Libc, EntryPoint = "getrandom", SetLastError = true)]
    private static partial nint NativeGetRandom(byte* bytes, nint count, uint flags);

    [LibraryImport(Libc, EntryPoint = "close", SetLastError = true)]
    private static partial int NativeClose(int fd);

    [LibraryImport(Libc, EntryPoint = "read", SetLastError = true)]
    private static partial nint NativeRead(int fd, byte* buffer, nint count);

    [LibraryImport(Libc, EntryPoint = "write", SetLastError = true)]
    private static partial nint NativeWrite(int fd, byte* buffer, nint count);

    [LibraryImport(Libc, EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static partial int NativeClockGetTime(int clock, long* time);

    // fcntl is variadic in C; on Linux x86-64 and arm64 an integer argument is passed like a fixed one.
    [LibraryImport(Libc, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int NativeFcntl(int fd, int command, int argument);
}
