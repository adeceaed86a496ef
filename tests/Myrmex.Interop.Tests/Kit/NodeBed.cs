using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// A cluster of machines n1 .. nN on one host and a client machine beside them: see <see cref="NodeNetwork"/>. The first three have a
/// member of etcd.
/// </summary>
internal sealed class NodeBed : IDisposable
{
    public const string KeyPrefix = "/myrmex/";

    private const string Client = "client";
    private const int EtcdMembers = 3;
    private const int ManagedPort = 24011;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(2);

    private readonly TestDirectory _directory;
    private readonly bool _managed;
    private readonly List<string> _members; // Addresses of machines that may have a member of etcd.
    private readonly NodeNetwork _network;
    private readonly List<BedNode> _all; // The spare one is the last.

    /// <param name="count">Machines, without the spare one.</param>
    /// <param name="managed">The daemons run etcd, and the machines join by probe; else etcd runs on the first three, and who knows
    /// its address is a member.</param>
    /// <param name="spare">False: without the spare machine.</param>
    /// <param name="etcdMembers">Members of etcd that run beside the first machines.</param>
    /// <param name="isCalledByAddress">Machines have their address for a host name: clients have no name service.</param>
    public NodeBed(
        TestDirectory directory, int count, long diskMiB, bool managed, bool spare = true, int etcdMembers = EtcdMembers,
        bool isCalledByAddress = false)
    {
        _directory = directory;
        _managed = managed;
        _network = directory.Own(new NodeNetwork());
        var addresses = Enumerable.Range(1, spare ? count + 1 : count).Select(i => _network.Add($"n{i}")).ToList();
        _network.Add(Client);
        _members = managed ? addresses[..count] : addresses[..Math.Min(count, etcdMembers)];
        var endpoints = string.Join(',', _members.Select(a => $"http://{a}:2379"));
        var all = addresses.Select((a, i) => new BedNode(
            directory, _network, $"n{i + 1}", a, isCalledByAddress ? a : $"n{i + 1}", diskMiB,
            i == count ? [] : !managed ? ["--etcd", endpoints] : i == 0 ? ["--etcd", "managed"] : [])).ToList();
        Nodes = all[..count];
        _all = all;
        if (!managed)
        {
            StartEtcd();
        }
    }

    public IReadOnlyList<BedNode> Nodes { get; }

    /// <summary>A machine without bricks, for joining and leaving; its daemon is not started.</summary>
    public BedNode Spare => _all[Nodes.Count];

    public BedNode this[string name] => Nodes.First(n => n.Name == name);

    /// <summary>Starts all daemons and waits until they know each other.</summary>
    public void Start()
    {
        if (!_managed)
        {
            Wait.Until("etcd is healthy", Soon, () => Ctl("endpoint", "health").ExitCode == 0, LogTails);
        }

        Nodes[0].StartDaemon();
        var token = Shell.Succeed(Nodes[0].Myrmex("cluster", "token")).Trim();
        foreach (var node in _all.Skip(1))
        {
            System.IO.File.WriteAllText(System.IO.Path.Combine(node.Home, "join-token"), token + "\n");
        }

        foreach (var node in Nodes.Skip(1))
        {
            node.LaunchDaemon();
        }

        foreach (var node in Nodes.Skip(1))
        {
            node.AwaitDaemon();
            if (_managed)
            {
                // At first the state may still be on its way into the etcd that the daemon has just started.
                CommandResult? probed = null;
                Wait.Until(
                    $"{node.Name} joins", Soon, () => (probed = Nodes[0].Gluster($"peer probe {node.Address}")).ExitCode == 0,
                    () => $"{probed}");
                node.ReadId();
            }
        }

        Wait.Until(
            "all nodes are members", Soon,
            () => ReadStore() is { } keys && Nodes.All(n => keys.ContainsKey($"alive/{n.Id}")), LogTails);
        var wanted = Nodes.Count >= 5 ? 5 : Nodes.Count >= 3 ? 3 : 1;
        Wait.Until(
            "etcd has its members", TimeSpan.FromMinutes(2), () => !_managed || HealthyMembers() == wanted,
            () => Ctl("member", "list").ToString() + LogTails());
    }

    public BedMount Mount(string name, BedNode server, string volume, bool stock) => _directory.Own(
        stock ? BedMount.Stock(_directory, _network.On(Client), name, server.Address, volume)
            : BedMount.Own(_directory, _network.On(Client), name, server.Address, volume));

    /// <summary>A mount by the proxies of the volume.</summary>
    public BedMount MountThin(string name, BedNode server, string volume) => _directory.Own(
        BedMount.Own(_directory, _network.On(Client), name, server.Address, volume, "--thin"));

    /// <summary>A python helper on the client machine.</summary>
    public Helper Help(string script, params string[] arguments) =>
        Helper.StartProgram("nsenter", _network.On(Client, ["python3", Helper.PathOf(script), .. arguments]));

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
        foreach (var node in Nodes.Where(n => n.EtcdPids.Count > 0))
        {
            var result = CtlAt([Endpoint(node.Address)], "endpoint", "status", "-w", "json");
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

    public CommandResult Ctl(params string[] words) => CtlAt(_members.Select(Endpoint), words);

    /// <summary>Members of etcd that vote and answer.</summary>
    public int HealthyMembers()
    {
        var list = Ctl("member", "list", "-w", "json");
        var members = list.ExitCode != 0 ? [] : JsonNode.Parse(list.Output)!["members"]!.AsArray();
        return members.Count(m => m!["isLearner"]?.GetValue<bool>() != true && m["clientURLs"] is JsonArray { Count: > 0 } urls
            && CtlAt([$"{urls[0]}"], "endpoint", "health").ExitCode == 0);
    }

    public void Dispose()
    {
        foreach (var node in _all)
        {
            node.Dispose();
        }
    }

    private void StartEtcd()
    {
        var members = string.Join(',', _members.Select((a, i) => $"e{i + 1}=http://{a}:2380"));
        foreach (var (address, i) in _members.Select((a, i) => (a, i)))
        {
            Nodes[i].StartEtcd(
                "--name", $"e{i + 1}", "--listen-client-urls", $"http://{address}:2379", "--advertise-client-urls",
                $"http://{address}:2379", "--listen-peer-urls", $"http://{address}:2380", "--initial-advertise-peer-urls",
                $"http://{address}:2380", "--initial-cluster", members, "--initial-cluster-state", "new",
                "--auto-compaction-mode=periodic", "--auto-compaction-retention=1h", "--logger", "zap", "--log-level", "warn");
        }
    }

    private string Endpoint(string address) => _managed ? $"https://{address}:{ManagedPort}" : $"http://{address}:2379";

    private CommandResult CtlAt(IEnumerable<string> endpoints, params string[] words)
    {
        var identity = $"{Nodes[0].Home}/identity";
        string[] tls = _managed ? [$"--cacert={identity}/ca.pem", $"--cert={identity}/node.pem", $"--key={identity}/node.key"] : [];
        return Shell.Run(
            "/", TimeSpan.FromSeconds(20), "nsenter",
            _network.On(Client, [
                "env", "ETCDCTL_API=3", "etcdctl", $"--endpoints={string.Join(',', endpoints)}", "--command-timeout=5s", .. tls, .. words,
            ]));
    }
}
