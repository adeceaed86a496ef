using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;
using Myrmex.Management.NodeApi;
using Myrmex.Management.Nodes;

namespace Myrmex.Management.Http;

/// <summary>Whether store, directories and processes agree, on this node and on all.</summary>
internal sealed class AuditRoutes(LocalAudit audit, NodeServices nodes, ClusterView view) : RestRoutes
{
    private const string OfNode = "/v1/node/audit";

    public override void Map(RouteMap map)
    {
        map.Get(
            OfNode, "What does not agree on this node.", AuditMessageJson.Default.NodeAuditMessage, _ => Local());
        map.Get(
            "/v1/cluster/audit", "Whether store, brick directories and processes of all nodes agree.",
            AuditMessageJson.Default.AuditMessage, async request => new AuditMessage(
                await Task.WhenAll(nodes.Directory.All.Select(n => AskAsync(n, request.Aborted)))));
    }

    private NodeAuditMessage Local()
    {
        var self = nodes.Identity.Current.Id;
        return new NodeAuditMessage(self.ToString(), view.NameOf(self), Problem: null, audit.Look());
    }

    private async Task<NodeAuditMessage> AskAsync(NodeRecord node, CancellationToken cancellation)
    {
        if (node.Id == nodes.Identity.Current.Id)
        {
            return Local();
        }

        try
        {
            return view.IsAlive(node.Id)
                ? await nodes.Client.GetAsync(
                    node.Id, OfNode, AuditMessageJson.Default.NodeAuditMessage, cancellation)
                : new NodeAuditMessage(node.Id.ToString(), node.Name, "the node is not heard of", []);
        }
        catch (System.Exception e) when (e is NodeUnreachableException or CommandException)
        {
            return new NodeAuditMessage(node.Id.ToString(), node.Name, e.Message, []);
        }
    }
}
