using System;
using Myrmex.Base;

namespace Myrmex.Features.Leases;

/// <summary>Who does a fop, or has a lease or an open file.</summary>
/// <param name="Id">The lease id of the fop; null for one without.</param>
/// <param name="Session">Where it came from: the connection, or the session of a replica set.</param>
/// <param name="Client">The connection.</param>
internal readonly record struct LeaseUser(Gfid Id, UInt128 Session, ClientIdentity? Client)
{
    /// <summary>The lease id in the xdata of fops, 16 bytes. Source: docs/reference/leases.md.</summary>
    private static ReadOnlySpan<byte> Key => "lease-id"u8;

    public bool IsSame(in LeaseUser other) => !Id.IsNull && Id == other.Id && Session == other.Session;

    public static Gfid IdOf(XData? xdata) =>
        xdata is { Count: > 0 } && xdata.TryGetBytes(Key, out var bytes) && bytes.Length == Gfid.Size
            ? Gfid.FromBytes(bytes) : Gfid.Null;
}
