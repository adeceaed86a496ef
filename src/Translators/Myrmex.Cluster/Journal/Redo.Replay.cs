using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>Begin and end of a replay, and the orphan pool.</summary>
public sealed partial class Redo
{
    /// <summary>
    /// Makes a store ready for a replay: opens the pool and puts right the handles that a crash has left behind the
    /// names of the window. Until the end no other fops come.
    /// </summary>
    /// <param name="window">All operations that will be replayed, in order.</param>
    public async ValueTask<Errno> BeginReplayAsync(IReadOnlyList<JournalOperation> window)
    {
        Invariant.Check(!IsReplay);
        var error = _forced.OpenPool();
        if (error != Errno.Ok)
        {
            return error;
        }

        IsReplay = true;
        await RepairHandlesAsync(window);
        return Errno.Ok;
    }

    /// <summary>
    /// Removes what nothing has named and closes the pool. On an error the replay is not over and this may be called
    /// again.
    /// </summary>
    public async ValueTask<Errno> EndReplayAsync()
    {
        Invariant.Check(IsReplay);
        var call = QuietCall();
        var error = await EmptyPoolAsync(call);
        call.Release();
        error = error == Errno.Ok ? _forced.ClosePool() : error;
        IsReplay = error != Errno.Ok;
        return error;
    }

    private static Call QuietCall()
    {
        var call = Call.Internal();
        call.TimeFlags = Quiet;
        return call;
    }

    /// <summary>
    /// A directory whose rename was torn is found by no gfid, only by a name of the window, and so is a file whose
    /// handle is missing: a lookup by name makes both right. A name below such a directory is found in a later round.
    /// </summary>
    private async ValueTask RepairHandlesAsync(IReadOnlyList<JournalOperation> window)
    {
        var call = QuietCall();
        var found = -1;
        for (var round = 0; round < JournalLimits.RepairRoundsMax; round++)
        {
            var before = found;
            found = 0;
            foreach (var operation in window)
            {
                if (!operation.Name.IsEmpty)
                {
                    var view = await StoreView.LookupAsync(_store, operation.Parent, operation.Name, call);
                    found += view.IsThere ? 1 : 0;
                }

                if (!operation.NewName.IsEmpty)
                {
                    var view = await StoreView.LookupAsync(_store, operation.NewParent, operation.NewName, call);
                    found += view.IsThere ? 1 : 0;
                }
            }

            if (found == before)
            {
                break;
            }
        }

        call.Release();
    }

    /// <summary>
    /// An inode that is about to lose a name must live on: in a replay always, and when the operation says that it has
    /// others, of which the store then has lost one.
    /// </summary>
    private bool MustKeep(JournalOperation operation, in Iatt inode) =>
        IsReplay || (!operation.IsLastName && !inode.IsDirectory && inode.Nlink <= 1);

    /// <summary>
    /// Takes a name away that stands for an inode as recorded. In a replay the last name goes to the pool.
    /// </summary>
    private async ValueTask<Errno> DetachAsync(
        JournalOperation operation, Gfid parent, Name name, Iatt inode, Call call)
    {
        if (!inode.IsDirectory)
        {
            return MustKeep(operation, in inode) && inode.Nlink <= 1
                ? await ParkAsync(parent, name, inode.Gfid, call)
                : await UnlinkNameAsync(parent, name, call);
        }

        var error = await RemoveDirectoryAsync(parent, name, flags: 0, call);
        return error == Errno.ENOTEMPTY && IsReplay ? await ParkAsync(parent, name, inode.Gfid, call) : error;
    }

    /// <summary>Moves what is at a name to the pool, or takes the name away when the inode has others.</summary>
    private async ValueTask<Errno> ParkAsync(Gfid parent, Name name, Gfid gfid, Call? call)
    {
        var quiet = QuietCall();
        var view = await StoreView.StatAsync(_store, gfid, quiet);
        var error = view.Error;
        if (view.IsThere)
        {
            error = !view.Iatt.IsDirectory && view.Iatt.Nlink > 1
                ? await UnlinkNameAsync(parent, name, call ?? quiet)
                : _forced.OpenPool();
            if (error == Errno.Ok && (view.Iatt.IsDirectory || view.Iatt.Nlink <= 1))
            {
                error = await RenameNameAsync(parent, name, IForcedStore.Pool, PoolName(gfid), call ?? quiet);
            }
        }

        quiet.Release();
        return error;
    }

    /// <summary>An inode without a directory to be in: it must not be lost while only its handle holds it.</summary>
    private async ValueTask<Errno> KeepAsync(Gfid gfid, Iatt inode, Call call) =>
        inode.IsDirectory || inode.Nlink > 0 ? Errno.Ok : await ParkHandleAsync(gfid, call);

    /// <summary>
    /// In a replay, gives an inode that has only a handle a name in the pool, so that it is removed at the end.
    /// </summary>
    private async ValueTask<Errno> ParkHandleAsync(Gfid gfid, Call call)
    {
        if (!IsReplay)
        {
            return Errno.Ok;
        }

        var view = await StoreView.StatAsync(_store, gfid, call);
        if (!view.IsThere || view.Iatt.IsDirectory || view.Iatt.Nlink > 0)
        {
            return view.IsThere || view.IsMissing ? Errno.Ok : view.Error;
        }

        var quiet = QuietCall();
        var reply = await _store.Link(
            new LinkFop { Gfid = gfid, NewParent = IForcedStore.Pool, NewName = PoolName(gfid) }, quiet);
        var error = reply.Error;
        reply.Release();
        quiet.Release();
        return error is Errno.EEXIST or Errno.ESTALE ? Errno.Ok : error;
    }

    /// <summary>
    /// Removes a name without a gfid of its own: a creation that a crash has torn, with nothing in it.
    /// </summary>
    private async ValueTask<Errno> RemoveTornAsync(Gfid parent, Name name)
    {
        var quiet = QuietCall();
        var error = await UnlinkNameAsync(parent, name, quiet);
        if (error == Errno.EISDIR)
        {
            error = await RemoveDirectoryAsync(parent, name, flags: 1, quiet);
        }

        quiet.Release();
        return error;
    }

    private async ValueTask<Errno> EmptyPoolAsync(Call call)
    {
        while (true)
        {
            var (error, names) = await ListPoolAsync(call);
            if (error != Errno.Ok || names.Count == 0)
            {
                return error;
            }

            foreach (var name in names)
            {
                error = await UnlinkNameAsync(IForcedStore.Pool, name, call);
                if (error == Errno.EISDIR)
                {
                    error = await RemoveDirectoryAsync(IForcedStore.Pool, name, flags: 1, call);
                }

                if (error is not (Errno.Ok or Errno.ENOENT))
                {
                    return error;
                }
            }
        }
    }

    /// <summary>Some names of the pool; none when it is empty.</summary>
    private async ValueTask<(Errno Error, List<Name> Names)> ListPoolAsync(Call call)
    {
        const uint bytes = 65536;
        var names = new List<Name>();
        var fd = new Fd(IForcedStore.Pool, OpenFlags.ReadOnly, isDirectory: true, slotCount: 0);
        var opened = await _store.Opendir(new OpendirFop { Gfid = IForcedStore.Pool, Fd = fd }, call);
        var error = opened.Error;
        opened.Release();
        if (error != Errno.Ok)
        {
            return (error, names);
        }

        var reply = await _store.Readdir(new ReaddirFop { Gfid = IForcedStore.Pool, Fd = fd, Size = bytes }, call);
        error = reply.Error;
        for (var i = 0; error == Errno.Ok && i < reply.Entries.Count; i++)
        {
            if (!reply.Entries.NameOf(i).IsDotOrDotDot)
            {
                names.Add(reply.Entries.NameOf(i).ToOwned());
            }
        }

        reply.Release();
        var closed = await _store.Releasedir(new ReleasedirFop { Gfid = IForcedStore.Pool, Fd = fd }, call);
        closed.Release();
        return (error, names);
    }

    private async ValueTask<Errno> RenameNameAsync(Gfid parent, Name name, Gfid newParent, Name newName, Call call)
    {
        var reply = await _store.Rename(
            new RenameFop { OldParent = parent, OldName = name, NewParent = newParent, NewName = newName }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private async ValueTask<Errno> UnlinkNameAsync(Gfid parent, Name name, Call call)
    {
        var reply = await _store.Unlink(new UnlinkFop { Parent = parent, Name = name }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private async ValueTask<Errno> RemoveDirectoryAsync(Gfid parent, Name name, int flags, Call call)
    {
        var reply = await _store.Rmdir(new RmdirFop { Parent = parent, Name = name, Flags = flags }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }
}
