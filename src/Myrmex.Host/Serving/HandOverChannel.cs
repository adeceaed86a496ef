using System;
using System.Buffers.Binary;
using System.IO;
using System.Net.Sockets;
using Myrmex.Protocol;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>What the two processes of a hand-over tell each other, in this order.</summary>
internal enum HandOverMessage
{
    /// <summary>New to old: hand over to me.</summary>
    Hello = 1,

    /// <summary>Old to new: the socket that listens.</summary>
    Listener,

    /// <summary>Old to new: the socket and the state of a client; as often as there are clients.</summary>
    Connection,

    /// <summary>Old to new: these were all.</summary>
    End,

    /// <summary>New to old: everything is open and locked here. From now on there is no way back.</summary>
    Ready,

    /// <summary>Old to new: they are yours.</summary>
    Commit,
}

/// <summary>
/// A unix socket between two processes of one server: messages of a kind (u32), a length (u32, both little-endian) and
/// bytes, some with a descriptor. Blocks; not for a reactor. Throws <see cref="IOException"/> for everything that is
/// not as it has to be.
/// </summary>
internal sealed class HandOverChannel : IDisposable
{
    private const int HeadBytes = 8;

    private readonly Socket _socket;

    public HandOverChannel(Socket socket, int limitMs)
    {
        _socket = socket;
        _socket.ReceiveTimeout = _socket.SendTimeout = limitMs;
    }

    public static HandOverChannel Connect(string path, int limitMs)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new HandOverChannel(socket, limitMs);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"the process that serves now cannot be reached at {path}: {e.Message}", e);
        }
    }

    /// <param name="descriptor">Goes along, and stays the sender's; -1 for none.</param>
    public void Send(HandOverMessage kind, ReadOnlySpan<byte> bytes, int descriptor = -1)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)kind);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], bytes.Length);
        if (descriptor < 0)
        {
            SendAll(head);
        }
        else if (Sys.SendDescriptor((int)_socket.Handle, head, descriptor) is var sent && sent != HeadBytes)
        {
            throw new IOException($"a socket cannot be handed over: {Sys.ErrorOf(sent)}");
        }

        SendAll(bytes);
    }

    /// <summary>The next message, which must be one of two kinds.</summary>
    public byte[] Receive(HandOverMessage one, HandOverMessage other, out HandOverMessage kind, out int descriptor)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        var received = Sys.ReceiveDescriptor((int)_socket.Handle, head, out descriptor);
        if (received <= 0)
        {
            throw new IOException(received == 0
                ? "the other process has ended" : $"the other process does not answer: {Sys.ErrorOf(received)}");
        }

        ReceiveAll(head[(int)received..]);
        kind = (HandOverMessage)BinaryPrimitives.ReadUInt32LittleEndian(head);
        var length = BinaryPrimitives.ReadInt32LittleEndian(head[4..]);
        if ((kind != one && kind != other) || length is < 0 or > ConnectionStateCodec.BytesMax)
        {
            throw new IOException($"the other process says {(uint)kind} and not {one}, or is too long");
        }

        var bytes = new byte[length];
        ReceiveAll(bytes);
        return bytes;
    }

    public byte[] Receive(HandOverMessage kind) => Receive(kind, kind, out _, out _);

    /// <summary>Waits until the other process has ended.</summary>
    public void AwaitEnd()
    {
        try
        {
            Span<byte> nothing = stackalloc byte[1];
            _ = _socket.Receive(nothing);
        }
        catch (SocketException)
        {
            // It has ended, or takes its time: whoever comes next finds out.
        }
    }

    public void Dispose() => _socket.Dispose();

    private void SendAll(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                bytes = bytes[_socket.Send(bytes)..];
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"the other process does not listen: {e.Message}", e);
        }
    }

    private void ReceiveAll(Span<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                var count = _socket.Receive(bytes);
                bytes = count > 0 ? bytes[count..] : throw new IOException("the other process has ended");
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"the other process does not answer: {e.Message}", e);
        }
    }
}
