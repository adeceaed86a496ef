using System;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Open files and their content.</summary>
public sealed partial class MemoryTranslator
{
    private const int ReadMax = 64 << 20;
    private const uint KeepSize = 1;
    private const uint PunchHole = 2;
    private const uint ZeroRange = 0x10;

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        lock (_lock)
        {
            var error = Find(fop.Gfid) is { } node ? CheckRegular(node) : Errno.ESTALE;
            if (error == Errno.Ok)
            {
                node = _nodes[fop.Gfid];
                node.Opens++;
                Cut(node, fop.Flags, call);
            }

            return new(Finish(OpenReply.Rent(), error));
        }
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        Close(fop.Fd);
        return new(ReleaseReply.Rent());
    }

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) => new(FlushReply.Rent());

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FsyncReply.Rent();
            var error = BeginData(fop.Fd, fop.Gfid, needsWrite: false, ref reply.Pre, out var node);
            reply.Post = reply.Pre;
            AnswerXData(fop.XData, node, reply);
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = ReadReply.Rent();
            var error = fop.Offset < 0 || fop.Size > ReadMax ? Errno.EINVAL
                : (fop.Fd.Flags & OpenFlags.AccessMode) == OpenFlags.WriteOnly ? Errno.EBADF
                : BeginData(fop.Fd, fop.Gfid, needsWrite: false, ref reply.Iatt, out _);
            if (error == Errno.Ok)
            {
                var content = Find(fop.Fd, fop.Gfid)!.Content; // BeginData has found it.
                var size = (int)Math.Min(fop.Size, Math.Max(0, content.Length - fop.Offset));
                if (size > 0)
                {
                    var buffer = PayloadPool.Shared.Rent(size);
                    content.Read(fop.Offset, buffer.GetSpan()[..size]);
                    reply.Data = new Payload(buffer, 0, size);
                }

                reply.OpRet = size;
                reply.Hint = fop.Offset + size >= content.Length ? Errno.ENOENT : Errno.Ok;
                AnswerXData(fop.XData, Find(fop.Fd, fop.Gfid), reply);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = WriteReply.Rent();
            var error = fop.Offset < 0 ? Errno.EINVAL
                : BeginData(fop.Fd, fop.Gfid, needsWrite: true, ref reply.Pre, out _);
            if (error == Errno.Ok)
            {
                var node = Find(fop.Fd, fop.Gfid)!; // BeginData has found it.
                var offset = StorageRules.Appends(fop.Fd.Flags, call) ? node.Content.Length : fop.Offset;
                var keepsOld = fop.XData is not null && fop.XData.Contains(StorageKeys.AvoidOverwrite);
                error = keepsOld && offset < node.Content.Length
                    ? Errno.EEXIST
                    : WriteTo(node, offset, fop.Data.Span, call);
                error = error == Errno.Ok ? ReadStored(node, offset, call) : error;
                reply.Post = node.ToIatt();
                reply.OpRet = fop.Data.Length;
                if (error == Errno.Ok && fop.XData is not null && fop.XData.Contains(StorageKeys.WriteIsAppend))
                {
                    reply.NeedXData().SetUInt(StorageKeys.WriteIsAppend, offset == (long)reply.Pre.Size ? 1u : 0);
                }

                AnswerXData(fop.XData, node, reply);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = TruncateReply.Rent();
            var error = Resize(Find(fop.Gfid), fop.Offset, ref reply.Pre, ref reply.Post, call);
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FtruncateReply.Rent();
            var error = Resize(Find(fop.Fd, fop.Gfid), fop.Offset, ref reply.Pre, ref reply.Post, call);
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FallocateReply.Rent();
            var error = (fop.Flags & ~(KeepSize | PunchHole | ZeroRange)) != 0 ? Errno.EOPNOTSUPP
                : ChangeRange(fop.Fd, fop.Gfid, fop.Offset, fop.Length, fop.Flags, ref reply.Pre, ref reply.Post, call);
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = DiscardReply.Rent();
            var error = ChangeRange(
                fop.Fd, fop.Gfid, fop.Offset, fop.Length, PunchHole | KeepSize, ref reply.Pre, ref reply.Post, call);
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = ZerofillReply.Rent();
            var error = ChangeRange(
                fop.Fd, fop.Gfid, fop.Offset, fop.Length, ZeroRange, ref reply.Pre, ref reply.Post, call);
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = SeekReply.Rent();
            var unused = default(Iatt);
            var error = BeginData(fop.Fd, fop.Gfid, needsWrite: false, ref unused, out var node);
            if (error == Errno.Ok)
            {
                reply.Offset = fop.Kind is not (SeekKind.Data or SeekKind.Hole) || fop.Offset < 0 ? -1
                    : node!.Content.Seek(fop.Offset, fop.Kind == SeekKind.Data); // There is one without an error.
                error = reply.Offset >= 0 ? Errno.Ok
                    : fop.Kind is SeekKind.Data or SeekKind.Hole ? Errno.ENXIO
                    : Errno.EINVAL;
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = CopyFileRangeReply.Rent();
            var error = BeginData(fop.SourceFd, fop.Source, needsWrite: false, ref reply.Iatt, out var source);
            if (error == Errno.Ok)
            {
                error = fop.Length > ReadMax || fop.SourceOffset < 0 || fop.TargetOffset < 0 ? Errno.EINVAL
                    : BeginData(fop.TargetFd, fop.Target, needsWrite: true, ref reply.Pre, out _);
            }

            if (error == Errno.Ok)
            {
                var bytes = new byte[Math.Min(fop.Length, Math.Max(0, source!.Content.Length - fop.SourceOffset))];
                source.Content.Read(fop.SourceOffset, bytes);
                var target = Find(fop.TargetFd, fop.Target)!; // BeginData has found both.
                error = WriteTo(target, fop.TargetOffset, bytes, call);
                reply.Post = target.ToIatt();
                reply.OpRet = bytes.Length;
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = RchecksumReply.Rent();
            var unused = default(Iatt);
            var error = fop.Offset < 0 || fop.Length > ReadMax ? Errno.EINVAL
                : BeginData(fop.Fd, fop.Gfid, needsWrite: false, ref unused, out _);
            if (error == Errno.Ok)
            {
                var content = Find(fop.Fd, fop.Gfid)!.Content; // BeginData has found it.
                var bytes = new byte[Math.Min(fop.Length, Math.Max(0, content.Length - fop.Offset))];
                content.Read(fop.Offset, bytes);
                reply.Weak = RollingChecksum.Of(bytes);
                reply.Strong = new Name(SHA256.HashData(bytes));
                reply.NeedXData().SetInt(StorageKeys.FipsChecksum, 1);
                if (fop.XData is not null && fop.XData.Contains(StorageKeys.CheckZeroFilled))
                {
                    reply.XData!.SetInt(StorageKeys.HasZeroes, bytes.AsSpan().IndexOfAnyExcept((byte)0) < 0 ? 1 : 0);
                }
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call)
    {
        lock (_lock)
        {
            const ulong nodesMax = 1 << 20;
            var free = (ulong)Math.Max(_capacityBytes - _usedBytes, 0) / 4096;
            var nodesFree = nodesMax - Math.Min(nodesMax, (ulong)_nodes.Count);
            var reply = StatfsReply.Rent();
            reply.StatFs = new StatFs
            {
                BlockSize = 4096,
                FragmentSize = 4096,
                Blocks = (ulong)_capacityBytes / 4096,
                BlocksFree = free,
                BlocksAvailable = free,
                Files = nodesMax,
                FilesFree = nodesFree,
                FilesAvailable = nodesFree,
                NameMax = Base.Name.LengthMax,
            };
            return new(reply);
        }
    }

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) => new(IpcReply.Rent());

    private static Errno CheckRegular(MemoryNode node) =>
        node.IsRegular ? Errno.Ok
        : node.IsDirectory ? Errno.EISDIR
        : node.Type == FileMode.SymbolicLink ? Errno.ELOOP
        : Errno.ENXIO;

    private void Close(Fd fd)
    {
        lock (_lock)
        {
            if (!fd.IsAnonymous && Find(fd.Gfid) is { Opens: > 0 } node)
            {
                node.Opens--;
                DropIfDead(node);
            }
        }
    }

    /// <summary>Empties a file that is opened with O_TRUNC.</summary>
    private void Cut(MemoryNode node, uint flags, Call call)
    {
        if ((flags & OpenFlags.Truncate) != 0)
        {
            SetLength(node, 0);
            Touch(node, TimeFlags.Ctime | TimeFlags.Mtime, call);
        }
    }

    private Errno BeginData(Fd fd, in Gfid gfid, bool needsWrite, ref Iatt pre, out MemoryNode? node)
    {
        node = Find(fd, gfid);
        if (node is null)
        {
            return Errno.ESTALE;
        }

        var error = CheckRegular(node);
        if (error == Errno.Ok && needsWrite && (fd.Flags & OpenFlags.AccessMode) == OpenFlags.ReadOnly)
        {
            error = Errno.EBADF;
        }

        pre = node.ToIatt();
        return error;
    }

    private bool HasRoom(MemoryNode node, long offset, long length) =>
        _usedBytes + node.Content.BytesToAllocate(offset, length) <= _capacityBytes;

    private Errno WriteTo(MemoryNode node, long offset, ReadOnlySpan<byte> data, Call call)
    {
        if (offset > long.MaxValue - data.Length)
        {
            return Errno.EFBIG;
        }

        if (!HasRoom(node, offset, data.Length))
        {
            return Errno.ENOSPC;
        }

        var before = node.Content.AllocatedBytes;
        node.Content.Write(offset, data);
        _usedBytes += node.Content.AllocatedBytes - before;
        DropPrivileges(node, call);
        Touch(node, TimeFlags.Ctime | TimeFlags.Mtime, call);
        return Errno.Ok;
    }

    /// <summary>What is said to be on a disk already is taken from there, as a store that shares blocks does.</summary>
    private static Errno ReadStored(MemoryNode node, long offset, Call call)
    {
        if (call.Stored is not { } stored)
        {
            return Errno.Ok;
        }

        var bytes = new byte[stored.Length];
        var error = stored.Read(bytes);
        if (error == Errno.Ok)
        {
            node.Content.Write(offset, bytes);
        }

        return error is Errno.EBADF ? Errno.Ok : error;
    }

    /// <summary>A write by somebody who is not root takes the set-id bits away.</summary>
    private static void DropPrivileges(MemoryNode node, Call call)
    {
        const uint groupExecute = 8;
        if (call.Uid != 0 && call.Pid >= 0)
        {
            node.Mode &= ~FileMode.SetUid;
            node.Mode = (node.Mode & groupExecute) != 0 ? node.Mode & ~FileMode.SetGid : node.Mode;
        }
    }

    private void SetLength(MemoryNode node, long length)
    {
        var before = node.Content.AllocatedBytes;
        node.Content.SetLength(length);
        _usedBytes += node.Content.AllocatedBytes - before;
    }

    private Errno Resize(MemoryNode? node, long length, ref Iatt pre, ref Iatt post, Call call)
    {
        var error = length < 0 ? Errno.EINVAL : node is null ? Errno.ESTALE : CheckRegular(node);
        if (error == Errno.Ok)
        {
            pre = node!.ToIatt(); // Checked above.
            SetLength(node, length);
            DropPrivileges(node, call);
            Touch(node, TimeFlags.Ctime | TimeFlags.Mtime, call);
            post = node.ToIatt();
        }

        return error;
    }

    private Errno ChangeRange(
        Fd fd, in Gfid gfid, long offset, long length, uint flags, ref Iatt pre, ref Iatt post, Call call)
    {
        var error = offset < 0 || length <= 0 ? Errno.EINVAL
            : offset > long.MaxValue - length ? Errno.EFBIG
            : BeginData(fd, gfid, needsWrite: true, ref pre, out _);
        if (error != Errno.Ok)
        {
            return error;
        }

        var node = Find(fd, gfid)!; // BeginData has found it.
        if ((flags & PunchHole) == 0 && !HasRoom(node, offset, length))
        {
            return Errno.ENOSPC;
        }

        var before = node.Content.AllocatedBytes;
        if ((flags & (PunchHole | ZeroRange)) != 0)
        {
            node.Content.Punch(offset, length);
        }

        if ((flags & PunchHole) == 0)
        {
            node.Content.Allocate(offset, length, (flags & KeepSize) != 0);
        }

        _usedBytes += node.Content.AllocatedBytes - before;
        Touch(node, TimeFlags.Ctime | TimeFlags.Mtime, call);
        post = node.ToIatt();
        return Errno.Ok;
    }
}
