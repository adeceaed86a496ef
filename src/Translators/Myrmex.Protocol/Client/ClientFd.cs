using System.Threading;
using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>What protocol/client keeps on an open fd.</summary>
internal sealed class ClientFd(Fd fd, RemoteFd remote)
{
    private RemoteFd _remote = remote;
    private volatile bool _isWaitingForLocks;

    public Fd Fd { get; } = fd;

    /// <summary>Where it is open at the server; changed only under the lock of the client's fd list.</summary>
    public RemoteFd Remote
    {
        get => Volatile.Read(ref _remote);
        set => Volatile.Write(ref _remote, value);
    }

    /// <summary>It is open at the server again, and not yet usable because a lock is held by somebody else.</summary>
    public bool IsWaitingForLocks
    {
        get => _isWaitingForLocks;
        set => _isWaitingForLocks = value;
    }

    /// <summary>The lease id that it was opened with, and whose that is; null and none without.</summary>
    public (Gfid Id, LockSession Name) Lease { get; init; }

    /// <summary>Somebody else may have held its locks meanwhile: it is bad until it is closed.</summary>
    public bool HasLostLocks { get; set; }

    /// <summary>Place in the list of open fds; -1 when it is not in it.</summary>
    public int Index { get; set; } = -1;
}

/// <summary>The server's number of an fd and the attachment it is good for.</summary>
internal sealed record RemoteFd(ClientAttachment Attachment, long Number)
{
    /// <summary>Number of an fd that could not be opened again, or not with its locks.</summary>
    public const long Bad = -1;

    /// <summary>Number that stands for "this file, just for this fop".</summary>
    public const long Anonymous = -2;
}
