using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// One client at the door: lists programs, attaches it to an export by SETVOLUME, then turns each call into a fop. When the
/// connection ends its fds are released and its locks dropped, after the fops that are still under way.
/// </summary>
public sealed class ServerConnection : IRpcHandler
{
    private static readonly byte[] Programs4 = HandshakeCodec.DumpReply(
    [
        new ProgramEntry("GF-DUMP", Programs.Dump, Programs.DumpVersion),
        new ProgramEntry("GlusterFS Handshake", Programs.Handshake, Programs.HandshakeVersion),
        new ProgramEntry("GlusterFS 4.x v1", Programs.Fop, Programs.FopVersion),
    ]);

    private readonly ExportTable _exports;
    private readonly RpcConnection _connection;
    private readonly object _pauseLock = new(); // Guards pausing and resuming; held around those two calls only.
    private int _underWay;
    private bool _paused;
    private bool _closed;
    private int _endStarted;

    public ServerConnection(RpcConnection connection, ExportTable exports)
    {
        _connection = connection;
        _exports = exports;
    }

    internal Export? Export { get; private set; }

    internal ClientIdentity? Identity { get; private set; }

    internal FdTable Fds { get; } = new();

    internal RpcConnection Rpc => _connection;

    /// <summary>The directory that is the root for this client; null for the volume's own.</summary>
    internal Gfid RootAlias { get; private set; }

    internal bool IsTrusted { get; private set; }

    void IRpcHandler.OnOpen(RpcConnection connection) => Log.Debug("server", "client connected", ("peer", connection.Link.Peer));

    void IRpcHandler.OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
    {
        switch (head.Program)
        {
            case Programs.Fop when head.Version == Programs.FopVersion:
                OnFop(head, call, record, position);
                return;
            case Programs.Fop:
                connection.Refuse(head.Xid, AcceptStatus.ProgramMismatch);
                break;
            case Programs.Dump:
                OnDump(head);
                break;
            case Programs.Handshake:
                OnHandshake(head, record, position);
                break;
            default:
                connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
                break;
        }

        call.Release();
    }

    void IRpcHandler.OnClosed(RpcConnection connection, Errno error, string reason)
    {
        if (Identity is not null)
        {
            Log.Information("server", "client left", ("client", Identity), ("reason", reason));
        }
        else if (error == Errno.EBADMSG)
        {
            Log.Warning("server", "connection closed", ("peer", connection.Link.Peer), ("reason", reason));
        }

        _exports.Detached(this);
        Volatile.Write(ref _closed, true);
        EndIfIdle();
    }

    internal void Close(string reason) => _connection.Close(Errno.ECANCELED, reason);

    internal void SendCallback(uint procedure, ReadOnlyMemory<byte> body) =>
        _connection.SendOneWay(new RpcCall(1, Programs.Callback, Programs.CallbackVersion, procedure), new RawBody(body));

    /// <summary>CACHE_INVALIDATION with empty attributes: the client drops what it has cached.</summary>
    internal void SendInvalidation(Gfid gfid, uint flags)
    {
        var body = new byte[512];
        var writer = new XdrWriter(body);
        writer.WriteOpaque(Encoding.ASCII.GetBytes(gfid.ToString()));
        writer.WriteUInt(1);
        writer.WriteUInt(flags);
        writer.WriteUInt(60);
        writer.WriteRaw(new byte[300]);
        writer.WriteOpaque([]);
        SendCallback(Programs.CacheInvalidation, body.AsMemory(0, writer.Position));
    }

    /// <summary>A fop has been answered.</summary>
    internal void OnAnswered()
    {
        var now = Interlocked.Decrement(ref _underWay);
        if (_paused && now <= Export!.Server.Settings.OutstandingLimit / 2)
        {
            SetPaused(pause: false);
        }

        if (now == 0 && Volatile.Read(ref _closed))
        {
            EndIfIdle();
        }
    }

    /// <summary>Closes an fd on behalf of the client.</summary>
    internal async Task ReleaseAsync(Fd fd)
    {
        var call = Call.Internal();
        call.Client = Identity;
        if (fd.IsDirectory)
        {
            (await Export!.Top.Releasedir(new ReleasedirFop { Gfid = fd.Gfid, Fd = fd }, call)).Release();
        }
        else
        {
            (await Export!.Top.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call)).Release();
        }

        call.Release();
    }

    private void OnFop(RpcCall head, Call call, Payload record, int position)
    {
        if (Export is null)
        {
            call.Release();
            _connection.Close(Errno.EPROTO, "fop before SETVOLUME");
            return;
        }

        call.Client = Identity;
        Export.Server.Settings.Squash(call, IsTrusted);
        var limit = Export.Server.Settings.OutstandingLimit;
        if (Interlocked.Increment(ref _underWay) > limit && limit > 0)
        {
            SetPaused(pause: true);
        }

        var request = ServerRequest.Rent(this, head, call, record, position);
        var traits = FopTable.TraitsOf((FopCode)head.Procedure);
        if ((traits & FopTraits.Blocks) != 0)
        {
            Export.Seams.Workers.Submit(request);
        }
        else if ((traits & FopTraits.Brief) != 0)
        {
            Export.Gate.Run(request);
        }
        else
        {
            request.Run();
        }
    }

    private void SetPaused(bool pause)
    {
        lock (_pauseLock)
        {
            // Looked at again under the lock: an answer may have overtaken the pause.
            var limit = Export!.Server.Settings.OutstandingLimit;
            pause = pause && Volatile.Read(ref _underWay) > limit;
            if (pause == _paused)
            {
                return;
            }

            _paused = pause;
            if (pause)
            {
                _connection.Link.PauseReading();
            }
            else
            {
                _connection.Link.ResumeReading();
            }
        }
    }

    private void OnDump(RpcCall head)
    {
        switch (head.Procedure)
        {
            case Programs.DumpList:
                _connection.Reply(head.Xid, new RawBody(Programs4));
                break;
            case Programs.DumpPing:
                _connection.Reply(head.Xid, new RawBody(HandshakeCodec.PingReply()));
                break;
            case 0:
                _connection.Reply(head.Xid, default(EmptyBody));
                break;
            default:
                _connection.Refuse(head.Xid, AcceptStatus.ProcedureUnavailable);
                break;
        }
    }

    private void OnHandshake(RpcCall head, Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        switch (head.Procedure)
        {
            case Programs.SetVolume when HandshakeCodec.TryReadSetVolumeRequest(ref reader, out var values):
                _ = SetVolumeAsync(head.Xid, values);
                break;
            case Programs.SetVolume:
                _connection.Close(Errno.EBADMSG, "malformed SETVOLUME");
                break;
            case Programs.HandshakePing:
            case Programs.SetLockVersion:
                _connection.Reply(head.Xid, new RawBody(HandshakeCodec.PingReply()));
                break;
            default:
                _connection.Refuse(head.Xid, AcceptStatus.ProcedureUnavailable);
                break;
        }
    }

    private async Task SetVolumeAsync(uint xid, Dictionary<string, string> values)
    {
        var name = values.GetValueOrDefault("remote-subvolume", string.Empty);
        var export = _exports.Find(name);
        var peer = _connection.Link.Peer.ToString();
        if (export is null || !export.Server.IsUp)
        {
            RefuseAttachment(xid, Errno.EAGAIN, $"brick {name} is not running here");
            return;
        }

        if (!ServerAuthentication.Allows(
            export.Server.Settings.Options, name, peer, _connection.Link.PeerName, values, out var trusted))
        {
            Log.Warning("server", "attachment refused", ("peer", peer), ("export", name));
            RefuseAttachment(xid, Errno.EACCES, "Authentication failed");
            return;
        }

        var directory = values.GetValueOrDefault("subdir-mount", string.Empty);
        if (directory.Trim('/').Length > 0)
        {
            var gfid = await FindDirectoryAsync(export.Top, directory);
            if (gfid.IsNull)
            {
                RefuseAttachment(xid, Errno.ENOENT, $"directory {directory} does not exist in the volume");
                return;
            }

            RootAlias = gfid;
        }

        IsTrusted = trusted;
        Identity = new ClientIdentity(values.GetValueOrDefault("process-uuid", peer), peer)
        {
            User = values.GetValueOrDefault("username", _connection.Link.PeerName),
        };
        Export = export;
        _exports.Attached(this);
        Log.Information("server", "client attached", ("client", Identity), ("export", name));
        _connection.Reply(xid, new RawBody(HandshakeCodec.SetVolumeReply(Errno.Ok, AcceptedValues(export))));
    }

    private static Dictionary<string, string> AcceptedValues(Export export)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ERROR"] = "Success",
            ["child_up"] = "1",
            ["clnt-lk-version"] = "1",
        };
        var volumeId = export.Server.Options.Text(ServerOptions.VolumeId);
        if (volumeId.Length > 0)
        {
            values["volume-id"] = volumeId;
        }

        return values;
    }

    private void RefuseAttachment(uint xid, Errno error, string text) =>
        _connection.Reply(xid, new RawBody(HandshakeCodec.SetVolumeReply(
            error, new Dictionary<string, string>(StringComparer.Ordinal) { ["ERROR"] = text })));

    /// <summary>Walks a path from the root; null when a part of it is missing or no directory.</summary>
    private static async Task<Gfid> FindDirectoryAsync(Translator top, string path)
    {
        var at = Gfid.Root;
        var call = Call.Internal();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var fop = new LookupFop { Parent = at, Name = part };
            var reply = await top.Lookup(in fop, call);
            at = reply.IsOk && reply.Iatt.IsDirectory ? reply.Iatt.Gfid : Gfid.Null;
            reply.Release();
            if (at.IsNull)
            {
                break;
            }
        }

        call.Release();
        return at;
    }

    private void EndIfIdle()
    {
        if (Volatile.Read(ref _underWay) == 0 && Export is not null && Interlocked.Exchange(ref _endStarted, 1) == 0)
        {
            _ = ReleaseEverythingAsync(Export);
        }
        else if (Export is not null && Volatile.Read(ref _endStarted) == 0)
        {
            // Waiting lock requests would keep the client's locks for ever: they are told first, and answer.
            Export.Top.ClientGone(Identity!);
        }
    }

    private async Task ReleaseEverythingAsync(Export export)
    {
        foreach (var fd in Fds.TakeAll())
        {
            await ReleaseAsync(fd);
        }

        export.Top.ClientGone(Identity!);
    }
}
