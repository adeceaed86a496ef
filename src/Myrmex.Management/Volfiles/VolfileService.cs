using System.Collections.Generic;
using System.Linq;
using Myrmex.Management.Bricks;
using Myrmex.Management.Nodes;
using Myrmex.Management.Proxies;
using Myrmex.Management.State;
using Myrmex.Volumes;

namespace Myrmex.Management.Volfiles;

/// <summary>
/// What clients, bricks and tools ask the volume file server: volume files by key, and ports by brick name. Answers
/// come from memory and never wait.
/// </summary>
internal sealed class VolfileService(
    VolumeCatalog catalog, BrickSupervisor supervisor, ProxySupervisor proxies, ProxyPlacement placement,
    PortRegistry registry, LocalNode node, int managementPort)
{
    /// <summary>
    /// The volume file for a GETSPEC key; null when there is none for this asker. Files of bricks hold passwords: only
    /// nodes of the pool get them.
    /// </summary>
    /// <param name="asker">The node of the pool where the asker is; null for a client elsewhere.</param>
    /// <param name="isOurs">The asker is a client of ours, see <see cref="Rpc.HandshakeCodec.MyrmexClient"/>.</param>
    public string? Spec(string key, NodeId? asker, bool isOurs)
    {
        NodeId? proxy = null;
        return Spec(key, asker, isOurs, ref proxy);
    }

    /// <param name="key">As above.</param>
    /// <param name="asker">As above.</param>
    /// <param name="isOurs">As above.</param>
    /// <param name="proxy">Whose proxy a client of GlusterFS has got; it keeps that as long as there is one.</param>
    public string? Spec(string key, NodeId? asker, bool isOurs, ref NodeId? proxy)
    {
        var trusted = asker is not null;
        if (!VolfileKey.TryParse(key, out var parsed) || catalog.Find(parsed.Volume) is not { } volume)
        {
            return null;
        }

        if (parsed.IsBrick)
        {
            return trusted && parsed.BrickOf(volume) is { } brick
                ? BrickVolfile.Build(volume, brick, managementPort).ToString() : null;
        }

        if (parsed.IsProxy)
        {
            return trusted ? ProxyVolfile.Build(volume, managementPort).ToString() : null;
        }

        var nodes = placement.NodesOf(volume);
        if (parsed.IsThin || (nodes.Count > 0 && IsThin(volume, trusted)))
        {
            return nodes.Count > 0 ? Thin(volume, nodes, asker, isOurs, ref proxy) : null;
        }

        return ClientVolfile.Build(
            volume, trusted, managementPort, isOurs, b => catalog.IsAlive(b.Node)).ToString();
    }

    /// <summary>What clients get that do not say what they want. Nodes of the pool are the trusted ones.</summary>
    private static bool IsThin(Volume volume, bool trusted) =>
        VolumeOptions.Effective(volume, VolumeOptions.ClientMode) switch
        {
            VolumeOptions.ThinMode => true,
            VolumeOptions.AutoMode => !trusted,
            _ => false,
        };

    /// <summary>
    /// Our clients get all proxies, and are told which one is on their own machine, and which one is where all changes
    /// go to: through any other one they would cross the network once more. Those of GlusterFS get the one of
    /// this node, at whatever address they have reached it, else the first one whose node is heard of. New ones avoid a
    /// proxy that drains; those that are there would build a new graph, which they do not survive with their locks.
    /// </summary>
    private string Thin(
        Volume volume, IReadOnlyList<NodeRecord> nodes, NodeId? asker, bool isOurs, ref NodeId? proxy)
    {
        var trusted = asker is not null;
        if (isOurs)
        {
            var hosts = nodes.Select(n => ProxyPlacement.HostOf(volume, n)).ToList();
            var ids = nodes.Select(n => n.Id).ToList();
            var local = asker is { } own ? ids.IndexOf(own) : -1;
            var near = volume.LeadingNode is { } leading ? ids.IndexOf(leading) : -1;
            var readers = volume.ReadingNodes.Select(id => ids.IndexOf(id)).Where(at => at >= 0).Order().ToList();
            return ThinVolfile.Build(volume, hosts, trusted, managementPort, local, near, readers).ToString();
        }

        var former = proxy;
        var others = nodes.Where(n => !n.DrainsProxy && catalog.IsAlive(n.Id)).ToList();
        var chosen = nodes.FirstOrDefault(n => n.Id == former)
            ?? others.FirstOrDefault(n => n.Id == node.Id) ?? (others.Count > 0 ? others[0] : null)
            ?? nodes.FirstOrDefault(n => n.Id == node.Id)
            ?? nodes.FirstOrDefault(n => catalog.IsAlive(n.Id)) ?? nodes[0];
        proxy = chosen.Id;
        return ThinVolfile.BuildForGluster(
            volume, chosen.Id == node.Id ? null : ProxyPlacement.HostOf(volume, chosen), trusted, managementPort)
            .ToString();
    }

    public VolumeId? IdOf(string volume) => catalog.Find(volume)?.Id;

    /// <summary>The port of what is registered under a name, usually a brick's path; 0 when it does not run.</summary>
    public int PortOf(string name)
    {
        var state = supervisor.StateOf(name);
        return state.Online ? state.Port : proxies.PortOf(name) is > 0 and var port ? port : registry.PortOf(name);
    }
}
