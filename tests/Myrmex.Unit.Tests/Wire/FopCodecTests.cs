using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Myrmex.Tests.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Wire;

/// <summary>
/// Goal: every fop and every reply comes out of its codec as it went in. Method: random values of all members, compared by
/// meaning, and encoded again, compared by bytes.
/// </summary>
[Trait("Tier", "unit")]
public sealed class FopCodecTests
{
    private const int Rounds = 200;

    public static TheoryData<FopCode> Codes => [.. CodecCase.All.Select(codec => codec.Code)];

    [Fact]
    public void EveryFopHasACodec()
    {
        var fops = Enum.GetValues<FopCode>().Where(code => code.Has(FopTraits.Exists));
        Assert.Equal(fops.Order(), CodecCase.All.Select(codec => codec.Code));
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void RequestsComeOutAsTheyWentIn(FopCode code)
    {
        var codec = CodecCase.All.Single(codec => codec.Code == code);
        for (ulong seed = 0; seed < Rounds; seed++)
        {
            Assert.Null(codec.CompareRequest(new SimRandom(seed)));
            var bytes = codec.MakeRequest(new SimRandom(seed));
            Assert.Equal(0, code.Has(FopTraits.Bulk) ? 0 : bytes.Length % 4);
            var body = Payload.CopyOf(bytes);
            Assert.Equal(bytes, codec.RecodeRequest(body));
            Assert.Equal(1, body.Buffer!.References);
            body.Release();
        }
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void RepliesComeOutAsTheyWentIn(FopCode code)
    {
        var codec = CodecCase.All.Single(codec => codec.Code == code);
        for (ulong seed = 0; seed < Rounds; seed++)
        {
            Assert.Null(codec.CompareReply(new SimRandom(seed)));
            var bytes = codec.MakeReply(new SimRandom(seed));
            var body = Payload.CopyOf(bytes);
            Assert.Equal(bytes, codec.RecodeReply(body));
            Assert.Equal(1, body.Buffer!.References);
            body.Release();
        }
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void ABodyThatIsCutShortIsRefused(FopCode code)
    {
        var codec = CodecCase.All.Single(codec => codec.Code == code);
        var request = codec.MakeRequest(new SimRandom(1));
        var reply = codec.MakeReply(new SimRandom(1));
        foreach (var (bytes, isRequest) in new[] { (request, true), (reply, false) })
        {
            for (var length = 0; length < bytes.Length; length += 1 + (length / 100))
            {
                var body = Payload.CopyOf(bytes.AsSpan(0, length));
                Assert.Null(isRequest ? codec.RecodeRequest(body) : codec.RecodeReply(body));
                Assert.Equal(1, body.Buffer!.References);
                body.Release();
            }
        }
    }
}
