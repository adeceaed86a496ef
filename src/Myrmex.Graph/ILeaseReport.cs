using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>A lease that is held at a brick, for administrators.</summary>
/// <param name="Gfid">Of the file.</param>
/// <param name="Id">The lease id.</param>
/// <param name="Type"><see cref="LeaseType"/>.</param>
/// <param name="Holder">
/// Whose it is: the client behind a proxy by its name (<see cref="LockSession"/>), the session of a replica set, or the
/// number of a connection.
/// </param>
/// <param name="Clients">The connections that the holder is reached by; none when it is away.</param>
public sealed record LeaseReport(
    Gfid Gfid, Gfid Id, uint Type, UInt128 Holder, IReadOnlyList<ClientIdentity> Clients)
{
    /// <summary>Milliseconds since it was granted; -1 when another server of the set has granted it.</summary>
    public long HeldMs { get; init; }

    /// <summary>It is wanted back.</summary>
    public bool IsRecalled { get; init; }

    /// <summary>Fops that wait for the file.</summary>
    public int Waiting { get; init; }
}

/// <summary>Tells which leases are held.</summary>
public interface ILeaseReport
{
    /// <summary>At most so many, in the order of their files; none where another server decides.</summary>
    IReadOnlyList<LeaseReport> ReportLeases(int countMax);
}
