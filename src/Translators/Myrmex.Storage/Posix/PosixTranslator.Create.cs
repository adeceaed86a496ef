using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// CREATE, MKNOD, MKDIR, SYMLINK, LINK, PUT. A new inode gets, in this order: its name, its gfid, the note of its name,
/// its times, the attributes of the request, its handle. When a step fails the name is removed again.
/// </summary>
public sealed partial class PosixTranslator
{
    /// <summary>
    /// Makes and opens a file. Without O_EXCL an existing regular file is opened instead. EPERM without
    /// <c>gfid-req</c>; EEXIST also when that gfid is in use; EIO with <c>glusterfs.preop.check.failed</c> when the
    /// directory is not as the client believes.
    /// </summary>
    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call)
    {
        var reply = CreateReply.Rent();
        var error = BeginEntry(
            fop.Parent, fop.Name, fop.XData, call, ref reply.PreParent, out var parent, out var gfid);
        if (error == Errno.Ok)
        {
            lock (_names.Of(fop.Parent, fop.Name.Span))
            {
                error = CheckPreop(fop.XData, in parent, reply);
                if (error == Errno.Ok)
                {
                    error = CreateLocked(in fop, gfid, in parent, reply, call);
                }
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call)
    {
        var reply = MknodReply.Rent();
        var error = BeginEntry(
            fop.Parent, fop.Name, fop.XData, call, ref reply.PreParent, out var parent, out var gfid);
        if (error == Errno.Ok)
        {
            lock (_names.Of(fop.Parent, fop.Name.Span))
            {
                error = CheckPreop(fop.XData, in parent, reply);
                if (error == Errno.Ok)
                {
                    // A heal or a second link file: the inode exists and gets a name more.
                    error = HasFile(gfid)
                        ? LinkLocked(gfid, in parent, fop.Name.Span, ref reply.Iatt, call)
                        : MknodLocked(in fop, gfid, in parent, reply, call);
                }
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call)
    {
        var reply = MkdirReply.Rent();
        var error = BeginEntry(
            fop.Parent, fop.Name, fop.XData, call, ref reply.PreParent, out var parent, out var gfid);
        if (error == Errno.Ok)
        {
            lock (_names.Of(fop.Parent, fop.Name.Span))
            {
                error = CheckPreop(fop.XData, in parent, reply);
                if (error == Errno.Ok)
                {
                    error = MkdirLocked(in fop, gfid, in parent, reply, call);
                }
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call)
    {
        if (fop.Target.IsEmpty)
        {
            return new(SymlinkReply.Fail(Errno.ENOENT));
        }

        var reply = SymlinkReply.Rent();
        var error = BeginEntry(
            fop.Parent, fop.Name, fop.XData, call, ref reply.PreParent, out var parent, out var gfid);
        if (error == Errno.Ok)
        {
            lock (_names.Of(fop.Parent, fop.Name.Span))
            {
                error = SymlinkLocked(in fop, gfid, in parent, reply, call);
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    /// <summary>A further name for a non-directory. EPERM for a directory, EMLINK above <c>max-hardlinks</c>.</summary>
    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call)
    {
        var reply = LinkReply.Rent();
        var error = StorageRules.CheckName(fop.NewParent, fop.NewName);
        if (error == Errno.Ok)
        {
            error = CheckSpace(call, fop.XData);
        }

        Inode parent = default;
        if (error == Errno.Ok)
        {
            error = FindParent(fop.NewParent, out parent);
        }

        if (error == Errno.Ok)
        {
            FillIatt(ref reply.PreParent, in parent);
            lock (_names.Of(fop.NewParent, fop.NewName.Span))
            {
                error = LinkLocked(fop.Gfid, in parent, fop.NewName.Span, ref reply.Iatt, call);
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    /// <summary>
    /// A new file with its content and attributes in one fop; an existing regular file is overwritten.
    /// </summary>
    public override ValueTask<PutReply> Put(in PutFop fop, Call call)
    {
        var reply = PutReply.Rent();
        if (fop.Offset < 0)
        {
            return new(Finish(reply, Errno.EINVAL));
        }

        var error = BeginEntry(
            fop.Parent, fop.Name, fop.XData, call, ref reply.PreParent, out var parent, out var gfid);
        if (error == Errno.Ok)
        {
            lock (_names.Of(fop.Parent, fop.Name.Span))
            {
                error = PutLocked(in fop, gfid, in parent, reply, call);
            }

            EndEntry(ref parent, error, ref reply.PostParent, call);
        }

        return new(Finish(reply, error));
    }

    /// <summary>
    /// Checks what all creating fops check, finds the directory and chooses the gfid. EndEntry disposes the parent.
    /// </summary>
    private Errno BeginEntry(
        scoped in Gfid parentGfid, Name name, XData? xdata, Call call, ref Iatt preParent, out Inode parent,
        out Gfid gfid)
    {
        parent = default;
        gfid = default;
        var error = StorageRules.CheckName(parentGfid, name);
        if (error == Errno.Ok)
        {
            error = CheckSpace(call, xdata);
        }

        if (error == Errno.Ok && (xdata is null || !xdata.TryGetGfid(StorageKeys.GfidRequest, out gfid) || gfid.IsNull))
        {
            gfid = Seams.NewGfid();
            error = call.Pid < 0 ? Errno.Ok : Errno.EPERM;
        }

        if (error == Errno.Ok && gfid.IsRoot)
        {
            error = Errno.EINVAL;
        }

        if (error == Errno.Ok)
        {
            error = FindParent(parentGfid, out parent);
        }

        if (error == Errno.Ok)
        {
            FillIatt(ref preParent, in parent);
        }

        return error;
    }

    /// <summary>
    /// Stamps the directory when a name in it has changed, fills its attributes after the fop, and lets go of it.
    /// </summary>
    private void EndEntry(ref Inode parent, Errno error, ref Iatt postParent, Call call)
    {
        if (error == Errno.Ok && parent.Restat() == Errno.Ok)
        {
            Stamp(ref parent, ParentTimesToStamp(in parent.Facts, call), call);
            FillIatt(ref postParent, in parent);
        }

        parent.Dispose();
    }

    /// <summary>The directory must have the attribute that the client believes it has (its layout).</summary>
    private static Errno CheckPreop(XData? xdata, in Inode parent, Reply reply)
    {
        if (xdata is null || !xdata.TryGetBytes(StorageKeys.PreopParentKey, out var key))
        {
            return Errno.Ok;
        }

        Span<byte> value = stackalloc byte[ValueOnStack];
        var size = parent.GetXattr(key, value);
        if (size >= 0 && xdata.TryGetBytes(key, out var expected) && expected.SequenceEqual(value[..(int)size]))
        {
            return Errno.Ok;
        }

        reply.NeedXData().SetInt(StorageKeys.PreopCheckFailed, 1);
        return Errno.EIO;
    }

    /// <summary>An inode of that gfid exists and is no directory.</summary>
    private bool HasFile(in Gfid gfid)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        if (_handles.Stat(gfid, out _) < 0 || Find(gfid, path, out var inode) != Errno.Ok)
        {
            return false;
        }

        var isDirectory = inode.IsDirectory;
        inode.Dispose();
        return !isDirectory;
    }

    private Errno CreateLocked(in CreateFop fop, in Gfid gfid, in Inode parent, CreateReply reply, Call call)
    {
        var flags = LocalFlags(fop.Flags) & ~Sys.OTruncate;
        var error = MakeFile(
            in parent, fop.Name.Span, flags, fop.Mode, gfid, fop.XData, call, out var fd, out var inode);
        if (error == Errno.EEXIST && fd < 0 && (fop.Flags & OpenFlags.Exclusive) == 0)
        {
            return OpenExisting(in fop, in parent, reply, call);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        _open.Enter(gfid);
        fop.Fd.Set(Slot, new OpenFile(gfid, fd, fop.Flags));
        fop.Fd.Gfid = gfid;
        FillIatt(ref reply.Iatt, in inode);
        return Errno.Ok;
    }

    private Errno OpenExisting(in CreateFop fop, in Inode parent, CreateReply reply, Call call)
    {
        var directory = parent.Directory!; // A parent is always an open directory.
        if (IsDirectoryAt(directory, fop.Name.Span))
        {
            return Errno.EISDIR; // What is known of it may have to wait for a rename, which may wait for this name.
        }

        var error = Identify(directory, fop.Name.Span, out var identity);
        if (error != Errno.Ok)
        {
            return error;
        }

        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        error = Find(identity.Facts.Gfid, path, out var inode);
        if (error != Errno.Ok)
        {
            return error;
        }

        error = CheckRegular(in inode);
        if (error == Errno.Ok)
        {
            error = OpenFor(fop.Fd, ref inode, fop.Flags, call);
        }

        if (error == Errno.Ok)
        {
            inode.Restat();
            fop.Fd.Gfid = inode.Facts.Gfid;
            FillIatt(ref reply.Iatt, in inode);
        }

        inode.Dispose();
        return error;
    }

    /// <summary>
    /// Makes a regular file and completes it. With EEXIST and no descriptor the name exists already; the caller owns
    /// the descriptor of a success.
    /// </summary>
    private Errno MakeFile(
        in Inode parent, ReadOnlySpan<byte> name, int flags, uint mode, in Gfid gfid, XData? xdata, Call call,
        out int fd, out Inode inode)
    {
        var directory = parent.Directory!.Fd; // A parent is always an open directory.
        mode = NewMode(FileMode.Regular | mode, in parent.Stat, call);
        var switched = CallerIds.Enter(call);
        fd = Sys.OpenAt(
            directory, name, flags | Sys.OCreate | Sys.OExclusive | Sys.ONoFollow, mode & FileMode.PermissionMask);
        CallerIds.Leave(switched);
        if (fd < 0)
        {
            inode = default;
            return Sys.ErrorOf(fd);
        }

        inode = Inode.OfFd(fd);
        var error = Complete(ref inode, in parent, name, gfid, mode, switched, xdata, call);
        if (error != Errno.Ok)
        {
            Sys.UnlinkAt(directory, name);
            Sys.Close(fd);
            fd = 0; // Not negative: the name did not exist.
        }

        return error;
    }

    private Errno MknodLocked(in MknodFop fop, in Gfid gfid, in Inode parent, MknodReply reply, Call call)
    {
        var directory = parent.Directory!.Fd; // A parent is always an open directory.
        var name = fop.Name.Span;
        var type = fop.Mode & FileMode.TypeMask;
        if (type is FileMode.Directory or FileMode.SymbolicLink)
        {
            return Errno.EINVAL;
        }

        var mode = NewMode(type == 0 ? fop.Mode | FileMode.Regular : fop.Mode, in parent.Stat, call);
        var switched = CallerIds.Enter(call);
        var error = Sys.ErrorOf(Sys.MakeNodeAt(directory, name, mode, fop.Device));
        CallerIds.Leave(switched);
        if (error != Errno.Ok)
        {
            return error;
        }

        var inode = Inode.OfPath(directory, name);
        error = Complete(ref inode, in parent, name, gfid, mode, switched, fop.XData, call);
        if (error != Errno.Ok)
        {
            Sys.UnlinkAt(directory, name);
            return error;
        }

        FillIatt(ref reply.Iatt, in inode);
        return Errno.Ok;
    }

    private Errno MkdirLocked(in MkdirFop fop, in Gfid gfid, in Inode parent, MkdirReply reply, Call call)
    {
        var directory = parent.Directory!.Fd; // A parent is always an open directory.
        var name = fop.Name.Span;
        var mode = NewMode(FileMode.Directory | (fop.Mode & FileMode.PermissionMask), in parent.Stat, call);
        var switched = CallerIds.Enter(call);
        var error = Sys.ErrorOf(Sys.MakeDirectoryAt(directory, name, mode & FileMode.PermissionMask));
        CallerIds.Leave(switched);
        if (error != Errno.Ok)
        {
            return error;
        }

        var fd = Sys.OpenAt(directory, name, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        error = Sys.ErrorOf(fd);
        if (error == Errno.Ok)
        {
            var inode = Inode.OfFd(fd);
            error = Complete(ref inode, in parent, name, gfid, mode, switched, fop.XData, call);
            if (error == Errno.Ok)
            {
                FillIatt(ref reply.Iatt, in inode);

                // A removed directory of the same gfid may still be known.
                _directories.Drop(gfid);
                _directories.Add(gfid, fd).Release();
                return Errno.Ok;
            }

            Sys.Close(fd);
        }

        Sys.UnlinkAt(directory, name, Sys.AtRemoveDirectory);
        return error;
    }

    private Errno SymlinkLocked(in SymlinkFop fop, in Gfid gfid, in Inode parent, SymlinkReply reply, Call call)
    {
        var directory = parent.Directory!.Fd; // A parent is always an open directory.
        var name = fop.Name.Span;
        var switched = CallerIds.Enter(call);
        var error = Sys.ErrorOf(Sys.SymlinkAt(fop.Target.Span, directory, name));
        CallerIds.Leave(switched);
        if (error != Errno.Ok)
        {
            return error;
        }

        var inode = Inode.OfPath(directory, name);
        error = Complete(ref inode, in parent, name, gfid, FileMode.SymbolicLink, switched, fop.XData, call);
        if (error != Errno.Ok)
        {
            Sys.UnlinkAt(directory, name);
            return error;
        }

        FillIatt(ref reply.Iatt, in inode);
        return Errno.Ok;
    }

    private Errno LinkLocked(in Gfid gfid, in Inode parent, ReadOnlySpan<byte> name, ref Iatt iatt, Call call)
    {
        Span<byte> path = stackalloc byte[HandleTree.PathSize];
        var error = Find(gfid, path, out var inode);
        if (error != Errno.Ok)
        {
            return error;
        }

        if (inode.IsDirectory)
        {
            inode.Dispose();
            return Errno.EPERM;
        }

        // An unlink of the last other name must not take the handle away in between.
        lock (_inodeLocks.Of(gfid))
        {
            error = inode.Restat();
            var limit = Settings.MaxHardlinks;
            if (error == Errno.Ok)
            {
                error = limit > 0 && inode.Stat.Nlink > limit ? Errno.EMLINK
                    : _open.IsUnlinked(gfid) ? Errno.ENOENT
                    : Sys.ErrorOf(Sys.LinkAt(_handles.Fd, path[..HandleTree.HandleSize], parent.Directory!.Fd, name));
            }
        }

        if (error == Errno.Ok)
        {
            AddGfid2Path(in inode, parent.Facts.Gfid, name);
            inode.Restat();
            Stamp(ref inode, TimesToStamp(in inode.Facts, TimeFlags.Ctime, call) & TimeFlags.Ctime, call);
            FillIatt(ref iatt, in inode);
        }

        return error == Errno.ENOENT ? Errno.ESTALE : error;
    }

    private Errno PutLocked(in PutFop fop, in Gfid gfid, in Inode parent, PutReply reply, Call call)
    {
        var name = fop.Name.Span;
        var error = MakeFile(
            in parent, name, Sys.OReadWrite, fop.Mode, gfid, fop.XData, call, out var fd, out var inode);
        var isNew = error == Errno.Ok;
        if (error == Errno.EEXIST && fd < 0)
        {
            // A parent is always an open directory.
            var identity = default(Identity);
            error = IsDirectoryAt(parent.Directory!, name) ? Errno.EISDIR
                : Identify(parent.Directory!, name, out identity);
            if (error == Errno.Ok)
            {
                error = AcquireAnonymous(identity.Facts.Gfid, out var existing);
                if (error == Errno.Ok)
                {
                    inode = Inode.OfFd(existing!.Fd); // There is one when there is no error.
                    error = Learn(ref inode, identity.Facts.Gfid);
                    if (error == Errno.Ok)
                    {
                        error = Sys.ErrorOf(Sys.Truncate(existing.Fd, 0));
                    }

                    if (error == Errno.Ok)
                    {
                        error = PutContent(in fop, existing.Fd, ref inode, reply, call);
                    }

                    existing.Release();
                }
            }

            return error;
        }

        if (!isNew)
        {
            return error;
        }

        error = PutContent(in fop, fd, ref inode, reply, call);
        if (error != Errno.Ok)
        {
            _inodes.Drop(inode.Key);
            Sys.UnlinkAt(parent.Directory!.Fd, name); // A parent is always an open directory.
            RemoveHandleOf(in inode, gfid);
        }

        Sys.Close(fd);
        return error;
    }

    private Errno PutContent(in PutFop fop, int fd, ref Inode inode, PutReply reply, Call call)
    {
        var error = SetXattrs(in inode, fop.Xattrs, 0);
        var written = 0;
        while (error == Errno.Ok && written < fop.Data.Length)
        {
            var now = Sys.PWrite(fd, fop.Data.Address + written, fop.Data.Length - written, fop.Offset + written);
            error = Sys.ErrorOf(now);
            written += (int)Math.Max(0, now);
        }

        if (error == Errno.Ok)
        {
            EndData(ref inode, TimeFlags.Ctime | TimeFlags.Mtime, call, ref reply.Iatt);
        }

        return error;
    }

    /// <summary>
    /// Type and permission bits of a new inode: the masks of the options, and no set-group-id for a file of a group
    /// that the caller is no member of. Source: inode(7), and umask is 0 here.
    /// </summary>
    private uint NewMode(uint mode, in FileStat parent, Call call)
    {
        var settings = Settings;
        const uint groupExecute = 8;
        const uint permissions = 0x1FF;
        var isDirectory = (mode & FileMode.TypeMask) == FileMode.Directory;
        mode &= ~permissions | (isDirectory ? settings.CreateDirectoryMask : settings.CreateMask);
        mode |= isDirectory ? settings.ForceDirectoryMode : settings.ForceCreateMode;
        if (!isDirectory && (mode & (FileMode.SetGid | groupExecute)) == (FileMode.SetGid | groupExecute)
            && (parent.Mode & FileMode.SetGid) != 0 && call.Uid != 0 && !IsMember(call, parent.Gid))
        {
            mode &= ~FileMode.SetGid;
        }

        return mode;
    }

    private static bool IsMember(Call call, uint gid) => call.Gid == gid || call.Groups.Contains(gid);

    /// <summary>Gives a new inode all it needs; the name is removed by the caller when that fails.</summary>
    private Errno Complete(
        ref Inode inode, in Inode parent, ReadOnlySpan<byte> name, in Gfid gfid, uint mode, IdSwitch switched,
        XData? xdata, Call call)
    {
        var isDirectory = (mode & FileMode.TypeMask) == FileMode.Directory;
        var error = isDirectory || switched == IdSwitch.Failed ? inode.Restat() : Errno.Ok; // Else at the end only.
        if (error == Errno.Ok && switched == IdSwitch.Failed)
        {
            error = GiveToCaller(ref inode, in parent.Stat, mode, call);
        }

        // Linux takes the set-id bits out of the mode of a new directory.
        const uint setIds = FileMode.SetUid | FileMode.SetGid;
        if (error == Errno.Ok && isDirectory && (mode & setIds & ~inode.Stat.Mode) != 0)
        {
            error = inode.ChangeMode((inode.Stat.Mode & FileMode.PermissionMask) | (mode & setIds));
        }

        if (error == Errno.Ok)
        {
            Span<byte> value = stackalloc byte[Gfid.Size];
            gfid.CopyTo(value);
            error = inode.SetXattr(StorageKeys.Gfid, value, Sys.XattrCreate);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        inode.Facts = new InodeFacts { Gfid = gfid };
        if (!isDirectory)
        {
            AddGfid2Path(in inode, parent.Facts.Gfid, name);
        }

        StampNew(ref inode, call);
        error = SetAtCreation(in inode, xdata);
        if (error == Errno.Ok)
        {
            error = MakeHandle(in inode, isDirectory, parent.Directory!, name, gfid); // A parent is always open.
        }

        if (error == Errno.Ok)
        {
            error = inode.Restat();
        }

        if (error == Errno.Ok)
        {
            _inodes.SetNew(inode.Key, in inode.Facts);
        }

        return error;
    }

    /// <summary>All three times of a new inode are those of the client.</summary>
    private void StampNew(ref Inode inode, Call call)
    {
        if (!Settings.KeepsTimes || call.TimeFlags == TimeFlags.None)
        {
            return;
        }

        var mdata = new Mdata
        {
            Ctime = call.CtimeSeconds,
            CtimeNsec = call.CtimeNanoseconds,
            Mtime = call.CtimeSeconds,
            MtimeNsec = call.CtimeNanoseconds,
            Atime = call.CtimeSeconds,
            AtimeNsec = call.CtimeNanoseconds,
        };
        StoreMdata(ref inode, in mdata);
    }

    /// <summary>
    /// Sets the attributes that came with a creating fop, but not the one that was for the pre-op check.
    /// </summary>
    private static Errno SetAtCreation(in Inode inode, XData? xdata)
    {
        if (xdata is null)
        {
            return Errno.Ok;
        }

        var isChecked = xdata.TryGetBytes(StorageKeys.PreopParentKey, out var checkedKey);
        foreach (var pair in xdata)
        {
            if (!XattrRules.IsSetAtCreation(pair.Key)
                || pair.Type is not (XDataType.Binary or XDataType.String or XDataType.StringOld)
                || (isChecked && pair.Key.SequenceEqual(checkedKey)))
            {
                continue;
            }

            // On disk a string keeps its NUL, as link files show.
            var error = inode.SetXattr(pair.Key, pair.Value);
            if (error != Errno.Ok && !(error is Errno.EPERM or Errno.EOPNOTSUPP && !pair.Key.StartsWith("trusted."u8)))
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Ok also when the inode has its handle already; EEXIST when the handle is that of another living one.
    /// </summary>
    private Errno MakeHandle(
        in Inode inode, bool isDirectory, DirectoryHandle parent, ReadOnlySpan<byte> name, in Gfid gfid)
    {
        // Others may give the same gfid to another inode, or take one away that has it.
        lock (_inodeLocks.Of(gfid))
        {
            var error = LinkHandle(isDirectory, parent, name, gfid);
            if (error != Errno.EEXIST || _handles.Stat(gfid, out var stat) < 0)
            {
                return error;
            }

            var current = inode; // What is known of it may be from before it had all it needs.
            if (isDirectory ? IsHandleOf(gfid, parent.Gfid, name)
                : current.Restat() == Errno.Ok && stat.Ino == current.Stat.Ino)
            {
                return Errno.Ok; // A look-up of the name was faster.
            }

            if (IsOrphan(gfid, in stat))
            {
                Log.Information("posix", "a handle that nothing needs is replaced", ("gfid", gfid));
                _handles.Remove(gfid);
                error = LinkHandle(isDirectory, parent, name, gfid);
            }

            return error;
        }
    }

    private Errno LinkHandle(bool isDirectory, DirectoryHandle parent, ReadOnlySpan<byte> name, in Gfid gfid) =>
        isDirectory
            ? _handles.LinkDirectory(gfid, parent.Gfid, name) : _handles.Link(parent.Fd, name, gfid);

    /// <summary>Changes the owner of a new inode that could not be made under the caller's ids.</summary>
    private static Errno GiveToCaller(ref Inode inode, in FileStat parent, uint mode, Call call)
    {
        var gid = (parent.Mode & FileMode.SetGid) != 0 ? parent.Gid : call.Gid;
        var error = inode.ChangeOwner(call.Uid, gid);
        if (error == Errno.Ok && !inode.IsSymbolicLink && (mode & (FileMode.SetUid | FileMode.SetGid)) != 0)
        {
            // The change of owner took the set-id bits away.
            error = inode.ChangeMode(mode & FileMode.PermissionMask);
        }

        return error == Errno.Ok ? inode.Restat() : error;
    }
}
