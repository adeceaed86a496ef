using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>UNLINK and RMDIR.</summary>
public sealed partial class PosixTranslator
{
    /// <summary>
    /// Removes a name. With the last one the inode goes too, unless it is open: then it lives on below <c>unlink</c>
    /// until the last fd is released. EBUSY when a guard in the xdata forbids it:
    /// <c>unlink-only-if-dht-linkto-file</c>, <c>myrmex.unlink-only-if-gfid</c>, <c>dont-unlink-for-open-fd</c>.
    /// </summary>
    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call)
    {
        var reply = UnlinkReply.Rent();
        var error = BeginRemoval(fop.Parent, fop.Name, ref reply.PreParent, out var parent);
        if (error == Errno.Ok)
        {
            lock (_names.Of(fop.Parent, fop.Name.Span))
            {
                error = UnlinkLocked(in fop, in parent, reply, call);
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    /// <summary>
    /// Removes an empty directory. With non-zero flags a directory that is not empty goes too: it is moved to the
    /// landfill and taken apart in the background.
    /// </summary>
    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call)
    {
        var reply = RmdirReply.Rent();
        var error = BeginRemoval(fop.Parent, fop.Name, ref reply.PreParent, out var parent);
        if (error == Errno.Ok)
        {
            lock (_names.Of(fop.Parent, fop.Name.Span))
            {
                error = RmdirLocked(in parent, fop.Name.Span, isForced: fop.Flags != 0);
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    /// <summary>Checks the name and finds the directory. EndEntry disposes the parent.</summary>
    private Errno BeginRemoval(scoped in Gfid parentGfid, Name name, ref Iatt preParent, out Inode parent)
    {
        parent = default;
        var error = StorageRules.CheckName(parentGfid, name);
        if (error == Errno.Ok)
        {
            error = FindParent(parentGfid, out parent);
        }

        if (error == Errno.Ok)
        {
            FillIatt(ref preParent, in parent);
        }

        return error;
    }

    private Errno UnlinkLocked(in UnlinkFop fop, in Inode parent, UnlinkReply reply, Call call)
    {
        var directory = parent.Directory!; // A parent is always an open directory.
        var name = fop.Name.Span;
        var inode = Inode.OfPath(directory.Fd, name);
        var error = inode.Restat();
        if (error != Errno.Ok)
        {
            return error;
        }

        if (inode.IsDirectory)
        {
            return Errno.EISDIR;
        }

        error = LoadFacts(ref inode);
        if (error is Errno.ENODATA or Errno.EIO)
        {
            // Put on the brick by other means: there is nothing else to take away.
            return Sys.ErrorOf(Sys.UnlinkAt(directory.Fd, name));
        }

        if (error == Errno.Ok)
        {
            error = CheckUnlinkGuards(fop.XData, in inode);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        if (fop.XData is not null && fop.XData.Contains(StorageKeys.LinkCount))
        {
            reply.NeedXData().SetUInt(StorageKeys.LinkCount, Math.Max(1, inode.Stat.Nlink) - 1);
        }

        return RemoveName(ref inode, in parent, name, call);
    }

    private Errno CheckUnlinkGuards(XData? xdata, in Inode inode)
    {
        if (xdata is null)
        {
            return Errno.Ok;
        }

        if (xdata.Contains(StorageKeys.OnlyIfLinkTo) && !IsLinkFile(in inode))
        {
            return Errno.EBUSY;
        }

        if (xdata.TryGetGfid(StorageKeys.OnlyIfGfid, out var gfid)
            && (inode.Facts.Gfid != gfid || IsLinkFile(in inode)))
        {
            return Errno.EBUSY;
        }

        return xdata.Contains(StorageKeys.NotIfOpen) && _open.CountOf(inode.Facts.Gfid) > 0 ? Errno.EBUSY : Errno.Ok;
    }

    private static bool IsLinkFile(in Inode inode)
    {
        Span<byte> value = stackalloc byte[ValueOnStack];
        return inode.IsRegular && inode.Stat.Size == 0
            && (inode.Stat.Mode & FileMode.PermissionMask) == FileMode.Sticky
            && inode.GetXattr(StorageKeys.LinkTo, value) >= 0;
    }

    /// <summary>Removes the name of a non-directory; the caller holds the name.</summary>
    private Errno RemoveName(ref Inode inode, in Inode parent, ReadOnlySpan<byte> name, Call call)
    {
        ForgetIfLast(in inode);
        var error = Sys.ErrorOf(Sys.UnlinkAt(parent.Directory!.Fd, name)); // A parent is always an open directory.
        if (error == Errno.Ok)
        {
            EndName(in inode, in parent, name, call);
        }

        return error;
    }

    /// <summary>Forgets an inode that is about to lose its last name, before its number can be used again.</summary>
    private void ForgetIfLast(in Inode inode)
    {
        if (inode.Stat.Nlink <= 2)
        {
            _inodes.Drop(inode.Key);
        }
    }

    /// <summary>
    /// After a non-directory has lost a name: its handle goes with the last one, else the note of the name goes.
    /// </summary>
    private void EndName(in Inode inode, in Inode parent, ReadOnlySpan<byte> name, Call call)
    {
        var gfid = inode.Facts.Gfid;
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        lock (_inodeLocks.Of(gfid))
        {
            var rest = Inode.OfPath(_handles.Fd, HandleTree.PathOf(gfid, path));
            if (rest.Restat() != Errno.Ok || rest.Stat.Ino != inode.Stat.Ino)
            {
                // No handle, or that of another inode.
                return;
            }

            if (rest.Stat.Nlink > 1)
            {
                rest.Facts = inode.Facts;
                RemoveGfid2Path(in rest, parent.Facts.Gfid, name);
                Stamp(ref rest, TimesToStamp(in rest.Facts, TimeFlags.Ctime, call) & TimeFlags.Ctime, call);
                return;
            }

            _inodes.Drop(rest.Key);
            EndHandle(gfid);
        }

        _anonymous.Drop(gfid);
    }

    /// <summary>
    /// Nothing but the handle holds a file any more, and the fds that are open. With its inode locked.
    /// </summary>
    private void EndHandle(in Gfid gfid)
    {
        var error = _open.TryMarkUnlinked(gfid) ? _handles.MoveToUnlinked(gfid) : _handles.Remove(gfid);
        if (error != Errno.Ok)
        {
            Log.Warning("posix", "the handle of a removed file stays", ("gfid", gfid), ("errno", error));
        }
    }

    private Errno RmdirLocked(in Inode parent, ReadOnlySpan<byte> name, bool isForced)
    {
        var directory = parent.Directory!; // A parent is always an open directory.
        var inode = Inode.OfPath(directory.Fd, name);
        var error = inode.Restat();
        if (error != Errno.Ok)
        {
            return error;
        }

        if (!inode.IsDirectory)
        {
            return Errno.ENOTDIR;
        }

        error = LoadFacts(ref inode);
        var hasGfid = error == Errno.Ok;
        if (!hasGfid && error is not (Errno.ENODATA or Errno.EIO))
        {
            return error;
        }

        _inodes.Drop(inode.Key);
        error = Sys.ErrorOf(Sys.UnlinkAt(directory.Fd, name, Sys.AtRemoveDirectory));
        if (error is Errno.ENOTEMPTY or Errno.EEXIST && isForced)
        {
            error = MoveToLandfill(directory, name);
        }

        error = error == Errno.EEXIST ? Errno.ENOTEMPTY : error;
        if (error == Errno.Ok && hasGfid)
        {
            EndDirectory(inode.Facts.Gfid, parent.Facts.Gfid, name);
        }

        return error;
    }

    /// <summary>After a directory is gone: its handle, and what we have open of it.</summary>
    private void EndDirectory(in Gfid gfid, in Gfid parent, ReadOnlySpan<byte> name)
    {
        if (gfid.IsRoot)
        {
            return;
        }

        _directories.Drop(gfid);
        lock (_inodeLocks.Of(gfid))
        {
            // Another inode may have got the gfid, and its handle, since the directory is gone.
            var isOurs = IsHandleOf(gfid, parent, name)
                || (_handles.Stat(gfid, out var stat) >= 0 && IsOrphan(gfid, in stat));
            var error = isOurs ? _handles.Remove(gfid) : Errno.Ok;
            if (error is not (Errno.Ok or Errno.ENOENT))
            {
                Log.Warning("posix", "the handle of a removed directory stays", ("gfid", gfid), ("errno", error));
            }
        }
    }

    /// <summary>
    /// Takes the handle of an inode away that has no name any more; not that of another with its gfid.
    /// </summary>
    private void RemoveHandleOf(in Inode inode, in Gfid gfid)
    {
        lock (_inodeLocks.Of(gfid))
        {
            if (_handles.Stat(gfid, out var stat) >= 0 && stat.Ino == inode.Stat.Ino)
            {
                _handles.Remove(gfid);
            }
        }
    }

    private Errno MoveToLandfill(DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        Span<byte> target = stackalloc byte[9 + 36];
        "landfill/"u8.CopyTo(target);
        Seams.NewGfid().Format(target[9..]);
        return Sys.ErrorOf(Sys.RenameAt(parent.Fd, name, _handles.Fd, target));
    }
}
