using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Nodes;

namespace Myrmex.Management.Proxies;

/// <summary>What administrators do with the proxies of thin clients.</summary>
internal sealed class ProxyCommands(VolumeCommands volumes, PeerCommands peers)
{
    /// <summary>The proxies that should run, of all started volumes.</summary>
    public IReadOnlyList<ProxyReport> List() => volumes.Proxies();

    /// <summary>
    /// The proxy of a node asks its clients to go to others, for as long as this is not taken back. Throws
    /// <see cref="CommandException"/> when there is no other one for some volume.
    /// </summary>
    /// <param name="host">A node; localhost is this one.</param>
    /// <param name="force">Also when its clients have nowhere to go: they stay.</param>
    public async Task<IReadOnlyList<ProxyReport>> DrainAsync(string host, bool force, CancellationToken cancellation)
    {
        var node = await peers.DrainProxyAsync(
            host, drains: true,
            record =>
            {
                if (!force)
                {
                    CheckOthers(record);
                }
            }, cancellation);
        return Of(node);
    }

    /// <summary>The proxy takes clients again; those that have left do not come back by themselves.</summary>
    public async Task<IReadOnlyList<ProxyReport>> UndrainAsync(string host, CancellationToken cancellation) =>
        Of(await peers.DrainProxyAsync(host, drains: false, static _ => { }, cancellation));

    /// <summary>
    /// A new process is to take over from the proxy of a node, clients included; answers how it was. It has another
    /// process id when that is done. Throws <see cref="CommandException"/> when none runs there.
    /// </summary>
    public async Task<IReadOnlyList<ProxyReport>> UpgradeAsync(string host, CancellationToken cancellation)
    {
        var before = List();
        var node = await peers.UpgradeProxyAsync(host, cancellation);
        IReadOnlyList<ProxyReport> own = [.. before.Where(p => p.Node.Id == node.Id)];
        return own.Any(p => p.Online) ? own : throw new CommandException(
            CommandFailure.Conflict, $"no proxy runs on {node.Name}: there is nothing to upgrade");
    }

    private IReadOnlyList<ProxyReport> Of(NodeRecord node) => [.. List().Where(p => p.Node.Id == node.Id)];

    private void CheckOthers(NodeRecord node)
    {
        foreach (var volume in List().GroupBy(p => p.Volume))
        {
            if (volume.Any(p => p.Node.Id == node.Id)
                && !volume.Any(p => p.Node.Id != node.Id && p.Online && !p.Node.DrainsProxy))
            {
                throw new CommandException(
                    CommandFailure.Conflict,
                    $"no other proxy serves volume {volume.Key}, so its clients could not go anywhere: enable one on "
                    + "another node (config.gfproxyd-nodes), or drain it all the same with force");
            }
        }
    }
}
