using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex proxy</c>: serves volumes to thin clients, all volumes of a node on one port; a launcher and its worker.
/// Source: gfproxyd.
/// <c>myrmex proxy status</c> tells which proxies there should be and how they are; <c>drain</c> and <c>undrain</c>
/// prepare one for maintenance, <c>upgrade</c> puts a new process in its place.
/// </summary>
internal static class ProxyCommand
{
    private const int LookMs = 250;
    private const int UpgradeSeconds = 50;

    private static readonly Option<bool> Json = new("--json") { Description = "as JSON" };

    private static readonly Argument<string> Node = new("NODE")
    {
        Description = "whose proxy; this node by default",
        DefaultValueFactory = _ => "localhost",
    };

    public static Command Entry { get; } = new(
        "proxy", "serve volumes to thin clients (started by the daemon); status, drain, undrain, upgrade",
        args => args switch
        {
            ["status", .. var rest] => Status(rest),
            ["drain", .. var rest] => Drain(rest),
            ["undrain", .. var rest] => Undrain(rest),
            ["upgrade", .. var rest] => Upgrade(rest),
            _ => new ServingCommand(
                "proxy", "--volumes",
                (path, document, seams, _) => ServedVolume.Start(path, document, seams), isLaunched: true).Run(args),
        });

    private static int Status(string[] args)
    {
        var root = new RootCommand("Shows the proxies of all started volumes.") { Json };
        return ClusterCommand.Asking(root, async (client, parsed) =>
        {
            var all = await client.ProxiesAsync();
            Write(all, parsed.GetValue(Json));
            return all.Proxies.All(p => p.Online) ? 0 : 1;
        }).Parse(args).Invoke();
    }

    private static int Drain(string[] args)
    {
        var force = new Option<bool>("--force") { Description = "also when there is no other proxy" };
        var wait = new Option<int>("--wait")
        {
            Description = "seconds that the command waits until our clients have left",
            DefaultValueFactory = _ => 30,
        };
        var root = new RootCommand("Sends the clients of a proxy to others, before maintenance of its node.")
        {
            Node, force, wait, Json,
        };
        return ClusterCommand.Asking(root, async (client, parsed) =>
        {
            var drained = await client.DrainProxyAsync(parsed.GetRequiredValue(Node), parsed.GetValue(force));
            var (list, isEmpty) = await AwaitLeftAsync(client, drained, parsed.GetValue(wait));
            Write(list, parsed.GetValue(Json));
            return isEmpty ? 0 : 1;
        }).Parse(args).Invoke();
    }

    private static int Undrain(string[] args)
    {
        var root = new RootCommand("Lets a proxy take clients again.") { Node, Json };
        return ClusterCommand.Asking(root, async (client, parsed) =>
        {
            Write(await client.UndrainProxyAsync(parsed.GetRequiredValue(Node)), parsed.GetValue(Json));
            return 0;
        }).Parse(args).Invoke();
    }

    private static int Upgrade(string[] args)
    {
        var root = new RootCommand("Puts a new process in the place of a proxy; its clients notice a pause.")
        {
            Node, Json,
        };
        return ClusterCommand.Asking(root, async (client, parsed) =>
        {
            var before = (await client.UpgradeProxyAsync(parsed.GetRequiredValue(Node))).Proxies;
            for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < UpgradeSeconds;)
            {
                var now = new ProxyListMessage(
                    [.. (await client.ProxiesAsync()).Proxies.Where(p => before.Any(b => b.Node == p.Node))]);
                if (now.Proxies.All(p => p.Online && before.All(b => b.Pid != p.Pid)))
                {
                    Write(now, parsed.GetValue(Json));
                    return 0;
                }

                if (now.Proxies.FirstOrDefault(p => HasFailedSince(p, before)) is { } failed)
                {
                    await Console.Error.WriteLineAsync(TextOf(failed));
                    return 1;
                }

                await Task.Delay(LookMs);
            }

            await Console.Error.WriteLineAsync(
                $"myrmex proxy: nobody has said how the upgrade went within {UpgradeSeconds} s. The proxy goes on; "
                + "log/proxy.log of its node says more");
            return 1;
        }).Parse(args).Invoke();
    }

    private static bool HasFailedSince(ProxyStatusMessage proxy, IReadOnlyList<ProxyStatusMessage> before) =>
        proxy.FailedUpgrade is { } failed
        && before.All(b => b.Node != proxy.Node || b.FailedUpgrade?.Number != failed.Number);

    private static string TextOf(ProxyStatusMessage failed)
    {
        var lines = failed.FailedUpgrade!.Reason.Split('\n');
        return $"myrmex proxy: the proxy of {failed.Host} was not upgraded: {lines[0]}\n"
            + string.Concat(lines[1..].Select(l => $"  {l}\n"))
            + $"The former process{(failed.Online ? $" ({failed.Pid})" : "")} goes on with all its clients. More is in "
            + $"log/proxy.log of {failed.Host}. Mend the cause, and say it again: myrmex proxy upgrade {failed.Host}";
    }

    /// <summary>Waits until none of our clients uses the proxies of one node; answers how they are then.</summary>
    private static async Task<(ProxyListMessage List, bool IsEmpty)> AwaitLeftAsync(
        ManagementClient client, ProxyListMessage drained, int seconds)
    {
        var nodes = drained.Proxies.Select(p => p.Node).ToHashSet();
        for (var watch = Stopwatch.StartNew(); ;)
        {
            var all = (await client.ProxiesAsync()).Proxies;
            var now = new ProxyListMessage([.. all.Where(p => nodes.Contains(p.Node))]);
            var isEmpty = now.Proxies.All(p => !p.Online || p.LeavingClients == 0);
            if (isEmpty || watch.Elapsed.TotalSeconds > seconds)
            {
                return (now, isEmpty);
            }

            await Task.Delay(LookMs);
        }
    }

    private static void Write(ProxyListMessage list, bool asJson) => Console.Out.Write(asJson
        ? JsonSerializer.Serialize(list, VolumeMessageJson.Default.ProxyListMessage) + "\n"
        : list.Proxies.Count == 0 ? "No volume has a proxy\n" : ProxyListText.Of(list.Proxies));
}
