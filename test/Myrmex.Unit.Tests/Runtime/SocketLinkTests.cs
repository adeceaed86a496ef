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
}
