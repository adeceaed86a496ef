using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Protocol;

/// <summary>The fds that are open through one protocol/client, to be opened again after a reconnect.</summary>
internal sealed class OpenFdList
{
    private readonly List<ClientFd> _open = [];
    private readonly Lock _lock = new(); // Guards the list; a leaf lock.

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

    public void Remove(ClientFd fd)
    {
        lock (_lock)
        {
            var last = _open[^1];
            _open[fd.Index] = last;
            last.Index = fd.Index;
            _open.RemoveAt(_open.Count - 1);
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
