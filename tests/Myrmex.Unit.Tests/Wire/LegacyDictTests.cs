using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Wire;

public sealed class LegacyDictTests
{
    [Fact]
    public void PairsComeOutAsTheyWentIn()
    {
        var pairs = new Dictionary<string, string> { ["a"] = "1", ["empty"] = "", ["grüße"] = "ä", [""] = "no key" };
        Assert.True(LegacyDict.TryDecode(LegacyDict.Encode(pairs), out var back));
        Assert.Equal(pairs, back);
        Assert.True(LegacyDict.TryDecode([], out back) && back.Count == 0);
        Assert.True(LegacyDict.TryDecode(LegacyDict.Encode(new Dictionary<string, string>()), out back) && back.Count == 0);
    }

    [Fact]
    public void TheBytesAreThoseOfStockPeers()
    {
        var expected = "\0\0\0\u0001\0\0\0\u000e\0\0\0\u0002min-op-version\0" + "1\0";
        var encoded = LegacyDict.Encode(new Dictionary<string, string> { ["min-op-version"] = "1" });
        Assert.Equal(expected, Encoding.Latin1.GetString(encoded));
    }

    [Fact]
    public void AnyCutIsMalformed()
    {
        var good = LegacyDict.Encode(new Dictionary<string, string> { ["a"] = "1", ["bb"] = "22" });
        Assert.All(Enumerable.Range(1, good.Length - 1), length => Assert.False(LegacyDict.TryDecode(good[..length], out _)));
    }

    [Theory]
    [InlineData(4, 0xFFFFFFFF)]
    [InlineData(4, 0x7FFFFFFF)]
    [InlineData(8, 0xFFFFFFFF)]
    [InlineData(8, 0xFFFFFFF0)]
    [InlineData(8, 0x7FFFFFFF)]
    [InlineData(0, 0x7FFFFFFF)]
    [InlineData(0, 0xFFFFFFFF)]
    [InlineData(0, 4097)]
    public void LengthsBeyondTheBytesAreMalformed(int at, uint value)
    {
        var bytes = LegacyDict.Encode(new Dictionary<string, string> { ["a"] = "1" });
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), value);
        Assert.False(LegacyDict.TryDecode(bytes, out _));
    }
}
