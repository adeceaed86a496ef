using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Messages;

/// <summary>
/// The program at the server's door, spoken to byte by byte. Source: docs/reference/peer-messages.md.
/// </summary>
public sealed class PeerProgramTests
{
    private static readonly Dictionary<string, Func<byte[]>> Malformed = new()
    {
        ["nothing"] = () => [],
        ["half a length"] = () => [0, 0],
        ["a head that is not there"] = () => [0, 0, 0, 8, 1, 2, 3, 4],
        ["a head without padding"] = () => [0, 0, 0, 3, 1, 2, 3, 0, 0, 0],
        ["no length of the data"] = () => [0, 0, 0, 4, 1, 2, 3, 4],
        ["less data"] = () => [0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4],
        ["more data"] = () => [0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4],
        ["a head of 4 GiB"] = () => [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
        ["data of 4 GiB"] = () => [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF],
        ["a head beyond the bound"] = () => Long(IPeerLink.HeadBytesMax + 4, before: [], after: [0, 0, 0, 0]),
        ["data beyond the bound"] = () => Long(IPeerLink.DataBytesMax + 1, before: [0, 0, 0, 0], after: []),
    };

    private readonly PeerBed _bed = new();
    private readonly RawClient _client = new();
    private RpcConnection _connection = null!;

    public static TheoryData<string> Kinds => [.. Malformed.Keys];

    [Fact]
    public void AMessageIsAHeadALengthAndTheData()
    {
        Connect(isTrusted: true);
        Assert.Equal(Errno.Ok, Call(1, Programs.PeerMessage, [0, 0, 0, 3, 10, 11, 12, 0, 0, 0, 0, 2, 20, 21]).Error);
        Assert.Equal(Errno.Ok, Call(1, Programs.PeerMessage, [0, 0, 0, 0, 0, 0, 0, 0]).Error);
        Assert.Equal([[3, 0, 0, 0, 10, 11, 12, 20, 21], [0, 0, 0, 0]], _bed.Received);
    }

    [Fact]
    public void TheAnswersAreEmptyAndProcedureZeroDoesNothing()
    {
        Connect(isTrusted: true);
        Assert.Equal((Errno.Ok, 0), (Call(1, 0, []).Error, Call(1, 0, []).Body.Length));
        Assert.Empty(Call(1, Programs.PeerMessage, [0, 0, 0, 0, 0, 0, 0, 0]).Body);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AMalformedMessageCostsTheConnection(string what)
    {
        Connect(isTrusted: true);
        Assert.NotEqual(Errno.Ok, Call(1, Programs.PeerMessage, Malformed[what]()).Error);
        Assert.False(_connection.IsOpen, what);
        Assert.Empty(_bed.Received);
    }

    [Fact]
    public void WhatIsNotKnownIsRefusedAndCostsNothing()
    {
        Connect(isTrusted: true);
        Assert.Equal(Errno.EOPNOTSUPP, Call(1, 2, []).Error);
        Assert.Equal(Errno.EREMOTEIO, Call(2, Programs.PeerMessage, [0, 0, 0, 0, 0, 0, 0, 0]).Error);
        Assert.Equal(Errno.Ok, Call(1, Programs.PeerMessage, [0, 0, 0, 0, 0, 0, 0, 0]).Error);
        Assert.Single(_bed.Received);
    }

    [Theory]
    [InlineData(false)] // Attached without the password.
    [InlineData(null)] // Not attached.
    public void ForOthersTheProgramDoesNotExist(bool? isTrusted)
    {
        Connect(isTrusted);
        Assert.Equal(Errno.EREMOTEIO, Call(1, Programs.PeerMessage, [0, 0, 0, 0, 0, 0, 0, 0]).Error);
        Assert.Equal(Errno.EREMOTEIO, Call(1, 0, []).Error);
        Assert.Equal(Errno.EREMOTEIO, Call(7, 0, []).Error);
        Assert.True(_connection.IsOpen);
        Assert.Empty(_bed.Received);
    }

    [Fact]
    public void TheListOfProgramsIsThatOfAGlusterfsBrickAndBehindItOurOwn()
    {
        Connect(isTrusted: true);
        var dump = Answer(AwaitableCall.Send(
            _connection, new RpcCall(0, Programs.Dump, Programs.DumpVersion, Programs.DumpList),
            new RawBody(HandshakeCodec.DumpRequest())));
        Assert.True(HandshakeCodec.TryReadDumpReply(dump.Body, out var programs));
        Assert.Equal(
            [Programs.Dump, Programs.Handshake, Programs.Fop, Programs.Extension], programs.Select(p => p.Program));
    }

    private static byte[] Long(int length, byte[] before, byte[] after)
    {
        var bytes = new byte[before.Length + 4 + length + after.Length];
        before.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(before.Length), length);
        after.CopyTo(bytes, bytes.Length - after.Length);
        return bytes;
    }

    private void Connect(bool? isTrusted)
    {
        _connection = new RpcConnection(_bed.ClientNode.Seams, _client);
        _connection.Connect(PeerBed.Address, RpcConnection.LinkOptions());
        Assert.True(_bed.World.RunUntil(() => _connection.IsOpen, 1_000));
        if (isTrusted is null)
        {
            return;
        }

        var values = new Dictionary<string, string> { ["remote-subvolume"] = PeerBed.Export };
        if (isTrusted == true)
        {
            (values["username"], values["password"]) = (PeerBed.UserName, PeerBed.Password);
        }

        var answer = Answer(AwaitableCall.Send(
            _connection, new RpcCall(0, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume),
            new RawBody(HandshakeCodec.SetVolumeRequest(values))));
        Assert.Equal(Errno.Ok, answer.Error);
        Assert.Equal(0, HandshakeCodec.ReadSetVolumeReply(answer.Body)!.OpRet);
    }

    private RawAnswer Call(uint version, uint procedure, byte[] body) => Answer(AwaitableCall.Send(
        _connection, new RpcCall(0, Programs.Peer, version, procedure), new RawBody(body)));

    private RawAnswer Answer(Task<RawAnswer> task)
    {
        Assert.True(_bed.World.RunUntil(() => task.IsCompleted, 60_000));
        return task.Result;
    }

    private sealed class RawClient : IRpcHandler
    {
        public void OnOpen(RpcConnection connection)
        {
        }

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position) =>
            call.Release();

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
        }
    }
}
