using System;

namespace Myrmex.Cluster;

/// <summary>What members of a replica set tell their client besides <see cref="Base.ChangeRecord"/>.</summary>
internal static class MemberKeys
{
    /// <summary>In a reply: member number of the leader, where it is known.</summary>
    public static ReadOnlySpan<byte> Leader => "myrmex.leader"u8;

    /// <summary>
    /// In a READ: the member may answer from its own store although another one leads; EREMOTE when it cannot.
    /// </summary>
    public static ReadOnlySpan<byte> Here => "myrmex.here"u8;
}
