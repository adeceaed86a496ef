using System;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// An inode of the brick for the time of one fop: by a held descriptor, or by its handle's path when opening it is not possible or
/// not worth it. Dispose it.
/// </summary>
internal ref struct InodeRef
{
    private readonly FdReference? _held;
    private readonly ReadOnlySpan<byte> _procPath;
    private readonly int _atOffset;

    public InodeRef(FdReference held)
    {
        _held = held;
        Fd = held.Fd;
    }

    /// <param name="procPath">"/proc/self/fd/N/…" with its NUL, lent by the caller.</param>
    /// <param name="atOffset">Where the part below the directory starts.</param>
    public InodeRef(int directory, ReadOnlySpan<byte> procPath, int atOffset)
    {
        Fd = -1;
        Directory = directory;
        _procPath = procPath;
        _atOffset = atOffset;
    }

    /// <summary>The descriptor, or -1.</summary>
    public int Fd { get; }

    public int Directory { get; }

    public readonly ReadOnlySpan<byte> AtPath => _procPath[_atOffset..];

    public readonly int Stat(out Statx stat) =>
        Fd >= 0 ? Sys.StatFd(Fd, out stat) : Sys.StatAt(Directory, AtPath, out stat);

    public readonly int GetXattr(ReadOnlySpan<byte> name, Span<byte> value) =>
        Fd >= 0 ? Sys.GetXattr(Fd, name, value) : Sys.GetXattr(_procPath, name, value);

    public readonly int SetXattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags) =>
        Fd >= 0 ? Sys.SetXattr(Fd, name, value, flags) : Sys.SetXattr(_procPath, name, value, flags);

    public readonly int ListXattr(Span<byte> names) =>
        Fd >= 0 ? Sys.ListXattr(Fd, names) : Sys.ListXattr(_procPath, names);

    public readonly int RemoveXattr(ReadOnlySpan<byte> name) =>
        Fd >= 0 ? Sys.RemoveXattr(Fd, name) : Sys.RemoveXattr(_procPath, name);

    public readonly int Chmod(uint mode) => Fd >= 0 ? Sys.ChmodFd(Fd, mode) : Sys.ChmodAt(Directory, AtPath, mode);

    /// <summary>uint.MaxValue leaves an id alone.</summary>
    public readonly int Chown(uint uid, uint gid) =>
        Fd >= 0
            ? Sys.ChownAt(Fd, "\0"u8, uid, gid, Sys.AtEmptyPath)
            : Sys.ChownAt(Directory, AtPath, uid, gid, Sys.AtSymlinkNofollow);

    public readonly int Utimens(Timespec access, Timespec modify) =>
        Fd >= 0
            ? Sys.UtimensFd(Fd, access, modify)
            : Sys.UtimensAt(Directory, AtPath, access, modify, Sys.AtSymlinkNofollow);

    public readonly void Dispose() => _held?.Drop();
}
