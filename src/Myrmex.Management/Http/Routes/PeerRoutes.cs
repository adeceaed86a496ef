namespace Myrmex.Management.Http;

/// <summary>The nodes of the cluster.</summary>
internal sealed class PeerRoutes(DaemonMessage daemon) : RestRoutes
{
    public override void Map(RouteMap map) => map.Get(
        "/v1/peers", "The nodes of the cluster, this one first.", PeerMessageJson.Default.PeerListMessage,
        _ => new PeerListMessage([new PeerMessage(daemon.NodeId, daemon.HostName, Connected: true, IsLocal: true)]));
}
