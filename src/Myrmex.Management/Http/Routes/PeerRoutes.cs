using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.Http;

/// <summary>The nodes of the cluster.</summary>
internal sealed class PeerRoutes(RestServices services) : RestRoutes
{
    private const string Peers = "/v1/peers";
    private const string One = Peers + "/{host}";

    private IPeerCommands Commands => RestServices.Need(services.Peers, "changes of the nodes of a cluster");

    public override void Map(RouteMap map)
    {
        map.Get(
            Peers, "The nodes of the cluster, this one first.", PeerMessageJson.Default.PeerListMessage, ListAsync);
        map.Change(
            "POST", Peers, "Takes a machine into the cluster.", PeerMessageJson.Default.ProbeMessage,
            PeerMessageJson.Default.ProbedMessage,
            (_, message) => Commands.ProbeAsync(message.Host, CancellationToken.None));
        map.Change(
            "DELETE", One, "Takes a node out of the cluster.", PeerMessageJson.Default.PeerMessage,
            r => Commands.DetachAsync(r.Path("host"), r.Flag("force"), CancellationToken.None))
            .Flag("force", "Also one that is not heard of.");
        map.Change(
            "PATCH", One, "Sets labels of a node.", PeerMessageJson.Default.LabelsMessage,
            PeerMessageJson.Default.PeerMessage,
            (r, message) => Commands.LabelAsync(r.Path("host"), ToLabels(message), CancellationToken.None));
    }

    private static Dictionary<string, string?> ToLabels(LabelsMessage message)
    {
        var labels = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var (key, value) in message.Set)
        {
            labels[key] = RestRequest.NotNull("set", value);
        }

        foreach (var key in message.Remove)
        {
            labels[RestRequest.NotNull("remove", key)] = null;
        }

        return labels;
    }

    private async Task<PeerListMessage> ListAsync(RestRequest request)
    {
        var daemon = services.Daemon();
        return services.Peers is { } peers
            ? new PeerListMessage(await peers.ListAsync(request.Aborted))
            : new PeerListMessage([new PeerMessage(daemon.NodeId, daemon.HostName, Connected: true, IsLocal: true)]);
    }
}
