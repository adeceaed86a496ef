using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// A cluster of machines n1 .. nN on one host and a client machine beside them: see <see cref="NodeNetwork"/>. The first three have a
/// member of etcd.
/// </summary>
internal sealed class NodeBed : IDisposable
{
    public const string KeyPrefix = "/myrmex/";

    private const string Client = "client";
    private const int EtcdMembers = 3;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(2);

    private readonly TestDirectory _directory;
    private readonly NodeNetwork _network;

    public NodeBed(TestDirectory directory, int count, long diskMiB)
    {
        _directory = directory;
        _network = directory.Own(new NodeNetwork());
        var addresses = Enumerable.Range(1, count).Select(i => _network.Add($"n{i}")).ToList();
        _network.Add(Client);
        var etcd = addresses.Take(Math.Min(count, EtcdMembers)).ToList();
        Endpoints = string.Join(',', etcd.Select(a => $"http://{a}:2379"));
        Nodes = [.. addresses.Select((a, i) =>
            new BedNode(directory, _network, $"n{i + 1}", a, diskMiB, ["--etcd", Endpoints]))];
        var members = string.Join(',', etcd.Select((a, i) => $"e{i + 1}=http://{a}:2380"));
        foreach (var (address, i) in etcd.Select((a, i) => (a, i)))
        {
            Nodes[i].StartEtcd(
                "--name", $"e{i + 1}", "--listen-client-urls", $"http://{address}:2379", "--advertise-client-urls",
                $"http://{address}:2379", "--listen-peer-urls", $"http://{address}:2380", "--initial-advertise-peer-urls",
                $"http://{address}:2380", "--initial-cluster", members, "--initial-cluster-state", "new",
                "--auto-compaction-mode=periodic", "--auto-compaction-retention=1h", "--logger", "zap", "--log-level", "warn");
        }
    }

    public IReadOnlyList<BedNode> Nodes { get; }

    /// <summary>Clients of etcd: all members, separated by commas.</summary>
    public string Endpoints { get; }

    public BedNode this[string name] => Nodes.First(n => n.Name == name);

    /// <summary>Starts all daemons and waits until they know each other.</summary>
    public void Start()
    {
        Wait.Until("etcd is healthy", Soon, () => Ctl("endpoint", "health").ExitCode == 0, LogTails);
        Nodes[0].StartDaemon();
        foreach (var node in Nodes.Skip(1))
        {
            node.LaunchDaemon();
        }

        foreach (var node in Nodes.Skip(1))
        {
            node.AwaitDaemon();
        }

        Wait.Until(
            "all nodes are members", Soon,
            () => ReadStore() is { } keys && keys.Keys.Count(k => k.StartsWith("alive/", StringComparison.Ordinal)) == Nodes.Count, LogTails);
    }

    public BedMount Mount(string name, BedNode server, string volume, bool stock) => _directory.Own(
        stock ? BedMount.Stock(_directory, _network.On(Client), name, server.Address, volume)
            : BedMount.Own(_directory, _network.On(Client), name, server.Address, volume));

    /// <summary>Everything in the store, without the prefix of the cluster; null when etcd does not answer.</summary>
    public SortedDictionary<string, string>? ReadStore()
    {
        var result = Ctl("get", "--prefix", KeyPrefix, "-w", "json");
        if (result.ExitCode != 0)
        {
            return null;
        }

        var keys = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in JsonNode.Parse(result.Output)!["kvs"]?.AsArray() ?? [])
        {
            var key = Encoding.UTF8.GetString(Convert.FromBase64String(entry!["key"]!.ToString()));
            keys[key[KeyPrefix.Length..]] = Encoding.UTF8.GetString(Convert.FromBase64String(entry["value"]?.ToString() ?? ""));
        }

        return keys;
    }

    /// <summary>The node whose etcd leads; null when none does.</summary>
    public BedNode? EtcdLeader()
    {
        foreach (var node in Nodes.Where(n => n.EtcdRuns))
        {
            var result = CtlAt(Endpoint(node), "endpoint", "status", "-w", "json");
            if (result.ExitCode != 0)
            {
                continue;
            }

            var status = JsonDocument.Parse(result.Output).RootElement[0].GetProperty("Status");
            if (status.GetProperty("leader").GetUInt64() == status.GetProperty("header").GetProperty("member_id").GetUInt64())
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>Why the cluster is not whole as the node sees it; empty when all nodes are heard of and all bricks serve.</summary>
    public string NotWhole(BedNode asked, IEnumerable<string> volumes)
    {
        if (ReadStore() is not { } keys)
        {
            return "etcd does not answer";
        }

        var silent = Nodes.Where(n => !keys.ContainsKey($"alive/{n.Id}")).Select(n => n.Name).ToList();
        if (silent.Count > 0)
        {
            return $"not heard of: {string.Join(' ', silent)}";
        }

        foreach (var volume in volumes)
        {
            var status = asked.Rest.Get($"volumes/{volume}/status", Brief);
            var offline = status.Body?["bricks"]?.AsArray().Where(b => b!["online"]?.GetValue<bool>() != true).ToList();
            if (!status.Succeeded || offline!.Count > 0)
            {
                return $"{volume} by {asked.Name}: {status.Why} offline: {string.Join(' ', offline?.Select(b => $"{b!["host"]}:{b["path"]}") ?? [])}";
            }
        }

        return "";
    }

    /// <summary>The last lines of all logs.</summary>
    public string LogTails() => string.Join('\n', Nodes.Select(n => n.LogTail()));

    public CommandResult Ctl(params string[] words) => CtlAt(Endpoints, words);

    public void Dispose()
    {
        foreach (var node in Nodes)
        {
            node.Dispose();
        }
    }

    private static string Endpoint(BedNode node) => string.Create(CultureInfo.InvariantCulture, $"http://{node.Address}:2379");

    private CommandResult CtlAt(string endpoints, params string[] words) => Shell.Run(
        "/", TimeSpan.FromSeconds(20), "nsenter",
        _network.On(Client, ["env", "ETCDCTL_API=3", "etcdctl", $"--endpoints={endpoints}", "--command-timeout=5s", .. words]));
}
