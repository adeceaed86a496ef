using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// Fops that learn attributes of files nobody named beforehand (lookup by name, listing) and may meet writes on the way. Remembers
/// which files settled while such a fop was under way: what it learned about them may be older than an answered write.
/// </summary>
internal sealed class Observers
{
    private readonly Lock _guard = new(); // Guards everything here; a leaf lock.
    private readonly Dictionary<Gfid, long> _settled = [];
    private int _count;
    private long _now;
    private long _forgottenAt = -1; // Files that settled up to here are not remembered.

    /// <summary>A fop starts to look. End it with <see cref="End"/>.</summary>
    public long Begin()
    {
        lock (_guard)
        {
            _count++;
            return ++_now;
        }
    }

    public void End()
    {
        lock (_guard)
        {
            if (--_count == 0)
            {
                _settled.Clear();
                _forgottenAt = _now;
            }
        }
    }

    /// <summary>The last answered write of a file is done.</summary>
    public void Settled(in Gfid gfid)
    {
        lock (_guard)
        {
            if (_count == 0)
            {
                return;
            }

            if (_settled.Count >= WriteBehindLimits.SettledFilesMax)
            {
                _settled.Clear();
                _forgottenAt = _now;
            }

            _settled[gfid] = ++_now;
        }
    }

    /// <summary>True when the file may have settled since a fop began to look; to be asked before its end.</summary>
    public bool MayHaveSettled(in Gfid gfid, long since)
    {
        lock (_guard)
        {
            return since <= _forgottenAt || (_settled.TryGetValue(gfid, out var at) && at > since);
        }
    }
}
