using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>
/// How often each file is open, and which open files have lost their last name. An opener counts itself in before it
/// opens, so that an unlink either sees it or has finished first. Safe for all threads.
/// </summary>
internal sealed class OpenTable
{
    private readonly Lock _lock = new(); // Guards _files; a leaf lock.
    private readonly Dictionary<Gfid, OpenState> _files = [];

    private struct OpenState
    {
        public int Count;
        public bool IsUnlinked;
    }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _files.Count;
            }
        }
    }

    public void Enter(in Gfid gfid)
    {
        lock (_lock)
        {
            ref var state = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
                _files, gfid, out _);
            state.Count++;
        }
    }

    /// <summary>
    /// True when that was the last opener of an unlinked file: what is left of it must be removed now.
    /// </summary>
    public bool Leave(in Gfid gfid)
    {
        lock (_lock)
        {
            ref var state = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(_files, gfid);
            Invariant.Check(!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref state));
            if (--state.Count > 0)
            {
                return false;
            }

            var isUnlinked = state.IsUnlinked;
            _files.Remove(gfid);
            return isUnlinked;
        }
    }

    /// <summary>Number of opens of a file, anonymous ones not counted.</summary>
    public int CountOf(in Gfid gfid)
    {
        lock (_lock)
        {
            return _files.TryGetValue(gfid, out var state) ? state.Count : 0;
        }
    }

    /// <summary>Notes that a file has lost its last name. False when nobody has it open.</summary>
    public bool TryMarkUnlinked(in Gfid gfid)
    {
        lock (_lock)
        {
            ref var state = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(_files, gfid);
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref state))
            {
                return false;
            }

            state.IsUnlinked = true;
            return true;
        }
    }

    public bool IsUnlinked(in Gfid gfid)
    {
        lock (_lock)
        {
            return _files.TryGetValue(gfid, out var state) && state.IsUnlinked;
        }
    }

    /// <summary>All unlinked files, for the end.</summary>
    public List<Gfid> Unlinked()
    {
        lock (_lock)
        {
            var unlinked = new List<Gfid>();
            foreach (var (gfid, state) in _files)
            {
                if (state.IsUnlinked)
                {
                    unlinked.Add(gfid);
                }
            }

            return unlinked;
        }
    }
}
