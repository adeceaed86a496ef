using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>RENAME.</summary>
public sealed partial class PosixTranslator
{
    /// <summary>
    /// rename(2) with both names held. A directory's handle is rewritten; a replaced target loses its name as by UNLINK
    /// or RMDIR. Two names of one file: nothing happens, as Linux has it.
    /// </summary>
    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call)
    {
        var reply = RenameReply.Rent();
        var error = StorageRules.CheckName(fop.OldParent, fop.OldName);
        if (error == Errno.Ok)
        {
            error = StorageRules.CheckName(fop.NewParent, fop.NewName);
        }

        Inode oldParent = default;
        Inode newParent = default;
        if (error == Errno.Ok)
        {
            error = FindParent(fop.OldParent, out oldParent);
        }

        if (error == Errno.Ok)
        {
            error = FindParent(fop.NewParent, out newParent);
        }

        if (error == Errno.Ok)
        {
            FillIatt(ref reply.PreOldParent, in oldParent);
            FillIatt(ref reply.PreNewParent, in newParent);
            error = RenameHeld(in fop, in oldParent, in newParent, reply, call);
        }

        EndEntry(ref oldParent, error, ref reply.PostOldParent, call);
        EndEntry(ref newParent, error, ref reply.PostNewParent, call);
        return new(Finish(reply, error));
    }

    private Errno RenameHeld(in RenameFop fop, in Inode oldParent, in Inode newParent, RenameReply reply, Call call)
    {
        // Only a directory needs the lock of moves, but that lock comes first: look before, and again when both names
        // are held.
        var needsMoves = IsDirectoryAt(oldParent.Directory!, fop.OldName.Span);
        while (true)
        {
            var error = needsMoves
                ? RenameMoving(in fop, in oldParent, in newParent, reply, call)
                : RenameLocked(in fop, in oldParent, in newParent, holdsMoves: false, reply, call);
            if (error != Errno.EAGAIN)
            {
                return error;
            }

            needsMoves = true;
        }
    }

    private static bool IsDirectoryAt(DirectoryHandle parent, ReadOnlySpan<byte> name) =>
        Sys.StatAt(parent.Fd, name, out var stat) >= 0 && (stat.Mode & FileMode.TypeMask) == FileMode.Directory;

    private Errno RenameMoving(in RenameFop fop, in Inode oldParent, in Inode newParent, RenameReply reply, Call call)
    {
        lock (_moves)
        {
            return RenameLocked(in fop, in oldParent, in newParent, holdsMoves: true, reply, call);
        }
    }

    /// <summary>EAGAIN: the name has become a directory, come again with the lock of moves.</summary>
    private Errno RenameLocked(
        in RenameFop fop, in Inode oldParent, in Inode newParent, bool holdsMoves, RenameReply reply, Call call)
    {
        var (first, second) = _names.Of(fop.OldParent, fop.OldName.Span, fop.NewParent, fop.NewName.Span);
        lock (first)
        {
            lock (second)
            {
                // Parents are always open directories.
                var source = Inode.OfPath(oldParent.Directory!.Fd, fop.OldName.Span);
                var error = source.Restat();
                if (error == Errno.Ok)
                {
                    error = source.IsDirectory && !holdsMoves ? Errno.EAGAIN : LoadFacts(ref source);
                }

                if (error != Errno.Ok)
                {
                    return error;
                }

                var target = Inode.OfPath(newParent.Directory!.Fd, fop.NewName.Span);
                error = target.Restat();
                if (error is not (Errno.Ok or Errno.ENOENT))
                {
                    return error;
                }

                return Move(
                    ref source, ref target, hasTarget: error == Errno.Ok, in fop, in oldParent, in newParent, reply,
                    call);
            }
        }
    }

    private Errno Move(
        ref Inode source, ref Inode target, bool hasTarget, in RenameFop fop, in Inode oldParent, in Inode newParent,
        RenameReply reply, Call call)
    {
        if (hasTarget && target.Stat.Ino == source.Stat.Ino)
        {
            FillIatt(ref reply.Iatt, in source);
            return Errno.Ok;
        }

        var targetHasGfid = false;
        if (hasTarget)
        {
            var learned = LoadFacts(ref target);
            targetHasGfid = learned == Errno.Ok;
            if (!targetHasGfid && learned is not (Errno.ENODATA or Errno.EIO))
            {
                return learned;
            }

            if (target.IsDirectory)
            {
                _inodes.Drop(target.Key);
            }
            else
            {
                ForgetIfLast(in target);
            }
        }

        // While the handle of a moved directory is wrong it is found by its open descriptor only.
        var moved = source.IsDirectory ? _directories.Acquire(source.Facts.Gfid, out _) : null;
        // Parents are always open directories.
        var error = Sys.ErrorOf(Sys.RenameAt(
            oldParent.Directory!.Fd, fop.OldName.Span, newParent.Directory!.Fd, fop.NewName.Span));
        if (error == Errno.Ok)
        {
            if (targetHasGfid)
            {
                EndTarget(in target, in newParent, fop.NewName.Span, call);
            }

            EndMove(in source, in fop, in newParent, reply, call);
        }

        moved?.Release();
        return error == Errno.EEXIST ? Errno.ENOTEMPTY : error;
    }

    private void EndTarget(in Inode target, in Inode parent, ReadOnlySpan<byte> name, Call call)
    {
        if (target.IsDirectory)
        {
            EndDirectory(target.Facts.Gfid, parent.Facts.Gfid, name);
        }
        else
        {
            EndName(in target, in parent, name, call);
        }
    }

    /// <summary>After the move: the handle or the notes of the names, the time, the answer.</summary>
    private void EndMove(in Inode source, in RenameFop fop, in Inode newParent, RenameReply reply, Call call)
    {
        var inode = Inode.OfPath(newParent.Directory!.Fd, fop.NewName.Span); // A parent is always an open directory.
        inode.Stat = source.Stat;
        inode.Facts = source.Facts;
        if (inode.IsDirectory)
        {
            var error = _handles.RelinkDirectory(inode.Facts.Gfid, fop.NewParent, fop.NewName.Span);
            if (error != Errno.Ok)
            {
                Log.Error(
                    "posix", "the handle of a moved directory is wrong", ("gfid", inode.Facts.Gfid), ("errno", error));
            }
        }
        else
        {
            // The new note first: with the old one gone and a crash, the file would have none.
            AddGfid2Path(in inode, fop.NewParent, fop.NewName.Span);
            RemoveGfid2Path(in inode, fop.OldParent, fop.OldName.Span);
        }

        inode.Restat();
        Stamp(ref inode, TimesToStamp(in inode.Facts, TimeFlags.Ctime, call) & TimeFlags.Ctime, call);
        FillIatt(ref reply.Iatt, in inode);
    }
}
