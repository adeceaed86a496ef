using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// Which files have a link below <c>kept</c>. Usually none: who asks then pays one read. Safe for all threads.
/// </summary>
internal sealed class KeptSet
{
    private readonly Lock _lock = new(); // Guards _gfids; a leaf lock.
    private readonly HashSet<Gfid> _gfids = [];
    private int _count; // Of _gfids, for those who look without the lock.

    public int Count => Volatile.Read(ref _count);

    /// <summary>Reads what is on the disk.</summary>
    /// <param name="internalFd">The open <c>.glusterfs</c>.</param>
    public void Load(int internalFd)
    {
        lock (_lock)
        {
            _gfids.Clear();
            Volatile.Write(ref _count, 0);
        }

        var fd = Sys.OpenAt(internalFd, HandleTree.KeptDirectory, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        if (fd < 0)
        {
            if (Sys.ErrorOf(fd) != Errno.ENOENT)
            {
                Log.Warning("posix", "cannot look into .glusterfs/kept", ("errno", Sys.ErrorOf(fd)));
            }

            return;
        }

        foreach (var name in DirectoryScan.Names(fd))
        {
            if (Gfid.TryParse(name, out var gfid))
            {
                Add(in gfid);
            }
        }

        Sys.Close(fd);
    }

    public bool Contains(in Gfid gfid)
    {
        if (Count == 0)
        {
            return false;
        }

        lock (_lock)
        {
            return _gfids.Contains(gfid);
        }
    }

    public void Add(in Gfid gfid)
    {
        lock (_lock)
        {
            _gfids.Add(gfid);
            Volatile.Write(ref _count, _gfids.Count);
        }
    }

    public void Remove(in Gfid gfid)
    {
        lock (_lock)
        {
            _gfids.Remove(gfid);
            Volatile.Write(ref _count, _gfids.Count);
        }
    }

    public Gfid[] ToArray()
    {
        lock (_lock)
        {
            return [.. _gfids];
        }
    }
}
