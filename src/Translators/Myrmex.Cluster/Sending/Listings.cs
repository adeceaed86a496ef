using System;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>READDIR and READDIRP as one.</summary>
internal static class Listings
{
    /// <summary>Reads a part of a directory where it is open, on from what was given out at whatever server.</summary>
    public static async ValueTask<TReply> ReadAsync<TFop, TReply>(TFop fop, Call call, OpenFd open, FdPlace place)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var listing = open.Listing!; // The caller has looked.
        var offset = OffsetOf(in fop);
        if (offset is < 0 or >= SendingLimits.ListingEntriesMax)
        {
            return TReply.Fail(offset < 0 ? Errno.EINVAL : Errno.EOVERFLOW);
        }

        listing.Begin(place, offset, out var cookie, out var position);
        while (true)
        {
            var ask = At(in fop, cookie);
            var reply = await TFop.Invoke(place.Choice.Server.Translator, in ask, call);
            if (!reply.IsOk)
            {
                return reply;
            }

            var entries = EntriesOf(reply);
            var isEnd = entries.Count == 0 || reply.Hint == Errno.ENOENT;
            cookie = entries.Count == 0 ? cookie : (long)entries[entries.Count - 1].Offset;
            if (!listing.TryTake(entries, position, place))
            {
                reply.Release();
                listing.Begin(place, offset, out cookie, out position);
                continue;
            }

            position += entries.Count;
            DropUpTo(entries, offset);
            if (isEnd || entries.Count > 0)
            {
                reply.OpRet = entries.Count;
                return reply;
            }

            reply.Release();
        }
    }

    public static long OffsetOf<TFop>(in TFop fop)
        where TFop : struct =>
        typeof(TFop) == typeof(ReaddirpFop)
            ? FopFacts.As<TFop, ReaddirpFop>(in fop).Offset
            : FopFacts.As<TFop, ReaddirFop>(in fop).Offset;

    /// <summary>The same fop at another offset.</summary>
    public static TFop At<TFop>(in TFop fop, long offset)
        where TFop : struct
    {
        if (typeof(TFop) == typeof(ReaddirpFop))
        {
            var plus = FopFacts.As<TFop, ReaddirpFop>(in fop) with { Offset = offset };
            return FopFacts.As<ReaddirpFop, TFop>(in plus);
        }

        Invariant.Check(typeof(TFop) == typeof(ReaddirFop));
        var plain = FopFacts.As<TFop, ReaddirFop>(in fop) with { Offset = offset };
        return FopFacts.As<ReaddirFop, TFop>(in plain);
    }

    public static DirEntries EntriesOf(Reply reply) => reply switch
    {
        ReaddirpReply plus => plus.Entries,
        ReaddirReply plain => plain.Entries,
        _ => throw new InvalidOperationException($"{reply.GetType().Name} has no entries"),
    };

    /// <summary>Drops the entries at the beginning whose number is not above <paramref name="offset"/>.</summary>
    public static void DropUpTo(DirEntries entries, long offset)
    {
        var kept = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            if ((long)entries[i].Offset > offset)
            {
                entries.Swap(kept++, i);
            }
        }

        entries.Truncate(kept);
    }
}
