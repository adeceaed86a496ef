using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// READ and WRITE. Both come on a reactor: a read tries the page cache and goes to a worker only when the disk is needed, a write goes
/// there when it is large or synchronous.
/// </summary>
public sealed partial class PosixTranslator
{
    /// <summary>Writes of more bytes run on a worker.</summary>
    private const int InlineWriteMax = 64 << 10;

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        var error = HoldFile(fop.Gfid, fop.Fd, out var file);
        if (error != Errno.Ok || fop.Offset < 0 || fop.Size > ReadMax)
        {
            if (error == Errno.Ok)
            {
                file.Drop();
            }

            return new(ReadReply.Fail(error == Errno.Ok ? Errno.EINVAL : error));
        }

        var size = (int)fop.Size;
        var buffer = PayloadPool.Shared.Rent(size);
        var count = size == 0 ? 0 : Sys.ReadFileCached(file.Fd, buffer.Address, size, fop.Offset);
        if (Sys.ErrorOf(count) is Errno.EAGAIN or Errno.EOPNOTSUPP || (count >= 0 && count < size))
        {
            // A short count may be the end of the file or of what is cached: only the disk can tell.
            if (count < 0 || !IsAtEnd(file, fop.Offset + count))
            {
                return ReadJob.Start(this, file, buffer, fop.Gfid, fop.Offset, size);
            }
        }

        return new(FinishRead(file, buffer, fop.Gfid, fop.Offset, count));
    }

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        var error = HoldFile(fop.Gfid, fop.Fd, out var file);
        if (error != Errno.Ok || fop.Offset < 0 || _isFull)
        {
            if (error == Errno.Ok)
            {
                file.Drop();
            }

            return new(WriteReply.Fail(error != Errno.Ok ? error : fop.Offset < 0 ? Errno.EINVAL : Errno.ENOSPC));
        }

        var flags = fop.Flags | (ContextOf(fop.Fd, Slot)?.Flags ?? 0);
        return fop.Data.Length <= InlineWriteMax && (flags & OpenFlags.Sync) == 0
            ? new(WriteNow(file, in fop, call))
            : WriteJob.Start(this, file, in fop, call);
    }

    private static bool IsAtEnd(FdReference file, long position) =>
        Sys.StatFd(file.Fd, out var stat) >= 0 && (ulong)position >= stat.Size;

    /// <summary>Makes the reply; takes over the buffer and the hold of the file.</summary>
    private ReadReply FinishRead(FdReference file, PayloadBuffer buffer, in Gfid gfid, long offset, long count)
    {
        if (count < 0)
        {
            buffer.Release();
            file.Drop();
            return ReadReply.Fail(Sys.ErrorOf(count));
        }

        var reply = ReadReply.Rent();
        StatInode(new InodeRef(file), gfid, LacksMdata(file), out reply.Iatt);
        file.Drop();
        reply.Data = new Payload(buffer, 0, (int)count);
        reply.OpRet = (int)count;
        reply.Hint = (ulong)(offset + count) >= reply.Iatt.Size ? Errno.ENOENT : Errno.Ok;
        return reply;
    }

    /// <summary>Writes all of the payload; takes over the hold of the file.</summary>
    private WriteReply WriteNow(FdReference file, in WriteFop fop, Call call)
    {
        var reply = WriteReply.Rent();
        var inode = new InodeRef(file);
        var error = StatInode(inode, fop.Gfid, LacksMdata(file), out reply.Pre);
        var done = 0;
        while (error == Errno.Ok && done < fop.Data.Length)
        {
            var count = Sys.WriteFile(file.Fd, fop.Data.Address + done, fop.Data.Length - done, fop.Offset + done);
            if (count < 0)
            {
                error = Sys.ErrorOf(count) == Errno.EINTR ? Errno.Ok : Sys.ErrorOf(count);
            }
            else
            {
                done += (int)count;
            }
        }

        if (error == Errno.Ok && (fop.Flags & OpenFlags.Sync) != 0)
        {
            error = Sys.ErrorOf(Sys.Fdatasync(file.Fd));
        }

        if (error == Errno.Ok || done > 0)
        {
            AnswerWriteXData(in fop, in reply.Pre, reply);
            error = Modified(inode, file, fop.Gfid, call, ref reply.Post) == Errno.Ok && done > 0 ? Errno.Ok : error;
            reply.OpRet = done;
        }

        file.Drop();
        return Finish(reply, error);
    }

    private void AnswerWriteXData(in WriteFop fop, in Iatt pre, WriteReply reply)
    {
        if (fop.XData is not { } asked)
        {
            return;
        }

        if (asked.Contains("glusterfs.write-is-append"u8))
        {
            reply.NeedXData().SetUInt("glusterfs.write-is-append"u8, (ulong)fop.Offset >= pre.Size ? 1UL : 0);
        }

        if (asked.Contains("glusterfs.open-active-fd-count"u8))
        {
            reply.NeedXData().SetUInt("glusterfs.open-active-fd-count"u8, (ulong)_store.OpenFiles.CountOf(fop.Gfid));
        }
    }

    /// <summary>A read that waits for the disk. Pooled.</summary>
    private sealed class ReadJob : IWork
    {
        private PosixTranslator _owner = null!;
        private FdReference _file = null!;
        private PayloadBuffer _buffer = null!;
        private PendingReply<ReadReply> _pending = null!;
        private Gfid _gfid;
        private long _offset;
        private int _size;

        public static ValueTask<ReadReply> Start(
            PosixTranslator owner, FdReference file, PayloadBuffer buffer, in Gfid gfid, long offset, int size)
        {
            var job = Pool<ReadJob>.Rent();
            job._owner = owner;
            job._file = file;
            job._buffer = buffer;
            job._gfid = gfid;
            job._offset = offset;
            job._size = size;
            job._pending = PendingReply<ReadReply>.Rent();
            var task = job._pending.Task;
            owner.Seams.Workers.Submit(job);
            return task;
        }

        public void Run()
        {
            long done = 0;
            long count;
            do
            {
                count = Sys.ReadFile(_file.Fd, _buffer.Address + (nint)done, _size - (int)done, _offset + done);
                done += Math.Max(count, 0);
            }
            while ((count > 0 && done < _size) || Sys.ErrorOf(count) == Errno.EINTR);

            var reply = _owner.FinishRead(_file, _buffer, _gfid, _offset, count < 0 && done == 0 ? count : done);
            var pending = _pending;
            _owner = null!;
            _file = null!;
            _buffer = null!;
            _pending = null!;
            Pool<ReadJob>.Return(this);
            pending.Complete(reply);
        }
    }

    /// <summary>A write on a worker. The fop's payload is borrowed until the reply, so nothing is copied. Pooled.</summary>
    private sealed class WriteJob : IWork
    {
        private PosixTranslator _owner = null!;
        private FdReference _file = null!;
        private PendingReply<WriteReply> _pending = null!;
        private WriteFop _fop;
        private Call _call = null!;

        public static ValueTask<WriteReply> Start(PosixTranslator owner, FdReference file, in WriteFop fop, Call call)
        {
            var job = Pool<WriteJob>.Rent();
            job._owner = owner;
            job._file = file;
            job._fop = fop;
            job._call = call;
            job._pending = PendingReply<WriteReply>.Rent();
            var task = job._pending.Task;
            owner.Seams.Workers.Submit(job);
            return task;
        }

        public void Run()
        {
            var reply = _owner.WriteNow(_file, in _fop, _call);
            var pending = _pending;
            _owner = null!;
            _file = null!;
            _fop = default;
            _call = null!;
            _pending = null!;
            Pool<WriteJob>.Return(this);
            pending.Complete(reply);
        }
    }
}
