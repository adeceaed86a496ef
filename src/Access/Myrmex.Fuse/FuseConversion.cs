using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>Between the kernel's words and ours.</summary>
internal static class FuseConversion
{
    private const ulong NsPerSecond = 1_000_000_000;

    // Open flags whose numbers differ on arm64: DIRECTORY, NOFOLLOW, DIRECT, LARGEFILE.
    private const uint ArmDirectory = 0x4000;
    private const uint ArmNoFollow = 0x8000;
    private const uint ArmDirect = 0x10000;
    private const uint ArmLargeFile = 0x20000;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Open flags of this machine's kernel in the numbers of the wire.</summary>
    public static uint OpenFlagsOf(uint host)
    {
        return IsArm ? FromArm(host) : host;

        static uint FromArm(uint host)
        {
            var flags = host & ~(ArmDirectory | ArmNoFollow | ArmDirect | ArmLargeFile);
            flags |= (host & ArmDirectory) != 0 ? OpenFlags.Directory : 0;
            flags |= (host & ArmNoFollow) != 0 ? OpenFlags.NoFollow : 0;
            flags |= (host & ArmDirect) != 0 ? OpenFlags.Direct : 0;
            flags |= (host & ArmLargeFile) != 0 ? OpenFlags.LargeFile : 0;
            return flags;
        }
    }

    public static void SetTimeout(long timeoutNs, out ulong seconds, out uint nanoseconds)
    {
        var positive = (ulong)Math.Max(timeoutNs, 0);
        seconds = positive / NsPerSecond;
        nanoseconds = (uint)(positive % NsPerSecond);
    }

    public static void SetAttr(ref FuseAttr attr, in Iatt iatt)
    {
        attr.Ino = InoOf(in iatt);
        attr.Size = iatt.Size;
        attr.Blocks = iatt.Blocks;
        attr.Atime = (ulong)iatt.Atime;
        attr.Mtime = (ulong)iatt.Mtime;
        attr.Ctime = (ulong)iatt.Ctime;
        attr.AtimeNsec = iatt.AtimeNsec;
        attr.MtimeNsec = iatt.MtimeNsec;
        attr.CtimeNsec = iatt.CtimeNsec;
        attr.Mode = iatt.Mode;
        attr.Nlink = iatt.Nlink;
        attr.Uid = iatt.Uid;
        attr.Gid = iatt.Gid;
        attr.Rdev = (uint)DeviceNumber.ToLinux(iatt.Rdev);
        attr.BlockSize = iatt.BlockSize;
        attr.Flags = 0;
    }

    public static void SetStatx(ref FuseStatxOut statx, in Iatt iatt)
    {
        statx = default;
        statx.Mask = FuseBits.StatxBasicStats | ((iatt.Flags & IattFlags.Btime) != 0 ? FuseBits.StatxBirthTime : 0);
        statx.BlockSize = iatt.BlockSize;
        statx.Attributes = iatt.Attributes;
        statx.AttributesMask = iatt.AttributesMask;
        statx.Nlink = iatt.Nlink;
        statx.Uid = iatt.Uid;
        statx.Gid = iatt.Gid;
        statx.Mode = (ushort)iatt.Mode;
        statx.Ino = InoOf(in iatt);
        statx.Size = iatt.Size;
        statx.Blocks = iatt.Blocks;
        statx.Atime = new FuseStatxTime { Seconds = iatt.Atime, Nanoseconds = iatt.AtimeNsec };
        statx.Btime = new FuseStatxTime { Seconds = iatt.Btime, Nanoseconds = iatt.BtimeNsec };
        statx.Ctime = new FuseStatxTime { Seconds = iatt.Ctime, Nanoseconds = iatt.CtimeNsec };
        statx.Mtime = new FuseStatxTime { Seconds = iatt.Mtime, Nanoseconds = iatt.MtimeNsec };
        statx.RdevMajor = (uint)(iatt.Rdev >> 32);
        statx.RdevMinor = (uint)iatt.Rdev;
    }

    public static void SetStatfs(ref FuseStatfsOut statfs, in StatFs from)
    {
        statfs = default;
        statfs.Blocks = from.Blocks;
        statfs.BlocksFree = from.BlocksFree;
        statfs.BlocksAvailable = from.BlocksAvailable;
        statfs.Files = from.Files;
        statfs.FilesFree = from.FilesFree;
        statfs.BlockSize = (uint)from.BlockSize;
        statfs.FragmentSize = (uint)(from.FragmentSize == 0 ? from.BlockSize : from.FragmentSize);
        statfs.NameLength = Name.LengthMax;
    }

    /// <summary>The kernel takes 0 and errno numbers below 512; a number it would refuse becomes EIO.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ErrorOf(Errno error) => (uint)error < 512 ? -(int)error : -(int)Errno.EIO;

    public static bool IsPosixAcl(Name name) =>
        name.Equals("system.posix_acl_access"u8) || name.Equals("system.posix_acl_default"u8);

    /// <summary>
    /// True when a change by an unprivileged user must clear bits: suid, or sgid of a group-executable file.
    /// </summary>
    public static bool HasPrivilegeBits(in Iatt iatt) =>
        iatt.IsRegular && (iatt.Mode & ~WithoutPrivilegeBits(iatt.Mode)) != 0;

    public static uint WithoutPrivilegeBits(uint mode)
    {
        const uint groupExecute = 8;
        mode &= ~FileMode.SetUid;
        return (mode & groupExecute) != 0 ? mode & ~FileMode.SetGid : mode;
    }

    private static ulong InoOf(in Iatt iatt) => iatt.Gfid.IsNull ? iatt.Ino : iatt.Gfid.Ino;
}
