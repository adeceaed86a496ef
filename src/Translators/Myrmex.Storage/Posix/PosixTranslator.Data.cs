using System;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>READ and WRITE.</summary>
public sealed partial class PosixTranslator
{
    private bool _canShare = true; // Until the file system says no.

    /// <summary>
    /// What lies in memory is read on the calling thread; the rest on a worker. A short answer means the end of the
    /// file, told by the hint ENOENT too. O_DIRECT is honoured where offset and size are aligned, else the read goes
    /// through the page cache.
    /// </summary>
    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        if (fop.Offset < 0 || fop.Size > PosixLimits.ReadBytesMax)
        {
            return new(ReadReply.Fail(Errno.EINVAL));
        }

        var error = AcquireFile(fop.Fd, fop.Gfid, out var file);
        if (error != Errno.Ok)
        {
            return new(ReadReply.Fail(error));
        }

        var buffer = PayloadPool.Shared.Rent((int)fop.Size);
        nint done = 0;
        // There is one when there is no error.
        if (fop.Size <= PosixLimits.InlineReadBytesMax && !IsDirect(fop.Flags, file!))
        {
            done = Sys.PRead(file!.Fd, buffer.Address, (nint)fop.Size, fop.Offset, Sys.RwNoWait);
            if (done < 0 && Sys.ErrorOf(done) is not (Errno.EAGAIN or Errno.EOPNOTSUPP))
            {
                buffer.Release();
                file.Release();
                return new(ReadReply.Fail(Sys.ErrorOf(done)));
            }

            if (done >= 0)
            {
                var inode = Inode.OfFd(file.Fd);
                error = inode.Restat();
                if (error != Errno.Ok || done == (nint)fop.Size || fop.Offset + done >= (long)inode.Stat.Size)
                {
                    return new(EndRead(in fop, call, file, buffer, (int)done, error, ref inode));
                }
            }
        }

        return PosixWork<ReadJob, ReadReply>.Submit(
            this, new ReadJob(fop, call, file!, buffer, (int)Math.Max(0, done)));
    }

    /// <summary>
    /// Writes up to 64 KiB without O_SYNC, O_DSYNC or O_DIRECT are done on the calling thread, up to 1 MiB as long as
    /// that is quick and no other is under way on the file, and others on a worker. On an fd opened with O_APPEND the
    /// bytes go to the end of the file, whatever the offset, and Pre.Size is where that was. ENOSPC below the reserve.
    /// OpRet may be less than asked when the disk became full in between.
    /// </summary>
    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        if (fop.Offset < 0)
        {
            return new(WriteReply.Fail(Errno.EINVAL));
        }

        var error = CheckSpace(call, fop.XData);
        OpenFile? file = null;
        if (error == Errno.Ok)
        {
            error = AcquireFile(fop.Fd, fop.Gfid, out file);
        }

        if (error != Errno.Ok)
        {
            return new(WriteReply.Fail(error));
        }

        // There is a file when there is no error.
        var isCached = SyncFlags(fop.Flags, file!) == 0 && !IsDirect(fop.Flags, file!);
        if (isCached && fop.Data.Length <= PosixLimits.InlineWriteBytesMax)
        {
            return new(WriteNow(in fop, call, file!));
        }

        if (isCached && TryWriteHere(in fop, call, file!, out var reply))
        {
            return new(reply);
        }

        fop.Data.Retain();
        return PosixWork<WriteJob, WriteReply>.Submit(
            this, new WriteJob(fop, call, file!), isCached ? file!.Lane : null);
    }

    /// <summary>
    /// A long write on the calling thread, in its turn among those of the file; false when it is one for a worker. The
    /// payload is still in the cache of this processor, where it was received.
    /// </summary>
    private bool TryWriteHere(in WriteFop fop, Call call, OpenFile file, [NotNullWhen(true)] out WriteReply? reply)
    {
        reply = null;
        if (fop.Data.Length > PosixLimits.GatedWriteBytesMax || call.Stored is not null
            || !_writeGate.TryEnter(out var startNs) || !file.Lane.TryEnter())
        {
            return false;
        }

        var lane = file.Lane; // The write gives the file back.
        try
        {
            reply = WriteNow(in fop, call, file);
        }
        finally
        {
            lane.Leave(Workers);
        }

        _writeGate.Leave(startNs);
        return true;
    }

    private static bool IsDirect(uint flags, OpenFile file) => ((flags | file.Flags) & OpenFlags.Direct) != 0;

    private static int SyncFlags(uint flags, OpenFile file)
    {
        flags |= file.Flags;
        return (flags & OpenFlags.Sync) == OpenFlags.Sync ? Sys.RwSync
            : (flags & OpenFlags.DataSync) != 0 ? Sys.RwDataSync
            : 0;
    }

    /// <summary>The descriptor to use: the direct one when wanted, there and aligned.</summary>
    private static int DescriptorFor(OpenFile file, bool isDirect, long offset, nint address, int length)
    {
        if (!isDirect)
        {
            return file.Fd;
        }

        var direct = file.DirectFd();
        return direct >= 0 && ((offset | address | (long)length) & (file.DirectAlignment - 1)) == 0 ? direct : file.Fd;
    }

    /// <summary>Reads the rest of a range; on a worker.</summary>
    private ReadReply ReadNow(in ReadFop fop, Call call, OpenFile file, PayloadBuffer buffer, int done)
    {
        var size = (int)fop.Size;
        var fd = DescriptorFor(file, IsDirect(fop.Flags, file), fop.Offset, buffer.Address, size);
        var error = Errno.Ok;
        while (done < size)
        {
            var now = Sys.PRead(fd, buffer.Address + done, size - done, fop.Offset + done);
            if (now < 0)
            {
                error = Sys.ErrorOf(now);
                break;
            }

            if (now == 0)
            {
                break;
            }

            // The rest of a direct read that met the end is no longer aligned.
            done += (int)now;
            fd = file.Fd;
        }

        var inode = Inode.OfFd(file.Fd);
        if (error == Errno.Ok)
        {
            error = inode.Restat();
        }

        return EndRead(in fop, call, file, buffer, done, error, ref inode);
    }

    /// <summary>Makes the answer; releases the file and, unless the answer has it, the buffer.</summary>
    private ReadReply EndRead(
        in ReadFop fop, Call call, OpenFile file, PayloadBuffer buffer, int done, Errno error, ref Inode inode)
    {
        var reply = ReadReply.Rent();
        if (error == Errno.Ok)
        {
            error = LearnStated(ref inode, file.Gfid);
        }

        if (error == Errno.Ok)
        {
            Stamp(ref inode, TimesToStamp(in inode.Facts, TimeFlags.None, call) & TimeFlags.Atime, call);
            FillIatt(ref reply.Iatt, in inode);
            reply.OpRet = done;
            reply.Hint = fop.Offset + done >= (long)inode.Stat.Size ? Errno.ENOENT : Errno.Ok;
            AnswerXData(fop.XData, in inode, reply);
        }

        if (error == Errno.Ok && done > 0)
        {
            reply.Data = new Payload(buffer, 0, done);
        }
        else
        {
            buffer.Release();
        }

        file.Release();
        return Finish(reply, error);
    }

    /// <summary>Does a write and releases the file.</summary>
    private WriteReply WriteNow(in WriteFop fop, Call call, OpenFile file)
    {
        var reply = WriteReply.Rent();
        var appends = StorageRules.Appends(file.Flags, call);
        Errno error;
        if (appends || (fop.XData is not null && (fop.XData.Contains(StorageKeys.WriteIsAppend)
            || fop.XData.Contains(StorageKeys.WriteUpdateAtomic))))
        {
            // Where a write appends, and whether it does, is true only when no other append comes in between.
            lock (_inodeLocks.Of(file.Gfid))
            {
                error = WriteOnce(in fop, call, file, appends, reply);
            }

            if (appends && error == Errno.Ok)
            {
                error = SyncAppended(SyncFlags(fop.Flags, file), file);
            }
        }
        else
        {
            error = WriteOnce(in fop, call, file, appends, reply);
        }

        file.Release();
        return Finish(reply, error);
    }

    /// <summary>O_SYNC and O_DSYNC of an append, after the lock: the disk is not waited for with it.</summary>
    private static Errno SyncAppended(int flags, OpenFile file) =>
        flags switch
        {
            Sys.RwSync => Sys.ErrorOf(Sys.Fsync(file.Fd)),
            Sys.RwDataSync => Sys.ErrorOf(Sys.Fdatasync(file.Fd)),
            _ => Errno.Ok,
        };

    private Errno WriteOnce(in WriteFop fop, Call call, OpenFile file, bool appends, WriteReply reply)
    {
        var inode = Inode.OfFd(file.Fd, file.HasStoredTimes && Settings.KeepsTimes);
        var error = Learn(ref inode, file.Gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        if (!inode.Facts.HasMdata)
        {
            inode.NeedChangeTimes();
        }

        if (fop.XData is not null && fop.XData.Contains(StorageKeys.AvoidOverwrite)
            && !appends && fop.Offset < (long)inode.Stat.Size)
        {
            return Errno.EEXIST;
        }

        FillIatt(ref reply.Pre, in inode);
        error = appends ? AppendAll(in fop, file, out var written) : WriteAll(in fop, call, file, out written);
        if (error != Errno.Ok)
        {
            return error;
        }

        DropPrivileges(in inode, call);
        EndData(ref inode, TimeFlags.Ctime | TimeFlags.Mtime, call, ref reply.Post);
        file.HasStoredTimes = inode.Facts.HasMdata;
        reply.OpRet = written;
        AnswerWriteXData(in fop, appends || fop.Offset == (long)reply.Pre.Size, in inode, reply);
        return Errno.Ok;
    }

    /// <summary>Fails only when nothing was written.</summary>
    private Errno WriteAll(in WriteFop fop, Call call, OpenFile file, out int written)
    {
        var (address, length) = (fop.Data.Address, fop.Data.Length);
        var flags = SyncFlags(fop.Flags, file);
        var fd = DescriptorFor(file, IsDirect(fop.Flags, file), fop.Offset, address, length);
        written = flags == 0 ? ShareStored(in fop, call, file) : 0;
        while (written < length)
        {
            var now = Sys.PWrite(fd, address + written, length - written, fop.Offset + written, flags);
            if (now < 0)
            {
                return written > 0 ? Errno.Ok : Sys.ErrorOf(now);
            }

            written += (int)now;
            fd = file.Fd;
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Data that is on the disk already is not written again where the file system can share blocks: how many bytes.
    /// </summary>
    private int ShareStored(in WriteFop fop, Call call, OpenFile file)
    {
        if (call.Stored is not { } stored || stored.Length > fop.Data.Length || !Volatile.Read(ref _canShare)
            || fop.Offset % PosixLimits.BlockBytes != 0)
        {
            return 0;
        }

        var error = stored.ShareInto(file.Fd, fop.Offset);
        if (error is Errno.EOPNOTSUPP or Errno.EXDEV or Errno.ENOTTY)
        {
            Volatile.Write(ref _canShare, false); // This file system never will.
        }

        return error == Errno.Ok ? stored.Length : 0;
    }

    /// <summary>
    /// The kernel puts every piece at the end, wherever other writes have moved it. Through the page cache even with
    /// O_DIRECT, for the end of a file is seldom aligned. Fails only when nothing was written.
    /// </summary>
    private static Errno AppendAll(in WriteFop fop, OpenFile file, out int written)
    {
        var (address, length) = (fop.Data.Address, fop.Data.Length);
        written = 0;
        while (written < length)
        {
            var now = Sys.PWrite(file.Fd, address + written, length - written, offset: 0, Sys.RwAppend);
            if (now < 0)
            {
                return written > 0 ? Errno.Ok : Sys.ErrorOf(now);
            }

            written += (int)now;
        }

        return Errno.Ok;
    }

    /// <summary>
    /// A write by somebody who is not root takes the set-id bits away; the kernel does not, because we are root.
    /// </summary>
    private static void DropPrivileges(in Inode inode, Call call)
    {
        var mode = inode.Stat.Mode;
        if (call.Uid == 0 || call.Pid < 0 || (mode & (FileMode.SetUid | FileMode.SetGid)) == 0)
        {
            return;
        }

        const uint groupExecute = 8;
        var kept = mode & FileMode.PermissionMask & ~FileMode.SetUid;
        if ((mode & groupExecute) != 0)
        {
            kept &= ~FileMode.SetGid;
        }

        if (kept != (mode & FileMode.PermissionMask))
        {
            inode.ChangeMode(kept);
        }
    }

    private void AnswerWriteXData(in WriteFop fop, bool isAtEnd, in Inode inode, WriteReply reply)
    {
        if (fop.XData is null)
        {
            return;
        }

        if (fop.XData.Contains(StorageKeys.WriteIsAppend))
        {
            reply.NeedXData().SetUInt(StorageKeys.WriteIsAppend, isAtEnd ? 1u : 0);
        }

        AnswerXData(fop.XData, in inode, reply);
    }

    /// <summary>The rest of a read, on a worker.</summary>
    private readonly record struct ReadJob(ReadFop Fop, Call Call, OpenFile File, PayloadBuffer Buffer, int Done)
        : IPosixJob<ReadReply>
    {
        public ReadReply Run(PosixTranslator posix) => posix.ReadNow(Fop, Call, File, Buffer, Done);
    }

    /// <summary>A write on a worker; holds a reference to its payload.</summary>
    private readonly record struct WriteJob(WriteFop Fop, Call Call, OpenFile File) : IPosixJob<WriteReply>
    {
        public WriteReply Run(PosixTranslator posix)
        {
            var reply = posix.WriteNow(Fop, Call, File);
            Fop.Data.Release();
            return reply;
        }
    }
}
