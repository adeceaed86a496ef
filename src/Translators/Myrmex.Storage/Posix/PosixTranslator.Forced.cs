using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// The orphan pool of a replay: <c>.glusterfs/orphans</c> with a gfid of its own and no handle. It is there during a
/// replay only; a directory in it has a handle that names the pool as its parent, so a brick whose replay was
/// interrupted must be replayed before anything else serves it. And kept files: <c>.glusterfs/kept/GFID</c> is a link
/// more to each, so they have a handle like any other file, and fops by gfid find them.
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

    Errno IForcedStore.Keep(in Gfid gfid)
    {
        lock (_inodeLocks.Of(gfid))
        {
            var error = Sys.ErrorOf(_handles.Stat(gfid, out var file));
            if (error == Errno.Ok && (file.Mode & FileMode.TypeMask) != FileMode.Regular)
            {
                return Errno.EINVAL;
            }

            if (error == Errno.Ok && _handles.StatKept(gfid, out var kept) >= 0 && kept.Ino != file.Ino)
            {
                error = _handles.LetGo(gfid); // Of another file that had this gfid before.
            }

            error = error == Errno.Ok ? _handles.Keep(gfid) : error;
            if (error is Errno.Ok or Errno.EEXIST)
            {
                _kept.Add(in gfid);
                return Errno.Ok;
            }

            return error == Errno.ENOENT ? Errno.ESTALE : error;
        }
    }

    Errno IForcedStore.LetGo(in Gfid gfid)
    {
        if (!_kept.Contains(in gfid))
        {
            return Errno.Ok;
        }

        lock (_inodeLocks.Of(gfid))
        {
            if (_handles.StatKept(gfid, out var kept) >= 0 && kept.Nlink <= 2)
            {
                _inodes.Drop(InodeKey.Of(in kept)); // Before its number can be used again.
            }

            var error = _handles.LetGo(gfid);
            if (error is not (Errno.Ok or Errno.ENOENT))
            {
                return error;
            }

            _kept.Remove(in gfid);
            if (_handles.Stat(gfid, out var file) >= 0 && file.Ino == kept.Ino && file.Nlink == 1)
            {
                EndHandle(gfid);
            }
        }

        _anonymous.Drop(gfid);
        if (_kept.Count == 0)
        {
            _handles.EndKept();
        }

        return Errno.Ok;
    }

    bool IForcedStore.IsKept(in Gfid gfid) => _kept.Contains(in gfid);

    int IForcedStore.KeptCount => _kept.Count;

    IReadOnlyList<Gfid> IForcedStore.ListKept() => _kept.ToArray();

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
