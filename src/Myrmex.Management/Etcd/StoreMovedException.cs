using System;

namespace Myrmex.Management.Etcd;

/// <summary>
/// The cluster is in another store now, and this node's file says so: open it as a
/// new <see cref="ClusterStore"/> and go on there.
/// </summary>
public sealed class StoreMovedException(StoreChoice target)
    : Exception($"the state of the cluster is in another store now ({target.Kind})")
{
    public StoreChoice Target => target;
}
