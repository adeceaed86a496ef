using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>
/// Files kept open for fops that name a file without having opened it. Bounded; the least recently used goes first.
/// Safe for all threads.
/// </summary>
internal sealed class AnonymousFiles
{
    private readonly Lock _lock = new(); // Guards the fields; a leaf lock.
    private readonly Dictionary<Gfid, LinkedListNode<OpenFile>> _index = [];
    private readonly LinkedList<OpenFile> _byUse = new();

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

    /// <summary>The file with a reference for the caller, or null.</summary>
    public OpenFile? TryGet(in Gfid gfid)
    {
        lock (_lock)
        {
            if (!_index.TryGetValue(gfid, out var node) || !node.Value.TryRetain())
            {
                return null;
            }

            if (!ReferenceEquals(_byUse.First, node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }

            return node.Value;
        }
    }

    /// <summary>Keeps a file, which has one reference for the table and one for the caller.</summary>
    public void Add(OpenFile file)
    {
        OpenFile? evicted = null;
        lock (_lock)
        {
            if (_index.Remove(file.Gfid, out var other))
            {
                _byUse.Remove(other);
                evicted = other.Value;
            }
            else if (_index.Count >= PosixLimits.AnonymousFilesMax)
            {
                evicted = _byUse.Last!.Value; // The index is not empty.
                _byUse.RemoveLast();
                _index.Remove(evicted.Gfid);
            }

            _index[file.Gfid] = _byUse.AddFirst(file);
        }

        evicted?.Release();
    }

    public void Drop(in Gfid gfid)
    {
        OpenFile? dropped = null;
        lock (_lock)
        {
            if (_index.Remove(gfid, out var node))
            {
                _byUse.Remove(node);
                dropped = node.Value;
            }
        }

        dropped?.Release();
    }

    public void Clear()
    {
        List<OpenFile> all;
        lock (_lock)
        {
            all = [.. _byUse];
            _byUse.Clear();
            _index.Clear();
        }

        foreach (var file in all)
        {
            file.Release();
        }
    }
}
