using System;

namespace Myrmex.Management.Etcd;

/// <summary>The one thing to do next about the members of etcd.</summary>
internal abstract record EtcdMembershipAction
{
    private EtcdMembershipAction()
    {
    }

    /// <summary>Nothing.</summary>
    /// <param name="Reason">Why, although something is to be done; null when all is as it should be.</param>
    public sealed record Wait(string? Reason) : EtcdMembershipAction;

    /// <summary>Tell all nodes who the members are.</summary>
    public sealed record Publish(EtcdDocument Document) : EtcdMembershipAction;

    public sealed record AddLearner(ClusterNode Node) : EtcdMembershipAction;

    public sealed record Promote(ulong Member) : EtcdMembershipAction;

    public sealed record Remove(ulong Member, string Reason) : EtcdMembershipAction;

    public sealed record Update(ulong Member, Uri PeerUrl) : EtcdMembershipAction;
}
