using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>What the brick behind the door sees and answers.</summary>
internal sealed class Brick
{
    /// <summary>Sees each fop while its borrowed parts are valid.</summary>
    public Action<FopCode, object, Call>? OnFop { get; set; }

    /// <summary>Makes the answer; success with empty fields when null or when it gives null.</summary>
    public Func<FopCode, object, Reply?>? Answer { get; set; }

    /// <summary>Answers wait until the test runs them from <see cref="Held"/>.</summary>
    public Func<FopCode, bool> Holds { get; set; } = _ => false;

    public List<Action> Held { get; } = [];

    public List<string> Events { get; } = [];

    /// <summary>Fops are counted only, nothing is remembered and nothing allocated.</summary>
    public bool IsQuiet { get; set; }

    public long Count { get; set; }

    public Action<ClientIdentity>? Gone { get; set; }
}

/// <summary>Stands below the leaf, which asks it nothing.</summary>
internal sealed class Nothing(TranslatorPlace place) : LeafTranslator(place);

/// <summary>A leaf that answers every fop as the test says.</summary>
internal sealed class EchoLeaf(TranslatorPlace place, Brick brick) : Uniform<EchoLeaf.Echo>(place, new Echo(brick))
{
    public override void ClientGone(ClientIdentity client)
    {
        brick.Events.Add("gone " + client.Uid);
        brick.Gone?.Invoke(client);
    }

    public override void Stop() => brick.Events.Add("stop");

    public void Raise(in GraphEvent graphEvent) => NotifyParents(in graphEvent);

    internal readonly struct Echo(Brick brick) : IFopPolicy
    {
        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            brick.Count++;
            if (brick.IsQuiet)
            {
                var quiet = TReply.Rent();
                if (quiet is ReadReply read)
                {
                    read.Data = new Payload(PayloadPool.Shared.Rent(4096), 0, 4096);
                    read.OpRet = 4096;
                }

                return new ValueTask<TReply>(quiet);
            }

            return Noted<TFop, TReply>(in fop, call);
        }

        private ValueTask<TReply> Noted<TFop, TReply>(in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            brick.Events.Add(TFop.Code.ToString());
            brick.OnFop?.Invoke(TFop.Code, fop, call);
            var reply = (TReply?)brick.Answer?.Invoke(TFop.Code, fop) ?? TReply.Rent();
            if (!brick.Holds(TFop.Code))
            {
                return new ValueTask<TReply>(reply);
            }

            var pending = PendingReply<TReply>.Rent();
            brick.Held.Add(() => pending.Complete(reply));
            return pending.Task;
        }
    }
}

/// <summary>A brick graph and client graphs in memory, on one virtual thread.</summary>
internal sealed class ProtocolWorld : IDisposable
{
    public const string Export = "/bricks/one";

    public ProtocolWorld(
        IEnumerable<(string Key, string Value)>? serverOptions = null, Func<uint, uint[]?>? groups = null)
    {
        Network = new MemoryNetwork(Loop);
        Seams = new Seams(Loop, new SeededRandom(7), Loop, Loop, Network);
        ServerTypes =
        [
            new TranslatorRegistration(
                "test/echo", place => Leaf = new EchoLeaf(place, Brick), [], Maturity.Preview),
            new TranslatorRegistration("test/nothing", place => new Nothing(place), [], Maturity.Preview) { SubvolumesMin = 0 },
            new TranslatorRegistration(
                "protocol/server", place => new Myrmex.Protocol.ServerTranslator(place, Exports, groups),
                Myrmex.Protocol.ServerOptions.Table, Maturity.Preview),
        ];
        Server = TranslatorGraph.Build(
            ServerDocument(serverOptions ?? [($"auth.addr.{Export}.allow", "*")]), ServerTypes, Seams, new GraphOrigin());
        Server.Start();
        Door = new Myrmex.Rpc.RpcServer(Seams, c => new Myrmex.Protocol.ServerConnection(c, Exports));
        Door.Listen(Address, Myrmex.Rpc.RpcConnection.LinkOptions());
    }

    public static LinkAddress Address => new("brick", 49152);

    public MemoryLoop Loop { get; } = new();

    public MemoryNetwork Network { get; }

    public Seams Seams { get; }

    public Brick Brick { get; } = new();

    public EchoLeaf Leaf { get; private set; } = null!;

    public Myrmex.Protocol.ExportTable Exports { get; } = new();

    public TranslatorGraph Server { get; }

    public Myrmex.Rpc.RpcServer Door { get; }

    public List<GraphEvent> Events { get; } = [];

    private List<TranslatorRegistration> ServerTypes { get; }

    public static VolfileDocument ServerDocument(IEnumerable<(string Key, string Value)> options)
    {
        var document = new VolfileDocument();
        document.Add("nothing", "test/nothing");
        document.Add(Export, "test/echo").Over("nothing");
        var door = document.Add("door", "protocol/server").Over(Export);
        foreach (var (key, value) in options)
        {
            door.With(key, value);
        }

        return document;
    }

    /// <summary>A client graph of one protocol/client, started.</summary>
    public TranslatorGraph Client(GraphOrigin? origin = null, params (string Key, string Value)[] options)
    {
        var document = new VolfileDocument();
        var client = document.Add("client", "protocol/client")
            .With("remote-host", Address.Host).With("remote-port", "49152").With("remote-subvolume", Export);
        foreach (var (key, value) in options)
        {
            client.With(key, value);
        }

        var graph = TranslatorGraph.Build(
            document, [Myrmex.Protocol.ClientTranslator.Registration], Seams, origin ?? new GraphOrigin { ProcessId = "p" },
            Events.Add);
        graph.Start();
        Loop.Run();
        return graph;
    }

    /// <summary>Sends a fop and runs the world until it is answered.</summary>
    public TReply Ask<TFop, TReply>(TranslatorGraph client, in TFop fop, Call? call = null)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var own = call ?? Call.Internal(pid: 100);
        var task = TFop.Invoke(client.Top, in fop, own);
        Loop.Run();
        Xunit.Assert.True(task.IsCompleted, $"{TFop.Code} is not answered");
        if (call is null)
        {
            own.Release();
        }

        return task.Result;
    }

    public Fd Open(TranslatorGraph client, Gfid gfid, uint flags = OpenFlags.ReadWrite)
    {
        var fd = new Fd(gfid, flags, isDirectory: false, client.SlotCount);
        var reply = Ask<OpenFop, OpenReply>(client, new OpenFop { Gfid = gfid, Flags = flags, Fd = fd });
        Xunit.Assert.Equal(Errno.Ok, reply.Error);
        reply.Release();
        return fd;
    }

    public Errno Read(TranslatorGraph client, Fd fd) =>
        Error(Ask<ReadFop, ReadReply>(client, new ReadFop { Gfid = fd.Gfid, Fd = fd, Size = 10 }));

    public Errno Stat(TranslatorGraph client) =>
        Error(Ask<StatFop, StatReply>(client, new StatFop { Gfid = new Gfid(1, 1) }));

    public static Errno Error(Reply reply)
    {
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public int CountOf(string name) => Brick.Events.Count(e => e == name);

    public void Dispose()
    {
        Door.Dispose();
        Loop.Run();
    }
}
