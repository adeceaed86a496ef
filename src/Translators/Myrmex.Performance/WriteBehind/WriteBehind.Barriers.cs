using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Performance;

/// <summary>
/// Fops that must not be seen, or must not happen, before the writes that were answered ahead of them.
/// </summary>
public sealed partial class WriteBehind
{
    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        // A write behind the end of what is read may still move the end of the file, and so turn a short read into
        // zeros.
        var gfid = fop.Fd.FileOf(fop.Gfid);
        if (_lateErrors.TryTake(in gfid, out var error))
        {
            return new ValueTask<ReadReply>(ReadReply.Fail(error));
        }

        if (FindBusy(in gfid) is not { } file)
        {
            return Next.Read(in fop, call);
        }

        TryWait(file, fop.Offset, out var wait);
        return ReadAfter(wait, file, fop, call);
    }

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call)
    {
        var gfid = fop.Fd.FileOf(fop.Gfid);
        var handle = _files.TryHandleOf(fop.Fd);
        var file = handle?.File ?? (_sawLocks ? FindBusy(in gfid) : null);
        if (file is null)
        {
            return Next.Flush(in fop, call);
        }

        // Who locks hands the file on with the end of the lock: that must come after the writes.
        if (Settings.FlushesBehind && !_sawLocks)
        {
            return new ValueTask<FlushReply>(FlushBehind(file, handle));
        }

        if (TryWait(file, 0, out var wait) || handle is { HasError: true })
        {
            return FlushAfter(wait, handle, fop, call);
        }

        // All that the subvolume would do is give up locks.
        return _sawLocks ? Next.Flush(in fop, call) : new ValueTask<FlushReply>(FlushReply.Rent());
    }

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call)
    {
        var gfid = fop.Fd.FileOf(fop.Gfid);
        if (_lateErrors.TryTake(in gfid, out var error))
        {
            return new ValueTask<FsyncReply>(FsyncReply.Fail(error));
        }

        var handle = _files.TryHandleOf(fop.Fd);
        var file = handle?.File ?? FindBusy(in gfid);
        if (file is null)
        {
            return Next.Fsync(in fop, call);
        }

        return TryWait(file, 0, out var wait) || handle is { HasError: true }
            ? FsyncAfter(wait, handle, fop, call)
            : Next.Fsync(in fop, call);
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) =>
        _files.TryHandleOf(fop.Fd) is { } handle ? ReleaseAfter(handle, fop, call) : Next.Release(in fop, call);

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call)
    {
        if (fop.Command == LockCommand.GetLock)
        {
            return Next.Lk(in fop, call);
        }

        _sawLocks = true;
        return AfterWrites<LkFop, LkReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);
    }

    public override ValueTask<LeaseReply> Lease(in LeaseFop fop, Call call)
    {
        _sawLocks = true;
        return AfterWrites<LeaseFop, LeaseReply>(in fop, fop.Gfid, call);
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
        (fop.Flags & OpenFlags.Truncate) != 0 || Settings.FlushesBehind || !_lateErrors.IsEmpty
            ? AfterWrites<OpenFop, OpenReply>(in fop, fop.Gfid, call)
            : Next.Open(in fop, call);

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        AfterWrites<StatFop, StatReply>(in fop, fop.Gfid, call);

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        AfterWrites<FstatFop, FstatReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call) =>
        AfterWrites<SeekFop, SeekReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call) =>
        AfterWrites<RchecksumFop, RchecksumReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call) =>
        AfterWrites<TruncateFop, TruncateReply>(in fop, fop.Gfid, call);

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call) =>
        AfterWrites<FtruncateFop, FtruncateReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call) =>
        AfterWrites<FallocateFop, FallocateReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call) =>
        AfterWrites<DiscardFop, DiscardReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call) =>
        AfterWrites<ZerofillFop, ZerofillReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call) =>
        AfterWrites<LinkFop, LinkReply>(in fop, fop.Gfid, call);

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call) =>
        AfterWrites<SetxattrFop, SetxattrReply>(in fop, fop.Gfid, call);

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) =>
        AfterWrites<FsetxattrFop, FsetxattrReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call) =>
        AfterWrites<RemovexattrFop, RemovexattrReply>(in fop, fop.Gfid, call);

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call) =>
        AfterWrites<FremovexattrFop, FremovexattrReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call) =>
        _files.Find(fop.Gfid) is { } file
            ? SetattrAfter(file, fop, call) : AfterWrites<SetattrFop, SetattrReply>(in fop, fop.Gfid, call);

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call) =>
        _files.Find(fop.Fd.FileOf(fop.Gfid)) is { } file
            ? FsetattrAfter(file, fop, call)
            : AfterWrites<FsetattrFop, FsetattrReply>(in fop, fop.Fd.FileOf(fop.Gfid), call);

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call) =>
        Volatile.Read(ref _busyCount) == 0 ? Next.CopyFileRange(in fop, call) : CopyAfter(fop, call);

    /// <summary>The file if it has pending writes.</summary>
    private PendingFile? FindBusy(in Gfid gfid) =>
        Volatile.Read(ref _busyCount) != 0 && _files.Find(in gfid) is { HasPending: true } file ? file : null;

    private bool TryWait(PendingFile file, long offset, out ValueTask wait)
    {
        wait = default;
        if (!file.HasPending)
        {
            return false;
        }

        var effects = WriteEffects.Rent();
        bool mustWait;
        lock (file.Guard)
        {
            mustWait = file.TryWait(offset, Settings, effects, out wait);
        }

        CarryOut(effects);
        return mustWait;
    }

    private ValueTask<TReply> AfterWrites<TFop, TReply>(in TFop fop, in Gfid gfid, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        FindBusy(in gfid) is { } file && TryWait(file, 0, out var wait)
            ? AfterWritesAsync<TFop, TReply>(wait, gfid, fop, call)
            : Pass<TFop, TReply>(in gfid, in fop, call);

    /// <summary>Sends a fop on, unless there is an error to be told in its place.</summary>
    private ValueTask<TReply> Pass<TFop, TReply>(in Gfid gfid, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        _lateErrors.TryTake(in gfid, out var error)
            ? new ValueTask<TReply>(TReply.Fail(error)) : TFop.Invoke(Next, in fop, call);

    /// <summary>The writes go on; what becomes of them is told by the log, and to who asks for the file next.</summary>
    private FlushReply FlushBehind(PendingFile file, FileHandle? handle)
    {
        if (handle is not null && handle.TryTakeError(out var error))
        {
            return FlushReply.Fail(error);
        }

        if (file.HasPending)
        {
            var effects = WriteEffects.Rent();
            lock (file.Guard)
            {
                file.Hurry(Settings, effects);
            }

            CarryOut(effects);
        }

        return FlushReply.Rent();
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> AfterWritesAsync<TFop, TReply>(ValueTask wait, Gfid gfid, TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        await wait;
        return await Pass<TFop, TReply>(in gfid, in fop, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadReply> ReadAfter(ValueTask wait, PendingFile file, ReadFop fop, Call call)
    {
        await wait;
        var mayMissWrites = file.HasPending;
        var reply = await Next.Read(in fop, call);
        if (mayMissWrites)
        {
            reply.Iatt = default; // Writes before the range were answered and not waited for.
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<FlushReply> FlushAfter(ValueTask wait, FileHandle? handle, FlushFop fop, Call call)
    {
        await wait;
        var reply = _sawLocks ? await Next.Flush(in fop, call) : FlushReply.Rent();
        if (handle is null || !handle.TryTakeError(out var error))
        {
            return reply;
        }

        reply.Release();
        return FlushReply.Fail(error);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<FsyncReply> FsyncAfter(ValueTask wait, FileHandle? handle, FsyncFop fop, Call call)
    {
        await wait;
        var reply = await Next.Fsync(in fop, call);
        if (handle is null || !handle.TryTakeError(out var error))
        {
            return reply;
        }

        reply.Release();
        return FsyncReply.Fail(error);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReleaseReply> ReleaseAfter(FileHandle handle, ReleaseFop fop, Call call)
    {
        if (TryWait(handle.File, 0, out var wait))
        {
            await wait;
        }

        if (handle.TryTakeError(out var error))
        {
            Log.Warning(
                "write-behind", "a write failed and nobody asked for its outcome before the file was closed",
                ("at", Name), ("gfid", handle.File.Gfid), ("error", error));
            if (Settings.FlushesBehind && !_lateErrors.TryAdd(handle.File.Gfid, error))
            {
                Log.Warning(
                    "write-behind",
                    "too many files were closed with an error that nobody has asked for: this one is told by no operation",
                    ("at", Name), ("gfid", handle.File.Gfid));
            }
        }

        _files.Drop(handle, fop.Fd);
        return await Next.Release(in fop, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<SetattrReply> SetattrAfter(PendingFile file, SetattrFop fop, Call call)
    {
        if (TryWait(file, 0, out var wait))
        {
            await wait;
        }

        var reply = await Next.Setattr(in fop, call);
        Learn(file, reply.IsOk, in reply.Post);
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<FsetattrReply> FsetattrAfter(PendingFile file, FsetattrFop fop, Call call)
    {
        if (TryWait(file, 0, out var wait))
        {
            await wait;
        }

        var reply = await Next.Fsetattr(in fop, call);
        Learn(file, reply.IsOk, in reply.Post);
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<CopyFileRangeReply> CopyAfter(CopyFileRangeFop fop, Call call)
    {
        var source = fop.SourceFd.FileOf(fop.Source);
        if (FindBusy(in source) is { } sourceFile && TryWait(sourceFile, 0, out var sourceWait))
        {
            await sourceWait;
        }

        var target = fop.TargetFd.FileOf(fop.Target);
        if (FindBusy(in target) is { } targetFile && TryWait(targetFile, 0, out var targetWait))
        {
            await targetWait;
        }

        return await Next.CopyFileRange(in fop, call);
    }

    private static void Learn(PendingFile file, bool isOk, in Iatt post)
    {
        if (isOk)
        {
            lock (file.Guard)
            {
                file.Relearn(in post);
            }
        }
    }
}
