using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime.Simulation;
using Myrmex.Tests.Wire;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Fuzz.Tests;

/// <summary>
/// Goal: whatever bytes arrive, decoders answer without an exception, hold no memory afterwards, use none without bound, and
/// what they accept they encode to something they accept again. Method: valid bodies, damaged.
/// </summary>
[Trait("Tier", "fuzz")]
public sealed class CodecFuzzTests
{
    private const int SeedsPerCodec = 25;

    private static readonly List<(CodecCase Codec, bool IsRequest, byte[] Bytes)> Corpus = MakeCorpus();

    [Fact]
    public void FopCodecsStandAnyBytes()
    {
        var length = 0;
        Assert.NotEmpty(Corpus); // Made here, so that no iteration pays for it.
        FuzzRun.Run(
            nameof(FopCodecsStandAnyBytes),
            smokeSeconds: 8,
            random =>
            {
                var (codec, isRequest, bytes) = Corpus[random.Below(Corpus.Count)];
                var damaged = Mutator.Mutate(random, bytes, Corpus[random.Below(Corpus.Count)].Bytes);
                length = damaged.Length;
                var once = Recode(codec, isRequest, damaged);
                if (once is not null)
                {
                    var twice = Recode(codec, isRequest, once);
                    Assert.True(once.AsSpan().SequenceEqual(twice), $"{codec.Code} is not stable");
                }
            },
            () => length * 16L);
    }

    [Fact]
    public void HeadsOfCallsAndRepliesStandAnyBytes() => FuzzRun.Run(
        nameof(HeadsOfCallsAndRepliesStandAnyBytes),
        smokeSeconds: 2,
        random =>
        {
            var head = MakeHead(random);
            var record = Payload.CopyOf(Mutator.Mutate(random, head, head));
            var reader = new XdrReader(record);
            var call = Call.Rent();
            if (RpcHeader.TryReadCall(ref reader, call, out _))
            {
                Assert.InRange(reader.Position, 40, record.Length);
            }

            call.Release();
            reader = new XdrReader(record);
            if (RpcHeader.TryReadReply(ref reader, out _, out _))
            {
                Assert.InRange(reader.Position, 12, record.Length);
            }

            _ = RpcHeader.FrameLength(record.Span);
            record.Release();
        });

    [Fact]
    public void HandshakesStandAnyBytes() => FuzzRun.Run(
        nameof(HandshakesStandAnyBytes),
        smokeSeconds: 2,
        random =>
        {
            var values = MakeDictionary(random);
            byte[][] bodies =
            [
                HandshakeCodec.SetVolumeRequest(values),
                HandshakeCodec.SetVolumeReply((Errno)random.Below(3), values),
                HandshakeCodec.GetSpecRequest("v", values),
                HandshakeCodec.GetSpecReply(Errno.Ok, "volume a\nend-volume\n", values),
                HandshakeCodec.DumpReply([new ProgramEntry("GF-DUMP", 1, 2)]),
            ];
            var body = Mutator.Mutate(random, bodies[random.Below(bodies.Length)], bodies[random.Below(bodies.Length)]);
            var record = Payload.CopyOf(body);
            var reader = new XdrReader(record);
            HandshakeCodec.TryReadSetVolumeRequest(ref reader, out _);
            reader = new XdrReader(record);
            HandshakeCodec.TryReadGetSpecRequest(ref reader, out _, out _);
            record.Release();
            HandshakeCodec.ReadSetVolumeReply(body);
            HandshakeCodec.ReadGetSpecReply(body);
            HandshakeCodec.TryReadDumpReply(body, out _);
            LegacyDict.TryDecode(body, out _);
        });

    private static byte[]? Recode(CodecCase codec, bool isRequest, byte[] bytes)
    {
        var body = Payload.CopyOf(bytes);
        var result = isRequest ? codec.RecodeRequest(body) : codec.RecodeReply(body);
        Assert.Equal(1, body.Buffer!.References);
        body.Release();
        return result;
    }

    private static byte[] MakeHead(SimRandom random)
    {
        var bytes = new byte[RpcHeader.CallSizeMax + 64];
        var writer = new XdrWriter(bytes);
        if (random.Chance(0.3))
        {
            RpcHeader.WriteReply(ref writer, (uint)random.Next(), (AcceptStatus)random.Below(6));
            return bytes[..writer.Position];
        }

        var call = Call.Rent();
        call.Pid = (int)random.Next();
        call.LockOwner = new LkOwner(RandomValues.MakeBytes(random, 0, random.Chance(0.5) ? 8 : 200));
        var groups = new uint[random.Below(30)];
        call.SetGroups(groups);
        var head = new RpcCall((uint)random.Next(), Programs.Fop, Programs.FopVersion, (uint)random.Below(60));
        RpcHeader.WriteCall(ref writer, head, call, version3: random.Chance(0.7));
        call.Release();
        return bytes[..writer.Position];
    }

    private static Dictionary<string, string> MakeDictionary(SimRandom random)
    {
        var values = new Dictionary<string, string>();
        for (var i = random.Below(10); i > 0; i--)
        {
            values[$"key-{random.Below(100)}"] = Encoding.Latin1.GetString(RandomValues.MakeBytes(random, 0, 40));
        }

        return values;
    }

    private static List<(CodecCase Codec, bool IsRequest, byte[] Bytes)> MakeCorpus()
    {
        var corpus = new List<(CodecCase, bool, byte[])>();
        foreach (var codec in CodecCase.All)
        {
            for (ulong seed = 0; seed < SeedsPerCodec; seed++)
            {
                corpus.Add((codec, true, codec.MakeRequest(new SimRandom(seed))));
                corpus.Add((codec, false, codec.MakeReply(new SimRandom(seed))));
            }
        }

        return [.. corpus.OrderBy(entry => entry.Item3.Length)];
    }
}
