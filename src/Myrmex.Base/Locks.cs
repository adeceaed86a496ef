namespace Myrmex.Base;

/// <summary>LK and INODELK commands. Source: wire protocol of program 1298437.</summary>
public enum LockCommand : uint
{
    GetLock = 0,
    SetLock = 1,
    SetLockWait = 2,
    ReserveLock = 3,
    ReserveLockWait = 4,
    ReserveUnlock = 5,
    GetLockFd = 6,
}

/// <summary>ENTRYLK commands; <c>Lock</c> waits.</summary>
public enum EntryLockCommand : uint
{
    Lock = 0,
    Unlock = 1,
    LockNonBlocking = 2,
}

public enum LockType : uint
{
    Read = 0,
    Write = 1,
    Unlock = 2,
    EndOfList = 3,
}

/// <summary>A byte range lock. <c>Length</c> 0 means "to the end of the file"; offsets are bytes.</summary>
public readonly record struct Flock(LockType Type, uint Whence, long Start, long Length, uint Pid, LkOwner Owner);

/// <summary>One entry of a list of active locks.</summary>
public readonly record struct LockItem(Flock Flock, Name ClientUid, uint Flags);

/// <summary>LEASE fop argument. Command: 1 get, 2 set, 3 unlock; type: 1 read, 2 read-write.</summary>
public readonly record struct Lease(uint Command, uint Type, Gfid Id, uint Flags);

/// <summary>Commands of LEASE. Source: gf_lease_cmds of the public headers of GlusterFS 10.</summary>
public static class LeaseCommand
{
    public const uint Get = 1;
    public const uint Set = 2;
    public const uint Unlock = 3;
}

/// <summary>Types of leases. Source: gf_lease_types of the public headers of GlusterFS 10.</summary>
public static class LeaseType
{
    public const uint None = 0;
    public const uint Read = 1;
    public const uint ReadWrite = 2;
}

/// <summary>File system figures in Linux statvfs order; sizes are in units of <c>FragmentSize</c>.</summary>
public record struct StatFs
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
