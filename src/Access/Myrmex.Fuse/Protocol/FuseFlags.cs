using System;

namespace Myrmex.Fuse.Protocol;

/// <summary>Abilities that INIT negotiates, both words. Source: linux/fuse.h FUSE_*.</summary>
[Flags]
internal enum FuseInitFlags : ulong
{
    None = 0,
    AsyncRead = 1UL << 0,
    PosixLocks = 1UL << 1,
    AtomicTruncate = 1UL << 3,
    ExportSupport = 1UL << 4,
    BigWrites = 1UL << 5,
    DontMask = 1UL << 6,
    FlockLocks = 1UL << 10,
    AutoInvalidateData = 1UL << 12,
    Readdirplus = 1UL << 13,
    ReaddirplusAuto = 1UL << 14,
    AsyncDirectIO = 1UL << 15,
    WritebackCache = 1UL << 16,
    ParallelDirectoryOperations = 1UL << 18,
    PosixAcl = 1UL << 20,
    AbortError = 1UL << 21,
    MaxPages = 1UL << 22,
    CacheSymlinks = 1UL << 23,
    ExplicitInvalidateData = 1UL << 25,
    HandleKillPrivilegesV2 = 1UL << 28,
    SetxattrExtended = 1UL << 29,
    InitExtended = 1UL << 30,
    HasExpireOnly = 1UL << 35,
    DirectIOAllowMmap = 1UL << 36,
    Passthrough = 1UL << 37,
    OverIOUring = 1UL << 41,
}

/// <summary>Fields that a SETATTR request changes. Source: FATTR_*.</summary>
[Flags]
internal enum FuseSetattrValid : uint
{
    Mode = 1 << 0,
    Uid = 1 << 1,
    Gid = 1 << 2,
    Size = 1 << 3,
    Atime = 1 << 4,
    Mtime = 1 << 5,
    Handle = 1 << 6,
    AtimeNow = 1 << 7,
    MtimeNow = 1 << 8,
    LockOwner = 1 << 9,
    Ctime = 1 << 10,
    KillSuidSgid = 1 << 11,
}

/// <summary>How the kernel shall treat a file just opened. Source: FOPEN_*.</summary>
[Flags]
internal enum FuseOpenReplyFlags : uint
{
    None = 0,
    DirectIO = 1 << 0,
    KeepCache = 1 << 1,
    ParallelDirectWrites = 1 << 6,
}

/// <summary>Single bits of request structures that have their own name in linux/fuse.h.</summary>
internal static class FuseBits
{
    public const uint GetattrHandle = 1 << 0;
    public const uint OpenKillSuidSgid = 1 << 0;
    public const uint WriteCache = 1 << 0;
    public const uint WriteKillSuidSgid = 1 << 2;
    public const uint FsyncDataOnly = 1 << 0;
    public const uint LockIsFlock = 1 << 0;
    public const uint ReleaseFlockUnlock = 1 << 1;
    public const uint SetxattrKillSgid = 1 << 0;

    public const uint RenameNoReplace = 1 << 0;

    public const uint FallocateKeepSize = 1;
    public const uint FallocatePunchHole = 2;
    public const uint FallocateZeroRange = 16;

    public const uint SeekData = 3;
    public const uint SeekHole = 4;

    // Numbers of F_RDLCK, F_WRLCK, F_UNLCK.
    public const uint LockRead = 0;
    public const uint LockWrite = 1;
    public const uint LockUnlock = 2;

    public const uint StatxBasicStats = 0x7FF;
    public const uint StatxBirthTime = 0x800;
}
