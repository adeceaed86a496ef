using System.Linq;
using Myrmex.Volumes;

namespace Myrmex.Management.Http;

/// <summary>What options there are.</summary>
internal sealed class OptionRoutes : RestRoutes
{
    public override void Map(RouteMap map) => map.Get(
        "/v1/options", "All options of volumes, with help.", OptionMessageJson.Default.OptionHelpListMessage,
        _ => new OptionHelpListMessage(
            [.. VolumeOptions.All.Select(o => o.Declaration)
                .Select(d => new OptionHelpMessage(d.Key, d.Default, d.Help))]));
}
