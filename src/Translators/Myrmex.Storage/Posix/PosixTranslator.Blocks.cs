using System;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>TRUNCATE, FTRUNCATE, FALLOCATE, DISCARD, ZEROFILL, SEEK, COPY_FILE_RANGE, RCHECKSUM, IPC.</summary>
public sealed partial class PosixTranslator
{
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int ZeroRange = 0x10;

    /// <summary>FALLOC_FL_* bits passed on: keep size, punch hole, collapse, zero, insert, unshare.</summary>
    private const uint FallocateFlags = 0x7B;

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call)
    {
        var reply = TruncateReply.Rent();
        var error = Resize(
            call.AnonymousFd(fop.Gfid), fop.Gfid, fop.Offset, fop.XData, ref reply.Pre, ref reply.Post, reply, call);
        return new(Finish(reply, error));
    }

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call)
    {
        var reply = FtruncateReply.Rent();
        var error = Resize(fop.Fd, fop.Gfid, fop.Offset, fop.XData, ref reply.Pre, ref reply.Post, reply, call);
        return new(Finish(reply, error));
    }

    /// <summary>EOPNOTSUPP for unknown flags and for what the file system cannot.</summary>
    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call)
    {
        var reply = FallocateReply.Rent();
        var error = (fop.Flags & ~FallocateFlags) != 0 ? Errno.EOPNOTSUPP
            : (fop.Flags & PunchHole) == 0 ? CheckSpace(call, fop.XData)
            : Errno.Ok;
        if (error == Errno.Ok)
        {
            error = BeginData(fop.Fd, fop.Gfid, ref reply.Pre, out var inode, out var file);
            if (error == Errno.Ok)
            {
                error = Sys.ErrorOf(Sys.Fallocate(file!.Fd, (int)fop.Flags, fop.Offset, fop.Length));
                EndData(ref inode, TimesIf(error), call, ref reply.Post);
                AnswerXData(fop.XData, in inode, reply);
                file.Release();
            }
        }

        return new(Finish(reply, error));
    }

    /// <summary>Makes a hole; the size stays.</summary>
    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call)
    {
        var reply = DiscardReply.Rent();
        var error = BeginData(fop.Fd, fop.Gfid, ref reply.Pre, out var inode, out var file);
        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(Sys.Fallocate(file!.Fd, PunchHole | KeepSize, fop.Offset, fop.Length));
            EndData(ref inode, TimesIf(error), call, ref reply.Post);
            AnswerXData(fop.XData, in inode, reply);
            file.Release();
        }

        return new(Finish(reply, error));
    }

    /// <summary>
    /// Zeros a range, growing the file when it ends behind its end; writes zeros where the file system has no call for
    /// it.
    /// </summary>
    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call)
    {
        var reply = ZerofillReply.Rent();
        var error = CheckSpace(call, fop.XData);
        if (error == Errno.Ok)
        {
            error = BeginData(fop.Fd, fop.Gfid, ref reply.Pre, out var inode, out var file);
            if (error == Errno.Ok)
            {
                error = Sys.ErrorOf(Sys.Fallocate(file!.Fd, ZeroRange, fop.Offset, fop.Length));
                if (error == Errno.EOPNOTSUPP)
                {
                    error = WriteZeros(file.Fd, fop.Offset, fop.Length);
                }

                EndData(ref inode, TimesIf(error), call, ref reply.Post);
                AnswerXData(fop.XData, in inode, reply);
                file.Release();
            }
        }

        return new(Finish(reply, error));
    }

    /// <summary>ENXIO when there is nothing of the kind behind the offset.</summary>
    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call)
    {
        var reply = SeekReply.Rent();
        var error = AcquireFile(fop.Fd, fop.Gfid, out var file);
        if (error == Errno.Ok)
        {
            var found = fop.Kind is SeekKind.Data or SeekKind.Hole
                ? Sys.Seek(file!.Fd, fop.Offset, fop.Kind == SeekKind.Data ? Sys.SeekData : Sys.SeekHole)
                : -(long)Errno.EINVAL;
            error = Sys.ErrorOf(found);
            reply.Offset = Math.Max(0, found);
            file!.Release();
        }

        return new(Finish(reply, error));
    }

    /// <summary>
    /// Copies inside the file system; OpRet is the number of bytes, less than asked at the end of the source.
    /// </summary>
    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call)
    {
        var reply = CopyFileRangeReply.Rent();
        var error = CheckSpace(call, fop.XData);
        OpenFile? source = null;
        if (error == Errno.Ok)
        {
            error = AcquireFile(fop.SourceFd, fop.Source, out source);
        }

        if (error == Errno.Ok)
        {
            error = BeginData(fop.TargetFd, fop.Target, ref reply.Pre, out var inode, out var target);
            if (error == Errno.Ok)
            {
                error = Copy(source!, target!, in fop, out var copied); // There are two when there is no error.
                EndData(ref inode, TimesIf(error), call, ref reply.Post);
                reply.OpRet = copied;
                target!.Release();
            }
        }

        if (error == Errno.Ok)
        {
            var read = Inode.OfFd(source!.Fd);
            if (Learn(ref read, source.Gfid) == Errno.Ok)
            {
                FillIatt(ref reply.Iatt, in read);
            }
        }

        source?.Release();
        return new(Finish(reply, error));
    }

    /// <summary>
    /// Checksums of a range: Adler-32 begun at 0, and SHA-256 or MD5. The xdata says which, and when the client asks,
    /// whether the range is all zeros. A range behind the end is shorter.
    /// </summary>
    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call)
    {
        var reply = RchecksumReply.Rent();
        if (fop.Offset < 0 || fop.Length > PosixLimits.ChecksumBytesMax)
        {
            return new(Finish(reply, Errno.EINVAL));
        }

        var error = AcquireFile(fop.Fd, fop.Gfid, out var file);
        if (error == Errno.Ok)
        {
            var buffer = PayloadPool.Shared.Rent((int)fop.Length);
            nint size = 0, now;
            while ((now = Sys.PRead(file!.Fd, buffer.Address + size, (nint)fop.Length - size, fop.Offset + size)) > 0)
            {
                size += now;
            }

            error = Sys.ErrorOf(now);
            if (error == Errno.Ok)
            {
                AnswerChecksum(buffer.GetSpan()[..(int)size], fop.XData, reply);
            }

            buffer.Release();
            file!.Release();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) => new(IpcReply.Rent());

    private static TimeFlags TimesIf(Errno error) =>
        error == Errno.Ok ? TimeFlags.Ctime | TimeFlags.Mtime : TimeFlags.None;

    private Errno Resize(
        Fd fd, in Gfid gfid, long size, XData? xdata, ref Iatt pre, ref Iatt post, Reply reply, Call call)
    {
        if (size < 0)
        {
            return Errno.EINVAL;
        }

        var error = BeginData(fd, gfid, ref pre, out var inode, out var file);
        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(Sys.Truncate(file!.Fd, size));
            if (error == Errno.Ok)
            {
                DropPrivileges(in inode, call);
            }

            EndData(ref inode, TimesIf(error), call, ref post);
            AnswerXData(xdata, in inode, reply);
            file.Release();
        }

        return error;
    }

    private static Errno WriteZeros(int fd, long offset, long length)
    {
        if (offset < 0 || length <= 0 || offset > long.MaxValue - length)
        {
            return Errno.EINVAL;
        }

        var buffer = PayloadPool.Shared.Rent(1 << 20);
        buffer.GetSpan().Clear();
        nint now = 0;
        while (length > 0 && (now = Sys.PWrite(fd, buffer.Address, (nint)Math.Min(length, 1 << 20), offset)) > 0)
        {
            offset += now;
            length -= now;
        }

        buffer.Release();
        return Sys.ErrorOf(now);
    }

    private static Errno Copy(OpenFile source, OpenFile target, in CopyFileRangeFop fop, out int copied)
    {
        copied = 0;
        while (copied < fop.Length && fop.Length <= int.MaxValue)
        {
            var now = Sys.CopyFileRange(
                source.Fd, fop.SourceOffset + copied, target.Fd, fop.TargetOffset + copied, (nint)fop.Length - copied);
            if (now < 0)
            {
                return copied > 0 ? Errno.Ok : Sys.ErrorOf(now);
            }

            if (now == 0)
            {
                break;
            }

            copied += (int)now;
        }

        return fop.Length <= int.MaxValue ? Errno.Ok : Errno.EINVAL;
    }

    private void AnswerChecksum(ReadOnlySpan<byte> data, XData? request, RchecksumReply reply)
    {
        reply.Weak = RollingChecksum.Of(data);
        if (request is not null && request.Contains(StorageKeys.CheckZeroFilled))
        {
            reply.NeedXData().SetInt(StorageKeys.HasZeroes, data.IndexOfAnyExcept((byte)0) < 0 ? 1 : 0);
        }

        if (Settings.UsesSha256)
        {
            reply.NeedXData().SetInt(StorageKeys.FipsChecksum, 1);
            reply.Strong = new Name(SHA256.HashData(data));
            return;
        }

#pragma warning disable CA5351 // What older bricks compute; it compares copies and protects nothing.
        reply.Strong = new Name(MD5.HashData(data));
#pragma warning restore CA5351
    }
}
