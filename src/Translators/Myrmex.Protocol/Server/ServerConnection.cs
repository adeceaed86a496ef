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
public sealed partial class ServerConnection : IRpcHandler
{
    private static readonly byte[] Programs4 = HandshakeCodec.DumpReply(
    [
        new ProgramEntry("GF-DUMP", Programs.Dump, Programs.DumpVersion),
        new ProgramEntry("GlusterFS Handshake", Programs.Handshake, Programs.HandshakeVersion),
        new ProgramEntry("GlusterFS 4.x v1", Programs.Fop, Programs.FopVersion),
        new ProgramEntry("Myrmex", Programs.Extension, Programs.ExtensionVersion),
    ]);

    private readonly ExportTable _exports;
    private readonly RpcConnection _connection;
    private ServerAttachment? _attachment;
    private RequestGate? _gate; // There from the attachment on.
    private FopLine? _line; // Of an export that ends elsewhere, from the attachment on.
    private volatile bool _isAttaching;
    private int _underWay;
    private int _locksUnderWay;
    private long _lastFopNs;
    private bool _closed;
    private int _endStarted;

    public ServerConnection(RpcConnection connection, ExportTable exports)
    {
        _connection = connection;
        _connection.State = this;
        _exports = exports;
    }

    internal ServerAttachment? Attachment => Volatile.Read(ref _attachment);

    internal FdTable Fds { get; } = new();

    /// <summary>When the client was let in, nanoseconds since 1970.</summary>
    internal long AttachedWallNs { get; private set; }

    internal RpcConnection Rpc => _connection;

    /// <summary>The connection has ended.</summary>
    internal bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>It has fops that are not answered yet, or files open.</summary>
    internal bool IsBusy => Volatile.Read(ref _underWay) > 0 || Fds.Count > 0;

    /// <summary>
    /// It goes elsewhere when it is told that the child is down, and loses nothing by that: a client of several
    /// proxies.
    /// </summary>
    internal bool FollowsDrain => Attachment is { Request.Values: var values }
        && values.GetValueOrDefault(ClientOptions.FollowsDrain) is "on" or "true" or "yes" or "enable" or "1";

    /// <summary>It has files open or fops under way, or has sent a fop within the last seconds.</summary>
    internal bool IsInUse => IsBusy || (Volatile.Read(ref _lastFopNs) is > 0 and var lastNs
        && _connection.Clock.MonotonicNs - lastNs < ServerLimits.InUseMs * 1_000_000);

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
            case Programs.Extension:
                OnExtension(head, record, position);
                break;
            case Programs.Peer:
                OnPeer(head, record, position);
                break;
            default:
                connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
                break;
        }

        call.Release();
    }

    void IRpcHandler.OnClosed(RpcConnection connection, Errno error, string reason)
    {
        var attachment = Attachment;
        if (attachment is not null)
        {
            attachment.Identity.IsGone = true;
            Log.Information("server", "client left", ("client", attachment.Identity), ("reason", reason));
        }
        else if (error is Errno.EBADMSG or Errno.EPROTO)
        {
            Log.Warning("server", "connection closed", ("peer", connection.Link.Peer), ("reason", reason));
        }

        Volatile.Write(ref _closed, true);
        _exports.Detached(this);
        EndIfIdle();
    }

    internal void Close(string reason) => _connection.Close(Errno.ECANCELED, reason);

    internal void SendCallback(uint procedure, ReadOnlyMemory<byte> body) =>
        _connection.SendOneWay(new RpcCall(1, Programs.Callback, Programs.CallbackVersion, procedure), new RawBody(body));

    /// <summary>CACHE_INVALIDATION with empty attributes: the client drops what it has cached.</summary>
    /// <param name="seconds">How long the client is told after each look.</param>
    internal void SendInvalidation(Gfid gfid, uint flags, uint seconds)
    {
        if (Attachment is { } attachment && gfid == attachment.RootAlias)
        {
            gfid = Gfid.Root;
        }

        var body = new byte[512];
        var writer = new XdrWriter(body);
        writer.WriteOpaque(Encoding.ASCII.GetBytes(gfid.ToString()));
        writer.WriteUInt(1);
        writer.WriteUInt(flags);
        writer.WriteUInt(seconds);
        writer.WriteRaw(new byte[300]);
        writer.WriteOpaque([]);
        SendCallback(Programs.CacheInvalidation, body.AsMemory(0, writer.Position));
    }

    /// <summary>
    /// A lease of the client is wanted back; a proxy is told whose it is. Source: gfs3_recall_lease_req of GlusterFS.
    /// </summary>
    internal void SendRecall(in GraphEvent recall)
    {
        var holder = new Gfid((ulong)(recall.Holder >> 64), (ulong)recall.Holder);
        var body = new byte[64];
        var writer = new XdrWriter(body);
        writer.WriteGfid(recall.Gfid);
        writer.WriteUInt(recall.Flags);
        writer.WriteGfid(recall.LeaseId);
        writer.WriteOpaque(holder.IsNull ? [] : holder.ToArray());
        SendCallback(Programs.RecallLease, body.AsMemory(0, writer.Position));
    }

    internal void SendContention(Gfid gfid, LockContention contention)
    {
        var body = new byte[ContentionCodec.SizeMax(contention)];
        var writer = new XdrWriter(body);
        ContentionCodec.Write(ref writer, gfid == Attachment?.RootAlias ? Gfid.Root : gfid, contention);
        SendCallback(
            contention.EntryName is null ? Programs.InodelkContention : Programs.EntrylkContention, body.AsMemory(0, writer.Position));
    }

    /// <summary>A fop has been answered.</summary>
    internal void OnAnswered(bool isLock)
    {
        if (isLock)
        {
            Interlocked.Decrement(ref _locksUnderWay);
        }
        else
        {
            _gate!.Leave(Attachment!.Export.Server.Settings.OutstandingLimit); // Fops begin after the attachment.
        }

        if (Interlocked.Decrement(ref _underWay) == 0 && Volatile.Read(ref _closed))
        {
            EndIfIdle();
        }
    }

    /// <summary>Closes an fd on behalf of the client.</summary>
    internal async Task ReleaseAsync(ServerAttachment attachment, Fd fd)
    {
        var call = Call.Internal();
        call.Client = attachment.Identity;
        try
        {
            if (fd.IsDirectory)
            {
                (await attachment.Export.Top.Releasedir(new ReleasedirFop { Gfid = fd.Gfid, Fd = fd }, call)).Release();
            }
            else
            {
                (await attachment.Export.Top.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call)).Release();
            }
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("server", "a file cannot be released", ("gfid", fd.Gfid), ("exception", e));
        }

        call.Release();
    }

    private static bool IsLock(uint procedure) => (FopCode)procedure
        is FopCode.Lk or FopCode.Inodelk or FopCode.Finodelk or FopCode.Entrylk or FopCode.Fentrylk;

    private void OnFop(RpcCall head, Call call, Payload record, int position)
    {
        var attachment = Attachment;
        if (attachment is null)
        {
            call.Release();
            _connection.Close(Errno.EPROTO, "fop before SETVOLUME");
            return;
        }

        var settings = attachment.Export.Server.Settings;
        call.Client = attachment.Identity;
        var isLock = IsLock(head.Procedure);
        Interlocked.Increment(ref _underWay);
        Volatile.Write(ref _lastFopNs, _connection.LastHeardNs);
        var request = ServerRequest.Rent(this, attachment, head, call, record, position, isLock);
        if (!isLock)
        {
            _gate!.Enter(settings.OutstandingLimit); // Set with the attachment.
        }
        else if (Interlocked.Increment(ref _locksUnderWay) > ServerLimits.LocksUnderWayMax)
        {
            request.Refusal = Errno.ENOLCK;
        }

        var traits = FopTable.TraitsOf((FopCode)head.Procedure);
        if (!settings.TryIdentify(call, attachment.IsTrusted))
        {
            request.MustIdentify = true;
            attachment.Export.Seams.Workers.Submit(request);
        }
        else if (_line is { } line)
        {
            line.Add(request, _connection.LastHeardNs);
        }
        else if ((traits & FopTraits.Blocks) != 0)
        {
            attachment.Export.Seams.Workers.Submit(request);
        }
        else if ((traits & FopTraits.Brief) != 0)
        {
            attachment.Export.Gate.Run(request, attachment.Export.Seams.Workers);
        }
        else
        {
            request.Run();
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
            case Programs.SetVolume when _isAttaching || Attachment is not null:
                _connection.Close(Errno.EPROTO, "SETVOLUME on an attached connection");
                break;
            case Programs.SetVolume when record.Length <= ServerLimits.HandshakeBytesMax
                && HandshakeCodec.TryReadSetVolumeRequest(ref reader, out var values):
                _isAttaching = true;
                _ = AttachAsync(head.Xid, values);
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

    private async Task AttachAsync(uint xid, Dictionary<string, string> values)
    {
        try
        {
            await SetVolumeAsync(xid, values);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("server", "attaching failed unexpectedly", ("peer", _connection.Link.Peer), ("exception", e));
            _connection.Close(Errno.EIO, "attaching failed");
        }
    }

    private async Task SetVolumeAsync(uint xid, Dictionary<string, string> values)
    {
        var name = values.GetValueOrDefault("remote-subvolume", string.Empty);
        var export = _exports.Find(name);
        var peer = _connection.Link.Peer.ToString();
        if (export is { IsUp: false, IsRemote: true })
        {
            await export.WaitUpAsync();
        }

        if (export is null || (!export.IsUp && export.Receiver is null))
        {
            RefuseAttachment(xid, Errno.EAGAIN, $"brick {name} is not running here");
            return;
        }

        if (export.Server.Settings.Tls is not null && !_connection.Link.IsEncrypted)
        {
            Log.Warning("server", "attachment without TLS refused", ("peer", peer), ("export", name));
            RefuseAttachment(xid, Errno.EACCES, "the volume takes only clients that speak TLS");
            return;
        }

        var directory = "/" + values.GetValueOrDefault("subdir-mount", string.Empty).Trim('/');
        var candidate = new AuthenticationRequest(name, directory, peer, _connection.Link.PeerName, values);
        if (!ServerAuthentication.Allows(export.Server.Settings.Options, candidate, out var trusted))
        {
            Log.Warning("server", "attachment refused", ("peer", peer), ("export", name), ("directory", directory));
            RefuseAttachment(xid, Errno.EACCES, "Authentication failed");
            return;
        }

        // Members are let in before the brick serves: it never would if they could not agree on it.
        if (!export.IsUp && !trusted)
        {
            RefuseAttachment(xid, Errno.EAGAIN, $"brick {name} does not serve yet");
            return;
        }

        var root = Gfid.Null;
        if (directory.Length > 1)
        {
            root = await FindDirectoryAsync(export.Top, directory);
            if (root.IsNull)
            {
                RefuseAttachment(xid, Errno.ENOENT, $"directory {directory} does not exist in the volume");
                return;
            }
        }

        var identity = new ClientIdentity(values.GetValueOrDefault("process-uuid", peer), peer)
        {
            User = values.GetValueOrDefault("username", _connection.Link.PeerName),
            Connection = this,
        };
        var attachment = new ServerAttachment(export, identity, root.IsRoot ? Gfid.Null : root, trusted, candidate);
        var loop = _connection.Link.Scheduler;
        if (loop.IsCurrentThread)
        {
            Attach(xid, attachment);
        }
        else
        {
            loop.Post(() => Attach(xid, attachment));
        }
    }

    /// <summary>On the loop, where the connection cannot end meanwhile.</summary>
    private void Attach(uint xid, ServerAttachment attachment)
    {
        if (_closed)
        {
            return;
        }

        OpenGate(attachment.Export);
        AttachedWallNs = attachment.Export.Seams.Clock.WallNs;
        Volatile.Write(ref _attachment, attachment);
        if (!_exports.TryAttach(this))
        {
            _connection.Close(Errno.ECANCELED, "the brick is being stopped");
            return;
        }

        _exports.CloseOlder(this);
        Log.Information("server", "client attached", ("client", attachment.Identity), ("export", attachment.Export.Name));
        _connection.Reply(xid, new RawBody(HandshakeCodec.SetVolumeReply(Errno.Ok, AcceptedValues(attachment.Export))));
    }

    /// <summary>Fops come from now on; on the loop.</summary>
    private void OpenGate(Export export)
    {
        _gate = new RequestGate(_connection.Link, export.Seams.Clock);
        _line = export.IsRemote ? _exports.LineOf(_connection.Link.Scheduler, export.Seams.Clock) : null;
    }

    /// <summary>A client that would have to leave a server that drains does not begin there.</summary>
    private Dictionary<string, string> AcceptedValues(Export export)
    {
        var isOpen = export.IsUp && !(export.Server.Settings.IsDraining && FollowsDrain);
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ERROR"] = "Success",
            ["child_up"] = isOpen ? "1" : "0",
            ["clnt-lk-version"] = "1",
        };
        if (export.KeepsOutcomes)
        {
            values[ChangeRecord.HandshakeKey] = "1";
        }

        var volumeId = export.Server.Settings.Options.Text(ServerOptions.VolumeId);
        if (volumeId.Length > 0)
        {
            values["volume-id"] = volumeId;
        }

        return values;
    }

    private void RefuseAttachment(uint xid, Errno error, string text)
    {
        _isAttaching = false;
        _connection.Reply(xid, new RawBody(HandshakeCodec.SetVolumeReply(
            error, new Dictionary<string, string>(StringComparer.Ordinal) { ["ERROR"] = text })));
    }

    /// <summary>Walks a path from the root; null when a part of it is missing or no directory.</summary>
    private static async Task<Gfid> FindDirectoryAsync(Translator top, string path)
    {
        var at = Gfid.Root;
        var call = Call.Internal();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Name name = part;
            if (!name.IsValidEntry)
            {
                at = Gfid.Null;
                break;
            }

            var fop = new LookupFop { Parent = at, Name = name };
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
        if (Attachment is not { } attachment)
        {
            return;
        }

        if (Volatile.Read(ref _underWay) == 0)
        {
            if (Interlocked.Exchange(ref _endStarted, 1) == 0)
            {
                // A worker's job: closing a million files may take its time.
                attachment.Export.Seams.Workers.Submit(new EndWork(this, attachment));
            }
        }
        else if (Volatile.Read(ref _endStarted) == 0)
        {
            // Waiting lock requests would keep the client's locks for ever: they are told first, and answer.
            attachment.Export.Top.ClientGone(attachment.Identity);
        }
    }

    private async Task ReleaseEverythingAsync(ServerAttachment attachment)
    {
        try
        {
            foreach (var fd in Fds.TakeAll())
            {
                await ReleaseAsync(attachment, fd);
            }

            attachment.Export.Top.ClientGone(attachment.Identity);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("server", "a client's state cannot be dropped", ("client", attachment.Identity), ("exception", e));
        }
        finally
        {
            _exports.Ended(this);
        }
    }

    private sealed class EndWork(ServerConnection connection, ServerAttachment attachment) : IWork
    {
        public void Run() => _ = connection.ReleaseEverythingAsync(attachment);
    }
}
