using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Which server is asked for a large read, when more than one can answer it: the near one, or each for a part of the
/// file, so that many readers have the links and disks of all. The one that everything else goes to is asked for what
/// the others do not answer.
/// </summary>
/// <param name="near">The one for all reads; null for none.</param>
/// <param name="readers">The ones for parts, in an order that is the same for all clients.</param>
internal sealed class ReadSpread(Seams seams, int serverCount, Server? near, Server[] readers)
{
    /// <summary>What of a file one server is asked for.</summary>
    public const int StripeBytes = 256 << 10;

    /// <summary>So long a server that did not answer a read is not asked again.</summary>
    public const long PauseMs = 1000;

    private readonly long[] _pausedUntilNs = new long[serverCount]; // By index.
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

    /// <summary>Whom to ask; null for the server that everything goes to.</summary>
    /// <param name="file">Whose gfid is known.</param>
    /// <param name="fop">The read.</param>
    /// <param name="usual">The server that everything goes to.</param>
    public Server? Pick(in Gfid file, in ReadFop fop, Server usual)
    {
        var bytesMin = BytesMin;
        if (bytesMin == 0 || fop.Size < bytesMin || (near is null && readers.Length == 0))
        {
            return null;
        }

        var picked = near ?? readers[PartOf(in file, fop.Offset)];
        if (picked == usual || !picked.IsUp
            || seams.Clock.MonotonicNs < Volatile.Read(ref _pausedUntilNs[picked.Index]))
        {
            return null;
        }

        _ = Interlocked.Increment(ref _sent);
        return picked;
    }

    public void Fail(Server server)
    {
        _ = Interlocked.Increment(ref _failed);
        Volatile.Write(ref _pausedUntilNs[server.Index], seams.Clock.MonotonicNs + (PauseMs * 1_000_000));
    }

    private int PartOf(in Gfid file, long offset) =>
        (int)((ulong)((offset / StripeBytes) + (uint)file.GetHashCode()) % (uint)readers.Length);
}
