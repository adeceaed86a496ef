using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>
/// The extension program: releases of many files in one call, contents in READDIRP; what bad input gets, and that a server
/// which does not list the program never sees anything of it.
/// </summary>
public sealed class ReleaseManyTests
{
    private static readonly Gfid Directory = new(8, 8);

    [Fact]
    public void FilesThatNobodyUsesAreReleasedTogetherAfterAMoment()
    {
        using var world = new ProtocolWorld();
        var calls = Observe(world);
        var client = world.Client();
        var files = OpenSome(world, client, 10);
        foreach (var fd in files)
        {
            Release(world, client, fd);
            Assert.Equal(Errno.EBADFD, world.Read(client, fd));
        }

        Assert.Equal(0, world.CountOf("Release"));
        world.Loop.Advance(60);
        Assert.Equal(10, world.CountOf("Release"));
        Assert.Equal([(Programs.Extension, Programs.ReleaseMany)], calls.Where(IsRelease));

        // Their numbers are free again, and mean other files now.
        OpenSome(world, client, 10).ForEach(fd => Assert.Equal(Errno.Ok, world.Read(client, fd)));
        Assert.Equal(10, world.Exports.ClientsOf(ProtocolWorld.Export, 0).Sum(c => c.FdCount));
    }

    [Fact]
    public void NoMoreThanItsBoundGoesIntoOneCall()
    {
        using var world = new ProtocolWorld();
        var calls = Observe(world);
        var client = world.Client();
        OpenSome(world, client, 200).ForEach(fd => Release(world, client, fd));
        Assert.Equal(192, world.CountOf("Release"));
        world.Loop.Advance(60);
        Assert.Equal(200, world.CountOf("Release"));
        Assert.Equal(4, calls.Count(IsRelease));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatTakesANameAwayComesBehindThem(bool isUnlink)
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        OpenSome(world, client, 3).ForEach(fd => Release(world, client, fd));
        Assert.Equal(0, world.CountOf("Release"));
        if (isUnlink)
        {
            ProtocolWorld.Error(world.Ask<UnlinkFop, UnlinkReply>(client, new UnlinkFop { Parent = Gfid.Root, Name = "a" }));
        }
        else
        {
            ProtocolWorld.Error(world.Ask<RenameFop, RenameReply>(
                client, new RenameFop { OldParent = Gfid.Root, OldName = "a", NewParent = Gfid.Root, NewName = "b" }));
        }

        Assert.Equal(["Release", "Release", "Release", isUnlink ? "Unlink" : "Rename"], world.Brick.Events.TakeLast(4));
    }

    [Fact]
    public void AConnectionThatIsLostTakesThemWithIt()
    {
        using var world = new ProtocolWorld();
        var calls = Observe(world);
        var client = world.Client();
        OpenSome(world, client, 3).ForEach(fd => Release(world, client, fd));
        world.Network.DropAll();
        world.Loop.Advance(4000);
        Assert.Equal(3, world.CountOf("Release")); // By the server.
        var fd = OpenSome(world, client, 1)[0];
        world.Loop.Advance(60);
        Assert.Equal(Errno.Ok, world.Read(client, fd));
        Assert.DoesNotContain(calls, IsRelease);
    }

    [Fact]
    public void AFileWithLocksIsReleasedAtOnce()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var fd = OpenSome(world, client, 1)[0];
        var call = Call.Internal(pid: 1);
        call.LockOwner = LkOwner.From(5);
        ProtocolWorld.Error(world.Ask<LkFop, LkReply>(
            client,
            new LkFop { Gfid = fd.Gfid, Fd = fd, Command = LockCommand.SetLock, Type = LockType.Write },
            call));
        Release(world, client, fd);
        Assert.Equal(1, world.CountOf("Release"));
        call.Release();
    }

    [Fact]
    public void FlushOfNobodyIsNoMessageAndOfAnOwnerItIs()
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var fd = OpenSome(world, client, 1)[0];
        var call = Call.Internal(pid: 1);
        call.LockOwner = default;
        var flush = new FlushFop { Gfid = fd.Gfid, Fd = fd };
        Assert.Equal(Errno.Ok, ProtocolWorld.Error(world.Ask<FlushFop, FlushReply>(client, flush, call)));
        Assert.Equal(0, world.CountOf("Flush"));
        call.LockOwner = LkOwner.From(5);
        Assert.Equal(Errno.Ok, ProtocolWorld.Error(world.Ask<FlushFop, FlushReply>(client, flush, call)));
        Assert.Equal(1, world.CountOf("Flush"));
        call.Release();
    }

    [Fact]
    public void AServerThatDoesNotListTheProgramSeesNothingOfIt()
    {
        using var world = new ProtocolWorld();
        world.Door.Dispose();
        var calls = new List<(uint Program, uint Procedure)>();
        using var door = new RpcServer(
            world.Seams, c => new Observer(new ServerConnection(c, world.Exports), calls, isOld: true));
        door.Listen(ProtocolWorld.Address, RpcConnection.LinkOptions());
        var client = world.Client();
        var asked = ContentsAskedOf(world, client);
        OpenSome(world, client, 3).ForEach(fd => Release(world, client, fd));
        Assert.Equal(3, world.CountOf("Release"));
        world.Loop.Advance(60);
        Assert.All(asked, Assert.False);
        Assert.Equal([Programs.Dump, Programs.Handshake, Programs.Fop], calls.Select(c => c.Program).Distinct());
    }

    [Fact]
    public void ContentsAreAskedForOfAServerThatListsTheProgram()
    {
        using var world = new ProtocolWorld();
        Assert.All(ContentsAskedOf(world, world.Client()), Assert.True);
    }

    [Theory]
    [InlineData("00000001", false)] // A count and nothing.
    [InlineData("00000000", false)]
    [InlineData("", false)]
    [InlineData("00000041", false)] // 65.
    [InlineData("ffffffff", false)]
    [InlineData("00000001 00000000000000050000000000000006 0000000000000000 00", false)]
    [InlineData("00000001 00000000000000050000000000000006 0000000000000000 00000000", false)]
    [InlineData("00000002 00000000000000050000000000000006 0000000000000000", false)]
    [InlineData("00000001 00000000000000050000000000000006 ffffffffffffffff", true)] // Nothing is open by that number.
    [InlineData("00000001 00000000000000050000000000000006 7fffffffffffffff", true)]
    [InlineData("00000001 00000000000000050000000000000006 0000000000000000", true)] // It is another file.
    public void ABodyThatIsMalformedCostsTheConnectionAndOneThatNamesNothingHarmsNobody(string hex, bool isOpen)
    {
        using var world = new ProtocolWorld();
        var client = world.Client();
        var fd = world.Open(client, new Gfid(9, 1));
        var raw = Attach(world);
        Send(world, raw, hex);
        Assert.Equal(isOpen, raw.IsOpen);
        Assert.Equal(0, world.CountOf("Release"));
        Assert.Equal(Errno.Ok, world.Read(client, fd));
    }

    [Fact]
    public void MutatedBodiesNeverHarmTheServer()
    {
        var random = new Random(11);
        using var world = new ProtocolWorld();
        var client = world.Client();
        var raw = Attach(world);
        for (var i = 0; i < 2000; i++)
        {
            var body = new byte[random.Next(0, 200)];
            random.NextBytes(body);
            if (body.Length >= 4 && random.Next(2) == 0)
            {
                body.AsSpan(0, 3).Clear(); // A count that may be right.
                body[3] = (byte)random.Next(0, 10);
            }

            raw = raw.IsOpen ? raw : Attach(world);
            Send(world, raw, Convert.ToHexString(body));
        }

        Assert.Equal(Errno.Ok, world.Stat(client));
    }

    [Fact]
    public void NothingIsReleasedBeforeSetvolume()
    {
        using var world = new ProtocolWorld();
        var raw = new RpcConnection(world.Seams, new Silent());
        raw.Connect(ProtocolWorld.Address, RpcConnection.LinkOptions());
        world.Loop.Run();
        Send(world, raw, "00000001 00000000000000050000000000000006 0000000000000000");
        Assert.False(raw.IsOpen);
    }

    private static bool IsRelease((uint Program, uint Procedure) call) =>
        call.Program == Programs.Extension || call == (Programs.Fop, (uint)FopCode.Release);

    /// <summary>Puts an observer before the server: what clients call from now on.</summary>
    private static List<(uint Program, uint Procedure)> Observe(ProtocolWorld world)
    {
        world.Door.Dispose();
        var calls = new List<(uint Program, uint Procedure)>();
        var door = new RpcServer(world.Seams, c => new Observer(new ServerConnection(c, world.Exports), calls, isOld: false));
        door.Listen(ProtocolWorld.Address, RpcConnection.LinkOptions());
        return calls;
    }

    private static List<Fd> OpenSome(ProtocolWorld world, TranslatorGraph client, int count) =>
        [.. Enumerable.Range(1, count).Select(i => world.Open(client, new Gfid(9, (ulong)i)))];

    private static void Release(ProtocolWorld world, TranslatorGraph client, Fd fd) => Assert.Equal(
        Errno.Ok,
        ProtocolWorld.Error(world.Ask<ReleaseFop, ReleaseReply>(client, new ReleaseFop { Gfid = fd.Gfid, Fd = fd })));

    /// <summary>Whether READDIRP reaches the brick with the wish for contents, which is sent with another one.</summary>
    private static List<bool> ContentsAskedOf(ProtocolWorld world, TranslatorGraph client)
    {
        var asked = new List<bool>();
        world.Brick.OnFop = (_, fop, _) =>
        {
            if (fop is ReaddirpFop { XData: { } seen })
            {
                Assert.True(seen.Contains("trusted.else"u8));
                asked.Add(ListedContents.TryRead(seen, out var wish) && wish == new ListedContents(100, 1000));
            }
        };
        var fd = new Fd(Directory, 0, isDirectory: true, client.SlotCount);
        ProtocolWorld.Error(world.Ask<OpendirFop, OpendirReply>(client, new OpendirFop { Gfid = Directory, Fd = fd }));
        var xdata = XData.Rent();
        xdata.SetInt("trusted.else"u8, 1);
        new ListedContents(100, 1000).WriteTo(xdata);
        var fop = new ReaddirpFop { Gfid = Directory, Fd = fd, Size = 4096, XData = xdata };
        Assert.Equal(Errno.Ok, ProtocolWorld.Error(world.Ask<ReaddirpFop, ReaddirpReply>(client, fop)));
        Assert.Equal(2, xdata.Count); // The caller's own is as it was.
        xdata.Release();
        Assert.Single(asked);
        world.Brick.OnFop = null;
        return asked;
    }

    private static RpcConnection Attach(ProtocolWorld world)
    {
        var raw = new RpcConnection(world.Seams, new Silent());
        raw.Connect(ProtocolWorld.Address, RpcConnection.LinkOptions());
        world.Loop.Run();
        var body = HandshakeCodec.SetVolumeRequest(
            new Dictionary<string, string> { ["remote-subvolume"] = ProtocolWorld.Export, ["process-uuid"] = "raw" });
        _ = AwaitableCall.Send(
            raw, new RpcCall(0, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume), new RawBody(body));
        world.Loop.Run();
        Assert.True(raw.IsOpen);
        return raw;
    }

    private static void Send(ProtocolWorld world, RpcConnection raw, string hex)
    {
        var head = new RpcCall(0, Programs.Extension, Programs.ExtensionVersion, Programs.ReleaseMany);
        _ = AwaitableCall.Send(raw, head, new RawBody(Convert.FromHexString(hex.Replace(" ", ""))), version3: true);
        world.Loop.Run();
    }

    /// <summary>A server that notes what it is called for, and an old one lists the programs of GlusterFS only.</summary>
    private sealed class Observer(ServerConnection inner, List<(uint Program, uint Procedure)> calls, bool isOld)
        : IRpcHandler
    {
        private IRpcHandler Inner => inner;

        public void OnOpen(RpcConnection connection) => Inner.OnOpen(connection);

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
        {
            calls.Add((head.Program, head.Procedure));
            if (!isOld || head.Program != Programs.Dump || head.Procedure != Programs.DumpList)
            {
                Inner.OnCall(connection, head, call, record, position);
                return;
            }

            call.Release();
            connection.Reply(head.Xid, new RawBody(HandshakeCodec.DumpReply(
            [
                new ProgramEntry("GlusterFS Handshake", Programs.Handshake, Programs.HandshakeVersion),
                new ProgramEntry("GlusterFS 4.x v1", Programs.Fop, Programs.FopVersion),
            ])));
        }

        public void OnClosed(RpcConnection connection, Errno error, string reason) =>
            Inner.OnClosed(connection, error, reason);
    }

    private sealed class Silent : IRpcHandler
    {
        public void OnOpen(RpcConnection connection)
        {
        }

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position) => call.Release();

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
        }
    }
}
