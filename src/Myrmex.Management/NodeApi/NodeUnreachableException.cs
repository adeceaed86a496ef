using System;

namespace Myrmex.Management.NodeApi;

/// <summary>Another daemon did not answer in time, or something else answered in its place.</summary>
internal sealed class NodeUnreachableException(string node, string reason, Exception? inner = null)
    : Exception($"{node} cannot be reached: {reason}", inner)
{
    /// <summary>Name of the node.</summary>
    public string Node => node;

    public string Reason => reason;
}
