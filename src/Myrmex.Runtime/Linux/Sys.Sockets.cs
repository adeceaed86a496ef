using System;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>Sockets.</summary>
public static unsafe partial class Sys
{
    public const int AfUnix = 1;
    public const int AfInet = 2;
    public const int AfInet6 = 10;

    public const int SockStream = 1;

    /// <summary>SOCK_NONBLOCK | SOCK_CLOEXEC.</summary>
    public const int SockFlags = 0x800 | 0x80000;

    public const int SolSocket = 1;
    public const int SoReuseAddr = 2;
    public const int SoError = 4;
    public const int SoSendBuffer = 7;
    public const int SoKeepAlive = 9;

    public const int IpProtoTcp = 6;
    public const int TcpNoDelay = 1;
    public const int TcpKeepIdle = 4;
    public const int TcpKeepInterval = 5;
    public const int TcpKeepCount = 6;

    /// <summary>Kernels from 6.15 on.</summary>
    public const int TcpRtoMax = 44;

    public const int IpProtoIpv6 = 41;
    public const int Ipv6Only = 26;

    private const int MsgNoSignal = 0x4000;
    private const int ScmRights = 1;

    /// <summary>A non-blocking, close-on-exec stream socket.</summary>
    public static int Socket(int family) => Result(NativeSocket(family, SockStream | SockFlags, 0));

    /// <summary>A connected pair of non-blocking unix stream sockets.</summary>
    public static int SocketPair(out int first, out int second)
    {
        var pair = stackalloc int[2];
        var result = Result(NativeSocketPair(AfUnix, SockStream | SockFlags, 0, pair));
        first = result < 0 ? -1 : pair[0];
        second = result < 0 ? -1 : pair[1];
        return result;
    }

    public static int Bind(int fd, ReadOnlySpan<byte> address)
    {
        fixed (byte* pointer = address)
        {
            return Result(NativeBind(fd, pointer, (uint)address.Length));
        }
    }

    public static int Listen(int fd, int backlog) => Result(NativeListen(fd, backlog));

    public static int Connect(int fd, ReadOnlySpan<byte> address)
    {
        fixed (byte* pointer = address)
        {
            return Result(NativeConnect(fd, pointer, (uint)address.Length));
        }
    }

    /// <summary>
    /// A new connection (non-blocking, close-on-exec) or negative errno; the peer's address is put at the start of
    /// <paramref name="address"/> and its size into <paramref name="size"/>.
    /// </summary>
    public static int Accept(int fd, Span<byte> address, out int size)
    {
        fixed (byte* pointer = address)
        {
            var length = (uint)address.Length;
            var result = Result(NativeAccept4(fd, pointer, &length, SockFlags));
            size = (int)Math.Min(length, (uint)address.Length);
            return result;
        }
    }

    /// <summary>Puts the socket's own address into <paramref name="address"/> and answers its size.</summary>
    public static int GetSockName(int fd, Span<byte> address)
    {
        fixed (byte* pointer = address)
        {
            var length = (uint)address.Length;
            var result = Result(NativeGetSockName(fd, pointer, &length));
            return result < 0 ? result : (int)Math.Min(length, (uint)address.Length);
        }
    }

    public static int SetSockOpt(int fd, int level, int option, int value) =>
        Result(NativeSetSockOpt(fd, level, option, &value, sizeof(int)));

    /// <summary>The value of an integer option; <paramref name="value"/> is 0 when the call fails.</summary>
    public static int GetSockOpt(int fd, int level, int option, out int value)
    {
        var read = 0;
        uint size = sizeof(int);
        var result = Result(NativeGetSockOpt(fd, level, option, &read, &size));
        value = read;
        return result;
    }

    public static nint Receive(int fd, byte* buffer, nint count) => Result(NativeRecv(fd, buffer, count, 0));

    /// <summary>
    /// Looks at the next byte without taking it: 1 when there is one, 0 at the end, or negative errno.
    /// </summary>
    public static nint Peek(int fd, out byte next)
    {
        const int msgPeek = 2;
        byte value = 0;
        var result = Result(NativeRecv(fd, &value, 1, msgPeek));
        next = value;
        return result;
    }

    public static nint ReadV(int fd, IoVec* pieces, int count) => Result(NativeReadV(fd, pieces, count));

    /// <summary>Sends the pieces in order; raises no SIGPIPE. Bytes taken by the kernel, or negative errno.</summary>
    public static nint SendGather(int fd, IoVec* pieces, int count)
    {
        if (count == 1)
        {
            return Result(NativeSend(fd, pieces->Address, pieces->Length, MsgNoSignal));
        }

        var message = new MessageHeader { Pieces = pieces, PieceCount = count };
        return Result(NativeSendMsg(fd, &message, MsgNoSignal));
    }

    /// <summary>
    /// Sends bytes, at least one, over a unix socket, and with them a descriptor, which stays the sender's. The number
    /// of bytes taken, or negative errno.
    /// </summary>
    public static nint SendDescriptor(int fd, ReadOnlySpan<byte> bytes, int descriptor)
    {
        var control = new DescriptorMessage
        {
            Size = DescriptorMessage.SizeUsed,
            Level = SolSocket,
            Kind = ScmRights,
            Descriptor = descriptor,
        };
        fixed (byte* pointer = bytes)
        {
            var piece = new IoVec(pointer, bytes.Length);
            var message = HeaderOf(&piece, &control);
            return Result(NativeSendMsg(fd, &message, MsgNoSignal));
        }
    }

    /// <summary>
    /// Receives bytes from a unix socket, and the descriptor that came with them, close-on-exec; -1 when none did. The
    /// number of bytes, 0 at the end, or negative errno.
    /// </summary>
    public static nint ReceiveDescriptor(int fd, Span<byte> bytes, out int descriptor)
    {
        const int closeOnExec = 0x40000000;
        var control = default(DescriptorMessage);
        nint result;
        fixed (byte* pointer = bytes)
        {
            var piece = new IoVec(pointer, bytes.Length);
            var message = HeaderOf(&piece, &control);
            result = Result(NativeRecvMsg(fd, &message, closeOnExec));
        }

        var has = result >= 0 && control.Size == DescriptorMessage.SizeUsed && control.Level == SolSocket
            && control.Kind == ScmRights;
        descriptor = has ? control.Descriptor : -1;
        return result;
    }

    private static MessageHeader HeaderOf(IoVec* piece, DescriptorMessage* control) => new()
    {
        Pieces = piece,
        PieceCount = 1,
        Control = (byte*)control,
        ControlSize = sizeof(DescriptorMessage),
    };

    [LibraryImport(Libc, EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint NativeRecvMsg(int fd, MessageHeader* message, int flags);

    [LibraryImport(Libc, EntryPoint = "socket", SetLastError = true)]
    private static partial int NativeSocket(int family, int type, int protocol);

    [LibraryImport(Libc, EntryPoint = "socketpair", SetLastError = true)]
    private static partial int NativeSocketPair(int family, int type, int protocol, int* pair);

    [LibraryImport(Libc, EntryPoint = "bind", SetLastError = true)]
    private static partial int NativeBind(int fd, byte* address, uint size);

    [LibraryImport(Libc, EntryPoint = "listen", SetLastError = true)]
    private static partial int NativeListen(int fd, int backlog);

    [LibraryImport(Libc, EntryPoint = "connect", SetLastError = true)]
    private static partial int NativeConnect(int fd, byte* address, uint size);

    [LibraryImport(Libc, EntryPoint = "accept4", SetLastError = true)]
    private static partial int NativeAccept4(int fd, byte* address, uint* size, int flags);

    [LibraryImport(Libc, EntryPoint = "getsockname", SetLastError = true)]
    private static partial int NativeGetSockName(int fd, byte* address, uint* size);

    [LibraryImport(Libc, EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int NativeSetSockOpt(int fd, int level, int option, int* value, uint size);

    [LibraryImport(Libc, EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int NativeGetSockOpt(int fd, int level, int option, int* value, uint* size);

    [LibraryImport(Libc, EntryPoint = "recv", SetLastError = true)]
    private static partial nint NativeRecv(int fd, byte* buffer, nint count, int flags);

    [LibraryImport(Libc, EntryPoint = "readv", SetLastError = true)]
    private static partial nint NativeReadV(int fd, IoVec* pieces, int count);

    [LibraryImport(Libc, EntryPoint = "send", SetLastError = true)]
    private static partial nint NativeSend(int fd, byte* buffer, nint count, int flags);

    [LibraryImport(Libc, EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint NativeSendMsg(int fd, MessageHeader* message, int flags);

    // struct cmsghdr of 64-bit Linux with one descriptor.
    [StructLayout(LayoutKind.Sequential)]
    private struct DescriptorMessage
    {
        public const int SizeUsed = 20;

        public nint Size;
        public int Level;
        public int Kind;
        public int Descriptor;
        public int Padding;
    }

    // struct msghdr of 64-bit Linux.
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public byte* Name;
        public nint NameSize;
        public IoVec* Pieces;
        public nint PieceCount;
        public byte* Control;
        public nint ControlSize;
        public nint Flags;
    }
}
