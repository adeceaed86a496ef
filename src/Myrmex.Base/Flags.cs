namespace Myrmex.Base;

/// <summary>Open flags as on the wire: Linux x86-64 values on every machine.</summary>
public static class OpenFlags
{
    public const uint AccessMode = 3;
    public const uint ReadOnly = 0;
    public const uint WriteOnly = 1;
    public const uint ReadWrite = 2;
    public const uint Create = 0x40;
    public const uint Exclusive = 0x80;
    public const uint NoControllingTerminal = 0x100;
    public const uint Truncate = 0x200;
    public const uint Append = 0x400;
    public const uint NonBlock = 0x800;
    public const uint DataSync = 0x1000;
    public const uint Direct = 0x4000;
    public const uint LargeFile = 0x8000;
    public const uint Directory = 0x10000;
    public const uint NoFollow = 0x20000;
    public const uint NoAtime = 0x40000;
    public const uint CloseOnExec = 0x80000;
    public const uint Sync = 0x101000;
}

/// <summary>Fields a SETATTR changes. Source: GF_SET_ATTR_*.</summary>
[System.Flags]
public enum SetattrValid
{
    None = 0,
    Mode = 1,
    Uid = 2,
    Gid = 4,
    Size = 8,
    Atime = 0x10,
    Mtime = 0x20,
    Ctime = 0x40,
}

/// <summary>Which times the brick must take from the call. Source: credential v3 flags, written by features/utime.</summary>
[System.Flags]
public enum TimeFlags : uint
{
    None = 0,
    Ctime = 1,
    Mtime = 2,
    Atime = 4,
    ParentCtime = 8,
    ParentMtime = 0x10,
    ParentAtime = 0x20,

    /// <summary>
    /// Of this project, never on the wire: the times only move forward, however old they are, so that stamps applied in
    /// any order give the same result.
    /// </summary>
    ForwardOnly = 0x8000_0000,
}

/// <summary>XATTROP operations.</summary>
public enum XattropKind : uint
{
    AddArray32 = 0,
    AddArray64 = 1,
    Or = 2,
    And = 3,
    GetAndSet = 4,
    AddArray32WithDefault = 5,
    AddArray64WithDefault = 6,
}

/// <summary>SEEK argument.</summary>
public enum SeekKind
{
    Data = 0,
    Hole = 1,
}

/// <summary>setxattr(2) flags.</summary>
public static class SetxattrFlags
{
    public const uint Create = 1;
    public const uint Replace = 2;
}
