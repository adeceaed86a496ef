using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Management;
using Myrmex.Management.Etcd;
using Xunit;

namespace Myrmex.Interop.Tests.Etcd;

/// <summary>
/// The etcd that daemons run themselves, with real processes and TLS: it grows and shrinks with the nodes while clients write and
/// watch, outlives its daemon, and is moved to and from.
/// </summary>
public sealed class ManagedEtcdTests : IAsyncLifetime
{
    private static readonly CancellationToken Forever = CancellationToken.None;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private ManagedCluster? _opened;

    private ManagedCluster Cluster => _opened ??= new ManagedCluster(nameof(ManagedEtcdTests));

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_opened is not null)
        {
            await _opened.DisposeAsync();
        }
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task ItGrowsAndShrinksWithTheNodesWhileClientsWriteAndWatch()
    {
        var one = await Cluster.FirstAsync();
        await one.Store.PutAsync("volume/v", Bytes("kept"), Forever);
        await MoveToManagedAsync(one);
        Assert.Equal("kept", Text(await one.Store.GetAsync("volume/v", Forever)));
        using var load = new Load(one);
        Cluster.WaitForMembers(one);

        var two = await Cluster.JoinAsync(one);
        Assert.Single(Lines(one)); // Two nodes, one member.
        var three = await Cluster.JoinAsync(one);
        Cluster.WaitForMembers(one, two, three);
        three.KillEtcd();
        Cluster.WaitForMembers(one, two, three);

        var four = await Cluster.JoinAsync(two);
        var five = await Cluster.JoinAsync(three);
        Cluster.WaitForMembers(one, two, three, four, five);
        one.KillEtcd(); // The one that the clients ask.
        Cluster.WaitForMembers(one, two, three, four, five);

        Cluster.Detach(two);
        Cluster.WaitForMembers(one, three, four);
        Wait.Until("its etcd is gone", Soon, () => two.EtcdPid == 0 && !Directory.EnumerateDirectories(Cluster.Directory["node-2/etcd"]).Any());
        Cluster.Detach(three);
        Cluster.WaitForMembers(one, four, five);
        Cluster.Detach(four);
        Cluster.Detach(five);
        Cluster.WaitForMembers(one);
        await load.CheckAsync(atLeast: 100);
        Assert.Equal("kept", Text(await one.Store.GetAsync("volume/v", Forever)));
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task ItOutlivesItsDaemonAndAClusterThatWasSwitchedOffComesBack()
    {
        var nodes = await ThreeAsync();
        await nodes[0].Store.PutAsync("volume/v", Bytes("1"), Forever);
        var pid = nodes[0].EtcdPid;
        await nodes[0].KillAsync();
        await nodes[1].Store.PutAsync("volume/v", Bytes("2"), Forever);
        Assert.Equal(0, Cluster.Ctl(nodes[1], nodes[0], "endpoint", "health").ExitCode);
        await nodes[0].StartAsync();
        Assert.Equal("2", Text(await nodes[0].Store.GetAsync("volume/v", Forever)));
        await Task.Delay(2_000);
        Assert.Equal(pid, nodes[0].EtcdPid);
        Cluster.WaitForMembers([.. nodes]);

        foreach (var node in nodes)
        {
            await node.KillAsync();
            node.KillEtcd();
        }

        await Task.WhenAll(nodes.Select(n => n.StartAsync()));
        foreach (var node in nodes)
        {
            Assert.Equal("2", Text(await node.Store.GetAsync("volume/v", Forever)));
        }

        Assert.NotEqual(pid, nodes[0].EtcdPid);
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task AMemberWhoseDataIsGoneIsReplacedByANewOneOnTheSameNode()
    {
        var nodes = await ThreeAsync();
        using var load = new Load(nodes[0]);
        var old = nodes[1].Data;
        nodes[1].KillEtcd();
        Directory.Delete(old, recursive: true);
        Wait.Until("it has other data", Soon, () => Try(() => nodes[1].Data) is { } now && now != old);
        Cluster.WaitForMembers([.. nodes]);
        await load.CheckAsync(atLeast: 20);
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task AClusterMovesToAGivenEtcdAndBackAndEveryNodeFollows()
    {
        var nodes = await ThreeAsync();
        await nodes[1].Store.PutAsync("volume/v", Bytes("1"), Forever);
        await nodes[2].KillAsync(); // Hears of it when it is back.
        var given = Cluster.Directory.Own(new EtcdMembers(Cluster.Directory, 1));
        var options = new EtcdOptions { Endpoints = EtcdOptions.ParseEndpoints(given.Endpoints, tls: false), Prefix = "/here/" };
        await nodes[1].Cluster.MoveAsync(StoreChoice.External(options, passwordFile: null), Forever);
        foreach (var node in nodes[..2])
        {
            Wait.Until($"{node.Id} follows", Soon, () => Try(() => Text(node.Store.GetAsync("volume/v", Forever).Result)) == "1"
                && node.Cluster.Choice.Kind == StoreKind.External);
        }

        // Until it has opened the new store, what is there is the old one, which takes no changes.
        Wait.Until("changes are taken", Soon, () => Try(() => nodes[0].Store.PutAsync("volume/v", Bytes("2"), Forever).Wait(5_000)));
        Assert.All(nodes, n => Assert.NotEqual(0, n.EtcdPid)); // For the one that does not know yet.
        await nodes[2].StartAsync();
        Assert.Equal("2", Text(await nodes[2].Store.GetAsync("volume/v", Forever)));
        Wait.Until("the managed etcd is gone", Soon, () => nodes.All(n => n.EtcdPid == 0));

        await nodes[2].Cluster.MoveAsync(StoreChoice.Managed(), Forever);
        foreach (var node in nodes)
        {
            Wait.Until($"{node.Id} follows back", Soon, () => node.Cluster.Choice.Kind == StoreKind.Managed
                && Try(() => Text(node.Store.GetAsync("volume/v", Forever).Result)) == "2");
        }

        Cluster.WaitForMembers([.. nodes]);
        Assert.Contains("meta/moved-to", given.Ctl("get", "--prefix", "/here/", "--keys-only"));
    }

    /// <summary>As with --bind on several addresses of a machine, none of them a loopback one.</summary>
    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task NodesOnAddressesOfOneMachineEachRunTheirEtcd()
    {
        _opened = new ManagedCluster(nameof(ManagedEtcdTests)) { NextAddress = Addresses.NextRouted };
        var one = await Cluster.FirstAsync();
        await MoveToManagedAsync(one);
        Cluster.WaitForMembers(one);
        var two = await Cluster.JoinAsync(one);
        var three = await Cluster.JoinAsync(one);
        Cluster.WaitForMembers(one, two, three);
        Assert.False(Addresses.Answers("127.0.0.1", 24011));
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task WithoutEtcdOnTheMachineTheMoveSaysWhatIsMissingAndNothingHasChanged()
    {
        var node = Cluster.New();
        node.Program = "no-such-etcd";
        await node.StartAsync();
        await node.Store.PutAsync("volume/v", Bytes("1"), Forever);
        var e = await Assert.ThrowsAsync<CommandException>(() => node.Cluster.MoveAsync(StoreChoice.Managed(), Forever));
        Assert.Contains("install etcd-server, or give --etcd ADDRESS", e.Message);
        await node.Store.PutAsync("volume/v", Bytes("2"), Forever);
        Assert.Equal(StoreKind.Embedded, node.Cluster.Choice.Kind);
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task OnlyHoldersOfACertificateOfTheClusterGetIn()
    {
        var one = await Cluster.FirstAsync();
        await one.Cluster.MoveAsync(StoreChoice.Managed(), Forever);
        Cluster.WaitForMembers(one);
        var without = Shell.Run(
            "/", Soon, "env", "ETCDCTL_API=3", "etcdctl", $"--endpoints={one.Client}", "--command-timeout=3s",
            $"--cacert={Cluster.Directory["ca/ca.pem"]}", "get", "x");
        Assert.NotEqual(0, without.ExitCode);
        var plain = Shell.Run("/", Soon, "curl", "-sS", $"http://{one.Address}:24012/version");
        Assert.DoesNotContain("etcdserver", plain.Output);
    }

    /// <summary>The commands are those of the administration guide.</summary>
    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task ASnapshotBringsTheClusterBack()
    {
        var nodes = await ThreeAsync();
        await nodes[0].Store.PutAsync("volume/v", Bytes("saved"), Forever);
        var snapshot = Cluster.Directory["snapshot.db"];
        Shell.Succeed(Cluster.Ctl(nodes[0], nodes[0], "snapshot", "save", snapshot));
        await nodes[0].Store.PutAsync("volume/v", Bytes("later"), Forever);
        foreach (var node in nodes)
        {
            await node.KillAsync();
            node.KillEtcd();
        }

        var data = nodes[1].Data;
        foreach (var node in nodes)
        {
            Directory.Delete(node.Data, recursive: true);
        }

        var peer = $"https://{nodes[1].Address}:24012";
        Shell.Check(
            "/", "env", "ETCDCTL_API=3", "etcdctl", "snapshot", "restore", snapshot, "--data-dir", data, "--name", nodes[1].Id,
            "--initial-cluster", $"{nodes[1].Id}={peer}", "--initial-advertise-peer-urls", peer);
        await Task.WhenAll(nodes.Select(n => n.StartAsync()));
        Assert.Equal("saved", Text(await nodes[1].Store.GetAsync("volume/v", Forever)));
        Cluster.WaitForMembers(nodes[1], nodes[0], nodes[2]);
        Assert.Equal("saved", Text(await nodes[0].Store.GetAsync("volume/v", Forever)));
        Assert.Equal(data, nodes[1].Data);
    }

    private async Task<ManagedNode[]> ThreeAsync()
    {
        var one = await Cluster.FirstAsync();
        await MoveToManagedAsync(one);
        var two = await Cluster.JoinAsync(one);
        var three = await Cluster.JoinAsync(one);
        Cluster.WaitForMembers(one, two, three);
        return [one, two, three];
    }

    /// <summary>Ends when the node has opened the new store: the old one is closed then.</summary>
    private static async Task MoveToManagedAsync(ManagedNode node)
    {
        var old = node.Cluster;
        await old.MoveAsync(StoreChoice.Managed(), Forever);
        Wait.Until("the node uses its etcd", Soon, () => node.Cluster != old && node.Cluster.Choice.Kind == StoreKind.Managed);
    }

    private string[] Lines(ManagedNode node) =>
        Cluster.Ctl(node, node, "member", "list").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static T? Try<T>(Func<T> look)
    {
        try
        {
            return look();
        }
        catch (Exception e) when (e is AggregateException or StateStoreException or InvalidOperationException or IOException)
        {
            return default;
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(StateEntry? entry) => entry is null ? "(none)" : Encoding.UTF8.GetString(entry.Value.Span);

    /// <summary>A writer, every key once, and a watcher, over the store of one node.</summary>
    private sealed class Load : IDisposable
    {
        private readonly ManagedNode _node;
        private readonly CancellationTokenSource _stop = new();
        private readonly List<string> _seen = [];
        private readonly Task _writer;
        private readonly Task _watcher;
        private int _written;

        public Load(ManagedNode node)
        {
            _node = node;
            var store = node.Store;
            var from = store.PutAsync("load/start", Bytes(""), Forever).GetAwaiter().GetResult();
            _watcher = Task.Run(() => WatchAsync(store, from.Next));
            _writer = Task.Run(() => WriteAsync(store));
        }

        /// <summary>What was written is there, and the watcher has seen it, all of it once and in order.</summary>
        public async Task CheckAsync(int atLeast)
        {
            await _stop.CancelAsync();
            await _writer;
            Assert.True(_written >= atLeast, $"only {_written} were written");
            var expected = Enumerable.Range(0, _written).Select(Key).ToList();
            Assert.Equal(expected, (await _node.Store.RangeAsync(KeyRange.Prefix("load/n"), Forever)).Select(e => e.Key));
            Wait.Until("the watcher has seen the end", Soon, () =>
            {
                lock (_seen)
                {
                    return _seen.Count >= _written || _watcher.IsCompleted;
                }
            });
            Assert.Equal(expected, _seen);
            Console.WriteLine($"{_written} changes");
        }

        public void Dispose() => _stop.Cancel();

        private static string Key(int number) => $"load/n{number:d6}";

        private async Task WriteAsync(IStateStore store)
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    await store.CompareAndPutAsync(Key(_written), Revision.None, Bytes(""), Forever); // Or it was made before.
                    _written++;
                    await Task.Delay(10);
                }
                catch (StateStoreException)
                {
                    await Task.Delay(20); // Not known whether it was made.
                }
            }
        }

        private async Task WatchAsync(IStateStore store, Revision from)
        {
            await foreach (var batch in store.WatchAsync(KeyRange.Prefix("load/n"), from, Forever))
            {
                lock (_seen)
                {
                    _seen.AddRange(batch.Changes.Select(c => c.Kind == ChangeKind.Put ? c.Entry.Key : $"delete {c.Entry.Key}"));
                }
            }
        }
    }
}
