using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>Who is let in, as whom, and to which part of the volume.</summary>
public sealed class AttachmentTests
{
    private const string Allow = $"auth.addr.{ProtocolWorld.Export}.allow";
    private const string Reject = $"auth.addr.{ProtocolWorld.Export}.reject";
    /// <summary>Cuts the connection, asks for something and waits until the client has closed it.</summary>
    private static long MsUntilMissed(ProtocolWorld world, TranslatorGraph client)
    {
        var cut = world.Network.Clients.Single();
        cut.IsCut = true;
        cut.Other!.IsCut = true;
        var call = Call.Internal();
        var answer = client.Top.Stat(new StatFop { Gfid = new Gfid(1, 1) }, call).AsTask();
        var beganNs = world.Loop.MonotonicNs;
        while (cut.IsOpen)
        {
            world.Loop.Advance(10);
        }

        Assert.True(answer.IsCompleted);
        return (world.Loop.MonotonicNs - beganNs) / 1_000_000;
    }

    private static void Attach(ProtocolWorld world)
    {
        var attached = world.Events.Count(e => e.Kind == GraphEventKind.ChildUp);
        for (var i = 0; i < 500 && world.Events.Count(e => e.Kind == GraphEventKind.ChildUp) == attached; i++)
        {
            world.Loop.Advance(10);
        }

        Assert.Equal(attached + 1, world.Events.Count(e => e.Kind == GraphEventKind.ChildUp));
    }

    private static readonly Gfid Directory = new(0xD1, 0xD2);

    [Theory]
    [InlineData("*", "", "10.0.0.9", true)]
    [InlineData("", "", "10.0.0.9", false)]
    [InlineData("10.0.0.9", "", "10.0.0.9", true)]
    [InlineData("10.0.0.8, 10.0.0.9", "", "10.0.0.9", true)]
    [InlineData("10.0.0.*", "", "10.0.0.9", true)]
    [InlineData("10.0.1.*", "", "10.0.0.9", false)]
    [InlineData("10.0.0.0/8", "", "10.0.0.9", true)]
    [InlineData("10.0.0.0/29", "", "10.0.0.9", false)]
    [InlineData("*", "10.0.0.9", "10.0.0.9", false)]
    [InlineData("*", "10.0.0.8", "10.0.0.9", true)]
    [InlineData("fe80::/16", "", "fe80::1", true)]
    [InlineData("10.0.0.9", "", "::ffff:10.0.0.9", true)]
    [InlineData("/(10.0.0.9|10.0.0.8),/dir(10.1.*)", "", "10.0.0.9", true)]
    [InlineData("/(10.0.0.7),/dir(*)", "", "10.0.0.9", false)]
    public void AddressesAreChecked(string allow, string reject, string host, bool expected)
    {
        var options = new OptionValues(ServerOptions.Table, Pairs((Allow, allow), (Reject, reject)));
        Assert.Equal(expected, Allows(options, host, "/"));
    }

    [Theory]
    [InlineData("/(a),/dir(10.0.0.9)", "/dir", true)]
    [InlineData("/(10.0.0.9),/dir(b)", "/dir", false)]
    [InlineData("/dir(10.0.0.9)", "/dir/below", false)]
    [InlineData("/dir", "/dir", true)]
    [InlineData("10.0.0.9", "/dir", true)]
    [InlineData("/a/b(10.0.*|c)", "/a/b", true)]
    public void DirectoriesHaveTheirOwnLists(string allow, string directory, bool expected)
    {
        var options = new OptionValues(ServerOptions.Table, Pairs((Allow, allow)));
        Assert.Equal(expected, Allows(options, "10.0.0.9", directory));
    }

    [Theory]
    [InlineData("good", "on", "good", true)]
    [InlineData("good", "on", "bad", false)]
    [InlineData("good", "on", "", false)]
    [InlineData("good", "off", "", true)]
    [InlineData("good", "off", "bad", false)]
    [InlineData("*", "on", "bad", true)]
    [InlineData("", "on", "bad", true)]
    public void CertificateNamesAreChecked(string names, string ssl, string name, bool expected)
    {
        var options = new OptionValues(ServerOptions.Table, Pairs(
            (Allow, "*"), ($"auth.login.{ProtocolWorld.Export}.ssl-allow", names), ("transport.socket.ssl-enabled", ssl)));
        Assert.Equal(expected, Allows(options, "10.0.0.9", "/", name));
    }

    [Fact]
    public void TheVolumesPasswordLetsInFromAnywhereButNotFromRejectedAddresses()
    {
        (string, string)[] rules =
        [
            ($"auth.login.{ProtocolWorld.Export}.allow", "user"), ("auth.login.user.password", "secret"), (Reject, "10.0.0.7"),
        ];
        var options = new OptionValues(ServerOptions.Table, Pairs(rules));
        Assert.True(Allows(options, "10.0.0.9", "/", "", ("username", "user"), ("password", "secret")));
        Assert.False(Allows(options, "10.0.0.9", "/", "", ("username", "user"), ("password", "secre")));
        Assert.False(Allows(options, "10.0.0.9", "/", "", ("username", "other"), ("password", "secret")));
        Assert.False(Allows(options, "10.0.0.9", "/", "", ("username", "user")));
        Assert.False(Allows(options, "10.0.0.7", "/", "", ("username", "user"), ("password", "secret")));
    }

    [Fact]
    public void ARefusedClientIsToldWhyAndTriesAgain()
    {
        using var world = new ProtocolWorld([(Allow, "10.1.*")]);
        var client = world.Client();
        Assert.Contains(world.Events, e => e is { Kind: GraphEventKind.AuthenticationFailed, Text: "Authentication failed" });
        Assert.Equal(Errno.ENOTCONN, world.Stat(client));
        Assert.True(Reconfigure(world, (Allow, "*")));
        world.Loop.Advance(4000);
        Assert.Equal(Errno.Ok, world.Stat(client));
    }

    [Fact]
    public void AVolumeWithTlsRefusesAClientWithoutEvenWithThePassword()
    {
        using var world = new ProtocolWorld(
        [
            (Allow, "*"), ("transport.socket.ssl-enabled", "on"),
            ($"auth.login.{ProtocolWorld.Export}.allow", "user"), ("auth.login.user.password", "secret"),
        ]);
        var client = world.Client(null, ("username", "user"), ("password", "secret"));
        Assert.Contains(
            world.Events,
            e => e is { Kind: GraphEventKind.AuthenticationFailed, Text: "the volume takes only clients that speak TLS" });
        Assert.Equal(Errno.ENOTCONN, world.Stat(client));
    }

    [Fact]
    public void AClientThatComesBackTakesItsOldConnectionOff()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        world.Open(client, new Gfid(5, 6));
        var other = world.Client(new GraphOrigin { ProcessId = "q" });
        var cut = world.Network.Clients[0];
        cut.IsCut = true; // The server's side hears nothing.
        cut.Close(Errno.ETIMEDOUT, "no answer to pings");
        world.Loop.Advance(4000);
        Assert.Equal(Errno.Ok, world.Stat(client));
        Assert.Equal("the client has connected again", cut.Other!.CloseReason);
        Assert.Equal(1, world.CountOf("Release"));
        Assert.Single(world.Brick.Events, e => e.StartsWith("gone", StringComparison.Ordinal));
        Assert.Equal(Errno.Ok, world.Stat(other));
        Assert.Equal(2, world.Network.Clients.Count(l => l.IsOpen));
    }

    /// <summary>Thousands come to a proxy at once: none may cost more because the others are there.</summary>
    [Fact]
    public void AttachingCostsTheSameHoweverManyAreAttached()
    {
        using var world = new ProtocolWorld();
        long LeastOf(int clients) => Enumerable.Range(0, clients).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            world.Client(new GraphOrigin { ProcessId = $"p{world.Network.ConnectCount:0000}" });
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });

        LeastOf(20); // What comes first fills caches.
        var few = LeastOf(20);
        LeastOf(400);
        Assert.InRange(LeastOf(20), 1, few * 5 / 4);
    }

    /// <summary>A server that is slow because of many clients is not left again and again after the same time.</summary>
    [Fact]
    public void AThirdConnectionThatIsSilentIsGivenMoreTimeUntilAllIsWell()
    {
        using var world = new ProtocolWorld();
        var client = world.Client(options: ("ping-timeout", "2"));
        Assert.InRange(MsUntilMissed(world, client), 1_900, 2_200);
        Attach(world);
        Assert.InRange(MsUntilMissed(world, client), 1_900, 2_200); // It may have been stopped twice.
        Attach(world);
        foreach (var patienceMs in (int[])[4_000, 8_000, 16_000, 32_000, 32_000])
        {
            Assert.InRange(MsUntilMissed(world, client), patienceMs - 100, (patienceMs * 5 / 4) + 100);
            Attach(world);
        }

        world.Loop.Advance(11_000);
        Assert.InRange(MsUntilMissed(world, client), 1_900, 2_200);
    }

    [Fact]
    public void AClientThatIsNotAllowedAnyMoreIsDisconnected()
    {
        using var world = new ProtocolWorld([(Allow, "*")]);
        var client = world.Client();
        Assert.Equal(Errno.Ok, world.Stat(client));
        Assert.True(Reconfigure(world, (Allow, "*"), ("root-squash", "on")));
        world.Loop.Run();
        Assert.Equal(Errno.Ok, world.Stat(client));
        Assert.True(Reconfigure(world, (Allow, "10.1.*")));
        world.Loop.Run();
        Assert.Equal(Errno.ENOTCONN, world.Stat(client));
    }

    [Fact]
    public void AnUnknownBrickIsAskedForAgainUntilItIsThere()
    {
        using var world = new ProtocolWorld();
        var client = world.Client(options: ("remote-subvolume", "/bricks/other"));
        world.Loop.Advance(20_000);
        Assert.InRange(world.Network.ConnectCount, 5, 12);
        Assert.DoesNotContain(world.Events, e => e.Kind == GraphEventKind.AuthenticationFailed);
        Assert.Equal(Errno.ENOTCONN, world.Stat(client));
    }

    [Fact]
    public void ASubDirectoryIsTheRootOfItsClient()
    {
        using var world = new ProtocolWorld();
        world.Brick.Answer = Directories;
        var client = world.Client(new GraphOrigin { ProcessId = "p", SubDirectory = "/a/b/" });
        object? seen = null;
        world.Brick.OnFop = (_, fop, _) => seen = fop;
        var reply = world.Ask<LookupFop, LookupReply>(client, new LookupFop { Gfid = Gfid.Root });
        Assert.Equal(Directory, ((LookupFop)seen!).Gfid);
        Assert.Equal((Gfid.Root, 1ul), (reply.Iatt.Gfid, reply.Iatt.Ino));
        reply.Release();

        // Nothing above it shows: neither by its name nor in a listing.
        Assert.Equal(Errno.ENOENT, ProtocolWorld.Error(world.Ask<LookupFop, LookupReply>(
            client, new LookupFop { Parent = Gfid.Root, Name = ".." })));
        var fd = new Fd(Gfid.Root, 0, isDirectory: true, client.SlotCount);
        ProtocolWorld.Error(world.Ask<OpendirFop, OpendirReply>(client, new OpendirFop { Gfid = Gfid.Root, Fd = fd }));
        var list = world.Ask<ReaddirpFop, ReaddirpReply>(client, new ReaddirpFop { Gfid = Gfid.Root, Fd = fd, Size = 4096 });
        Assert.Equal((Gfid.Root, Gfid.Null), (list.Entries[0].Iatt.Gfid, list.Entries[1].Iatt.Gfid));
        list.Release();
        world.Leaf.Raise(new GraphEvent(GraphEventKind.Invalidate, Directory, 1));
        world.Loop.Run();
        Assert.Equal(Gfid.Root, world.Events[^1].Gfid);
    }

    [Fact]
    public void AMissingSubDirectoryIsRefused()
    {
        using var world = new ProtocolWorld();
        world.Brick.Answer = Directories;
        world.Client(new GraphOrigin { ProcessId = "p", SubDirectory = "/a/missing" });
        Assert.Contains(world.Events, e => e is { Kind: GraphEventKind.AuthenticationFailed, Error: Errno.ENOENT });
        world.Client(new GraphOrigin { ProcessId = "p", SubDirectory = "/a/../b" });
        Assert.Equal(2, world.Events.Count(e => e.Kind == GraphEventKind.AuthenticationFailed));
    }

    [Fact]
    public void AClientThatLeavesWhileItsDirectoryIsLookedForLeavesNothingBehind()
    {
        using var world = new ProtocolWorld();
        world.Brick.Answer = Directories;
        world.Brick.Holds = code => code == FopCode.Lookup;
        var client = world.Client(new GraphOrigin { ProcessId = "p", SubDirectory = "/a/b" });
        client.Stop();
        world.Loop.Run();
        world.Brick.Holds = _ => false;
        world.Brick.Held.ForEach(a => a());
        world.Loop.Run();
        Assert.DoesNotContain("client=", world.Server.Dump());
    }

    [Fact]
    public void RootSquashMakesRootNobodyExceptForTrustedInternalClients()
    {
        (string, string)[] options =
        [
            (Allow, "*"), ("root-squash", "on"), ("anonuid", "77"), ("anongid", "78"),
            ($"auth.login.{ProtocolWorld.Export}.allow", "user"), ("auth.login.user.password", "secret"),
        ];
        using var world = new ProtocolWorld(options);
        var seen = (Uid: 0u, Gid: 0u, Groups: Array.Empty<uint>());
        world.Brick.OnFop = (_, _, call) => seen = (call.Uid, call.Gid, call.Groups.ToArray());
        var plain = world.Client();
        var trusted = world.Client(null, ("username", "user"), ("password", "secret"));
        Ask(plain, pid: 5, uid: 0, gid: 0, 0, 5);
        Assert.Equal((77u, 78u, []), seen);
        Ask(plain, pid: -6, uid: 0, gid: 0);
        Assert.Equal((77u, 78u, []), seen);
        Ask(plain, pid: 5, uid: 1000, gid: 0, 4, 0);
        Assert.Equal((1000u, 78u), (seen.Uid, seen.Gid));
        Assert.Equal([4u, 78u], seen.Groups);
        Ask(trusted, pid: 5, uid: 0, gid: 0);
        Assert.Equal(77u, seen.Uid);
        Ask(trusted, pid: -6, uid: 0, gid: 0);
        Assert.Equal(0u, seen.Uid);

        void Ask(TranslatorGraph client, int pid, uint uid, uint gid, params uint[] groups)
        {
            var call = Call.Internal(pid);
            call.Uid = uid;
            call.Gid = gid;
            call.SetGroups(groups);
            ProtocolWorld.Error(world.Ask<StatFop, StatReply>(client, new StatFop { Gfid = Directory }, call));
            call.Release();
        }
    }

    [Fact]
    public void TheServerFindsTheGroupsItselfAndRemembersThem()
    {
        var asked = new List<uint>();
        using var world = new ProtocolWorld(
            [(Allow, "*"), ("manage-gids", "on"), ("gid-timeout", "60")],
            uid =>
            {
                asked.Add(uid);
                return uid == 1000 ? Enumerable.Range(1, 300).Select(i => (uint)i).ToArray() : null;
            });
        uint[] seen = [];
        world.Brick.OnFop = (_, _, call) => seen = call.Groups.ToArray();
        var client = world.Client(options: ("send-gids", "off"));
        for (var i = 0; i < 3; i++)
        {
            Ask(1000);
            Assert.Equal(300, seen.Length);
        }

        Ask(0);
        Ask(2000);
        Assert.Empty(seen);
        Assert.Equal([1000u, 2000u], asked);
        world.Loop.Advance(61_000);
        Ask(1000);
        Assert.Equal([1000u, 2000u, 1000u], asked);

        void Ask(uint uid)
        {
            var call = Call.Internal(pid: 5);
            call.Uid = uid;
            call.SetGroups([55]);
            Assert.Equal(Errno.Ok, ProtocolWorld.Error(
                world.Ask<StatFop, StatReply>(client, new StatFop { Gfid = Directory }, call)));
            call.Release();
        }
    }

    [Fact]
    public void RootsGroupsAreFoundInTheUserDatabaseOfThisMachine()
    {
        var groups = Myrmex.Runtime.Linux.UserDatabase.GroupsOf(0);
        Assert.NotNull(groups);
        Assert.Contains(0u, groups);
        Assert.Null(Myrmex.Runtime.Linux.UserDatabase.GroupsOf(0xFFFFFFF0));
    }

    [Fact]
    public void ASecondSetvolumeAndAFopBeforeTheFirstCostTheConnection()
    {
        using var world = new ProtocolWorld();
        var handler = new RawClient();
        var connection = new RpcConnection(world.Seams, handler);
        connection.Connect(ProtocolWorld.Address, RpcConnection.LinkOptions());
        world.Loop.Run();
        Send(Myrmex.Wire.Programs.Fop, 400, 1, []);
        Assert.False(connection.IsOpen);

        connection = new RpcConnection(world.Seams, handler);
        connection.Connect(ProtocolWorld.Address, RpcConnection.LinkOptions());
        world.Loop.Run();
        var body = HandshakeCodec.SetVolumeRequest(new Dictionary<string, string> { ["remote-subvolume"] = ProtocolWorld.Export });
        Send(Myrmex.Wire.Programs.Handshake, 2, 1, body);
        Assert.True(connection.IsOpen);
        Send(Myrmex.Wire.Programs.Handshake, 2, 1, body);
        Assert.False(connection.IsOpen);

        void Send(uint program, uint version, uint procedure, byte[] bytes)
        {
            _ = AwaitableCall.Send(connection, new Myrmex.Wire.RpcCall(0, program, version, procedure), new RawBody(bytes));
            world.Loop.Run();
        }
    }

    [Fact]
    public void StoppingWhileConnectingEndsTheAttempt()
    {
        using var world = new ProtocolWorld();
        world.Network.HoldConnects = true;
        var client = world.Client();
        client.Stop();
        world.Loop.Advance(100);
        world.Network.HoldConnects = false;
        world.Loop.Advance(60_000);
        Assert.Empty(world.Network.Clients);
        Assert.Equal(1, world.Network.ConnectCount);
        Assert.Empty(world.Events);
    }

    [Fact]
    public void StoppingTheServerClosesItsClientsAndTellsTheBrickLast()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        world.Open(client, Directory);
        world.Server.Stop();
        world.Loop.Run();
        Assert.Equal(Errno.ENOTCONN, world.Stat(client));
        world.Loop.Advance(10_000);
        Assert.Equal(Errno.ENOTCONN, world.Stat(client));
        Assert.Equal(1, world.CountOf("Release"));
    }

    [Fact]
    public void ABrickBehindThePortmapIsFoundWithoutFalseAlarmAndWithoutHurry()
    {
        using var world = new ProtocolWorld();
        var answers = 0;
        using var portmap = new RpcServer(world.Seams, c => new Portmap(() => ++answers == 1 ? 999 : 49152));
        portmap.Listen(new LinkAddress("brick", 24007), RpcConnection.LinkOptions());
        var client = world.Client(options: ("remote-port", "24007"));

        world.Loop.Advance(1);

        // The first answer names a port where nobody listens: that is a failure, and the portmap is asked again, after a pause.
        Assert.Equal(2, world.Network.ConnectCount);
        world.Loop.Advance(10_000);
        Assert.Equal(Errno.Ok, world.Stat(client));
        Assert.Equal(4, world.Network.ConnectCount);
        Assert.Equal([GraphEventKind.ChildDown, GraphEventKind.ChildUp], world.Events.Select(e => e.Kind));
    }

    private static Reply? Directories(FopCode code, object fop)
    {
        switch (fop)
        {
            case LookupFop { Name: var name, Gfid: var gfid }:
                if (name == "missing")
                {
                    return LookupReply.Fail(Errno.ENOENT);
                }

                var lookup = LookupReply.Rent();
                lookup.Iatt = new Iatt
                {
                    Gfid = name == "b" || gfid == Directory ? Directory : new Gfid(0xA, 0xA),
                    Mode = FileMode.Directory,
                };
                return lookup;
            case ReaddirpFop:
                var list = ReaddirpReply.Rent();
                list.Entries.Add("."u8).Iatt.Gfid = Directory;
                list.Entries.Add(".."u8).Iatt.Gfid = new Gfid(0xA, 0xA);
                list.OpRet = 2;
                return list;
            default:
                return null;
        }
    }

    private static bool Reconfigure(ProtocolWorld world, params (string, string)[] options) =>
        world.Server.TryReconfigure(ProtocolWorld.ServerDocument(options));

    private static bool Allows(
        OptionValues options, string host, string directory, string certificate = "", params (string, string)[] values)
    {
        var address = new LinkAddress(host, 1000).ToString();
        var request = new AuthenticationRequest(
            ProtocolWorld.Export, directory, address, certificate, Pairs(values).ToDictionary());
        return ServerAuthentication.Allows(options, request, out _);
    }

    private static IEnumerable<KeyValuePair<string, string>> Pairs(params (string Key, string Value)[] pairs) =>
        pairs.Where(p => p.Value.Length > 0).Select(p => KeyValuePair.Create(p.Key, p.Value));

    private sealed class RawClient : IRpcHandler
    {
        public void OnOpen(RpcConnection connection)
        {
        }

        public void OnCall(RpcConnection connection, Myrmex.Wire.RpcCall head, Call call, Payload record, int position) =>
            call.Release();

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
        }
    }

    private sealed class Portmap(Func<int> port) : IRpcHandler
    {
        public void OnOpen(RpcConnection connection)
        {
        }

        public void OnCall(RpcConnection connection, Myrmex.Wire.RpcCall head, Call call, Payload record, int position)
        {
            call.Release();
            connection.Reply(head.Xid, new RawBody(head.Program == Myrmex.Wire.Programs.Portmap
                ? HandshakeCodec.PortByBrickReply(port())
                : HandshakeCodec.DumpReply([new ProgramEntry("Portmap", Myrmex.Wire.Programs.Portmap, 1)])));
        }

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
        }
    }
}
