using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Management.Etcd;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Interop.Tests.Etcd;

/// <summary>
/// What a daemon does with the store of its cluster, and the etcd that it runs: a node without volumes, in this process. Its etcd is a
/// real one with TLS on an address of its own, and goes on when the node is "killed".
/// </summary>
internal sealed class ManagedNode : IAsyncDisposable
{
    private readonly ManagedCluster _cluster;
    private readonly string _directory;
    private CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private SqliteStore? _local;

    /// <param name="address">Its own; null for one of the loopback interface.</param>
    public ManagedNode(ManagedCluster cluster, int number, string? address = null)
    {
        _cluster = cluster;
        Id = $"node-{number}";
        Address = address ?? Addresses.NextLoopback();
        _directory = cluster.Directory.Make(Id);
        cluster.Sign(Path.Combine(_directory, "identity"), Address);
        Record = new ClusterNode(Id, Address, number, IsAlive: false);
    }

    public string Id { get; }

    public string Address { get; }

    public string Program { get; set; } = "etcd";

    public ClusterNode Record { get; }

    public ClusterStore Cluster { get; private set; } = null!; // Set by StartAsync.

    public IStateStore Store => Cluster.Store;

    public bool IsRunning { get; private set; }

    public string Client => $"https://{Address}:24011";

    public EtcdNodeOptions Options => new()
    {
        NodeId = Id,
        Address = Address,
        WorkingDirectory = _directory,
        Certificates = NodeCertificates.In(_directory),
        Program = Program,
    };

    public int EtcdPid => File.Exists($"{_directory}/etcd.pid")
        ? int.Parse(File.ReadAllText($"{_directory}/etcd.pid").Split(' ')[0], CultureInfo.InvariantCulture) : 0;

    public string Data => Directory.GetDirectories($"{_directory}/etcd").Single();

    public string Log => Child.TailOf($"{_directory}/log/etcd.log", 40);

    /// <summary>Starts the daemon; a new node takes the store of another.</summary>
    public async Task StartAsync(StoreChoice? joined = null)
    {
        _stop = new CancellationTokenSource();
        _local = SqliteStore.Open($"{_directory}/state.db", _cluster.Seams.Clock);
        if (joined is not null)
        {
            await _local.PutAsync(StoreChoice.Key, System.Text.Encoding.UTF8.GetBytes(joined.ToText()), CancellationToken.None);
        }

        Cluster = await ClusterStore.OpenAsync(_local, Options, given: null, _cluster.Seams, _stop.Token);
        IsRunning = true;
        _loop = LoopAsync(_stop.Token);
    }

    /// <summary>The daemon is gone; its etcd goes on.</summary>
    public async Task KillAsync()
    {
        if (_local is null)
        {
            return;
        }

        IsRunning = false;
        await _stop.CancelAsync();
        await _loop;
        if (Cluster is not null)
        {
            await Cluster.DisposeAsync();
        }

        await _local.DisposeAsync();
        _local = null;
    }

    public void KillEtcd() => Child.Signal(EtcdPid, "KILL");

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (EtcdPid is var pid and > 0)
        {
            Child.Signal(pid, "KILL");
        }
    }

    private async Task LoopAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await Cluster.RunAsync(() => _cluster.Nodes, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (StoreMovedException)
            {
                await Cluster.DisposeAsync();
                try
                {
                    Cluster = await ClusterStore.OpenAsync(_local!, Options, given: null, _cluster.Seams, cancellation);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }
}

/// <summary>Nodes of a test, their certificate authority, and who of them is in the cluster.</summary>
internal sealed class ManagedCluster : IAsyncDisposable
{
    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Reactors = 1, Workers = 1 });
    private readonly List<ManagedNode> _all = [];
    private volatile ManagedNode[] _members = [];

    public ManagedCluster(string name)
    {
        Directory = new TestDirectory(name);
        Shell.CheckBash(Directory.Make("ca"), """
            openssl ecparam -name prime256v1 -genkey -noout -out ca.key
            openssl req -x509 -new -key ca.key -days 2 -subj '/CN=cluster' -out ca.pem
            """);
    }

    public TestDirectory Directory { get; }

    public Seams Seams => _runtime.Seams;

    /// <summary>As a daemon knows them.</summary>
    public IReadOnlyList<ClusterNode> Nodes => [.. _members.Select(n => n.Record with { IsAlive = n.IsRunning })];

    /// <summary>Makes addresses of nodes; null for those of the loopback interface.</summary>
    public Func<string>? NextAddress { get; init; }

    public ManagedNode New()
    {
        var node = new ManagedNode(this, _all.Count + 1, NextAddress?.Invoke());
        _all.Add(node);
        return node;
    }

    public void Attach(ManagedNode node) => _members = [.. _members, node];

    public void Detach(ManagedNode node) => _members = [.. _members.Where(n => n != node)];

    /// <summary>A first node whose store is its own file, with something in it.</summary>
    public async Task<ManagedNode> FirstAsync()
    {
        var node = New();
        await node.StartAsync();
        Attach(node);
        return node;
    }

    public async Task<ManagedNode> JoinAsync(ManagedNode member)
    {
        var node = New();
        await node.StartAsync(member.Cluster.Choice);
        Attach(node);
        return node;
    }

    /// <summary>Waits until etcd has exactly these members, all of them with a vote and healthy.</summary>
    public void WaitForMembers(params ManagedNode[] nodes) => Wait.Until(
        $"etcd is on {string.Join(' ', nodes.Select(n => n.Id))}", TimeSpan.FromSeconds(90), () => MembersAre(nodes),
        () => Ctl(nodes[0], nodes[0], "member", "list").ToString() + string.Join('\n', _all.Select(n => $"{n.Id}: {n.Log}")));

    public CommandResult Ctl(ManagedNode identity, ManagedNode endpoint, params string[] arguments)
    {
        var directory = Directory[$"{identity.Id}/identity"];
        return Shell.Run(
            "/", TimeSpan.FromSeconds(20), "env",
            [
                "ETCDCTL_API=3", "etcdctl", $"--endpoints={endpoint.Client}", "--command-timeout=3s", $"--cacert={directory}/ca.pem",
                $"--cert={directory}/node.pem", $"--key={directory}/node.key", .. arguments,
            ]);
    }

    public void Sign(string directory, string address)
    {
        System.IO.Directory.CreateDirectory(directory);
        Shell.CheckBash(directory, $"""
            openssl ecparam -name prime256v1 -genkey -noout -out node.key
            openssl req -new -key node.key -subj '/CN=node:{address}' -out node.csr
            openssl x509 -req -in node.csr -CA {Directory["ca/ca.pem"]} -CAkey {Directory["ca/ca.key"]} -CAcreateserial -days 2 \
                -extfile <(printf 'subjectAltName=IP:{address}\nextendedKeyUsage=serverAuth,clientAuth\n') -out node.pem 2>/dev/null
            cp {Directory["ca/ca.pem"]} ca.pem
            """);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _all)
        {
            await node.DisposeAsync();
        }

        _runtime.Dispose();
        Directory.Dispose();
    }

    private bool MembersAre(ManagedNode[] nodes)
    {
        var list = Ctl(nodes[0], nodes[0], "member", "list");
        var lines = list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return list.ExitCode == 0 && lines.Length == nodes.Length
            && lines.All(l => l.Contains("started", StringComparison.Ordinal) && l.EndsWith("false", StringComparison.Ordinal))
            && nodes.All(n => lines.Any(l => l.Contains($" {n.Id},", StringComparison.Ordinal)))
            && nodes.All(n => Ctl(nodes[0], n, "endpoint", "health").ExitCode == 0);
    }
}
