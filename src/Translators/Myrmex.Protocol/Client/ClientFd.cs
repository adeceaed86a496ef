using System.Threading;
using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>What protocol/client keeps on an open fd.</summary>
internal sealed class ClientFd(Fd fd, RemoteFd remote)
{
    private RemoteFd _remote = remote;

    public Fd Fd { get; } = fd;

    /// <summary>Where it is open at the server; changed only under the lock of the client's fd list.</summary>
    public RemoteFd Remote
    {
        get => Volatile.Read(ref _remote);
        set => Volatile.Write(ref _remote, value);
    }

    /// <summary>Place in the list of open fds; -1 when it is not in it.</summary>
    public int Index { get; set; } = -1;
}

/// <summary>The server's number of an fd and the attachment it is good for; -1 when the server could not open it again.</summary>
internal sealed record RemoteFd(ClientAttachment Attachment, long Number);
