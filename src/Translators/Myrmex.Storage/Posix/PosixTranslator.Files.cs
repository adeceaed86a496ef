using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>Fops on open files and on attributes.</summary>
public sealed partial class PosixTranslator
{
    private const int ReadMax = 64 << 20;

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        var error = _store.OpenFile(fop.Gfid, OpenFlagsFor(fop.Flags), out var fd);
        if (error != Errno.Ok)
        {
            return new(OpenReply.Fail(error));
        }

        var file = new FdReference(fd);
        file.HasNoMdata = !TryReadMdata(new InodeRef(file), out _);
        Attach(fop.Fd, fop.Gfid, file, fop.Flags);
        return new(OpenReply.Rent());
    }

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call)
    {
        var error = _store.GetDirectory(fop.Gfid, out var directory);
        if (error != Errno.Ok)
        {
            return new(OpendirReply.Fail(error));
        }

        // An own descriptor: listings move its position.
        var fd = Sys.OpenAt(directory.Fd, ".\0"u8, Sys.OpenDirectory);
        directory.Drop();
        if (fd < 0)
        {
            return new(OpendirReply.Fail(Sys.ErrorOf(fd)));
        }

        fop.Fd.Set(Slot, new PosixFd(new FdReference(fd), OpenFlags.Directory));
        return new(OpendirReply.Rent());
    }

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        if (ContextOf(fop.Fd, Slot) is { } open)
        {
            fop.Fd.Set(Slot, null);
            open.File.Drop();
            _store.OnClosed(fop.Fd.Gfid);
        }

        return new(ReleaseReply.Rent());
    }

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call)
    {
        if (ContextOf(fop.Fd, Slot) is { } open)
        {
            fop.Fd.Set(Slot, null);
            open.File.Drop();
        }

        return new(ReleasedirReply.Rent());
    }

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) => new(FlushReply.Rent());

    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call) => new(AccessReply.Rent());

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) => new(IpcReply.Rent());

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call)
    {
        var reply = FsyncReply.Rent();
        var error = HoldFile(fop.Gfid, fop.Fd, out var file);
        if (error == Errno.Ok)
        {
            StatInode(new InodeRef(file), fop.Gfid, LacksMdata(file), out reply.Pre);
            error = Sys.ErrorOf(fop.DataOnly != 0 ? Sys.Fdatasync(file.Fd) : Sys.Fsync(file.Fd));
            StatInode(new InodeRef(file), fop.Gfid, LacksMdata(file), out reply.Post);
            file.Drop();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call)
    {
        var reply = FsyncdirReply.Rent();
        var error = Resolve(fop.Gfid, fop.Fd, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = inode.Fd >= 0 ? Sys.ErrorOf(Sys.Fsync(inode.Fd)) : Errno.ENOTDIR;
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call)
    {
        var reply = StatReply.Rent();
        var error = Resolve(fop.Gfid, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = StatInode(inode, fop.Gfid, out reply.Iatt);
            AnswerXData(inode, in reply.Iatt, fop.XData, reply);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call)
    {
        var reply = FstatReply.Rent();
        var error = Resolve(fop.Gfid, fop.Fd, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = StatInode(inode, fop.Gfid, out reply.Iatt);
            AnswerXData(inode, in reply.Iatt, fop.XData, reply);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<ReadlinkReply> Readlink(in ReadlinkFop fop, Call call)
    {
        var reply = ReadlinkReply.Rent();
        var inode = HandleRef(fop.Gfid, stackalloc byte[PathBuffer.SizeMax]);
        var error = StatInode(inode, fop.Gfid, out reply.Iatt);
        if (error == Errno.Ok)
        {
            var target = new byte[Math.Min(fop.Size, 4096)];
            var length = Sys.ReadlinkAt(inode.Directory, inode.AtPath, target);
            error = Sys.ErrorOf(length);
            if (error == Errno.Ok)
            {
                reply.Target = new Name(target.AsMemory(0, length));
                reply.OpRet = length;
            }
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<TruncateReply> Truncate(in TruncateFop fop, Call call)
    {
        var reply = TruncateReply.Rent();
        var error = _store.OpenAnonymous(fop.Gfid, out var file);
        if (error == Errno.Ok)
        {
            error = SetLength(file, fop.Gfid, fop.Offset, call, ref reply.Pre, ref reply.Post);
            file.Drop();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call)
    {
        var reply = FtruncateReply.Rent();
        var error = HoldFile(fop.Gfid, fop.Fd, out var file);
        if (error == Errno.Ok)
        {
            error = SetLength(file, fop.Gfid, fop.Offset, call, ref reply.Pre, ref reply.Post);
            file.Drop();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<FallocateReply> Fallocate(in FallocateFop fop, Call call)
    {
        var reply = FallocateReply.Rent();
        var error = Allocate(
            fop.Gfid, fop.Fd, (int)fop.Flags & Sys.FallocateKeepSize, fop.Offset, fop.Length, call, ref reply.Pre, ref reply.Post);
        return new(Finish(reply, error));
    }

    public override ValueTask<DiscardReply> Discard(in DiscardFop fop, Call call)
    {
        var reply = DiscardReply.Rent();
        var error = Allocate(
            fop.Gfid, fop.Fd, Sys.FallocatePunchHole | Sys.FallocateKeepSize, fop.Offset, fop.Length, call, ref reply.Pre, ref reply.Post);
        return new(Finish(reply, error));
    }

    public override ValueTask<ZerofillReply> Zerofill(in ZerofillFop fop, Call call)
    {
        var reply = ZerofillReply.Rent();
        var error = Allocate(fop.Gfid, fop.Fd, Sys.FallocateZeroRange, fop.Offset, fop.Length, call, ref reply.Pre, ref reply.Post);
        return new(Finish(reply, error));
    }

    public override ValueTask<SeekReply> Seek(in SeekFop fop, Call call)
    {
        var error = HoldFile(fop.Gfid, fop.Fd, out var file);
        if (error != Errno.Ok)
        {
            return new(SeekReply.Fail(error));
        }

        // Data and hole searches give a result and leave nothing behind that others would see: pread and pwrite carry their offset.
        var at = Sys.Seek(file.Fd, fop.Offset, fop.Kind == SeekKind.Data ? Sys.SeekDataKind : Sys.SeekHoleKind);
        file.Drop();
        if (at < 0)
        {
            return new(SeekReply.Fail(Sys.ErrorOf(at)));
        }

        var reply = SeekReply.Rent();
        reply.Offset = at;
        return new(reply);
    }

    public override ValueTask<CopyFileRangeReply> CopyFileRange(in CopyFileRangeFop fop, Call call)
    {
        var reply = CopyFileRangeReply.Rent();
        var error = HoldFile(fop.Source, fop.SourceFd, out var source);
        if (error == Errno.Ok)
        {
            error = HoldFile(fop.Target, fop.TargetFd, out var target);
            if (error == Errno.Ok)
            {
                error = CopyRange(source, target, in fop, call, reply);
                target.Drop();
            }

            source.Drop();
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call)
    {
        var reply = SetattrReply.Rent();
        var error = Resolve(fop.Gfid, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = ChangeAttributes(inode, fop.Gfid, fop.Iatt, fop.Valid, call, ref reply.Pre, ref reply.Post);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<FsetattrReply> Fsetattr(in FsetattrFop fop, Call call)
    {
        var reply = FsetattrReply.Rent();
        var error = Resolve(fop.Gfid, fop.Fd, stackalloc byte[PathBuffer.SizeMax], out var inode);
        if (error == Errno.Ok)
        {
            error = ChangeAttributes(inode, fop.Gfid, fop.Iatt, fop.Valid, call, ref reply.Pre, ref reply.Post);
        }

        inode.Dispose();
        return new(Finish(reply, error));
    }

    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call)
    {
        var error = Sys.ErrorOf(Sys.StatFileSystem(_store.RootFd, out var stat));
        if (error != Errno.Ok)
        {
            return new(StatfsReply.Fail(error));
        }

        var reserved = (ulong)(stat.Blocks * _reservePercent / 100);
        var reply = StatfsReply.Rent();
        reply.StatFs = new StatFs
        {
            BlockSize = stat.BlockSize,
            FragmentSize = stat.FragmentSize,
            Blocks = stat.Blocks / _sharedBrickCount,
            BlocksFree = Less(stat.BlocksFree, reserved) / _sharedBrickCount,
            BlocksAvailable = Less(stat.BlocksAvailable, reserved) / _sharedBrickCount,
            Files = stat.Files / _sharedBrickCount,
            FilesFree = stat.FilesFree / _sharedBrickCount,
            FilesAvailable = stat.FilesAvailable / _sharedBrickCount,
            FileSystemId = stat.FileSystemId,
            MountFlags = stat.Flags,
            NameMax = stat.NameMax,
        };
        return new(reply);
    }

    public override ValueTask<RchecksumReply> Rchecksum(in RchecksumFop fop, Call call)
    {
        var error = HoldFile(fop.Gfid, fop.Fd, out var file);
        if (error != Errno.Ok || fop.Length > ReadMax)
        {
            return new(RchecksumReply.Fail(error == Errno.Ok ? Errno.EINVAL : error));
        }

        var buffer = PayloadPool.Shared.Rent((int)fop.Length);
        var count = Sys.ReadFile(file.Fd, buffer.Address, (int)fop.Length, fop.Offset);
        var reply = RchecksumReply.Rent();
        if (count >= 0)
        {
            var data = buffer.GetSpan()[..(int)count];
            reply.Weak = WeakChecksum(data);
            reply.Strong = new Name(System.Security.Cryptography.SHA256.HashData(data));
            reply.NeedXData().SetInt("fips-mode-rchecksum"u8, 1);
        }

        buffer.Release();
        file.Drop();
        return new(Finish(reply, Sys.ErrorOf(count)));
    }

    /// <summary>Flags of the descriptor. O_DIRECT is not taken over: the page cache holds what clients send anyway, in any alignment.</summary>
    private static int OpenFlagsFor(uint flags) =>
        (int)(flags & (OpenFlags.AccessMode | OpenFlags.Truncate | OpenFlags.Append | OpenFlags.Sync)) | (int)OpenFlags.NonBlock;

    private static ulong Less(ulong value, ulong amount) => value > amount ? value - amount : 0;

    private static uint WeakChecksum(ReadOnlySpan<byte> data)
    {
        uint a = 0;
        uint b = 0;
        foreach (var value in data)
        {
            a += value;
            b += a;
        }

        return (a & 0xFFFF) | (b << 16);
    }

    /// <summary>The open file of an fd, or of a gfid for an anonymous fd; held for the caller.</summary>
    private Errno HoldFile(in Gfid gfid, Fd fd, out FdReference file)
    {
        if (ContextOf(fd, Slot) is { } open)
        {
            file = open.File;
            return file.TryHold() ? Errno.Ok : Errno.EBADF;
        }

        file = null!;
        return fd.IsAnonymous ? _store.OpenAnonymous(gfid, out file) : Errno.EBADF;
    }

    private Errno SetLength(FdReference file, in Gfid gfid, long length, Call call, ref Iatt pre, ref Iatt post)
    {
        if (length < 0)
        {
            return Errno.EINVAL;
        }

        var inode = new InodeRef(file);
        var error = StatInode(inode, gfid, LacksMdata(file), out pre);
        if (error == Errno.Ok && _isFull && (ulong)length > pre.Size)
        {
            return Errno.ENOSPC;
        }

        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(Sys.TruncateFd(file.Fd, length));
        }

        return error == Errno.Ok ? Modified(inode, file, gfid, call, ref post) : error;
    }

    /// <summary>Attributes after the content changed.</summary>
    private Errno Modified(scoped in InodeRef inode, FdReference file, in Gfid gfid, Call call, ref Iatt post)
    {
        var error = StatInode(inode, gfid, LacksMdata(file), out post);
        if (error == Errno.Ok)
        {
            UpdateMdata(inode, call, TimeFlags.Ctime | TimeFlags.Mtime, LacksMdata(file), ref post);
        }

        return error;
    }

    private Errno Allocate(in Gfid gfid, Fd fd, int mode, long offset, long length, Call call, ref Iatt pre, ref Iatt post)
    {
        var error = HoldFile(gfid, fd, out var file);
        if (error != Errno.Ok)
        {
            return error;
        }

        var inode = new InodeRef(file);
        error = StatInode(inode, gfid, LacksMdata(file), out pre);
        if (error == Errno.Ok && _isFull && (mode & Sys.FallocatePunchHole) == 0)
        {
            error = Errno.ENOSPC;
        }

        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(Sys.Allocate(file.Fd, mode, offset, length));
        }

        if (error == Errno.Ok)
        {
            error = Modified(inode, file, gfid, call, ref post);
        }

        file.Drop();
        return error;
    }

    private Errno CopyRange(FdReference source, FdReference target, in CopyFileRangeFop fop, Call call, CopyFileRangeReply reply)
    {
        var inode = new InodeRef(target);
        StatInode(inode, fop.Target, target.HasNoMdata, out reply.Pre);
        if (_isFull)
        {
            return Errno.ENOSPC;
        }

        var count = Sys.CopyRange(source.Fd, fop.SourceOffset, target.Fd, fop.TargetOffset, fop.Length);
        if (count < 0)
        {
            return Sys.ErrorOf(count);
        }

        reply.OpRet = (int)count;
        var error = Modified(inode, target, fop.Target, call, ref reply.Post);
        reply.Iatt = reply.Post;
        return error;
    }

    private Errno ChangeAttributes(
        scoped in InodeRef inode, in Gfid gfid, in Iatt iatt, SetattrValid valid, Call call, ref Iatt pre, ref Iatt post)
    {
        var error = StatInode(inode, gfid, out pre);
        if (error == Errno.Ok && (valid & (SetattrValid.Uid | SetattrValid.Gid)) != 0)
        {
            error = Sys.ErrorOf(inode.Chown(
                (valid & SetattrValid.Uid) != 0 ? iatt.Uid : uint.MaxValue, (valid & SetattrValid.Gid) != 0 ? iatt.Gid : uint.MaxValue));
        }

        if (error == Errno.Ok && (valid & SetattrValid.Mode) != 0 && !pre.IsSymbolicLink)
        {
            error = Sys.ErrorOf(inode.Chmod(iatt.Mode & FileMode.PermissionMask));
        }

        if (error == Errno.Ok && (valid & (SetattrValid.Atime | SetattrValid.Mtime)) != 0)
        {
            error = Sys.ErrorOf(inode.Utimens(
                TimeOf((valid & SetattrValid.Atime) != 0, iatt.Atime, iatt.AtimeNsec),
                TimeOf((valid & SetattrValid.Mtime) != 0, iatt.Mtime, iatt.MtimeNsec)));
        }

        if (error != Errno.Ok || (error = StatInode(inode, gfid, out post)) != Errno.Ok)
        {
            return error;
        }

        KeepChosenTimes(inode, in iatt, valid, call, ref post);
        return Errno.Ok;
    }

    private static Timespec TimeOf(bool set, long seconds, uint nanoseconds) =>
        set ? new Timespec { Seconds = seconds, Nanoseconds = nanoseconds } : new Timespec { Nanoseconds = Timespec.Omit };

    /// <summary>A client chose times: where mdata rules, they go there too.</summary>
    private void KeepChosenTimes(scoped in InodeRef inode, in Iatt iatt, SetattrValid valid, Call call, ref Iatt post)
    {
        var exists = TryReadMdata(inode, out var mdata);
        if (!exists && call.TimeFlags == TimeFlags.None)
        {
            return;
        }

        if (!exists)
        {
            mdata = FromIatt(in post);
        }

        if ((valid & SetattrValid.Atime) != 0)
        {
            (mdata.AtimeSeconds, mdata.AtimeNanoseconds) = (iatt.Atime, iatt.AtimeNsec);
        }

        if ((valid & SetattrValid.Mtime) != 0)
        {
            (mdata.MtimeSeconds, mdata.MtimeNanoseconds) = (iatt.Mtime, iatt.MtimeNsec);
        }

        var (seconds, nanoseconds) = call.TimeFlags == TimeFlags.None
            ? Math.DivRem(Seams.Clock.WallNs, 1_000_000_000)
            : (call.CtimeSeconds, call.CtimeNanoseconds);
        Apply(ref mdata, TimeFlags.Ctime, seconds, nanoseconds);
        WriteMdata(inode, mdata);
        mdata.ApplyTo(ref post);
    }
}
