using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>Open files: OPEN, RELEASE, FLUSH, FSYNC, and what fops on an fd need.</summary>
public sealed partial class PosixTranslator
{
    /// <summary>
    /// EISDIR for a directory, ELOOP for a symbolic link, ENXIO for anything else that is no regular file: clients open
    /// those themselves. O_APPEND is not passed to the kernel: WRITE asks for it each time, for internal fops do not
    /// append.
    /// </summary>
    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = OpenReply.Rent();
        var error = Find(fop.Gfid, path, out var inode);
        if (error != Errno.Ok)
        {
            return new(Finish(reply, error));
        }

        error = CheckRegular(in inode);
        if (error == Errno.Ok && (fop.Flags & OpenFlags.Truncate) != 0)
        {
            error = CheckSpace(call, fop.XData);
        }

        if (error == Errno.Ok)
        {
            error = OpenFor(fop.Fd, ref inode, fop.Flags, call);
        }

        if (error == Errno.Ok)
        {
            AnswerXData(fop.XData, in inode, reply);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        if (fop.Fd.Take(Slot) is OpenFile file)
        {
            LeaveOpen(file.Gfid);
            file.Release();
        }

        return new(ReleaseReply.Rent());
    }

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) => new(FlushReply.Rent());

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call)
    {
        var reply = FsyncReply.Rent();
        var error = BeginData(fop.Fd, fop.Gfid, ref reply.Pre, out var inode, out var file);
        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(fop.DataOnly != 0 ? Sys.Fdatasync(file!.Fd) : Sys.Fsync(file!.Fd));
            EndData(ref inode, TimeFlags.None, call, ref reply.Post);
            AnswerXData(fop.XData, in inode, reply);
            file.Release();
        }

        return new(Finish(reply, error));
    }

    private static Errno CheckRegular(in Inode inode) =>
        inode.IsRegular ? Errno.Ok
        : inode.IsDirectory ? Errno.EISDIR
        : inode.IsSymbolicLink ? Errno.ELOOP
        : Errno.ENXIO;

    /// <summary>Opens a found regular file for a client's fd.</summary>
    private Errno OpenFor(Fd fd, ref Inode inode, uint flags, Call call)
    {
        var gfid = inode.Facts.Gfid;
        _open.Enter(gfid);
        var opened = inode.Open(LocalFlags(flags));
        if (opened < 0)
        {
            LeaveOpen(gfid);
            return Sys.ErrorOf(opened) == Errno.ENOENT ? Errno.ESTALE : Sys.ErrorOf(opened);
        }

        if ((flags & OpenFlags.Truncate) != 0)
        {
            Stamp(ref inode, TimesToStamp(in inode.Facts, TimeFlags.Ctime | TimeFlags.Mtime, call), call);
        }

        fd.Set(Slot, new OpenFile(gfid, opened, flags));
        return Errno.Ok;
    }

    /// <summary>The open flags of ours that a client's flags mean: access mode, truncation, no access time.</summary>
    private static int LocalFlags(uint flags)
    {
        // The three have the same numbers on the wire and on every machine.
        const uint kept = OpenFlags.AccessMode | OpenFlags.Truncate | OpenFlags.NoAtime;
        return (int)(flags & kept);
    }

    /// <summary>Takes an open out of the count; the last one removes what is left of an unlinked file.</summary>
    private void LeaveOpen(in Gfid gfid)
    {
        if (_open.Leave(gfid))
        {
            _anonymous.Drop(gfid);

            // An unlink marks and moves under this lock: the file is where it shall be.
            lock (_inodeLocks.Of(gfid))
            {
                if (!_open.IsUnlinked(gfid))
                {
                    _handles.RemoveUnlinked(gfid);
                }
            }
        }
    }

    /// <summary>
    /// The open file behind an fd, with a reference for the caller: opened by the client, or anonymous.
    /// </summary>
    private Errno AcquireFile(Fd fd, in Gfid gfid, out OpenFile? file)
    {
        switch (fd.Get(Slot))
        {
            case OpenFile opened:
                file = opened;
                return opened.TryRetain() ? Errno.Ok : Errno.EBADF;
            case DirectoryStream:
                file = null;
                return Errno.EISDIR;
            default:
                return AcquireAnonymous(fd.FileOf(gfid), out file);
        }
    }

    private Errno AcquireAnonymous(in Gfid gfid, out OpenFile? file)
    {
        file = _anonymous.TryGet(gfid);
        if (file is not null)
        {
            return Errno.Ok;
        }

        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = Find(gfid, path, out var inode);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = CheckRegular(in inode);
        if (error == Errno.Ok)
        {
            var flags = OpenFlags.ReadWrite;
            var fd = inode.Open(Sys.OReadWrite);
            if (Sys.ErrorOf(fd) is Errno.EROFS or Errno.ETXTBSY or Errno.EPERM)
            {
                flags = OpenFlags.ReadOnly;
                fd = inode.Open(Sys.OReadOnly);
            }

            error = Sys.ErrorOf(fd);
            if (error == Errno.Ok)
            {
                file = new OpenFile(gfid, fd, flags);
                file.TryRetain();
                _anonymous.Add(file);

                // An unlink that came in between has not seen the entry.
                if (inode.Restat() != Errno.Ok)
                {
                    _anonymous.Drop(gfid);
                }
            }
        }

        inode.Dispose();
        return error;
    }

    /// <summary>
    /// The inode behind an fd of a file or directory, with stat and facts. Dispose it, then release what is held.
    /// </summary>
    private Errno FindOpen(Fd fd, scoped in Gfid gfid, Span<byte> path, out Inode inode, out OpenFile? held)
    {
        held = fd.Get(Slot) switch
        {
            OpenFile file => file,
            DirectoryStream stream => stream.File,
            _ => null,
        };
        if (held is null)
        {
            return Find(fd.FileOf(gfid), path, out inode);
        }

        if (!held.TryRetain())
        {
            inode = default;
            return Errno.EBADF;
        }

        inode = Inode.OfFd(held.Fd);
        var error = Learn(ref inode, held.Gfid);
        if (error != Errno.Ok)
        {
            held.Release();
            held = null;
        }

        return error;
    }

    /// <summary>
    /// Begins a fop that changes data through an fd: the open file, with a reference for the caller, and the attributes
    /// before.
    /// </summary>
    private Errno BeginData(Fd fd, scoped in Gfid gfid, ref Iatt pre, out Inode inode, out OpenFile? file)
    {
        inode = default;
        var error = AcquireFile(fd, gfid, out file);
        if (error != Errno.Ok)
        {
            return error;
        }

        inode = Inode.OfFd(file!.Fd); // There is one when there is no error.
        error = Learn(ref inode, file.Gfid);
        if (error != Errno.Ok)
        {
            file.Release();
            return error;
        }

        FillIatt(ref pre, in inode);
        return Errno.Ok;
    }

    /// <summary>Ends it: stamps the times that the fop changes and fills the attributes after.</summary>
    private void EndData(ref Inode inode, TimeFlags natural, Call call, ref Iatt post)
    {
        var error = inode.Restat();
        Stamp(ref inode, TimesToStamp(in inode.Facts, natural, call) & natural, call);
        if (error == Errno.Ok)
        {
            FillIatt(ref post, in inode);
        }
    }
}
