using System;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// An inode for the time of a fop: how to reach it, what stat said, and what else is known of it. It is reached through
/// a descriptor (directories, open files), through a path that does not change (handles, names under their lock), or
/// through an O_PATH descriptor. Dispose gives back the reference it holds.
/// </summary>
internal ref struct Inode
{
    public FileStat Stat;
    public InodeFacts Facts;

    private readonly int _fd;
    private readonly ReadOnlySpan<byte> _path;
    private readonly bool _isPathFd;
    private readonly bool _hasStoredTimes;
    private DirectoryHandle? _directory;

    private Inode(
        int fd, ReadOnlySpan<byte> path, bool isPathFd, DirectoryHandle? directory, bool hasStoredTimes = false)
    {
        _hasStoredTimes = hasStoredTimes;
        _fd = fd;
        _path = path;
        _isPathFd = isPathFd;
        _directory = directory;
    }

    public readonly InodeKey Key => InodeKey.Of(in Stat);

    public readonly bool IsDirectory => (Stat.Mode & FileMode.TypeMask) == FileMode.Directory;

    public readonly bool IsRegular => (Stat.Mode & FileMode.TypeMask) == FileMode.Regular;

    public readonly bool IsSymbolicLink => (Stat.Mode & FileMode.TypeMask) == FileMode.SymbolicLink;

    /// <summary>The open directory, or null.</summary>
    public readonly DirectoryHandle? Directory => _directory;

    /// <summary>
    /// An open file; the caller keeps it open. When its times are stored, those of the file system are not asked for.
    /// </summary>
    public static Inode OfFd(int fd, bool hasStoredTimes = false) =>
        new(fd, default, isPathFd: false, directory: null, hasStoredTimes);

    /// <summary>A directory; takes over the caller's reference.</summary>
    public static Inode OfDirectory(DirectoryHandle directory) =>
        new(directory.Fd, default, isPathFd: false, directory);

    /// <summary>What is at a path below a directory, without following a symbolic link.</summary>
    public static Inode OfPath(int directory, ReadOnlySpan<byte> path) =>
        new(directory, path, isPathFd: false, directory: null);

    /// <summary>What an O_PATH descriptor stands for; the caller keeps it open.</summary>
    public static Inode OfPathFd(int fd) => new(fd, default, isPathFd: true, directory: null);

    /// <summary>Fills <see cref="Stat"/> anew.</summary>
    public Errno Restat() =>
        Sys.ErrorOf(
            !_path.IsEmpty ? Sys.StatAt(_fd, _path, out Stat)
            : _hasStoredTimes ? Sys.StatWithoutChangeTimes(_fd, out Stat)
            : Sys.Stat(_fd, out Stat));

    /// <summary>The times turned out not to be stored: those of the file system are needed after all.</summary>
    public void NeedChangeTimes()
    {
        if (_hasStoredTimes && !Stat.HasChangeTimes)
        {
            _ = Sys.Stat(_fd, out Stat); // An open file can always be asked.
        }
    }

    public readonly nint GetXattr(ReadOnlySpan<byte> name, Span<byte> value) =>
        _isPathFd ? Sys.GetXattrOfPath(_fd, name, value)
        : _path.IsEmpty ? Sys.GetXattr(_fd, name, value)
        : Sys.GetXattrAt(_fd, _path, name, value);

    public readonly Errno SetXattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int flags = 0) => Sys.ErrorOf(
        _isPathFd ? Sys.SetXattrOfPath(_fd, name, value, flags)
        : _path.IsEmpty ? Sys.SetXattr(_fd, name, value, flags)
        : Sys.SetXattrAt(_fd, _path, name, value, flags));

    public readonly nint ListXattr(Span<byte> names)
    {
        Invariant.Check(!_isPathFd);
        return _path.IsEmpty ? Sys.ListXattr(_fd, names) : Sys.ListXattrAt(_fd, _path, names);
    }

    public readonly Errno RemoveXattr(ReadOnlySpan<byte> name)
    {
        Invariant.Check(!_isPathFd);
        return Sys.ErrorOf(_path.IsEmpty ? Sys.RemoveXattr(_fd, name) : Sys.RemoveXattrAt(_fd, _path, name));
    }

    /// <summary>
    /// Nothing happens to a symbolic link, which has no mode of its own; heals set all attributes of all types.
    /// </summary>
    public readonly Errno ChangeMode(uint mode)
    {
        Invariant.Check(!_isPathFd);
        return IsSymbolicLink ? Errno.Ok
            : Sys.ErrorOf(_path.IsEmpty ? Sys.ChangeMode(_fd, mode) : Sys.ChangeModeAt(_fd, _path, mode));
    }

    public readonly Errno ChangeOwner(uint uid, uint gid)
    {
        Invariant.Check(!_isPathFd);
        return Sys.ErrorOf(_path.IsEmpty ? Sys.ChangeOwner(_fd, uid, gid) : Sys.ChangeOwnerAt(_fd, _path, uid, gid));
    }

    public readonly Errno SetTimes(FileTime atime, FileTime mtime)
    {
        Invariant.Check(!_isPathFd);
        return Sys.ErrorOf(_path.IsEmpty ? Sys.SetTimes(_fd, atime, mtime) : Sys.SetTimesAt(_fd, _path, atime, mtime));
    }

    /// <summary>Opens it; only regular files and directories.</summary>
    public readonly int Open(int flags)
    {
        Invariant.Check(!_isPathFd);
        return _path.IsEmpty
            ? Sys.OpenAt(_fd, "."u8, flags | Sys.ONoFollow)
            : Sys.OpenAt(_fd, _path, flags | Sys.ONoFollow | Sys.ONonblock);
    }

    /// <summary>Target text of a symbolic link.</summary>
    public readonly int ReadLink(Span<byte> target)
    {
        Invariant.Check(!_path.IsEmpty);
        return Sys.ReadLinkAt(_fd, _path, target);
    }

    public void Dispose()
    {
        _directory?.Release();
        _directory = null;
    }
}
