using System;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>STAT, SETATTR, READLINK, ACCESS.</summary>
public sealed partial class MemoryTranslator
{
    public override ValueTask<StatReply> Stat(in StatFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = StatReply.Rent();
            var error = FindByGfid(fop.Gfid, out var node);
            if (error == Errno.Ok)
            {
                reply.Iatt = node.ToIatt();
                AnswerXData(fop.XData, node, reply);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FstatReply.Rent();
            var error = FindByGfid(fop.Fd.FileOf(fop.Gfid), out var node);
            if (error == Errno.Ok)
            {
                reply.Iatt = node.ToIatt();
                AnswerXData(fop.XData, node, reply);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = SetattrReply.Rent();
            var error = FindByGfid(fop.Gfid, out var node);
            if (error == Errno.Ok)
            {
                reply.Pre = node.ToIatt();
                Change(node, fop.Iatt, fop.Valid, call);
                reply.Post = node.ToIatt();
                AnswerXData(fop.XData, node, reply);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FsetattrReply.Rent();
            var error = FindByGfid(fop.Fd.FileOf(fop.Gfid), out var node);
            if (error == Errno.Ok)
            {
                reply.Pre = node.ToIatt();
                Change(node, fop.Iatt, fop.Valid, call);
                reply.Post = node.ToIatt();
                AnswerXData(fop.XData, node, reply);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = ReadlinkReply.Rent();
            var error = FindByGfid(fop.Gfid, out var node);
            if (error == Errno.Ok && node.Type != FileMode.SymbolicLink)
            {
                error = Errno.EINVAL;
            }

            if (error == Errno.Ok)
            {
                var size = fop.Size == 0 ? node.Target.Length : (int)uint.Min(fop.Size, (uint)node.Target.Length);
                reply.Iatt = node.ToIatt();
                reply.Target = new Name(node.Target[..size]);
                reply.OpRet = size;
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call)
    {
        lock (_lock)
        {
            var error = FindByGfid(fop.Gfid, out var node);
            if (error == Errno.Ok && !ModeAllows(node, fop.Mask & 7, call))
            {
                error = Errno.EACCES;
            }

            return new(Finish(AccessReply.Rent(), error));
        }
    }

    private static bool ModeAllows(MemoryNode node, uint mask, Call call)
    {
        const uint anyExecute = 0x49;
        if (call.Uid == 0 || call.Pid < 0)
        {
            return (mask & 1) == 0 || node.IsDirectory || (node.Mode & anyExecute) != 0;
        }

        var isMember = call.Gid == node.GroupId || call.Groups.Contains(node.GroupId);
        var shift = call.Uid == node.Uid ? 6 : isMember ? 3 : 0;
        return ((node.Mode >> shift) & mask) == mask;
    }

    private void Change(MemoryNode node, in Iatt iatt, SetattrValid valid, Call call)
    {
        const uint groupExecute = 8;
        if ((valid & (SetattrValid.Uid | SetattrValid.Gid)) != 0)
        {
            node.Uid = (valid & SetattrValid.Uid) != 0 ? iatt.Uid : node.Uid;
            node.GroupId = (valid & SetattrValid.Gid) != 0 ? iatt.Gid : node.GroupId;
            if (!node.IsDirectory)
            {
                node.Mode &= ~FileMode.SetUid;
                node.Mode = (node.Mode & groupExecute) != 0 ? node.Mode & ~FileMode.SetGid : node.Mode;
            }
        }

        if ((valid & SetattrValid.Mode) != 0 && node.Type != FileMode.SymbolicLink)
        {
            node.Mode = node.Type | (iatt.Mode & FileMode.PermissionMask);
        }

        if ((valid & SetattrValid.Atime) != 0)
        {
            (node.Times.Atime, node.Times.AtimeNsec) = (iatt.Atime, iatt.AtimeNsec);
        }

        if ((valid & SetattrValid.Mtime) != 0)
        {
            (node.Times.Mtime, node.Times.MtimeNsec) = (iatt.Mtime, iatt.MtimeNsec);
        }

        if ((valid & SetattrValid.Ctime) != 0)
        {
            (node.Times.Ctime, node.Times.CtimeNsec) = (iatt.Ctime, iatt.CtimeNsec);
        }
        else
        {
            Touch(node, TimeFlags.Ctime, TimeFlags.Ctime, call);
        }
    }
}
