using System.Collections.Generic;
using System.Text;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Rpc;

/// <summary>One program that a port serves.</summary>
public readonly record struct ProgramEntry(string Name, uint Program, uint Version);

/// <summary>The answer to SETVOLUME or GETSPEC.</summary>
public sealed record HandshakeAnswer(int OpRet, Errno Error, string Text, Dictionary<string, string> Values);

/// <summary>Bodies of the handshake, dump and portmap programs, both directions.</summary>
public static class HandshakeCodec
{
    /// <summary>
    /// What clients of ours say in GETSPEC, with the value 1: that they take the translators that GlusterFS does not
    /// have. Daemons of GlusterFS do not look at it.
    /// </summary>
    public const string MyrmexClient = "myrmex-client";

    /// <summary>
    /// The number of the process, which clients of ours say in GETSPEC: so the callback that asks for a state dump
    /// finds it. Daemons of GlusterFS do not look at it.
    /// </summary>
    public const string MyrmexPid = "myrmex-pid";

    private delegate void Encoder(ref XdrWriter writer);

    /// <summary>Argument of DUMP: the client's fixed process id mark.</summary>
    public static byte[] DumpRequest() => Encode(8, (ref writer) => writer.WriteULong(0xCAED));

    public static byte[] DumpReply(IReadOnlyList<ProgramEntry> programs) =>
        Encode(64 + (programs.Count * 128), (ref writer) =>
        {
            writer.WriteULong(0);
            writer.WriteInt(0);
            writer.WriteInt(0);
            foreach (var program in programs)
            {
                writer.WriteInt(1);
                writer.WriteOpaque(Encoding.UTF8.GetBytes(program.Name));
                writer.WriteULong(program.Program);
                writer.WriteULong(program.Version);
            }

            writer.WriteInt(0);
        });

    public static bool TryReadDumpReply(byte[] body, out List<ProgramEntry> programs)
    {
        var list = new List<ProgramEntry>();
        programs = list;
        return Read(body, (ref reader) =>
        {
            reader.ReadULong();
            var result = reader.ReadInt();
            reader.ReadInt();
            while (reader.ReadInt() == 1 && !reader.Failed && list.Count < 256)
            {
                list.Add(new ProgramEntry(
                    Encoding.UTF8.GetString(reader.ReadOpaque()), (uint)reader.ReadULong(), (uint)reader.ReadULong()));
            }

            return result == 0;
        });
    }

    /// <summary>op_ret 0, op_errno 0, empty opaque.</summary>
    public static byte[] PingReply() => new byte[12];

    public static byte[] SetVolumeRequest(IReadOnlyDictionary<string, string> values)
    {
        var dict = LegacyDict.Encode(values);
        return Encode(8 + dict.Length, (ref writer) => writer.WriteOpaque(dict));
    }

    public static bool TryReadSetVolumeRequest(ref XdrReader reader, out Dictionary<string, string> values) =>
        LegacyDict.TryDecode(reader.ReadOpaque(), out values) && !reader.Failed;

    public static byte[] SetVolumeReply(Errno error, IReadOnlyDictionary<string, string> values)
    {
        var dict = LegacyDict.Encode(values);
        return Encode(16 + dict.Length, (ref writer) =>
        {
            writer.WriteInt(error == Errno.Ok ? 0 : -1);
            writer.WriteInt((int)error);
            writer.WriteOpaque(dict);
        });
    }

    public static HandshakeAnswer? ReadSetVolumeReply(byte[] body)
    {
        HandshakeAnswer? answer = null;
        return Read(body, (ref reader) =>
        {
            var result = reader.ReadInt();
            var error = (Errno)reader.ReadInt();
            var good = LegacyDict.TryDecode(reader.ReadOpaque(), out var values);
            answer = new HandshakeAnswer(result, error, string.Empty, values);
            return good;
        }) ? answer : null;
    }

    /// <summary>Argument of GETSPEC; flag bit 0 asks for the list of servers.</summary>
    public static byte[] GetSpecRequest(string key, IReadOnlyDictionary<string, string> values)
    {
        var keyBytes = Encoding.UTF8.GetBytes(key);
        var dict = LegacyDict.Encode(values);
        return Encode(24 + keyBytes.Length + dict.Length, (ref writer) =>
        {
            writer.WriteUInt(1);
            writer.WriteOpaque(keyBytes);
            writer.WriteOpaque(dict);
        });
    }

    public static bool TryReadGetSpecRequest(ref XdrReader reader, out string key, out Dictionary<string, string> values)
    {
        reader.ReadUInt();
        key = reader.ReadName().ToString();
        return LegacyDict.TryDecode(reader.ReadOpaque(), out values) && !reader.Failed;
    }

    /// <summary>The reply to GETSPEC; op_ret of a success is the byte length of the volume file.</summary>
    public static byte[] GetSpecReply(Errno error, string volfile, IReadOnlyDictionary<string, string> values)
    {
        var spec = Encoding.UTF8.GetBytes(volfile);
        var dict = values.Count == 0 ? [] : LegacyDict.Encode(values);
        return Encode(32 + spec.Length + dict.Length, (ref writer) =>
        {
            writer.WriteInt(error == Errno.Ok ? spec.Length : -1);
            writer.WriteInt((int)error);
            writer.WriteOpaque(spec);
            writer.WriteOpaque(dict);
        });
    }

    public static HandshakeAnswer? ReadGetSpecReply(byte[] body)
    {
        HandshakeAnswer? answer = null;
        return Read(body, (ref reader) =>
        {
            var result = reader.ReadInt();
            var error = (Errno)reader.ReadInt();
            var spec = Encoding.UTF8.GetString(reader.ReadOpaque());
            var good = LegacyDict.TryDecode(reader.ReadOpaque(), out var values);
            answer = new HandshakeAnswer(result, error, spec, values);
            return good;
        }) ? answer : null;
    }

    public static byte[] PortByBrickRequest(string brick)
    {
        var bytes = Encoding.UTF8.GetBytes(brick);
        return Encode(8 + bytes.Length, (ref writer) => writer.WriteOpaque(bytes));
    }

    /// <summary>Port 0 means that the brick is not known or not running.</summary>
    public static byte[] PortByBrickReply(int port) => Encode(16, (ref writer) =>
    {
        writer.WriteInt(port > 0 ? 0 : -1);
        writer.WriteInt(port > 0 ? 0 : (int)Errno.ENOENT);
        writer.WriteInt(port > 0 ? 1 : 0);
        writer.WriteInt(port);
    });

    public static int ReadPortByBrickReply(byte[] body)
    {
        var port = 0;
        return Read(body, (ref reader) =>
        {
            var result = reader.ReadInt();
            reader.ReadInt();
            reader.ReadInt();
            port = reader.ReadInt();
            return result >= 0;
        }) ? port : 0;
    }

    private delegate bool Decoder(ref XdrReader reader);

    private static byte[] Encode(int sizeMax, Encoder encode)
    {
        var bytes = new byte[sizeMax];
        var writer = new XdrWriter(bytes);
        encode(ref writer);
        return bytes[..writer.Position];
    }

    private static bool Read(byte[] body, Decoder decode)
    {
        var record = Payload.CopyOf(body);
        try
        {
            var reader = new XdrReader(record);
            return decode(ref reader) && !reader.Failed;
        }
        finally
        {
            record.Release();
        }
    }
}
