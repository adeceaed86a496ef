using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>How often each file is open, and which open files have lost their last name. Safe for all threads.</summary>
internal sealed class OpenFiles
{
    private readonly Lock _lock = new(); // Guards the dictionary; a leaf lock.
    private readonly Dictionary<Gfid, State> _files = [];

    public int CountOf(in Gfid gfid)
    {
        lock (_lock)
        {
            return _files.TryGetValue(gfid, out var state) ? state.Opens : 0;
        }
    }

    public void Opened(in Gfid gfid)
    {
        lock (_lock)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_files, gfid, out _).Opens++;
        }
    }

    /// <summary>True when that was the last open of a file without names: its last copy can be removed.</summary>
    public bool Closed(in Gfid gfid)
    {
        lock (_lock)
        {
            ref var state = ref CollectionsMarshal.GetValueRefOrNullRef(_files, gfid);
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref state) || --state.Opens > 0)
            {
                return false;
            }

            var unlinked = state.IsUnlinked;
            _files.Remove(gfid);
            return unlinked;
        }
    }

    /// <summary>Marks a file that lost its last name; false when nobody has it open.</summary>
    public bool MarkUnlinked(in Gfid gfid)
    {
        lock (_lock)
        {
            ref var state = ref CollectionsMarshal.GetValueRefOrNullRef(_files, gfid);
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

    private struct State
    {
        public int Opens;
        public bool IsUnlinked;
    }
}
