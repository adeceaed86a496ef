using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Fuzz.Tests;
using Myrmex.Rpc;
using Myrmex.Runtime.Simulation;
using Myrmex.Tests.Wire;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>
/// The material of wild peers: requests and replies of every fop, sensible ones among them, and what is done to them. The same seed
/// makes the same records.
/// </summary>
internal sealed class WildRecords
{
    private const int SeedsPerCodec = 60;
    private const int FragmentsMax = 6;

    private readonly List<(FopCode Code, byte[] Body)> _requests = [];
    private readonly Dictionary<FopCode, byte[][]> _replies = [];

    public WildRecords(ulong seed)
    {
        RandomValues.Known = new KnownValues(
            [Gfid.Root, Gfid.Root, .. Known],
            ["a", "b", "c", "d", ".", string.Empty]);
        foreach (var codec in CodecCase.All)
        {
            for (ulong i = 0; i < SeedsPerCodec; i++)
            {
                _requests.Add((codec.Code, codec.MakeRequest(new SimRandom((seed << 16) + i))));
            }

            _replies[codec.Code] =
                [.. Enumerable.Range(0, SeedsPerCodec).Select(i => codec.MakeReply(new SimRandom((seed << 16) + (ulong)i)))];
        }

        RandomValues.Known = null;
        AddSensible();
    }

    /// <summary>Gfids that the sensible requests make files and directories with.</summary>
    public static IReadOnlyList<Gfid> Known { get; } =
        [.. Enumerable.Range(1, 5).Select(i => new Gfid(0x4000, 0x8000000000000000 + (ulong)i))];

    public static byte[] SetVolume(string subvolume, string identity) => HandshakeCodec.SetVolumeRequest(
        new Dictionary<string, string>
        {
            ["remote-subvolume"] = subvolume,
            ["process-uuid"] = identity,
            ["process-name"] = "campaign",
            ["fops-version"] = "1298437",
            ["clnt-lk-version"] = "1",
        });

    /// <summary>
    /// A record of a client: mostly a fop that is a little damaged, so that it gets past the decoder, sometimes one that is badly
    /// damaged, and some that are whole but senseless.
    /// </summary>
    public byte[] MakeRequest(SimRandom random, uint xid)
    {
        var (code, body) = _requests[random.Below(_requests.Count)];
        var other = _requests[random.Below(_requests.Count)].Body;
        body = random.Below(100) switch
        {
            < 75 => Mutator.Touch(random, body),
            < 83 => Mutator.Mutate(random, body, other),
            _ => body,
        };
        if (random.Chance(0.03))
        {
            code = (FopCode)random.Below(80);
        }

        var head = new RpcCall(xid, Programs.Fop, Programs.FopVersion, (uint)code);
        switch (random.Below(200))
        {
            case 0:
                head = head with { Program = random.Chance(0.5) ? Programs.Dump : Programs.Handshake, Procedure = (uint)random.Below(9) };
                break;
            case 1:
                head = head with { Program = (uint)random.Next(), Version = (uint)random.Below(500) };
                break;
            case 2:
                body = SetVolume("wild", "again");
                head = head with { Program = Programs.Handshake, Version = Programs.HandshakeVersion, Procedure = Programs.SetVolume };
                break;
            default:
                break;
        }

        var record = WireSocket.Record(head, body, version3: random.Chance(0.9));
        return random.Below(60) switch
        {
            0 => Mutator.Mutate(random, record, other),
            1 => Remark(random, Mutator.Mutate(random, record, other)),
            2 => Fragment(random, record),
            _ => record,
        };
    }

    /// <summary>A SETVOLUME, damaged.</summary>
    public byte[] MakeHandshake(SimRandom random, string subvolume)
    {
        var body = Mutator.Mutate(random, SetVolume(subvolume, "wild"), _requests[random.Below(_requests.Count)].Body);
        var head = new RpcCall(1, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume);
        var record = WireSocket.Record(head, body);
        return random.Chance(0.3) ? Remark(random, Mutator.Mutate(random, record, body)) : record;
    }

    /// <summary>A record that no server can take for a good one: it must cost the connection.</summary>
    public byte[] MakeWrong(SimRandom random)
    {
        var (code, body) = _requests.First(r => r.Code == FopCode.Lookup);
        var head = new RpcCall(7, Programs.Fop, Programs.FopVersion, (uint)code);
        switch (random.Below(6))
        {
            case 0: // A version of RPC that there is not.
                var version = WireSocket.Record(head, body);
                BinaryPrimitives.WriteUInt32BigEndian(version.AsSpan(12), 3);
                return version;
            case 1: // A fop that ends inside its gfid.
                return WireSocket.Record(head, body.AsSpan(0, 8));
            case 2: // A record longer than any may be.
                return [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
            case 3: // A reply to nothing, cut off.
                return [0x80, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 1];
            case 4: // A credential longer than its record.
                var credential = WireSocket.Record(head, body);
                BinaryPrimitives.WriteUInt32BigEndian(credential.AsSpan(32), 0x7FFF_FFF0);
                return credential;
            default: // A second attachment.
                return WireSocket.Record(
                    new RpcCall(7, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume), SetVolume("wild", "second"));
        }
    }

    /// <summary>The body of a reply to the fop, often damaged; one of another fop now and then.</summary>
    public byte[] MakeReplyBody(SimRandom random, FopCode code)
    {
        if (!_replies.TryGetValue(code, out var bodies) || random.Chance(0.02))
        {
            bodies = _replies.ElementAt(random.Below(_replies.Count)).Value;
        }

        var body = bodies[random.Below(bodies.Length)];
        return random.Below(100) switch
        {
            < 70 => Mutator.Touch(random, body),
            < 75 => Mutator.Mutate(random, body, bodies[random.Below(bodies.Length)]),
            _ => body,
        };
    }

    /// <summary>The record with another mark.</summary>
    public static byte[] Remark(SimRandom random, byte[] record)
    {
        if (record.Length < RpcHeader.MarkSize)
        {
            return record;
        }

        var copy = (byte[])record.Clone();
        if (random.Chance(0.7))
        {
            RpcHeader.WriteMark(copy, copy.Length - RpcHeader.MarkSize);
        }
        else
        {
            var length = random.Chance(0.5) ? random.Next() : (ulong)(copy.Length + random.Between(-8, 8));
            BinaryPrimitives.WriteUInt32BigEndian(copy, (uint)length);
        }

        return copy;
    }

    /// <summary>The same record in several fragments, some of them empty.</summary>
    public static byte[] Fragment(SimRandom random, byte[] record)
    {
        var body = record.AsSpan(RpcHeader.MarkSize);
        var result = new List<byte>(record.Length + (FragmentsMax * RpcHeader.MarkSize));
        var mark = new byte[RpcHeader.MarkSize];
        for (var left = random.Below(FragmentsMax); left > 0; left--)
        {
            var length = random.Below(body.Length + 1);
            BinaryPrimitives.WriteUInt32BigEndian(mark, (uint)length);
            result.AddRange(mark);
            result.AddRange(body[..length]);
            body = body[length..];
        }

        RpcHeader.WriteMark(mark, body.Length);
        result.AddRange(mark);
        result.AddRange(body);
        return [.. result];
    }

    /// <summary>Requests that make what the others work on.</summary>
    private void AddSensible()
    {
        for (var i = 0; i < SeedsPerCodec * 4; i++)
        {
            var gfid = Known[i % Known.Count];
            Name name = ((char)('a' + (i / Known.Count % 4))).ToString();
            var parent = i % 3 == 0 ? Known[i % 2] : Gfid.Root;
            var data = XData.Rent();
            data.SetGfid("gfid-req"u8, gfid);
            var bytes = new byte[512];
            var writer = new XdrWriter(bytes);
            switch (i % 4)
            {
                case 0:
                    MkdirCodec.EncodeRequest(ref writer, new MkdirFop { Parent = parent, Name = name, Mode = 0x1ED, XData = data }, 0, 0);
                    Add(FopCode.Mkdir, bytes, writer.Position);
                    break;
                case 1:
                    MknodCodec.EncodeRequest(
                        ref writer, new MknodFop { Parent = parent, Name = name, Mode = 0x81A4, XData = data }, 0, 0);
                    Add(FopCode.Mknod, bytes, writer.Position);
                    break;
                case 2:
                    LookupCodec.EncodeRequest(ref writer, new LookupFop { Parent = parent, Name = name }, 0, 0);
                    Add(FopCode.Lookup, bytes, writer.Position);
                    break;
                default:
                    OpenCodec.EncodeRequest(ref writer, new OpenFop { Gfid = gfid, Flags = 2, Fd = new Fd(gfid, 2, isDirectory: false, slotCount: 0) }, 0, 0);
                    Add(FopCode.Open, bytes, writer.Position);
                    break;
            }

            data.Release();
        }
    }

    private void Add(FopCode code, byte[] bytes, int length) => _requests.Add((code, bytes[..length]));
}
