using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Frames of these tests: a big-endian u32 length of the whole frame, then any bytes.</summary>
internal static class TestFrames
{
    public const int HeaderSize = 4;

    public static LinkOptions Options { get; } = new(LengthOf) { FrameBytesMax = 8 << 20, ConnectTimeoutMs = 5000 };

    public static long LengthOf(ReadOnlySpan<byte> received)
    {
        if (received.Length < HeaderSize)
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(received);
        return length < HeaderSize ? -1 : length;
    }

    /// <summary>A frame whose bytes depend on its length and <paramref name="salt"/>.</summary>
    public static byte[] Make(int length, int salt = 0)
    {
        var frame = new byte[length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)length);
        for (var i = HeaderSize; i < length; i++)
        {
            frame[i] = (byte)((i * 31) + salt);
        }

        return frame;
    }

    public static bool Send(Link link, ReadOnlySpan<byte> frame, Payload tail = default)
    {
        var room = link.BeginSend(frame.Length);
        if (room.IsEmpty)
        {
            return false;
        }

        frame.CopyTo(room);
        link.EndSend(frame.Length, tail);
        return true;
    }
}

/// <summary>A handler that keeps copies of all frames and counts what it hears.</summary>
internal sealed class Recorder : ILinkHandler
{
    private readonly ManualResetEventSlim _opened = new();
    private readonly ManualResetEventSlim _closed = new();
    private readonly SemaphoreSlim _arrived = new(0);

    public ConcurrentQueue<byte[]> Frames { get; } = new();

    public Action<Link, Payload>? Frame { get; set; }

    public Link? Link { get; private set; }

    public int Opens { get; private set; }

    public int Closes { get; private set; }

    public Errno Error { get; private set; }

    public string Reason { get; private set; } = string.Empty;

    public bool WasOffLoop { get; private set; }

    public void OnOpen(Link link)
    {
        WasOffLoop |= !link.Scheduler.IsCurrentThread;
        Link = link;
        Opens++;
        _opened.Set();
    }

    public void OnFrame(Link link, Payload frame)
    {
        WasOffLoop |= !link.Scheduler.IsCurrentThread;
        if (Frame is not null)
        {
            Frame(link, frame);
        }
        else
        {
            Frames.Enqueue(frame.Span.ToArray());
        }

        _arrived.Release();
    }

    public void OnClosed(Link link, Errno error, string reason)
    {
        WasOffLoop |= !link.Scheduler.IsCurrentThread;
        Closes++;
        Error = error;
        Reason = reason;
        _closed.Set();
    }

    public Link WaitOpen()
    {
        Assert.True(_opened.Wait(10_000), "the link does not open: " + Reason);
        return Link!;
    }

    public void WaitClosed() => Assert.True(_closed.Wait(10_000), "the link does not close");

    public void WaitFrames(int count)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.True(_arrived.Wait(10_000), $"frame {i} of {count} does not arrive");
        }
    }
}

/// <summary>A directory of its own for sockets and files, removed at the end.</summary>
internal sealed class TestDirectory : IDisposable
{
    public TestDirectory() => Path = Directory.CreateTempSubdirectory("myrmex-unit-").FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
