using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading.Tasks;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    private IEnumerable<CliCommand> PeerTable() =>
    [
        new("peer status", Usages.PeerStatus, "list status of peers", _ => PeerStatusAsync()),
        new("peer help", "peer help", "display help for peer commands", _ => Task.FromResult(Print(Help("peer")))),
        new(
            "peer probe", "peer probe { <HOSTNAME> | <IP-address> }", "probe peer specified by <HOSTNAME>",
            _ => Task.FromResult(Fail("peer probe: failed: this version manages a single node"))),
        new(
            "peer detach", "peer detach { <HOSTNAME> | <IP-address> } [force]", "detach peer specified by <HOSTNAME>",
            _ => Task.FromResult(Fail("peer detach: failed: this version manages a single node"))),
        new(
            "pool list", Usages.PoolList, "list all the nodes in the pool (including localhost)", _ => PoolListAsync()),
    ];

    private async Task<int> PeerStatusAsync()
    {
        var peers = await Client.PeersAsync();
        if (_arguments.IsXml)
        {
            return Print(CliXml.Success().Peers(peers, pool: false).ToString());
        }

        var others = peers.Where(p => !p.IsLocal).ToList();
        var text = new StringBuilder($"Number of Peers: {others.Count}\n");
        foreach (var peer in others)
        {
            text.Append($"\nHostname: {peer.HostName}\nUuid: {peer.Id}\n")
                .Append($"State: Peer in Cluster ({(peer.Connected ? "Connected" : "Disconnected")})\n");
        }

        return Print(text.ToString());
    }

    private async Task<int> PoolListAsync()
    {
        var peers = await Client.PeersAsync();
        return Print(_arguments.IsXml ? CliXml.Success().Peers(peers, pool: true).ToString() : CliText.Pool(peers));
    }
}
