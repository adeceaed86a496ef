using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>
/// What protocol/client keeps on an open fd: the number the server gave and for which connection it is good. Changed only
/// under the lock of the client's fd list.
/// </summary>
internal sealed class ClientFd(Fd fd, long number, int epoch)
{
    public Fd Fd { get; } = fd;

    /// <summary>The server's number; -1 when reopening failed.</summary>
    public long Number { get; set; } = number;

    /// <summary>Counts connections: the number is good on the connection of this epoch only.</summary>
    public int Epoch { get; set; } = epoch;

    /// <summary>Place in the list of open fds.</summary>
    public int Index { get; set; }
}
