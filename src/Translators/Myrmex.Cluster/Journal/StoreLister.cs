using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>What is in a directory, and what attributes an inode has, read by fops.</summary>
internal static class StoreLister
{
    private const uint ListBytes = 65536;

    /// <summary>Adds all names of a directory.</summary>
    public static async ValueTask<Errno> ListAsync(Translator store, Gfid directory, List<Name> names, Call call)
    {
        var fd = new Fd(directory, OpenFlags.ReadOnly, isDirectory: true, slotCount: 0);
        var opened = await store.Opendir(new OpendirFop { Gfid = directory, Fd = fd }, call);
        var error = opened.Error;
        opened.Release();
        if (error != Errno.Ok)
        {
            return error;
        }

        long offset = 0;
        for (var isAtEnd = false; !isAtEnd;)
        {
            var reply = await store.Readdir(
                new ReaddirFop { Gfid = directory, Fd = fd, Offset = offset, Size = ListBytes }, call);
            error = reply.Error;
            for (var i = 0; reply.IsOk && i < reply.Entries.Count; i++)
            {
                offset = (long)reply.Entries[i].Offset;
                if (!reply.Entries.NameOf(i).IsDotOrDotDot)
                {
                    names.Add(reply.Entries.NameOf(i).ToOwned());
                }
            }

            isAtEnd = !reply.IsOk || reply.Entries.Count == 0 || reply.Hint == Errno.ENOENT;
            reply.Release();
        }

        var closed = await store.Releasedir(new ReleasedirFop { Gfid = directory, Fd = fd }, call);
        closed.Release();
        return error;
    }

    /// <summary>All attributes that a listing has; none, without an error, where there can be none.</summary>
    public static async ValueTask<(Errno Error, List<XattrValue> Xattrs)> XattrsAsync(
        Translator store, Gfid gfid, Call call)
    {
        var xattrs = new List<XattrValue>();
        var reply = await store.Getxattr(new GetxattrFop { Gfid = gfid }, call);
        var error = reply.Error is Errno.ENODATA or Errno.EOPNOTSUPP ? Errno.Ok : reply.Error;
        if (reply.IsOk && reply.Values is not null)
        {
            foreach (var pair in reply.Values)
            {
                xattrs.Add(new XattrValue(Name.From(pair.Key).ToOwned(), pair.Value.ToArray()));
            }
        }

        reply.Release();
        return (error, xattrs);
    }
}
