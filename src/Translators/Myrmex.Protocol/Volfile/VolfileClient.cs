using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// Fetches a volume file by GETSPEC and stays connected to hear when it changes (FETCHSPEC). When a server goes away the next one of
/// the list is tried, for ever; a running graph does not mind. All calls to the listener come from one loop.
/// </summary>
public sealed class VolfileClient : IRpcHandler, IDisposable
{
    private const long RetryMsMin = 200;
    private const long RetryMsMax = 3000;

    private readonly Seams _seams;
    private readonly IReadOnlyList<LinkAddress> _servers;
    private readonly string _key;
    private readonly IVolfileListener _listener;
    private readonly int _pid;
    private readonly Dictionary<string, string> _requestValues = new(StringComparer.Ordinal)
    {
        ["min-op-version"] = "1",
        ["max-op-version"] = "100000",
        [HandshakeCodec.MyrmexClient] = "1",
    };

    private volatile RpcConnection? _connection;
    private int _server;
    private long _retryMs = RetryMsMin;
    private string? _last;
    private volatile bool _stopped;
    private bool _isFetching;
    private bool _fetchAgain;

    /// <param name="servers">In the order to try; at least one.</param>
    /// <param name="key">What to ask for: the volume's name, or a daemon's key such as "VOL.HOST.path-of-brick".</param>
    /// <param name="listener">Hears of everything.</param>
    /// <param name="pid">Of this process, when it can be asked for a state dump; else 0.</param>
    public VolfileClient(
        Seams seams, IReadOnlyList<LinkAddress> servers, string key, IVolfileListener listener, int pid = 0)
    {
        Invariant.Check(servers.Count > 0);
        _seams = seams;
        _servers = servers;
        _key = key;
        _listener = listener;
        _pid = pid;
        if (pid > 0)
        {
            _requestValues[HandshakeCodec.MyrmexPid] = pid.ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The server in use; also the host that stands in for a missing remote-host.</summary>
    public LinkAddress Server => _servers[_server % _servers.Count];

    public void Start() => Connect();

    public void Dispose()
    {
        _stopped = true;
        _connection?.Close(Errno.ECANCELED, "stopped");
    }

    void IRpcHandler.OnOpen(RpcConnection connection)
    {
        if (_stopped)
        {
            connection.Close(Errno.ECANCELED, "stopped");
            return;
        }

        Fetch(connection);
    }

    void IRpcHandler.OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
    {
        call.Release();
        if (head.Program != Programs.Callback)
        {
            connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
        }
        else if (head.Procedure == Programs.FetchSpec)
        {
            Fetch(connection);
        }
        else if (head.Procedure == Programs.StateDump && _pid > 0)
        {
            // Meant for one process of the machine: an unsigned number.
            var reader = new XdrReader(record, position);
            if (reader.ReadUInt() == (uint)_pid && !reader.Failed)
            {
                _listener.OnStateDump();
            }
        }
    }

    void IRpcHandler.OnClosed(RpcConnection connection, Errno error, string reason)
    {
        _isFetching = false;
        _fetchAgain = false;
        if (_stopped || !ReferenceEquals(connection, _connection))
        {
            return;
        }

        if (_last is null)
        {
            _listener.OnUnreachable(Server, error, reason);
        }

        Log.Debug("volfile", "connection to the volume file server lost", ("server", Server), ("reason", reason));
        _server++;
        _seams.Scheduler.Schedule(_retryMs, Connect);
        _retryMs = Math.Min(_retryMs * 2, RetryMsMax);
    }

    private void Connect()
    {
        if (!_stopped)
        {
            var connection = new RpcConnection(_seams, this) { FrameTimeoutMs = 30_000 };
            _connection = connection;
            connection.Connect(Server, RpcConnection.LinkOptions());
        }
    }

    /// <summary>One fetch at a time: of two, the older answer could come last.</summary>
    private void Fetch(RpcConnection connection)
    {
        if (_isFetching)
        {
            _fetchAgain = true;
            return;
        }

        _isFetching = true;
        _ = FetchGuardedAsync(connection);
    }

    private async Task FetchGuardedAsync(RpcConnection connection)
    {
        try
        {
            await FetchAsync(connection);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("volfile", "the listener of a volume file failed", ("server", Server), ("exception", e));
        }
    }

    private async Task FetchAsync(RpcConnection connection)
    {
        var answer = await AwaitableCall.Send(
            connection,
            new RpcCall(0, Programs.Handshake, Programs.HandshakeVersion, Programs.GetSpec),
            new RawBody(HandshakeCodec.GetSpecRequest(_key, _requestValues)));
        if (!connection.IsOpen || _stopped)
        {
            return;
        }

        _isFetching = false;

        var reply = answer.Error == Errno.Ok ? HandshakeCodec.ReadGetSpecReply(answer.Body) : null;
        if (reply is null)
        {
            connection.Close(Errno.EPROTO, "the server did not answer GETSPEC");
            return;
        }

        _retryMs = RetryMsMin;
        if (reply.OpRet < 0)
        {
            _listener.OnRefused(Server, reply.Error);
        }
        else if (reply.Text != _last)
        {
            _last = reply.Text;
            _listener.OnVolfile(reply.Text);
        }

        if (_fetchAgain)
        {
            _fetchAgain = false;
            Fetch(connection);
        }
    }
}

/// <summary>Hears what <see cref="VolfileClient"/> finds.</summary>
public interface IVolfileListener
{
    /// <summary>A volume file, the first or a changed one.</summary>
    void OnVolfile(string text);

    /// <summary>The server does not have it (ENOENT) or refuses it.</summary>
    void OnRefused(LinkAddress server, Errno error);

    /// <summary>A server could not be reached before anything was fetched; the next one is tried.</summary>
    void OnUnreachable(LinkAddress server, Errno error, string reason);

    /// <summary>An administrator wants a state dump of this process. Must not wait: it is called on the loop.</summary>
    void OnStateDump()
    {
    }
}
