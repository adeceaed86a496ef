using System;
using System.Runtime.InteropServices;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>Mounting, the FUSE device, and becoming a daemon.</summary>
public static unsafe partial class Sys
{
    public const uint MountReadOnly = 1;
    public const uint MountNoSuid = 2;
    public const uint MountNoDevices = 4;
    public const uint MountNoExec = 8;
    public const uint MountSynchronous = 16;
    public const uint MountDirSync = 128;
    public const uint MountNoAtime = 1024;
    public const uint MountNoDirAtime = 2048;
    public const uint MountRelAtime = 1 << 21;
    public const uint MountStrictAtime = 1 << 24;

    /// <summary>MNT_DETACH: hide the mount now, end it when its last user has gone.</summary>
    public const int UnmountDetach = 2;

    private const int OpenReadWrite = 2;
    private const int OpenCloseOnExec = 0x80000;

    // _IOR(229, 0, uint32_t), the same number on x86-64 and arm64.
    private const uint FuseDeviceClone = 0x8004E500;

    /// <summary>
    /// A non-blocking, close-on-exec descriptor of /dev/fuse; negative errno when there is none to be had.
    /// </summary>
    public static int FuseOpenDevice()
    {
        fixed (byte* path = "/dev/fuse\0"u8)
        {
            return Result(NativeFuseOpen(path, OpenReadWrite | OpenCloseOnExec | ONonblock, 0));
        }
    }

    /// <summary>
    /// Another descriptor of the connection of <paramref name="device"/>, with a queue of its own for replies.
    /// </summary>
    public static int FuseCloneDevice(int device)
    {
        var clone = FuseOpenDevice();
        if (clone < 0)
        {
            return clone;
        }

        var from = (uint)device;
        var result = Result(NativeFuseIoctl(clone, FuseDeviceClone, &from));
        if (result < 0)
        {
            Close(clone);
            return result;
        }

        return clone;
    }

    /// <summary>Writes the pieces as one message.</summary>
    public static nint FuseWriteV(int device, IoVec* pieces, int count) =>
        Result(NativeFuseWriteV(device, pieces, count));

    /// <summary>mount(2); flags are the Mount* constants.</summary>
    public static int Mount(string source, string target, string type, uint flags, string data) =>
        Result(NativeMount(source, target, type, flags, data));

    /// <summary>umount2(2).</summary>
    public static int Unmount(string target, int flags) => Result(NativeUnmount(target, flags));

    /// <summary>Effective user of the process.</summary>
    public static uint EffectiveUser() => NativeGetEuid();

    /// <summary>Leaves the session of the terminal and becomes the leader of a new one.</summary>
    public static int NewSession() => Result(NativeSetSid());

    /// <summary>Makes descriptor <paramref name="target"/> another name of <paramref name="source"/>.</summary>
    public static int Duplicate(int source, int target) => Result(NativeDup2(source, target));

    /// <summary>Sends stdin, stdout and stderr to /dev/null.</summary>
    public static void DetachStandardStreams()
    {
        fixed (byte* path = "/dev/null\0"u8)
        {
            var none = Result(NativeFuseOpen(path, OpenReadWrite | OpenCloseOnExec, 0));
            if (none < 0)
            {
                return;
            }

            for (var fd = 0; fd <= 2; fd++)
            {
                Duplicate(none, fd);
            }

            if (none > 2)
            {
                Close(none);
            }
        }
    }

    /// <summary>Reads a small file of /proc into <paramref name="buffer"/>; bytes read or negative errno.</summary>
    /// <param name="path">NUL-terminated.</param>
    public static int ReadProcFile(ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        Invariant.Check(path[^1] == 0);
        fixed (byte* name = path)
        {
            var fd = Result(NativeFuseOpen(name, OpenCloseOnExec, 0));
            if (fd < 0)
            {
                return fd;
            }

            var total = 0;
            nint got;
            do
            {
                got = Read(fd, buffer[total..]);
                total += (int)Math.Max(got, 0);
            }
            while (got > 0 && total < buffer.Length);
            Close(fd);
            return got < 0 && total == 0 ? (int)got : total;
        }
    }

    /// <summary>
    /// Waits for a message on a unix socket that carries a descriptor, and answers that descriptor. The socket is
    /// switched to
    /// blocking; end of the stream without a descriptor is ECONNRESET.
    /// </summary>
    public static int ReceiveDescriptor(int socket)
    {
        Fcntl(socket, FSetFl, Fcntl(socket, FGetFl, 0) & ~ONonblock);
        byte data;
        var piece = new IoVec(&data, 1);
        var control = stackalloc long[8];
        var message = new FuseMessageHeader
        {
            Pieces = &piece,
            PieceCount = 1,
            Control = (byte*)control,
            ControlSize = 64,
        };
        nint got;
        do
        {
            got = Result(NativeFuseRecvMsg(socket, &message, MsgCmsgCloexec));
        }
        while (got == -(int)Errno.EINTR);
        if (got < 0)
        {
            return (int)got;
        }

        // struct cmsghdr: length 8, level 4 (SOL_SOCKET 1), type 4 (SCM_RIGHTS 1), then the descriptor.
        var isRights = message.ControlSize >= 20 && ((int*)control)[2] == 1 && ((int*)control)[3] == 1;
        return got > 0 && isRights ? ((int*)control)[4] : -(int)Errno.ECONNRESET;
    }

    /// <summary>Lets a descriptor survive exec, or not.</summary>
    public static int SetInheritable(int fd, bool inheritable) => Fcntl(fd, FSetFd, inheritable ? 0 : FdCloexec);

    private const int MsgCmsgCloexec = 0x40000000;

    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true)]
    private static partial int NativeFuseOpen(byte* path, int flags, uint mode);

    // Variadic in C; integer and pointer arguments are passed like fixed ones on Linux x86-64 and arm64.
    [LibraryImport(Libc, EntryPoint = "ioctl", SetLastError = true)]
    private static partial int NativeFuseIoctl(int fd, nuint request, uint* argument);

    [LibraryImport(Libc, EntryPoint = "writev", SetLastError = true)]
    private static partial nint NativeFuseWriteV(int fd, IoVec* pieces, int count);

    [LibraryImport(Libc, EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeMount(string source, string target, string type, nuint flags, string data);

    [LibraryImport(Libc, EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeUnmount(string target, int flags);

    [LibraryImport(Libc, EntryPoint = "geteuid")]
    private static partial uint NativeGetEuid();

    [LibraryImport(Libc, EntryPoint = "setsid", SetLastError = true)]
    private static partial int NativeSetSid();

    [LibraryImport(Libc, EntryPoint = "dup2", SetLastError = true)]
    private static partial int NativeDup2(int source, int target);

    [LibraryImport(Libc, EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint NativeFuseRecvMsg(int fd, FuseMessageHeader* message, int flags);

    // struct msghdr of 64-bit Linux.
    [StructLayout(LayoutKind.Sequential)]
    private struct FuseMessageHeader
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
