using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// Keeps one protocol/client attached: connect, list programs, ask the portmap if there is one, SETVOLUME, reopen fds, up; and again
/// after every loss, for ever, with pauses of 0.1 to 3 seconds. Everything here runs on the loop of the link or of the seams.
/// </summary>
internal sealed class ClientSession : IRpcHandler
{
    private const long RetryMsMin = 100;
    private const long RetryMsMax = 3000;

    private readonly TranslatorPlace _place;
    private readonly OpenFdList _fds;
    private readonly Action<GraphEvent> _notify;
    private OptionValues _options;
    private RpcConnection? _connection;
    private RpcConnection? _upConnection;
    private IDisposable? _retry;
    private long _retryMs = RetryMsMin;
    private int _epoch;
    private int _brickPort;
    private bool _stopped;
    private bool _reportedDown;

    public ClientSession(TranslatorPlace place, OpenFdList fds, Action<GraphEvent> notify)
    {
        _place = place;
        _fds = fds;
        _notify = notify;
        _options = place.Options;
        if (RemoteSubvolume.Length == 0)
        {
            throw new GraphException($"volume {place.Name}: option {ClientOptions.RemoteSubvolume} is missing");
        }

        if (UnixPath.Length == 0 && Host.Length == 0)
        {
            throw new GraphException($"volume {place.Name}: option {ClientOptions.RemoteHost} is missing");
        }
    }

    /// <summary>The connection in whatever state, or null.</summary>
    public RpcConnection? Connection => Volatile.Read(ref _connection);

    /// <summary>The connection when it is attached and the fds are reopened, else null.</summary>
    public RpcConnection? UpConnection => Volatile.Read(ref _upConnection);

    public bool IsUp => UpConnection is not null;

    /// <summary>Counts successful attachments.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

    public string StateText { get; private set; } = "not started";

    public string Remote => $"{Address()}:{RemoteSubvolume}";

    private string RemoteSubvolume => _options.Text(ClientOptions.RemoteSubvolume);

    private string Host =>
        _options.Has(ClientOptions.RemoteHost) ? _options.Text(ClientOptions.RemoteHost) : _place.Origin.VolfileServer;

    private string UnixPath => _options.Text(ClientOptions.ConnectPath);

    public void Start() => Connect();

    public void Stop()
    {
        _stopped = true;
        _retry?.Dispose();
        Volatile.Write(ref _upConnection, null);
        _connection?.Close(Errno.ECANCELED, "graph stops");
    }

    public bool TryReconfigure(OptionValues options)
    {
        string[] fixedKeys =
        [
            ClientOptions.RemoteHost, ClientOptions.RemotePort, ClientOptions.RemoteSubvolume, ClientOptions.TransportType,
            ClientOptions.ConnectPath, ClientOptions.SslEnabled,
        ];
        if (fixedKeys.Any(key => options.Text(key) != _options.Text(key)))
        {
            return false;
        }

        _options = options;
        if (Connection is { } connection)
        {
            connection.PingTimeoutMs = options.Time(ClientOptions.PingTimeout) * 1000;
        }

        return true;
    }

    void IRpcHandler.OnOpen(RpcConnection connection)
    {
        if (_stopped)
        {
            connection.Close(Errno.ECANCELED, "graph stops");
            return;
        }

        _ = AttachAsync(connection);
    }

    void IRpcHandler.OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
    {
        call.Release();
        if (head.Program == Programs.Callback)
        {
            OnCallback(head.Procedure, record, position);
        }
        else
        {
            connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
        }
    }

    void IRpcHandler.OnClosed(RpcConnection connection, Errno error, string reason)
    {
        if (!ReferenceEquals(connection, _connection))
        {
            return;
        }

        var wasUp = UpConnection is not null;
        Volatile.Write(ref _upConnection, null);
        Volatile.Write(ref _connection, null);
        StateText = $"not connected: {reason}";
        if (_stopped)
        {
            return;
        }

        if (wasUp)
        {
            Log.Warning("client", "connection lost", ("volume", _place.Name), ("remote", Remote), ("reason", reason));
            _brickPort = 0;
            _retryMs = RetryMsMin;
        }

        if (wasUp || !_reportedDown)
        {
            _reportedDown = true;
            if (!wasUp)
            {
                Log.Warning("client", "cannot connect", ("volume", _place.Name), ("remote", Remote), ("reason", reason));
            }

            _notify(new GraphEvent(GraphEventKind.ChildDown, Error: error, Text: reason));
        }

        ScheduleRetry();
    }

    private LinkAddress Address()
    {
        if (UnixPath.Length > 0)
        {
            return LinkAddress.Unix(UnixPath);
        }

        return new LinkAddress(Host, _brickPort > 0 ? _brickPort : (int)_options.Integer(ClientOptions.RemotePort));
    }

    private void Connect()
    {
        _retry = null;
        if (_stopped)
        {
            return;
        }

        StateText = "connecting";
        var tls = _options.Boolean(ClientOptions.SslEnabled)
            ? new TlsOptions(
                _options.Text(ClientOptions.SslOwnCert), _options.Text(ClientOptions.SslPrivateKey), _options.Text(ClientOptions.SslCaList))
            : null;
        var connection = new RpcConnection(_place.Seams, this)
        {
            PingTimeoutMs = _options.Time(ClientOptions.PingTimeout) * 1000,
            FrameTimeoutMs = _options.Time(ClientOptions.FrameTimeout) * 1000,
        };
        Volatile.Write(ref _connection, connection);
        _place.Seams.Network.Connect(Address(), RpcConnection.LinkOptions(tls), connection);
    }

    private void ScheduleRetry()
    {
        _retry = _place.Seams.Scheduler.Schedule(_retryMs, Connect);
        _retryMs = Math.Min(_retryMs * 2, RetryMsMax);
    }

    private async Task AttachAsync(RpcConnection connection)
    {
        StateText = "attaching";
        var dump = await AwaitableCall.Send(
            connection, new RpcCall(0, Programs.Dump, Programs.DumpVersion, Programs.DumpList), new RawBody(HandshakeCodec.DumpRequest()));
        if (dump.Error != Errno.Ok || !HandshakeCodec.TryReadDumpReply(dump.Body, out var programs))
        {
            connection.Close(Errno.EPROTO, "the server did not list its programs");
            return;
        }

        if (_brickPort == 0 && programs.Exists(p => p.Program == Programs.Portmap))
        {
            await AskPortmapAsync(connection);
            return;
        }

        if (!programs.Exists(p => p.Program == Programs.Fop && p.Version == Programs.FopVersion))
        {
            connection.Close(Errno.EPROTO, "the server does not speak GlusterFS 4.x v1");
            return;
        }

        await SetVolumeAsync(connection);
    }

    private async Task AskPortmapAsync(RpcConnection connection)
    {
        var answer = await AwaitableCall.Send(
            connection,
            new RpcCall(0, Programs.Portmap, Programs.PortmapVersion, Programs.PortByBrick),
            new RawBody(HandshakeCodec.PortByBrickRequest(RemoteSubvolume)));
        if (!connection.IsOpen)
        {
            return;
        }

        _brickPort = answer.Error == Errno.Ok ? HandshakeCodec.ReadPortByBrickReply(answer.Body) : 0;
        if (_brickPort > 0)
        {
            // The connection to the portmap has done its work; the retry goes to the brick's own port.
            _retryMs = 0;
            connection.Close(Errno.ECANCELED, "going to the brick's port");
            return;
        }

        connection.Close(Errno.ENOTCONN, $"brick {RemoteSubvolume} is not running");
    }

    private async Task SetVolumeAsync(RpcConnection connection)
    {
        var answer = await AwaitableCall.Send(
            connection,
            new RpcCall(0, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume),
            new RawBody(HandshakeCodec.SetVolumeRequest(SetVolumeValues())),
            version3: true);
        var reply = answer.Error == Errno.Ok ? HandshakeCodec.ReadSetVolumeReply(answer.Body) : null;
        if (reply is null || reply.OpRet < 0)
        {
            OnRefused(connection, reply);
            return;
        }

        Interlocked.Increment(ref _epoch);
        await ReopenAsync(connection);
        if (!connection.IsOpen || !ReferenceEquals(connection, _connection))
        {
            return;
        }

        StateText = "attached";
        _retryMs = RetryMsMin;
        _reportedDown = false;
        Volatile.Write(ref _upConnection, connection);
        Log.Information("client", "attached", ("volume", _place.Name), ("remote", Remote));
        _notify(new GraphEvent(GraphEventKind.ChildUp));
    }

    private void OnRefused(RpcConnection connection, HandshakeAnswer? reply)
    {
        var text = reply is null ? "the server did not answer SETVOLUME"
            : reply.Values.GetValueOrDefault("ERROR", "the server refused the attachment");
        var error = reply?.Error ?? Errno.EPROTO;
        if (error is Errno.EACCES || (error == Errno.ENOENT && _place.Origin.SubDirectory.Length > 0))
        {
            Log.Error("client", "attachment refused", ("volume", _place.Name), ("remote", Remote), ("reason", text));
            _notify(new GraphEvent(GraphEventKind.AuthenticationFailed, Error: error, Text: text));
        }
        else if (error == Errno.ESTALE)
        {
            _notify(new GraphEvent(GraphEventKind.VolfileChanged));
        }

        connection.Close(error, text);
    }

    private Dictionary<string, string> SetVolumeValues()
    {
        var origin = _place.Origin;
        var values = new Dictionary<string, string>(_options.Given, StringComparer.Ordinal)
        {
            ["remote-subvolume"] = RemoteSubvolume,
            ["process-uuid"] = string.Create(
                CultureInfo.InvariantCulture,
                $"CTX_ID:{origin.ProcessId}-GRAPH_ID:{origin.GraphId}-PID:{Environment.ProcessId}-HOST:{Environment.MachineName}"
                + $"-PC_NAME:{_place.Name}-RECON_NO:-{_epoch}"),
            ["process-name"] = origin.ProcessName,
            ["fops-version"] = "1298437",
            ["client-version"] = "10.3",
            ["opversion"] = "100000",
            ["clnt-lk-version"] = "1",
        };
        if (origin.VolfileKey.Length > 0)
        {
            values["volfile-key"] = origin.VolfileKey;
        }

        if (origin.SubDirectory.Length > 0)
        {
            values["subdir-mount"] = origin.SubDirectory;
        }

        return values;
    }

    /// <summary>Opens everything again that was open; what cannot be opened stays bad.</summary>
    private async Task ReopenAsync(RpcConnection connection)
    {
        foreach (var open in _fds.Snapshot())
        {
            var number = open.Fd.IsDirectory ? await ReopenDirectoryAsync(connection, open) : await ReopenFileAsync(connection, open);
            open.Number = number;
            open.Epoch = _epoch;
        }
    }

    private static async Task<long> ReopenFileAsync(RpcConnection connection, ClientFd open)
    {
        var flags = open.Fd.Flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate);
        var fop = new OpenFop { Gfid = open.Fd.Gfid, Flags = flags, Fd = open.Fd };
        var reply = await CallAsync<OpenFop, OpenReply, OpenCodec>(connection, fop);
        var number = reply.IsOk ? reply.FdNumber : -1;
        reply.Release();
        return number;
    }

    private static async Task<long> ReopenDirectoryAsync(RpcConnection connection, ClientFd open)
    {
        var fop = new OpendirFop { Gfid = open.Fd.Gfid, Fd = open.Fd };
        var reply = await CallAsync<OpendirFop, OpendirReply, OpendirCodec>(connection, fop);
        var number = reply.IsOk ? reply.FdNumber : -1;
        reply.Release();
        return number;
    }

    private static async Task<TReply> CallAsync<TFop, TReply, TCodec>(RpcConnection connection, TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var receiver = new HandshakeCall<TFop, TReply, TCodec>();
        var call = Call.Internal();
        var body = new FopRequestBody<TFop, TReply, TCodec>(fop, -1, -1);
        connection.Send(
            new RpcCall(0, Programs.Fop, Programs.FopVersion, (uint)TFop.Code), call, in body, receiver, version3: true);
        call.Release();
        return await receiver.Task;
    }

    private void OnCallback(uint procedure, Payload record, int position)
    {
        switch (procedure)
        {
            case Programs.CacheInvalidation:
                OnCacheInvalidation(new XdrReader(record, position));
                break;
            case Programs.ChildDown:
                _notify(new GraphEvent(GraphEventKind.ChildDown, Error: Errno.ENOTCONN, Text: "the server's child is down"));
                break;
            case Programs.ChildUp:
                _notify(new GraphEvent(GraphEventKind.ChildUp));
                break;
            case Programs.FetchSpec:
                _notify(new GraphEvent(GraphEventKind.VolfileChanged));
                break;
            default:
                Log.Debug("client", "callback ignored", ("volume", _place.Name), ("procedure", procedure));
                break;
        }
    }

    private void OnCacheInvalidation(XdrReader reader)
    {
        var text = reader.ReadName();
        reader.ReadUInt();
        var flags = reader.ReadUInt();
        if (!reader.Failed && Gfid.TryParse(text.Span, out var gfid))
        {
            _notify(new GraphEvent(GraphEventKind.Invalidate, gfid, flags));
        }
    }

    /// <summary>A fop sent before the translator is up.</summary>
    private sealed class HandshakeCall<TFop, TReply, TCodec> : IReplyReceiver
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        private readonly TaskCompletionSource<TReply> _source = new();

        public Task<TReply> Task => _source.Task;

        public void OnReply(Payload record, int position)
        {
            var reader = new XdrReader(record, position);
            var reply = TReply.Rent();
            _source.SetResult(TCodec.TryDecodeReply(ref reader, reply) ? reply : TReply.Fail(Errno.EBADMSG));
        }

        public void OnFailed(Errno error) => _source.SetResult(TReply.Fail(error));
    }
}
