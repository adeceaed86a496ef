using System;
using Myrmex.Base;

namespace Myrmex.Features.Leases;

/// <summary>Who does a fop, or has a lease or an open file.</summary>
/// <param name="Id">The lease id of the fop; null for one without.</param>
/// <param name="Session">
/// Where it came from: the connection, the client behind a proxy (<see cref="LockSession"/>), or the session of a
/// replica set; 0 for unknown.
/// </param>
/// <param name="Client">The connection; null for what the process itself does.</param>
internal readonly record struct LeaseUser(Gfid Id, UInt128 Session, ClientIdentity? Client)
{
    /// <summary>
    /// They have the same lease id, and come from the same place as far as that is known: fops by path do not
    /// say, and with a log only those who ask for leases do.
    /// </summary>
    public bool IsSame(in LeaseUser other) =>
        !Id.IsNull && Id == other.Id && (Session == other.Session || Session == 0 || other.Session == 0);

    /// <summary>It is a client behind a proxy: what it has stays for a while when the connection has gone.</summary>
    public bool IsNamed { get; init; }

    /// <summary>Of such a client: how many proxies it has used; 0 when it cannot come through another one.</summary>
    public uint Epoch { get; init; }

    /// <summary>When its proxy says that it has left, it may come through another one.</summary>
    public bool MayReturn => Epoch > 0;
}
