using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Tests.Wire;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Wire;

/// <summary>
/// Goal: records of stock GlusterFS 10.3 are understood, and made by us they are the same bytes. Method: golden-records.txt
/// holds captured records without their mark; head and body are decoded and encoded again.
/// </summary>
[Trait("Tier", "unit")]
public sealed class GoldenRecordTests
{
    private static readonly Dictionary<string, byte[]> Records = Load();

    [Theory]
    [InlineData("LOOKUP call", FopCode.Lookup)]
    [InlineData("CREATE call", FopCode.Create)]
    [InlineData("WRITE call", FopCode.Write)]
    [InlineData("READ call", FopCode.Read)]
    [InlineData("LK call", FopCode.Lk)]
    public void FopCallsAreEncodedAgainToTheSameBytes(string name, FopCode code)
    {
        var record = Payload.CopyOf(Records[name]);
        var (head, call, bodyAt) = ReadCall(record);
        Assert.Equal((Programs.Fop, Programs.FopVersion, (uint)code), (head.Program, head.Version, head.Procedure));
        Assert.Equal(Records[name][..bodyAt], WriteCall(head, call, version3: true));
        var body = record.Slice(bodyAt, record.Length - bodyAt);
        Assert.Equal(Records[name][bodyAt..], CodecOf(code).RecodeRequest(body));
        call.Release();
        record.Release();
    }

    [Theory]
    [InlineData("LOOKUP reply", FopCode.Lookup)]
    [InlineData("CREATE reply", FopCode.Create)]
    [InlineData("WRITE reply", FopCode.Write)]
    [InlineData("READ reply", FopCode.Read)]
    [InlineData("READDIRP reply", FopCode.Readdirp)]
    [InlineData("LK reply", FopCode.Lk)]
    public void FopRepliesAreEncodedAgainToTheSameBytes(string name, FopCode code)
    {
        var record = Payload.CopyOf(Records[name]);
        var reader = new XdrReader(record);
        Assert.True(RpcHeader.IsReply(record.Span));
        Assert.True(RpcHeader.TryReadReply(ref reader, out var xid, out var status));
        Assert.Equal(AcceptStatus.Success, status);
        Assert.Equal(RpcHeader.ReplySize, reader.Position);
        var head = new byte[RpcHeader.ReplySize];
        var writer = new XdrWriter(head);
        RpcHeader.WriteReply(ref writer, xid, status);
        Assert.Equal(Records[name][..RpcHeader.ReplySize], head);

        var body = record.Slice(RpcHeader.ReplySize, record.Length - RpcHeader.ReplySize);
        var again = CodecOf(code).RecodeReply(body);
        AssertSameButForEmptyDictionaries(body.Span.ToArray(), again);
        record.Release();
    }

    [Theory]
    [InlineData("GETSPEC call", Programs.Handshake, Programs.HandshakeVersion, Programs.GetSpec)]
    [InlineData("DUMP call", Programs.Dump, Programs.DumpVersion, Programs.DumpList)]
    [InlineData("PING call", Programs.Dump, Programs.DumpVersion, Programs.DumpPing)]
    public void ManagementCallsAreUnderstood(string name, uint program, uint version, uint procedure)
    {
        var record = Payload.CopyOf(Records[name]);
        var (head, call, bodyAt) = ReadCall(record);
        Assert.Equal((program, version, procedure), (head.Program, head.Version, head.Procedure));
        Assert.Equal(Records[name][..bodyAt], WriteCall(head, call, version3: false));
        call.Release();
        record.Release();
    }

    [Fact]
    public void TheBodyOfGetspecIsAKeyAndALegacyDictionary()
    {
        var record = Payload.CopyOf(Records["GETSPEC call"]);
        var (_, call, bodyAt) = ReadCall(record);
        var reader = new XdrReader(record, bodyAt);
        Assert.Equal(1u, reader.ReadUInt());
        Assert.Equal("v1", reader.ReadName().ToString());
        var encoded = reader.ReadOpaque();
        Assert.True(LegacyDict.TryDecode(encoded, out var values));
        Assert.Equal(0, reader.Remaining);
        Assert.Equal(new Dictionary<string, string> { ["max-op-version"] = "100000", ["min-op-version"] = "1" }, values);
        Assert.Equal(encoded.ToArray(), LegacyDict.Encode(values));
        call.Release();
        record.Release();
    }

    [Fact]
    public void TheFactsOfTheWriteAreRead()
    {
        var record = Payload.CopyOf(Records["WRITE call"]);
        var (_, call, bodyAt) = ReadCall(record);
        Assert.Equal(0x5af0, call.Pid);
        Assert.Equal(TimeFlags.Ctime | TimeFlags.Mtime, call.TimeFlags);
        Assert.Equal(0x6b00d525, call.CtimeSeconds);
        Assert.Equal(0x24353a41u, call.CtimeNanoseconds);
        var reader = new XdrReader(record, bodyAt);
        Assert.True(WriteCodec.TryDecodeRequest(ref reader, new NumberedFds(), out var fop));
        Assert.Equal("7b785d1e-c144-469d-a21c-5796219a7c95", fop.Gfid.ToString());
        Assert.Equal(0x8001u, fop.Flags);
        Assert.Equal("hello\n", Encoding.ASCII.GetString(fop.Data.Span));
        WriteCodec.ReleaseRequest(in fop);
        call.Release();
        record.Release();
    }

    [Fact]
    public void TheFactsOfTheLookupAreRead()
    {
        var record = Payload.CopyOf(Records["LOOKUP call"]);
        var (_, call, bodyAt) = ReadCall(record);
        var reader = new XdrReader(record, bodyAt);
        Assert.True(LookupCodec.TryDecodeRequest(ref reader, new NumberedFds(), out var fop));
        Assert.Equal((Gfid.Root, "d"), (fop.Parent, fop.Name.ToString()));
        Assert.Equal(5, fop.XData!.Count);
        Assert.True(fop.XData.TryGetGfid("gfid-req"u8, out var gfid));
        Assert.Equal("417489a4-8095-44c0-83b0-56b9f7d2ad90", gfid.ToString());
        LookupCodec.ReleaseRequest(in fop);
        call.Release();
        record.Release();
    }

    [Fact]
    public void TheEntriesOfTheListingAreRead()
    {
        var record = Payload.CopyOf(Records["READDIRP reply"]);
        var reader = new XdrReader(record, RpcHeader.ReplySize);
        var reply = ReaddirpReply.Rent();
        Assert.True(ReaddirpCodec.TryDecodeReply(ref reader, reply));
        Assert.Equal((3, Errno.ENOENT), (reply.OpRet, reply.Hint));
        Assert.Equal(
            [".", "f", ".."],
            Enumerable.Range(0, reply.Entries.Count).Select(i => reply.Entries.NameOf(i).ToString()));
        Assert.Equal(6u, reply.Entries[1].Iatt.Size);
        Assert.Equal(0x7fffffffffffffffUL, reply.Entries[2].Offset);
        reply.Release();
        record.Release();
    }

    private static CodecCase CodecOf(FopCode code) => CodecCase.All.Single(codec => codec.Code == code);

    private static (RpcCall Head, Call Call, int BodyAt) ReadCall(Payload record)
    {
        var reader = new XdrReader(record);
        var call = Call.Rent();
        Assert.False(RpcHeader.IsReply(record.Span));
        Assert.True(RpcHeader.TryReadCall(ref reader, call, out var head));
        return (head, call, reader.Position);
    }

    private static byte[] WriteCall(RpcCall head, Call call, bool version3)
    {
        var bytes = new byte[RpcHeader.CallSizeMax];
        var writer = new XdrWriter(bytes);
        RpcHeader.WriteCall(ref writer, head, call, version3);
        return bytes[..writer.Position];
    }

    /// <summary>We send the null dictionary (count -1) where a stock brick sends an empty one (count 0).</summary>
    private static void AssertSameButForEmptyDictionaries(byte[] expected, byte[]? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            if (expected[i] != actual[i])
            {
                var word = i & ~3;
                Assert.Equal(0, BinaryPrimitives.ReadInt32BigEndian(expected.AsSpan(word)));
                Assert.Equal(-1, BinaryPrimitives.ReadInt32BigEndian(actual.AsSpan(word)));
            }
        }
    }

    private static Dictionary<string, byte[]> Load()
    {
        var records = new Dictionary<string, byte[]>();
        var name = string.Empty;
        var hex = new StringBuilder();
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Wire", "golden-records.txt")).Append("# end"))
        {
            if (line.StartsWith('#'))
            {
                if (hex.Length > 0)
                {
                    records.Add(name, Convert.FromHexString(hex.ToString()));
                    hex.Clear();
                }

                name = line[2..];
            }
            else
            {
                hex.Append(line.Trim());
            }
        }

        return records;
    }
}
