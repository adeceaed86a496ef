using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Protocol;

/// <summary>The fds that are open through one protocol/client, to be opened again after a reconnect.</summary>
internal sealed class OpenFdList
{
    private readonly List<ClientFd> _open = [];
    private readonly Lock _lock = new(); // Guards the list and the fds' places and numbers; a leaf lock.

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _open.Count;
            }
        }
    }

    public void Add(ClientFd fd)
    {
        lock (_lock)
        {
            fd.Index = _open.Count;
            _open.Add(fd);
        }
    }

    /// <summary>Takes an fd out and tells where it is open; from then on <see cref="TryMove"/> refuses it.</summary>
    public RemoteFd Remove(ClientFd fd)
    {
        lock (_lock)
        {
            if (fd.Index >= 0)
            {
                var last = _open[^1];
                _open[fd.Index] = last;
                last.Index = fd.Index;
                _open.RemoveAt(_open.Count - 1);
                fd.Index = -1;
            }

            return fd.Remote;
        }
    }

    /// <summary>Gives an fd its place on a new attachment; false when it has been closed meanwhile.</summary>
    public bool TryMove(ClientFd fd, RemoteFd remote)
    {
        lock (_lock)
        {
            if (fd.Index < 0)
            {
                return false;
            }

            fd.Remote = remote;
            return true;
        }
    }

    public ClientFd[] Snapshot()
    {
        lock (_lock)
        {
            return [.. _open];
        }
    }
}
