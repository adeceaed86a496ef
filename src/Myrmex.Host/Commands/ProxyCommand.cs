using System;
using System.CommandLine;
using System.Linq;
using System.Text.Json;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex proxy</c>: serves volumes to thin clients, all volumes of a node on one port. Source: gfproxyd.
/// <c>myrmex proxy status</c> tells which proxies there should be and how they are.
/// </summary>
internal static class ProxyCommand
{
    public static Command Entry { get; } = new(
        "proxy", "serve volumes to thin clients (started by the daemon); status shows all proxies",
        args => args is ["status", .. var rest] ? Status(rest)
            : new ServingCommand(
                "proxy", "--volumes",
                (path, document, seams, _) => ServedVolume.Start(path, document, seams)).Run(args));

    private static int Status(string[] args)
    {
        var json = new Option<bool>("--json") { Description = "as JSON" };
        var root = new RootCommand("Shows the proxies of all started volumes.")
        {
            json, ClusterCommand.WorkingDirectory,
        };
        return ClusterCommand.Acting(root, async (client, parsed) =>
        {
            var all = await client.ProxiesAsync();
            Console.Out.Write(parsed.GetValue(json)
                ? JsonSerializer.Serialize(all, VolumeMessageJson.Default.ProxyListMessage) + "\n"
                : all.Proxies.Count == 0 ? "No volume has a proxy\n" : ProxyListText.Of(all.Proxies));
            return all.Proxies.All(p => p.Online) ? 0 : 1;
        }).Parse(args).Invoke();
    }
}
