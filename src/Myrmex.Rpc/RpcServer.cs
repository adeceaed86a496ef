using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Rpc;

/// <summary>
/// Listens and makes one <see cref="RpcConnection"/> a link, each with a handler from the factory. Knows all open connections.
/// </summary>
public sealed class RpcServer : IDisposable
{
    /// <summary>Most connections at once; more are closed at the door.</summary>
    public const int ConnectionsMax = 16384;

    private readonly Seams _seams;
    private readonly Func<RpcConnection, IRpcHandler> _handlerOf;
    private readonly List<IListener> _listeners = [];
    private readonly HashSet<RpcConnection> _connections = [];
    private readonly Lock _lock = new(); // Guards _connections and _isDisposed; a leaf lock.
    private bool _isDisposed;

    public RpcServer(Seams seams, Func<RpcConnection, IRpcHandler> handlerOf)
    {
        _seams = seams;
        _handlerOf = handlerOf;
    }

    /// <summary>Calls this many milliseconds old, to clients, are given up.</summary>
    public long FrameTimeoutMs { get; init; } = 600_000;

    /// <summary>Adds an address to listen on; throws IOException when it cannot be bound.</summary>
    public LinkAddress Listen(LinkAddress address, LinkOptions options)
    {
        var listener = _seams.Network.Listen(address, options, Accept);
        _listeners.Add(listener);
        return listener.Address;
    }

    public RpcConnection[] Connections()
    {
        lock (_lock)
        {
            return [.. _connections];
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
        }

        _listeners.ForEach(l => l.Dispose());
        foreach (var connection in Connections())
        {
            connection.Close(Errno.ECANCELED, "server stops");
        }
    }

    /// <summary>Goes on with a socket that listens already.</summary>
    /// <param name="listen">Makes the listener; takes what accepts links.</param>
    public LinkAddress Listen(Func<Func<Link, ILinkHandler>, IListener> listen)
    {
        var listener = listen(Accept);
        _listeners.Add(listener);
        return listener.Address;
    }

    /// <summary>Takes nobody in any more; answers the sockets that listen.</summary>
    public int[] Pause() => [.. _listeners.Select(l => l.Pause())];

    public void Resume() => _listeners.ForEach(l => l.Resume());

    /// <summary>Makes the connection of a link, and its handler; on the link's loop.</summary>
    public ILinkHandler Accept(Link link)
    {
        var gate = new Gate(this);
        var connection = new RpcConnection(_seams, gate) { FrameTimeoutMs = FrameTimeoutMs };
        gate.Inner = _handlerOf(connection);
        return connection;
    }

    /// <summary>Keeps the list of connections true.</summary>
    private sealed class Gate(RpcServer server) : IRpcHandler
    {
        public IRpcHandler Inner { get; set; } = null!;

        public void OnOpen(RpcConnection connection)
        {
            string? problem = null;
            lock (server._lock)
            {
                problem = server._isDisposed ? "server stops"
                    : server._connections.Count >= ConnectionsMax ? "too many connections"
                    : null;
                if (problem is null)
                {
                    server._connections.Add(connection);
                }
            }

            if (problem is not null)
            {
                connection.Close(Errno.ECANCELED, problem);
            }
            else
            {
                Inner.OnOpen(connection);
            }
        }

        public void OnCall(RpcConnection connection, Wire.RpcCall head, Call call, Payload record, int position) =>
            Inner.OnCall(connection, head, call, record, position);

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
            lock (server._lock)
            {
                server._connections.Remove(connection);
            }

            Inner.OnClosed(connection, error, reason);
        }
    }
}
