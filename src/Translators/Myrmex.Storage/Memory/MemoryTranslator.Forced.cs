using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Storage;

/// <summary>The orphan pool of a replay, a directory without a name; and kept files.</summary>
public sealed partial class MemoryTranslator
{
    private readonly HashSet<Gfid> _kept = [];

    Errno IForcedStore.OpenPool()
    {
        lock (_lock)
        {
            if (Find(IForcedStore.Pool) is null)
            {
                var pool = new MemoryNode(IForcedStore.Pool, FileMode.Directory | 0x1C0) { Nlink = 2 };
                _nodes.Add(IForcedStore.Pool, pool);
            }

            return Errno.Ok;
        }
    }

    Errno IForcedStore.ClosePool()
    {
        lock (_lock)
        {
            if (Find(IForcedStore.Pool) is { Directory.Count: > 0 })
            {
                return Errno.ENOTEMPTY;
            }

            _nodes.Remove(IForcedStore.Pool);
            return Errno.Ok;
        }
    }

    Errno IForcedStore.Locate(in Gfid directory, out Gfid parent, out Name name)
    {
        lock (_lock)
        {
            parent = default;
            name = default;
            if (Find(directory) is not { } node || (node.IsDirectory && node.Parent is null))
            {
                return Errno.ESTALE;
            }

            if (node.Parent is not { Directory: { } names } above)
            {
                return Errno.ENOTDIR;
            }

            ulong cookie = 0;
            while (names.TryGetAfter(cookie, out var entry))
            {
                if (ReferenceEquals(entry.Node, node))
                {
                    parent = above.Gfid;
                    name = entry.Name;
                    return Errno.Ok;
                }

                cookie = entry.Cookie;
            }

            return Errno.ESTALE;
        }
    }

    Errno IForcedStore.Keep(in Gfid gfid)
    {
        lock (_lock)
        {
            if (Find(gfid) is not { IsDirectory: false } node)
            {
                return Errno.ESTALE;
            }

            node.IsKept = true;
            _kept.Add(gfid);
            return Errno.Ok;
        }
    }

    Errno IForcedStore.LetGo(in Gfid gfid)
    {
        lock (_lock)
        {
            if (_kept.Remove(gfid) && Find(gfid) is { } node)
            {
                node.IsKept = false;
                DropIfDead(node);
            }

            return Errno.Ok;
        }
    }

    bool IForcedStore.IsKept(in Gfid gfid)
    {
        lock (_lock)
        {
            return _kept.Contains(gfid);
        }
    }

    int IForcedStore.KeptCount
    {
        get
        {
            lock (_lock)
            {
                return _kept.Count;
            }
        }
    }

    IReadOnlyList<Gfid> IForcedStore.ListKept()
    {
        lock (_lock)
        {
            return [.. _kept];
        }
    }

    /// <summary>There is no disk.</summary>
    Errno IForcedStore.SyncAll() => Errno.Ok;
}
