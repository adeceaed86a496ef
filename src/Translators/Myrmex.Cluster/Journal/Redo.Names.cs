using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>Names: to make them stand for an inode, to take them away.</summary>
public sealed partial class Redo
{
    /// <summary>
    /// The inode exists with its type, mode, owner and first attributes, and the name stands for it. Live it is one
    /// fop.
    /// </summary>
    private async ValueTask<RedoResult> CreateAsync(JournalOperation operation, Call call)
    {
        if (_forced.IsKept(operation.Gfid))
        {
            // Another file that had this gfid, or this one in the state of later entries, which make all of it again.
            var letGo = _forced.LetGo(operation.Gfid);
            if (letGo != Errno.Ok)
            {
                return new RedoResult(letGo);
            }
        }

        if (!IsReplay)
        {
            var made = await MakeAsync(operation, operation.Parent, operation.Name, call);
            if (made.Error == Errno.Ok)
            {
                return await OwnAsync(operation, made.Iatt, call);
            }

            if (made.Error is not (Errno.EEXIST or Errno.ESTALE))
            {
                return made;
            }
        }

        var at = await StoreView.LookupAsync(_store, operation.Parent, operation.Name, call);
        if (at.IsThere && at.Iatt.Gfid == operation.Gfid)
        {
            return await ForceAsync(operation, at.Iatt, call);
        }

        var (error, hasParent) = await ClearAsync(operation.Parent, operation.Name, at, call: null);
        if (error != Errno.Ok)
        {
            return new RedoResult(error);
        }

        var inode = await StoreView.StatAsync(_store, operation.Gfid, call);
        if (inode.IsThere)
        {
            error = hasParent ? await AttachAsync(operation, operation.Parent, operation.Name, inode.Iatt, call)
                : await KeepAsync(operation.Gfid, inode.Iatt, call);

            // A directory that is above this one now was moved by a later entry, which does so again.
            error = error == Errno.EINVAL && operation.IsDirectory ? Errno.Ok : error;
            return error == Errno.Ok ? await ForceAsync(operation, inode.Iatt, call) : new RedoResult(error);
        }

        if (!inode.IsMissing)
        {
            return new RedoResult(inode.Error);
        }

        // Its directory is gone already, but the inode may have been moved out of it before.
        var (parent, name) = hasParent
            ? (operation.Parent, operation.Name)
            : (IForcedStore.Pool, PoolName(operation.Gfid));
        error = hasParent ? Errno.Ok : _forced.OpenPool();
        var result = error == Errno.Ok ? await MakeAsync(operation, parent, name, call) : new RedoResult(error);
        return result.Error == Errno.Ok ? await OwnAsync(operation, result.Iatt, call) : result;
    }

    /// <summary>Makes the inode with a name by one fop; a non-directory that exists gets a name more.</summary>
    private async ValueTask<RedoResult> MakeAsync(JournalOperation operation, Gfid parent, Name name, Call call)
    {
        var xdata = XData.Rent();
        xdata.SetGfid(JournalKeys.GfidRequest, operation.Gfid);
        foreach (var (key, value) in operation.Xattrs)
        {
            xdata.SetBytes(key.Span, value);
        }

        (call.Uid, call.Gid) = (operation.Uid, operation.GroupId);
        RedoResult result;
        switch (operation.Mode & FileMode.TypeMask)
        {
            case FileMode.Directory:
                var directory = await _store.Mkdir(
                    new MkdirFop { Parent = parent, Name = name, Mode = operation.Mode, XData = xdata }, call);
                result = new RedoResult(directory.Error, Iatt: directory.Iatt);
                directory.Release();
                break;
            case FileMode.SymbolicLink:
                var symlink = await _store.Symlink(
                    new SymlinkFop { Parent = parent, Name = name, Target = operation.Target, XData = xdata }, call);
                result = new RedoResult(symlink.Error, Iatt: symlink.Iatt);
                symlink.Release();
                break;
            default:
                var node = await _store.Mknod(
                    new MknodFop
                    {
                        Parent = parent,
                        Name = name,
                        Mode = operation.Mode,
                        Device = operation.Device,
                        XData = xdata,
                    },
                    call);
                result = new RedoResult(node.Error, Iatt: node.Iatt);
                node.Release();
                break;
        }

        (call.Uid, call.Gid) = (0, 0);
        xdata.Release();
        return result;
    }

    /// <summary>Owner and mode as recorded, when the store has made others of them.</summary>
    private async ValueTask<RedoResult> OwnAsync(JournalOperation operation, Iatt iatt, Call call)
    {
        var error = Errno.Ok;
        var isLink = iatt.IsSymbolicLink;
        if (iatt.Uid != operation.Uid || iatt.Gid != operation.GroupId || (!isLink && iatt.Mode != operation.Mode))
        {
            error = await ChangeAsync(operation, SetattrValid.Uid | SetattrValid.Gid | SetattrValid.Mode, call);
        }

        return new RedoResult(error, Iatt: iatt);
    }

    /// <summary>The same, and the attributes, for an inode that was there.</summary>
    private async ValueTask<RedoResult> ForceAsync(JournalOperation operation, Iatt iatt, Call call)
    {
        var renews = IsReplay && iatt.IsRegular && operation.Touches != TimeFlags.None; // Else one more name in a copy.
        var error = renews ? await RenewAsync(operation, iatt, call) : Errno.Ok;
        iatt.Mode = renews ? 0 : iatt.Mode; // An access list that is gone may have changed it.
        error = error == Errno.Ok ? await PutXattrsAsync(operation, call) : error;

        // As a store does at creation: what a file system cannot keep is left out, but for what the cluster needs.
        error = error is Errno.EOPNOTSUPP or Errno.EPERM ? Errno.Ok : error;
        return error == Errno.Ok ? await OwnAsync(operation, iatt, call) : new RedoResult(error);
    }

    /// <summary>
    /// In a replay, an inode that is to be made is there: with work of later entries, which will do it again, or it is
    /// that of another file which had the gfid before. So it is made as new as a new one.
    /// </summary>
    private async ValueTask<Errno> RenewAsync(JournalOperation operation, Iatt iatt, Call call)
    {
        var error = iatt.Size > 0 ? await TruncateAsync(operation.Gfid, 0, call) : Errno.Ok;
        if (error == Errno.Ok)
        {
            error = await StoreWipe.BareAsync(_store, operation.Gfid, call);
        }

        var times = InodeTimes.Of(in iatt).With(
            TimeFlags.Atime | TimeFlags.Mtime | TimeFlags.Ctime, operation.StampSeconds, operation.StampNanoseconds);
        return error == Errno.Ok ? await StoreView.SetTimesAsync(_store, operation.Gfid, times, call) : error;
    }

    private async ValueTask<RedoResult> LinkAsync(JournalOperation operation, Call call)
    {
        var at = await StoreView.LookupAsync(_store, operation.Parent, operation.Name, call);
        if (at.IsThere && at.Iatt.Gfid == operation.Gfid)
        {
            return new RedoResult(Errno.Ok, Iatt: at.Iatt);
        }

        var inode = await StoreView.StatAsync(_store, operation.Gfid, call);
        if (!inode.IsThere)
        {
            return ResultOf(inode.Error);
        }

        var (error, hasParent) = await ClearAsync(operation.Parent, operation.Name, at, call: null);
        if (error == Errno.Ok)
        {
            error = hasParent ? await AttachAsync(operation, operation.Parent, operation.Name, inode.Iatt, call)
                : await KeepAsync(operation.Gfid, inode.Iatt, call);
        }

        return new RedoResult(error, Iatt: inode.Iatt);
    }

    private async ValueTask<RedoResult> UnlinkAsync(JournalOperation operation, Call call)
    {
        if (operation.EndsKept)
        {
            var ended = _forced.LetGo(operation.Gfid);
            return new RedoResult(ended == Errno.Ok ? await ParkHandleAsync(operation.Gfid, call) : ended);
        }

        if (operation.Keeps && KeepFile(operation.Gfid) is var kept && kept != Errno.Ok)
        {
            return new RedoResult(kept);
        }

        var at = await StoreView.LookupAsync(_store, operation.Parent, operation.Name, call);
        if (at.IsThere && at.Iatt.Gfid == operation.Gfid)
        {
            return new RedoResult(await DetachAsync(operation, operation.Parent, operation.Name, at.Iatt, call));
        }

        if (!at.IsThere && !at.IsMissing && at.Error is not (Errno.ENODATA or Errno.EIO))
        {
            return new RedoResult(at.Error);
        }

        // Torn: the name went and the handle stayed.
        return new RedoResult(await ParkHandleAsync(operation.Gfid, call), IsMissing: true);
    }

    private async ValueTask<RedoResult> RmdirAsync(JournalOperation operation, Call call)
    {
        var at = await StoreView.LookupAsync(_store, operation.Parent, operation.Name, call);
        if (at.IsThere && at.Iatt.Gfid == operation.Gfid)
        {
            return new RedoResult(await DetachAsync(operation, operation.Parent, operation.Name, at.Iatt, call));
        }

        if (!IsReplay)
        {
            return at.IsThere || at.IsMissing ? new RedoResult(Errno.Ok, IsMissing: true) : new RedoResult(at.Error);
        }

        // It is dead from here on, wherever it is.
        var (error, parent, name) = await FindDirectoryAsync(operation.Gfid, call);
        return error == Errno.Ok
            ? new RedoResult(await ParkAsync(parent, name, operation.Gfid, call))
            : ResultOf(error);
    }

    private async ValueTask<RedoResult> RenameAsync(JournalOperation operation, Call call)
    {
        if (operation.Keeps && KeepFile(operation.Displaced) is var kept && kept != Errno.Ok)
        {
            return new RedoResult(kept);
        }

        var (parent, name) = (operation.NewParent, operation.NewName);
        var at = await StoreView.LookupAsync(_store, parent, name, call);
        if (at.IsThere && at.Iatt.Gfid == operation.Gfid)
        {
            return new RedoResult(await DropOldAsync(operation, call), Iatt: at.Iatt);
        }

        var inode = await StoreView.StatAsync(_store, operation.Gfid, call);
        if (!inode.IsThere)
        {
            // A later entry has taken it away; what it had displaced is displaced nevertheless.
            var gone = inode.IsMissing && at.IsThere && at.Iatt.Gfid == operation.Displaced
                ? await DetachAsync(operation, parent, name, at.Iatt, call)
                : inode.IsMissing ? Errno.Ok : inode.Error;
            return new RedoResult(gone, IsMissing: true);
        }

        var old = await StoreView.LookupAsync(_store, operation.Parent, operation.Name, call);
        var isAtOld = old.IsThere && old.Iatt.Gfid == operation.Gfid;
        var error = Errno.Ok;
        var hasParent = true;
        var displaces = at.IsThere && at.Iatt.Gfid == operation.Displaced;
        if (!displaces || !isAtOld || MustKeep(operation, at.Iatt))
        {
            (error, hasParent) = await ClearAsync(parent, name, at, displaces ? call : null);
        }

        if (error != Errno.Ok)
        {
            return new RedoResult(error);
        }

        if (!hasParent)
        {
            // The new directory is gone already; a later entry has moved the inode on or will.
            error = isAtOld ? await ParkAsync(operation.Parent, operation.Name, operation.Gfid, call) : Errno.Ok;
            return new RedoResult(error);
        }

        error = isAtOld
            ? await MoveAsync(operation, operation.Parent, operation.Name, call)
            : await AttachAsync(operation, parent, name, inode.Iatt, call);
        return new RedoResult(error, Iatt: inode.Iatt);
    }

    /// <summary>After the new name stands for the inode: the old one does no more.</summary>
    private async ValueTask<Errno> DropOldAsync(JournalOperation operation, Call call)
    {
        if (operation.IsDirectory || (operation.Parent == operation.NewParent && operation.Name == operation.NewName))
        {
            return Errno.Ok;
        }

        var old = await StoreView.LookupAsync(_store, operation.Parent, operation.Name, call);
        return old.IsThere && old.Iatt.Gfid == operation.Gfid
            ? await UnlinkNameAsync(operation.Parent, operation.Name, call)
            : old.IsThere || old.IsMissing || old.Error is Errno.ENODATA or Errno.EIO ? Errno.Ok : old.Error;
    }

    /// <summary>Moves from a name to the new one, breaking a loop of directories if it must.</summary>
    private async ValueTask<Errno> MoveAsync(JournalOperation operation, Gfid parent, Name name, Call call)
    {
        var error = await RenameNameAsync(parent, name, operation.NewParent, operation.NewName, call);
        if (error != Errno.EINVAL || !operation.IsDirectory || operation.Ancestors.Count == 0)
        {
            return error;
        }

        error = await BreakLoopAsync(operation);
        return error == Errno.Ok
            ? await RenameNameAsync(parent, name, operation.NewParent, operation.NewName, call)
            : error;
    }

    /// <summary>
    /// The new parent is below the directory that shall go into it. At the time of the operation it was not, so the
    /// lowest directory on the way up whose parent is another one than then was moved by a later entry, which will
    /// place it again: it is parked.
    /// </summary>
    private async ValueTask<Errno> BreakLoopAsync(JournalOperation operation)
    {
        for (var i = 0; i < operation.Ancestors.Count; i++)
        {
            var at = operation.Ancestors[i];
            var error = _forced.Locate(at, out var parent, out var name);
            if (error != Errno.Ok)
            {
                return error;
            }

            if (i + 1 >= operation.Ancestors.Count || operation.Ancestors[i + 1] != parent)
            {
                return await ParkAsync(parent, name, at, call: null);
            }
        }

        return Errno.EINVAL;
    }

    /// <summary>Puts an inode that is somewhere else, or nowhere, at a free name.</summary>
    private async ValueTask<Errno> AttachAsync(
        JournalOperation operation, Gfid parent, Name name, Iatt inode, Call call)
    {
        if (!inode.IsDirectory)
        {
            var reply = await _store.Link(
                new LinkFop { Gfid = operation.Gfid, NewParent = parent, NewName = name }, call);
            var linked = reply.Error;
            reply.Release();
            return linked;
        }

        var (error, nowParent, nowName) = await FindDirectoryAsync(operation.Gfid, call);
        if (error != Errno.Ok)
        {
            return error;
        }

        // The directory it is taken from is not one that the operation stamps; those that it does are settled later.
        var quiet = IsReplay ? QuietCall() : null;
        error = operation.Fop == FopCode.Rename ? await MoveAsync(operation, nowParent, nowName, quiet ?? call)
            : await RenameNameAsync(nowParent, nowName, parent, name, quiet ?? call);
        quiet?.Release();
        return error;
    }

    /// <summary>Where a directory is; the lookup puts its handle right.</summary>
    private async ValueTask<(Errno Error, Gfid Parent, Name Name)> FindDirectoryAsync(Gfid gfid, Call call)
    {
        var error = _forced.Locate(gfid, out var parent, out var name);
        if (error != Errno.Ok)
        {
            return (error, parent, name);
        }

        var view = await StoreView.LookupAsync(_store, parent, name, call);
        return (view.IsThere && view.Iatt.Gfid != gfid ? Errno.ESTALE : view.Error, parent, name);
    }

    /// <summary>
    /// In a replay, frees a name that stands for something else or nothing; that goes to the pool.
    /// </summary>
    internal async ValueTask<Errno> ForgetAsync(Gfid parent, Name name, Call call)
    {
        Invariant.Check(IsReplay);
        var at = await StoreView.LookupAsync(_store, parent, name, call);
        return (await ClearAsync(parent, name, at, call: null)).Error;
    }

    /// <summary>
    /// Frees a name of whatever it stands for. HasParent is false when there is no such directory (any more).
    /// </summary>
    /// <param name="call">Whose stamps the displaced inode gets; null when the operation is not what displaces
    /// it.</param>
    private async ValueTask<(Errno Error, bool HasParent)> ClearAsync(Gfid parent, Name name, InodeView at, Call? call)
    {
        switch (at.Error)
        {
            case Errno.Ok:
                Interlocked.Increment(ref _displaced);
                return (await ParkAsync(parent, name, at.Iatt.Gfid, call), true);
            case Errno.ENOENT:
                return (Errno.Ok, true);
            case Errno.ESTALE or Errno.ENOTDIR when IsReplay:
                return (Errno.Ok, false);
            case Errno.ENODATA or Errno.EIO:
                return (await RemoveTornAsync(parent, name), true);
            default:
                return (at.Error, true);
        }
    }

    /// <summary>
    /// A file lives on without its last name, which goes afterwards. One that is gone was ended by a later entry.
    /// </summary>
    private Errno KeepFile(in Gfid gfid)
    {
        var error = _forced.Keep(gfid);
        return error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;
    }

    /// <summary>What an inode is called in the orphan pool.</summary>
    internal static Name PoolName(in Gfid gfid)
    {
        var text = new byte[36];
        gfid.Format(text);
        return new Name(text);
    }
}
