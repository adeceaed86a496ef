using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Protocol;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>What a process of a proxy writes of a client for the next one is read there; what is damaged is refused.</summary>
public sealed class ConnectionStateCodecTests
{
    [Fact]
    public void EverythingIsReadAsItWasWritten()
    {
        var state = Sample();
        Assert.True(ConnectionStateCodec.TryRead(ConnectionStateCodec.Write(state), out var read, out var problem), problem);
        Assert.Equal(state.Input, read.Input);
        Assert.Equal(state.Output, read.Output);
        Assert.Equal(("10.0.0.9", 1023), (read.PeerHost, read.PeerPort));
        Assert.Equal("gfproxyd-vol", read.Attachment!.Export);
        Assert.Equal(state.Attachment!.Values, read.Attachment.Values);
        Assert.Equal(state.Attachment.RootAlias, read.Attachment.RootAlias);
        Assert.Equal([0L, 7L, 9L], read.Fds.Select(f => f.Number));
        Assert.Equal([false, false, true], read.Fds.Select(f => f.IsDirectory));
        Assert.Equal(state.Fds[1].LockInfo, read.Fds[1].LockInfo);
        var held = Assert.Single(read.Fds[1].Locks);
        Assert.Equal(new byte[] { 1, 2, 3 }, held.Owner);
        Assert.Equal((long.MaxValue, true, 77u, 78), (held.End, held.IsWrite, held.Pid, held.CallerPid));
    }

    [Fact]
    public void AClientThatHasNotBeenLetInHasOnlyItsBytes()
    {
        var state = Sample() with { Attachment = null, Fds = [] };
        Assert.True(ConnectionStateCodec.TryRead(ConnectionStateCodec.Write(state), out var read, out _));
        Assert.Null(read.Attachment);
        Assert.False(ConnectionStateCodec.TryRead(ConnectionStateCodec.Write(Sample() with { Attachment = null }), out _, out _));
    }

    [Fact]
    public void WhatALaterVersionAddsIsPassedOver()
    {
        var text = Encoding.UTF8.GetString(ConnectionStateCodec.Write(Sample()));
        var later = text.Replace("{\"peerHost\"", "{\"weather\":{\"rain\":[1,2]},\"peerHost\"", StringComparison.Ordinal);
        Assert.NotEqual(text, later);
        Assert.True(ConnectionStateCodec.TryRead(Encoding.UTF8.GetBytes(later), out var read, out var problem), problem);
        Assert.Equal(3, read.Fds.Count);
    }

    [Fact]
    public void NoBeginningOfAStateIsOne()
    {
        var whole = ConnectionStateCodec.Write(Sample());
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.False(ConnectionStateCodec.TryRead(whole.AsSpan(0, length), out var state, out var problem));
            Assert.Null(state);
            Assert.NotEmpty(problem);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void DamageIsRefusedOrReadAsAStateThatIsInItsBounds(int seed)
    {
        var random = new Random(seed);
        var whole = ConnectionStateCodec.Write(Sample());
        for (var round = 0; round < 5_000; round++)
        {
            var damaged = whole.ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            if (ConnectionStateCodec.TryRead(damaged, out var state, out _))
            {
                Assert.InRange(state.PeerPort, 0, ushort.MaxValue);
                Assert.Equal(state.Fds.Count, state.Fds.Select(f => f.Number).Distinct().Count());
                Assert.All(state.Fds, f => Assert.True(Gfid.TryParse(f.Gfid, out var gfid) && !gfid.IsNull));
                Assert.All(state.Fds.SelectMany(f => f.Locks), l => Assert.True(l.Start >= 0 && l.End >= l.Start));
            }
        }
    }

    [Fact]
    public void ValuesOutOfTheirRangeAreRefused()
    {
        Refused(s => s with { PeerPort = -1 });
        Refused(s => s with { PeerPort = 65_536 });
        Refused(s => s with { Attachment = s.Attachment! with { RootAlias = "root" } });
        Refused(s => s with { Fds = [s.Fds[0], s.Fds[0]] });
        Refused(s => s with { Fds = [s.Fds[0] with { Number = -1 }] });
        Refused(s => s with { Fds = [s.Fds[0] with { Number = 1 << 20 }] });
        Refused(s => s with { Fds = [s.Fds[0] with { Gfid = "file" }] });
        Refused(s => s with { Fds = [s.Fds[0] with { Gfid = Gfid.Null.ToString() }] });
        Refused(s => WithLock(s, l => l with { Start = -1 }));
        Refused(s => WithLock(s, l => l with { End = l.Start - 1 }));
        Refused(s => WithLock(s, l => l with { Owner = new byte[LkOwner.LengthMax + 1] }));
        Refused(s => s with { Fds = [s.Fds[1] with { IsDirectory = true }] });
    }

    private static void Refused(Func<ConnectionState, ConnectionState> change)
    {
        Assert.False(ConnectionStateCodec.TryRead(ConnectionStateCodec.Write(change(Sample())), out _, out var problem));
        Assert.NotEmpty(problem);
    }

    private static ConnectionState WithLock(ConnectionState state, Func<LockState, LockState> change) => state with
    {
        Fds = [state.Fds[1] with { Locks = [change(state.Fds[1].Locks[0])] }],
    };

    private static ConnectionState Sample() => new()
    {
        PeerHost = "10.0.0.9",
        PeerPort = 1023,
        Input = [0x80, 0, 0, 44, 1],
        Output = [9, 8],
        Attachment = new AttachmentState
        {
            Export = "gfproxyd-vol",
            Directory = "/dir",
            RootAlias = new Gfid(1, 5).ToString(),
            Values = new Dictionary<string, string> { ["process-uuid"] = "CTX_ID:a", ["volfile-key"] = "vol/ü" },
            Uid = "CTX_ID:a",
            User = "",
            AttachedWallNs = 123,
        },
        Fds =
        [
            new FdState { Number = 0, Gfid = new Gfid(1, 2).ToString(), Flags = 2 },
            new FdState
            {
                Number = 7,
                Gfid = new Gfid(1, 3).ToString(),
                Flags = 1,
                LockInfo = [4, 5],
                Locks = [new LockState([1, 2, 3], 78, 77, IsWrite: true, 10, long.MaxValue)],
            },
            new FdState { Number = 9, Gfid = new Gfid(1, 4).ToString(), Flags = 0, IsDirectory = true },
        ],
    };
}
