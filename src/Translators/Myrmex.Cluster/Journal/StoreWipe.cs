using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>Empties a store by fops: every name, what is in the orphan pool, the attributes of the root.</summary>
internal static class StoreWipe
{
    /// <summary>The pool is open. May be run again after an error.</summary>
    public static async ValueTask<Errno> RunAsync(Translator store)
    {
        var call = Call.Internal();
        call.TimeFlags = TimeFlags.ForwardOnly;
        var error = await EmptyAsync(store, Gfid.Root, call);
        error = error == Errno.Ok ? await EmptyAsync(store, IForcedStore.Pool, call) : error;
        error = error == Errno.Ok ? await BareAsync(store, Gfid.Root, call) : error;
        call.Release();
        return error;
    }

    private static async ValueTask<Errno> EmptyAsync(Translator store, Gfid directory, Call call)
    {
        while (true)
        {
            var names = new List<Name>();
            var error = await StoreLister.ListAsync(store, directory, names, call);
            if (error != Errno.Ok || names.Count == 0)
            {
                return error;
            }

            foreach (var name in names)
            {
                error = await RemoveAsync(store, directory, name, call);
                if (error is not (Errno.Ok or Errno.ENOENT))
                {
                    return error;
                }
            }
        }
    }

    private static async ValueTask<Errno> RemoveAsync(Translator store, Gfid directory, Name name, Call call)
    {
        var unlinked = await store.Unlink(new UnlinkFop { Parent = directory, Name = name }, call);
        var error = unlinked.Error;
        unlinked.Release();
        if (error != Errno.EISDIR)
        {
            return error;
        }

        var removed = await store.Rmdir(new RmdirFop { Parent = directory, Name = name, Flags = 1 }, call);
        error = removed.Error;
        removed.Release();
        return error;
    }

    private static async ValueTask<Errno> BareAsync(Translator store, Gfid gfid, Call call)
    {
        var (error, xattrs) = await StoreLister.XattrsAsync(store, gfid, call);
        for (var i = 0; i < xattrs.Count && error == Errno.Ok; i++)
        {
            var reply = await store.Removexattr(new RemovexattrFop { Gfid = gfid, Name = xattrs[i].Name }, call);
            error = reply.Error == Errno.ENODATA ? Errno.Ok : reply.Error;
            reply.Release();
        }

        return error;
    }
}
