using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Management.Proxies;

namespace Myrmex.Management.Http;

/// <summary>The proxies of thin clients.</summary>
internal sealed class ProxyRoutes(ProxyCommands proxies) : RestRoutes
{
    private const string Drain = "/v1/proxies/{host}/drain";

    public override void Map(RouteMap map)
    {
        map.Get(
            "/v1/proxies", "The proxies that should run, of all started volumes, and how they are.",
            VolumeMessageJson.Default.ProxyListMessage, _ => ToMessage(proxies.List()));
        map.Change(
            "POST", Drain, "The proxy of a node sends its clients to others.",
            VolumeMessageJson.Default.ProxyListMessage,
            async r => ToMessage(
                await proxies.DrainAsync(r.Path("host"), r.Flag("force"), CancellationToken.None)))
            .Flag("force", "Also when there is no other proxy: its clients stay.");
        map.Change(
            "POST", "/v1/proxies/{host}/upgrade",
            "A new process takes over from the proxy of a node, clients included; answers how it was before.",
            VolumeMessageJson.Default.ProxyListMessage,
            async r => ToMessage(await proxies.UpgradeAsync(r.Path("host"), CancellationToken.None)));
        map.Change(
            "DELETE", Drain, "The proxy of a node takes clients again.",
            VolumeMessageJson.Default.ProxyListMessage,
            async r => ToMessage(await proxies.UndrainAsync(r.Path("host"), CancellationToken.None)));
    }

    public static ProxyStatusMessage ToMessage(ProxyReport report) => new(
        report.Volume, report.Node.Name, report.Node.Id.ToString(), report.Online, report.Port, report.Pid)
    {
        Draining = report.Node.DrainsProxy,
        LeavingClients = report.Drain?.Leaving,
        StayingClients = report.Drain?.Staying,
        FailedUpgrade = report.FailedUpgrade is { } failed
            ? new FailedUpgradeMessage(failed.Number, failed.Reason) : null,
    };

    private static ProxyListMessage ToMessage(IReadOnlyList<ProxyReport> reports) =>
        new([.. reports.Select(ToMessage)]);
}
