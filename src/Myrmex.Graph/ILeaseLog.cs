using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>A lease that a log keeps.</summary>
/// <param name="Id">Its lease id.</param>
/// <param name="Session">The session that holds it.</param>
/// <param name="Type"><see cref="LeaseType"/>.</param>
public readonly record struct LoggedLease(Gfid Id, UInt128 Session, uint Type);

/// <summary>
/// Keeps leases for features/leases, which stands above it, where they have to survive the server: what is granted and
/// given back is a LEASE that it takes to its log. All methods are safe for all threads and take no time but those that
/// say so.
/// </summary>
public interface ILeaseLog
{
    /// <summary>
    /// The term in which this server decides; 0 while it does not. What was said to holders in one term is not known in
    /// another.
    /// </summary>
    ulong LeaseTerm { get; }

    /// <summary>It has decided for long enough that all who have files open have come back to it.</summary>
    bool MayGrantLeases { get; }

    /// <summary>The session that a request belongs to; 0 for none.</summary>
    UInt128 SessionOf(XData? xdata);

    /// <summary>Adds the leases of a file.</summary>
    void ListLeases(Gfid gfid, List<LoggedLease> leases);

    /// <summary>Adds the files that somebody has a lease of.</summary>
    void ListLeasedFiles(List<Gfid> files);

    /// <summary>Adds the connections that a session is behind; null for this process itself.</summary>
    void ListClients(UInt128 session, List<ClientIdentity?> clients);

    /// <summary>Ends a lease whose holder has not given it back; waits for the log.</summary>
    ValueTask<Errno> EndLeaseAsync(Gfid gfid, LoggedLease lease);
}
