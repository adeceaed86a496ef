using System;
using Myrmex.Coordination;

namespace Myrmex.Management.Cluster;

/// <summary>This node's lease, under which it says that it lives and what it does.</summary>
internal interface INodePresence
{
    /// <summary>Raised when <see cref="Lease"/> is another or lost. Handlers must not wait.</summary>
    event Action? Changed;

    /// <summary>None while there is none.</summary>
    LeaseId Lease { get; }

    /// <summary>The others hear of this node.</summary>
    bool IsHeld { get; }
}
