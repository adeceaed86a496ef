using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>Fops that make a new inode.</summary>
public sealed partial class PosixTranslator
{
    [ThreadStatic]
    private static bool _keepsCapabilities;

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call)
    {
        var reply = CreateReply.Rent();
        var error = BeginEntry(fop.Parent, fop.Name, out var parent, out reply.PreParent);
        if (error == Errno.Ok)
        {
            lock (StripeOf(fop.Parent, fop.Name.Span))
            {
                error = CreateIn(parent, in fop, call, reply);
            }

            EndEntry(parent, fop.Parent, call, ref reply.PostParent);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call)
    {
        var reply = MknodReply.Rent();
        var error = BeginEntry(fop.Parent, fop.Name, out var parent, out reply.PreParent);
        if (error == Errno.Ok)
        {
            lock (StripeOf(fop.Parent, fop.Name.Span))
            {
                error = MknodIn(parent, in fop, call, reply);
            }

            EndEntry(parent, fop.Parent, call, ref reply.PostParent);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call)
    {
        var reply = MkdirReply.Rent();
        var error = BeginEntry(fop.Parent, fop.Name, out var parent, out reply.PreParent);
        if (error == Errno.Ok)
        {
            lock (StripeOf(fop.Parent, fop.Name.Span))
            {
                error = MkdirIn(parent, in fop, call, reply);
            }

            EndEntry(parent, fop.Parent, call, ref reply.PostParent);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call)
    {
        var reply = SymlinkReply.Rent();
        var error = BeginEntry(fop.Parent, fop.Name, out var parent, out reply.PreParent);
        if (error == Errno.Ok)
        {
            lock (StripeOf(fop.Parent, fop.Name.Span))
            {
                error = SymlinkIn(parent, in fop, call, reply);
            }

            EndEntry(parent, fop.Parent, call, ref reply.PostParent);
        }

        return new(Finish(reply, error));
    }

    private static TReply Finish<TReply>(TReply reply, Errno error)
        where TReply : Reply
    {
        if (error != Errno.Ok)
        {
            reply.Error = error;
            reply.OpRet = -1;
        }

        return reply;
    }

    /// <summary>What every fop on a name begins with: the name is checked, the parent held, its attributes noted.</summary>
    private Errno BeginEntry(in Gfid gfid, Name name, out FdReference parent, out Iatt pre)
    {
        parent = null!;
        pre = default;
        var error = CheckEntry(gfid, name);
        if (error == Errno.Ok)
        {
            error = _store.GetDirectory(gfid, out parent);
        }

        if (error == Errno.Ok)
        {
            error = StatInode(new InodeRef(parent), gfid, out pre);
            if (error != Errno.Ok)
            {
                parent.Drop();
            }
        }

        return error;
    }

    private void EndEntry(FdReference parent, in Gfid gfid, Call call, ref Iatt post)
    {
        var inode = new InodeRef(parent);
        if (StatInode(inode, gfid, out post) == Errno.Ok)
        {
            UpdateMdata(inode, call, TimeFlags.ParentCtime | TimeFlags.ParentMtime, IsWithoutMdata(inode, gfid), ref post);
        }

        parent.Drop();
    }

    private bool IsWithoutMdata(scoped in InodeRef inode, in Gfid gfid) =>
        inode.Stat(out var stat) >= 0
        && _store.Inodes.TryGet(stat.Ino, BirthOf(stat), out var known, out var none) && known == gfid && none;

    private static Errno CheckEntry(in Gfid parent, Name name)
    {
        if (name.Length > Base.Name.LengthMax)
        {
            return Errno.ENAMETOOLONG;
        }

        if (!name.IsValidEntry)
        {
            return Errno.EINVAL;
        }

        return parent.IsRoot && name.Equals(".glusterfs"u8) ? Errno.EPERM : Errno.Ok;
    }

    /// <summary>The gfid a client chose for a new inode, and the checks it asks for first.</summary>
    private Errno CheckRequest(FdReference parent, XData? xdata, Reply reply, out Gfid gfid)
    {
        gfid = default;
        if (xdata is null || !xdata.TryGetGfid("gfid-req"u8, out gfid) || gfid.IsNull || gfid.IsRoot)
        {
            return Errno.EPERM;
        }

        if (_isFull)
        {
            return Errno.ENOSPC;
        }

        if (!xdata.TryGetBytes("glusterfs.preop.parent.key"u8, out var key))
        {
            return Errno.Ok;
        }

        // The parent must still have the layout that the client placed this name by.
        xdata.TryGetBytes(key, out var expected);
        var name = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        name.Append(key.Length < 256 ? key : default);
        Span<byte> value = stackalloc byte[64];
        var size = Sys.GetXattr(parent.Fd, name.Path, value);
        if (size >= 0 && value[..size].SequenceEqual(expected))
        {
            return Errno.Ok;
        }

        reply.NeedXData().SetInt("glusterfs.preop.check.failed"u8, 1);
        return Errno.EIO;
    }

    /// <summary>
    /// Runs as the caller for the creation only, so that owner, group inheritance and default ACLs are the kernel's work. Capabilities stay:
    /// permission was checked where the caller is known.
    /// </summary>
    private static bool BecomeCaller(Call call)
    {
        if (call.Uid == 0 && call.Gid == 0)
        {
            return false;
        }

        if (!_keepsCapabilities)
        {
            _keepsCapabilities = Sys.KeepCapabilitiesOfThread();
            Invariant.Check(_keepsCapabilities);
        }

        Sys.SetFileSystemIds(call.Uid, call.Gid);
        return true;
    }

    private static void BecomeRoot(bool wasCaller)
    {
        if (wasCaller)
        {
            Sys.SetFileSystemIds(0, 0);
        }
    }

    /// <summary>
    /// The mode to create with: the kernel, seeing our capabilities, keeps a setgid bit that the caller may not set in a setgid directory
    /// of a group that is not his.
    /// </summary>
    private static uint ModeFor(uint mode, in Iatt parent, Call call)
    {
        const uint SetGidAndExecutable = FileMode.SetGid | 8;
        return (parent.Mode & FileMode.SetGid) != 0 && (mode & SetGidAndExecutable) == SetGidAndExecutable && call.Uid != 0
            && call.Gid != parent.Gid && call.Groups.IndexOf(parent.Gid) < 0
            ? mode & ~FileMode.SetGid
            : mode;
    }

    private Errno CreateIn(FdReference parent, in CreateFop fop, Call call, CreateReply reply)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(parent.Fd);
        var at = path.Text.Length;
        path.Append(fop.Name.Span);
        var name = path.Path[at..];
        var flags = OpenFlagsFor(fop.Flags);
        var error = CheckRequest(parent, fop.XData, reply, out var gfid);
        var existing = Errno.Ok;
        if (error is Errno.Ok or Errno.EPERM or Errno.ENOSPC && Sys.StatAt(parent.Fd, name, out _) >= 0)
        {
            existing = Errno.EEXIST;
        }

        if (existing == Errno.EEXIST)
        {
            return (fop.Flags & OpenFlags.Exclusive) != 0 ? Errno.EEXIST : OpenExisting(parent.Fd, path.Path, at, in fop, reply);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        var asCaller = BecomeCaller(call);
        var mode = ModeFor(fop.Mode & FileMode.PermissionMask, in reply.PreParent, call);
        var fd = Sys.OpenAt(parent.Fd, name, flags | (int)(OpenFlags.Create | OpenFlags.Exclusive) | Sys.OpenNofollow, mode);
        BecomeRoot(asCaller);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var file = new FdReference(fd);
        var inode = new InodeRef(file);
        error = Equip(inode, parent.Fd, name, gfid, fop.Parent, fop.Name.Span, fop.XData, call, out reply.Iatt);
        if (error != Errno.Ok)
        {
            Sys.UnlinkAt(parent.Fd, name);
            file.Drop();
            return error;
        }

        file.HasNoMdata = call.TimeFlags == TimeFlags.None;
        Attach(fop.Fd, gfid, file, fop.Flags);
        reply.NeedXData().SetGfid("gfid-req"u8, gfid);
        return Errno.Ok;
    }

    private Errno OpenExisting(int parent, ReadOnlySpan<byte> path, int at, in CreateFop fop, CreateReply reply)
    {
        var inode = new InodeRef(parent, path, at);
        var error = Identify(inode, out _, out var gfid, out var hasNoMdata);
        if (error != Errno.Ok)
        {
            return error;
        }

        var fd = Sys.OpenAt(parent, path[at..], OpenFlagsFor(fop.Flags) | Sys.OpenNofollow);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var file = new FdReference(fd) { HasNoMdata = hasNoMdata };
        Attach(fop.Fd, gfid, file, fop.Flags);
        return StatInode(new InodeRef(file), gfid, out reply.Iatt);
    }

    private void Attach(Fd fd, in Gfid gfid, FdReference file, uint flags)
    {
        fd.Gfid = gfid;
        fd.Set(Slot, new PosixFd(file, flags));
        _store.OpenFiles.Opened(gfid);
    }

    /// <summary>Gives a new non-directory its gfid, its other xattrs and its handle, and reads its attributes.</summary>
    private Errno Equip(
        scoped in InodeRef inode, int parentFd, ReadOnlySpan<byte> nameZ, in Gfid gfid, in Gfid parent, ReadOnlySpan<byte> name,
        XData? xdata, Call call, out Iatt iatt)
    {
        Span<byte> bytes = stackalloc byte[Gfid.Size];
        gfid.CopyTo(bytes);
        iatt = default;
        var error = Sys.ErrorOf(inode.SetXattr("trusted.gfid\0"u8, bytes, 0));
        if (error == Errno.Ok)
        {
            SetPathXattr(inode, parent, name);
            error = SetInitialXattrs(inode, xdata);
        }

        if (error == Errno.Ok)
        {
            error = _store.LinkHandle(parentFd, nameZ, gfid);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        error = Sys.ErrorOf(inode.Stat(out var stat));
        if (error == Errno.Ok)
        {
            iatt = ToIatt(stat, gfid);
            _store.Inodes.Put(stat.Ino, BirthOf(stat), gfid, call.TimeFlags == TimeFlags.None, _store.Inodes.Stamp);
            UpdateMdata(inode, call, TimeFlags.Ctime | TimeFlags.Mtime | TimeFlags.Atime, hasNoMdata: true, ref iatt);
        }

        return error;
    }

    /// <summary>xattrs that come with a creation; what only steers the fop is left out.</summary>
    private static Errno SetInitialXattrs(scoped in InodeRef inode, XData? xdata)
    {
        if (xdata is null || xdata.Count == 1)
        {
            return Errno.Ok;
        }

        xdata.TryGetBytes("glusterfs.preop.parent.key"u8, out var parentKey);
        Span<byte> memory = stackalloc byte[PathBuffer.SizeMax];
        foreach (var pair in xdata)
        {
            if (pair.Type is not (XDataType.Binary or XDataType.String or XDataType.StringOld)
                || pair.Key.Length > 255 || pair.Key.SequenceEqual(parentKey)
                || !(pair.Key.StartsWith("trusted."u8) || pair.Key.StartsWith("user."u8) || pair.Key.StartsWith("system.posix_acl"u8)
                    || pair.Key.StartsWith("security."u8)))
            {
                continue;
            }

            var key = new PathBuffer(memory);
            key.Append(pair.Key);
            var error = Sys.ErrorOf(inode.SetXattr(key.Path, pair.Value, 0));
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    private Errno MknodIn(FdReference parent, in MknodFop fop, Call call, MknodReply reply)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(parent.Fd);
        var at = path.Text.Length;
        path.Append(fop.Name.Span);
        var name = path.Path[at..];
        var error = CheckRequest(parent, fop.XData, reply, out var gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        var inode = new InodeRef(parent.Fd, path.Path, at);
        if (TryLinkExisting(parent, name, gfid, in fop, out error))
        {
            return error != Errno.Ok ? error : StatInode(inode, gfid, out reply.Iatt);
        }

        var asCaller = BecomeCaller(call);
        var mode = (fop.Mode & FileMode.TypeMask) == 0 ? fop.Mode | FileMode.Regular : fop.Mode;
        error = Sys.ErrorOf(Sys.MknodAt(parent.Fd, name, ModeFor(mode, in reply.PreParent, call), fop.Device));
        BecomeRoot(asCaller);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = Equip(inode, parent.Fd, name, gfid, fop.Parent, fop.Name.Span, fop.XData, call, out reply.Iatt);
        if (error != Errno.Ok)
        {
            Sys.UnlinkAt(parent.Fd, name);
        }

        return error;
    }

    /// <summary>A link file of DHT for a file that is here already under another name is a hard link to it.</summary>
    private bool TryLinkExisting(FdReference parent, ReadOnlySpan<byte> name, in Gfid gfid, in MknodFop fop, out Errno error)
    {
        error = Errno.Ok;
        if (!fop.XData!.Contains("glusterfs-internal-fop"u8))
        {
            return false;
        }

        var handle = new PathBuffer(stackalloc byte[64]);
        handle.AppendHandle(gfid);
        if (Sys.StatAt(_store.HandlesFd, handle.Path, out _) < 0)
        {
            return false;
        }

        error = Sys.ErrorOf(Sys.LinkAt(_store.HandlesFd, handle.Path, parent.Fd, name));
        return true;
    }

    private Errno MkdirIn(FdReference parent, in MkdirFop fop, Call call, MkdirReply reply)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.Append(fop.Name.Span);
        var error = CheckRequest(parent, fop.XData, reply, out var gfid);
        if (Sys.StatAt(parent.Fd, path.Path, out _) >= 0)
        {
            return Errno.EEXIST;
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        if (_store.GetDirectory(gfid, out var other) == Errno.Ok)
        {
            other.Drop();
            return Errno.EEXIST; // The same directory under another name: a rename is under way.
        }

        var asCaller = BecomeCaller(call);
        error = Sys.ErrorOf(Sys.MkdirAt(parent.Fd, path.Path, fop.Mode & FileMode.PermissionMask));
        BecomeRoot(asCaller);
        if (error != Errno.Ok)
        {
            return error;
        }

        var fd = Sys.OpenAt(parent.Fd, path.Path, Sys.OpenDirectory | Sys.OpenNofollow);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var directory = new FdReference(fd);
        error = EquipDirectory(directory, gfid, in fop, call, reply);
        if (error != Errno.Ok)
        {
            directory.Drop();
            Sys.UnlinkAt(parent.Fd, path.Path, Sys.AtRemoveDir);
            return error;
        }

        _store.Directories.Add(gfid, directory).Drop();
        return Errno.Ok;
    }

    private Errno EquipDirectory(FdReference directory, in Gfid gfid, in MkdirFop fop, Call call, MkdirReply reply)
    {
        Span<byte> bytes = stackalloc byte[Gfid.Size];
        gfid.CopyTo(bytes);
        var inode = new InodeRef(directory);
        var wanted = fop.Mode & (FileMode.Sticky | FileMode.SetGid | FileMode.SetUid);
        var error = Sys.ErrorOf(inode.SetXattr("trusted.gfid\0"u8, bytes, 0));
        if (error == Errno.Ok)
        {
            error = SetInitialXattrs(inode, fop.XData);
        }

        if (error == Errno.Ok)
        {
            error = _store.SetDirectoryHandle(gfid, fop.Parent, fop.Name.Span);
        }

        if (error != Errno.Ok || (error = Sys.ErrorOf(inode.Stat(out var stat))) != Errno.Ok)
        {
            return error;
        }

        // mkdir(2) knows only the sticky bit.
        if ((stat.Mode & wanted) != wanted)
        {
            inode.Chmod((stat.Mode & FileMode.PermissionMask) | wanted);
            inode.Stat(out stat);
        }

        reply.Iatt = ToIatt(stat, gfid);
        _store.Inodes.Put(stat.Ino, BirthOf(stat), gfid, call.TimeFlags == TimeFlags.None, _store.Inodes.Stamp);
        UpdateMdata(inode, call, TimeFlags.Ctime | TimeFlags.Mtime | TimeFlags.Atime, hasNoMdata: true, ref reply.Iatt);
        return Errno.Ok;
    }

    private Errno SymlinkIn(FdReference parent, in SymlinkFop fop, Call call, SymlinkReply reply)
    {
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(parent.Fd);
        var at = path.Text.Length;
        path.Append(fop.Name.Span);
        var name = path.Path[at..];
        if (fop.Target.IsEmpty || fop.Target.Length > 4095)
        {
            return fop.Target.IsEmpty ? Errno.ENOENT : Errno.ENAMETOOLONG;
        }

        var error = CheckRequest(parent, fop.XData, reply, out var gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        Span<byte> target = stackalloc byte[4096];
        fop.Target.Span.CopyTo(target);
        target[fop.Target.Length] = 0;
        var asCaller = BecomeCaller(call);
        error = Sys.ErrorOf(Sys.SymlinkAt(target[..(fop.Target.Length + 1)], parent.Fd, name));
        BecomeRoot(asCaller);
        if (error != Errno.Ok)
        {
            return error;
        }

        var inode = new InodeRef(parent.Fd, path.Path, at);
        error = Equip(inode, parent.Fd, name, gfid, fop.Parent, fop.Name.Span, fop.XData, call, out reply.Iatt);
        if (error != Errno.Ok)
        {
            Sys.UnlinkAt(parent.Fd, name);
        }

        return error;
    }
}
