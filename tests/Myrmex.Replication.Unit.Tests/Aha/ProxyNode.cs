using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>A proxy on a simulated node: protocol/server, some time, the store that all proxies share.</summary>
internal sealed class ProxyNode
{
    public const string Export = "gfproxyd-vol";
    public const int Port = 24100;

    private readonly ProxyStore _store;
    private readonly SimRandom _random;
    private readonly List<ClientIdentity> _clients = [];
    private RpcServer? _door;
    private long _freeAtNs; // The fops that stand in line are done by then.
    private TranslatorGraph? _graph;
    private Top? _top;

    public ProxyNode(SimWorld world, ProxyStore store, string name)
    {
        _store = store;
        Node = world.AddNode(name);
        _random = new SimRandom((world.Seed * 31) + (ulong)world.Nodes.Count);
        store.Event += graphEvent => _top?.Tell(in graphEvent);
        Start();
    }

    public SimNode Node { get; }

    /// <summary>Most milliseconds before and after a fop is executed.</summary>
    public int DelayMsMax { get; set; } = 2;

    /// <summary>Microseconds that each fop takes it, one after the other in the order in which they come; 0: none.</summary>
    public long FopCostUs { get; set; }

    /// <summary>Milliseconds until it says that it serves.</summary>
    public int AnswersRootAfterMs { get; set; }

    /// <summary>Sends everybody elsewhere.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Decides what a fop hears instead of being executed; null to execute it.</summary>
    public Func<FopCode, Errno?>? Instead { get; set; }

    /// <summary>Called after a fop was executed and before it is answered; true to answer it too late.</summary>
    public Func<FopCode, bool>? Executed { get; set; }

    public List<(FopCode Code, uint Flags)> Calls { get; } = [];

    /// <summary>The latest client of it that the volume knows.</summary>
    public static ClientIdentity Identity(ProxyNode proxy) => proxy._clients[^1];

    public int CallsOf(FopCode code) => Calls.Count(c => c.Code == code);

    /// <summary>The process dies. What it held at the volume goes a while later, when that has noticed.</summary>
    public void Crash(SimCrash kind = SimCrash.Process, long noticedAfterMs = 1)
    {
        if (!Node.IsUp)
        {
            return;
        }

        Node.Crash(kind);
        _door = null;
        (_graph, _top) = (null, null);
        var gone = _clients.ToArray();
        _clients.Clear();
        Node.World.After(noticedAfterMs, () => Array.ForEach(gone, _store.Volume.ClientGone));
    }

    public void Restart()
    {
        if (!Node.IsUp)
        {
            Node.Restart();
            Start();
        }
    }

    private void Start()
    {
        IsDraining = false;
        var exports = new ExportTable();
        var document = new VolfileDocument();
        document.Add("nothing", "test/nothing");
        document.Add(Export, "test/proxy").Over("nothing");
        document.Add("door", "protocol/server").Over(Export).With($"auth.addr.{Export}.allow", "*");
        _graph = TranslatorGraph.Build(
            document,
            [
                new("test/nothing", static place => new Nothing(place), [], Maturity.Preview) { SubvolumesMin = 0 },
                new("test/proxy", place => new Top(place, this), [], Maturity.Preview),
                ServerTranslator.Registration(exports),
            ],
            Node.Seams,
            new GraphOrigin());
        _graph.Start();
        _top = _graph.Translators.OfType<Top>().Single();
        _door = new RpcServer(Node.Seams, connection => new ServerConnection(connection, exports));
        _door.Listen(new LinkAddress(Node.Name, Port), RpcConnection.LinkOptions());
    }

    private async ValueTask<TReply> HandleAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        Calls.Add((TFop.Code, fop is OpenFop open ? open.Flags : 0));
        if (call.Client is { } client && !_clients.Contains(client))
        {
            _clients.Add(client);
        }

        if (fop is ReleaseFop or ReleasedirFop)
        {
            return await TFop.Invoke(_store.Volume, in fop, call);
        }

        if (FopCostUs > 0)
        {
            await StandInLineAsync();
            if (call.Client is { IsGone: true })
            {
                return TReply.Fail(Errno.ENOTCONN);
            }
        }

        await PauseAsync(fop is StatFop && AnswersRootAfterMs > 0 ? AnswersRootAfterMs : _random.Below(DelayMsMax + 1));
        var record = TFop.XDataOf(in fop) is { } xdata && xdata.TryGetBytes(ChangeRecord.Key, out var bytes)
            ? bytes.ToArray()
            : null;
        if ((IsDraining ? Errno.EREMOTE : Instead?.Invoke(TFop.Code)) is { } instead)
        {
            return TReply.Fail(instead);
        }

        if (fop is IpcFop ipc)
        {
            var id = BinaryPrimitives.ReadUInt128BigEndian(record);
            Action<UInt128> change = ipc.Operation == ChangeRecord.BeginSession ? _store.Begin : _store.End;
            change(id);
            return TReply.Rent();
        }

        var reply = await _store.ApplyAsync<TFop, TReply>(record, in fop, call);
        if (Executed?.Invoke(TFop.Code) == true)
        {
            await PauseAsync(100); // By then the connection is gone.
        }

        await PauseAsync(_random.Below(DelayMsMax + 1));
        return reply;
    }

    /// <summary>As fops do at a real proxy when more come than it can do: FopLine.</summary>
    private Task StandInLineAsync()
    {
        var nowNs = Node.Seams.Clock.MonotonicNs;
        _freeAtNs = Math.Max(nowNs, _freeAtNs) + (FopCostUs * 1_000);
        return PauseAsync((_freeAtNs - nowNs) / 1_000_000);
    }

    private Task PauseAsync(long ms)
    {
        var pause = new TaskCompletionSource();
        Node.Seams.Scheduler.Schedule(ms, pause.SetResult);
        return pause.Task;
    }

    private sealed class Nothing(TranslatorPlace place) : LeafTranslator(place);

    private sealed class Top(TranslatorPlace place, ProxyNode proxy) : Uniform<Policy>(place, new Policy(proxy))
    {
        public override void ClientGone(ClientIdentity client) => proxy._store.Volume.ClientGone(client);

        public override void Start() => NotifyParents(new GraphEvent(GraphEventKind.ChildUp));

        /// <summary>A recall is for a client of this proxy, or of another one.</summary>
        public void Tell(in GraphEvent graphEvent)
        {
            if (graphEvent is { Kind: GraphEventKind.RecallLease, Only: { } client } && proxy._clients.Contains(client))
            {
                NotifyParents(in graphEvent);
            }
        }
    }

    private readonly struct Policy(ProxyNode proxy) : IFopPolicy
    {
        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply> => proxy.HandleAsync<TFop, TReply>(fop, call);
    }
}
