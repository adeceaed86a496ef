using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;
using Myrmex.Management.Metrics;
using Myrmex.Volumes;

namespace Myrmex.Management.Http;

/// <summary>
/// Numbers for monitoring, in Prometheus' text form. They name volumes and bricks, so they need the token unless the
/// administrator has opened them.
/// </summary>
internal sealed class MetricRoutes(RestServices services) : RestRoutes
{
    public override void Map(RouteMap map)
    {
        var route = map.Get("/metrics", "Numbers for monitoring.", "text/plain", WriteAsync);
        if (services.AreMetricsOpen)
        {
            route.Open();
        }
    }

    private async Task WriteAsync(RestRequest request)
    {
        var text = new StringBuilder();
        AppendVolumes(text);
        var pages = await Task.WhenAll(services.MetricSources.Select(
            async s => (s.Process, await s.Page(request.Aborted))));
        text.Append(MetricPages.Merge(pages));
        request.Context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await request.Context.Response.WriteAsync(text.ToString());
    }

    private void AppendVolumes(StringBuilder text)
    {
        var volumes = services.Volumes.List();
        text.Append("# HELP myrmex_volume_started Whether clients can use the volume.\n")
            .Append("# TYPE myrmex_volume_started gauge\n");
        foreach (var volume in volumes)
        {
            Sample(text, "myrmex_volume_started", $"volume=\"{volume.Name}\"", volume.Status == VolumeStatus.Started);
        }

        text.Append("# HELP myrmex_brick_online Whether the brick serves.\n# TYPE myrmex_brick_online gauge\n");
        foreach (var volume in volumes.Where(v => v.Status == VolumeStatus.Started))
        {
            foreach (var brick in services.Volumes.Status(volume.Name, detail: false).Bricks)
            {
                var labels = $"volume=\"{volume.Name}\",brick=\"{Escape(brick.Brick.FullName)}\"";
                Sample(text, "myrmex_brick_online", labels, brick.Online);
            }
        }
    }

    private static void Sample(StringBuilder text, string name, string labels, bool value) =>
        text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {(value ? 1 : 0)}\n");

    private static string Escape(string label) =>
        label.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");
}
