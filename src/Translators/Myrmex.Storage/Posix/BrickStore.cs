using System;
using System.IO;
using System.Text;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// The directory of a brick on disk: its root, the handle tree in <c>.glusterfs</c>, and the way from a gfid to an inode.
/// On-disk invariants: every non-directory has a hard link <c>.glusterfs/aa/bb/GFID</c>; every directory but the root has there a symbolic link
/// <c>../../pp/qq/PARENT-GFID/NAME</c>; every inode has <c>trusted.gfid</c>. A crash can leave a handle without a name (garbage) or a directory handle
/// that still tells the name before a rename (repaired at the next lookup by name), never a name without its bytes.
/// </summary>
internal sealed partial class BrickStore : IDisposable
{
    private const int DirectoryFdsMax = 4096;
    private const int AnonymousFdsMax = 512;
    private const int DepthMax = 4096;
    private const int ModeInternal = 0x1C0; // 0700

    private readonly string _path;

    public BrickStore(string path)
    {
        _path = path;
    }

    public InodeCache Inodes { get; } = new();

    public OpenFiles OpenFiles { get; } = new();

    /// <summary>Open files for fops without an fd.</summary>
    public FdCache AnonymousFds { get; } = new(AnonymousFdsMax);

    public FdCache Directories { get; } = new(DirectoryFdsMax);

    public int RootFd { get; private set; } = -1;

    /// <summary>.glusterfs</summary>
    public int HandlesFd { get; private set; } = -1;

    /// <summary>.glusterfs/unlink</summary>
    public int UnlinkFd { get; private set; } = -1;

    public string Path => _path;

    /// <summary>Opens the brick, checking its identity and completing its skeleton. Throws GraphException with what to do.</summary>
    /// <param name="volumeId">Expected volume-id; null gid skips the check.</param>
    public void Open(Gfid volumeId)
    {
        RootFd = Sys.OpenAt(Sys.AtCurrent, Encoding.UTF8.GetBytes(_path + "\0"), Sys.OpenDirectory);
        if (RootFd < 0)
        {
            throw new GraphException($"brick directory {_path} cannot be opened: {Sys.ErrorOf(RootFd)}");
        }

        CheckVolumeId(volumeId);
        EnsureRootGfid();
        HandlesFd = OpenInternal(RootFd, ".glusterfs\0"u8, 0x180);
        for (var i = 0; i < 256; i++)
        {
            var name = Encoding.ASCII.GetBytes(i.ToString("x2", System.Globalization.CultureInfo.InvariantCulture) + "\0");
            Sys.MkdirAt(HandlesFd, name, ModeInternal);
        }

        UnlinkFd = OpenInternal(HandlesFd, "unlink\0"u8, 0x180);
        Sys.Close(OpenInternal(HandlesFd, "landfill\0"u8, 0x1ED));
        var indices = OpenInternal(HandlesFd, "indices\0"u8, 0x180);
        Sys.Close(OpenInternal(indices, "xattrop\0"u8, 0x180));
        Sys.Close(OpenInternal(indices, "dirty\0"u8, 0x180));
        Sys.Close(OpenInternal(indices, "entry-changes\0"u8, 0x180));
        Sys.Close(indices);
        EnsureRootHandle();
        CleanUnlinked();
    }

    public void Dispose()
    {
        AnonymousFds.Clear();
        Directories.Clear();
        foreach (var fd in (ReadOnlySpan<int>)[UnlinkFd, HandlesFd, RootFd])
        {
            if (fd >= 0)
            {
                Sys.Close(fd);
            }
        }
    }

    /// <summary>
    /// A descriptor of a directory, held for the caller. ESTALE when no such directory exists, ENOTDIR when the gfid is
    /// something else.
    /// </summary>
    public Errno GetDirectory(in Gfid gfid, out FdReference directory)
    {
        directory = Directories.TryGet(gfid)!;
        return directory is not null ? Errno.Ok : OpenDirectory(gfid, out directory, depth: 0);
    }

    /// <summary>Notes a directory just opened or made under its name, and repairs its handle if it tells another name.</summary>
    public FdReference AddDirectory(in Gfid gfid, int fd, in Gfid parent, ReadOnlySpan<byte> name)
    {
        RepairDirectoryHandle(gfid, parent, name);
        return Directories.Add(gfid, new FdReference(fd));
    }

    /// <summary>Reads trusted.gfid through a path or a descriptor; null when there is none.</summary>
    public static Gfid ReadGfid(int fd)
    {
        Span<byte> value = stackalloc byte[Gfid.Size];
        return Sys.GetXattr(fd, "trusted.gfid\0"u8, value) == Gfid.Size ? Gfid.FromBytes(value) : Gfid.Null;
    }

    public static Gfid ReadGfidAt(int directory, ReadOnlySpan<byte> name)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(directory);
        path.Append(name);
        Span<byte> value = stackalloc byte[Gfid.Size];
        return Sys.GetXattr(path.Path, "trusted.gfid\0"u8, value) == Gfid.Size ? Gfid.FromBytes(value) : Gfid.Null;
    }

    /// <summary>Makes the hard link that is the handle of a non-directory.</summary>
    public Errno LinkHandle(int directory, ReadOnlySpan<byte> nameZ, in Gfid gfid)
    {
        var path = new PathBuffer(stackalloc byte[64]);
        path.AppendHandle(gfid);
        var result = Sys.LinkAt(directory, nameZ, HandlesFd, path.Path);
        if (Sys.ErrorOf(result) == Errno.ENOENT)
        {
            EnsureHandleDirectory(gfid);
            result = Sys.LinkAt(directory, nameZ, HandlesFd, path.Path);
        }

        return Sys.ErrorOf(result);
    }

    /// <summary>Makes or replaces the symbolic link that is the handle of a directory.</summary>
    public Errno SetDirectoryHandle(in Gfid gfid, in Gfid parent, ReadOnlySpan<byte> name)
    {
        var path = new PathBuffer(stackalloc byte[64]);
        path.AppendHandle(gfid);
        var target = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        target.Append("../../"u8);
        target.AppendHandle(parent);
        target.Append("/"u8);
        target.Append(name);
        var error = Sys.ErrorOf(Sys.SymlinkAt(target.Path, HandlesFd, path.Path));
        if (error == Errno.ENOENT)
        {
            EnsureHandleDirectory(gfid);
            error = Sys.ErrorOf(Sys.SymlinkAt(target.Path, HandlesFd, path.Path));
        }

        if (error != Errno.EEXIST)
        {
            return error;
        }

        // Replaced through a second name, so that there is always a handle.
        var temporary = new PathBuffer(stackalloc byte[80]);
        temporary.AppendHandle(gfid);
        temporary.Append(".new"u8);
        Sys.UnlinkAt(HandlesFd, temporary.Path);
        error = Sys.ErrorOf(Sys.SymlinkAt(target.Path, HandlesFd, temporary.Path));
        return error != Errno.Ok ? error : Sys.ErrorOf(Sys.RenameAt(HandlesFd, temporary.Path, HandlesFd, path.Path));
    }

    public void RemoveHandle(in Gfid gfid)
    {
        var path = new PathBuffer(stackalloc byte[64]);
        path.AppendHandle(gfid);
        Sys.UnlinkAt(HandlesFd, path.Path);
    }

    /// <summary>The last name of a file is gone: its handle goes too, or is kept aside while the file is open.</summary>
    public void RemoveLastHandle(in Gfid gfid)
    {
        AnonymousFds.Remove(gfid);
        if (!OpenFiles.MarkUnlinked(gfid))
        {
            RemoveHandle(gfid);
            return;
        }

        var handle = new PathBuffer(stackalloc byte[64]);
        handle.AppendHandle(gfid);
        var aside = new PathBuffer(stackalloc byte[64]);
        aside.Append(gfid);
        Sys.RenameAt(HandlesFd, handle.Path, UnlinkFd, aside.Path);
    }

    /// <summary>An fd was closed: removes what was kept aside for it.</summary>
    public void OnClosed(in Gfid gfid)
    {
        if (OpenFiles.Closed(gfid))
        {
            var aside = new PathBuffer(stackalloc byte[64]);
            aside.Append(gfid);
            if (Sys.StatAt(UnlinkFd, aside.Path, out var stat) >= 0)
            {
                Inodes.Forget(stat.Ino);
            }

            Sys.UnlinkAt(UnlinkFd, aside.Path);
        }
    }

    /// <summary>
    /// Where a non-directory is without its name: a directory descriptor and a path below it, in the handle tree or, for a file without
    /// names, in the unlink directory.
    /// </summary>
    public int LocateHandle(in Gfid gfid, ref PathBuffer path)
    {
        if (OpenFiles.IsUnlinked(gfid))
        {
            path.Append(gfid);
            return UnlinkFd;
        }

        path.AppendHandle(gfid);
        return HandlesFd;
    }

    /// <summary>Opens a regular file by gfid for reading and writing, held for the caller; from the cache when it is there.</summary>
    public Errno OpenAnonymous(in Gfid gfid, out FdReference file)
    {
        file = AnonymousFds.TryGet(gfid)!;
        if (file is not null)
        {
            return Errno.Ok;
        }

        var error = OpenFile(gfid, (int)OpenFlags.ReadWrite, out var fd);
        if (error == Errno.EROFS)
        {
            error = OpenFile(gfid, (int)OpenFlags.ReadOnly, out fd);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        file = AnonymousFds.Add(gfid, new FdReference(fd));
        return Errno.Ok;
    }

    /// <summary>Opens a regular file by gfid. ESTALE when it does not exist, EISDIR for a directory.</summary>
    public Errno OpenFile(in Gfid gfid, int flags, out int fd)
    {
        var path = new PathBuffer(stackalloc byte[64]);
        var directory = LocateHandle(gfid, ref path);
        fd = Sys.OpenAt(directory, path.Path, flags | Sys.OpenNofollow);
        var error = Sys.ErrorOf(fd);
        return error switch
        {
            Errno.ENOENT => Errno.ESTALE,
            Errno.ELOOP => Directories.TryGet(gfid) is { } open ? DropAnd(open, Errno.EISDIR) : Errno.EISDIR,
            _ => error,
        };
    }

    private static Errno DropAnd(FdReference fd, Errno error)
    {
        fd.Drop();
        return error;
    }

    /// <summary>Follows the handles from a directory up to one that is open, then down again by name.</summary>
    private Errno OpenDirectory(in Gfid gfid, out FdReference directory, int depth)
    {
        directory = null!;
        if (gfid.IsRoot)
        {
            var root = Sys.OpenAt(RootFd, ".\0"u8, Sys.OpenDirectory);
            return root < 0 ? Sys.ErrorOf(root) : Found(gfid, root, out directory);
        }

        if (depth > DepthMax)
        {
            return Errno.ELOOP;
        }

        Span<byte> target = stackalloc byte[PathBuffer.SizeMax];
        var error = ReadDirectoryHandle(gfid, target, out var parent, out var nameAt, out var length);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = Directories.TryGet(parent) is { } open ? Errno.Ok : OpenDirectory(parent, out open, depth + 1);
        if (error != Errno.Ok)
        {
            return error;
        }

        target[length] = 0;
        var fd = Sys.OpenAt(open.Fd, target[nameAt..(length + 1)], Sys.OpenDirectory | Sys.OpenNofollow);
        open.Drop();
        if (fd < 0)
        {
            return Sys.ErrorOf(fd) is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? Errno.ESTALE : Sys.ErrorOf(fd);
        }

        if (ReadGfid(fd) != gfid)
        {
            Sys.Close(fd);
            return Errno.ESTALE;
        }

        return Found(gfid, fd, out directory);
    }

    private Errno Found(in Gfid gfid, int fd, out FdReference directory)
    {
        directory = Directories.Add(gfid, new FdReference(fd));
        return Errno.Ok;
    }

    /// <summary>Reads "../../pp/qq/PARENT/NAME"; ENOTDIR for the handle of something else.</summary>
    private Errno ReadDirectoryHandle(in Gfid gfid, Span<byte> target, out Gfid parent, out int nameAt, out int length)
    {
        const int ParentAt = 12; // "../../pp/qq/"
        parent = default;
        nameAt = ParentAt + 37;
        var path = new PathBuffer(stackalloc byte[64]);
        path.AppendHandle(gfid);
        length = Sys.ReadlinkAt(HandlesFd, path.Path, target[..^1]);
        if (length < 0)
        {
            return Sys.ErrorOf(length) switch
            {
                Errno.EINVAL => Errno.ENOTDIR,
                Errno.ENOENT => OpenFiles.IsUnlinked(gfid) ? Errno.ENOTDIR : Errno.ESTALE,
                var other => other,
            };
        }

        return length > nameAt && target.StartsWith("../../"u8) && Gfid.TryParse(target.Slice(ParentAt, 36), out parent)
            ? Errno.Ok
            : Errno.ENOTDIR;
    }

    private void RepairDirectoryHandle(in Gfid gfid, in Gfid parent, ReadOnlySpan<byte> name)
    {
        Span<byte> target = stackalloc byte[PathBuffer.SizeMax];
        var error = ReadDirectoryHandle(gfid, target, out var storedParent, out var nameAt, out var length);
        if (error == Errno.Ok && storedParent == parent && target[nameAt..length].SequenceEqual(name))
        {
            return;
        }

        Log.Information("posix", "handle of a directory repaired", ("brick", _path), ("gfid", gfid));
        SetDirectoryHandle(gfid, parent, name);
    }

    private void EnsureHandleDirectory(in Gfid gfid)
    {
        Span<byte> text = stackalloc byte[36];
        gfid.Format(text);
        var path = new PathBuffer(stackalloc byte[16]);
        path.Append(text[..2]);
        Sys.MkdirAt(HandlesFd, path.Path, ModeInternal);
        path.Append("/"u8);
        path.Append(text.Slice(2, 2));
        Sys.MkdirAt(HandlesFd, path.Path, ModeInternal);
    }

    private static int OpenInternal(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        Sys.MkdirAt(directory, name, mode);
        var fd = Sys.OpenAt(directory, name, Sys.OpenDirectory | Sys.OpenNofollow);
        return fd >= 0 ? fd : throw new GraphException(
            $"{Encoding.UTF8.GetString(name[..^1])} of the brick cannot be opened: {Sys.ErrorOf(fd)}");
    }

    private void CheckVolumeId(Gfid expected)
    {
        if (expected.IsNull)
        {
            return;
        }

        Span<byte> value = stackalloc byte[Gfid.Size];
        var size = Sys.GetXattr(RootFd, "trusted.glusterfs.volume-id\0"u8, value);
        if (size != Gfid.Size)
        {
            throw new GraphException($"brick {_path} has no trusted.glusterfs.volume-id: is its file system mounted?");
        }

        var found = Gfid.FromBytes(value);
        if (found != expected)
        {
            throw new GraphException($"brick {_path} belongs to another volume: expected volume-id {expected}, found {found}");
        }
    }

    private void EnsureRootGfid()
    {
        var gfid = ReadGfid(RootFd);
        if (gfid.IsNull)
        {
            var error = Sys.ErrorOf(Sys.SetXattr(RootFd, "trusted.gfid\0"u8, Gfid.Root.ToArray(), 0));
            if (error != Errno.Ok)
            {
                throw new GraphException(
                    $"brick {_path} cannot keep extended attributes ({error}): it needs root and a file system such as XFS, ext4 or Btrfs");
            }
        }
        else if (!gfid.IsRoot)
        {
            throw new GraphException($"brick {_path} is not the root of a brick: its gfid is {gfid}");
        }
    }

    private void EnsureRootHandle()
    {
        var path = new PathBuffer(stackalloc byte[64]);
        path.AppendHandle(Gfid.Root);
        EnsureHandleDirectory(Gfid.Root);
        Sys.SymlinkAt("../../..\0"u8, HandlesFd, path.Path);
    }

    /// <summary>What was open without a name when the brick ended can never be opened again.</summary>
    private void CleanUnlinked()
    {
        foreach (var file in Directory.EnumerateFileSystemEntries(System.IO.Path.Combine(_path, ".glusterfs", "unlink")))
        {
            File.Delete(file);
        }
    }
}
