using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// What statx(2) tells about an inode: the kernel's 256-byte struct as it is. Times are seconds and nanoseconds since
/// the epoch, <see cref="Blocks"/> counts 512-byte units.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct FileStat
{
    private const uint BirthTimeValid = 0x800;
    private const uint ChangeTimesValid = 0xC0;

    [FieldOffset(0)]
    private readonly uint _mask;

    [FieldOffset(16)]
    public uint Nlink;

    [FieldOffset(20)]
    public uint Uid;

    [FieldOffset(24)]
    public uint Gid;

    [FieldOffset(28)]
    private readonly ushort _mode;

    [FieldOffset(32)]
    public ulong Ino;

    [FieldOffset(40)]
    public ulong Size;

    [FieldOffset(48)]
    public ulong Blocks;

    [FieldOffset(64)]
    public FileTime Atime;

    [FieldOffset(80)]
    public FileTime Btime;

    [FieldOffset(96)]
    public FileTime Ctime;

    [FieldOffset(112)]
    public FileTime Mtime;

    [FieldOffset(128)]
    private readonly uint _rdevMajor;

    [FieldOffset(132)]
    private readonly uint _rdevMinor;

    [FieldOffset(136)]
    private readonly uint _devMajor;

    [FieldOffset(140)]
    private readonly uint _devMinor;

    /// <summary>Alignment of memory for O_DIRECT; 0 when unknown or impossible.</summary>
    [FieldOffset(152)]
    public uint DirectMemoryAlignment;

    /// <summary>Alignment of offset and length for O_DIRECT; 0 when unknown or impossible.</summary>
    [FieldOffset(156)]
    public uint DirectOffsetAlignment;

    /// <summary>Type and permission bits.</summary>
    public readonly uint Mode => _mode;

    /// <summary>The file system keeps birth times.</summary>
    public readonly bool HasBirthTime => (_mask & BirthTimeValid) != 0;

    /// <summary><see cref="Mtime"/> and <see cref="Ctime"/> were asked for.</summary>
    public readonly bool HasChangeTimes => (_mask & ChangeTimesValid) == ChangeTimesValid;

    /// <summary>st_dev as the C library encodes it.</summary>
    public readonly ulong Dev => MakeDevice(_devMajor, _devMinor);

    /// <summary>st_rdev as the C library encodes it.</summary>
    public readonly ulong Rdev => MakeDevice(_rdevMajor, _rdevMinor);

    /// <summary>The number of a device as the C library encodes it.</summary>
    public static ulong MakeDevice(uint major, uint minor) =>
        ((major & 0xFFFUL) << 8) | ((major & 0xFFFFF000UL) << 32) | (minor & 0xFFUL) | ((minor & 0xFFFFFF00UL) << 12);
}

/// <summary>struct statx_timestamp.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
public struct FileTime(long seconds, uint nanoseconds)
{
    public long Seconds = seconds;
    public uint Nanoseconds = nanoseconds;
}

/// <summary>struct statvfs of 64-bit Linux; sizes are in units of <see cref="FragmentSize"/>.</summary>
[StructLayout(LayoutKind.Sequential, Size = 112)]
public struct FileSystemStat
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
    public ulong MountFlags;
    public ulong NameMax;
}
