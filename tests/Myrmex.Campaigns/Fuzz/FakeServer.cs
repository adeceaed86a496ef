using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>Accepts connections on an address of its own and hands every call to a function; one thread a connection.</summary>
internal sealed class FakeServer : IDisposable
{
    private const int LookMs = 100;

    private readonly Socket _listener;
    private readonly Action<WireSocket, RpcCall, byte[]> _onCall;
    private readonly List<Thread> _threads = [];
    private readonly List<WireSocket> _open = []; // Guarded by itself.
    private volatile bool _stopped;

    /// <param name="onCall">Gets the connection, the head and the body of each call, in order, on the connection's thread.</param>
    public FakeServer(string host, int port, Action<WireSocket, RpcCall, byte[]> onCall)
    {
        _onCall = onCall;
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
        _listener.Bind(new IPEndPoint(IPAddress.Parse(host), port));
        _listener.Listen();
        Start(AcceptAll);
    }

    /// <summary>Connections accepted so far.</summary>
    public int Accepted { get; private set; }

    /// <summary>Sends the same bytes to everyone who is connected.</summary>
    public void Broadcast(byte[] record)
    {
        lock (_open)
        {
            _open.ForEach(socket => socket.Send(record));
        }
    }

    public void Dispose()
    {
        _stopped = true;
        _listener.Dispose();
        lock (_open)
        {
            _open.ForEach(socket => socket.Dispose());
        }

        Thread[] threads;
        lock (_threads)
        {
            threads = [.. _threads];
        }

        foreach (var thread in threads)
        {
            thread.Join();
        }
    }

    private void Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true, Name = "fake server" };
        lock (_threads)
        {
            _threads.Add(thread);
        }

        thread.Start();
    }

    private void AcceptAll()
    {
        while (!_stopped)
        {
            try
            {
                var socket = new WireSocket(_listener.Accept());
                Accepted++;
                Start(() => Serve(socket));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Serve(WireSocket socket)
    {
        lock (_open)
        {
            _open.Add(socket);
        }

        try
        {
            while (!_stopped && socket.IsOpen)
            {
                if (socket.TryRead(LookMs, out var record))
                {
                    OnRecord(socket, Payload.CopyOf(record));
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // The server is being stopped.
        }

        lock (_open)
        {
            _open.Remove(socket);
        }

        socket.Dispose();
    }

    private void OnRecord(WireSocket socket, Payload record)
    {
        var reader = new XdrReader(record);
        var call = Call.Rent();
        if (RpcHeader.TryReadCall(ref reader, call, out var head))
        {
            _onCall(socket, head, record.Span[reader.Position..].ToArray());
        }

        call.Release();
        record.Release();
    }
}
