using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>Fetching the volume file and hearing of its changes.</summary>
public sealed class VolfileClientTests : IRpcHandler, IVolfileListener
{
    private readonly MemoryLoop _loop = new();
    private readonly MemoryNetwork _network;
    private readonly Seams _seams;
    private readonly List<Action<string>> _held = [];
    private readonly List<string> _heard = [];
    private RpcConnection? _connection;
    private Dictionary<string, string> _values = [];

    public VolfileClientTests()
    {
        _network = new MemoryNetwork(_loop);
        _seams = new Seams(_loop, new SeededRandom(1), _loop, _loop, _network);
    }

    [Fact]
    public void AChangeDuringAFetchIsFetchedAfterItAndTheNewestWins()
    {
        using var client = Start("a");
        var initial = _held[0];
        Change();
        Change();
        Assert.Single(_held);
        initial("one");
        _loop.Run();
        Assert.Equal(2, _held.Count);
        _held[1]("two");
        _loop.Run();
        Assert.Equal(["one", "two"], _heard);
        Change();
        _held[2]("two");
        _loop.Run();
        Assert.Equal(2, _heard.Count);
    }

    [Fact]
    public void AServerThatDoesNotAnswerIsLeftForTheNext()
    {
        using var client = Start("a", "b");
        Assert.Equal("a", client.Server.Host);
        _loop.Advance(40_000);
        Assert.Equal("b", client.Server.Host);
        Assert.Equal(2, _held.Count);
        _held[1]("text");
        _loop.Run();
        Assert.Equal("text", _heard[^1]);
        Assert.StartsWith("unreachable a", _heard[0]);
    }

    [Fact]
    public void ADumpIsWrittenByTheProcessThatIsMeantAlone()
    {
        using var client = new VolfileClient(_seams, [Listen("a")], "volume", this, pid: 42);
        client.Start();
        _loop.Run();
        Dump([0, 0, 0, 41]);
        Dump([0, 0]);
        Dump([]);
        Assert.Empty(_heard);
        Dump([0, 0, 0, 42]);
        Assert.Equal(["dump"], _heard);
        _held[0]("text");
        _loop.Run();
        Assert.Equal(["dump", "text"], _heard);
        Assert.Equal("42", _values["myrmex-pid"]);
    }

    [Fact]
    public void WhoTakesNoDumpsIsNotAsked()
    {
        using var client = Start("a");
        Assert.False(_values.ContainsKey("myrmex-pid"));
        Dump([0, 0, 0, 0]);
        Assert.Empty(_heard);
    }

    [Fact]
    public void StoppingEndsTheRetries()
    {
        var client = new VolfileClient(_seams, [new LinkAddress("nobody", 1)], "key", this);
        client.Start();
        _loop.Advance(5000);
        Assert.NotEmpty(_heard);
        client.Dispose();
        var count = _network.ConnectCount;
        _loop.Advance(60_000);
        Assert.Equal(count, _network.ConnectCount);
    }

    void IRpcHandler.OnOpen(RpcConnection connection) => _connection = connection;

    void IRpcHandler.OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
    {
        call.Release();
        var reader = new XdrReader(record, position);
        Assert.True(HandshakeCodec.TryReadGetSpecRequest(ref reader, out _, out _values));
        _held.Add(text => connection.Reply(
            head.Xid, new RawBody(HandshakeCodec.GetSpecReply(Errno.Ok, text, new Dictionary<string, string>()))));
    }

    void IRpcHandler.OnClosed(RpcConnection connection, Errno error, string reason)
    {
    }

    void IVolfileListener.OnVolfile(string text) => _heard.Add(text);

    void IVolfileListener.OnStateDump() => _heard.Add("dump");

    void IVolfileListener.OnRefused(LinkAddress server, Errno error) => _heard.Add("refused " + error);

    void IVolfileListener.OnUnreachable(LinkAddress server, Errno error, string reason) =>
        _heard.Add($"unreachable {server.Host}: {reason}");

    private VolfileClient Start(params string[] hosts)
    {
        var addresses = hosts.Select(Listen).ToList();
        var client = new VolfileClient(_seams, addresses, "volume", this);
        client.Start();
        _loop.Run();
        return client;
    }

    private LinkAddress Listen(string host)
    {
        var address = new LinkAddress(host, 24007);
        _network.Listen(address, RpcConnection.LinkOptions(), _ => new RpcConnection(_seams, this));
        return address;
    }

    private void Dump(byte[] body)
    {
        _connection!.SendOneWay(
            new RpcCall(1, Programs.Callback, Programs.CallbackVersion, Programs.StateDump), new RawBody(body));
        _loop.Run();
    }

    private void Change()
    {
        _connection!.SendOneWay(
            new RpcCall(1, Programs.Callback, Programs.CallbackVersion, Programs.FetchSpec), default(EmptyBody));
        _loop.Run();
    }
}
