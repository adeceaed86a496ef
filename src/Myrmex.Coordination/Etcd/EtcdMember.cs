using System;
using System.Collections.Generic;

namespace Myrmex.Coordination.Etcd;

/// <summary>A member of etcd, as its cluster knows it.</summary>
/// <param name="Name">Empty until it has started for the first time.</param>
/// <param name="ClientUrls">Empty until then.</param>
/// <param name="IsLearner">It is sent everything but does not vote and does not answer; the step before a
/// voter.</param>
public sealed record EtcdMember(
    ulong Id, string Name, IReadOnlyList<Uri> PeerUrls, IReadOnlyList<Uri> ClientUrls, bool IsLearner);
