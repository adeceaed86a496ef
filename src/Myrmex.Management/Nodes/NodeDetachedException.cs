using System;

namespace Myrmex.Management.Nodes;

/// <summary>
/// This node is no longer a member of its cluster. It has left already: it is alone when its store is opened again.
/// </summary>
internal sealed class NodeDetachedException(string clusterId)
    : Exception($"this node was detached from the cluster {clusterId}")
{
    public string ClusterId => clusterId;
}
