using System.Runtime.InteropServices;

namespace Myrmex.Fuse.Protocol;

// Structures sent to the kernel, in host byte order. Source: linux/fuse.h, protocol 7.45; sizes are held by a test.

/// <summary>Starts every reply and notification.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseOutHeader
{
    public const int Size = 16;

    public uint Length;

    /// <summary>0, a negative errno above -512, or the code of a notification.</summary>
    public int Error;
    public ulong Unique;
}

[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct FuseInitOut
{
    public uint Major;
    public uint Minor;
    public uint MaxReadahead;
    public uint Flags;
    public ushort MaxBackground;
    public ushort CongestionThreshold;
    public uint MaxWrite;
    public uint TimeGranularity;
    public ushort MaxPages;
    public ushort MapAlignment;
    public uint Flags2;
    public uint MaxStackDepth;
}

[StructLayout(LayoutKind.Sequential, Size = 88)]
internal struct FuseAttr
{
    public ulong Ino;
    public ulong Size;
    public ulong Blocks;
    public ulong Atime;
    public ulong Mtime;
    public ulong Ctime;
    public uint AtimeNsec;
    public uint MtimeNsec;
    public uint CtimeNsec;
    public uint Mode;
    public uint Nlink;
    public uint Uid;
    public uint Gid;
    public uint Rdev;
    public uint BlockSize;
    public uint Flags;
}

/// <summary>LOOKUP and everything that makes a name. Node 0 with a timeout is a negative entry.</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct FuseEntryOut
{
    public const int Size = 128;

    public ulong Node;
    public ulong Generation;
    public ulong EntryValid;
    public ulong AttrValid;
    public uint EntryValidNsec;
    public uint AttrValidNsec;
    public FuseAttr Attr;
}

[StructLayout(LayoutKind.Sequential, Size = 104)]
internal struct FuseAttrOut
{
    public ulong AttrValid;
    public uint AttrValidNsec;
    public uint Padding;
    public FuseAttr Attr;
}

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseOpenOut
{
    public ulong Handle;
    public FuseOpenReplyFlags OpenFlags;
    public int BackingId;
}

/// <summary>CREATE.</summary>
[StructLayout(LayoutKind.Sequential, Size = 144)]
internal struct FuseCreateOut
{
    public FuseEntryOut Entry;
    public FuseOpenOut Open;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseWriteOut
{
    public uint Size;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseCopyFileRangeOut
{
    public ulong Copied;
}

[StructLayout(LayoutKind.Sequential, Size = 80)]
internal struct FuseStatfsOut
{
    public ulong Blocks;
    public ulong BlocksFree;
    public ulong BlocksAvailable;
    public ulong Files;
    public ulong FilesFree;
    public uint BlockSize;
    public uint NameLength;
    public uint FragmentSize;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseGetxattrOut
{
    public uint Size;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseLkOut
{
    public FuseFileLock Lock;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseLseekOut
{
    public ulong Offset;
}

/// <summary>Head of a directory entry; the name follows, padded to eight bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseDirent
{
    public const int Size = 24;

    public ulong Ino;

    /// <summary>Cookie of the position after this entry.</summary>
    public ulong Offset;
    public uint NameLength;
    public uint Type;
}

[StructLayout(LayoutKind.Sequential, Size = 152)]
internal struct FuseDirentPlus
{
    public const int Size = 152;

    public FuseEntryOut Entry;
    public FuseDirent Dirent;
}

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseStatxTime
{
    public long Seconds;
    public uint Nanoseconds;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 288)]
internal struct FuseStatxOut
{
    public ulong AttrValid;
    public uint AttrValidNsec;
    public uint Flags;
    public ulong Spare0;
    public ulong Spare1;
    public uint Mask;
    public uint BlockSize;
    public ulong Attributes;
    public uint Nlink;
    public uint Uid;
    public uint Gid;
    public ushort Mode;
    public ushort Padding;
    public ulong Ino;
    public ulong Size;
    public ulong Blocks;
    public ulong AttributesMask;
    public FuseStatxTime Atime;
    public FuseStatxTime Btime;
    public FuseStatxTime Ctime;
    public FuseStatxTime Mtime;
    public uint RdevMajor;
    public uint RdevMinor;
    public uint DevMajor;
    public uint DevMinor;
}

[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseInvalidateInodeOut
{
    public ulong Node;

    /// <summary>First byte of cached data to drop; negative for attributes only.</summary>
    public long Offset;

    /// <summary>Bytes; 0 to the end.</summary>
    public long Length;
}
