using System;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features.CacheLeases;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Myrmex.Storage;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>What a brick does wrong, so that the checks can be seen to notice it.</summary>
internal enum BrickFault
{
    None,

    /// <summary>What is told counts as handled when it is sent.</summary>
    WaitsForNobody,

    /// <summary>Clients are promised more than the brick waits for.</summary>
    PromisesTooMuch,

    /// <summary>Nobody is told anything.</summary>
    TellsNobody,

    /// <summary>A new process does not wait for what the last one has promised.</summary>
    ForgetsAtRestart,
}

/// <summary>A brick on a simulated node: protocol/server, features/cache-leases, some time, a store that outlives it.</summary>
internal sealed class CacheBrick
{
    public const string Export = "/bricks/one";
    public const int Port = 24200;
    public const string User = "the-user";
    public const string Password = "the-password";

    private readonly SimRandom _random;
    private readonly BrickFault _fault;
    private readonly Translator _store;
    private RpcServer? _door;

    public CacheBrick(SimWorld world, string name, BrickFault fault)
    {
        Node = world.AddNode(name);
        _fault = fault;
        _random = new SimRandom((world.Seed * 37) + (ulong)world.Nodes.Count);
        var document = new VolfileDocument();
        document.Add("store", "storage/memory");
        var graph = TranslatorGraph.Build(
            document, [MemoryTranslator.Registration], Node.Seams, new GraphOrigin());
        graph.Start();
        _store = graph.Top;
    }

    public SimNode Node { get; }

    /// <summary>Most milliseconds before and after a fop is executed.</summary>
    public int DelayMsMax { get; set; } = 2;

    public CacheLeases? Leases { get; private set; }

    public long Figure(string key) => CacheUser.FigureOf(Leases!, key);

    public void Start()
    {
        var exports = new ExportTable();
        var document = new VolfileDocument();
        document.Add("below", "test/store");
        var isNew = Leases is null || _fault == BrickFault.ForgetsAtRestart;
        document.Add("locks", "features/locks").Over("below");
        document.Add("leases", "features/cache-leases").Over("locks").With("cache-leases", isNew ? "off" : "on");
        document.Add(Export, "test/grants").Over("leases");
        document.Add("door", "protocol/server").Over(Export)
            .With($"auth.login.{Export}.allow", User).With($"auth.login.{User}.password", Password)
            .With($"auth.addr.{Export}.allow", "*");
        var graph = TranslatorGraph.Build(
            document,
            [
                new("test/store", place => new Store(place, this), [], Maturity.Preview) { SubvolumesMin = 0 },
                Features.Locks.Registration,
                CacheLeases.Registration,
                new("test/grants", place => new Grants(place, _fault), [], Maturity.Preview),
                ServerTranslator.Registration(exports),
            ],
            Node.Seams,
            new GraphOrigin());
        Leases = graph.Translators.OfType<CacheLeases>().Single();
        graph.Start();
        if (isNew)
        {
            Assert.True(graph.TryReconfigure(WithLeases(document))); // Nobody was promised anything before.
        }

        _door = new RpcServer(Node.Seams, connection => new ServerConnection(connection, exports));
        _door.Listen(new LinkAddress(Node.Name, Port), RpcConnection.LinkOptions());
    }

    public void Crash() => Node.Crash(SimCrash.Process);

    public void Restart()
    {
        Node.Restart();
        Node.Do(Start);
    }

    private static VolfileDocument WithLeases(VolfileDocument document)
    {
        var on = VolfileDocument.Parse(document.ToString());
        var leases = on.Blocks.Single(b => b.Type == "features/cache-leases");
        leases.Options.Clear();
        leases.With("cache-leases", "on");
        return on;
    }

    private async ValueTask<TReply> HandleAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        await PauseAsync();
        var reply = await TFop.Invoke(_store, in fop, call);
        await PauseAsync();
        return reply;
    }

    private Task PauseAsync()
    {
        var pause = new TaskCompletionSource();
        Node.Seams.Scheduler.Schedule(_random.Below(DelayMsMax + 1), pause.SetResult);
        return pause.Task;
    }

    private sealed class Store(TranslatorPlace place, CacheBrick brick) : Uniform<Policy>(place, new Policy(brick));

    private readonly struct Policy(CacheBrick brick) : IFopPolicy
    {
        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply> => brick.HandleAsync<TFop, TReply>(fop, call);
    }

    /// <summary>Stands in front of the leases and does wrong what it is told to.</summary>
    private sealed class Grants(TranslatorPlace place, BrickFault fault) : Translator(place), ICacheGrants
    {
        private ICacheGrants Real => (ICacheGrants)Next;

        public CacheGrant Renew(ClientIdentity client, ulong handled, Action<Gfid, ulong> tell)
        {
            var grant = Real.Renew(client, handled, (gfid, number) =>
            {
                if (fault != BrickFault.TellsNobody)
                {
                    tell(gfid, number);
                }

                if (fault is BrickFault.WaitsForNobody or BrickFault.TellsNobody)
                {
                    Real.Handled(client, number); // Its lock may be taken twice by one thread.
                }
            });
            return fault == BrickFault.PromisesTooMuch ? grant with { Milliseconds = grant.Milliseconds * 10 } : grant;
        }

        public void Handled(ClientIdentity client, ulong number) => Real.Handled(client, number);
    }
}
