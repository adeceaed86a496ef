using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Messages;

/// <summary>A brick with a receiver of messages on one simulated node, clients of it on another.</summary>
internal sealed class PeerBed
{
    public const string Export = "/bricks/one.member";
    public const string UserName = "volume-user";
    public const string Password = "volume-password";

    private readonly ExportTable _exports = new();

    /// <param name="isMember">Somebody below the export takes messages.</param>
    public PeerBed(ulong seed = 1, bool isMember = true)
    {
        World = new SimWorld(seed);
        ServerNode = World.AddNode("server");
        ClientNode = World.AddNode("client");
        Server = TranslatorGraph.Build(ServerDocument(isMember), ServerTypes(), ServerNode.Seams, new GraphOrigin());
        Server.Start();
        Door = new RpcServer(ServerNode.Seams, c => new ServerConnection(c, _exports));
        Door.Listen(Address, RpcConnection.LinkOptions());
    }

    public static LinkAddress Address => new("server", 49152);

    public SimWorld World { get; }

    public SimNode ServerNode { get; }

    public SimNode ClientNode { get; }

    public TranslatorGraph Server { get; }

    public RpcServer Door { get; }

    public StoreLeaf Store { get; private set; } = null!;

    /// <summary>Sees each message first, while it is lent.</summary>
    public Action<Payload>? OnMessage { get; set; }

    /// <summary>What has come.</summary>
    public List<byte[]> Received { get; } = [];

    public ClientTranslator Client(bool isTrusted = true)
    {
        var document = new VolfileDocument();
        var block = document.Add("peer", "protocol/client")
            .With("remote-host", "server").With("remote-port", "49152").With("remote-subvolume", Export);
        if (isTrusted)
        {
            block.With("username", UserName).With("password", Password);
        }

        var graph = TranslatorGraph.Build(
            document, [ClientTranslator.Registration], ClientNode.Seams,
            new GraphOrigin { ProcessId = isTrusted ? "t" : "u" });
        graph.Start();
        World.RunFor(100);
        return (ClientTranslator)graph.Top;
    }

    /// <summary>A trusted client whose messages arrive.</summary>
    public ClientTranslator AttachedClient()
    {
        var client = Client();
        Assert.False(Send(client, [0])); // Makes the attachment.
        Assert.True(World.RunUntil(() => Send(client, [0]), 10_000));
        Assert.True(World.RunUntil(() => Received.Count == 1, 1_000));
        Received.Clear();
        return client;
    }

    public static bool Send(ClientTranslator client, byte[] head, params Payload[] data) => client.TrySend(head, data);

    /// <summary>The bytes of a message as the receiver notes them.</summary>
    public static byte[] Note(ReadOnlySpan<byte> head, params Payload[] data) =>
        [.. BitConverter.GetBytes(head.Length), .. head, .. data.SelectMany(d => d.Span.ToArray())];

    public Errno Stat(ClientTranslator client)
    {
        var task = StatAsync(client);
        Assert.True(World.RunUntil(() => task.IsCompleted, 10_000));
        return task.Result;
    }

    public static async Task<Errno> StatAsync(ClientTranslator client)
    {
        var call = Call.Internal(pid: 100);
        var reply = await client.Stat(new StatFop { Gfid = Gfid.Root }, call);
        var error = reply.Error;
        reply.Release();
        call.Release();
        return error;
    }

    public static string Dump(ClientTranslator client, string key)
    {
        var dump = new StateDump();
        client.DumpState(dump);
        var line = dump.ToString().Split('\n').Single(l => l.StartsWith(key + "=", StringComparison.Ordinal));
        return line[(key.Length + 1)..];
    }

    private static VolfileDocument ServerDocument(bool isMember)
    {
        var document = new VolfileDocument();
        document.Add("store", "test/store");
        document.Add("other", "protocol/client")
            .With("remote-host", "client").With("remote-port", "1").With("remote-subvolume", "/none");
        document.Add("journal", isMember ? "test/member" : "test/two").Over("store", "other");
        document.Add(Export, "test/top").Over("journal");
        document.Add("door", "protocol/server").Over(Export)
            .With($"auth.addr.{Export}.allow", "*")
            .With($"auth.login.{Export}.allow", UserName)
            .With($"auth.login.{UserName}.password", Password);
        return document;
    }

    private TranslatorRegistration[] ServerTypes() =>
    [
        new("test/store", place => Store = new StoreLeaf(place), [], Maturity.Preview) { SubvolumesMin = 0 },
        new("test/member", place => new Member(place, this), [], Maturity.Preview) { SubvolumesMax = 2 },
        new("test/two", place => new Top(place), [], Maturity.Preview) { SubvolumesMax = 2 },
        new("test/top", place => new Top(place), [], Maturity.Preview),
        ClientTranslator.Registration,
        ServerTranslator.Registration(_exports),
    ];

    /// <summary>The bottom of the brick; its fops may be held.</summary>
    public sealed class StoreLeaf(TranslatorPlace place) : LeafTranslator(place)
    {
        public List<TaskCompletionSource<StatReply>>? Held { get; set; }

        public int Stats { get; private set; }

        public void Raise(GraphEventKind kind) => NotifyParents(new GraphEvent(kind));

        public override ValueTask<StatReply> Stat(in StatFop fop, Call call)
        {
            Stats++;
            if (Held is null)
            {
                return new ValueTask<StatReply>(StatReply.Rent());
            }

            Held.Add(new TaskCompletionSource<StatReply>());
            return new ValueTask<StatReply>(Held[^1].Task);
        }
    }

    private sealed class Top(TranslatorPlace place) : Translator(place);

    private sealed class Member(TranslatorPlace place, PeerBed bed) : Translator(place), IPeerReceiver
    {
        /// <summary>Only the store's news: the others may come and go.</summary>
        public override void Notify(in GraphEvent graphEvent, Translator source)
        {
            if (ReferenceEquals(source, Next))
            {
                NotifyParents(in graphEvent);
            }
        }

        public void Receive(ReadOnlySpan<byte> head, Payload data)
        {
            bed.OnMessage?.Invoke(data);
            bed.Received.Add(Note(head, data));
        }
    }
}
