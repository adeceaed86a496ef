using System;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>Fops on the content of files.</summary>
public sealed partial class Evaluator
{
    private const TimeFlags DataTouches = TimeFlags.Mtime | TimeFlags.Ctime;
    private const uint KeepSize = 1;
    private const uint PunchHole = 2;
    private const uint ZeroRange = 0x10;

    /// <summary>
    /// EBADF for an fd that is not open for writing; EEXIST for glusterfs.avoid.overwrite. On an fd opened with
    /// O_APPEND the offset becomes the end of the file, but not for internal clients. The block count of the answer is
    /// a guess.
    /// </summary>
    public async ValueTask<Evaluation> WriteAsync(WriteFop fop, Call client)
    {
        var length = fop.Data.Length;
        if (fop.Offset < 0 || length > JournalLimits.DataMax)
        {
            return Evaluation.Fail(Errno.EINVAL);
        }

        var call = ReadCall();
        var gfid = GfidOf(fop.Fd, fop.Gfid);
        var error = await CheckSpaceAsync(client, fop.XData, call);
        var (fault, inode) = error == Errno.Ok ? await BeginDataAsync(fop.Fd, gfid, call) : (error, default);
        call.Release();
        var appends = Appends(fop.Fd, client);
        var offset = appends ? (long)inode.Iatt.Size : fop.Offset;
        error = fault != Errno.Ok ? fault
            : offset > long.MaxValue - length ? Errno.EFBIG
            : fop.XData is not null && fop.XData.Contains(JournalKeys.AvoidOverwrite)
                && offset < (long)inode.Iatt.Size ? Errno.EEXIST
            : Errno.Ok;
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        if (length == 0)
        {
            return NoEffect(inode.Iatt, inode.Iatt);
        }

        var operation = Writing(FopCode.Write, gfid, offset, length, inode, client);
        fop.Data.Retain();
        var evaluation = new Evaluation { Operation = operation, Data = fop.Data };
        if (fop.XData is not null && fop.XData.Contains(JournalKeys.WriteIsAppend))
        {
            evaluation.Answers.Add((JournalKeys.WriteIsAppend.ToArray(), offset == (long)inode.Iatt.Size ? 1 : 0));
        }

        return evaluation;
    }

    /// <summary>Becomes a write of the bytes that the leader has read from the source.</summary>
    public async ValueTask<Evaluation> CopyFileRangeAsync(CopyFileRangeFop fop, Call client)
    {
        if (fop.SourceOffset < 0 || fop.TargetOffset < 0 || fop.Length > int.MaxValue)
        {
            return Evaluation.Fail(Errno.EINVAL);
        }

        var call = ReadCall();
        var gfid = GfidOf(fop.TargetFd, fop.Target);
        var error = await CheckSpaceAsync(client, fop.XData, call);
        var (fault, inode) = error == Errno.Ok ? await BeginDataAsync(fop.TargetFd, gfid, call) : (error, default);
        var length = Math.Min(fop.Length, JournalLimits.DataMax);
        fault = fault == Errno.Ok && fop.TargetOffset > long.MaxValue - length ? Errno.EFBIG : fault;
        if (fault != Errno.Ok)
        {
            call.Release();
            return Evaluation.Fail(fault);
        }

        var source = GfidOf(fop.SourceFd, fop.Source);
        var reply = await _store.Read(
            new ReadFop { Gfid = source, Fd = call.AnonymousFd(source), Offset = fop.SourceOffset, Size = length },
            call);
        var (readError, read) = (reply.Error, reply.Iatt);
        var data = reply.Data;
        data.Retain();
        reply.Release();
        call.Release();
        if (readError != Errno.Ok || data.IsEmpty)
        {
            data.Release();
            return readError != Errno.Ok ? Evaluation.Fail(readError) : NoEffect(read, inode.Iatt, inode.Iatt);
        }

        var operation = Writing(FopCode.CopyFileRange, gfid, fop.TargetOffset, data.Length, inode, client);
        operation.Outcome.Iatts = [read, .. operation.Outcome.Iatts];
        return new Evaluation { Operation = operation, Data = data };
    }

    /// <summary>A new file with its content; an existing regular file is emptied and written.</summary>
    public async ValueTask<Evaluation> PutAsync(PutFop fop, Call client)
    {
        if (fop.Offset < 0 || fop.Offset > long.MaxValue - fop.Data.Length || fop.Data.Length > JournalLimits.DataMax)
        {
            return Evaluation.Fail(Errno.EINVAL);
        }

        var call = ReadCall();
        var mode = FileMode.Regular | (fop.Mode & FileMode.PermissionMask);
        var evaluation = await CreateAsync(
            new Creation(FopCode.Put, fop.Parent, fop.Name, mode, fop.XData), client, call);
        var operation = evaluation.Operation;
        if (evaluation.Error == Errno.EEXIST)
        {
            (var error, operation) = await OverwritingAsync(fop, client, call);
            evaluation = operation is null ? Evaluation.Fail(error) : evaluation;
        }

        call.Release();
        if (operation is null)
        {
            return evaluation;
        }

        operation.Offset = fop.Offset;
        operation.Length = fop.Data.Length;
        operation.Size = fop.Data.Length == 0 ? 0 : fop.Offset + fop.Data.Length;
        var put = fop.Xattrs is null ? Errno.Ok : AddXattrs(operation, fop.Xattrs);
        if (put != Errno.Ok)
        {
            return Evaluation.Fail(put);
        }

        operation.Outcome.Iatts[0].Size = (ulong)operation.Size;
        operation.Outcome.Iatts[0].Blocks = ((ulong)fop.Data.Length + 511) / 512;
        fop.Data.Retain();
        return new Evaluation { Operation = operation, Data = fop.Data };
    }

    public ValueTask<Evaluation> TruncateAsync(TruncateFop fop, Call client) =>
        ResizeAsync(FopCode.Truncate, null, fop.Gfid, fop.Offset, client);

    public ValueTask<Evaluation> FtruncateAsync(FtruncateFop fop, Call client) =>
        ResizeAsync(FopCode.Ftruncate, fop.Fd, GfidOf(fop.Fd, fop.Gfid), fop.Offset, client);

    /// <summary>
    /// EOPNOTSUPP for collapse and insert of ranges: they move bytes, and doing it twice moves them twice.
    /// </summary>
    public ValueTask<Evaluation> FallocateAsync(FallocateFop fop, Call client)
    {
        const uint known = KeepSize | PunchHole | ZeroRange;
        var isPunch = (fop.Flags & PunchHole) != 0;
        if ((fop.Flags & ~known) != 0 || (isPunch && fop.Flags != (PunchHole | KeepSize)))
        {
            return new(Evaluation.Fail(Errno.EOPNOTSUPP));
        }

        var gfid = GfidOf(fop.Fd, fop.Gfid);
        return RangeAsync(FopCode.Fallocate, fop.Fd, gfid, fop.Flags, fop.Offset, fop.Length, fop.XData, client);
    }

    public ValueTask<Evaluation> DiscardAsync(DiscardFop fop, Call client) => RangeAsync(
        FopCode.Discard, fop.Fd, GfidOf(fop.Fd, fop.Gfid), PunchHole | KeepSize, fop.Offset, fop.Length, fop.XData,
        client);

    public ValueTask<Evaluation> ZerofillAsync(ZerofillFop fop, Call client) => RangeAsync(
        FopCode.Zerofill, fop.Fd, GfidOf(fop.Fd, fop.Gfid), ZeroRange, fop.Offset, fop.Length, fop.XData, client);

    private static Gfid GfidOf(Fd? fd, in Gfid gfid) => gfid.IsNull && fd is not null ? fd.Gfid : gfid;

    /// <summary>
    /// As storage/posix has it: the flags of the open decide; heal and rebalance put bytes where they are told.
    /// </summary>
    internal static bool Appends(Fd? fd, Call client) =>
        fd is { IsAnonymous: false } && (fd.Flags & OpenFlags.Append) != 0 && client.Pid >= 0;

    private async ValueTask<(Errno Error, InodeView Inode)> BeginDataAsync(Fd? fd, Gfid gfid, Call call)
    {
        var inode = await StatAsync(gfid, call);
        var error = !inode.IsThere ? inode.Error
            : CheckRegular(inode.Iatt) is var type and not Errno.Ok ? type
            : fd is not null && (fd.Flags & OpenFlags.AccessMode) == OpenFlags.ReadOnly ? Errno.EBADF
            : Errno.Ok;
        return (error, inode);
    }

    private JournalOperation Writing(FopCode fop, Gfid gfid, long offset, int length, InodeView inode, Call client)
    {
        var operation = Changing(fop, gfid, offset, length, inode, client);
        operation.Outcome.OpRet = length;
        if (offset + length > (long)inode.Iatt.Size)
        {
            operation.Size = offset + length;
            ref var post = ref operation.Outcome.Iatts[1];
            post.Blocks += ((ulong)operation.Size - Math.Max(post.Size, (ulong)offset) + 511) / 512;
            post.Size = (ulong)operation.Size;
        }

        return operation;
    }

    /// <summary>A change of a range of a file, with the times and the mode after it.</summary>
    private JournalOperation Changing(FopCode fop, Gfid gfid, long offset, long length, InodeView inode, Call client)
    {
        var stamp = NewStamp();
        var operation = NewOperation(fop, gfid, DataTouches, stamp);
        operation.Offset = offset;
        operation.Length = length;
        operation.Mode = fop is FopCode.Write or FopCode.CopyFileRange or FopCode.Truncate or FopCode.Ftruncate
            ? ModeAfterWrite(inode.Iatt.Mode, client)
            : inode.Iatt.Mode;
        operation.Valid = operation.Mode != inode.Iatt.Mode ? SetattrValid.Mode : SetattrValid.None;
        operation.Times = TimesFor(in inode, DataTouches, stamp);
        var post = Touched(inode.Iatt, DataTouches, stamp);
        post.Mode = operation.Mode;
        operation.Outcome.Iatts = [inode.Iatt, post];
        return operation;
    }

    private async ValueTask<(Errno Error, JournalOperation? Operation)> OverwritingAsync(
        PutFop fop, Call client, Call call)
    {
        var inode = await LookupAsync(fop.Parent, fop.Name, call);
        var parent = await StatAsync(fop.Parent, call);
        var error = !inode.IsThere ? inode.Error
            : CheckRegular(inode.Iatt) is var type and not Errno.Ok ? type
            : parent.Error;
        if (error != Errno.Ok)
        {
            return (error, null);
        }

        var stamp = NewStamp();
        var operation = NewOperation(FopCode.Put, inode.Iatt.Gfid, DataTouches, stamp);
        operation.Parent = fop.Parent;
        operation.Name = fop.Name.ToOwned();
        operation.Mode = ModeAfterWrite(inode.Iatt.Mode, client);
        operation.Valid = operation.Mode != inode.Iatt.Mode ? SetattrValid.Mode : SetattrValid.None;
        operation.Flags = 1;
        operation.Times = TimesFor(in inode, DataTouches, stamp);
        var after = Touched(inode.Iatt, DataTouches, stamp);
        after.Mode = operation.Mode;
        operation.Outcome.Iatts = [after, parent.Iatt, parent.Iatt];
        return (Errno.Ok, operation);
    }

    private async ValueTask<Evaluation> ResizeAsync(FopCode fop, Fd? fd, Gfid gfid, long size, Call client)
    {
        if (size < 0)
        {
            return Evaluation.Fail(Errno.EINVAL);
        }

        var call = ReadCall();
        var (error, inode) = await BeginDataAsync(fd, gfid, call);
        call.Release();
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        var operation = Changing(fop, gfid, 0, 0, inode, client);
        operation.Size = size;
        ref var post = ref operation.Outcome.Iatts[1];
        post.Size = (ulong)size;
        post.Blocks = Math.Min(post.Blocks, ((ulong)size + 511) / 512);
        return Evaluation.Of(operation);
    }

    private async ValueTask<Evaluation> RangeAsync(
        FopCode fop, Fd fd, Gfid gfid, uint flags, long offset, long length, XData? xdata, Call client)
    {
        if (offset < 0 || length <= 0 || offset > long.MaxValue - length)
        {
            return Evaluation.Fail(offset < 0 || length <= 0 ? Errno.EINVAL : Errno.EFBIG);
        }

        var call = ReadCall();
        var error = (flags & PunchHole) == 0 ? await CheckSpaceAsync(client, xdata, call) : Errno.Ok;
        var (fault, inode) = error == Errno.Ok ? await BeginDataAsync(fd, gfid, call) : (error, default);
        call.Release();
        if (fault != Errno.Ok)
        {
            return Evaluation.Fail(fault);
        }

        var operation = Changing(fop, gfid, offset, length, inode, client);
        operation.Flags = fop == FopCode.Fallocate ? flags : 0;
        if ((flags & KeepSize) == 0 && offset + length > (long)inode.Iatt.Size)
        {
            operation.Size = offset + length;
            operation.Outcome.Iatts[1].Size = (ulong)operation.Size;
        }

        return Evaluation.Of(operation);
    }
}
