using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>What a store says about an inode.</summary>
/// <param name="Error">Why it says nothing: ESTALE or ENOENT when there is none, ENODATA or EIO when a name has no
/// valid gfid.</param>
/// <param name="Times">The stored times; null when the inode has none and its times are those of the local file
/// system.</param>
internal readonly record struct InodeView(Errno Error, Iatt Iatt, InodeTimes? Times)
{
    public bool IsThere => Error == Errno.Ok;

    /// <summary>There is no such inode or directory (any more).</summary>
    public bool IsMissing => Error is Errno.ESTALE or Errno.ENOENT or Errno.ENOTDIR;
}

/// <summary>Reading of a store by fops, with the stored times.</summary>
internal static class StoreView
{
    /// <summary>The inode of a gfid.</summary>
    public static async ValueTask<InodeView> StatAsync(Translator store, Gfid gfid, Call call)
    {
        var xdata = XData.Rent();
        xdata.SetInt(JournalKeys.Mdata, 0);
        var reply = await store.Stat(new StatFop { Gfid = gfid, XData = xdata }, call);
        var view = new InodeView(reply.Error, reply.Iatt, TimesIn(reply.XData));
        reply.Release();
        xdata.Release();
        return view;
    }

    /// <summary>The inode of a name.</summary>
    public static async ValueTask<InodeView> LookupAsync(Translator store, Gfid parent, Name name, Call call)
    {
        var xdata = XData.Rent();
        xdata.SetInt(JournalKeys.Mdata, 0);
        var reply = await store.Lookup(new LookupFop { Parent = parent, Name = name, XData = xdata }, call);
        var view = new InodeView(reply.Error, reply.Iatt, TimesIn(reply.XData));
        reply.Release();
        xdata.Release();
        return view;
    }

    /// <summary>Sets all three times, whatever they were.</summary>
    public static async ValueTask<Errno> SetTimesAsync(Translator store, Gfid gfid, InodeTimes times, Call call)
    {
        var values = XData.Rent();
        values.SetBytes(JournalKeys.Mdata, times.ToMdata());
        var reply = await store.Setxattr(new SetxattrFop { Gfid = gfid, Values = values }, call);
        var error = reply.Error;
        reply.Release();
        values.Release();
        return error;
    }

    /// <summary>The store below, through translators with one subvolume; null when it cannot be forced.</summary>
    public static IForcedStore? ForcedOf(Translator store) => Below<IForcedStore>(store);

    /// <summary>The first translator of a kind, from here down through those with one subvolume.</summary>
    public static T? Below<T>(Translator top)
        where T : class
    {
        for (var at = top; ; at = at.Subvolumes[0])
        {
            if (at is T found)
            {
                return found;
            }

            if (at.Subvolumes.Count != 1)
            {
                return null;
            }
        }
    }

    private static InodeTimes? TimesIn(XData? xdata) =>
        xdata is not null && xdata.TryFind(JournalKeys.Mdata, out _, out var value)
            && InodeTimes.TryReadMdata(value, out var times)
            ? times
            : null;
}
