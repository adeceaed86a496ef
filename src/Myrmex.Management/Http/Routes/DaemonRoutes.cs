using System;

namespace Myrmex.Management.Http;

/// <summary>The daemon itself.</summary>
internal sealed class DaemonRoutes(Func<DaemonMessage> daemon) : RestRoutes
{
    public override void Map(RouteMap map)
    {
        map.Get(
            "/v1/health", "That the daemon lives.", DaemonMessageJson.Default.HealthMessage,
            _ => new HealthMessage("ok")).Open();
        map.Get("/v1/daemon", "The daemon that answers.", DaemonMessageJson.Default.DaemonMessage, _ => daemon());
    }
}
