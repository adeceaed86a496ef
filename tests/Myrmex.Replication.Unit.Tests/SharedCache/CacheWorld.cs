using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Dht;
using Myrmex.Cluster.JournalClient;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Protocol;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>Servers, proxies with a cache and clients without one, in virtual time.</summary>
internal abstract class CacheWorld
{
    public abstract SimWorld World { get; }

    public CacheUser[] Proxies { get; protected init; } = [];

    public CacheUser Direct { get; protected init; } = null!; // Set by each kind.

    /// <summary>How often a client goes on at once; else it waits for up to a second and a half.</summary>
    public virtual double Haste => 0.7;

    /// <summary>The users, who wait until they may do something.</summary>
    protected IEnumerable<CacheUser> Users => [Proxies[0], Proxies[1], Direct];

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

    /// <summary>Draws what differs between worlds.</summary>
    public abstract void Tune(SimRandom random);

    /// <summary>Something goes wrong, or comes right again.</summary>
    public abstract void Disturb(SimRandom random);

    /// <summary>Waits until both proxies may keep something.</summary>
    public void WaitForLeases() => Assert.True(
        World.RunUntil(() => Proxies[0].MayKeep && Proxies[1].MayKeep, 20_000), "nothing is promised");

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

    /// <summary>Clocks run at different rates.</summary>
    protected void Drift(int ppmMax)
    {
        foreach (var node in ppmMax > 0 ? World.Nodes : [])
        {
            node.Clock.DriftPpm = World.Random.Between(-ppmMax, ppmMax);
        }
    }

    protected void StartUsers()
    {
        foreach (var user in Users)
        {
            user.Start();
        }

        Assert.True(World.RunUntil(() => Proxies[0].IsUp && Proxies[1].IsUp && Direct.IsUp, 20_000));
    }
}

/// <summary>A process with a graph that ends at the servers: a proxy without its door, or a client.</summary>
internal sealed class CacheUser
{
    private readonly TranslatorGraph _graph;

    /// <param name="document">With the ways to the servers, to which a cache is added if it is wanted.</param>
    public CacheUser(SimWorld world, string name, VolfileDocument document, bool isCached)
    {
        Node = world.AddNode(name);
        if (isCached)
        {
            var top = document.Top.Name;
            document.Add("cache", "performance/shared-cache").Over(top).With("cache", "on");
        }

        _graph = TranslatorGraph.Build(
            document,
            [
                ClientTranslator.Registration, Distribute.Registration, JournalClient.Registration,
                SharedCache.Registration,
            ],
            Node.Seams,
            new GraphOrigin { ProcessId = name },
            e => IsUp = e.Kind == GraphEventKind.ChildUp || (IsUp && e.Kind != GraphEventKind.ChildDown));
    }

    public SimNode Node { get; }

    public bool IsUp { get; private set; }

    public Translator Top => _graph.Top;

    public SharedCache? Cache => _graph.Top as SharedCache;

    public long Hits => Figure("hits");

    public bool MayKeep => Cache!.Store.IsValid(Node.Clock.MonotonicNs);

    /// <summary>A way to each of the nodes, named client0 and so on.</summary>
    public static VolfileDocument WaysTo(IReadOnlyList<string> nodes)
    {
        var document = new VolfileDocument();
        for (var i = 0; i < nodes.Count; i++)
        {
            document.Add($"client{i}", "protocol/client")
                .With("remote-host", nodes[i])
                .With("remote-port", CacheBrick.Port.ToString(CultureInfo.InvariantCulture))
                .With("remote-subvolume", CacheBrick.Export)
                .With("username", CacheBrick.User).With("password", CacheBrick.Password)
                .With("ping-timeout", "3");
        }

        return document;
    }

    public void Start() => Node.Do(_graph.Start);

    public void Stop() => Node.Do(_graph.Stop);

    /// <summary>Begins a fop on the loop of this process.</summary>
    public Task<TReply> Begin<TReply>(Func<Translator, Call, ValueTask<TReply>> fop)
        where TReply : Reply => SimTasks.Start(Node, async () => await fop(Top, new Call()));

    public long Figure(string key) => FigureOf(Cache!, key);

    /// <summary>A number in the state dump of a translator.</summary>
    public static long FigureOf(Translator translator, string key)
    {
        var dump = new StateDump();
        translator.DumpState(dump);
        var line = dump.ToString().Split('\n').First(l => l.StartsWith(key + "=", StringComparison.Ordinal));
        return long.Parse(line[(key.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
