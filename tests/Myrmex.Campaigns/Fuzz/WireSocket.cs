using System;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>A TCP connection that sends bytes as they are and reads whole records. For one thread.</summary>
internal sealed class WireSocket : IDisposable
{
    private const int TimeoutMs = 60_000;
    private const int ChunkBytes = 64 << 10;

    private readonly Socket _socket;
    private byte[] _buffer = new byte[ChunkBytes];
    private int _start;
    private int _end;

    public WireSocket(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _socket.SendTimeout = TimeoutMs;
        _socket.ReceiveTimeout = TimeoutMs;
    }

    /// <summary>True as long as the other side has not closed.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>How this side is called by the server.</summary>
    public string LocalName => _socket.LocalEndPoint?.ToString() ?? "";

    public static WireSocket Connect(string host, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Parse(host), port);
        return new WireSocket(socket);
    }

    /// <summary>The bytes of a call with its record mark.</summary>
    public static byte[] Record(RpcCall head, ReadOnlySpan<byte> body, bool version3 = true)
    {
        var bytes = new byte[RpcHeader.MarkSize + RpcHeader.CallSizeMax + body.Length];
        var writer = new XdrWriter(bytes.AsSpan(RpcHeader.MarkSize));
        RpcHeader.WriteCall(ref writer, head, call: null, version3);
        writer.WriteRaw(body);
        RpcHeader.WriteMark(bytes, writer.Position);
        return bytes[..(RpcHeader.MarkSize + writer.Position)];
    }

    /// <summary>The bytes of a successful reply with its record mark.</summary>
    public static byte[] Reply(uint xid, ReadOnlySpan<byte> body)
    {
        var bytes = new byte[RpcHeader.MarkSize + RpcHeader.ReplySize + body.Length];
        var writer = new XdrWriter(bytes.AsSpan(RpcHeader.MarkSize));
        RpcHeader.WriteReply(ref writer, xid, AcceptStatus.Success);
        writer.WriteRaw(body);
        RpcHeader.WriteMark(bytes, writer.Position);
        return bytes[..(RpcHeader.MarkSize + writer.Position)];
    }

    /// <summary>Sends all of it; false when the other side has closed.</summary>
    public bool Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (IsOpen && bytes.Length > 0)
            {
                bytes = bytes[_socket.Send(bytes, SocketFlags.None)..];
            }
        }
        catch (SocketException)
        {
            IsOpen = false;
        }

        return IsOpen;
    }

    /// <summary>
    /// Waits for the next record; it is lent until the next call. False when none came in time or the other side has closed, which
    /// <see cref="IsOpen"/> tells apart.
    /// </summary>
    public bool TryRead(int timeoutMs, out ReadOnlySpan<byte> record)
    {
        record = default;
        while (true)
        {
            if (_end - _start >= RpcHeader.MarkSize)
            {
                var length = RpcHeader.MarkSize + (int)(BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_start)) & 0x7FFF_FFFF);
                if (_end - _start >= length)
                {
                    record = _buffer.AsSpan(_start + RpcHeader.MarkSize, length - RpcHeader.MarkSize);
                    _start += length;
                    return true;
                }

                MakeRoom(length);
            }
            else
            {
                MakeRoom(ChunkBytes);
            }

            if (!TryFill(timeoutMs))
            {
                return false;
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private bool TryFill(int timeoutMs)
    {
        try
        {
            if (!_socket.Poll(TimeSpan.FromMilliseconds(timeoutMs), SelectMode.SelectRead))
            {
                return false;
            }

            var count = _socket.Receive(_buffer.AsSpan(_end), SocketFlags.None);
            IsOpen = count > 0;
            _end += count;
        }
        catch (SocketException)
        {
            IsOpen = false;
        }

        return IsOpen;
    }

    private void MakeRoom(int length)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_buffer.Length < length + RpcHeader.MarkSize)
        {
            Array.Resize(ref _buffer, length + ChunkBytes);
        }
    }
}
