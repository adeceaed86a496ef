using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Management.Cluster;
using Myrmex.Management.NodeApi;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Http;

/// <summary>Asks the daemons of other nodes for the file systems of their bricks, all at once.</summary>
/// <param name="ask">Asks a node at a path.</param>
internal sealed class BrickDetails(
    ClusterView view, NodeId self, Func<NodeId, string, CancellationToken, Task<VolumeStatusMessage>> ask)
    : IBrickDetails
{
    public const string Route = "/v1/node/volumes/{name}/status";

    public async Task<VolumeStatusMessage> FillAsync(VolumeStatusMessage status, CancellationToken cancellation)
    {
        var nodes = status.Bricks.Where(b => b.Detail is null).Select(b => b.Node).Distinct();
        var answers = await Task.WhenAll(nodes.Select(n => AskAsync(n, status.Name, cancellation)));
        var details = new Dictionary<(string Node, string Path), BrickDetailMessage>();
        foreach (var brick in answers.SelectMany(a => a))
        {
            if (brick.Detail is { } detail)
            {
                details[(brick.Node, brick.Path)] = detail;
            }
        }

        return status with
        {
            Bricks =
            [
                .. status.Bricks.Select(b => b with
                {
                    Detail = b.Detail ?? details.GetValueOrDefault((b.Node, b.Path)),
                }),
            ],
        };
    }

    private async Task<IEnumerable<BrickStatusMessage>> AskAsync(
        string node, string volume, CancellationToken cancellation)
    {
        var id = Gfid.TryParse(node, out var gfid) ? new NodeId(gfid) : self;
        if (id == self || !view.IsAlive(id))
        {
            return [];
        }

        try
        {
            var path = Route.Replace("{name}", Uri.EscapeDataString(volume), StringComparison.Ordinal);
            var status = await ask(id, path, cancellation);
            return status.Bricks.Where(b => b.Node == node);
        }
        catch (Exception e) when (e is NodeUnreachableException or CommandException)
        {
            Log.Warning("volumes", "a node does not tell details", ("node", node), ("reason", e.Message));
            return [];
        }
    }
}
