using System;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Dht;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Protocol;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>A brick, proxies with a cache and clients without one that use the brick directly, in virtual time.</summary>
internal sealed class CacheBed
{
    /// <param name="bricks">With several there is distribution.</param>
    public CacheBed(ulong seed, BrickFault fault = BrickFault.None, int driftPpmMax = 0, int bricks = 1)
    {
        World = new SimWorld(seed);
        Bricks = [.. Enumerable.Range(0, bricks).Select(i => new CacheBrick(World, $"brick{i}", fault))];
        Proxies = [new CacheUser(World, "p0", bricks, isCached: true), new CacheUser(World, "p1", bricks, isCached: true)];
        Direct = new CacheUser(World, "direct", bricks, isCached: false);
        if (driftPpmMax > 0)
        {
            foreach (var node in World.Nodes)
            {
                node.Clock.DriftPpm = World.Random.Between(-driftPpmMax, driftPpmMax);
            }
        }

        foreach (var brick in Bricks)
        {
            brick.Node.Do(brick.Start);
        }

        foreach (var user in new[] { Proxies[0], Proxies[1], Direct })
        {
            user.Start();
        }

        Assert.True(World.RunUntil(() => Proxies[0].IsUp && Proxies[1].IsUp && Direct.IsUp, 10_000));
    }

    public SimWorld World { get; }

    public CacheBrick[] Bricks { get; }

    public CacheBrick Brick => Bricks[0];

    public CacheUser[] Proxies { get; }

    public CacheUser Direct { get; }

    public static Gfid GfidOf(string name)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var c in name)
        {
            hash = (hash ^ c) * 0x100000001B3UL;
        }

        return new Gfid(0x77, hash);
    }

    public static MknodFop MknodOf(string name)
    {
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, GfidOf(name));
        return new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata };
    }

    /// <summary>Waits until both proxies may keep something.</summary>
    public void WaitForLeases() => Assert.True(World.RunUntil(
        () => Proxies[0].Cache!.Store.IsValid(Proxies[0].Node.Clock.MonotonicNs)
            && Proxies[1].Cache!.Store.IsValid(Proxies[1].Node.Clock.MonotonicNs),
        20_000));

    public T End<T>(Task<T> task, long limitMs = 60_000)
    {
        Assert.True(World.RunUntil(() => task.IsCompleted, limitMs), "no answer");
        return task.GetAwaiter().GetResult();
    }

    public TReply Do<TReply>(CacheUser user, Func<Translator, Call, ValueTask<TReply>> fop)
        where TReply : Reply => End(user.Begin(fop));

    /// <summary>The number of milliseconds that something took.</summary>
    public long Time(Action action)
    {
        var startNs = World.NowNs;
        action();
        return (World.NowNs - startNs) / 1_000_000;
    }
}

/// <summary>A process with a graph that ends at the brick: a proxy without its door, or a client.</summary>
internal sealed class CacheUser
{
    private readonly TranslatorGraph _graph;

    public CacheUser(SimWorld world, string name, int bricks, bool isCached)
    {
        Node = world.AddNode(name);
        var document = new VolfileDocument();
        for (var i = 0; i < bricks; i++)
        {
            document.Add($"client{i}", "protocol/client")
                .With("remote-host", $"brick{i}")
                .With("remote-port", CacheBrick.Port.ToString(CultureInfo.InvariantCulture))
                .With("remote-subvolume", CacheBrick.Export)
                .With("username", CacheBrick.User).With("password", CacheBrick.Password)
                .With("ping-timeout", "3");
        }

        if (bricks > 1)
        {
            document.Add("dht", "cluster/distribute").Over(Enumerable.Range(0, bricks).Select(i => $"client{i}"));
        }

        if (isCached)
        {
            var top = document.Top.Name;
            document.Add("cache", "performance/shared-cache").Over(top).With("cache", "on");
        }

        _graph = TranslatorGraph.Build(
            document, [ClientTranslator.Registration, Distribute.Registration, SharedCache.Registration], Node.Seams,
            new GraphOrigin { ProcessId = name },
            e => IsUp = e.Kind == GraphEventKind.ChildUp || (IsUp && e.Kind != GraphEventKind.ChildDown));
    }

    public SimNode Node { get; }

    public bool IsUp { get; private set; }

    public Translator Top => _graph.Top;

    public SharedCache? Cache => _graph.Top as SharedCache;

    public long Hits => Figure("hits");

    public void Start() => Node.Do(_graph.Start);

    public void Stop() => Node.Do(_graph.Stop);

    /// <summary>Begins a fop on the loop of this process.</summary>
    public Task<TReply> Begin<TReply>(Func<Translator, Call, ValueTask<TReply>> fop)
        where TReply : Reply => SimTasks.Start(Node, async () => await fop(Top, new Call()));

    public long Figure(string key)
    {
        var dump = new StateDump();
        Cache!.DumpState(dump);
        var text = dump.ToString();
        var at = text.IndexOf(key + "=", StringComparison.Ordinal) + key.Length + 1;
        return long.Parse(text[at..].Split('\n')[0], CultureInfo.InvariantCulture);
    }
}
