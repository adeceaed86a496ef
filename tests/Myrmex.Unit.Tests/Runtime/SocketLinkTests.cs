using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Goal: links over real sockets of this machine keep every promise of Link and ILinkHandler.</summary>
[Trait("Tier", "unit")]
public sealed class SocketLinkTests : IDisposable
{
    private const int NoSuchOption = 92; // ENOPROTOOPT.

    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Reactors = 2, Workers = 2, Name = "test" });
    private readonly TestDirectory _directory = new();
    private readonly Recorder _server = new();
    private readonly Recorder _client = new();

    public static TheoryData<string> Kinds => new("tcp", "tcp6", "unix", "name");

    public void Dispose()
    {
        _runtime.Dispose();
        _directory.Dispose();
        Assert.False(_server.WasOffLoop);
        Assert.False(_client.WasOffLoop);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void FramesOfAllSizesComeBackUnchangedAndInOrder(string kind)
    {
        _server.Frame = Echo;
        var link = Connect(kind);
        int[] sizes = [4, 5, 100, 4096, 65_535, 65_536, 65_537, 200_000, 1_100_000, 4, 70_000, 8 << 20, 100];
        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.True(TestFrames.Send(link, TestFrames.Make(sizes[i], i)));
        }

        _client.WaitFrames(sizes.Length);
        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.True(_client.Frames.TryDequeue(out var frame));
            Assert.Equal(TestFrames.Make(sizes[i], i), frame);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void APeerOnThisMachineIsKnownAsOne(string kind)
    {
        _server.Frame = Echo;
        var link = Connect(kind);
        Assert.True(TestFrames.Send(link, TestFrames.Make(100, 1)));
        _client.WaitFrames(1);
        Assert.True(link.IsLocal);
    }

    /// <summary>As another process would: by a descriptor that came over a unix socket, in the middle of frames.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(20)]
    public void AnotherNetworkGoesOnWithALink(int pauseMs)
    {
        const int Count = 300;
        using var second = new LinuxRuntime(new LinuxRuntimeOptions { Reactors = 1, Workers = 1, Name = "second" });
        var next = new Recorder { Frame = Echo };
        _server.Frame = Echo;
        var link = Connect("tcp");
        var sender = new Thread(() =>
        {
            for (var i = 0; i < Count; i++)
            {
                Assert.True(TestFrames.Send(link, TestFrames.Make(SizeOf(i), i)));
            }
        });
        sender.Start();
        Thread.Sleep(pauseMs);
        var former = _server.WaitOpen();
        var remains = Freeze(former);
        Assert.True(former.BeginSend(10).IsEmpty);
        Assert.True(Sys.SocketPair(out var here, out var there) >= 0);
        Assert.Equal(1, Sys.SendDescriptor(here, [1], remains.Descriptor));
        Assert.Equal(1, Sys.ReceiveDescriptor(there, new byte[1], out var descriptor));
        former.Close(Errno.ECANCELED, "handed over");
        second.Network.Resume(
            remains with { Descriptor = descriptor }, former.Peer, TestFrames.Options, _ => next);
        next.WaitOpen().ResumeReading();
        _client.WaitFrames(Count);
        for (var i = 0; i < Count; i++)
        {
            Assert.True(_client.Frames.TryDequeue(out var frame));
            Assert.Equal(TestFrames.Make(SizeOf(i), i), frame);
        }

        sender.Join();
        Sys.Close(here);
        Sys.Close(there);
        Assert.Equal(0, _client.Closes);
        Assert.False(next.WasOffLoop);
    }

    /// <summary>Kernels before 6.15 say that they cannot.</summary>
    [Fact]
    public void WhatIsNotAcknowledgedIsSentAgainWithinASecond()
    {
        var fd = Sys.Socket(Sys.AfInet);
        Assert.True(fd >= 0);
        LinuxNetwork.TuneTcp(fd);
        var error = Sys.GetSockOpt(fd, Sys.IpProtoTcp, Sys.TcpRtoMax, out var milliseconds);
        Sys.Close(fd);
        Assert.True(error < 0 ? error == -NoSuchOption : milliseconds == 1_000);
    }

    [Fact]
    public void AFrozenLinkThatIsLetGoHasLostNothing()
    {
        _server.Frame = Echo;
        var link = Connect("tcp");
        for (var i = 0; i < 100; i++)
        {
            if (i % 10 == 5)
            {
                var former = _server.WaitOpen();
                Freeze(former);
                former.Scheduler.Post(() =>
                {
                    former.Thaw();
                    former.ResumeReading();
                });
            }

            Assert.True(TestFrames.Send(link, TestFrames.Make(SizeOf(i), i)));
        }

        _client.WaitFrames(100);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(_client.Frames.TryDequeue(out var frame));
            Assert.Equal(TestFrames.Make(SizeOf(i), i), frame);
        }
    }

    private static int SizeOf(int i) => 4 + (i * 7919 % 150_000);

    private static LinkRemains Freeze(Link link)
    {
        LinkRemains? remains = null;
        for (var tries = 0; remains is null && tries < 10_000; tries++)
        {
            using var done = new ManualResetEventSlim();
            link.Scheduler.Post(() =>
            {
                link.PauseReading();
                remains = link.Freeze();
                done.Set();
            });
            Assert.True(done.Wait(10_000));
        }

        Assert.NotNull(remains);
        return remains;
    }

    [Fact]
    public void ConnectingWhereNobodyListensIsHeardOnceAsClosed()
    {
        var port = 0;
        using (var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), TestFrames.Options, _ => _server))
        {
            port = listener.Address.Port;
        }

        WaitForLoops();
        _runtime.Network.Connect(new LinkAddress("127.0.0.1", port), TestFrames.Options, _client);
        _client.WaitClosed();
        Assert.Equal(Errno.ECONNREFUSED, _client.Error);
        Assert.Equal(0, _client.Opens);
        Assert.Equal(1, _client.Closes);
    }

    [Fact]
    public void SendsOfOneBatchLeaveInOneSystemCallInOrder()
    {
        var link = (SocketLink)Connect("tcp");
        var tails = new Payload[20];
        var calls = link.SendCalls;
        FlushBatch.Begin();
        for (var i = 0; i < tails.Length; i++)
        {
            tails[i] = Payload.CopyOf(TestFrames.Make(2000, i));
            var frame = TestFrames.Make(2100, 100 + i);
            Assert.True(TestFrames.Send(link, frame.AsSpan(0, 100), tails[i]));
        }

        Assert.Equal(calls, link.SendCalls);
        Assert.Equal(20 * 2100, link.QueuedBytes);
        FlushBatch.End();
        Assert.Equal(calls + 1, link.SendCalls);
        Assert.Equal(0, link.QueuedBytes);
        _server.WaitFrames(20);
        for (var i = 0; i < tails.Length; i++)
        {
            Assert.True(_server.Frames.TryDequeue(out var frame));
            Assert.Equal(TestFrames.Make(2100, 100 + i)[..100], frame[..100]);
            Assert.Equal(TestFrames.Make(2000, i), frame[100..]);
            Assert.Equal(1, tails[i].Buffer!.References);
            tails[i].Release();
        }
    }

    [Fact]
    public void ASendOutsideABatchLeavesAtOnce()
    {
        var link = (SocketLink)Connect("tcp");
        var calls = link.SendCalls;
        TestFrames.Send(link, TestFrames.Make(10));
        TestFrames.Send(link, TestFrames.Make(10));
        Assert.Equal(calls + 2, link.SendCalls);
        _server.WaitFrames(2);
    }

    [Fact]
    public void AnEchoAllocatesNothingOnEitherLoop()
    {
        const int WarmUp = 2000;
        const int Rounds = 4000;
        var echo = new AllocationMeter(WarmUp, Rounds);
        var ping = new AllocationMeter(WarmUp, Rounds);
        using var done = new ManualResetEventSlim();
        _server.Frame = (link, frame) =>
        {
            echo.Tick();
            Echo(link, frame);
        };
        _client.Frame = (link, frame) =>
        {
            ping.Tick();
            if (ping.IsDone)
            {
                done.Set();
            }
            else
            {
                Echo(link, frame);
            }
        };
        var link = Connect("tcp");
        TestFrames.Send(link, TestFrames.Make(100));
        TestFrames.Send(link, TestFrames.Make(5000));
        TestFrames.Send(link, TestFrames.Make(150_000));
        Assert.True(done.Wait(30_000));
        Assert.Equal(0, echo.AllocatedBytes);
        Assert.Equal(0, ping.AllocatedBytes);
    }

    [Fact]
    public void AReaderThatPausesStopsTheSenderAndLosesNothing()
    {
        var link = Connect("tcp");
        var server = _server.WaitOpen();
        server.PauseReading();
        WaitForLoops();
        var payload = Payload.CopyOf(new byte[1 << 20]);
        for (var i = 0; i < 64; i++)
        {
            var frame = new byte[TestFrames.HeaderSize];
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame, (1 << 20) + TestFrames.HeaderSize);
            Assert.True(TestFrames.Send(link, frame, payload));
        }

        Assert.True(link.QueuedBytes > 16 << 20);
        Assert.Empty(_server.Frames);
        server.ResumeReading();
        _server.WaitFrames(64);
        Assert.True(SpinWait.SpinUntil(() => payload.Buffer!.References == 1, 10_000));
        Assert.Equal(0, link.QueuedBytes);
        payload.Release();
    }

    [Fact]
    public void PausingInAFrameStopsBeforeTheNextOneOfTheSameChunk()
    {
        var seen = 0;
        _server.Frame = (link, _) =>
        {
            seen++;
            link.PauseReading();
        };
        var client = Connect("tcp");
        FlushBatch.Begin();
        for (var i = 0; i < 3; i++)
        {
            TestFrames.Send(client, TestFrames.Make(100));
        }

        FlushBatch.End();
        for (var i = 1; i <= 3; i++)
        {
            _server.WaitFrames(1);
            WaitForLoops();
            Assert.Equal(i, seen);
            _server.Link!.ResumeReading();
        }
    }

    [Fact]
    public void ClosingIsHeardOnceOnBothSides()
    {
        var link = Connect("tcp");
        link.Close(Errno.ECANCELED, "enough");
        link.Close(Errno.EIO, "again");
        _client.WaitClosed();
        _server.WaitClosed();
        WaitForLoops();
        Assert.Equal((1, Errno.ECANCELED, "enough"), (_client.Closes, _client.Error, _client.Reason));
        Assert.Equal((1, Errno.ENOTCONN), (_server.Closes, _server.Error));
        Assert.False(link.IsOpen);
        Assert.True(link.BeginSend(10).IsEmpty);
        link.Flush();
        Assert.Equal(0, _runtime.Network.LinkCount);
    }

    [Fact]
    public void ClosingBeforeTheConnectionIsMadeIsHeardToo()
    {
        var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), TestFrames.Options, _ => _server);
        var link = _runtime.Network.Connect(listener.Address, TestFrames.Options, _client);
        link.Close(Errno.ECANCELED, "changed my mind");
        _client.WaitClosed();
        Assert.Equal(Errno.ECANCELED, _client.Error);
        Assert.Equal(1, _client.Closes);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 1 })]
    [InlineData(new byte[] { 0x7F, 0, 0, 0 })]
    public void AStreamThatIsNoStreamOfFramesIsClosed(byte[] bytes)
    {
        var link = Connect("tcp");
        TestFrames.Send(link, bytes);
        _server.WaitClosed();
        _client.WaitClosed();
        Assert.Equal(Errno.EPROTO, _server.Error);
    }

    [Fact]
    public void AFailingHandlerCostsItsLinkOnly()
    {
        _server.Frame = (_, _) => throw new InvalidOperationException("expected by a test");
        var link = Connect("tcp");
        TestFrames.Send(link, TestFrames.Make(10));
        _server.WaitClosed();
        _client.WaitClosed();
        Assert.Equal(Errno.EIO, _server.Error);
        WaitForLoops();
    }

    [Fact]
    public void SendersAndClosersThatRaceLeakNothing()
    {
        var payload = Payload.CopyOf(TestFrames.Make(20_000));
        using var listener = _runtime.Network.Listen(
            new LinkAddress("127.0.0.1", 0), TestFrames.Options, _ => new Recorder());
        for (var round = 0; round < 40; round++)
        {
            var client = new Recorder();
            _runtime.Network.Connect(listener.Address, TestFrames.Options, client);
            var link = client.WaitOpen();
            var senders = new Thread[3];
            for (var i = 0; i < senders.Length; i++)
            {
                senders[i] = new Thread(() => SendUntilClosed(link, payload));
                senders[i].Start();
            }

            Thread.Sleep(round % 4);
            link.Close(Errno.ECANCELED, "race");
            client.WaitClosed();
            foreach (var sender in senders)
            {
                sender.Join();
            }

            Assert.Equal(1, client.Closes);
            Assert.Equal(1, payload.Buffer!.References);
        }

        payload.Release();
    }

    [Fact]
    public void AStaleUnixSocketIsReplacedAndALiveOneIsNot()
    {
        var path = _directory.File("stale");
        var fd = Sys.Socket(Sys.AfUnix);
        Assert.Equal(0, Sys.Bind(fd, SocketAddresses.OfUnix(path)));
        Sys.Close(fd);
        using var listener = _runtime.Network.Listen(LinkAddress.Unix(path), TestFrames.Options, _ => _server);
        Assert.Throws<System.IO.IOException>(
            () => _runtime.Network.Listen(LinkAddress.Unix(path), TestFrames.Options, _ => _server));
    }

    [Fact]
    public void ADisposedNetworkClosesItsLinks()
    {
        Connect("tcp");
        _runtime.Network.Dispose();
        _client.WaitClosed();
        _server.WaitClosed();
    }

    private static void SendUntilClosed(Link link, Payload payload)
    {
        var header = TestFrames.Make(100);
        while (TestFrames.Send(link, header, payload))
        {
            if (link.QueuedBytes > 4 << 20)
            {
                Thread.Yield();
            }
        }
    }

    internal static void Echo(Link link, Payload frame)
    {
        var room = link.BeginSend(TestFrames.HeaderSize);
        frame.Span[..TestFrames.HeaderSize].CopyTo(room);
        link.EndSend(TestFrames.HeaderSize, frame.Slice(TestFrames.HeaderSize, frame.Length - TestFrames.HeaderSize));
    }

    private Link Connect(string kind)
    {
        var address = kind switch
        {
            "unix" => LinkAddress.Unix(_directory.File("socket")),
            "tcp6" => new LinkAddress("::1", 0),
            "name" => new LinkAddress(string.Empty, 0),
            _ => new LinkAddress("127.0.0.1", 0),
        };
        var listener = _runtime.Network.Listen(address, TestFrames.Options, _ => _server);
        var target = kind == "name" ? new LinkAddress("localhost", listener.Address.Port) : listener.Address;
        _runtime.Network.Connect(target, TestFrames.Options, _client);
        _server.WaitOpen();
        return _client.WaitOpen();
    }

    private void WaitForLoops()
    {
        foreach (var reactor in _runtime.Reactors)
        {
            using var passed = new ManualResetEventSlim();
            reactor.Post(passed.Set);
            Assert.True(passed.Wait(10_000));
        }
    }

    /// <summary>Allocated bytes of the calling thread between tick <c>warmUp</c> and tick <c>warmUp + rounds</c>.</summary>
    private sealed class AllocationMeter(int warmUp, int rounds)
    {
        private int _ticks;
        private long _start;

        public long AllocatedBytes { get; private set; } = -1;

        public bool IsDone => AllocatedBytes >= 0;

        public void Tick()
        {
            _ticks++;
            if (_ticks == warmUp)
            {
                _start = GC.GetAllocatedBytesForCurrentThread();
            }
            else if (_ticks == warmUp + rounds)
            {
                AllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - _start;
            }
        }
    }
}
