using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Open descriptors by gfid, the least recently used one closed when there are too many. Safe for all threads.</summary>
internal sealed class FdCache(int countMax)
{
    private readonly Lock _lock = new(); // Guards both collections; a leaf lock.
    private readonly Dictionary<Gfid, LinkedListNode<(Gfid Gfid, FdReference Fd)>> _index = [];
    private readonly LinkedList<(Gfid Gfid, FdReference Fd)> _byUse = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _index.Count;
            }
        }
    }

    /// <summary>The descriptor, held for the caller, or null.</summary>
    public FdReference? TryGet(in Gfid gfid)
    {
        lock (_lock)
        {
            if (!_index.TryGetValue(gfid, out var node))
            {
                return null;
            }

            if (!ReferenceEquals(_byUse.First, node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }

            return node.Value.Fd.TryHold() ? node.Value.Fd : null;
        }
    }

    /// <summary>
    /// Keeps a descriptor, taking over one hold of it. When another came first that one is given, held, and ours is dropped.
    /// </summary>
    public FdReference Add(in Gfid gfid, FdReference fd)
    {
        FdReference? evicted = null;
        lock (_lock)
        {
            if (_index.TryGetValue(gfid, out var existing) && existing.Value.Fd.TryHold())
            {
                fd.Drop();
                return existing.Value.Fd;
            }

            Invariant.Check(fd.TryHold());
            _index[gfid] = _byUse.AddFirst((gfid, fd));
            if (_index.Count > countMax)
            {
                var last = _byUse.Last!;
                _byUse.RemoveLast();
                _index.Remove(last.Value.Gfid);
                evicted = last.Value.Fd;
            }
        }

        evicted?.Drop();
        return fd;
    }

    public void Remove(in Gfid gfid)
    {
        FdReference? removed = null;
        lock (_lock)
        {
            if (_index.Remove(gfid, out var node))
            {
                _byUse.Remove(node);
                removed = node.Value.Fd;
            }
        }

        removed?.Drop();
    }

    public void Clear()
    {
        lock (_lock)
        {
            foreach (var (_, fd) in _byUse)
            {
                fd.Drop();
            }

            _byUse.Clear();
            _index.Clear();
        }
    }
}
