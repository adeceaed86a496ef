using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>SETATTR, STATX, STATFS, READLINK.</summary>
internal sealed partial class FuseRequest
{
    private const FuseSetattrValid NeedsSetattr = FuseSetattrValid.Mode | FuseSetattrValid.Uid | FuseSetattrValid.Gid
        | FuseSetattrValid.Atime | FuseSetattrValid.Mtime | FuseSetattrValid.Ctime;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> SetattrAsync()
    {
        if (!TryTake(out FuseSetattrIn argument) || argument.Size > long.MaxValue)
        {
            return Errno.EIO;
        }

        if (!TryGetGfid(Node, out var gfid))
        {
            return Errno.ESTALE;
        }

        if ((argument.Valid & FuseSetattrValid.Handle) != 0 && !UseFile(argument.Handle, out var fileError))
        {
            return fileError;
        }

        BeginCall(withGroups: true);
        Iatt post = default;
        var error = Errno.Ok;
        if ((argument.Valid & FuseSetattrValid.Size) != 0)
        {
            (error, post) = await TruncateAsync(gfid, argument);
        }

        if (error == Errno.Ok && (argument.Valid & NeedsSetattr) != 0)
        {
            var values = ValuesOf(in argument, out var valid);
            (error, post) = await ChangeAttributesAsync(gfid, values, valid);
        }

        if (error == Errno.Ok && post.IsNull)
        {
            (error, post) = await StatNodeAsync(gfid);
        }

        if (error == Errno.Ok && (argument.Valid & FuseSetattrValid.KillSuidSgid) != 0
            && FuseConversion.HasPrivilegeBits(in post))
        {
            error = await KillPrivilegesAsync(post);
            post.Mode = FuseConversion.WithoutPrivilegeBits(post.Mode);
        }

        return error == Errno.Ok ? PutAttr(in post, _session.Options.AttributeTimeoutNs) : error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Iatt Post)> TruncateAsync(Gfid gfid, FuseSetattrIn argument)
    {
        if ((argument.Valid & FuseSetattrValid.LockOwner) != 0)
        {
            Call.LockOwner = LkOwner.From(argument.LockOwner);
        }

        Errno error;
        Iatt post;
        var token = Inodes.Token;
        if (_fd is not null)
        {
            var fop = new FtruncateFop { Gfid = gfid, Fd = _fd.Fd, Offset = (long)argument.Size };
            var reply = await _fd.Graph.Top.Ftruncate(in fop, Call);
            (error, post) = (reply.Error, reply.Post);
            reply.Release();
        }
        else
        {
            var fop = new TruncateFop { Gfid = gfid, Offset = (long)argument.Size };
            var reply = await Top.Truncate(in fop, Call);
            (error, post) = (reply.Error, reply.Post);
            reply.Release();
        }

        Inodes.Changed(Node, in post, token, _nowNs);
        return (error, post);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Iatt Post)> ChangeAttributesAsync(Gfid gfid, Iatt values, SetattrValid valid)
    {
        var error = Errno.ESTALE;
        Iatt post = default;
        var token = Inodes.Token;
        if (_fd is null && !Inodes.TestFlag(Node, Graph.InodeFlags.Unlinked))
        {
            var fop = new SetattrFop { Gfid = gfid, Iatt = values, Valid = valid };
            var reply = await Top.Setattr(in fop, Call);
            (error, post) = (reply.Error, reply.Post);
            reply.Release();
        }

        if (_fd is not null || (IsNameless(error) && UseAnyFile(Node)))
        {
            var fop = new FsetattrFop { Gfid = gfid, Fd = _fd!.Fd, Iatt = values, Valid = valid };
            var reply = await _fd.Graph.Top.Fsetattr(in fop, Call);
            (error, post) = (reply.Error, reply.Post);
            reply.Release();
        }

        Inodes.Changed(Node, in post, token, _nowNs);
        return (error, post);
    }

    /// <summary>What to set, with "now" resolved here: it is this client's clock that the application knows.</summary>
    private Iatt ValuesOf(in FuseSetattrIn argument, out SetattrValid valid)
    {
        var values = new Iatt { Mode = argument.Mode, Uid = argument.Uid, Gid = argument.Gid };
        valid = SetattrValid.None;
        valid |= (argument.Valid & FuseSetattrValid.Mode) != 0 ? SetattrValid.Mode : 0;
        valid |= (argument.Valid & FuseSetattrValid.Uid) != 0 ? SetattrValid.Uid : 0;
        valid |= (argument.Valid & FuseSetattrValid.Gid) != 0 ? SetattrValid.Gid : 0;
        var now = _session.Seams.Clock.WallNs;
        var (nowSeconds, nowNsec) = (now / 1_000_000_000, (uint)(now % 1_000_000_000));
        if ((argument.Valid & FuseSetattrValid.Atime) != 0)
        {
            var isNow = (argument.Valid & FuseSetattrValid.AtimeNow) != 0;
            values.Atime = isNow ? nowSeconds : (long)argument.Atime;
            values.AtimeNsec = isNow ? nowNsec : argument.AtimeNsec;
            valid |= SetattrValid.Atime;
        }

        if ((argument.Valid & FuseSetattrValid.Mtime) != 0)
        {
            var isNow = (argument.Valid & FuseSetattrValid.MtimeNow) != 0;
            values.Mtime = isNow ? nowSeconds : (long)argument.Mtime;
            values.MtimeNsec = isNow ? nowNsec : argument.MtimeNsec;
            valid |= SetattrValid.Mtime;
        }

        if ((argument.Valid & FuseSetattrValid.Ctime) != 0)
        {
            values.Ctime = (long)argument.Ctime;
            values.CtimeNsec = argument.CtimeNsec;
            valid |= SetattrValid.Ctime;
        }

        return values;
    }

    /// <summary>
    /// Attributes from the graph: by gfid, or through an open file when the inode has no name any more.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Iatt Iatt)> StatNodeAsync(Gfid gfid)
    {
        var error = Errno.ESTALE;
        Iatt iatt = default;
        var token = Inodes.Token;
        if (_fd is null && !Inodes.TestFlag(Node, Graph.InodeFlags.Unlinked))
        {
            var fop = new StatFop { Gfid = gfid };
            var reply = await Top.Stat(in fop, Call);
            (error, iatt) = (reply.Error, reply.Iatt);
            reply.Release();
        }

        if (_fd is not null || (IsNameless(error) && UseAnyFile(Node)))
        {
            var fop = new FstatFop { Gfid = gfid, Fd = _fd!.Fd };
            var reply = await _fd.Graph.Top.Fstat(in fop, Call);
            (error, iatt) = (reply.Error, reply.Iatt);
            reply.Release();
        }

        if (error == Errno.Ok)
        {
            Inodes.Observed(Node, in iatt, token, _nowNs);
        }

        return (error, iatt);
    }

    // The kernel asks when an application wants the birth time. Bricks that do not know it make it stop asking.
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> StatxAsync()
    {
        if (!TryTake(out FuseStatxIn argument))
        {
            return Errno.EIO;
        }

        if (!TryGetGfid(Node, out var gfid))
        {
            return Errno.ESTALE;
        }

        if ((argument.Flags & FuseBits.GetattrHandle) != 0 && !UseFile(argument.Handle, out var fileError))
        {
            return fileError;
        }

        BeginCall(withGroups: false);
        var (error, iatt) = await StatNodeAsync(gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        if ((iatt.Flags & IattFlags.Btime) == 0)
        {
            ReplyUnsupported();
            return AlreadyReplied;
        }

        PutStatx(in iatt);
        return Errno.Ok;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> StatfsAsync()
    {
        if (!TryGetGfid(Node, out var gfid))
        {
            return Errno.ESTALE;
        }

        var fop = new StatfsFop { Gfid = gfid };
        var reply = await Top.Statfs(in fop, BeginCall(withGroups: false));
        var error = reply.Error;
        if (error == Errno.Ok)
        {
            PutStatfs(in reply.StatFs);
        }

        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> ReadlinkAsync()
    {
        const uint targetBytesMax = 4096;
        if (!TryGetGfid(Node, out var gfid))
        {
            return Errno.ESTALE;
        }

        var fop = new ReadlinkFop { Gfid = gfid, Size = targetBytesMax };
        var reply = await Top.Readlink(in fop, BeginCall(withGroups: false));
        var error = reply.Error;
        if (error == Errno.Ok && reply.Target.Length > targetBytesMax)
        {
            error = Errno.ENAMETOOLONG;
        }

        if (error == Errno.Ok)
        {
            PutBytes(reply.Target.Span);
        }

        reply.Release();
        return error;
    }
}
