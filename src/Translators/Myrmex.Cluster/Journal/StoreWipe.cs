using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Empties a store by fops: every name, what is in the orphan pool, kept files, the attributes of the root. Directories
/// are taken apart from below, name by name: a store may take a whole tree away only later, and would still find what
/// is in it by gfid.
/// </summary>
internal static class StoreWipe
{
    /// <summary>The pool is open. May be run again after an error.</summary>
    public static async ValueTask<Errno> RunAsync(Translator store)
    {
        var call = Call.Internal();
        call.TimeFlags = TimeFlags.ForwardOnly;
        var error = await EmptyAsync(store, Gfid.Root, call);
        error = error == Errno.Ok ? await EmptyAsync(store, IForcedStore.Pool, call) : error;
        error = error == Errno.Ok ? LetGoAll(store) : error;
        error = error == Errno.Ok ? await BareAsync(store, Gfid.Root, call) : error;
        call.Release();
        return error;
    }

    /// <summary>Takes away what is in the orphan pool, trees name by name, but for what is wanted there.</summary>
    public static ValueTask<Errno> EmptyPoolAsync(Translator store, Predicate<Name>? isWanted, Call call) =>
        EmptyAsync(store, IForcedStore.Pool, call, isWanted);

    /// <summary>Ends all kept files.</summary>
    public static Errno LetGoAll(Translator store)
    {
        var error = Errno.Ok;
        if (StoreView.ForcedOf(store) is { } forced)
        {
            foreach (var gfid in forced.ListKept())
            {
                error = error == Errno.Ok ? forced.LetGo(gfid) : error;
            }
        }

        return error;
    }

    private static async ValueTask<Errno> EmptyAsync(
        Translator store, Gfid top, Call call, Predicate<Name>? isWanted = null)
    {
        var open = new Stack<Folder>([new Folder(top, default, default)]);
        while (open.TryPeek(out var folder))
        {
            var names = new List<Name>();
            var error = await StoreLister.ListAsync(store, folder.Gfid, names, call);
            if (isWanted is not null && folder.Gfid == top)
            {
                _ = names.RemoveAll(isWanted);
            }

            if (error == Errno.Ok && names.Count == 0)
            {
                _ = open.Pop();
                error = open.Count > 0 ? await RemoveFolderAsync(store, folder.Parent, folder.Name, 0, call) : Errno.Ok;
            }

            var isGettingOn = names.Count == 0;
            for (var i = 0; i < names.Count && error is Errno.Ok or Errno.ENOENT; i++)
            {
                error = await RemoveAsync(store, folder.Gfid, names[i], open, call);
                isGettingOn |= error == Errno.Ok;
            }

            if (error is not (Errno.Ok or Errno.ENOENT) || !isGettingOn)
            {
                return isGettingOn ? error : Errno.EIO; // Names are listed that are not there.
            }
        }

        return Errno.Ok;
    }

    /// <summary>Takes the name away, or puts the directory it stands for on the stack.</summary>
    private static async ValueTask<Errno> RemoveAsync(
        Translator store, Gfid parent, Name name, Stack<Folder> open, Call call)
    {
        var unlinked = await store.Unlink(new UnlinkFop { Parent = parent, Name = name }, call);
        var error = unlinked.Error;
        unlinked.Release();
        if (error != Errno.EISDIR)
        {
            return error;
        }

        var view = await StoreView.LookupAsync(store, parent, name, call);
        if (view.IsThere)
        {
            open.Push(new Folder(view.Iatt.Gfid, parent, name));
            return Errno.Ok;
        }

        // A creation that was torn: nothing in it has a gfid by which it could be found.
        return view.IsMissing ? Errno.ENOENT : await RemoveFolderAsync(store, parent, name, 1, call);
    }

    private static async ValueTask<Errno> RemoveFolderAsync(
        Translator store, Gfid parent, Name name, uint flags, Call call)
    {
        var reply = await store.Rmdir(new RmdirFop { Parent = parent, Name = name, Flags = (int)flags }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>Takes all attributes away that a listing has.</summary>
    public static async ValueTask<Errno> BareAsync(Translator store, Gfid gfid, Call call)
    {
        var (error, xattrs) = await StoreLister.XattrsAsync(store, gfid, call);
        for (var i = 0; i < xattrs.Count && error == Errno.Ok; i++)
        {
            var reply = await store.Removexattr(new RemovexattrFop { Gfid = gfid, Name = xattrs[i].Name }, call);
            var isOfMachine = xattrs[i].Name.Span.StartsWith("security."u8); // Some of these cannot be taken away.
            error = reply.Error == Errno.ENODATA || isOfMachine ? Errno.Ok : reply.Error;
            reply.Release();
        }

        return error;
    }

    /// <summary>A directory that is being taken apart, and its place.</summary>
    private readonly record struct Folder(Gfid Gfid, Gfid Parent, Name Name);
}
