using System;
using System.Buffers.Binary;
using System.Linq;
using Myrmex.Base;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Wire;

/// <summary>Heads of calls and replies, and the credentials in them.</summary>
public sealed class RpcHeaderTests
{
    [Theory]
    [InlineData(true, 0, 0)]
    [InlineData(false, 0, 0)]
    [InlineData(true, 32, 8)]
    [InlineData(false, 32, 8)]
    [InlineData(true, 89, 8)]
    [InlineData(false, 93, 8)]
    [InlineData(true, 10, 300)]
    [InlineData(true, 0, RpcHeader.LockOwnerMax)]
    [InlineData(false, 0, RpcHeader.LockOwnerMax)]
    public void ACredentialThatFitsComesOutAsItWentIn(bool version3, int groups, int ownerLength)
    {
        var sent = NewCall(groups, ownerLength);
        var (head, got) = RoundTrip(sent, version3);
        Assert.Equal(new RpcCall(7, Programs.Fop, Programs.FopVersion, 12), head);
        Assert.Equal((sent.Pid, sent.Uid, sent.Gid), (got.Pid, got.Uid, got.Gid));
        Assert.Equal(sent.Groups.ToArray(), got.Groups.ToArray());
        Assert.Equal(ownerLength == 0 ? new LkOwner(new byte[4]) : sent.LockOwner, got.LockOwner);
        Assert.Equal(version3 ? sent.TimeFlags : TimeFlags.None, got.TimeFlags);
        Assert.Equal(version3 ? (5L, 6u) : (0L, 0u), (got.CtimeSeconds, got.CtimeNanoseconds));
        sent.Release();
        got.Release();
    }

    [Theory]
    [InlineData(true, 8, 89)]
    [InlineData(true, 4, 90)]
    [InlineData(false, 8, 93)]
    [InlineData(true, RpcHeader.LockOwnerMax, 0)]
    public void GroupsThatDoNotFitAreLeftOutButNeverTheOwner(bool version3, int ownerLength, int kept)
    {
        var sent = NewCall(1000, ownerLength);
        var (_, got) = RoundTrip(sent, version3);
        Assert.Equal(Enumerable.Range(1, kept).Select(i => (uint)i), got.Groups.ToArray());
        Assert.Equal(sent.LockOwner, got.LockOwner);
        sent.Release();
        got.Release();
    }

    [Fact]
    public void GroupsMayBeLeftToTheServer()
    {
        var sent = NewCall(20, 8);
        var (_, got) = RoundTrip(sent, version3: true, withGroups: false);
        Assert.True(got.Groups.IsEmpty);
        sent.Release();
        got.Release();
    }

    [Fact]
    public void AnOwnerThatCannotBeSentIsABug()
    {
        var sent = NewCall(0, RpcHeader.LockOwnerMax + 1);
        Assert.Throws<InvariantException>(() => RoundTrip(sent, version3: true));
        sent.Release();
    }

    [Fact]
    public void ACallWithoutCredentialIsRead()
    {
        var call = Read(Words(7, 0, 2, Programs.Fop, 400, 12, 0, 0, 0, 0));
        Assert.NotNull(call);
        call.Release();
    }

    [Theory]
    [InlineData(0x1_0000_0000L - 1)]
    [InlineData(0x8000_0000L)]
    [InlineData(409L)]
    [InlineData(44L)]
    public void ACredentialLongerThanAllowedOrThereIsMalformed(long length)
    {
        var words = new uint[20];
        Words(7, 0, 2, Programs.Fop, 400, 12, 390040, (uint)length).CopyTo(words, 0);
        Assert.Null(Read(words[..12]));
    }

    [Theory]
    [InlineData(101u)]
    [InlineData(0xFFFFFFFFu)]
    [InlineData(0x80000000u)]
    [InlineData(3u)]
    public void AGroupCountThatCannotBeIsMalformed(uint count) =>
        Assert.Null(Read(Words(7, 0, 2, Programs.Fop, 400, 12, 390039, 24, 1, 2, 3, count, 4, 0, 0, 0)));

    [Theory]
    [InlineData(0xFFFFFFFFu)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(16u)]
    public void AnOwnerThatLeavesItsCredentialIsMalformed(uint length) =>
        Assert.Null(Read(Words(7, 0, 2, Programs.Fop, 400, 12, 390039, 24, 1, 2, 3, 0, length, 0, 0, 0, 0, 0, 0, 0)));

    [Fact]
    public void AHugeOwnerBehindAShortCredentialIsNotCopied()
    {
        var words = new uint[4 << 20];
        Words(7, 0, 2, Programs.Fop, 400, 12, 390039, 24, 1, 2, 3, 0, 12 << 20).CopyTo(words, 0);
        var bytes = Bytes(words);
        var record = Payload.CopyOf(bytes);
        var call = Call.Rent();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new XdrReader(record);
        Assert.False(RpcHeader.TryReadCall(ref reader, call, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
        call.Release();
        record.Release();
    }

    [Fact]
    public void RepliesAreReadWithTheirStatus()
    {
        Assert.Equal((true, 9u, AcceptStatus.Success), ReadReply(Words(9, 1, 0, 0, 0, 0)));
        Assert.Equal((true, 9u, AcceptStatus.GarbageArguments), ReadReply(Words(9, 1, 0, 0, 0, 4)));
        Assert.Equal((true, 9u, AcceptStatus.SystemError), ReadReply(Words(9, 1, 1, 0)));
        Assert.False(ReadReply(Words(9, 0, 0, 0, 0, 0)).Good);
        Assert.False(ReadReply(Words(9, 1, 0, 0, 0)).Good);
        Assert.False(ReadReply(Words(9, 1, 0, 0, 0xFFFFFFFF, 0)).Good);
        Assert.True(RpcHeader.IsReply(Bytes(Words(9, 1))));
        Assert.False(RpcHeader.IsReply(Bytes(Words(9))));
    }

    [Fact]
    public void FramesAreMeasuredWithTheirMark()
    {
        Assert.Equal(0, RpcHeader.FrameLength([0x80, 0, 0]));
        Assert.Equal(4, RpcHeader.FrameLength([0x80, 0, 0, 0]));
        Assert.Equal(4 + 0x7FFFFFFFL, RpcHeader.FrameLength([0xFF, 0xFF, 0xFF, 0xFF]));
        Assert.True(RpcHeader.IsLastFragment([0x80, 0, 0, 0]));
        Assert.False(RpcHeader.IsLastFragment([0x7F, 0, 0, 0]));
    }

    private static Call NewCall(int groups, int ownerLength)
    {
        var call = Call.Rent();
        call.Pid = -6;
        call.Uid = 1000;
        call.Gid = 1001;
        call.TimeFlags = TimeFlags.Ctime | TimeFlags.Mtime;
        call.CtimeSeconds = 5;
        call.CtimeNanoseconds = 6;
        call.LockOwner = new LkOwner(Enumerable.Range(1, ownerLength).Select(i => (byte)i).ToArray());
        call.SetGroups(Enumerable.Range(1, groups).Select(i => (uint)i).ToArray());
        return call;
    }

    private static (RpcCall Head, Call Call) RoundTrip(Call sent, bool version3, bool withGroups = true)
    {
        var writer = new XdrWriter(new byte[RpcHeader.CallSizeMax]);
        RpcHeader.WriteCall(ref writer, new RpcCall(7, Programs.Fop, Programs.FopVersion, 12), sent, version3, withGroups);
        var record = Payload.CopyOf(writer.Written);
        var reader = new XdrReader(record);
        var got = Call.Rent();
        Assert.True(RpcHeader.TryReadCall(ref reader, got, out var head));
        Assert.Equal(0, reader.Remaining);
        record.Release();
        return (head, got);
    }

    private static Call? Read(uint[] words)
    {
        var record = Payload.CopyOf(Bytes(words));
        var reader = new XdrReader(record);
        var call = Call.Rent();
        var good = RpcHeader.TryReadCall(ref reader, call, out _);
        record.Release();
        if (good)
        {
            return call;
        }

        call.Release();
        return null;
    }

    private static (bool Good, uint Xid, AcceptStatus Status) ReadReply(uint[] words)
    {
        var record = Payload.CopyOf(Bytes(words));
        var reader = new XdrReader(record);
        var good = RpcHeader.TryReadReply(ref reader, out var xid, out var status);
        record.Release();
        return (good, xid, status);
    }

    private static uint[] Words(params uint[] words) => words;

    private static byte[] Bytes(uint[] words)
    {
        var bytes = new byte[words.Length * 4];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * 4), words[i]);
        }

        return bytes;
    }
}
