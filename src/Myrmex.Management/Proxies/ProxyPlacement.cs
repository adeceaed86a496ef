using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Management.Nodes;
using Myrmex.Volumes;

namespace Myrmex.Management.Proxies;

/// <summary>Which nodes run a proxy of a volume. Source: options config.gfproxyd and config.gfproxyd-nodes.</summary>
internal sealed class ProxyPlacement(NodeDirectory directory)
{
    private static readonly char[] Separators = [',', ' '];

    /// <summary>The nodes in the order in which clients try them; none while the option is off.</summary>
    public IReadOnlyList<NodeRecord> NodesOf(Volume volume)
    {
        if (!VolumeOptions.IsOn(volume, VolumeOptions.Proxy))
        {
            return [];
        }

        return NamesOf(volume) is not { } names
            ? directory.All
            : [.. names.Select(n => Find(volume, n)).OfType<NodeRecord>().Distinct()];
    }

    /// <summary>Whether a node is among them.</summary>
    public bool IsOn(Volume volume, NodeId node) => NodesOf(volume).Any(n => n.Id == node);

    /// <summary>The first name in the option that is no node of the cluster; null when all are.</summary>
    public string? Stranger(Volume volume) => NamesOf(volume)?.FirstOrDefault(n => Find(volume, n) is null);

    /// <summary>
    /// What clients call a node: as its bricks of the volume are called, which they reach, else by its own name.
    /// </summary>
    public static string HostOf(Volume volume, NodeRecord node) =>
        volume.Bricks.FirstOrDefault(b => b.Node == node.Id)?.Host ?? node.Name;

    private static string[]? NamesOf(Volume volume)
    {
        var text = VolumeOptions.Effective(volume, VolumeOptions.ProxyNodes);
        return text == VolumeOptions.AllNodes
            ? null : text.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
    }

    private NodeRecord? Find(Volume volume, string name) =>
        directory.FindName(name)
        ?? directory.All.FirstOrDefault(n => n.Addresses.Contains(name))
        ?? (volume.Bricks.FirstOrDefault(b => string.Equals(b.Host, name, StringComparison.OrdinalIgnoreCase)) is { } brick
            ? directory.Find(brick.Node) : null)
        ?? (directory.All.Where(n => string.Equals(n.HostName, name, StringComparison.OrdinalIgnoreCase)).ToList()
            is [var only] ? only : null);
}
