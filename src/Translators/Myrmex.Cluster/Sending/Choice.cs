using System.Threading;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// That a server was found to be the one to ask. <see cref="Number"/> counts how often it became another one, or one
/// that has forgotten what was open and locked there. It also counts the fops that are under way there, for those who
/// must know that none is any more.
/// </summary>
internal sealed class Choice(Server server, long number)
{
    private const int Closed = 1 << 30;

    private int _state; // Fops under way, and Closed.
    private Waiter? _emptied;

    public Server Server => server;

    public long Number => number;

    /// <summary><see cref="Server.Losses"/> when it was chosen.</summary>
    public int Losses { get; } = server.Losses;

    public int UnderWay => Volatile.Read(ref _state) & ~Closed;

    /// <summary>Counts a fop in; false when no more may go there. <see cref="Leave"/> counts it out.</summary>
    public bool TryEnter()
    {
        if ((Interlocked.Increment(ref _state) & Closed) == 0)
        {
            return true;
        }

        Leave();
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _state) == Closed)
        {
            Volatile.Read(ref _emptied)?.TryComplete(true);
        }
    }

    /// <summary>Nobody may go there any more.</summary>
    public void Close() => Interlocked.Or(ref _state, Closed);

    /// <summary>Completes the waiter when it is closed and nothing is under way; for one who waits.</summary>
    public void WhenEmpty(Waiter emptied)
    {
        Volatile.Write(ref _emptied, emptied);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _state) == Closed)
        {
            emptied.TryComplete(true);
        }
    }
}
