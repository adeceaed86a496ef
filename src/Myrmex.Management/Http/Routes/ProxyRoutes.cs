using System;
using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Management.Http;

/// <summary>The proxies of thin clients.</summary>
internal sealed class ProxyRoutes(Func<IReadOnlyList<ProxyReport>> proxies) : RestRoutes
{
    public override void Map(RouteMap map) => map.Get(
        "/v1/proxies", "The proxies that should run, of all started volumes, and how they are.",
        VolumeMessageJson.Default.ProxyListMessage,
        _ => new ProxyListMessage([.. proxies().Select(ToMessage)]));

    public static ProxyStatusMessage ToMessage(ProxyReport report) => new(
        report.Volume, report.Node.Name, report.Node.Id.ToString(), report.Online, report.Port, report.Pid);
}
