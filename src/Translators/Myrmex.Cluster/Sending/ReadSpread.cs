using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Which server is asked for a large read, when more than one can answer it: the near one, or each for a part of the
/// file, so that many readers have the links and disks of all. The one that everything else goes to is asked for what
/// the others do not answer.
/// </summary>
/// <param name="near">The one for all reads; null for none that is known to be.</param>
/// <param name="readers">
/// The ones for parts, in an order that is the same for all clients; there are some where none is near.
/// </param>
internal sealed class ReadSpread(Seams seams, int serverCount, Server? near, Server[] readers)
{
    /// <summary>What of a file one server is asked for.</summary>
    public const int StripeBytes = 256 << 10;

    /// <summary>So long a read is waited for; then the server that everything goes to is asked.</summary>
    public const long PatienceMs = 1000;

    /// <summary>
    /// So long a server that did not answer a read is not asked again; each time it is twice as long.
    /// </summary>
    public const long PauseMsMin = 1000;

    public const long PauseMsMax = 32_000;

    private readonly long[] _pausedUntilNs = new long[serverCount]; // By index.
    private readonly long[] _pauseMs = new long[serverCount]; // The next pause; 0 for the shortest.
    private long _sent;
    private long _failed;
    private long _bytesMin;

    /// <summary>
    /// Smaller reads go to the server for everything: to ask it whether they are good costs as much. 0: all do.
    /// </summary>
    public long BytesMin
    {
        get => Volatile.Read(ref _bytesMin);
        set => Volatile.Write(ref _bytesMin, value);
    }

    /// <summary>Reads that another server was asked for than the one for everything.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Of these, those that it did not answer.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>A read of so many bytes may go elsewhere.</summary>
    public bool IsLarge(uint size) =>
        BytesMin is > 0 and var bytesMin && size >= bytesMin;

    /// <summary>Whom to ask for a large read; null for the server that everything goes to.</summary>
    /// <param name="file">Whose gfid is known.</param>
    /// <param name="offset">Where it begins, in bytes.</param>
    /// <param name="usual">The server that everything goes to.</param>
    public Server? Pick(in Gfid file, long offset, Server usual)
    {
        if (usual.IsLocal)
        {
            return null; // No other one is nearer, and it has to ask nobody.
        }

        var picked = near ?? Array.Find(readers, static r => r.IsLocal) ?? readers[PartOf(in file, offset)];
        if (picked == usual || !picked.IsUp
            || seams.Clock.MonotonicNs < Volatile.Read(ref _pausedUntilNs[picked.Index]))
        {
            return null;
        }

        _ = Interlocked.Increment(ref _sent);
        return picked;
    }

    public void Succeed(Server server)
    {
        if (Volatile.Read(ref _pauseMs[server.Index]) != 0)
        {
            Volatile.Write(ref _pauseMs[server.Index], 0);
        }
    }

    /// <summary>Of many reads that fail together the first one counts.</summary>
    public void Fail(Server server)
    {
        _ = Interlocked.Increment(ref _failed);
        var nowNs = seams.Clock.MonotonicNs;
        var untilNs = Volatile.Read(ref _pausedUntilNs[server.Index]);
        if (nowNs < untilNs)
        {
            return;
        }

        var pauseMs = Math.Max(PauseMsMin, Volatile.Read(ref _pauseMs[server.Index]));
        if (Interlocked.CompareExchange(
            ref _pausedUntilNs[server.Index], nowNs + (pauseMs * 1_000_000), untilNs) == untilNs)
        {
            Volatile.Write(ref _pauseMs[server.Index], Math.Min(pauseMs * 2, PauseMsMax));
        }
    }

    private int PartOf(in Gfid file, long offset) =>
        (int)((ulong)((offset / StripeBytes) + (uint)file.GetHashCode()) % (uint)readers.Length);
}
