using System;
using Myrmex.Base;

namespace Myrmex.Features.Leases;

/// <summary>Who does a fop, or has a lease or an open file.</summary>
/// <param name="Id">The lease id of the fop; null for one without.</param>
/// <param name="Session">Where it came from: the connection, or the session of a replica set; 0 for unknown.</param>
/// <param name="Client">The connection; null for what the process itself does.</param>
internal readonly record struct LeaseUser(Gfid Id, UInt128 Session, ClientIdentity? Client)
{
    /// <summary>
    /// They have the same lease id, and come from the same place as far as that is known: with a log only those who ask
    /// for leases say of which session they are.
    /// </summary>
    public bool IsSame(in LeaseUser other) =>
        !Id.IsNull && Id == other.Id && (Session == other.Session || Session == 0 || other.Session == 0);
}
