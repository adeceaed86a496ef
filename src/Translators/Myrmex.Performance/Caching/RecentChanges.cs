using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// What changed while looks were under way: what a look has brought may be kept of an inode only if that is not being
/// changed and has not changed since the look began. Belongs to a cache and is guarded by its lock.
/// </summary>
/// <param name="countMax">Changed inodes that are remembered; with more, all looks under way are in vain.</param>
internal sealed class RecentChanges(int countMax)
{
    private readonly Dictionary<Gfid, int> _changing = [];
    private readonly Dictionary<Gfid, long> _changed = [];
    private int _lookers;
    private long _now;
    private long _forgottenAt = -1; // Changes that ended up to here are not remembered.

    /// <summary>
    /// A look starts; its place in the order of looks and changes. End it with <see cref="EndLook"/>.
    /// </summary>
    public long BeginLook()
    {
        _lookers++;
        return ++_now;
    }

    public void EndLook()
    {
        if (--_lookers == 0)
        {
            ForgetAll();
        }
    }

    /// <summary>A change of the inode through this graph starts. End it with <see cref="End"/>.</summary>
    public void Begin(in Gfid gfid) => _changing[gfid] = _changing.GetValueOrDefault(gfid) + 1;

    public void End(in Gfid gfid)
    {
        var others = _changing.GetValueOrDefault(gfid) - 1;
        Invariant.Check(others >= 0);
        if (others == 0)
        {
            _changing.Remove(gfid);
        }
        else
        {
            _changing[gfid] = others;
        }
    }

    /// <summary>The inode has changed, or may have.</summary>
    public void Note(in Gfid gfid)
    {
        if (_lookers == 0)
        {
            return;
        }

        if (_changed.Count >= countMax)
        {
            ForgetAll();
        }

        _changed[gfid] = ++_now;
    }

    /// <summary>The inode changes, or may have changed since a look began.</summary>
    public bool MayHaveChanged(in Gfid gfid, long since) =>
        since <= _forgottenAt || _changing.ContainsKey(gfid)
        || (_changed.TryGetValue(gfid, out var at) && at > since);

    private void ForgetAll()
    {
        _changed.Clear();
        _forgottenAt = _now;
    }
}
