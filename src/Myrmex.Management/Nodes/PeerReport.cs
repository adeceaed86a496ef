using System.Collections.Generic;
using System.Collections.Immutable;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>A member as <c>peer status</c> and <c>pool list</c> show it.</summary>
/// <param name="Name">The name that is shown; <c>localhost</c> is said by who prints it.</param>
/// <param name="OtherNames">The further names.</param>
/// <param name="Connected">Its daemon is heard of.</param>
/// <param name="IsLocal">It is the node that was asked.</param>
/// <param name="State">In GlusterFS' words.</param>
/// <param name="Version">Of its daemon; null while it is not heard of.</param>
internal sealed record PeerReport(
    NodeId Id, string Name, IReadOnlyList<string> OtherNames, bool Connected, bool IsLocal, string State,
    ImmutableSortedDictionary<string, string> Labels, string? Version);
