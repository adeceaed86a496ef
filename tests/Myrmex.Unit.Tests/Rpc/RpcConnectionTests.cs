using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Rpc;

/// <summary>Calls, answers and silence on one connection, in virtual time over a link in memory.</summary>
[Collection("payload pool")]
public sealed class RpcConnectionTests
{
    private static readonly RpcCall Head = new(0, 77, 1, 5);

    private readonly MemoryLoop _loop = new();
    private readonly MemoryNetwork _network;
    private readonly Seams _seams;
    private readonly Peer _client = new();
    private readonly Peer _server = new();

    public RpcConnectionTests()
    {
        _network = new MemoryNetwork(_loop);
        _seams = new Seams(_loop, new SeededRandom(1), _loop, _loop, _network);
    }

    private MemoryLink Link => _network.Clients[^1];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public void CallsAndAnswersSurviveBeingCutAtOddPlaces(int piece)
    {
        var connection = Connect();
        _network.PieceSize = () => piece;
        var answers = Enumerable.Range(0, 20).Select(i => Send(connection, new byte[i * 13])).ToList();
        _loop.Run();
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal("answer " + (i * 13), answers[i].Text));
        Assert.Equal(0, connection.Outstanding);
    }

    [Fact]
    public void AnswersMayComeInAnyOrder()
    {
        _server.Holds = true;
        var connection = Connect();
        var answers = Enumerable.Range(0, 100).Select(i => Send(connection, new byte[i])).ToList();
        _loop.Run();
        Assert.Equal(100, connection.Outstanding);
        Assert.Equal(100, _server.Calls.Select(c => c.Head.Xid).Distinct().Count());
        _server.Held.AsEnumerable().Reverse().ToList().ForEach(answer => answer());
        _loop.Run();
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal("answer " + i, answers[i].Text));
    }

    [Fact]
    public void ARecordInFragmentsIsPutTogether()
    {
        Connect();
        var before = SettledPool.Bytes();
        var record = CallRecord(41, 3000);
        for (var at = 0; at < record.Length; at += 100)
        {
            SendFragment(record.AsSpan(at, Math.Min(100, record.Length - at)), isLast: at + 100 >= record.Length);
            SendFragment([], isLast: false, when: at + 100 < record.Length);
        }

        _loop.Run();
        Assert.Equal(3000, _server.Calls.Single().BodyLength);
        Assert.InRange(PayloadPool.Shared.OutstandingBytes, 0, before); // What earlier tests left may go.
    }

    [Theory]
    [InlineData(1 << 20, 5)]
    [InlineData(0, 5000)]
    public void FragmentsWithoutEndCostTheirSenderTheConnection(int size, int count)
    {
        Connect();
        var before = SettledPool.Bytes();
        var link = Link;
        for (var i = 0; i < count && link.IsOpen; i++)
        {
            SendFragment(new byte[size], isLast: false);
            _loop.Run();
        }

        Assert.False(link.IsOpen);
        Assert.Contains("fragment", _server.CloseReason);
        Assert.InRange(PayloadPool.Shared.OutstandingBytes, 0, before); // What earlier tests left may go.
    }

    [Fact]
    public void AClosedConnectionFailsItsCallsOnceAfterItsOwnerKnows()
    {
        _server.Holds = true;
        var connection = Connect();
        var answers = Enumerable.Range(0, 10).Select(_ => Send(connection, [])).ToList();
        _loop.Run();
        var ownerKnew = false;
        _client.Closing = () => ownerKnew = answers.TrueForAll(a => a.Error is null);
        Answer? again = null;
        answers[0].Failed = () => again = Send(connection, []);
        connection.Close(Errno.ECANCELED, "by the test");
        _loop.Run();
        Assert.True(ownerKnew);
        Assert.All(answers, a => Assert.Equal(Errno.ENOTCONN, a.Error));
        Assert.Equal(Errno.ENOTCONN, again?.Error);
        Assert.Equal(Errno.ENOTCONN, Send(connection, []).Error);
        Assert.Equal(0, connection.Outstanding);
    }

    [Fact]
    public void ACallBeforeTheConnectionIsOpenFailsAtOnce()
    {
        var connection = new RpcConnection(_seams, _client);
        Assert.Equal(Errno.ENOTCONN, Send(connection, []).Error);
        _network.HoldConnects = true;
        connection.Connect(new LinkAddress("server", 1), RpcConnection.LinkOptions());
        Assert.Equal(Errno.ENOTCONN, Send(connection, []).Error);
        connection.Close(Errno.ECANCELED, "changed my mind");
        _loop.Run();
        Assert.Equal("changed my mind", _client.CloseReason);
    }

    [Fact]
    public void AnAnswerToNothingAndAnAnswerTwiceAreDropped()
    {
        var connection = Connect();
        var answer = Send(connection, []);
        _loop.Run();
        var server = Link.Other!;
        server.SendRaw(Reply(_server.Calls[0].Head.Xid, 0));
        server.SendRaw(Reply(0xFFFFFFFF, 0));
        server.SendRaw(Reply(12345, 0));
        var second = Send(connection, new byte[1]);
        _loop.Run();
        Assert.Equal(("answer 0", "answer 1"), (answer.Text, second.Text));
        Assert.True(connection.IsOpen);
    }

    [Theory]
    [InlineData(1, Errno.EREMOTEIO)]
    [InlineData(2, Errno.EREMOTEIO)]
    [InlineData(3, Errno.EOPNOTSUPP)]
    [InlineData(4, Errno.EREMOTEIO)]
    [InlineData(5, Errno.EREMOTEIO)]
    public void ARefusedCallFails(uint status, Errno expected)
    {
        _server.Refuses = (AcceptStatus)status;
        var answer = Send(Connect(), []);
        _loop.Run();
        Assert.Equal(expected, answer.Error);
    }

    [Fact]
    public void GarbageClosesOnlyItsSender()
    {
        var good = Connect();
        Connect();
        Link.SendRaw([0x80, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        _loop.Run();
        Assert.Equal("malformed RPC call", _server.CloseReason);
        var answer = Send(good, []);
        _loop.Run();
        Assert.Equal("answer 0", answer.Text);
    }

    [Fact]
    public void AnIdleConnectionLivesAndACallAfterALongSilenceDoesNotKillIt()
    {
        var connection = Connect(pingMs: 42_000);
        _loop.Advance(3_600_000);
        Assert.Empty(_server.Calls);
        _server.Holds = true;
        var answer = Send(connection, []);
        _loop.Advance(5_000);
        Assert.True(connection.IsOpen);
        _server.Held.ForEach(a => a());
        _loop.Run();
        Assert.Equal("answer 0", answer.Text);
    }

    [Fact]
    public void AConnectionWithoutCallsHasNoTimer()
    {
        var connection = Connect(pingMs: 2_000, frameMs: 600_000);
        Send(connection, []);
        _loop.Advance(1_000);
        var fired = _loop.FiredCount;
        Assert.InRange(fired, 1, 10); // It rests after it has seen nothing to look after.
        _loop.Advance(3_600_000);
        Assert.Equal(fired, _loop.FiredCount);
        _server.Holds = true;
        Send(connection, []);
        _loop.Run();
        Link.IsCut = true;
        Link.Other!.IsCut = true;
        _loop.Advance(1_900);
        Assert.True(connection.IsOpen);
        _loop.Advance(300);
        Assert.False(connection.IsOpen);
    }

    /// <summary>A process that was busy itself, or stopped, must not take its own silence for the peer's.</summary>
    [Fact]
    public void TimeInWhichOurLoopDidNotLookDoesNotCount()
    {
        _server.Holds = true;
        var connection = Connect(pingMs: 2_000);
        Send(connection, []);
        _loop.Advance(100);
        _loop.Stall(10_000);
        _loop.Advance(0); // The timer is looked at before what has come.
        Assert.True(connection.IsOpen);
        _loop.Advance(1_000);
        Assert.True(connection.IsOpen);
        Link.IsCut = true;
        Link.Other!.IsCut = true;
        _loop.Advance(2_500);
        Assert.False(connection.IsOpen);
    }

    [Fact]
    public void APingAloneMissesAPeerThatIsGone()
    {
        var connection = Connect(pingMs: 2_000);
        for (var i = 0; i < 20; i++)
        {
            connection.Ping();
            _loop.Advance(500);
        }

        Assert.True(connection.IsOpen);
        Assert.Equal(20, _server.Pings);
        Link.IsCut = true;
        Link.Other!.IsCut = true;
        connection.Ping();
        _loop.Advance(2_200);
        Assert.False(connection.IsOpen);
    }

    [Fact]
    public void ASlowCallIsWaitedForAsLongAsPingsAreAnswered()
    {
        _server.Holds = true;
        var connection = Connect(pingMs: 42_000, frameMs: 1_800_000);
        var answer = Send(connection, []);
        _loop.Advance(1_000_000);
        Assert.True(connection.IsOpen);
        Assert.Null(answer.Error);
        Assert.InRange(_server.Pings, 20, 100);
    }

    [Fact]
    public void ASilentPeerIsLeftAfterThePingTimeoutAndNotBefore()
    {
        _server.Holds = true;
        var connection = Connect(pingMs: 42_000);
        var answer = Send(connection, []);
        _loop.Run();
        Link.IsCut = true;
        Link.Other!.IsCut = true;
        _loop.Advance(41_990);
        Assert.True(connection.IsOpen);
        _loop.Advance(8_000);
        Assert.False(connection.IsOpen);
        Assert.Equal(Errno.ENOTCONN, answer.Error);
    }

    [Fact]
    public void APeerThatTakesALongRequestIsNotSilent()
    {
        _server.Holds = true;
        var connection = Connect(pingMs: 1000);
        _network.PieceSize = () => 1;
        Link.IsStuck = true;
        var answer = Send(connection, new byte[2000]);
        for (var i = 0; i < 100; i++)
        {
            Link.IsStuck = false;
            Link.Post();
            Link.IsStuck = false;
            ((IWork)Link).Run();
            Link.IsStuck = true;
            _loop.Advance(100);
        }

        Assert.True(connection.IsOpen);
        _loop.Advance(2000);
        Assert.False(connection.IsOpen);
        Assert.Equal(Errno.ENOTCONN, answer.Error);
    }

    [Fact]
    public void ALateAnswerNeverMeetsAnotherCall()
    {
        _server.Holds = true;
        var connection = Connect(frameMs: 1000);
        var late = Send(connection, []);
        _loop.Advance(3000);
        Assert.Equal(Errno.ENOTCONN, late.Error);
        Assert.True(connection.IsOpen);

        // As many calls as make the sequence number of the slot come round to where it was.
        var lateXid = _server.Calls[0].Head.Xid;
        _server.Holds = false;
        for (var i = 0; i < 65_536 + 10; i++)
        {
            Send(connection, []);
            _loop.Run();
        }

        Assert.DoesNotContain(_server.Calls.Skip(1), c => c.Head.Xid == lateXid);
        _server.Held[0]();
        _loop.Run();
        Send(connection, []);
        _loop.Run();
        Assert.Equal(0, connection.Outstanding);
    }

    [Fact]
    public void MoreCallsThanThereAreSlotsAreRefusedNotFatal()
    {
        _server.Holds = true;
        var connection = Connect();
        var answers = Enumerable.Range(0, RpcConnection.OutstandingMax + 5).Select(_ => Send(connection, [])).ToList();
        Assert.Equal(5, answers.Count(a => a.Error == Errno.ENOBUFS));
        Assert.Equal(RpcConnection.OutstandingMax, connection.Outstanding);
        connection.Close(Errno.ECANCELED, "enough");
        _loop.Run();
        Assert.Equal(0, connection.Outstanding);
    }

    [Fact]
    public void ALockOwnerThatDoesNotFitFailsTheCallOnly()
    {
        var connection = Connect();
        var call = Call.Rent();
        call.LockOwner = new LkOwner(new byte[1024]);
        var answer = new Answer();
        connection.Send(Head, call, new RawBody(new byte[4]), answer, version3: true);
        Assert.Equal(Errno.EINVAL, answer.Error);
        call.Release();
        var second = Send(connection, []);
        _loop.Run();
        Assert.Equal("answer 0", second.Text);
    }

    [Fact]
    public void ABodyThatCannotBeEncodedLeavesTheConnectionUsable()
    {
        var connection = Connect();
        Assert.Throws<InvalidOperationException>(
            () => connection.Send(Head, null, default(BadBody), new Answer(), version3: false));
        Assert.Throws<InvalidOperationException>(() => connection.SendOneWay(Head, default(BadBody)));
        Assert.Throws<InvalidOperationException>(() => connection.Reply(1, default(BadBody)));
        var answer = Send(connection, []);
        _loop.Run();
        Assert.Equal("answer 0", answer.Text);
        Assert.Equal(0, connection.Outstanding);
    }

    [Fact]
    public void AServerThatStopsClosesItsConnectionsAndTakesNoMore()
    {
        var peer = new Peer();
        var server = new RpcServer(_seams, _ => peer);
        server.Listen(new LinkAddress("other", 1), RpcConnection.LinkOptions());
        var connection = new RpcConnection(_seams, _client);
        connection.Connect(new LinkAddress("other", 1), RpcConnection.LinkOptions());
        _loop.Run();
        Assert.Single(server.Connections());
        server.Dispose();
        _loop.Run();
        Assert.Empty(server.Connections());
        Assert.False(connection.IsOpen);
        Assert.Equal("server stops", peer.CloseReason);
    }

    private RpcConnection Connect(long pingMs = 0, long frameMs = 0)
    {
        var address = new LinkAddress("server", 1);
        if (_network.ConnectCount == 0)
        {
            _network.Listen(address, RpcConnection.LinkOptions(), _ => new RpcConnection(_seams, _server));
        }

        var connection = new RpcConnection(_seams, _client) { PingTimeoutMs = pingMs, FrameTimeoutMs = frameMs };
        connection.Connect(address, RpcConnection.LinkOptions());
        _loop.Run();
        return connection;
    }

    private static Answer Send(RpcConnection connection, byte[] body)
    {
        var answer = new Answer();
        connection.Send(Head, null, new RawBody(body), answer, version3: false);
        return answer;
    }

    private void SendFragment(ReadOnlySpan<byte> bytes, bool isLast, bool when = true)
    {
        if (when)
        {
            var mark = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(mark, (uint)bytes.Length | (isLast ? 0x8000_0000 : 0));
            Link.SendRaw([.. mark, .. bytes]);
        }
    }

    private static byte[] CallRecord(uint xid, int bodyLength)
    {
        var writer = new XdrWriter(new byte[RpcHeader.CallSizeMax + bodyLength]);
        RpcHeader.WriteCall(ref writer, Head with { Xid = xid }, null, version3: false);
        writer.WriteRaw(new byte[bodyLength]);
        return writer.Written.ToArray();
    }

    private static byte[] Reply(uint xid, uint status)
    {
        var bytes = new byte[4 + RpcHeader.ReplySize];
        var writer = new XdrWriter(bytes.AsSpan(4));
        RpcHeader.WriteReply(ref writer, xid, (AcceptStatus)status);
        RpcHeader.WriteMark(bytes, writer.Position);
        return bytes[..(4 + writer.Position)];
    }

    private readonly struct BadBody : IRpcBody
    {
        public int SizeMax => 16;

        public Payload Payload => default;

        public ReadOnlySpan<Payload> Payloads => default;

        public void Encode(ref XdrWriter writer) => throw new InvalidOperationException("cannot be encoded");
    }

    private sealed class Answer : IReplyReceiver
    {
        public string? Text { get; private set; }

        public Errno? Error { get; private set; }

        public Action? Failed { get; set; }

        public void OnReply(Payload record, int position)
        {
            Assert.True(Text is null && Error is null);
            Text = System.Text.Encoding.ASCII.GetString(record.Span[position..]);
        }

        public void OnFailed(Errno error)
        {
            Assert.True(Text is null && Error is null);
            Error = error;
            Failed?.Invoke();
        }
    }

    /// <summary>Answers every call with the length of its body, and pings as a server does.</summary>
    private sealed class Peer : IRpcHandler
    {
        public List<(RpcCall Head, int BodyLength)> Calls { get; } = [];

        public List<Action> Held { get; } = [];

        public bool Holds { get; set; }

        public AcceptStatus Refuses { get; set; }

        public int Pings { get; private set; }

        public string CloseReason { get; private set; } = string.Empty;

        public Action? Closing { get; set; }

        public void OnOpen(RpcConnection connection)
        {
        }

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
        {
            call.Release();
            if (head.Program == Programs.Dump)
            {
                Pings++;
                connection.Reply(head.Xid, new RawBody(HandshakeCodec.PingReply()));
                return;
            }

            var length = record.Length - position;
            Calls.Add((head, length));
            if (Refuses != AcceptStatus.Success)
            {
                connection.Refuse(head.Xid, Refuses);
                return;
            }

            var text = System.Text.Encoding.ASCII.GetBytes("answer " + length);
            if (Holds)
            {
                Held.Add(() => connection.Reply(head.Xid, new RawBody(text)));
            }
            else
            {
                connection.Reply(head.Xid, new RawBody(text));
            }
        }

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
            CloseReason = reason;
            Closing?.Invoke();
        }
    }
}
