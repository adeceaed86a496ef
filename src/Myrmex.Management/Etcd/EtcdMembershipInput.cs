using System;
using System.Collections.Generic;

namespace Myrmex.Management.Etcd;

/// <summary>A member of etcd with what is known of its health.</summary>
/// <param name="Name">Empty until it has started for the first time.</param>
/// <param name="ClientUrl">Null until then.</param>
/// <param name="UnhealthyMs">Since when it is not healthy, as far as this leader has seen; 0 when it is.</param>
internal sealed record EtcdMemberView(
    ulong Id, string Name, Uri PeerUrl, Uri? ClientUrl, bool IsLearner, bool IsHealthy, long UnhealthyMs);

/// <summary>All that decides about the members of etcd.</summary>
/// <param name="Published">What the nodes know; null when nothing was written yet.</param>
internal sealed record EtcdMembershipInput(
    IReadOnlyList<ClusterNode> Nodes, IReadOnlyList<EtcdMemberView> Members, EtcdDocument? Published,
    IReadOnlyList<EtcdReport> Reports);
