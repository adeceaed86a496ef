using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Fuzz.Tests;
using Myrmex.Rpc;
using Myrmex.Runtime.Simulation;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>
/// Plays a brick that answers badly: damaged replies, replies of other fops, twice, late, never or to nothing, callbacks of all kinds,
/// damaged handshakes, broken record marks.
/// </summary>
internal sealed class WildServer(CampaignRun run, WildRecords records)
{
    private const int LateMax = 64;

    private readonly Lock _lock = new(); // Guards what follows.
    private readonly SimRandom _random = run.Random(0xBAD5EEDul);
    private readonly List<uint> _late = [];
    private long _sent;

    /// <summary>Replies and callbacks sent, without those of whole handshakes.</summary>
    public long Sent => Volatile.Read(ref _sent);

    public void OnCall(WireSocket socket, RpcCall head, byte[] body)
    {
        lock (_lock)
        {
            if (head.Program == Programs.Fop)
            {
                OnFop(socket, head);
                return;
            }

            var good = HandshakeReply(head);
            if (_random.Chance(0.03))
            {
                Volatile.Write(ref _sent, _sent + 1);
                socket.Send(Damage(WireSocket.Reply(head.Xid, Mutator.Mutate(_random, good, body))));
                return;
            }

            socket.Send(WireSocket.Reply(head.Xid, good));
        }
    }

    private static byte[] HandshakeReply(RpcCall head) => head switch
    {
        { Program: Programs.Dump, Procedure: Programs.DumpList } => HandshakeCodec.DumpReply(
        [
            new ProgramEntry("GF-DUMP", Programs.Dump, Programs.DumpVersion),
            new ProgramEntry("GlusterFS Handshake", Programs.Handshake, Programs.HandshakeVersion),
            new ProgramEntry("GlusterFS 4.x v1", Programs.Fop, Programs.FopVersion),
        ]),
        { Program: Programs.Handshake, Procedure: Programs.SetVolume } =>
            HandshakeCodec.SetVolumeReply(Errno.Ok, new Dictionary<string, string> { ["child_up"] = "1" }),
        _ => HandshakeCodec.PingReply(),
    };

    private void OnFop(WireSocket socket, RpcCall head)
    {
        if (_random.Chance(0.1))
        {
            Count(socket, Damage(Callback()));
        }

        var reply = WireSocket.Reply(head.Xid, records.MakeReplyBody(_random, (FopCode)head.Procedure));
        switch (_random.Below(400))
        {
            case 0: // Never.
                return;
            case < 10: // Later, behind others.
                if (_late.Count < LateMax)
                {
                    _late.Add(head.Xid);
                    return;
                }

                break;
            case < 14:
                Count(socket, reply);
                break;
            case < 18:
                Count(socket, WireSocket.Reply((uint)_random.Next(), reply.AsSpan(RpcHeader.MarkSize)));
                break;
            case < 22:
                reply = Refusal(head.Xid);
                break;
            case < 24:
                reply = Damage(Mutator.Mutate(_random, reply, reply));
                break;
            default:
                break;
        }

        Count(socket, reply);
        if (_late.Count > 0 && _random.Chance(0.3))
        {
            var at = _random.Below(_late.Count);
            Count(socket, WireSocket.Reply(_late[at], records.MakeReplyBody(_random, (FopCode)head.Procedure)));
            _late.RemoveAt(at);
        }
    }

    private void Count(WireSocket socket, byte[] bytes)
    {
        Volatile.Write(ref _sent, _sent + 1);
        socket.Send(bytes);
    }

    private byte[] Callback()
    {
        var body = records.MakeReplyBody(_random, (FopCode)_random.Below(60));
        var procedure = (uint)_random.Below(14);
        if (procedure is Programs.CacheInvalidation or Programs.InodelkContention or Programs.EntrylkContention)
        {
            body = Mutator.Touch(_random, body.Length > 400 ? body[..400] : body);
        }

        return WireSocket.Record(
            new RpcCall((uint)_random.Next(), Programs.Callback, Programs.CallbackVersion, procedure), body, version3: false);
    }

    private byte[] Refusal(uint xid)
    {
        var bytes = new byte[64];
        var writer = new XdrWriter(bytes.AsSpan(RpcHeader.MarkSize));
        RpcHeader.WriteReply(ref writer, xid, (AcceptStatus)_random.Below(7));
        RpcHeader.WriteMark(bytes, writer.Position);
        return bytes[..(RpcHeader.MarkSize + writer.Position)];
    }

    /// <summary>Now and then another mark, or fragments: the stream stays whole more often than not.</summary>
    private byte[] Damage(byte[] record) => _random.Below(20) switch
    {
        0 => WildRecords.Remark(_random, record),
        1 when record.Length > RpcHeader.MarkSize => WildRecords.Fragment(_random, record),
        _ when record.Length <= RpcHeader.MarkSize => record,
        _ => WithGoodMark(record),
    };

    private static byte[] WithGoodMark(byte[] record)
    {
        RpcHeader.WriteMark(record, record.Length - RpcHeader.MarkSize);
        return record;
    }
}
