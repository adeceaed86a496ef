using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>
/// Answers in memory, the least recently used goes first, and the promises of bricks that they may be given by. Any
/// thread.
/// Invariants:
/// - something is answered only while all bricks of the volume promise to tell of changes;
/// - all goes when one of these promises has ended, even if there is another one at once;
/// - of an inode that changes nothing is kept that was asked for before the change was told or, through this graph,
/// had ended;
/// - nothing is answered for longer than the bricks remember that it was looked at.
/// </summary>
internal sealed partial class SharedCacheStore : ICacheLeaseWatcher
{
    private readonly Lock _guard = new(); // Guards everything here but the counters; a leaf lock.

    // A pool of its own: what is kept here must not count as work under way, which stops the links of the process.
    private readonly PayloadPool _pool = new(long.MaxValue);
    private readonly Dictionary<ICacheLease, long> _leases = []; // Of those that promise something: until when.
    private readonly Dictionary<Gfid, CachedInode> _inodes = [];
    private readonly Dictionary<ulong, CachedItem> _items = [];
    private readonly RecentChanges _changes = new(SharedCacheLimits.ChangedInodesMax);
    private readonly UseOrder<CachedItem> _order = new();
    private int _leaseCount = -1; // How many there have to be; -1 for a cache that is off.
    private long _validUntilNs = long.MinValue;
    private long _bytes;
    private long _bytesMax;
    private int _changingAll;
    private long _era;
    private long _invalidations;
    private long _losses;

    /// <summary>What is kept, for people.</summary>
    public (int Inodes, int Items, long Bytes) Figures
    {
        get
        {
            lock (_guard)
            {
                return (_inodes.Count, _items.Count, _bytes);
            }
        }
    }

    /// <summary>Inodes that were dropped because they changed.</summary>
    public long Invalidations => Volatile.Read(ref _invalidations);

    /// <summary>How often all was dropped because a promise had ended.</summary>
    public long Losses => Volatile.Read(ref _losses);

    /// <summary>Bricks that promise something now.</summary>
    public int LeasesHeld
    {
        get
        {
            lock (_guard)
            {
                return _leases.Count;
            }
        }
    }

    /// <summary>Bytes of native memory in use; for tests.</summary>
    internal long OutstandingBytes => _pool.OutstandingBytes;

    /// <summary>May be used from now on, once so many bricks promise to tell.</summary>
    public void Open(int leaseCount)
    {
        lock (_guard)
        {
            _leaseCount = leaseCount > 0 ? leaseCount : -1;
            Forget();
        }
    }

    /// <summary>Keeps nothing any more, and gives its memory back to the system.</summary>
    public void Close()
    {
        Open(0);
        _pool.Trim();
        _pool.Trim(); // What was touched since the first time.
    }

    public void Resize(long bytesMax)
    {
        lock (_guard)
        {
            _bytesMax = bytesMax;
            Shrink();
        }
    }

    /// <summary>Answers may be given now.</summary>
    public bool IsValid(long nowNs) => nowNs < Volatile.Read(ref _validUntilNs);

    public void LeaseExtended(ICacheLease lease, long untilNs)
    {
        lock (_guard)
        {
            _leases[lease] = untilNs;
            if (_leases.Count != _leaseCount)
            {
                return;
            }

            var validNs = long.MaxValue;
            foreach (var (_, endNs) in _leases)
            {
                validNs = Math.Min(validNs, endNs);
            }

            Volatile.Write(ref _validUntilNs, validNs);
        }
    }

    public void LeaseLost(ICacheLease lease)
    {
        lock (_guard)
        {
            if (_leases.Remove(lease))
            {
                Interlocked.Increment(ref _losses);
            }

            Volatile.Write(ref _validUntilNs, long.MinValue);
            _era++;
            Clear();
        }
    }

    public void InodeChanges(in Gfid gfid)
    {
        lock (_guard)
        {
            Drop(in gfid);
        }
    }

    /// <summary>A look whose answer may be kept starts. End it with <see cref="EndLook"/>.</summary>
    public CacheLook BeginLook(long nowNs)
    {
        lock (_guard)
        {
            return new CacheLook(_changes.BeginLook(), _era, nowNs);
        }
    }

    public void EndLook()
    {
        lock (_guard)
        {
            _changes.EndLook();
        }
    }

    /// <summary>A change through this graph starts. End it with <see cref="EndChange"/>.</summary>
    public void BeginChange(in ChangedInodes changed)
    {
        lock (_guard)
        {
            DropNamed(changed.Target);
            DropNamed(changed.Source);
            for (var i = 0; i < changed.Count; i++)
            {
                var gfid = changed[i];
                _changes.Begin(in gfid);
                Drop(in gfid);
            }

            if (changed.MayChangeAnything)
            {
                _changingAll++;
                Clear();
            }
        }
    }

    public void EndChange(in ChangedInodes changed)
    {
        lock (_guard)
        {
            for (var i = 0; i < changed.Count; i++)
            {
                var gfid = changed[i];
                _changes.End(in gfid);
                Drop(in gfid);
            }

            if (changed.MayChangeAnything)
            {
                _changingAll--;
                _era++;
                Clear();
            }
        }
    }

    /// <summary>Under the lock: what the look has brought may be kept of this inode.</summary>
    private bool MayKeep(in Gfid gfid, in CacheLook look) =>
        look.Era == _era && _changingAll == 0 && !_changes.MayHaveChanged(in gfid, look.Since);

    private void Forget()
    {
        _leases.Clear();
        Volatile.Write(ref _validUntilNs, long.MinValue);
        _era++;
        Clear();
    }

    private void Drop(in Gfid gfid)
    {
        if (_inodes.TryGetValue(gfid, out var inode))
        {
            Interlocked.Increment(ref _invalidations);
            Remove(inode);
        }

        _changes.Note(in gfid);
    }

    private void DropNamed((Gfid Parent, Name Name) at)
    {
        if (at.Parent.IsNull || !_inodes.TryGetValue(at.Parent, out var parent))
        {
            return;
        }

        for (var item = parent.First; item is not null; item = item.NextOfOwner)
        {
            if (item is CachedLookup { Child: { IsGone: false } child } lookup && !ReferenceEquals(child, parent)
                && at.Name.Equals(lookup.Name))
            {
                Drop(child.Gfid);
                return; // All answers about the name are of one inode.
            }
        }
    }

    private void Clear()
    {
        while (_order.Oldest is { } oldest)
        {
            Remove(oldest);
        }

        foreach (var (_, inode) in _inodes)
        {
            inode.IsGone = true;
        }

        _inodes.Clear();
    }

    private void Shrink()
    {
        while (_bytes > _bytesMax && _order.Oldest is { } oldest)
        {
            Remove(oldest);
        }
    }

    private CachedInode Need(in Gfid gfid)
    {
        if (!_inodes.TryGetValue(gfid, out var inode))
        {
            inode = new CachedInode(gfid);
            _inodes.Add(gfid, inode);
        }

        return inode;
    }

    /// <summary>An item that is kept now makes room for the next with its key, before that has its inodes.</summary>
    private void MakePlace(ulong key)
    {
        if (_items.TryGetValue(key, out var old))
        {
            Remove(old);
        }
    }

    private void Add(CachedItem item)
    {
        _items.Add(item.Key, item);
        _bytes += item.Cost;
        item.NextOfOwner = item.Owner.First;
        if (item.Owner.First is { } first)
        {
            first.PreviousOfOwner = item;
        }

        item.Owner.First = item;
        if (item is CachedLookup { Child: { } child })
        {
            child.References++;
        }

        _order.Add(item);
        Shrink();
    }

    /// <summary>The inode changes: it is gone, with all that is its own.</summary>
    private void Remove(CachedInode inode)
    {
        inode.IsGone = true;
        _inodes.Remove(inode.Gfid);
        while (inode.First is { } item)
        {
            Remove(item);
        }
    }

    private void Remove(CachedItem item)
    {
        _items.Remove(item.Key);
        _bytes -= item.Cost;
        _order.Remove(item);
        if (item.PreviousOfOwner is null)
        {
            item.Owner.First = item.NextOfOwner;
        }
        else
        {
            item.PreviousOfOwner.NextOfOwner = item.NextOfOwner;
        }

        if (item.NextOfOwner is not null)
        {
            item.NextOfOwner.PreviousOfOwner = item.PreviousOfOwner;
        }

        if (item is CachedLookup { Child: { } child })
        {
            child.References--;
            ForgetUnused(child);
        }

        ForgetUnused(item.Owner);
        item.Free();
    }

    private void ForgetUnused(CachedInode inode)
    {
        if (inode is { First: null, References: 0, IsGone: false })
        {
            inode.IsGone = true;
            _inodes.Remove(inode.Gfid);
        }
    }
}
