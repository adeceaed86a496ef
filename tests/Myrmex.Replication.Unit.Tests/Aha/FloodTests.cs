using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Aha;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Runtime.Simulation;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>
/// Thousands of clients, half of them with a file and a lock, lose the proxy that all use and come to another one that
/// does only so many fops a second. No operation fails, and the whole takes little longer than the work does.
/// </summary>
public sealed class FloodTests(ITestOutputHelper output)
{
    private const int Clients = 600;

    /// <summary>What each must do at the new proxy: a question, an operation, half of them an OPEN and a LK before.</summary>
    private const double FopsOfClient = 3;

    [Theory]
    [InlineData(200)]
    [InlineData(2_000)]
    public void ASlowProxyTakesAllOverWithoutWaves(long costUs)
    {
        var bed = new FloodBed(Clients);
        bed.Begin();
        var other = bed.Proxies[1];
        other.FopCostUs = costUs;
        bed.Proxies[0].Crash();
        var (seconds, errors) = bed.TouchAll();
        var ideal = Clients * FopsOfClient * costUs / 1e6;
        output.WriteLine($"{seconds} s, ideal {ideal} s, {other.Calls.Count} fops");
        Assert.Equal(string.Empty, errors);
        Assert.Equal(0, bed.LossesOf(1));
        Assert.InRange(seconds, ideal * 0.9, (ideal * 1.1) + 1);
    }

    /// <summary>
    /// Its process gets no processor for seconds, again and again: it answers no ping, and who leaves it comes back to
    /// the same. Each time it is given more, so that soon nobody leaves.
    /// </summary>
    [Theory]
    [InlineData(3_000, 2)]
    [InlineData(7_000, 3)]
    [InlineData(20_000, 5)]
    public void AProxyThatIsSilentForSecondsIsGivenMoreTime(long silentMs, int lossesMax)
    {
        const long RunsMs = 300;
        var bed = new FloodBed(Clients / 10);
        bed.Begin();
        var other = bed.Proxies[1];
        other.FopCostUs = 2_000;
        var ideal = Clients / 10 * FopsOfClient * other.FopCostUs / 1e6;
        Silence();
        bed.Proxies[0].Crash();
        var (seconds, errors) = bed.TouchAll();
        output.WriteLine($"{seconds} s, ideal {ideal} s, {other.Calls.Count} fops, {bed.LossesOf(1)} losses");
        Assert.Equal(string.Empty, errors);
        Assert.InRange(bed.LossesOf(1), 1, lossesMax * Clients / 10);
        Assert.InRange(seconds, 0, ((ideal * 1000 / RunsMs) + lossesMax) * (silentMs + RunsMs) / 1000);

        void Silence()
        {
            other.Node.Freeze(silentMs);
            bed.World.After(silentMs + RunsMs, Silence);
        }
    }
}

/// <summary>Many clients, each a graph over two proxies with a limited rate.</summary>
internal sealed class FloodBed
{
    private const int ClientsOfNode = 100;

    private readonly List<(SimNode Node, TranslatorGraph Graph, string? File)> _clients = [];
    private readonly Fd?[] _files;

    public FloodBed(int clients, ulong seed = 1)
    {
        World = new SimWorld(seed);
        Store = new ProxyStore(World.AddNode("brick").Seams);
        Proxies = [.. Enumerable.Range(0, 2).Select(i => new ProxyNode(World, Store, AhaBed.NameOf(i)) { DelayMsMax = 0 })];
        _files = new Fd?[clients];
        for (var i = 0; i < clients; i++)
        {
            var node = i % ClientsOfNode == 0 ? World.AddNode($"clients{i / ClientsOfNode}") : _clients[^1].Node;
            var graph = TranslatorGraph.Build(
                Document(), [ClientTranslator.Registration, Aha.Registration], node.Seams,
                new GraphOrigin { ProcessId = $"client{i}" }, _ => { });
            _clients.Add((node, graph, i % 2 == 0 ? $"file{i}" : null));
        }
    }

    public SimWorld World { get; }

    public ProxyStore Store { get; }

    public ProxyNode[] Proxies { get; }

    /// <summary>All attach to both proxies and use the first; half of them have a file with a lock.</summary>
    public void Begin()
    {
        var begun = new List<Task<Errno>>();
        for (var i = 0; i < _clients.Count; i++)
        {
            var (number, client) = (i, _clients[i]);
            client.Node.Seams.Scheduler.Post(client.Graph.Start);
            begun.Add(SimTasks.Start(client.Node, () => BeginAsync(number)));
        }

        AwaitAll(begun, 100_000);
        Assert.All(begun, b => Assert.Equal(Errno.Ok, b.Result));
        World.RunFor(2_000);
        Assert.Equal(0, LossesOf(0) + LossesOf(1));
        Assert.All(_clients, c => Assert.Equal("p0", Get(c.Graph, "proxy")));
    }

    /// <summary>Every client does one operation at once; seconds until the last one has its answer, and all errors.</summary>
    public (double Seconds, string Errors) TouchAll(long limitMs = 200_000)
    {
        var beganNs = World.NowNs;
        var all = Enumerable.Range(0, _clients.Count)
            .Select(i => SimTasks.Start(_clients[i].Node, () => TouchAsync(i))).ToList();
        AwaitAll(all, limitMs);
        var errors = all.Where(t => t.Result != Errno.Ok).GroupBy(t => t.Result).Select(g => $"{g.Key}: {g.Count()}");
        return ((World.NowNs - beganNs) / 1e9, string.Join(", ", errors));
    }

    /// <summary>How often clients have lost a proxy, all together.</summary>
    public int LossesOf(int proxy) =>
        _clients.Sum(c => int.Parse(Get(c.Graph, $"proxy[{proxy}].losses"), CultureInfo.InvariantCulture));

    private void AwaitAll(List<Task<Errno>> all, long limitMs)
    {
        var left = all.Count;
        all.ForEach(t => _ = t.ContinueWith(
            _ => left--, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default));
        Assert.True(World.RunUntil(() => left == 0, limitMs), $"{left} have no answer");
    }

    private async Task<Errno> BeginAsync(int number)
    {
        var top = _clients[number].Graph.Top;
        if (_clients[number].File is not { } name)
        {
            return await TouchAsync(number);
        }

        var fd = new Fd(Gfid.Null, OpenFlags.ReadWrite, isDirectory: false, slotCount: 8);
        var error = ErrorOf(await top.Create(AhaBed.CreateOf(name, fd), new Call()));
        _files[number] = fd;
        return error != Errno.Ok ? error
            : ErrorOf(await top.Lk(AhaBed.LockOf(fd, 0, LockType.Write), AhaBed.CallOf(1)));
    }

    private async Task<Errno> TouchAsync(int number)
    {
        var top = _clients[number].Graph.Top;
        if (_files[number] is not { } fd)
        {
            return ErrorOf(await top.Lookup(new LookupFop { Gfid = Gfid.Root }, new Call()));
        }

        var data = Payload.CopyOf([1, 2, 3]);
        var reply = await top.Write(new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = 0, Data = data }, new Call());
        data.Release();
        return ErrorOf(reply);
    }

    private static Errno ErrorOf(Reply reply)
    {
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private static string Get(TranslatorGraph graph, string key)
    {
        var dump = new StateDump();
        graph.Top.DumpState(dump);
        var line = dump.ToString().Split('\n').First(l => l.StartsWith(key + "=", StringComparison.Ordinal));
        return line[(key.Length + 1)..];
    }

    private static VolfileDocument Document()
    {
        var document = new VolfileDocument();
        for (var i = 0; i < 2; i++)
        {
            document.Add(AhaBed.NameOf(i), "protocol/client")
                .With("remote-host", AhaBed.NameOf(i))
                .With("remote-port", ProxyNode.Port.ToString(CultureInfo.InvariantCulture))
                .With("remote-subvolume", ProxyNode.Export)
                .With("ping-timeout", AhaBed.PingTimeout);
        }

        document.Add("aha", "cluster/aha").With("local", "p0").Over(["p0", "p1"]);
        return document;
    }
}
