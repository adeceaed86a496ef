using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Fops on names.</summary>
public sealed partial class MemoryTranslator
{
    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        lock (_lock)
        {
            if (fop.Name.IsEmpty)
            {
                return new(Find(fop.Gfid) is { } known ? Found(known, null, fop.XData) : LookupReply.Fail(Errno.ESTALE));
            }

            if (fop.Name.Length > Base.Name.LengthMax)
            {
                return new(LookupReply.Fail(Errno.ENAMETOOLONG));
            }

            var error = FindParent(fop.Parent, out var directory);
            if (error != Errno.Ok)
            {
                return new(LookupReply.Fail(error));
            }

            var node = directory.Directory!.Find(fop.Name);
            return new(node is null ? LookupReply.Fail(Errno.ENOENT) : Found(node, directory, fop.XData));
        }
    }

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call)
    {
        lock (_lock)
        {
            if (fop.XData is { } asked && asked.TryGetGfid("gfid-req"u8, out var gfid) && Find(gfid) is { IsDirectory: false } known)
            {
                return new(MknodOfKnown(known, fop.Parent, fop.Name));
            }

            var mode = (fop.Mode & FileMode.TypeMask) == 0 ? fop.Mode | FileMode.Regular : fop.Mode;
            var error = Make(fop.Parent, fop.Name, mode, call, fop.XData, out var node, out var pre, out var post);
            if (error != Errno.Ok)
            {
                return new(MknodReply.Fail(error));
            }

            node.Device = fop.Device;
            var reply = MknodReply.Rent();
            reply.Iatt = node.ToIatt();
            reply.PreParent = pre;
            reply.PostParent = post;
            return new(reply);
        }
    }

    /// <summary>
    /// A second link file for a file lands where the first one is: a new inode with its gfid cannot be, so the inode gets a name more.
    /// </summary>
    private MknodReply MknodOfKnown(MemoryNode node, Gfid parent, Name name)
    {
        var error = CheckName(name);
        MemoryNode directory = null!;
        if (error == Errno.Ok)
        {
            error = FindParent(parent, out directory);
        }

        if (error == Errno.Ok && directory.Directory!.Find(name) is not null)
        {
            error = Errno.EEXIST;
        }

        if (error != Errno.Ok)
        {
            return MknodReply.Fail(error);
        }

        var reply = MknodReply.Rent();
        reply.PreParent = directory.ToIatt();
        directory.Directory!.Set(name, node);
        node.Nlink++;
        node.CtimeNs = Seams.Clock.WallNs;
        Touch(directory);
        reply.Iatt = node.ToIatt();
        reply.PostParent = directory.ToIatt();
        return reply;
    }

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call)
    {
        lock (_lock)
        {
            var mode = (fop.Mode & FileMode.PermissionMask) | FileMode.Directory;
            var error = Make(fop.Parent, fop.Name, mode, call, fop.XData, out var node, out var pre, out var post);
            if (error != Errno.Ok)
            {
                return new(MkdirReply.Fail(error));
            }

            var reply = MkdirReply.Rent();
            reply.Iatt = node.ToIatt();
            reply.PreParent = pre;
            reply.PostParent = post;
            return new(reply);
        }
    }

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call)
    {
        lock (_lock)
        {
            var mode = FileMode.SymbolicLink | 0x1FF;
            var error = Make(fop.Parent, fop.Name, mode, call, fop.XData, out var node, out var pre, out var post);
            if (error != Errno.Ok)
            {
                return new(SymlinkReply.Fail(error));
            }

            node.Target = fop.Target.Memory.ToArray();
            var reply = SymlinkReply.Rent();
            reply.Iatt = node.ToIatt();
            reply.PreParent = pre;
            reply.PostParent = post;
            return new(reply);
        }
    }

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call)
    {
        lock (_lock)
        {
            var mode = (fop.Mode & FileMode.PermissionMask) | FileMode.Regular;
            var error = Make(fop.Parent, fop.Name, mode, call, fop.XData, out var node, out var pre, out var post);
            if (error == Errno.EEXIST && (fop.Flags & OpenFlags.Exclusive) == 0
                && Find(fop.Parent)?.Directory?.Find(fop.Name) is { IsDirectory: false } existing)
            {
                node = existing;
                post = pre;
                error = Errno.Ok;
                if ((fop.Flags & OpenFlags.Truncate) != 0)
                {
                    node.Content.SetLength(0);
                }
            }

            if (error != Errno.Ok)
            {
                return new(CreateReply.Fail(error));
            }

            fop.Fd.Gfid = node.Gfid;
            node.Opens++;
            var reply = CreateReply.Rent();
            reply.Iatt = node.ToIatt();
            reply.PreParent = pre;
            reply.PostParent = post;
            return new(reply);
        }
    }

    public override ValueTask<LinkReply> Link(in LinkFop fop, Call call)
    {
        lock (_lock)
        {
            var error = CheckName(fop.NewName);
            MemoryNode directory = null!;
            if (error == Errno.Ok)
            {
                error = FindParent(fop.NewParent, out directory);
            }

            if (error != Errno.Ok || Find(fop.Gfid) is not { } node)
            {
                return new(LinkReply.Fail(error == Errno.Ok ? Errno.ESTALE : error));
            }

            if (node.IsDirectory || directory.Directory!.Find(fop.NewName) is not null)
            {
                return new(LinkReply.Fail(node.IsDirectory ? Errno.EPERM : Errno.EEXIST));
            }

            var reply = LinkReply.Rent();
            reply.PreParent = directory.ToIatt();
            directory.Directory.Set(fop.NewName, node);
            node.Nlink++;
            node.CtimeNs = Seams.Clock.WallNs;
            Touch(directory);
            reply.Iatt = node.ToIatt();
            reply.PostParent = directory.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call)
    {
        lock (_lock)
        {
            var error = FindParent(fop.Parent, out var directory);
            if (error != Errno.Ok || directory.Directory!.Find(fop.Name) is not { } node)
            {
                return new(UnlinkReply.Fail(error == Errno.Ok ? Errno.ENOENT : error));
            }

            if (node.IsDirectory)
            {
                return new(UnlinkReply.Fail(Errno.EISDIR));
            }

            var reply = UnlinkReply.Rent();
            reply.PreParent = directory.ToIatt();
            RemoveName(directory, fop.Name, node);
            reply.PostParent = directory.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<RmdirReply> Rmdir(in RmdirFop fop, Call call)
    {
        lock (_lock)
        {
            var error = FindParent(fop.Parent, out var directory);
            if (error != Errno.Ok || directory.Directory!.Find(fop.Name) is not { } node)
            {
                return new(RmdirReply.Fail(error == Errno.Ok ? Errno.ENOENT : error));
            }

            if (!node.IsDirectory || node.Directory!.Count > 0)
            {
                return new(RmdirReply.Fail(node.IsDirectory ? Errno.ENOTEMPTY : Errno.ENOTDIR));
            }

            var reply = RmdirReply.Rent();
            reply.PreParent = directory.ToIatt();
            RemoveName(directory, fop.Name, node);
            reply.PostParent = directory.ToIatt();
            return new(reply);
        }
    }

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call)
    {
        lock (_lock)
        {
            var error = FindParent(fop.OldParent, out var from);
            if (error == Errno.Ok)
            {
                error = FindParent(fop.NewParent, out var to);
                if (error == Errno.Ok)
                {
                    error = CheckName(fop.NewName);
                    return new(error == Errno.Ok ? Move(from, to, fop.OldName, fop.NewName) : RenameReply.Fail(error));
                }
            }

            return new(RenameReply.Fail(error));
        }
    }

    private RenameReply Move(MemoryNode from, MemoryNode to, Name oldName, Name newName)
    {
        if (from.Directory!.Find(oldName) is not { } node)
        {
            return RenameReply.Fail(Errno.ENOENT);
        }

        var target = to.Directory!.Find(newName);
        var error = CheckMove(node, target, to);
        if (error != Errno.Ok)
        {
            return RenameReply.Fail(error);
        }

        var reply = RenameReply.Rent();
        reply.PreOldParent = from.ToIatt();
        reply.PreNewParent = to.ToIatt();
        if (!ReferenceEquals(target, node))
        {
            if (target is not null)
            {
                RemoveName(to, newName, target);
            }

            from.Directory.Remove(oldName);
            to.Directory.Set(newName, node);
            if (node.IsDirectory)
            {
                from.Nlink--;
                to.Nlink++;
            }

            node.CtimeNs = Seams.Clock.WallNs;
            Touch(from);
            Touch(to);
        }

        reply.Iatt = node.ToIatt();
        reply.PostOldParent = from.ToIatt();
        reply.PostNewParent = to.ToIatt();
        return reply;
    }

    private static Errno CheckMove(MemoryNode node, MemoryNode? target, MemoryNode to)
    {
        if (node.IsDirectory && Contains(node, to))
        {
            return Errno.EINVAL;
        }

        if (target is null || ReferenceEquals(target, node))
        {
            return Errno.Ok;
        }

        if (node.IsDirectory != target.IsDirectory)
        {
            return node.IsDirectory ? Errno.ENOTDIR : Errno.EISDIR;
        }

        return target.IsDirectory && target.Directory!.Count > 0 ? Errno.ENOTEMPTY : Errno.Ok;
    }

    private static bool Contains(MemoryNode tree, MemoryNode node)
    {
        if (ReferenceEquals(tree, node))
        {
            return true;
        }

        foreach (var (_, _, child) in tree.Directory!.After(0))
        {
            if (child.IsDirectory && Contains(child, node))
            {
                return true;
            }
        }

        return false;
    }

    private void RemoveName(MemoryNode directory, Name name, MemoryNode node)
    {
        directory.Directory!.Remove(name);
        node.Nlink = node.IsDirectory ? 0 : node.Nlink - 1;
        if (node.IsDirectory)
        {
            directory.Nlink--;
        }

        node.CtimeNs = Seams.Clock.WallNs;
        Touch(directory);
        Drop(node);
    }

    private LookupReply Found(MemoryNode node, MemoryNode? directory, XData? xdata)
    {
        var reply = LookupReply.Rent();
        reply.Iatt = node.ToIatt();
        if (directory is not null)
        {
            reply.PostParent = directory.ToIatt();
        }

        AnswerXattrs(node, xdata, reply);
        return reply;
    }
}
