using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>epoll and eventfd.</summary>
public static unsafe partial class Sys
{
    public const uint EpollIn = 0x001;
    public const uint EpollOut = 0x004;
    public const uint EpollErr = 0x008;
    public const uint EpollHup = 0x010;
    public const uint EpollRdHup = 0x2000;
    public const uint EpollExclusive = 1u << 28;
    public const uint EpollOneShot = 1u << 30;
    public const uint EpollEdge = 1u << 31;

    public const int EpollCtlAdd = 1;
    public const int EpollCtlDel = 2;
    public const int EpollCtlMod = 3;

    private const int EpollCloexec = 0x80000;
    private const int EventFdFlags = 0x80000 | 0x800; // EFD_CLOEXEC | EFD_NONBLOCK

    /// <summary>Bytes of struct epoll_event: packed on x86-64, aligned elsewhere.</summary>
    public static readonly int EpollEventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private static readonly int EpollDataOffset = EpollEventSize - sizeof(ulong);

    public static int EpollCreate() => Result(NativeEpollCreate1(EpollCloexec));

    public static int EpollCtl(int epoll, int operation, int fd, uint events, ulong data)
    {
        var entry = stackalloc byte[16];
        Unsafe.WriteUnaligned(entry, events);
        Unsafe.WriteUnaligned(entry + EpollDataOffset, data);
        return Result(NativeEpollCtl(epoll, operation, fd, entry));
    }

    /// <summary>
    /// Waits for events; <paramref name="entries"/> has room for <paramref name="countMax"/> times
    /// <see cref="EpollEventSize"/> bytes. A timeout of -1 waits for ever.
    /// </summary>
    public static int EpollWait(int epoll, byte* entries, int countMax, int timeoutMs) =>
        Result(NativeEpollWait(epoll, entries, countMax, timeoutMs));

    /// <summary>The event mask of entry <paramref name="index"/>.</summary>
    public static uint EpollEventsAt(byte* entries, int index) =>
        Unsafe.ReadUnaligned<uint>(entries + ((nint)index * EpollEventSize));

    /// <summary>The data word of entry <paramref name="index"/>.</summary>
    public static ulong EpollDataAt(byte* entries, int index) =>
        Unsafe.ReadUnaligned<ulong>(entries + ((nint)index * EpollEventSize) + EpollDataOffset);

    /// <summary>A non-blocking, close-on-exec event counter.</summary>
    public static int EventFd() => Result(NativeEventFd(0, EventFdFlags));

    [LibraryImport(Libc, EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int NativeEpollCreate1(int flags);

    [LibraryImport(Libc, EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int NativeEpollCtl(int epoll, int operation, int fd, byte* entry);

    [LibraryImport(Libc, EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int NativeEpollWait(int epoll, byte* entries, int countMax, int timeoutMs);

    [LibraryImport(Libc, EntryPoint = "eventfd", SetLastError = true)]
    private static partial int NativeEventFd(uint value, int flags);
}
