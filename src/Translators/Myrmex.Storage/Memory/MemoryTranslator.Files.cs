using System;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Fops on the content and the attributes of files, and directory listings.</summary>
public sealed partial class MemoryTranslator
{
    private const int ReadMax = 64 << 20;

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Gfid) is not { } node)
            {
                return new(OpenReply.Fail(Errno.ESTALE));
            }

            if (node.IsDirectory)
            {
                return new(OpenReply.Fail(Errno.EISDIR));
            }

            node.Opens++;
            if ((fop.Flags & OpenFlags.Truncate) != 0)
            {
                node.Content.SetLength(0);
                Touch(node);
            }

            return new(OpenReply.Rent());
        }
    }

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Gfid) is not { IsDirectory: true } node)
            {
                return new(OpendirReply.Fail(Find(fop.Gfid) is null ? Errno.ESTALE : Errno.ENOTDIR));
            }

            node.Opens++;
            return new(OpendirReply.Rent());
        }
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        Close(fop.Fd);
        return new(ReleaseReply.Rent());
    }

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call)
    {
        Close(fop.Fd);
        return new(ReleasedirReply.Rent());
    }

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) => new(FlushReply.Rent());

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) => new(FsyncdirReply.Rent());

    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call) => new(AccessReply.Rent());

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) => new(IpcReply.Rent());

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { } node)
            {
                return new(FsyncReply.Fail(Errno.ESTALE));
            }

            var reply = FsyncReply.Rent();
            reply.Pre = node.ToIatt();
            reply.Post = reply.Pre;
            return new(reply);
        }
    }

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Gfid) is not { } node)
            {
                return new(StatReply.Fail(Errno.ESTALE));
            }

            var reply = StatReply.Rent();
            reply.Iatt = node.ToIatt();
            AnswerXattrs(node, fop.XData, reply);
            return new(reply);
        }
    }

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { } node)
            {
                return new(FstatReply.Fail(Errno.ESTALE));
            }

            var reply = FstatReply.Rent();
            reply.Iatt = node.ToIatt();
            AnswerXattrs(node, fop.XData, reply);
            return new(reply);
        }
    }

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Gfid) is not { Type: FileMode.SymbolicLink } node)
            {
                return new(ReadlinkReply.Fail(Find(fop.Gfid) is null ? Errno.ESTALE : Errno.EINVAL));
            }

            var reply = ReadlinkReply.Rent();
            reply.Iatt = node.ToIatt();
            reply.Target = new Name(node.Target.AsMemory(0, (int)Math.Min((uint)node.Target.Length, fop.Size)));
            reply.OpRet = reply.Target.Length;
            return new(reply);
        }
    }

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: false } node)
            {
                return new(ReadReply.Fail(Find(fop.Fd) is null ? Errno.ESTALE : Errno.EISDIR));
            }

            if (fop.Offset < 0)
            {
                return new(ReadReply.Fail(Errno.EINVAL));
            }

            var size = (int)Math.Min(Math.Min(fop.Size, ReadMax), Math.Max(node.Content.Length - fop.Offset, 0));
            var buffer = PayloadPool.Shared.Rent(size);
            var count = node.Content.Read(fop.Offset, buffer.GetSpan()[..size]);
            var reply = ReadReply.Rent();
            reply.Data = new Payload(buffer, 0, count);
            reply.OpRet = count;
            reply.Hint = fop.Offset + count >= node.Content.Length ? Errno.ENOENT : Errno.Ok;
            reply.Iatt = node.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: false } node)
            {
                return new(WriteReply.Fail(Find(fop.Fd) is null ? Errno.ESTALE : Errno.EISDIR));
            }

            if (fop.Offset < 0 || !HasRoom(node, fop.Offset + fop.Data.Length))
            {
                return new(WriteReply.Fail(fop.Offset < 0 ? Errno.EINVAL : Errno.ENOSPC));
            }

            var reply = WriteReply.Rent();
            reply.Pre = node.ToIatt();
            node.Content.Write(fop.Offset, fop.Data.Span);
            Touch(node);
            reply.Post = node.ToIatt();
            reply.OpRet = fop.Data.Length;
            return new(reply);
        }
    }

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = TruncateReply.Rent();
            reply.Error = SetLength(Find(fop.Gfid), fop.Offset, ref reply.Pre, ref reply.Post);
            return new(reply);
        }
    }

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FtruncateReply.Rent();
            reply.Error = SetLength(Find(fop.Fd), fop.Offset, ref reply.Pre, ref reply.Post);
            return new(reply);
        }
    }

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: false } node)
            {
                return new(FallocateReply.Fail(Errno.EBADF));
            }

            if (fop.Offset < 0 || fop.Length <= 0 || !HasRoom(node, fop.Offset + fop.Length))
            {
                return new(FallocateReply.Fail(fop.Offset < 0 || fop.Length <= 0 ? Errno.EINVAL : Errno.ENOSPC));
            }

            var reply = FallocateReply.Rent();
            reply.Pre = node.ToIatt();
            node.Content.Allocate(fop.Offset, fop.Length, keepSize: (fop.Flags & 1) != 0);
            Touch(node);
            reply.Post = node.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: false } node)
            {
                return new(DiscardReply.Fail(Errno.EBADF));
            }

            var reply = DiscardReply.Rent();
            reply.Pre = node.ToIatt();
            node.Content.Punch(fop.Offset, fop.Length);
            Touch(node);
            reply.Post = node.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: false } node)
            {
                return new(ZerofillReply.Fail(Errno.EBADF));
            }

            var reply = ZerofillReply.Rent();
            reply.Pre = node.ToIatt();
            node.Content.Punch(fop.Offset, fop.Length);
            node.Content.SetLength(Math.Max(node.Content.Length, fop.Offset + fop.Length));
            Touch(node);
            reply.Post = node.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: false } node)
            {
                return new(SeekReply.Fail(Errno.EBADF));
            }

            var at = node.Content.Seek(fop.Offset, fop.Kind == SeekKind.Data);
            if (at < 0)
            {
                return new(SeekReply.Fail(Errno.ENXIO));
            }

            var reply = SeekReply.Rent();
            reply.Offset = at;
            return new(reply);
        }
    }

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Gfid) is not { } node)
            {
                return new(SetattrReply.Fail(Errno.ESTALE));
            }

            var reply = SetattrReply.Rent();
            reply.Pre = node.ToIatt();
            Change(node, fop.Iatt, fop.Valid);
            reply.Post = node.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { } node)
            {
                return new(FsetattrReply.Fail(Errno.ESTALE));
            }

            var reply = FsetattrReply.Rent();
            reply.Pre = node.ToIatt();
            Change(node, fop.Iatt, fop.Valid);
            reply.Post = node.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call)
    {
        lock (_lock)
        {
            long used = 0;
            foreach (var node in _nodes.Values)
            {
                used += node.Content.AllocatedBytes;
            }

            var free = (ulong)Math.Max(CapacityBytes - used, 0) / 4096;
            var reply = StatfsReply.Rent();
            reply.StatFs = new StatFs
            {
                BlockSize = 4096,
                FragmentSize = 4096,
                Blocks = (ulong)CapacityBytes / 4096,
                BlocksFree = free,
                BlocksAvailable = free,
                Files = 1 << 20,
                FilesFree = (ulong)Math.Max((1 << 20) - _nodes.Count, 0),
                FilesAvailable = (ulong)Math.Max((1 << 20) - _nodes.Count, 0),
                NameMax = Base.Name.LengthMax,
            };
            return new(reply);
        }
    }

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: true } node)
            {
                return new(ReaddirReply.Fail(Errno.EBADF));
            }

            var reply = ReaddirReply.Rent();
            reply.Hint = List(node, fop.Offset, fop.Size, reply.Entries, plus: false) ? Errno.ENOENT : Errno.Ok;
            reply.OpRet = reply.Entries.Count;
            return new(reply);
        }
    }

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call)
    {
        lock (_lock)
        {
            if (Find(fop.Fd) is not { IsDirectory: true } node)
            {
                return new(ReaddirpReply.Fail(Errno.EBADF));
            }

            var reply = ReaddirpReply.Rent();
            reply.Hint = List(node, fop.Offset, fop.Size, reply.Entries, plus: true, fop.XData) ? Errno.ENOENT : Errno.Ok;
            reply.OpRet = reply.Entries.Count;
            return new(reply);
        }
    }

    private void Close(Fd fd)
    {
        lock (_lock)
        {
            if (!fd.IsAnonymous && Find(fd) is { Opens: > 0 } node)
            {
                node.Opens--;
                Drop(node);
            }
        }
    }

    private Errno SetLength(MemoryNode? node, long length, ref Iatt pre, ref Iatt post)
    {
        if (node is null || node.IsDirectory || length < 0)
        {
            return node is null ? Errno.ESTALE : node.IsDirectory ? Errno.EISDIR : Errno.EINVAL;
        }

        pre = node.ToIatt();
        node.Content.SetLength(length);
        Touch(node);
        post = node.ToIatt();
        return Errno.Ok;
    }

    private void Change(MemoryNode node, in Iatt iatt, SetattrValid valid)
    {
        if ((valid & (SetattrValid.Uid | SetattrValid.Gid)) != 0 && !node.IsDirectory)
        {
            node.Mode &= ~FileMode.SetUid;
            node.Mode = (node.Mode & 8) != 0 ? node.Mode & ~FileMode.SetGid : node.Mode;
        }

        if ((valid & SetattrValid.Mode) != 0)
        {
            node.Mode = node.Type | (iatt.Mode & FileMode.PermissionMask);
        }

        node.Uid = (valid & SetattrValid.Uid) != 0 ? iatt.Uid : node.Uid;
        node.GroupId = (valid & SetattrValid.Gid) != 0 ? iatt.Gid : node.GroupId;
        node.AtimeNs = (valid & SetattrValid.Atime) != 0 ? (iatt.Atime * 1_000_000_000) + iatt.AtimeNsec : node.AtimeNs;
        node.MtimeNs = (valid & SetattrValid.Mtime) != 0 ? (iatt.Mtime * 1_000_000_000) + iatt.MtimeNsec : node.MtimeNs;
        node.CtimeNs = Seams.Clock.WallNs;
    }

    /// <summary>Fills a chunk; true when it reaches the end.</summary>
    private static bool List(
        MemoryNode directory, long offset, uint size, DirEntries entries, bool plus, XData? asked = null)
    {
        long room = size;
        foreach (var (cookie, name, node) in WithDots(directory, (ulong)offset))
        {
            room -= name.Length + (plus ? 24 + Iatt.WireSize : 24);
            if (room < 0 && entries.Count > 0)
            {
                return false;
            }

            ref var entry = ref entries.Add(name.Span);
            entry.Ino = node.Gfid.Ino;
            entry.Offset = cookie;
            entry.Type = node.Type >> 12;
            entry.Iatt = plus ? node.ToIatt() : default;
            entry.XData = Answers(node, asked, null);
        }

        return true;
    }

    private static System.Collections.Generic.IEnumerable<(ulong Cookie, Name Name, MemoryNode Node)> WithDots(
        MemoryNode directory, ulong offset)
    {
        if (offset < 1)
        {
            yield return (1, ".", directory);
        }

        if (offset < 2)
        {
            yield return (2, "..", directory);
        }

        foreach (var entry in directory.Directory!.After(offset))
        {
            yield return entry;
        }
    }
}
