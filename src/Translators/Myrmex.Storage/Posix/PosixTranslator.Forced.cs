using System;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// The orphan pool of a replay: <c>.glusterfs/orphans</c> with a gfid of its own and no handle. It is there during a
/// replay only; a directory in it has a handle that names the pool as its parent, so a brick whose replay was
/// interrupted must be replayed before anything else serves it.
/// </summary>
public sealed partial class PosixTranslator
{
    private static ReadOnlySpan<byte> PoolDirectory => "orphans"u8;

    Errno IForcedStore.OpenPool()
    {
        if (_directories.TryGet(IForcedStore.Pool) is { } open)
        {
            open.Release();
            return Errno.Ok;
        }

        const uint privateMode = 0x1C0; // 0700
        var error = Sys.ErrorOf(Sys.MakeDirectoryAt(_handles.Fd, PoolDirectory, privateMode));
        if (error is not (Errno.Ok or Errno.EEXIST))
        {
            return error;
        }

        var fd = Sys.OpenAt(_handles.Fd, PoolDirectory, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        Span<byte> value = stackalloc byte[Gfid.Size];
        IForcedStore.Pool.CopyTo(value);
        error = Sys.ErrorOf(Sys.SetXattr(fd, StorageKeys.Gfid, value, 0));
        if (error != Errno.Ok)
        {
            Sys.Close(fd);
            return error;
        }

        _directories.SetPool(fd);
        return Errno.Ok;
    }

    Errno IForcedStore.ClosePool()
    {
        if (_directories.TryGet(IForcedStore.Pool) is not { } open)
        {
            return Errno.Ok;
        }

        if (Sys.Stat(open.Fd, out var stat) >= 0)
        {
            _inodes.Drop(InodeKey.Of(in stat));
        }

        open.Release();
        var error = Sys.ErrorOf(Sys.UnlinkAt(_handles.Fd, PoolDirectory, Sys.AtRemoveDirectory));
        if (error is Errno.Ok or Errno.ENOENT)
        {
            _directories.SetPool(-1);
            return Errno.Ok;
        }

        return error == Errno.EEXIST ? Errno.ENOTEMPTY : error;
    }

    Errno IForcedStore.Locate(in Gfid directory, out Gfid parent, out Name name)
    {
        Span<byte> buffer = stackalloc byte[512];
        name = default;
        parent = default;
        if (directory.IsRoot)
        {
            return Errno.ESTALE;
        }

        var error = _handles.ReadDirectory(directory, buffer, out parent, out var bytes);
        name = error == Errno.Ok ? Base.Name.From(bytes) : default;
        return error;
    }

    /// <summary>The whole file system of the brick: files, names and attributes at once.</summary>
    Errno IForcedStore.SyncAll() => Sys.ErrorOf(Sys.SyncFileSystem(_handles.Fd));
}
