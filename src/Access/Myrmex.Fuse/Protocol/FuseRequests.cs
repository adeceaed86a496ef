using System.Runtime.InteropServices;

namespace Myrmex.Fuse.Protocol;

// Structures the kernel sends, in host byte order. Source: linux/fuse.h, protocol 7.45; sizes are held by a test.

/// <summary>Starts every request.</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal struct FuseInHeader
{
    public const int Size = 40;

    public uint Length;
    public FuseOpcode Opcode;
    public ulong Unique;
    public ulong Node;
    public uint Uid;
    public uint Gid;
    public uint Pid;
    public ushort ExtensionWords;
    public ushort Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct FuseInitIn
{
    public uint Major;
    public uint Minor;
    public uint MaxReadahead;
    public uint Flags;
    public uint Flags2;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseForgetIn
{
    public ulong Lookups;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseBatchForgetIn
{
    public uint Count;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseForgetOne
{
    public ulong Node;
    public ulong Lookups;
}

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseGetattrIn
{
    public uint Flags;
    public uint Padding;
    public ulong Handle;
}

[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseStatxIn
{
    public uint Flags;
    public uint Padding;
    public ulong Handle;
    public uint StatxFlags;
    public uint Mask;
}

[StructLayout(LayoutKind.Sequential, Size = 88)]
internal struct FuseSetattrIn
{
    public FuseSetattrValid Valid;
    public uint Padding;
    public ulong Handle;
    public ulong Size;
    public ulong LockOwner;
    public ulong Atime;
    public ulong Mtime;
    public ulong Ctime;
    public uint AtimeNsec;
    public uint MtimeNsec;
    public uint CtimeNsec;
    public uint Mode;
    public uint Unused4;
    public uint Uid;
    public uint Gid;
    public uint Unused5;
}

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseMknodIn
{
    public uint Mode;
    public uint Rdev;
    public uint Umask;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseMkdirIn
{
    public uint Mode;
    public uint Umask;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseRenameIn
{
    public ulong NewParent;
}

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseRename2In
{
    public ulong NewParent;
    public uint Flags;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseLinkIn
{
    public ulong OldNode;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseOpenIn
{
    public uint Flags;
    public uint OpenFlags;
}

[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseCreateIn
{
    public uint Flags;
    public uint Mode;
    public uint Umask;
    public uint OpenFlags;
}

/// <summary>READ, READDIR and READDIRPLUS.</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal struct FuseReadIn
{
    public ulong Handle;
    public ulong Offset;
    public uint Size;
    public uint ReadFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 40)]
internal struct FuseWriteIn
{
    public ulong Handle;
    public ulong Offset;
    public uint Size;
    public uint WriteFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

/// <summary>RELEASE and RELEASEDIR.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseReleaseIn
{
    public ulong Handle;
    public uint Flags;
    public uint ReleaseFlags;
    public ulong LockOwner;
}

[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseFlushIn
{
    public ulong Handle;
    public uint Unused;
    public uint Padding;
    public ulong LockOwner;
}

/// <summary>FSYNC and FSYNCDIR.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseFsyncIn
{
    public ulong Handle;
    public uint Flags;
    public uint Padding;
}

/// <summary>SETXATTR when FUSE_SETXATTR_EXT was granted; else only the first eight bytes come.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct FuseSetxattrIn
{
    public const int CompatSize = 8;

    public uint Size;
    public uint Flags;
    public uint SetxattrFlags;
    public uint Padding;
}

/// <summary>GETXATTR and LISTXATTR.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseGetxattrIn
{
    public uint Size;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseFileLock
{
    public ulong Start;

    /// <summary>Last byte, inclusive; 2^63-1 for "to the end".</summary>
    public ulong End;
    public uint Type;
    public uint Pid;
}

[StructLayout(LayoutKind.Sequential, Size = 48)]
internal struct FuseLkIn
{
    public ulong Handle;
    public ulong Owner;
    public FuseFileLock Lock;
    public uint Flags;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct FuseInterruptIn
{
    public ulong Unique;
}

[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct FuseFallocateIn
{
    public ulong Handle;
    public ulong Offset;
    public ulong Length;
    public uint Mode;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct FuseLseekIn
{
    public ulong Handle;
    public ulong Offset;
    public uint Whence;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential, Size = 56)]
internal struct FuseCopyFileRangeIn
{
    public ulong SourceHandle;
    public ulong SourceOffset;
    public ulong TargetNode;
    public ulong TargetHandle;
    public ulong TargetOffset;
    public ulong Length;
    public ulong Flags;
}
