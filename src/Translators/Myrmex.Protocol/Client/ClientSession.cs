using System;
using System.Buffers.Binary;
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

    /// <summary>
    /// Port of the management, which is asked for the brick's port without TLS whatever the brick speaks, as GlusterFS
    /// clients do.
    /// </summary>
    private const int ManagementPort = 24007;

    /// <summary>Time from the connection to SETVOLUME's answer; a server that takes longer is left.</summary>
    private const long AttachMsMax = 60_000;

    /// <summary>
    /// When a connection was silent for the ping timeout, and the one after it too, the next is given twice the time,
    /// and so on up to so many times it and <see cref="PatientMsMax"/>, until one has answered quickly at <see
    /// cref="SteadyLooks"/> looks in a row. A server that is slow because thousands come to it at once would else do
    /// all their work for nothing, again and again; one that was stopped and is well again is missed as early as ever.
    /// Tries to attach have a patience of their own, which ends when it lets us.
    /// </summary>
    private const int PatienceMax = 16;

    /// <summary>Who waits as long as this anyway, as for a brick, does not wait longer.</summary>
    private const long PatientMsMax = 32_000;

    private const long SteadyMs = 250; // Between two looks.
    private const long QuickMs = 500; // Silent for no longer, where it owes something.
    private const int SteadyLooks = 4;

    private readonly TranslatorPlace _place;
    private readonly string _name; // Tells the sessions of one process apart, here and at the server.
    private readonly Reopening _reopening;
    private readonly Action<GraphEvent> _notify;
    private readonly ClientIdentity _self;
    private volatile OptionValues _options;
    private volatile bool _stopped;
    private RpcConnection? _connection;
    private ClientAttachment? _up;
    private IDisposable? _retry;
    private IDisposable? _attachTimer;
    private long _retryMs = RetryMsMin;
    private bool _wasOpen; // The connection that there is, or was, has been made.
    private volatile int _patience = 1; // Times the ping timeout.
    private bool _isDoubtful; // The last connection was silent, and this one has not answered quickly for a while yet.
    private int _attachPatience = 1; // The same, until it has let us attach.
    private IDisposable? _steadyTimer;
    private int _steadyLooks; // Good ones in a row.
    private int _attachments;
    private int _brickPort;
    private bool _isGoingToBrick; // The connection to the portmap is being closed because it has answered.
    private bool _childIsUp; // What the server says of what is behind it.
    private bool _reportedDown;
    private string _refusal = string.Empty;

    /// <param name="purpose">Follows the name of the volume where it has a second session.</param>
    public ClientSession(TranslatorPlace place, Reopening reopening, Action<GraphEvent> notify, string purpose = "")
    {
        _place = place;
        _name = place.Name + purpose;
        _reopening = reopening;
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

        _self = new ClientIdentity(place.Name, string.Empty);
    }

    /// <summary>Asks for promises to tell of changes; null where nobody wants them.</summary>
    public CacheLeaseKeeper? Lease { get; init; }

    /// <summary>The connection in whatever state, or null.</summary>
    public RpcConnection? Connection => Volatile.Read(ref _connection);

    /// <summary>The attachment, once its fds are reopened; null while there is none.</summary>
    public ClientAttachment? Up => Volatile.Read(ref _up);

    /// <summary>Counts successful attachments.</summary>
    public int AttachmentsMade => Volatile.Read(ref _attachments);

    public string StateText { get; private set; } = "not started";

    public string Remote => $"{Address()}:{RemoteSubvolume}";

    private string RemoteSubvolume => _options.Text(ClientOptions.RemoteSubvolume);

    private string Host =>
        _options.Has(ClientOptions.RemoteHost) ? _options.Text(ClientOptions.RemoteHost) : _place.Origin.VolfileServer;

    private string UnixPath => _options.Text(ClientOptions.ConnectPath);

    public void Start() => Connect();

    /// <summary>Any thread. Fops under way end with ENOTCONN; nothing is reported any more.</summary>
    public void Stop()
    {
        _stopped = true;
        Volatile.Write(ref _up, null);
        Volatile.Read(ref _retry)?.Dispose();
        Connection?.Close(Errno.ECANCELED, "graph stops");
    }

    public bool TryReconfigure(OptionValues options)
    {
        string[] fixedKeys =
        [
            ClientOptions.RemoteHost, ClientOptions.RemotePort, ClientOptions.RemoteSubvolume, ClientOptions.TransportType,
            ClientOptions.ConnectPath, ClientOptions.SslEnabled, ClientOptions.SslOwnCert, ClientOptions.SslPrivateKey,
            ClientOptions.SslCaList,
        ];
        if (fixedKeys.Any(key => options.Text(key) != _options.Text(key)))
        {
            return false;
        }

        _options = options;
        if (Connection is { } connection)
        {
            Tune(connection);
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

        _wasOpen = true;
        _attachTimer = connection.Link.Scheduler.Schedule(AttachMsMax, () => GiveUpAttaching(connection));
        _ = AttachAsync(connection);
    }

    void IRpcHandler.OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
    {
        call.Release();
        if (head.Program == Programs.Callback)
        {
            OnCallback(head.Procedure, record, position);
        }
        else if (head is { Program: Programs.Extension, Procedure: Programs.CacheChange } && Lease is { } lease)
        {
            lease.Changed(connection, record, position);
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

        var wasUp = Up is not null;
        Volatile.Write(ref _up, null);
        Lease?.Closed(connection);
        Volatile.Write(ref _connection, null);
        _attachTimer?.Dispose();
        _steadyTimer?.Dispose();
        if (error == Errno.ETIMEDOUT && _wasOpen)
        {
            _attachPatience = Math.Min(_attachPatience * 2, PatienceMax);
            _patience = wasUp && _isDoubtful ? Math.Min(_patience * 2, PatienceMax) : _patience;
            _isDoubtful |= wasUp;
        }

        _wasOpen = false;
        StateText = $"not connected: {reason}";
        if (_stopped)
        {
            return;
        }

        if (_isGoingToBrick)
        {
            _isGoingToBrick = false;
            ScheduleRetry(0);
            return;
        }

        // A brick that has moved is found through the portmap again.
        _brickPort = 0;
        _retryMs = wasUp ? RetryMsMin : _retryMs;
        if (wasUp || !_reportedDown)
        {
            _reportedDown = true;
            Log.Warning(
                "client", wasUp ? "connection lost" : "cannot connect", ("volume", _name), ("remote", Remote), ("reason", reason));
            _notify(new GraphEvent(GraphEventKind.ChildDown, Error: error, Text: reason));
        }

        if (wasUp)
        {
            _notify(new GraphEvent(GraphEventKind.LeasesUnsure));
        }

        ScheduleRetry(Spread(_retryMs));
        _retryMs = Math.Min(_retryMs * 2, RetryMsMax);
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
        Volatile.Write(ref _retry, null);
        if (_stopped)
        {
            return;
        }

        StateText = "connecting";
        var address = Address();
        var tls = _options.Boolean(ClientOptions.SslEnabled) && address.Port != ManagementPort
            ? new TlsOptions(
                _options.Text(ClientOptions.SslOwnCert), _options.Text(ClientOptions.SslPrivateKey), _options.Text(ClientOptions.SslCaList))
            : null;
        var connection = new RpcConnection(_place.Seams, this);
        Tune(connection);
        Volatile.Write(ref _connection, connection);
        connection.Connect(address, RpcConnection.LinkOptions(tls));
    }

    private void Tune(RpcConnection connection)
    {
        var pingMs = _options.Time(ClientOptions.PingTimeout) * 1000;
        var times = Up is null ? Math.Max(_patience, _attachPatience) : _patience;
        var patientMs = Math.Min(pingMs * times, PatientMsMax);
        connection.PingTimeoutMs = Math.Max(pingMs, times > 1 ? Spread(patientMs, parts: 8) : patientMs);
        connection.FrameTimeoutMs = _options.Time(ClientOptions.FrameTimeout) * 1000;
        connection.SendGroups = _options.Boolean(ClientOptions.SendGids);
    }

    /// <summary>
    /// And up to a half more, or another part: clients that have lost one server do not come back, or leave it again,
    /// at one moment.
    /// </summary>
    private long Spread(long delayMs, long parts = 2)
    {
        Span<byte> bytes = stackalloc byte[4];
        _place.Seams.Random.Fill(bytes);
        return delayMs + (BinaryPrimitives.ReadUInt32LittleEndian(bytes) % Math.Max(1, delayMs / parts));
    }

    /// <summary>It answers, or owes nothing: soon it is missed as early as any other server.</summary>
    private void Calm(RpcConnection connection)
    {
        var silentMs = (connection.Clock.MonotonicNs - connection.LastHeardNs) / 1_000_000;
        _steadyLooks = connection.Outstanding == 0 || silentMs <= QuickMs ? _steadyLooks + 1 : 0;
        if (_steadyLooks < SteadyLooks)
        {
            _steadyTimer = connection.Link.Scheduler.Schedule(SteadyMs, () => Calm(connection));
            return;
        }

        _isDoubtful = false;
        _patience = 1;
        Tune(connection);
    }

    private void ScheduleRetry(long delayMs) =>
        Volatile.Write(ref _retry, _place.Seams.Scheduler.Schedule(delayMs, Connect));

    private void GiveUpAttaching(RpcConnection connection)
    {
        if (ReferenceEquals(connection, _connection) && Up is null)
        {
            connection.Close(Errno.ETIMEDOUT, "the server has not let us attach in time");
        }
    }

    private async Task AttachAsync(RpcConnection connection)
    {
        try
        {
            StateText = "attaching";
            var dump = await AwaitableCall.Send(
                connection, new RpcCall(0, Programs.Dump, Programs.DumpVersion, Programs.DumpList), new RawBody(HandshakeCodec.DumpRequest()));
            if (dump.Error != Errno.Ok || !HandshakeCodec.TryReadDumpReply(dump.Body, out var programs))
            {
                connection.Close(Errno.EPROTO, "the server did not list its programs");
            }
            else if (_brickPort == 0 && programs.Exists(p => p.Program == Programs.Portmap))
            {
                await AskPortmapAsync(connection);
            }
            else if (programs.Exists(p => p.Program == Programs.Fop && p.Version == Programs.FopVersion))
            {
                var isExtended = programs.Exists(
                    p => p.Program == Programs.Extension && p.Version == Programs.ExtensionVersion);
                await SetVolumeAsync(connection, isExtended);
            }
            else
            {
                connection.Close(Errno.EPROTO, "the server does not speak GlusterFS 4.x v1");
            }
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("client", "attaching failed unexpectedly", ("volume", _name), ("exception", e));
            connection.Close(Errno.EIO, "attaching failed");
        }
    }

    private async Task AskPortmapAsync(RpcConnection connection)
    {
        var answer = await AwaitableCall.Send(
            connection,
            new RpcCall(0, Programs.Portmap, Programs.PortmapVersion, Programs.PortByBrick),
            new RawBody(HandshakeCodec.PortByBrickRequest(RemoteSubvolume)));
        if (!connection.IsOpen || !ReferenceEquals(connection, _connection))
        {
            return;
        }

        var port = answer.Error == Errno.Ok ? HandshakeCodec.ReadPortByBrickReply(answer.Body) : 0;
        if (port is > 0 and <= ushort.MaxValue)
        {
            _brickPort = port;
            _isGoingToBrick = true;
            connection.Close(Errno.ECANCELED, "going to the brick's port");
            return;
        }

        connection.Close(Errno.ENOTCONN, $"brick {RemoteSubvolume} is not running");
    }

    private async Task SetVolumeAsync(RpcConnection connection, bool isExtended)
    {
        var answer = await AwaitableCall.Send(
            connection,
            new RpcCall(0, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume),
            new RawBody(HandshakeCodec.SetVolumeRequest(SetVolumeValues())),
            version3: true);
        var reply = answer.Error == Errno.Ok ? HandshakeCodec.ReadSetVolumeReply(answer.Body) : null;
        if (reply is null || reply.OpRet < 0)
        {
            OnRefused(connection, answer.Error, reply);
            return;
        }

        Interlocked.Increment(ref _attachments);
        _attachTimer?.Dispose();
        _childIsUp = reply.Values.GetValueOrDefault("child_up", "1") != "0";
        var attachment = new ClientAttachment(connection)
        {
            KeepsOutcomes = reply.Values.ContainsKey(ChangeRecord.HandshakeKey),
            IsExtended = isExtended,
        };
        await _reopening.RunAsync(attachment, _options.Boolean(ClientOptions.StrictLocks));
        if (connection.IsOpen && ReferenceEquals(connection, _connection))
        {
            OnAttached(attachment);
        }
    }

    private void OnAttached(ClientAttachment attachment)
    {
        StateText = "attached";
        _retryMs = RetryMsMin;
        _refusal = string.Empty;
        _reportedDown = false;
        if (_isDoubtful)
        {
            var connection = attachment.Connection;
            _steadyLooks = 0;
            _steadyTimer = connection.Link.Scheduler.Schedule(SteadyMs, () => Calm(connection));
        }

        Volatile.Write(ref _up, attachment);
        _attachPatience = 1;
        Tune(attachment.Connection);
        if (_stopped)
        {
            Volatile.Write(ref _up, null); // Stop came first and has closed the connection.
            return;
        }

        Lease?.Attached(attachment);
        Log.Information("client", "attached", ("volume", _name), ("remote", Remote));
        if (_childIsUp || _options.Boolean(ClientOptions.FollowsDrain))
        {
            if (!_childIsUp)
            {
                Log.Warning(
                    "client", "attached, but the server takes nobody now: it drains, or its volume is away",
                    ("volume", _name), ("remote", Remote));
            }

            OnChild(_childIsUp); // One that would be asked to go elsewhere at once has to know that.
        }
    }

    private void OnRefused(RpcConnection connection, Errno callError, HandshakeAnswer? reply)
    {
        var text = reply is null ? "the server did not answer SETVOLUME"
            : reply.Values.GetValueOrDefault("ERROR", "the server refused the attachment");
        var error = reply?.Error ?? (callError == Errno.Ok ? Errno.EPROTO : callError);
        if (reply is not null && (error == Errno.EACCES || (error == Errno.ENOENT && _place.Origin.SubDirectory.Length > 0)))
        {
            if (_refusal != text)
            {
                _refusal = text;
                Log.Error("client", "attachment refused", ("volume", _name), ("remote", Remote), ("reason", text));
            }

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
                + $"-PC_NAME:{_name}-RECON_NO:-{_attachments}"),
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

    private void OnCallback(uint procedure, Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        switch (procedure)
        {
            case Programs.CacheInvalidation:
                OnCacheInvalidation(reader);
                break;
            case Programs.ChildDown:
                OnChild(isUp: false);
                break;
            case Programs.ChildUp:
                OnChild(isUp: true);
                break;
            case Programs.FetchSpec:
                _notify(new GraphEvent(GraphEventKind.VolfileChanged));
                break;
            case Programs.RecallLease:
                OnRecallLease(reader);
                break;
            case Programs.InodelkContention:
            case Programs.EntrylkContention:
                OnContention(procedure, reader);
                break;
            default:
                Log.Debug("client", "callback ignored", ("volume", _name), ("procedure", procedure));
                break;
        }
    }

    /// <summary>Callbacks may come before SETVOLUME's answer: they are then only remembered.</summary>
    private void OnChild(bool isUp)
    {
        _childIsUp = isUp;
        if (Up is null)
        {
            return;
        }

        _notify(isUp
            ? new GraphEvent(GraphEventKind.ChildUp)
            : new GraphEvent(GraphEventKind.ChildDown, Error: Errno.ENOTCONN, Text: "the server's child is down"));
    }

    private void OnContention(uint procedure, XdrReader reader)
    {
        var gfid = reader.ReadGfid();
        var contention = ContentionCodec.Read(ref reader, procedure, _self);
        if (contention is not null)
        {
            _notify(new GraphEvent(GraphEventKind.LockContention, gfid) { Contention = contention });
        }
    }

    private void OnRecallLease(XdrReader reader)
    {
        var gfid = reader.ReadGfid();
        var type = reader.ReadUInt();
        var id = reader.ReadGfid();
        if (!reader.Failed)
        {
            // Between ours it says whose the lease is; a dictionary of GlusterFS is none of that size.
            var said = reader.ReadOpaque();
            var holder = !reader.Failed && said.Length == Gfid.Size
                ? BinaryPrimitives.ReadUInt128BigEndian(said) : UInt128.Zero;
            _notify(new GraphEvent(GraphEventKind.RecallLease, gfid, type) { LeaseId = id, Holder = holder });
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
}
