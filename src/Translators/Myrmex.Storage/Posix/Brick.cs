using System;
using System.Text;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// Opens a brick directory: checks that it is what the volume file says, and makes what may be missing below
/// <c>.glusterfs</c>. Throws <see cref="GraphException"/> with a text for the administrator when the directory cannot
/// be served.
/// </summary>
internal static class Brick
{
    private const uint PrivateMode = 0x1C0; // 0700

    /// <summary>Opens the directory and checks its volume id. The caller owns the descriptor.</summary>
    public static int OpenRoot(PosixOptions options)
    {
        var fd = Sys.OpenAt(
            Sys.AtWorkingDirectory, Encoding.UTF8.GetBytes(options.Directory), Sys.OReadOnly | Sys.ODirectory);
        if (fd < 0)
        {
            throw new GraphException($"brick {options.Directory}: cannot open the directory: {Sys.ErrorOf(fd)}");
        }

        try
        {
            CheckVolumeId(fd, options);
            CheckRootGfid(fd, options);
            GiveAway(fd, options);
            return fd;
        }
        catch
        {
            Sys.Close(fd);
            throw;
        }
    }

    /// <summary>
    /// Opens <c>.glusterfs</c>, completes it and empties <c>unlink</c>. The caller owns the descriptor.
    /// </summary>
    public static int OpenInternal(int rootFd, PosixOptions options)
    {
        Make(rootFd, StorageRules.InternalDirectory, 0x180, options); // 0600
        var fd = Sys.OpenAt(rootFd, StorageRules.InternalDirectory, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        if (fd < 0)
        {
            throw new GraphException($"brick {options.Directory}: cannot open .glusterfs: {Sys.ErrorOf(fd)}");
        }

        try
        {
            Span<byte> name = stackalloc byte[2];
            for (var i = 0; i < 256; i++)
            {
                name[0] = "0123456789abcdef"u8[i >> 4];
                name[1] = "0123456789abcdef"u8[i & 15];
                Make(fd, name, PrivateMode, options);
            }

            Make(fd, "unlink"u8, 0x180, options);
            Make(fd, "landfill"u8, 0x1ED, options); // 0755
            LinkRoot(fd, options);
            Empty(fd, "unlink"u8);
            return fd;
        }
        catch
        {
            Sys.Close(fd);
            throw;
        }
    }

    private static void CheckVolumeId(int fd, PosixOptions options)
    {
        if (options.VolumeId.IsNull)
        {
            return;
        }

        Span<byte> value = stackalloc byte[Gfid.Size];
        var size = Sys.GetXattr(fd, StorageKeys.VolumeId, value);
        if (size < 0)
        {
            var error = Sys.ErrorOf(size);
            throw new GraphException(error == Errno.ENODATA
                ? $"brick {options.Directory}: the directory has no volume id (trusted.glusterfs.volume-id); "
                    + "is its file system mounted?"
                : $"brick {options.Directory}: cannot read the volume id: {error}");
        }

        if (size != Gfid.Size || Gfid.FromBytes(value) != options.VolumeId)
        {
            var found = size == Gfid.Size ? Gfid.FromBytes(value).ToString() : $"a value of {size} bytes";
            throw new GraphException(
                $"brick {options.Directory}: the directory belongs to another volume: expected volume id "
                + $"{options.VolumeId}, found {found}");
        }
    }

    private static void CheckRootGfid(int fd, PosixOptions options)
    {
        Span<byte> value = stackalloc byte[Gfid.Size];
        var size = Sys.GetXattr(fd, StorageKeys.Gfid, value);
        if (size == Gfid.Size && Gfid.FromBytes(value).IsRoot)
        {
            return;
        }

        if (size >= 0)
        {
            throw new GraphException(
                $"brick {options.Directory}: the directory is not the root of a brick: its trusted.gfid is not ...0001");
        }

        var error = Sys.ErrorOf(size);
        if (error == Errno.ENODATA)
        {
            Gfid.Root.CopyTo(value);
            error = Sys.ErrorOf(Sys.SetXattr(fd, StorageKeys.Gfid, value, Sys.XattrCreate));
        }

        if (error != Errno.Ok)
        {
            throw new GraphException(error == Errno.EPERM
                ? $"brick {options.Directory}: cannot use trusted extended attributes; only root can serve a brick"
                : $"brick {options.Directory}: cannot use trusted extended attributes: {error}");
        }
    }

    private static void GiveAway(int fd, PosixOptions options)
    {
        if (options.BrickUid >= 0 || options.BrickGid >= 0)
        {
            // -1 as u32 leaves the id as it is.
            var error = Sys.ErrorOf(
                Sys.ChangeOwner(fd, unchecked((uint)options.BrickUid), unchecked((uint)options.BrickGid)));
            if (error != Errno.Ok)
            {
                throw new GraphException(
                    $"brick {options.Directory}: cannot change the owner of the directory: {error}");
            }
        }
    }

    private static void Make(int fd, ReadOnlySpan<byte> name, uint mode, PosixOptions options)
    {
        var error = Sys.ErrorOf(Sys.MakeDirectoryAt(fd, name, mode));
        if (error is not (Errno.Ok or Errno.EEXIST or Errno.EROFS))
        {
            throw new GraphException(
                $"brick {options.Directory}: cannot make {Encoding.UTF8.GetString(name)} below .glusterfs: {error}");
        }
    }

    private static void LinkRoot(int fd, PosixOptions options)
    {
        Make(fd, "00/00"u8, PrivateMode, options);
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = Sys.ErrorOf(Sys.SymlinkAt("../../.."u8, fd, HandleTree.PathOf(Gfid.Root, path)));
        if (error is not (Errno.Ok or Errno.EEXIST or Errno.EROFS))
        {
            throw new GraphException($"brick {options.Directory}: cannot make the handle of the root: {error}");
        }
    }

    /// <summary>Removes all files of a directory; what cannot be removed is left and logged.</summary>
    private static void Empty(int parent, ReadOnlySpan<byte> name)
    {
        var fd = Sys.OpenAt(parent, name, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        if (fd < 0)
        {
            Log.Warning("posix", "cannot look into .glusterfs/unlink", ("errno", Sys.ErrorOf(fd)));
            return;
        }

        foreach (var entry in DirectoryScan.Names(fd))
        {
            var result = Sys.UnlinkAt(fd, entry);
            if (result < 0)
            {
                Log.Warning("posix", "cannot remove what was open at the last end", ("errno", Sys.ErrorOf(result)));
            }
        }

        Sys.Close(fd);
    }
}
