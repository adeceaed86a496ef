using System;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Names: LOOKUP, the creating fops, LINK, UNLINK, RMDIR, RENAME.</summary>
public sealed partial class MemoryTranslator
{
    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = LookupReply.Rent();
            MemoryNode? parent = null;
            var error = fop.Parent.IsNull || fop.Name.IsEmpty
                ? FindByGfid(fop.Gfid.IsNull ? fop.Parent : fop.Gfid, out var node)
                : FindByName(in fop, out parent, out node);
            if (error == Errno.Ok)
            {
                reply.Iatt = node.ToIatt();
                reply.PostParent = parent?.ToIatt() ?? default;
                AnswerXData(fop.XData, node, reply);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = CreateReply.Rent();
            var mode = FileMode.Regular | (fop.Mode & FileMode.PermissionMask);
            var error = BeginEntry(
                fop.Parent, fop.Name, fop.XData, reply, ref reply.PreParent, out var parent, call, out var gfid);
            if (error == Errno.Ok)
            {
                error = Make(parent, fop.Name, gfid, mode, fop.XData, call, out var node);
                if (error == Errno.EEXIST && (fop.Flags & OpenFlags.Exclusive) == 0
                    && parent.Directory!.Find(fop.Name) is { } existing)
                {
                    node = existing;
                    error = CheckRegular(node);
                    Cut(node, error == Errno.Ok ? fop.Flags : 0, call);
                }

                if (error == Errno.Ok)
                {
                    fop.Fd.Gfid = node.Gfid;
                    node.Opens++;
                    reply.Iatt = node.ToIatt();
                    reply.PostParent = parent.ToIatt();
                }
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = MknodReply.Rent();
            var type = fop.Mode & FileMode.TypeMask;
            var mode = type == 0 ? fop.Mode | FileMode.Regular : fop.Mode;
            var error = BeginEntry(
                fop.Parent, fop.Name, fop.XData, reply, ref reply.PreParent, out var parent, call, out var gfid);
            if (error == Errno.Ok && type is FileMode.Directory or FileMode.SymbolicLink)
            {
                error = Errno.EINVAL;
            }

            if (error == Errno.Ok)
            {
                // A heal or a second link file: the inode exists and gets a name more.
                error = Find(gfid) is { IsDirectory: false } known
                    ? AddName(parent, fop.Name, known, call)
                    : Make(parent, fop.Name, gfid, mode, fop.XData, call, out known);
                if (error == Errno.Ok)
                {
                    known.Device = known.Nlink == 1 ? fop.Device : known.Device;
                    reply.Iatt = known.ToIatt();
                    reply.PostParent = parent.ToIatt();
                }
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = MkdirReply.Rent();
            var mode = FileMode.Directory | (fop.Mode & FileMode.PermissionMask);
            var error = BeginEntry(
                fop.Parent, fop.Name, fop.XData, reply, ref reply.PreParent, out var parent, call, out var gfid);
            if (error == Errno.Ok)
            {
                error = Make(parent, fop.Name, gfid, mode, fop.XData, call, out var node);
                if (error == Errno.Ok)
                {
                    reply.Iatt = node.ToIatt();
                    reply.PostParent = parent.ToIatt();
                }
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = SymlinkReply.Rent();
            const uint mode = FileMode.SymbolicLink | 0x1FF;
            var error = BeginEntry(
                fop.Parent, fop.Name, fop.XData, reply, ref reply.PreParent, out var parent, call, out var gfid);
            if (error == Errno.Ok)
            {
                error = fop.Target.IsEmpty ? Errno.ENOENT
                    : fop.Target.Length >= 4096 ? Errno.ENAMETOOLONG
                    : Make(parent, fop.Name, gfid, mode, fop.XData, call, out _);
                if (error == Errno.Ok)
                {
                    var node = _nodes[gfid];
                    node.Target = fop.Target.Memory.ToArray();
                    reply.Iatt = node.ToIatt();
                    reply.PostParent = parent.ToIatt();
                }
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<PutReply> Put(in PutFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = PutReply.Rent();
            var mode = FileMode.Regular | (fop.Mode & FileMode.PermissionMask);
            var error = BeginEntry(
                fop.Parent, fop.Name, fop.XData, reply, ref reply.PreParent, out var parent, call, out var gfid);
            if (error == Errno.Ok)
            {
                error = fop.Offset < 0 ? Errno.EINVAL : PutIn(in fop, parent, gfid, mode, reply, call);
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = LinkReply.Rent();
            var error = StorageRules.CheckName(fop.NewParent, fop.NewName);
            MemoryNode parent = null!; // Set by a success of FindParent.
            if (error == Errno.Ok)
            {
                error = FindParent(fop.NewParent, out parent);
            }

            var node = Find(fop.Gfid);
            if (error == Errno.Ok)
            {
                reply.PreParent = parent.ToIatt();
                error = node is null || (node.Nlink == 0 && !node.IsKept) ? Errno.ESTALE
                    : node.IsDirectory ? Errno.EPERM
                    : AddName(parent, fop.NewName, node, call);
            }

            if (error == Errno.Ok)
            {
                reply.Iatt = node!.ToIatt(); // Checked above.
                reply.PostParent = parent.ToIatt();
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = UnlinkReply.Rent();
            var error = FindEntry(fop.Parent, fop.Name, ref reply.PreParent, out var parent, out var node);
            if (error == Errno.Ok)
            {
                error = node.IsDirectory ? Errno.EISDIR : CheckUnlinkGuards(fop.XData, node);
            }

            if (error == Errno.Ok)
            {
                if (fop.XData is not null && fop.XData.Contains(StorageKeys.LinkCount))
                {
                    reply.NeedXData().SetUInt(StorageKeys.LinkCount, node.Nlink);
                }

                RemoveName(parent, fop.Name, node, call);
                reply.PostParent = parent.ToIatt();
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = RmdirReply.Rent();
            var error = FindEntry(fop.Parent, fop.Name, ref reply.PreParent, out var parent, out var node);
            if (error == Errno.Ok)
            {
                error = !node.IsDirectory ? Errno.ENOTDIR
                    : node.Directory!.Count > 0 && fop.Flags == 0 ? Errno.ENOTEMPTY
                    : Errno.Ok;
            }

            if (error == Errno.Ok)
            {
                Empty(node, call);
                RemoveName(parent, fop.Name, node, call);
                reply.PostParent = parent.ToIatt();
            }

            return new(Finish(reply, error));
        }
    }

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = RenameReply.Rent();
            var error = StorageRules.CheckName(fop.OldParent, fop.OldName);
            if (error == Errno.Ok)
            {
                error = StorageRules.CheckName(fop.NewParent, fop.NewName);
            }

            MemoryNode from = null!, to = null!; // Set by successes of FindParent.
            if (error == Errno.Ok)
            {
                error = FindParent(fop.OldParent, out from);
            }

            if (error == Errno.Ok)
            {
                error = FindParent(fop.NewParent, out to);
            }

            if (error == Errno.Ok)
            {
                error = Move(from, fop.OldName, to, fop.NewName, reply, call);
            }

            return new(Finish(reply, error));
        }
    }

    private Errno FindByGfid(in Gfid gfid, out MemoryNode node)
    {
        node = Find(gfid)!; // Not used when the outcome is no success.
        return node is null ? Errno.ESTALE : Errno.Ok;
    }

    private Errno FindByName(in LookupFop fop, out MemoryNode? parent, out MemoryNode node)
    {
        node = null!; // Not used when the outcome is no success.
        parent = null;
        var error = fop.Name.IsDotOrDotDot ? Errno.Ok : StorageRules.CheckName(fop.Parent, fop.Name);
        if (error == Errno.Ok)
        {
            error = FindParent(fop.Parent, out var directory);
            parent = directory;
            node = error != Errno.Ok ? null!
                : !fop.Name.IsDotOrDotDot ? directory.Directory!.Find(fop.Name)!
                : fop.Name.Length == 1 ? directory
                : directory.Parent ?? directory;
        }

        return error == Errno.Ok && node is null ? Errno.ENOENT : error;
    }

    private Errno FindEntry(in Gfid gfid, Name name, ref Iatt pre, out MemoryNode parent, out MemoryNode node)
    {
        node = null!; // Not used when the outcome is no success.
        parent = null!;
        var error = StorageRules.CheckName(gfid, name);
        if (error == Errno.Ok)
        {
            error = FindParent(gfid, out parent);
        }

        if (error == Errno.Ok)
        {
            pre = parent.ToIatt();
            node = parent.Directory!.Find(name)!;
        }

        return error == Errno.Ok && node is null ? Errno.ENOENT : error;
    }

    /// <summary>What all creating fops check first.</summary>
    private Errno BeginEntry(
        in Gfid parentGfid, Name name, XData? xdata, Reply reply, ref Iatt pre, out MemoryNode parent, Call call,
        out Gfid gfid)
    {
        parent = null!; // Not used when the outcome is no success.
        gfid = default;
        var error = StorageRules.CheckName(parentGfid, name);
        if (error == Errno.Ok && (xdata is null || !xdata.TryGetGfid(StorageKeys.GfidRequest, out gfid) || gfid.IsNull))
        {
            gfid = Seams.NewGfid();
            error = call.Pid < 0 ? Errno.Ok : Errno.EPERM;
        }

        if (error == Errno.Ok)
        {
            error = FindParent(parentGfid, out parent);
        }

        if (error != Errno.Ok)
        {
            return error;
        }

        pre = parent.ToIatt();
        if (xdata is null || !xdata.TryGetBytes(StorageKeys.PreopParentKey, out var key)
            || (xdata.TryGetBytes(key, out var expected)
                && parent.Xattrs.TryGetValue(Base.Name.From(key), out var value)
                && expected.SequenceEqual(value)))
        {
            return Errno.Ok;
        }

        reply.NeedXData().SetInt(StorageKeys.PreopCheckFailed, 1);
        return Errno.EIO;
    }

    private Errno Make(
        MemoryNode parent, Name name, in Gfid gfid, uint mode, XData? xdata, Call call, out MemoryNode node)
    {
        node = null!; // Not used when the outcome is no success.
        if (parent.Directory!.Find(name) is not null || _nodes.ContainsKey(gfid))
        {
            return Errno.EEXIST;
        }

        node = new MemoryNode(gfid, ModeOfNew(parent, mode, call))
        {
            Uid = call.Uid,
            GroupId = (parent.Mode & FileMode.SetGid) != 0 ? parent.GroupId : call.Gid,
            Nlink = 1,
            HasMdata = call.TimeFlags != TimeFlags.None,
        };
        var (seconds, nsec) = StampOf(call);
        node.Times = TimesAt(seconds, nsec);
        if (node.IsDirectory)
        {
            node.Nlink = 2;
            node.Parent = parent;
            parent.Nlink++;
        }

        SetAtCreation(node, xdata);
        _nodes.Add(gfid, node);
        parent.Directory.Set(name, node);
        TouchParent(parent, call);
        return Errno.Ok;
    }

    /// <summary>
    /// Set-group-id as Linux has it: directories inherit it, files keep it only for members of the group.
    /// </summary>
    private static uint ModeOfNew(MemoryNode parent, uint mode, Call call)
    {
        const uint groupExecute = 8;
        if ((parent.Mode & FileMode.SetGid) == 0)
        {
            return mode;
        }

        if ((mode & FileMode.TypeMask) == FileMode.Directory)
        {
            return mode | FileMode.SetGid;
        }

        var isMember = call.Uid == 0 || call.Gid == parent.GroupId || call.Groups.Contains(parent.GroupId);
        return (mode & groupExecute) != 0 && !isMember ? mode & ~FileMode.SetGid : mode;
    }

    private static void SetAtCreation(MemoryNode node, XData? xdata)
    {
        if (xdata is null)
        {
            return;
        }

        var isChecked = xdata.TryGetBytes(StorageKeys.PreopParentKey, out var checkedKey);
        foreach (var pair in xdata)
        {
            if (XattrRules.IsSetAtCreation(pair.Key) && !(isChecked && pair.Key.SequenceEqual(checkedKey))
                && pair.Type is XDataType.Binary or XDataType.String or XDataType.StringOld)
            {
                node.Xattrs[Base.Name.From(pair.Key)] = pair.Value.ToArray();
            }
        }
    }

    private Errno AddName(MemoryNode parent, Name name, MemoryNode node, Call call)
    {
        if (parent.Directory!.Find(name) is not null)
        {
            return Errno.EEXIST;
        }

        parent.Directory.Set(name, node);
        node.Nlink++;
        Touch(node, TimeFlags.Ctime, call);
        TouchParent(parent, call);
        return Errno.Ok;
    }

    private Errno PutIn(in PutFop fop, MemoryNode parent, in Gfid gfid, uint mode, PutReply reply, Call call)
    {
        var error = Make(parent, fop.Name, gfid, mode, fop.XData, call, out var node);
        if (error == Errno.EEXIST && parent.Directory!.Find(fop.Name) is { } existing)
        {
            node = existing;
            error = CheckRegular(node);
            Cut(node, error == Errno.Ok ? OpenFlags.Truncate : 0, call);
        }

        if (error == Errno.Ok)
        {
            error = fop.Xattrs is null ? Errno.Ok : SetPlain(node, fop.Xattrs, flags: 0);
        }

        if (error == Errno.Ok)
        {
            error = WriteTo(node, fop.Offset, fop.Data.Span, call);
        }

        if (error == Errno.Ok)
        {
            reply.Iatt = node.ToIatt();
            reply.PostParent = parent.ToIatt();
        }
        else if (node is not null && parent.Directory!.Find(fop.Name) == node && node.Gfid == gfid)
        {
            RemoveName(parent, fop.Name, node, call);
        }

        return error;
    }

    private static Errno CheckUnlinkGuards(XData? xdata, MemoryNode node)
    {
        if (xdata is null)
        {
            return Errno.Ok;
        }

        var isLinkFile = node.Mode == (FileMode.Regular | FileMode.Sticky) && node.Content.Length == 0
            && node.Xattrs.ContainsKey(Base.Name.From(StorageKeys.LinkTo));
        return (xdata.Contains(StorageKeys.OnlyIfLinkTo) && !isLinkFile)
            || (xdata.TryGetGfid(StorageKeys.OnlyIfGfid, out var gfid) && (node.Gfid != gfid || isLinkFile))
            || (xdata.Contains(StorageKeys.NotIfOpen) && node.Opens > 0) ? Errno.EBUSY : Errno.Ok;
    }

    private void RemoveName(MemoryNode parent, Name name, MemoryNode node, Call call)
    {
        parent.Directory!.Remove(name);
        if (node.IsDirectory)
        {
            node.Nlink = 0;
            parent.Nlink--;
        }
        else
        {
            node.Nlink--;
        }

        Touch(node, TimeFlags.Ctime, call);
        TouchParent(parent, call);
        DropIfDead(node);
    }

    /// <summary>Removes all below a directory.</summary>
    private void Empty(MemoryNode directory, Call call)
    {
        while (directory.Directory!.TryGetAfter(0, out var entry))
        {
            var node = entry.Node!; // Entries found have one.
            if (node.IsDirectory)
            {
                Empty(node, call);
            }

            RemoveName(directory, entry.Name, node, call);
        }
    }

    private Errno Move(MemoryNode from, Name oldName, MemoryNode to, Name newName, RenameReply reply, Call call)
    {
        if (from.Directory!.Find(oldName) is not { } node)
        {
            return Errno.ENOENT;
        }

        var target = to.Directory!.Find(newName);
        var error = CheckMove(node, target, to);
        if (error != Errno.Ok)
        {
            return error;
        }

        reply.PreOldParent = from.ToIatt();
        reply.PreNewParent = to.ToIatt();
        if (!ReferenceEquals(target, node))
        {
            if (target is not null)
            {
                RemoveName(to, newName, target, call);
            }

            from.Directory.Remove(oldName);
            to.Directory.Set(newName, node);
            if (node.IsDirectory)
            {
                from.Nlink--;
                to.Nlink++;
                node.Parent = to;
            }

            Touch(node, TimeFlags.Ctime, call);
            TouchParent(from, call);
            TouchParent(to, call);
        }

        reply.Iatt = node.ToIatt();
        reply.PostOldParent = from.ToIatt();
        reply.PostNewParent = to.ToIatt();
        return Errno.Ok;
    }

    private static Errno CheckMove(MemoryNode node, MemoryNode? target, MemoryNode to)
    {
        for (var above = node.IsDirectory ? to : null; above is not null; above = above.Parent)
        {
            if (ReferenceEquals(above, node))
            {
                return Errno.EINVAL;
            }
        }

        return target is null || ReferenceEquals(target, node) ? Errno.Ok
            : node.IsDirectory && !target.IsDirectory ? Errno.ENOTDIR
            : !node.IsDirectory && target.IsDirectory ? Errno.EISDIR
            : target.IsDirectory && target.Directory!.Count > 0 ? Errno.ENOTEMPTY
            : Errno.Ok;
    }
}
