using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>SETATTR, FSETATTR, READLINK, ACCESS.</summary>
public sealed partial class PosixTranslator
{
    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = SetattrReply.Rent();
        var error = Find(fop.Gfid, path, out var inode);
        if (error == Errno.Ok)
        {
            error = ChangeAttributes(ref inode, fop.Iatt, fop.Valid, ref reply.Pre, ref reply.Post, call);
            AnswerXData(fop.XData, in inode, reply);
            inode.Dispose();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = FsetattrReply.Rent();
        var error = FindOpen(fop.Fd, fop.Gfid, path, out var inode, out var held);
        if (error == Errno.Ok)
        {
            error = ChangeAttributes(ref inode, fop.Iatt, fop.Valid, ref reply.Pre, ref reply.Post, call);
            AnswerXData(fop.XData, in inode, reply);
            inode.Dispose();
            held?.Release();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = ReadlinkReply.Rent();
        var error = Find(fop.Gfid, path, out var inode);
        if (error == Errno.Ok)
        {
            error = inode.IsSymbolicLink ? ReadTarget(in inode, in fop, reply) : Errno.EINVAL;
            inode.Dispose();
        }

        return new(Finish(reply, error));
    }

    /// <summary>
    /// Checks the mode bits against the ids of the call; ACLs are looked at by the translator above that has access
    /// control as its job.
    /// </summary>
    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var reply = AccessReply.Rent();
        var error = Find(fop.Gfid, path, out var inode);
        if (error == Errno.Ok)
        {
            error = ModeAllows(in inode, fop.Mask, call) ? Errno.Ok : Errno.EACCES;
            inode.Dispose();
        }

        return new(Finish(reply, error));
    }

    private static bool ModeAllows(in Inode inode, uint mask, Call call)
    {
        var mode = inode.Stat.Mode;
        mask &= 7;
        if (call.Uid == 0 || call.Pid < 0)
        {
            // Root executes what anybody may execute.
            return (mask & 1) == 0 || inode.IsDirectory || (mode & 0x49) != 0;
        }

        var shift = call.Uid == inode.Stat.Uid ? 6 : IsMember(call, inode.Stat.Gid) ? 3 : 0;
        return ((mode >> shift) & mask) == mask;
    }

    private Errno ReadTarget(in Inode inode, in ReadlinkFop fop, ReadlinkReply reply)
    {
        Span<byte> target = stackalloc byte[Sys.PathMax];
        var size = inode.ReadLink(target);
        if (size < 0)
        {
            return Sys.ErrorOf(size);
        }

        size = (int)Math.Min((uint)size, fop.Size == 0 ? uint.MaxValue : fop.Size);
        reply.Target = Base.Name.From(target[..size]);
        reply.OpRet = size;
        FillIatt(ref reply.Iatt, in inode);
        return Errno.Ok;
    }

    private Errno ChangeAttributes(
        ref Inode inode, in Iatt wanted, SetattrValid valid, ref Iatt pre, ref Iatt post, Call call)
    {
        FillIatt(ref pre, in inode);
        var error = Errno.Ok;

        // The owner first: its change takes set-id bits away, which the mode may set again.
        if ((valid & (SetattrValid.Uid | SetattrValid.Gid)) != 0)
        {
            error = inode.ChangeOwner(
                (valid & SetattrValid.Uid) != 0 ? wanted.Uid : uint.MaxValue,
                (valid & SetattrValid.Gid) != 0 ? wanted.Gid : uint.MaxValue);
        }

        if (error == Errno.Ok && (valid & SetattrValid.Mode) != 0)
        {
            error = inode.ChangeMode(wanted.Mode & FileMode.PermissionMask);
        }

        if (error == Errno.Ok && (valid & (SetattrValid.Atime | SetattrValid.Mtime)) != 0)
        {
            error = inode.SetTimes(
                TimeOf((valid & SetattrValid.Atime) != 0, wanted.Atime, wanted.AtimeNsec),
                TimeOf((valid & SetattrValid.Mtime) != 0, wanted.Mtime, wanted.MtimeNsec));
        }

        if (error == Errno.Ok)
        {
            error = inode.Restat();
        }

        if (error == Errno.Ok)
        {
            StampAttributes(ref inode, in wanted, valid, call);
            FillIatt(ref post, in inode);
        }

        return error;
    }

    private static FileTime TimeOf(bool isSet, long seconds, uint nanoseconds) =>
        isSet ? new FileTime(seconds, nanoseconds) : new FileTime(0, Sys.TimeOmit);

    /// <summary>Stored times after SETATTR: those that were set, as they were set, and a new change time.</summary>
    private void StampAttributes(ref Inode inode, in Iatt wanted, SetattrValid valid, Call call)
    {
        if (!Settings.KeepsTimes || (call.TimeFlags == TimeFlags.None && !inode.Facts.HasMdata))
        {
            return;
        }

        var (seconds, nsec) = StampOf(call);
        lock (_inodeLocks.Of(inode.Facts.Gfid))
        {
            var mdata = CurrentMdata(ref inode);
            if ((valid & SetattrValid.Atime) != 0)
            {
                (mdata.Atime, mdata.AtimeNsec) = (wanted.Atime, wanted.AtimeNsec);
            }

            if ((valid & SetattrValid.Mtime) != 0)
            {
                (mdata.Mtime, mdata.MtimeNsec) = (wanted.Mtime, wanted.MtimeNsec);
            }

            if ((valid & SetattrValid.Ctime) != 0)
            {
                (mdata.Ctime, mdata.CtimeNsec) = (wanted.Ctime, wanted.CtimeNsec);
            }
            else
            {
                mdata.Advance(TimeFlags.Ctime | (call.TimeFlags & TimeFlags.ForwardOnly), seconds, nsec);
            }

            StoreMdata(ref inode, in mdata);
        }
    }
}
