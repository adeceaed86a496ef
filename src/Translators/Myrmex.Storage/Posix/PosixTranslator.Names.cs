using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>Fops that move, add or remove names.</summary>
public sealed partial class PosixTranslator
{
    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call)
    {
        var reply = UnlinkReply.Rent();
        var error = BeginEntry(fop.Parent, fop.Name, out var parent, out reply.PreParent);
        if (error == Errno.Ok)
        {
            lock (StripeOf(fop.Parent, fop.Name.Span))
            {
                error = UnlinkIn(parent.Fd, in fop, call, reply);
            }

            EndEntry(parent, fop.Parent, call, ref reply.PostParent);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call)
    {
        var reply = RmdirReply.Rent();
        var error = BeginEntry(fop.Parent, fop.Name, out var parent, out reply.PreParent);
        if (error == Errno.Ok)
        {
            lock (StripeOf(fop.Parent, fop.Name.Span))
            {
                error = RmdirIn(parent.Fd, in fop);
            }

            EndEntry(parent, fop.Parent, call, ref reply.PostParent);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call)
    {
        var reply = LinkReply.Rent();
        var error = BeginEntry(fop.NewParent, fop.NewName, out var parent, out reply.PreParent);
        if (error == Errno.Ok)
        {
            lock (StripeOf(fop.NewParent, fop.NewName.Span))
            {
                error = LinkIn(parent.Fd, in fop, call, reply);
            }

            EndEntry(parent, fop.NewParent, call, ref reply.PostParent);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call)
    {
        var reply = RenameReply.Rent();
        var error = BeginEntry(fop.OldParent, fop.OldName, out var from, out reply.PreOldParent);
        if (error != Errno.Ok)
        {
            return new(Finish(reply, error));
        }

        error = BeginEntry(fop.NewParent, fop.NewName, out var to, out reply.PreNewParent);
        if (error != Errno.Ok)
        {
            from.Drop();
            return new(Finish(reply, error));
        }

        var first = StripeIndex(fop.OldParent, fop.OldName.Span);
        var second = StripeIndex(fop.NewParent, fop.NewName.Span);
        lock (_nameStripes[Math.Min(first, second)])
        {
            lock (_nameStripes[Math.Max(first, second)])
            {
                error = RenameIn(from.Fd, to.Fd, in fop, call, reply);
            }
        }

        EndEntry(from, fop.OldParent, call, ref reply.PostOldParent);
        EndEntry(to, fop.NewParent, call, ref reply.PostNewParent);
        return new(Finish(reply, error));
    }

    private Errno UnlinkIn(int parent, in UnlinkFop fop, Call call, UnlinkReply reply)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(parent);
        var at = path.Text.Length;
        path.Append(fop.Name.Span);
        var inode = new InodeRef(parent, path.Path, at);
        var error = Identify(inode, out var stat, out var gfid, out var hasNoMdata);
        if (error is not (Errno.Ok or Errno.ENODATA))
        {
            return error;
        }

        if (stat.IsDirectory)
        {
            return Errno.EISDIR;
        }

        error = CheckUnlinkGuards(inode, in stat, gfid, fop.XData);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = Sys.ErrorOf(Sys.UnlinkAt(parent, inode.AtPath));
        if (error != Errno.Ok)
        {
            return error;
        }

        if (fop.XData is not null && fop.XData.Contains("get-link-count"u8))
        {
            reply.NeedXData().SetUInt("get-link-count"u8, stat.Nlink > 0 ? stat.Nlink - 1 : 0);
        }

        NameRemoved(gfid, in stat, fop.Parent, fop.Name.Span, call, hasNoMdata);
        return Errno.Ok;
    }

    /// <summary>What follows when one name of a non-directory is gone. The stat is from before.</summary>
    private void NameRemoved(in Gfid gfid, in Statx stat, in Gfid parent, ReadOnlySpan<byte> name, Call call, bool hasNoMdata)
    {
        if (gfid.IsNull)
        {
            return;
        }

        if (stat.Nlink <= 2)
        {
            _store.Inodes.Forget(stat.Ino);
            _store.RemoveLastHandle(gfid);
            return;
        }

        var inode = HandleRef(gfid, stackalloc byte[PathBuffer.SizeMax]);
        RemovePathXattr(inode, parent, name);
        if (StatInode(inode, gfid, hasNoMdata, out var iatt) == Errno.Ok)
        {
            UpdateMdata(inode, call, TimeFlags.Ctime, hasNoMdata, ref iatt);
        }
    }

    /// <summary>Conditions DHT puts on the removal of its link files.</summary>
    private Errno CheckUnlinkGuards(scoped in InodeRef inode, in Statx stat, in Gfid gfid, XData? xdata)
    {
        if (xdata is null)
        {
            return Errno.Ok;
        }

        if (xdata.TryGetInt("unlink-only-if-dht-linkto-file"u8, out var onlyLink) && onlyLink != 0
            && ((stat.Mode & FileMode.PermissionMask) != FileMode.Sticky
                || inode.GetXattr("trusted.glusterfs.dht.linkto\0"u8, default) < 0))
        {
            return Errno.EBUSY;
        }

        return xdata.TryGetInt("dont-unlink-for-open-fd"u8, out var notOpen) && notOpen != 0 && _store.OpenFiles.CountOf(gfid) > 0
            ? Errno.EBUSY
            : Errno.Ok;
    }

    private Errno RmdirIn(int parent, in RmdirFop fop)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(parent);
        var at = path.Text.Length;
        path.Append(fop.Name.Span);
        var inode = new InodeRef(parent, path.Path, at);
        var error = Identify(inode, out var stat, out var gfid, out _);
        if (error is not (Errno.Ok or Errno.ENODATA))
        {
            return error;
        }

        error = Sys.ErrorOf(Sys.UnlinkAt(parent, inode.AtPath, Sys.AtRemoveDir));
        if (error == Errno.EEXIST)
        {
            return Errno.ENOTEMPTY;
        }

        if (error == Errno.Ok && !gfid.IsNull)
        {
            _store.Inodes.Forget(stat.Ino);
            _store.Directories.Remove(gfid);
            _store.RemoveHandle(gfid);
        }

        return error;
    }

    private Errno LinkIn(int parent, in LinkFop fop, Call call, LinkReply reply)
    {
        var name = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        name.Append(fop.NewName.Span);
        var inode = HandleRef(fop.Gfid, stackalloc byte[PathBuffer.SizeMax]);
        var error = Sys.ErrorOf(inode.Stat(out var stat));
        if (error != Errno.Ok)
        {
            return error == Errno.ENOENT ? Errno.ESTALE : error;
        }

        if ((stat.Mode & FileMode.TypeMask) == FileMode.SymbolicLink && stat.Nlink == 1)
        {
            return Errno.EPERM; // The handle of a directory.
        }

        if (_linksMax > 0 && stat.Nlink > _linksMax)
        {
            return Errno.EMLINK;
        }

        error = Sys.ErrorOf(Sys.LinkAt(inode.Directory, inode.AtPath, parent, name.Path));
        if (error != Errno.Ok)
        {
            return error;
        }

        SetPathXattr(inode, fop.NewParent, fop.NewName.Span);
        error = StatInode(inode, fop.Gfid, out reply.Iatt);
        UpdateMdata(inode, call, TimeFlags.Ctime, IsWithoutMdata(inode, fop.Gfid), ref reply.Iatt);
        return error;
    }

    private Errno RenameIn(int from, int to, in RenameFop fop, Call call, RenameReply reply)
    {
        var oldPath = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        oldPath.AppendProc(from);
        var oldAt = oldPath.Text.Length;
        oldPath.Append(fop.OldName.Span);
        var newPath = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        newPath.AppendProc(to);
        var newAt = newPath.Text.Length;
        newPath.Append(fop.NewName.Span);
        var source = new InodeRef(from, oldPath.Path, oldAt);
        var target = new InodeRef(to, newPath.Path, newAt);
        var error = Identify(source, out var sourceStat, out var gfid, out var hasNoMdata);
        if (error != Errno.Ok)
        {
            return error;
        }

        var targetError = Identify(target, out var targetStat, out var targetGfid, out var targetNoMdata);
        if (targetError == Errno.Ok && targetStat.Ino == sourceStat.Ino)
        {
            return StatInode(source, gfid, out reply.Iatt); // Two names of one file: nothing to do.
        }

        error = Sys.ErrorOf(Sys.RenameAt(from, source.AtPath, to, target.AtPath));
        if (error != Errno.Ok)
        {
            return error == Errno.EEXIST ? Errno.ENOTEMPTY : error;
        }

        if (targetError == Errno.Ok)
        {
            TargetReplaced(in targetStat, targetGfid, in fop, call, targetNoMdata);
        }

        Moved(target, in sourceStat, gfid, in fop);
        error = StatInode(target, gfid, out reply.Iatt);
        UpdateMdata(target, call, TimeFlags.Ctime, hasNoMdata, ref reply.Iatt);
        return error;
    }

    private void TargetReplaced(in Statx stat, in Gfid gfid, in RenameFop fop, Call call, bool hasNoMdata)
    {
        if (!stat.IsDirectory)
        {
            NameRemoved(gfid, in stat, fop.NewParent, fop.NewName.Span, call, hasNoMdata);
            return;
        }

        _store.Inodes.Forget(stat.Ino);
        _store.Directories.Remove(gfid);
        _store.RemoveHandle(gfid);
    }

    private void Moved(scoped in InodeRef inode, in Statx stat, in Gfid gfid, in RenameFop fop)
    {
        if (stat.IsDirectory)
        {
            var error = _store.SetDirectoryHandle(gfid, fop.NewParent, fop.NewName.Span);
            if (error != Errno.Ok)
            {
                Log.Error("posix", "handle of a moved directory cannot be written", ("gfid", gfid), ("error", error));
            }

            return;
        }

        SetPathXattr(inode, fop.NewParent, fop.NewName.Span);
        RemovePathXattr(inode, fop.OldParent, fop.OldName.Span);
    }
}
