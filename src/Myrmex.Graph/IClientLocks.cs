using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>Knows the locks of each client of a door: what has to go with it to another process.</summary>
public interface IClientLocks
{
    /// <summary>The POSIX locks of a client through an open file, with the owners that it sent.</summary>
    IReadOnlyList<HeldLock> LocksOf(ClientIdentity client, Fd fd);

    /// <summary>It holds what goes with no open file, and cannot be taken along.</summary>
    bool HoldsOthers(ClientIdentity client);

    /// <summary>
    /// Takes back what a client waits for: its requests end with EINTR, whatever they were about to get, to be made
    /// again elsewhere. May be called again while some are left.
    /// </summary>
    void TakeBackWaits(ClientIdentity client);
}
