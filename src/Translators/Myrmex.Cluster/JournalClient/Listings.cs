using System;
using Myrmex.Base;

namespace Myrmex.Cluster.JournalClient;

/// <summary>READDIR and READDIRP as one.</summary>
internal static class Listings
{
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
