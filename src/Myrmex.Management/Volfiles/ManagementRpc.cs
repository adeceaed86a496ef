using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Text;
using Myrmex.Base;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Volumes;
using Myrmex.Wire;

namespace Myrmex.Management.Volfiles;

/// <summary>
/// The port that stock and own clients ask first (24007): DUMP, GETSPEC, GET_VOLUME_INFO and the port map, and the
/// FETCHSPEC callback to everyone whose volume file has changed; STATEDUMP to a client of ours. Source: GlusterFS
/// programs 123451501, 14398633, 34123456 and 52743234.
/// </summary>
internal sealed class ManagementRpc : IDisposable
{
    private readonly RpcServer _server;
    private readonly VolfileService _service;
    private readonly PortRegistry _registry;
    private readonly NodeDirectory _directory;
    private readonly LocalNode _node;

    public ManagementRpc(
        Seams seams, VolumeCatalog catalog, VolfileService service, PortRegistry registry,
        NodeDirectory directory, LocalNode node)
    {
        _directory = directory;
        _service = service;
        _registry = registry;
        _node = node;
        _server = new RpcServer(seams, _ => new Session(this));
        catalog.Changed += PushChanges;
    }

    /// <summary>Throws IOException when the address cannot be bound.</summary>
    public LinkAddress Listen(string address, int port) =>
        _server.Listen(new LinkAddress(address, port), RpcConnection.LinkOptions(frameBytesMax: 1 << 20));

    public void Dispose() => _server.Dispose();

    /// <summary>
    /// Asks our client of the volume that has this number on that machine for a state dump, which it writes there.
    /// False when none such has its volume file from this daemon.
    /// </summary>
    /// <param name="addresses">Of the machine.</param>
    public bool AskForDump(string volume, IReadOnlyList<IPAddress> addresses, int pid)
    {
        var isHere = addresses.Any(_node.IsLocal);
        var body = new byte[sizeof(uint)];
        new XdrWriter(body).WriteUInt((uint)pid);
        var head = new RpcCall(1, Programs.Callback, Programs.CallbackVersion, Programs.StateDump);
        var isAsked = false;
        foreach (var connection in _server.Connections())
        {
            var isThere = IPAddress.TryParse(connection.Link.Peer.Host, out var peer) && addresses.Contains(peer);
            if (connection.State is Session session && session.Is(volume, pid)
                && (isThere || (isHere && IsHere(connection))))
            {
                isAsked |= connection.SendOneWay(head, new RawBody(body));
            }
        }

        return isAsked;
    }

    private void PushChanges(IReadOnlyList<string> volumes)
    {
        var head = new RpcCall(1, Programs.Callback, Programs.CallbackVersion, Programs.FetchSpec);
        foreach (var connection in _server.Connections())
        {
            if (connection.State is Session session && session.Asks(volumes))
            {
                connection.SendOneWay(head, default(EmptyBody));
            }
        }
    }

    /// <summary>The node of the cluster on which the caller is a program, by its address; null for others.</summary>
    private NodeId? NodeOf(RpcConnection connection)
    {
        var host = connection.Link.Peer.Host;
        foreach (var node in _directory.All)
        {
            if (node.Addresses.Contains(host))
            {
                return node.Id;
            }
        }

        return IsHere(connection) ? _node.Id : null;
    }

    /// <summary>The caller is a program on this machine.</summary>
    private bool IsHere(RpcConnection connection)
    {
        var peer = connection.Link.Peer;
        return peer.UnixPath is not null || (IPAddress.TryParse(peer.Host, out var address) && _node.IsLocal(address));
    }

    /// <summary>One client. Calls come on the link's loop, one at a time.</summary>
    private sealed class Session(ManagementRpc owner) : IRpcHandler
    {
        private static readonly byte[] ProgramList = HandshakeCodec.DumpReply(
        [
            new ProgramEntry("GF-DUMP", Programs.Dump, Programs.DumpVersion),
            new ProgramEntry("GlusterFS Handshake", Programs.Handshake, Programs.HandshakeVersion),
            new ProgramEntry("Gluster Portmap", Programs.Portmap, Programs.PortmapVersion),
        ]);

        private static readonly Dictionary<string, string> NoValues = [];

        private NodeId? _proxy; // Whose proxy the client has got; owned by the loop.
        private string _volume = string.Empty; // Written by the loop, read by the pusher.
        private int _pid; // As before; 0 for who cannot be asked for a dump.

        public bool Asks(IReadOnlyList<string> volumes)
        {
            var volume = System.Threading.Volatile.Read(ref _volume);
            for (var i = 0; i < volumes.Count; i++)
            {
                if (volumes[i] == volume)
                {
                    return true;
                }
            }

            return false;
        }

        public bool Is(string volume, int pid) =>
            System.Threading.Volatile.Read(ref _pid) == pid && System.Threading.Volatile.Read(ref _volume) == volume;

        public void OnOpen(RpcConnection connection) => connection.State = this;

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
        {
            call.Release();
            var reader = new XdrReader(record, position);
            var known = (head.Program, head.Version) is
                (Programs.Dump, Programs.DumpVersion) or (Programs.Handshake, Programs.HandshakeVersion)
                or (Programs.Portmap, Programs.PortmapVersion);
            if (!known)
            {
                connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
                return;
            }

            switch (head.Program, head.Procedure)
            {
                case (Programs.Dump, Programs.DumpList):
                    connection.Reply(head.Xid, new RawBody(ProgramList));
                    break;
                case (Programs.Dump, Programs.DumpPing):
                case (Programs.Handshake, Programs.HandshakePing):
                    connection.Reply(head.Xid, new RawBody(HandshakeCodec.PingReply()));
                    break;
                case (Programs.Handshake, Programs.GetSpec):
                    GetSpec(connection, head.Xid, ref reader);
                    break;
                case (Programs.Handshake, Programs.GetVolumeInfo):
                    GetVolumeInfo(connection, head.Xid, ref reader);
                    break;
                case (Programs.Portmap, Programs.PortByBrick):
                    PortByBrick(connection, head.Xid, ref reader);
                    break;
                case (Programs.Portmap, Programs.SignIn):
                case (Programs.Portmap, Programs.SignOut):
                    Sign(connection, head, ref reader);
                    break;
                default:
                    connection.Refuse(head.Xid, AcceptStatus.ProcedureUnavailable);
                    break;
            }
        }

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
        }

        private void GetSpec(RpcConnection connection, uint xid, ref XdrReader reader)
        {
            if (!HandshakeCodec.TryReadGetSpecRequest(ref reader, out var key, out var values))
            {
                connection.Refuse(xid, AcceptStatus.GarbageArguments);
                return;
            }

            var isKey = VolfileKey.TryParse(key, out var parsed);
            if (parsed.Volume != System.Threading.Volatile.Read(ref _volume))
            {
                _proxy = null;
            }

            var spec = owner._service.Spec(
                key, owner.NodeOf(connection), values.ContainsKey(HandshakeCodec.MyrmexClient), ref _proxy);
            if (isKey)
            {
                System.Threading.Volatile.Write(ref _volume, parsed.Volume);
                System.Threading.Volatile.Write(ref _pid, PidOf(values));
            }

            var error = spec is null ? Errno.ENOENT : Errno.Ok;
            Log.Debug("volfiles", "GETSPEC", ("peer", connection.Link.Peer), ("key", key), ("error", error));
            connection.Reply(xid, new RawBody(HandshakeCodec.GetSpecReply(error, spec ?? string.Empty, NoValues)));
        }

        private static int PidOf(Dictionary<string, string> values) => int.TryParse(
            values.GetValueOrDefault(HandshakeCodec.MyrmexPid), NumberStyles.None, CultureInfo.InvariantCulture,
            out var pid) ? pid : 0;

        private void GetVolumeInfo(RpcConnection connection, uint xid, ref XdrReader reader)
        {
            if (!LegacyDict.TryDecode(reader.ReadOpaque(), out var request) || reader.Failed)
            {
                connection.Refuse(xid, AcceptStatus.GarbageArguments);
                return;
            }

            var id = owner._service.IdOf(request.GetValueOrDefault("volname", string.Empty));
            var dict = id is null ? [] : LegacyDict.Encode(
                new Dictionary<string, string> { ["volume_id"] = id.Value.ToString() });
            var bytes = new byte[32 + dict.Length];
            var writer = new XdrWriter(bytes);
            writer.WriteInt(id is null ? -1 : 0);
            writer.WriteInt(id is null ? (int)Errno.EINVAL : 0);
            writer.WriteOpaque([]);
            writer.WriteOpaque(dict);
            connection.Reply(xid, new RawBody(bytes.AsMemory(0, writer.Position)));
        }

        private void PortByBrick(RpcConnection connection, uint xid, ref XdrReader reader)
        {
            var name = Encoding.UTF8.GetString(reader.ReadOpaque());
            if (reader.Failed)
            {
                connection.Refuse(xid, AcceptStatus.GarbageArguments);
                return;
            }

            connection.Reply(xid, new RawBody(HandshakeCodec.PortByBrickReply(owner._service.PortOf(name))));
        }

        private void Sign(RpcConnection connection, RpcCall head, ref XdrReader reader)
        {
            var name = Encoding.UTF8.GetString(reader.ReadOpaque());
            var port = reader.ReadInt();
            if (reader.Failed)
            {
                connection.Refuse(head.Xid, AcceptStatus.GarbageArguments);
                return;
            }

            // Only programs of this machine may say what listens on this machine.
            var done = owner.IsHere(connection)
                && (head.Procedure == Programs.SignIn
                    ? owner._registry.SignIn(name, port) : owner._registry.SignOut(name, port));
            var reply = new byte[8];
            var writer = new XdrWriter(reply);
            writer.WriteInt(done ? 0 : -1);
            writer.WriteInt(done ? 0 : (int)Errno.EINVAL);
            connection.Reply(head.Xid, new RawBody(reply));
        }
    }
}
