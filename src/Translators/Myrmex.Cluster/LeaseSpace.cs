using System;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster;

/// <summary>How leases are written as record locks. On disk: never change it.</summary>
internal static class LeaseSpace
{
    /// <summary>
    /// What an inode's gfid is changed by: gfids are UUIDs of version 4, and these are of none, so no inode has one.
    /// </summary>
    private const ulong Mark = 0xB000;

    /// <summary>The gfid whose locks are the leases of an inode.</summary>
    public static Gfid Of(in Gfid gfid) => new(gfid.High ^ Mark, gfid.Low);

    /// <summary>Whether it is one of them; <see cref="Of"/> is the way back, too.</summary>
    public static bool IsIn(in Gfid gfid) => ((gfid.High >> 12) & 0xF) == 0xF;

    /// <param name="type">None to give it back.</param>
    public static RangeLock LockOf(in Gfid id, UInt128 session, uint type) => new(
        session, OwnerOf(in id),
        type switch
        {
            LeaseType.None => LockType.Unlock,
            LeaseType.Read => LockType.Read,
            _ => LockType.Write,
        },
        0, long.MaxValue, 0);

    public static LkOwner OwnerOf(in Gfid id)
    {
        Span<byte> bytes = stackalloc byte[Gfid.Size];
        id.CopyTo(bytes);
        return new LkOwner(bytes);
    }

    public static LoggedLease LeaseOf(in RangeLock held)
    {
        Span<byte> bytes = stackalloc byte[LkOwner.LengthMax];
        held.Owner.CopyTo(bytes);
        return new LoggedLease(
            Gfid.FromBytes(bytes[..Gfid.Size]), held.Session,
            held.Type == LockType.Write ? LeaseType.ReadWrite : LeaseType.Read);
    }
}
