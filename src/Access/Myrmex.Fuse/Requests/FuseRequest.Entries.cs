using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>MKDIR, MKNOD, SYMLINK, LINK, UNLINK, RMDIR, RENAME, RENAME2.</summary>
internal sealed partial class FuseRequest
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> MkdirAsync()
    {
        if (!TryTake(out FuseMkdirIn argument))
        {
            return Errno.EIO;
        }

        var error = TakeEntry(out var name, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        RequestGfid();
        BeginCall(withGroups: true);
        var mode = FileMode.Directory | await ModeAsync(parent, argument.Mode, argument.Umask);
        var fop = new MkdirFop { Parent = parent, Mode = mode, Umask = argument.Umask, Name = name, XData = _xdata };
        var reply = await Top.Mkdir(in fop, Call);
        error = FinishNew(reply.Error, in reply.Iatt, in reply.PostParent);
        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> MknodAsync()
    {
        if (!TryTake(out FuseMknodIn argument))
        {
            return Errno.EIO;
        }

        var error = TakeEntry(out var name, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        RequestGfid();
        BeginCall(withGroups: true);
        var permissions = await ModeAsync(parent, argument.Mode, argument.Umask);
        var fop = new MknodFop
        {
            Parent = parent,
            Device = argument.Rdev,
            Mode = (argument.Mode & FileMode.TypeMask) | permissions,
            Umask = argument.Umask,
            Name = name,
            XData = _xdata,
        };
        var reply = await Top.Mknod(in fop, Call);
        error = FinishNew(reply.Error, in reply.Iatt, in reply.PostParent);
        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> SymlinkAsync()
    {
        var error = TakeEntry(out var name, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        if (!TryTakeName(out var target))
        {
            return Errno.EIO;
        }

        RequestGfid();
        var fop = new SymlinkFop { Parent = parent, Name = name, Target = target, XData = _xdata };
        var reply = await Top.Symlink(in fop, BeginCall(withGroups: true));
        error = FinishNew(reply.Error, in reply.Iatt, in reply.PostParent);
        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> LinkAsync()
    {
        if (!TryTake(out FuseLinkIn argument))
        {
            return Errno.EIO;
        }

        var error = TakeEntry(out var name, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        if (!TryGetGfid(argument.OldNode, out var gfid))
        {
            return Errno.ESTALE;
        }

        var fop = new LinkFop { Gfid = gfid, NewParent = parent, NewName = name };
        var reply = await Top.Link(in fop, BeginCall(withGroups: true));
        Inodes.Changed(argument.OldNode, in reply.Iatt, _token, _nowNs);
        error = FinishNew(reply.Error, in reply.Iatt, in reply.PostParent);
        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> UnlinkAsync()
    {
        var error = TakeEntry(out var name, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        var fop = new UnlinkFop { Parent = parent, Name = name };
        var reply = await Top.Unlink(in fop, BeginCall(withGroups: true));
        error = reply.Error;
        Inodes.NamesChanged(directory: false);
        Inodes.Changed(Node, in reply.PostParent, _token, _nowNs);
        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> RmdirAsync()
    {
        var error = TakeEntry(out var name, out var parent);
        if (error != Errno.Ok)
        {
            return error;
        }

        var fop = new RmdirFop { Parent = parent, Name = name };
        var reply = await Top.Rmdir(in fop, BeginCall(withGroups: true));
        error = reply.Error;
        Inodes.NamesChanged(directory: true);
        Inodes.Changed(Node, in reply.PostParent, _token, _nowNs);
        reply.Release();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> RenameAsync()
    {
        if (!TryTakeRename(out var newParentNode, out var flags))
        {
            return Errno.EIO;
        }

        // The brick cannot exchange two names, nor leave a whiteout.
        if ((flags & ~FuseBits.RenameNoReplace) != 0)
        {
            return Errno.EINVAL;
        }

        var error = TakeEntry(out var oldName, out var oldParent);
        if (error != Errno.Ok || !TryTakeEntryName(out var newName, out error))
        {
            return error;
        }

        if (!TryGetGfid(newParentNode, out var newParent))
        {
            return Errno.ESTALE;
        }

        BeginCall(withGroups: true);
        if ((flags & FuseBits.RenameNoReplace) != 0)
        {
            error = await CheckAbsentAsync(newParent, newName);
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        var fop = new RenameFop { OldParent = oldParent, NewParent = newParent, OldName = oldName, NewName = newName };
        var reply = await Top.Rename(in fop, Call);
        error = reply.Error;
        Inodes.NamesChanged(directory: error != Errno.Ok || reply.Iatt.IsDirectory);
        Inodes.NamesChanged(directory: false);
        if (newParentNode != Node)
        {
            Inodes.Changed(newParentNode, in reply.PostNewParent, _token, _nowNs);
        }

        Inodes.Changed(Node, in reply.PostOldParent, _token, _nowNs);
        Inodes.Changed(reply.Iatt.Gfid, in reply.Iatt, _token, _nowNs);
        reply.Release();
        return error;
    }

    // The VFS has looked already, but its knowledge may be a timeout old.
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> CheckAbsentAsync(Gfid parent, Name name)
    {
        var fop = new LookupFop { Parent = parent, Name = name };
        var reply = await Top.Lookup(in fop, Call);
        var error = reply.Error;
        reply.Release();
        return error switch
        {
            Errno.Ok => Errno.EEXIST,
            Errno.ENOENT => Errno.Ok,
            _ => error,
        };
    }

    private bool TryTakeRename(out ulong newParent, out uint flags)
    {
        newParent = 0;
        flags = 0;
        if (Opcode == FuseOpcode.Rename)
        {
            var plain = TryTake(out FuseRenameIn argument);
            newParent = argument.NewParent;
            return plain;
        }

        var extended = TryTake(out FuseRename2In argument2);
        newParent = argument2.NewParent;
        flags = argument2.Flags;
        return extended;
    }

    /// <summary>The name of an entry operation and the gfid of the directory the request is for.</summary>
    private Errno TakeEntry(out Name name, out Gfid parent)
    {
        parent = default;
        if (!TryTakeEntryName(out name, out var error))
        {
            return error;
        }

        return TryGetGfid(Node, out parent) ? Errno.Ok : Errno.ESTALE;
    }

    /// <summary>
    /// The end of everything that makes a name: attributes of the directory and the entry for the kernel.
    /// </summary>
    private Errno FinishNew(Errno error, in Iatt iatt, in Iatt postParent)
    {
        Inodes.Changed(Node, in postParent, _token, _nowNs);
        return error == Errno.Ok ? PutEntry(in iatt) : error;
    }

    /// <summary>
    /// Permission bits of a new object. Without ACLs the kernel has applied the umask. With them it applies unless the
    /// directory has a default ACL, which the kernel does not know.
    /// </summary>
    private ValueTask<uint> ModeAsync(Gfid parent, uint mode, uint umask)
    {
        var permissions = mode & FileMode.PermissionMask;
        return _session.UmaskIsOurs
            ? MaskedModeAsync(parent, permissions, umask)
            : new ValueTask<uint>(permissions);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<uint> MaskedModeAsync(Gfid parent, uint permissions, uint umask)
    {
        Name acl = "system.posix_acl_default";
        var fop = new GetxattrFop { Gfid = parent, Name = acl, NameLength = (uint)acl.Length };
        var reply = await Top.Getxattr(in fop, Call);
        var hasDefaultAcl = reply.IsOk && reply.Values is { Count: > 0 };
        reply.Release();
        return hasDefaultAcl ? permissions : permissions & ~umask;
    }
}
