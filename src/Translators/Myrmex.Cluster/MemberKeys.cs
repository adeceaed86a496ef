using System;

namespace Myrmex.Cluster;

/// <summary>What members of a replica set tell their client besides <see cref="Base.ChangeRecord"/>.</summary>
internal static class MemberKeys
{
    /// <summary>In a reply: member number of the leader, where it is known.</summary>
    public static ReadOnlySpan<byte> Leader => "myrmex.leader"u8;
}
