using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Myrmex.Storage;
using Myrmex.Tests.Wire;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Fuzz.Tests;

/// <summary>
/// Goal: no client can make a brick log an error, keep memory after it has gone, or serve others worse. Method: a whole brick
/// in a simulated world, a client that sends sensible, senseless and damaged fops, and afterwards an honest one.
/// </summary>
[Trait("Tier", "fuzz")]
public sealed class BrickFuzzTests : IDisposable
{
    private const string Volfile = """
        volume store
            type storage/memory
            option capacity 16MB
        end-volume
        volume locks
            type features/locks
            subvolumes store
        end-volume
        volume times
            type features/utime
            subvolumes locks
        end-volume
        volume brick
            type debug/io-stats
            subvolumes times
        end-volume
        volume door
            type protocol/server
            option auth.addr.brick.allow *
            subvolumes brick
        end-volume
        """;

    private static readonly LinkAddress Address = new("server", 49152);

    private readonly StringWriter _log = new();
    private readonly LogLevel _level = Log.Level;

    public BrickFuzzTests()
    {
        Log.Level = LogLevel.Error;
        Log.WriteTo(_log);
    }

    public void Dispose()
    {
        Log.WriteTo(null);
        Log.Level = _level;
        RandomValues.Known = null;
    }

    [Fact]
    public void ABrickStandsAnyClient() => FuzzRun.Run(
        nameof(ABrickStandsAnyClient),
        smokeSeconds: 6,
        random => RunWorld(random));

    [Fact]
    public void TheSameSeedGivesTheSameRunOfAWholeBrick() =>
        Assert.Equal(RunWorld(new SimRandom(17)), RunWorld(new SimRandom(17)));

    /// <summary>One life of a brick with three wild clients and an honest one; the hash of what happened.</summary>
    private ulong RunWorld(SimRandom random)
    {
        RandomValues.Known = new KnownValues(
            [Gfid.Root, Gfid.Root, .. Enumerable.Range(1, 5).Select(i => new Gfid(0x4000, 0x8000000000000000 + (ulong)i))],
            ["a", "b", "c", "d", ".", string.Empty]);
        var world = new SimWorld(random.Next());
        var server = new Brick(world.AddNode("server"));
        var node = world.AddNode("client");
        for (var i = 0; i < 3; i++)
        {
            new WildClient(world, node, random).Run();
        }

        AssertServes(world, node);
        server.Stop();
        world.RunFor(1000);
        Assert.Equal(0, world.Network.LinkCount);
        Assert.Equal(string.Empty, _log.ToString());
        return world.TraceHash;
    }

    private static void AssertServes(SimWorld world, SimNode node)
    {
        var client = new RawClient(node);
        Assert.True(world.RunUntil(() => client.Link.IsOpen, 1000), "nobody can connect any more");
        client.Attach("honest");
        Assert.True(world.RunUntil(() => client.Replies == 1, 1000), "nobody can attach any more");
        client.SendFop(FopCode.Lookup, Lookup());
        Assert.True(world.RunUntil(() => client.Replies == 2, 1000), "nothing is answered any more");
        client.Link.Close(Errno.Ok, "done");
        world.RunFor(1000);
    }

    private static byte[] Lookup()
    {
        var bytes = new byte[256];
        var writer = new XdrWriter(bytes);
        LookupCodec.EncodeRequest(ref writer, new LookupFop { Gfid = Gfid.Root }, fd: 0, secondFd: 0);
        return bytes[..writer.Position];
    }

    /// <summary>The brick of the volume file above on a simulated node.</summary>
    private sealed class Brick
    {
        private readonly SimNode _node;
        private readonly TranslatorGraph _graph;
        private readonly RpcServer _server;

        public Brick(SimNode node)
        {
            var exports = new ExportTable();
            _node = node;
            _graph = TranslatorGraph.Build(
                VolfileDocument.Parse(Volfile),
                [
                    MemoryTranslator.Registration, Features.Locks.Registration, Features.Utime.Registration,
                    Debug.IoStats.Registration, ServerTranslator.Registration(exports),
                ],
                node.Seams,
                new GraphOrigin { ProcessName = "brick" });
            _graph.Start();
            _server = new RpcServer(node.Seams, connection => new ServerConnection(connection, exports));
            _server.Listen(Address, RpcConnection.LinkOptions());
        }

        public void Stop() => _node.Seams.Scheduler.Post(() =>
        {
            _server.Dispose();
            _graph.Stop();
        });
    }

    /// <summary>Sends most things there are and takes being thrown out as an answer.</summary>
    private sealed class WildClient(SimWorld world, SimNode node, SimRandom random)
    {
        private const int Records = 60;

        private static readonly byte[] Filler = new byte[64];

        private RawClient _client = new(node);

        public void Run()
        {
            Attach();
            for (var i = 0; i < Records; i++)
            {
                if (!_client.Link.IsOpen)
                {
                    Attach();
                }

                SendOne();
                if (random.Chance(0.3))
                {
                    world.RunFor(random.Below(20));
                }
            }

            world.RunFor(100);
            _client.Link.Close(Errno.Ok, "done");
            world.RunFor(1000);
        }

        private void Attach()
        {
            _client = new RawClient(node);
            Assert.True(world.RunUntil(() => _client.Link.IsOpen, 1000), "nobody can connect any more");
            if (random.Chance(0.95))
            {
                _client.Attach("wild" + random.Below(3));
                world.RunFor(10);
            }
        }

        private void SendOne()
        {
            var codec = CodecCase.All[random.Below(CodecCase.All.Count)];
            var body = random.Chance(0.95) ? codec.MakeRequest(random) : codec.MakeReply(random);
            if (random.Chance(0.15))
            {
                body = Mutator.Mutate(random, body, Filler);
            }

            var code = random.Chance(0.95) ? codec.Code : (FopCode)random.Below(80);
            if (random.Chance(0.95))
            {
                _client.SendFop(code, body);
            }
            else
            {
                _client.SendDamaged(random, code, body);
            }
        }
    }

    /// <summary>A client that sends records as they are.</summary>
    private sealed class RawClient : ILinkHandler
    {
        private uint _xid;

        public RawClient(SimNode node) => Link = node.Seams.Network.Connect(Address, RpcConnection.LinkOptions(), this);

        public Link Link { get; }

        public int Replies { get; private set; }

        public void OnOpen(Link link)
        {
        }

        public void OnFrame(Link link, Payload frame) => Replies++;

        public void OnClosed(Link link, Errno error, string reason) => Assert.NotEqual(Errno.EIO, error);

        public void Attach(string name)
        {
            var values = new Dictionary<string, string>
            {
                ["remote-subvolume"] = "brick",
                ["process-uuid"] = name,
                ["clnt-lk-version"] = "1",
            };
            var head = new RpcCall(++_xid, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume);
            Send(Record(head, HandshakeCodec.SetVolumeRequest(values)));
        }

        public void SendFop(FopCode code, byte[] body) => Send(Record(Head(code), body));

        public void SendDamaged(SimRandom random, FopCode code, byte[] body)
        {
            var record = Record(Head(code), body);
            Send(Mutator.Mutate(random, record, record));
        }

        private static byte[] Record(RpcCall head, byte[] body)
        {
            var bytes = new byte[RpcHeader.MarkSize + RpcHeader.CallSizeMax + body.Length];
            var writer = new XdrWriter(bytes.AsSpan(RpcHeader.MarkSize));
            RpcHeader.WriteCall(ref writer, head, call: null, version3: true);
            writer.WriteRaw(body);
            RpcHeader.WriteMark(bytes, writer.Position);
            return bytes[..(RpcHeader.MarkSize + writer.Position)];
        }

        private RpcCall Head(FopCode code) => new(++_xid, Programs.Fop, Programs.FopVersion, (uint)code);

        private void Send(byte[] bytes)
        {
            var room = bytes.Length == 0 ? default : Link.BeginSend(bytes.Length);
            if (!room.IsEmpty)
            {
                bytes.CopyTo(room);
                Link.EndSend(bytes.Length, default);
            }
        }
    }
}
