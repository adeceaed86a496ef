using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Tests that change what the whole process shares; no other test runs meanwhile.</summary>
[CollectionDefinition("whole process", DisableParallelization = true)]
public sealed class WholeProcess;

/// <summary>Goal: a process over its memory limit takes no new work but still hears answers.</summary>
[Trait("Tier", "unit")]
[Collection("whole process")]
public sealed class MemoryLimitTests : IDisposable
{
    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Reactors = 1, Workers = 1, Name = "test" });
    private readonly Recorder _server = new();
    private readonly Recorder _client = new();
    private readonly long _limit = PayloadPool.Shared.LimitBytes;

    public void Dispose()
    {
        PayloadPool.Shared.LimitBytes = _limit;
        _runtime.Dispose();
    }

    [Fact]
    public void AcceptedLinksWaitForMemoryAndOutgoingOnesDoNot()
    {
        using var listener = Connect(TestFrames.Options, out var client);
        var server = _server.WaitOpen();

        PayloadPool.Shared.LimitBytes = -1;
        TestFrames.Send(client, TestFrames.Make(1000));
        TestFrames.Send(server, TestFrames.Make(2000));
        _client.WaitFrames(1);
        Thread.Sleep(4 * Limits.MemoryRetryMs);
        Assert.Empty(_server.Frames);

        PayloadPool.Shared.LimitBytes = _limit;
        _server.WaitFrames(1);
        Assert.True(_server.Frames.TryDequeue(out var frame));
        Assert.Equal(TestFrames.Make(1000), frame);
    }

    [Fact]
    public void HalfAFrameIsHeldForAsLongAsMemoryIsNotShort()
    {
        var options = TestFrames.Options with { StalledFrameMs = 100 };
        using var listener = Connect(options, out var client);
        var server = _server.WaitOpen();
        var frame = TestFrames.Make(1 << 20);
        TestFrames.Send(client, frame[..(frame.Length / 2)]);
        Thread.Sleep(500);
        Assert.True(server.IsOpen);

        PayloadPool.Shared.LimitBytes = 1 << 20; // Half of it is a part of what has come.
        _server.WaitClosed();
        Assert.Equal(Errno.ETIMEDOUT, _server.Error);
        PayloadPool.Shared.LimitBytes = _limit;
    }

    [Fact]
    public void AFrameThatComesSlowlyIsTakenThoughMemoryIsShort()
    {
        var options = TestFrames.Options with { StalledFrameMs = 300 };
        using var listener = Connect(options, out var client);
        _ = _server.WaitOpen();
        var frame = TestFrames.Make(1 << 20);
        PayloadPool.Shared.LimitBytes = 1 << 20;
        const int Pieces = 20;
        for (var i = 0; i < Pieces; i++)
        {
            TestFrames.Send(client, frame[(frame.Length * i / Pieces)..(frame.Length * (i + 1) / Pieces)]);
            Thread.Sleep(50);
        }

        PayloadPool.Shared.LimitBytes = _limit;
        _server.WaitFrames(1);
        Assert.Equal(0, _server.Closes);
    }

    /// <summary>Opens a link from the client to the server; the listener is the caller's.</summary>
    private IListener Connect(LinkOptions options, out Link client)
    {
        var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), options, _ => _server);
        _runtime.Network.Connect(listener.Address, options, _client);
        client = _client.WaitOpen();
        return listener;
    }
}
