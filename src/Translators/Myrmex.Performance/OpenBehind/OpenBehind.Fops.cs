using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>Fops that need the fd open, and fops after which it could not be opened any more.</summary>
public sealed partial class OpenBehind
{
    private const SetattrValid AccessBits = SetattrValid.Mode | SetattrValid.Uid | SetattrValid.Gid;

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) =>
        OnFd<WriteFop, WriteReply>(in fop, fop.Fd, call);

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) =>
        OnFd<FlushFop, FlushReply>(in fop, fop.Fd, call);

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) =>
        OnFd<FsyncFop, FsyncReply>(in fop, fop.Fd, call);

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        OnFd<FtruncateFop, FtruncateReply>(in fop, fop.Fd, call);

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) => OnFd<LkFop, LkReply>(in fop, fop.Fd, call);

    public override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) =>
        OnFd<FinodelkFop, FinodelkReply>(in fop, fop.Fd, call);

    public override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) =>
        OnFd<FentrylkFop, FentrylkReply>(in fop, fop.Fd, call);

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call) =>
        OnFd<FxattropFop, FxattropReply>(in fop, fop.Fd, call);

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call) =>
        OnFd<FgetxattrFop, FgetxattrReply>(in fop, fop.Fd, call);

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call) =>
        OnFd<RchecksumFop, RchecksumReply>(in fop, fop.Fd, call);

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        OnFd<FallocateFop, FallocateReply>(in fop, fop.Fd, call);

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        OnFd<DiscardFop, DiscardReply>(in fop, fop.Fd, call);

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        OnFd<ZerofillFop, ZerofillReply>(in fop, fop.Fd, call);

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call) =>
        OnFd<SeekFop, SeekReply>(in fop, fop.Fd, call);

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call) =>
        IsUnopened(fop.SourceFd) || IsUnopened(fop.TargetFd)
            ? CopyAfterOpen(fop, call)
            : Next.CopyFileRange(in fop, call);

    // Whoever may not open the file after these fops has opened it before.
    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        (fop.Valid & AccessBits) != 0 && _table.Of(fop.Gfid) is { } fds
            ? AfterAll<SetattrFop, SetattrReply>(fds, fop, fd: null, call)
            : Next.Setattr(in fop, call);

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        OnFile<FsetattrFop, FsetattrReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.Fd, call);

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call) =>
        OnFile<SetxattrFop, SetxattrReply>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) =>
        OnFile<FsetxattrFop, FsetxattrReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.Fd, call);

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call) =>
        OnFile<RemovexattrFop, RemovexattrReply>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call) =>
        OnFile<FremovexattrFop, FremovexattrReply>(in fop, fop.Fd.FileOf(fop.Gfid), fop.Fd, call);

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call) =>
        Removing<UnlinkFop, UnlinkReply>(fop, call);

    /// <summary>The new name may have meant a file that is open.</summary>
    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) =>
        Removing<RenameFop, RenameReply>(fop, call);

    private bool IsUnopened(Fd fd) => fd.Get(Slot) is UnopenedFd { IsOpen: false };

    private ValueTask<TReply> OnFd<TFop, TReply>(in TFop fop, Fd fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        fd.Get(Slot) is UnopenedFd { IsOpen: false } unopened
            ? AfterOpen<TFop, TReply>(unopened, fop, call)
            : TFop.Invoke(Next, in fop, call);

    /// <summary>A fop on a file that opens all its fds, its own (if it has one) among them.</summary>
    private ValueTask<TReply> OnFile<TFop, TReply>(in TFop fop, in Gfid gfid, Fd? fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        _table.Of(in gfid) is { } fds
            ? AfterAll<TFop, TReply>(fds, fop, fd, call)
            : TFop.Invoke(Next, in fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> AfterOpen<TFop, TReply>(UnopenedFd fd, TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var error = await OpenNow(fd);
        return error == Errno.Ok ? await TFop.Invoke(Next, in fop, call) : TReply.Fail(error);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> AfterAll<TFop, TReply>(List<UnopenedFd> fds, TFop fop, Fd? fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        await OpenAll(fds);
        return fd is null ? await TFop.Invoke(Next, in fop, call) : await OnFd<TFop, TReply>(in fop, fd, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<CopyFileRangeReply> CopyAfterOpen(CopyFileRangeFop fop, Call call)
    {
        var error = fop.SourceFd.Get(Slot) is UnopenedFd source ? await OpenNow(source) : Errno.Ok;
        if (error == Errno.Ok && fop.TargetFd.Get(Slot) is UnopenedFd target)
        {
            error = await OpenNow(target);
        }

        return error == Errno.Ok ? await Next.CopyFileRange(in fop, call) : CopyFileRangeReply.Fail(error);
    }

    /// <summary>
    /// Which file a name means nobody here knows for sure, so every fd that is not open is opened before; each one
    /// pays once. Fds that
    /// come meanwhile are opened at once.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> Removing<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var fds = _table.BeginRemoval();
        try
        {
            if (fds is not null)
            {
                await OpenAll(fds);
            }

            return await TFop.Invoke(Next, in fop, call);
        }
        finally
        {
            _table.EndRemoval();
        }
    }
}
