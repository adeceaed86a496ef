using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// READDIRP: its attributes prove or drop content, and it brings the contents of small files when those of listings
/// before it were read.
/// </summary>
public sealed partial class QuickRead
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReaddirpReply> ReaddirpObserved(ReaddirpFop fop, Call call)
    {
        var settings = Settings;
        var sentNs = NowNs;
        var allowed = fop.XData is { } asked && asked.Contains(ListedContents.Key) ? 0 : _listings.Take(sentNs);
        if (allowed > 0)
        {
            return await ReaddirpWithContents(fop, call, settings, allowed, sentNs);
        }

        var reply = await Next.Readdirp(in fop, call);
        for (var i = 0; reply.IsOk && i < reply.Entries.Count; i++)
        {
            LearnListed(in reply.Entries[i].Iatt, settings, sentNs);
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReaddirpReply> ReaddirpWithContents(
        ReaddirpFop fop, Call call, QuickReadSettings settings, int allowed, long sentNs)
    {
        var request = fop.XData is null ? XData.Rent() : fop.XData.Clone();
        new ListedContents(settings.FileBytesMax, allowed).WriteTo(request);
        var since = _cache.BeginLook();
        try
        {
            var reply = await Next.Readdirp(fop with { XData = request }, call);
            for (var i = 0; reply.IsOk && i < reply.Entries.Count; i++)
            {
                ref var entry = ref reply.Entries[i];
                allowed -= TakeListed(ref entry, settings, since, sentNs);
                LearnListed(in entry.Iatt, settings, sentNs);
            }

            return reply;
        }
        finally
        {
            _listings.GiveBack(allowed);
            _cache.EndLook();
            request.Release();
        }
    }

    /// <summary>
    /// Keeps the content of an entry as that of a lookup; what it cost. Without attributes (a write of ours is under
    /// way) nothing is known of it.
    /// </summary>
    private int TakeListed(ref DirEntry entry, QuickReadSettings settings, long since, long sentNs)
    {
        if (entry.XData is not { } xdata || !xdata.TryGetBytes(ContentKey, out var content))
        {
            return 0;
        }

        var cost = content.Length + QuickReadLimits.ListedFileBytes;
        if (IsSmallFile(in entry.Iatt, settings) && (ulong)content.Length == entry.Iatt.Size
            && _cache.TryStore(in entry.Iatt, content, since, sentNs, IsSettled(in entry.Iatt)))
        {
            Interlocked.Increment(ref _listedCount);
        }

        xdata.Remove(ContentKey);
        return cost;
    }

    private void LearnListed(in Iatt iatt, QuickReadSettings settings, long sentNs)
    {
        if (iatt.IsNull || iatt.Gfid.IsNull)
        {
            return;
        }

        if (IsSmallFile(in iatt, settings))
        {
            _listings.Shown(in iatt.Gfid, (int)iatt.Size);
        }

        _cache.Observe(in iatt.Gfid, in iatt, sentNs);
    }
}
