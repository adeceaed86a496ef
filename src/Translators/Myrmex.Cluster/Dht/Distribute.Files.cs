using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Fops on one file: sent to the subvolume with the data. The reply is looked at for the marks of a migration; when it
/// has none, which is the rule, it is passed on as it is.
/// </summary>
public sealed partial class Distribute
{
    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) =>
        ToFile<ReadFop, ReadReply, ReadIatt>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call) =>
        ToFile<WriteFop, WriteReply, WriteIatt>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) =>
        ToFile<TruncateFop, TruncateReply, TruncateIatt>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        ToFile<FtruncateFop, FtruncateReply, FtruncateIatt>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        ToFile<FallocateFop, FallocateReply, FallocateIatt>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        ToFile<DiscardFop, DiscardReply, DiscardIatt>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        ToFile<ZerofillFop, ZerofillReply, ZerofillIatt>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) =>
        ToFile<FsyncFop, FsyncReply, FsyncIatt>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call) =>
        ToFile<ReadlinkFop, ReadlinkReply, ReadlinkIatt>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call) =>
        ToFile<RchecksumFop, RchecksumReply, NoIatt<RchecksumReply>>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call) =>
        ToFile<SeekFop, SeekReply, NoIatt<SeekReply>>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call) =>
        ToFile<LeaseFop, LeaseReply, NoIatt<LeaseReply>>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<GetactivelkReply> Getactivelk(in GetactivelkFop fop, Call call) =>
        ToFile<GetactivelkFop, GetactivelkReply, NoIatt<GetactivelkReply>>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<SetactivelkReply> Setactivelk(in SetactivelkFop fop, Call call) =>
        ToFile<SetactivelkFop, SetactivelkReply, NoIatt<SetactivelkReply>>(in fop, fop.Gfid, fd: null, call);

    /// <summary>
    /// Copies inside one subvolume; EXDEV when the files lie on different ones, so that the caller copies.
    /// </summary>
    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call)
    {
        if (_isSingle)
        {
            return Next.CopyFileRange(in fop, call);
        }

        return TryFileOf(fop.Source, fop.SourceFd, out var source)
            && TryFileOf(fop.Target, fop.TargetFd, out var target)
            && source == target
            ? source.Translator.CopyFileRange(in fop, call)
            : new ValueTask<CopyFileRangeReply>(CopyFileRangeReply.Fail(Errno.EXDEV));
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        if (_isSingle)
        {
            return Next.Open(in fop, call);
        }

        if (!TryFile(fop.Gfid, out var subvolume))
        {
            return OpenUnknownAsync(fop, call);
        }

        var task = subvolume.Translator.Open(in fop, call);
        if (!task.IsCompletedSuccessfully)
        {
            return OpenedAsync(task, fop, subvolume, call);
        }

        var reply = task.Result;
        if (!reply.IsOk && IsAbsence(reply.Error))
        {
            return OpenElsewhereAsync(reply, fop, subvolume, call);
        }

        if (reply.IsOk)
        {
            fop.Fd.Set(Slot, subvolume);
        }

        return new ValueTask<OpenReply>(reply);
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        if (_isSingle)
        {
            return Next.Release(in fop, call);
        }

        switch (fop.Fd.Get(Slot))
        {
            case Subvolume subvolume:
                fop.Fd.Set(Slot, null);
                return subvolume.Translator.Release(in fop, call);
            case MovedFd moved:
                fop.Fd.Set(Slot, null);
                return ReleaseMovedAsync(fop, moved, call);
            default:
                return new ValueTask<ReleaseReply>(ReleaseReply.Rent());
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<OpenReply> OpenUnknownAsync(OpenFop fop, Call call)
    {
        var route = await ResolveAsync(fop.Gfid, call);
        return route.File is not null ? await Open(in fop, call)
            : OpenReply.Fail(route.Directory is not null ? Errno.EISDIR : route.Error);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<OpenReply> OpenedAsync(
        ValueTask<OpenReply> task, OpenFop fop, Subvolume subvolume, Call call)
    {
        var reply = await task;
        if (reply.IsOk)
        {
            fop.Fd.Set(Slot, subvolume);
            return reply;
        }

        return IsAbsence(reply.Error) ? await OpenElsewhereAsync(reply, fop, subvolume, call) : reply;
    }

    private async ValueTask<OpenReply> OpenElsewhereAsync(OpenReply reply, OpenFop fop, Subvolume tried, Call call)
    {
        var route = await ResolveAsync(fop.Gfid, call);
        if (route.File is null || route.File == tried)
        {
            return reply;
        }

        reply.Release();
        reply = await route.File.Translator.Open(in fop, call);
        if (reply.IsOk)
        {
            fop.Fd.Set(Slot, route.File);
        }

        return reply;
    }

    private bool TryFileOf(in Gfid gfid, Fd? fd, out Subvolume subvolume)
    {
        switch (fd?.Get(Slot))
        {
            case Subvolume open:
                subvolume = open;
                return true;
            case MovedFd moved:
                subvolume = moved.Current;
                return true;
            default:
                return TryFile(gfid, out subvolume);
        }
    }

    /// <summary>Sends a fop to the file's subvolume. A directory gets it on its metadata subvolume.</summary>
    private ValueTask<TReply> ToFile<TFop, TReply, TView>(in TFop fop, in Gfid gfid, Fd? fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        if (_isSingle)
        {
            return TFop.Invoke(Next, in fop, call);
        }

        return TryFileOf(gfid, fd, out var subvolume)
            ? ToFileAt<TFop, TReply, TView>(in fop, gfid, fd, subvolume, call)
            : ToUnknownAsync<TFop, TReply, TView>(fop, gfid, fd, call);
    }

    private ValueTask<TReply> ToFileAt<TFop, TReply, TView>(
        in TFop fop, in Gfid gfid, Fd? fd, Subvolume subvolume, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        var task = TFop.Invoke(subvolume.Translator, in fop, call);
        if (!task.IsCompletedSuccessfully)
        {
            return AwaitFileAsync<TFop, TReply, TView>(task, fop, gfid, fd, subvolume, call);
        }

        var reply = task.Result;
        return IsPlain<TReply, TView>(reply)
            ? new ValueTask<TReply>(reply)
            : CareForAsync<TFop, TReply, TView>(reply, fop, gfid, fd, subvolume, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> AwaitFileAsync<TFop, TReply, TView>(
        ValueTask<TReply> task, TFop fop, Gfid gfid, Fd? fd, Subvolume subvolume, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        var reply = await task;
        return IsPlain<TReply, TView>(reply)
            ? reply
            : await CareForAsync<TFop, TReply, TView>(reply, fop, gfid, fd, subvolume, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ToUnknownAsync<TFop, TReply, TView>(TFop fop, Gfid gfid, Fd? fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        if (!TryRoute(gfid, out var route))
        {
            route = await ResolveAsync(gfid, call);
        }

        if (route.File is not null)
        {
            return await ToFileAt<TFop, TReply, TView>(in fop, gfid, fd, route.File, call);
        }

        return route.Directory is not null
            ? await TFop.Invoke(HomeOf(route.Directory).Translator, in fop, call)
            : TReply.Fail(route.Error);
    }

    /// <summary>
    /// The one subvolume that stands for a directory: where its metadata is kept, else the first that has it.
    /// </summary>
    private Subvolume HomeOf(Layout layout)
    {
        if (layout.Mds >= 0)
        {
            return _subvolumes[layout.Mds];
        }

        foreach (var subvolume in _subvolumes)
        {
            if (layout[subvolume.Index].Error == Errno.Ok && subvolume.MayBeUp)
            {
                return subvolume;
            }
        }

        return _subvolumes[0];
    }

    /// <summary>The reply bears no sign that the file has moved or is being moved.</summary>
    private static bool IsPlain<TReply, TView>(TReply reply)
        where TReply : Reply
        where TView : struct, IIattView<TReply> =>
        reply.IsOk ? !TView.HasPost || !DhtIatt.NeedsCare(in TView.Post(reply)) : !IsAbsence(reply.Error);
}
