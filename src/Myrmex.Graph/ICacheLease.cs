using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// A translator that speaks to a server which can promise to tell, before anybody else changes what was looked at
/// through it: a cache above may keep answers for as long as the promise lasts. docs/internals/decisions/0017.
/// </summary>
public interface ICacheLease
{
    /// <summary>
    /// Asks the server for its promise, and goes on asking, for a watcher; null gives it back. Any thread; does not
    /// block. The watcher is called on the loop of the connection, in the order of what arrives on it, and never after
    /// another one, or null, was given.
    /// </summary>
    void WatchLease(ICacheLeaseWatcher? watcher);
}

/// <summary>Hears of the promises of servers. All of it is memory work: who calls waits for it.</summary>
public interface ICacheLeaseWatcher
{
    /// <summary>
    /// The promise holds until <paramref name="untilNs"/> of <c>IClock.BootNs</c>, for all that was asked since it was
    /// first given.
    /// </summary>
    void LeaseExtended(ICacheLease lease, long untilNs);

    /// <summary>
    /// The server promises nothing any more of what was asked up to now, also when it promises again: what was learnt
    /// through it is void, and so is what is still being asked.
    /// </summary>
    void LeaseLost(ICacheLease lease);

    /// <summary>
    /// The inode is about to change, or may have: when this returns nothing that was asked before is answered from
    /// memory.
    /// </summary>
    void InodeChanges(in Gfid gfid);
}
