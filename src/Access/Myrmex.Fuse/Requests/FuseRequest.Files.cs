using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>OPEN, CREATE, RELEASE, FLUSH, FSYNC, FALLOCATE, LSEEK, COPY_FILE_RANGE.</summary>
internal sealed partial class FuseRequest
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> OpenAsync()
    {
        if (!TryTake(out FuseOpenIn argument))
        {
            return Errno.EIO;
        }

        if (!TryGetGfid(Node, out var gfid))
        {
            return Errno.ESTALE;
        }

        var flags = FuseConversion.OpenFlagsOf(argument.Flags) & ~(OpenFlags.Create | OpenFlags.Exclusive);
        BeginCall(withGroups: true);
        var (error, fd) = await OpenGfidAsync(gfid, flags);
        if (fd is null)
        {
            return error;
        }

        if ((flags & OpenFlags.Truncate) != 0)
        {
            Inodes.Changed(Node, default, _token, _nowNs);
        }

        var file = new FuseFile(gfid, Node, flags, isDirectory: false);
        Register(file, fd);
        if ((argument.OpenFlags & FuseBits.OpenKillSuidSgid) != 0)
        {
            await KillPrivilegesOfNodeAsync(gfid);
        }

        PutOpen(file, OpenReplyFlagsOf(flags));
        return Errno.Ok;
    }

    /// <summary>
    /// CREATE makes the file and opens it; of a file that somebody else has made meanwhile it just opens that one.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> CreateAsync()
    {
        if (!TryTake(out FuseCreateIn argument))
        {
            return Errno.EIO;
        }

        var error = TakeEntry(out var name, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        var flags = FuseConversion.OpenFlagsOf(argument.Flags);
        BeginCall(withGroups: true);
        var mode = FileMode.Regular | await ModeAsync(parent, argument.Mode, argument.Umask);
        var fop = new CreateFop
        {
            Parent = parent,
            Flags = flags,
            Mode = mode,
            Umask = argument.Umask,
            Name = name,
            Fd = NewFd(RequestGfid(), flags, isDirectory: false),
            XData = _xdata,
        };
        error = await CreateOnceAsync(fop);
        var isExclusive = (flags & OpenFlags.Exclusive) != 0;
        if (error == Errno.ESTALE || (error == Errno.EEXIST && !isExclusive))
        {
            error = await OpenExistingAsync(parent, name, flags, isExclusive);
            if (error == Errno.ENOENT)
            {
                error = await CreateOnceAsync(fop with { Fd = NewFd(RequestGfid(), flags, isDirectory: false) });
            }
        }

        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> CreateOnceAsync(CreateFop fop)
    {
        var reply = await Top.Create(in fop, Call);
        var error = reply.Error;
        Inodes.Changed(Node, in reply.PostParent, _token, _nowNs);
        if (error == Errno.Ok && reply.Iatt.Gfid.IsNull)
        {
            error = Errno.EIO;
        }

        if (error == Errno.Ok)
        {
            fop.Fd.Gfid = reply.Iatt.Gfid;
            PutCreated(in reply.Iatt, fop.Fd, fop.Flags);

            // A new file has no capabilities: the kernel's question before the first write is answered here.
            Inodes.SetNoCapability(_linkedNode, _nowNs + _session.Options.AttributeTimeoutNs);
        }

        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> OpenExistingAsync(Gfid parent, Name name, uint flags, bool isExclusive)
    {
        var fop = new LookupFop { Parent = parent, Name = name };
        var reply = await Top.Lookup(in fop, Call);
        var error = reply.Error;
        var iatt = reply.Iatt;
        reply.Release();
        if (error != Errno.Ok)
        {
            return error;
        }

        if (isExclusive)
        {
            return Errno.EEXIST;
        }

        if (!iatt.IsRegular)
        {
            // Not what the kernel thinks is there: it looks again and opens what it finds.
            return Errno.ESTALE;
        }

        var openFlags = flags & ~(OpenFlags.Create | OpenFlags.Exclusive);
        (error, var fd) = await OpenGfidAsync(iatt.Gfid, openFlags);
        if (fd is null)
        {
            return error;
        }

        PutCreated(in iatt, fd, openFlags);
        if ((flags & OpenFlags.Truncate) != 0)
        {
            Inodes.Changed(_linkedNode, default, _token, _nowNs);
        }

        return Errno.Ok;
    }

    private void PutCreated(in Iatt iatt, Fd fd, uint flags)
    {
        PutCreate(in iatt, OpenReplyFlagsOf(flags));
        var file = new FuseFile(iatt.Gfid, _linkedNode, flags, isDirectory: false);
        Register(file, fd);
        SetCreateHandle(file.Handle);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Fd? Fd)> OpenGfidAsync(Gfid gfid, uint flags)
    {
        var fop = new OpenFop { Gfid = gfid, Flags = flags, Fd = NewFd(gfid, flags, isDirectory: false) };
        var reply = await Top.Open(in fop, Call);
        var error = reply.Error;
        reply.Release();
        return (error, error == Errno.Ok ? fop.Fd : null);
    }

    private Fd NewFd(Gfid gfid, uint flags, bool isDirectory) => new(gfid, flags, isDirectory, _graph.SlotCount);

    /// <summary>Gives the file its fd and its handle; undone when the kernel does not take the reply.</summary>
    private void Register(FuseFile file, Fd fd)
    {
        file.Exchange(new OpenFd(_session, _graph, fd));
        _session.Files.Add(file);
        _opened = file;
    }

    /// <summary>
    /// The kernel does not know where an append lands, so it must fill no pages with it; and with its cache between it
    /// cuts even a small append in two where a page ends, so that records of other clients could come between the
    /// halves. The price is that reads through such a handle are not cached. An old kernel cannot map files without
    /// cache: what may be mapped keeps it.
    /// </summary>
    private bool BypassesCache(uint flags) =>
        (flags & OpenFlags.Direct) != 0
        || ((flags & OpenFlags.Append) != 0
            && (_session.MapsDirectFiles || (flags & OpenFlags.AccessMode) == OpenFlags.WriteOnly));

    private FuseOpenReplyFlags OpenReplyFlagsOf(uint flags)
    {
        var isDirect = _session.Options.DirectIO switch
        {
            DirectIOMode.Enable => true,
            DirectIOMode.Disable => false,
            _ => BypassesCache(flags),
        };

        // Both together: without the second the kernel serialises direct writes of a file, alone it has no effect.
        return isDirect
            ? FuseOpenReplyFlags.DirectIO | FuseOpenReplyFlags.ParallelDirectWrites
            : FuseOpenReplyFlags.None;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> KillPrivilegesOfNodeAsync(Gfid gfid)
    {
        var (error, iatt) = await StatNodeAsync(gfid);
        return error == Errno.Ok && FuseConversion.HasPrivilegeBits(in iatt) ? await KillPrivilegesAsync(iatt) : error;
    }

    /// <summary>
    /// RELEASE and RELEASEDIR. Nobody waits for them; locks that go with the handle are given back first.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> ReleaseAsync()
    {
        if (!TryTake(out FuseReleaseIn argument))
        {
            return Errno.EIO;
        }

        var file = _session.Files.Find(argument.Handle);
        if (file is null)
        {
            return Errno.EBADF;
        }

        if (!_session.Locks.IsEmpty)
        {
            var flockOwner = (argument.ReleaseFlags & FuseBits.ReleaseFlockUnlock) != 0 ? argument.LockOwner : 0;
            await UnlockHandleAsync(file, flockOwner);
        }

        _session.CloseFile(argument.Handle);
        return Errno.Ok;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> FlushAsync()
    {
        if (!TryTake(out FuseFlushIn argument))
        {
            return Errno.EIO;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            return error;
        }

        var file = _file!;
        var hasLocks = _session.Locks.Holds(file.Node, argument.LockOwner);
        if (!hasLocks && !(file.IsDirty && _fd!.Graph.BuffersWrites))
        {
            return Errno.Ok;
        }

        file.IsDirty = false;

        // Without an owner it asks for errors of writes only, and no message comes of it.
        BeginCall(withGroups: false).LockOwner =
            _session.Locks.MayHold(file.Node) ? LkOwner.From(argument.LockOwner) : default;
        var fop = new FlushFop { Gfid = file.Gfid, Fd = _fd!.Fd };
        var reply = await _fd.Graph.Top.Flush(in fop, Call);
        error = reply.Error;
        reply.Release();
        if (hasLocks)
        {
            _session.Locks.RemoveOwner(file.Node, argument.LockOwner);
        }

        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> FsyncAsync()
    {
        if (!TryTake(out FuseFsyncIn argument))
        {
            return Errno.EIO;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            return error;
        }

        var fop = new FsyncFop
        {
            Gfid = _file!.Gfid,
            Fd = _fd!.Fd,
            DataOnly = argument.Flags & FuseBits.FsyncDataOnly,
        };
        var reply = await _fd.Graph.Top.Fsync(in fop, BeginCall(withGroups: false));
        error = reply.Error;
        if (error == Errno.Ok)
        {
            Inodes.Observed(_file.Node, in reply.Post, _token, _nowNs);
        }

        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> FallocateAsync()
    {
        if (!TryTake(out FuseFallocateIn argument)
            || argument.Offset > long.MaxValue || argument.Length > (ulong)long.MaxValue - argument.Offset)
        {
            return Errno.EIO;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            return error;
        }

        BeginCall(withGroups: false);
        Iatt post;
        (error, post) = argument.Mode switch
        {
            0 or FuseBits.FallocateKeepSize =>
                await AllocateAsync(argument.Mode, (long)argument.Offset, (long)argument.Length),
            FuseBits.FallocatePunchHole | FuseBits.FallocateKeepSize =>
                await DiscardAsync((long)argument.Offset, (long)argument.Length),
            FuseBits.FallocateZeroRange => await ZerofillAsync((long)argument.Offset, (long)argument.Length),
            FuseBits.FallocateZeroRange | FuseBits.FallocateKeepSize =>
                await ZerofillInsideAsync((long)argument.Offset, (long)argument.Length),
            _ => (Errno.EOPNOTSUPP, default),
        };
        Inodes.Changed(_file!.Node, in post, _token, _nowNs);
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Iatt Post)> AllocateAsync(uint mode, long offset, long length)
    {
        var fop = new FallocateFop { Gfid = _file!.Gfid, Fd = _fd!.Fd, Flags = mode, Offset = offset, Length = length };
        var reply = await _fd.Graph.Top.Fallocate(in fop, Call);
        var result = (reply.Error, reply.Post);
        reply.Release();
        return result;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Iatt Post)> DiscardAsync(long offset, long length)
    {
        var fop = new DiscardFop { Gfid = _file!.Gfid, Fd = _fd!.Fd, Offset = offset, Length = length };
        var reply = await _fd.Graph.Top.Discard(in fop, Call);
        var result = (reply.Error, reply.Post);
        reply.Release();
        return result;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Iatt Post)> ZerofillAsync(long offset, long length)
    {
        var fop = new ZerofillFop { Gfid = _file!.Gfid, Fd = _fd!.Fd, Offset = offset, Length = length };
        var reply = await _fd.Graph.Top.Zerofill(in fop, Call);
        var result = (reply.Error, reply.Post);
        reply.Release();
        return result;
    }

    // ZEROFILL has no keep-size: zero what is inside the file, and only reserve what is beyond its end.
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, Iatt Post)> ZerofillInsideAsync(long offset, long length)
    {
        var (error, iatt) = await StatNodeAsync(_file!.Gfid);
        if (error != Errno.Ok)
        {
            return (error, default);
        }

        var inside = Math.Min(length, (long)iatt.Size - offset);
        if (inside <= 0)
        {
            return await AllocateAsync(FuseBits.FallocateKeepSize, offset, length);
        }

        var result = await ZerofillAsync(offset, inside);
        return result.Error != Errno.Ok || inside == length
            ? result
            : await AllocateAsync(FuseBits.FallocateKeepSize, offset + inside, length - inside);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> LseekAsync()
    {
        if (!TryTake(out FuseLseekIn argument))
        {
            return Errno.EIO;
        }

        // The other kinds are the kernel's own business.
        if (argument.Whence is not (FuseBits.SeekData or FuseBits.SeekHole) || argument.Offset > long.MaxValue)
        {
            return Errno.EINVAL;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            return error;
        }

        var fop = new SeekFop
        {
            Gfid = _file!.Gfid,
            Fd = _fd!.Fd,
            Offset = (long)argument.Offset,
            Kind = argument.Whence == FuseBits.SeekData ? SeekKind.Data : SeekKind.Hole,
        };
        var reply = await _fd.Graph.Top.Seek(in fop, BeginCall(withGroups: false));
        error = reply.Error;
        var offset = reply.Offset;
        reply.Release();
        if (error is Errno.ENOSYS or Errno.EOPNOTSUPP)
        {
            // The kernel then takes the whole file for data, and does not ask again.
            ReplyUnsupported();
            return AlreadyReplied;
        }

        if (error == Errno.Ok)
        {
            PutOffset((ulong)offset);
        }

        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> CopyFileRangeAsync()
    {
        var isWide = Opcode == FuseOpcode.CopyFileRange64;
        if (!TryTake(out FuseCopyFileRangeIn argument)
            || argument.SourceOffset > long.MaxValue || argument.TargetOffset > long.MaxValue)
        {
            return Errno.EIO;
        }

        if (!UseFile(argument.SourceHandle, out var error))
        {
            return error;
        }

        var target = _session.Files.Find(argument.TargetHandle);
        var targetFd = target?.Acquire();
        if (target is null || targetFd is null)
        {
            return Errno.EBADF;
        }

        // EXDEV and EOPNOTSUPP make the kernel copy by reading and writing.
        error = Errno.EXDEV;
        if (ReferenceEquals(targetFd.Graph, _fd!.Graph))
        {
            error = await CopyAsync(argument, target, targetFd, isWide);
        }

        targetFd.Drop();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> CopyAsync(
        FuseCopyFileRangeIn argument, FuseFile target, OpenFd targetFd, bool isWide)
    {
        var fop = new CopyFileRangeFop
        {
            Source = _file!.Gfid,
            Target = target.Gfid,
            SourceFd = _fd!.Fd,
            TargetFd = targetFd.Fd,
            SourceOffset = (long)argument.SourceOffset,
            TargetOffset = (long)argument.TargetOffset,
            Length = (uint)Math.Min(argument.Length, FuseLimits.CopyBytesMax),
            Flags = (uint)argument.Flags,
        };
        target.IsDirty = true;
        var reply = await _fd.Graph.Top.CopyFileRange(in fop, BeginCall(withGroups: false));
        var error = reply.Error;
        Inodes.Changed(target.Node, in reply.Post, _token, _nowNs);
        if (error == Errno.Ok)
        {
            PutCopied(isWide, (ulong)reply.OpRet);
        }

        reply.Release();
        return error;
    }
}
