using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

/// <summary>The dictionary of fops: every type, every edit, and what a hostile peer may send.</summary>
public sealed class XDataTests
{
    [Fact]
    public void EveryTypeIsReadAsItWasSet()
    {
        var iatt = new Iatt { Gfid = new Gfid(1, 2), Size = 77, Mode = FileMode.Regular | 0x1A4 };
        var data = XData.Rent();
        data.SetInt("int"u8, -5);
        data.SetUInt("uint"u8, ulong.MaxValue);
        data.SetBytes("bytes"u8, [1, 2, 3, 4, 5]);
        data.SetString("text"u8, "grüße");
        data.SetGfid("gfid"u8, new Gfid(7, 9));
        data.SetIatt("iatt"u8, in iatt);
        data.SetRaw("mdata"u8, XDataType.Mdata, new byte[36]);
        data.SetRaw("double"u8, XDataType.Double, new byte[8]);
        data.SetBytes("empty"u8, []);

        Assert.Equal(9, data.Count);
        Assert.Equal(0, data.Encoded.Length % 4);
        Assert.True(data.TryGetInt("int"u8, out var number) && number == -5);
        Assert.True(data.TryGetInt("uint"u8, out number) && number == -1);
        Assert.True(data.TryGetBytes("bytes"u8, out var bytes) && bytes.SequenceEqual(new byte[] { 1, 2, 3, 4, 5 }));
        Assert.True(data.TryGetBytes("text"u8, out bytes) && Encoding.UTF8.GetString(bytes) == "grüße");
        Assert.True(data.TryFind("text"u8, out var type, out var raw) && type == XDataType.String && raw[^1] == 0);
        Assert.True(data.TryGetGfid("gfid"u8, out var gfid) && gfid == new Gfid(7, 9));
        Assert.True(data.TryGetIatt("iatt"u8, out var back) && back == iatt);
        Assert.True(data.TryGetBytes("empty"u8, out bytes) && bytes.IsEmpty);
        Assert.False(data.TryGetInt("bytes"u8, out _));
        Assert.False(data.TryGetBytes("int"u8, out _));
        Assert.False(data.TryGetIatt("gfid"u8, out _));
        Assert.False(data.Contains("in"u8));
        data.Release();
    }

    [Fact]
    public void RandomEditsMatchADictionary()
    {
        var random = new Random(4711);
        var model = new Dictionary<string, byte[]>();
        var data = XData.Rent();
        for (var step = 0; step < 20_000; step++)
        {
            var key = "k" + random.Next(40);
            var keyBytes = Encoding.UTF8.GetBytes(key);
            switch (random.Next(5))
            {
                case 0:
                    Assert.Equal(model.Remove(key), data.Remove(keyBytes));
                    break;
                case 1 when random.Next(200) == 0:
                    data.Clear();
                    model.Clear();
                    break;
                case 2:
                    var copy = data.Clone();
                    data.Release();
                    data = XData.Rent();
                    Assert.True(data.TryLoad(copy.Encoded, copy.Count));
                    copy.Release();
                    break;
                default:
                    var value = new byte[random.Next(40)];
                    random.NextBytes(value);
                    model[key] = value;
                    data.SetBytes(keyBytes, value);
                    break;
            }

            Assert.Equal(model.Count, data.Count);
            if (step % 50 == 0)
            {
                AssertSame(model, data);
            }
        }

        AssertSame(model, data);
        data.Release();
    }

    [Fact]
    public void MergeReplacesAndAddsAndTakesItself()
    {
        var one = XData.Rent();
        one.SetInt("a"u8, 1);
        one.SetInt("b"u8, 1);
        var other = XData.Rent();
        other.SetInt("b"u8, 2);
        other.SetInt("c"u8, 2);
        one.Merge(other);
        one.Merge(one);
        one.Merge(null);
        Assert.Equal(3, one.Count);
        Assert.True(one.TryGetInt("a"u8, out var a) && one.TryGetInt("b"u8, out var b) && one.TryGetInt("c"u8, out var c)
            && (a, b, c) == (1, 2, 2));
        one.Release();
        other.Release();
    }

    [Fact]
    public void AValueLentByTheDictionaryCanBeSetUnderAnotherKey()
    {
        var data = XData.Rent();
        data.SetBytes("one"u8, Enumerable.Repeat((byte)1, 100).ToArray());
        data.SetBytes("two"u8, Enumerable.Repeat((byte)2, 100).ToArray());
        Assert.True(data.TryGetBytes("two"u8, out var two));
        data.SetBytes("one"u8, two);
        Assert.True(data.TryGetBytes("one"u8, out var one) && one.Length == 100 && !one.ContainsAnyExcept((byte)2));
        data.Release();
    }

    [Fact]
    public void AKeyThatAPeerSentTwiceIsRemovedWhole()
    {
        var bytes = new List<byte>();
        bytes.AddRange(Pair("twice\0"u8, XDataType.Int, 0, 0, 0, 0, 0, 0, 0, 1));
        bytes.AddRange(Pair("other\0"u8, XDataType.Int, 0, 0, 0, 0, 0, 0, 0, 2));
        bytes.AddRange(Pair("twice\0"u8, XDataType.Int, 0, 0, 0, 0, 0, 0, 0, 3));
        var data = XData.Rent();
        Assert.True(data.TryLoad(bytes.ToArray(), 3));
        data.SetInt("twice"u8, 9);
        Assert.True(data.TryGetInt("twice"u8, out var number) && number == 9);
        Assert.Equal(2, data.Count);
        Assert.True(data.Remove("twice"u8));
        Assert.False(data.Contains("twice"u8));
        Assert.Equal(1, data.Count);
        data.Release();
    }

    [Fact]
    public void AKeyWithBytesBehindItsNulIsMalformed()
    {
        var data = XData.Rent();
        Assert.False(data.TryLoad(Pair("trusted.gfid\0x\0"u8, XDataType.Int, 0, 0, 0, 0, 0, 0, 0, 1), 1));
        Assert.True(data.TryLoad(Pair("trusted.gfid\0"u8, XDataType.Int, 0, 0, 0, 0, 0, 0, 0, 1), 1));
        Assert.True(data.TryLoad(Pair("no nul"u8, XDataType.Int, 0, 0, 0, 0, 0, 0, 0, 1), 1));
        Assert.True(data.Contains("no nul"u8));
        data.Release();
    }

    [Theory]
    [InlineData(0xFFFFFFFF)]
    [InlineData(0x80000000)]
    [InlineData(0x7FFFFFFF)]
    [InlineData(0x7FFFFFFC)]
    [InlineData(100)]
    public void LengthsBeyondTheBytesAreMalformed(uint length)
    {
        var data = XData.Rent();
        var key = new byte[32];
        BinaryPrimitives.WriteUInt32BigEndian(key, length);
        Assert.False(data.TryLoad(key, 1));
        var value = Pair("key\0"u8, XDataType.Binary, 0, 0, 0, 0);
        BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(12), length);
        Assert.False(data.TryLoad(value, 1));
        Assert.Equal(0, data.Count);
        data.Release();
    }

    [Fact]
    public void WrongCountsUnknownTypesAndGiantsAreMalformed()
    {
        var pair = Pair("key\0"u8, XDataType.Int, 0, 0, 0, 0, 0, 0, 0, 1);
        var data = XData.Rent();
        Assert.True(data.TryLoad(pair, 1));
        Assert.False(data.TryLoad(pair, 2));
        Assert.False(data.TryLoad(pair, -1));
        Assert.False(data.TryLoad(pair, XData.PairsMax + 1));
        Assert.False(data.TryLoad([.. pair, 0, 0, 0, 0], 1));
        Assert.False(data.TryLoad(Pair("key\0"u8, (XDataType)0, 0, 0, 0, 0, 0, 0, 0, 1), 1));
        Assert.False(data.TryLoad(Pair("key\0"u8, (XDataType)10, 0, 0, 0, 0, 0, 0, 0, 1), 1));
        Assert.False(data.TryLoad(Pair("key\0"u8, (XDataType)(-1), 0, 0, 0, 0, 0, 0, 0, 1), 1));
        var giant = new byte[XData.EncodedMax + 4];
        Pair("key\0"u8, XDataType.Binary, 0, 0, 0, 0).CopyTo(giant, 0);
        BinaryPrimitives.WriteInt32BigEndian(giant.AsSpan(12), giant.Length - 16);
        Assert.False(data.TryLoad(giant, 1));
        Assert.True(data.TryLoad([], 0));
        data.Release();
    }

    [Fact]
    public void AValueOfTheWrongSizeForItsTypeIsABug()
    {
        var data = XData.Rent();
        Assert.Throws<InvariantException>(() => data.SetRaw("key"u8, XDataType.Int, new byte[4]));
        data.Release();
        Assert.Throws<InvariantException>(data.Release);
    }

    private static byte[] Pair(ReadOnlySpan<byte> key, XDataType type, params ReadOnlySpan<byte> value)
    {
        var padded = (key.Length + 3) & ~3;
        var bytes = new byte[4 + padded + 4 + value.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, key.Length);
        key.CopyTo(bytes.AsSpan(4));
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 + padded), (int)type);
        value.CopyTo(bytes.AsSpan(8 + padded));
        return bytes;
    }

    private static void AssertSame(Dictionary<string, byte[]> model, XData data)
    {
        var seen = new HashSet<string>();
        foreach (var pair in data)
        {
            var key = Encoding.UTF8.GetString(pair.Key);
            Assert.True(seen.Add(key));
            Assert.Equal(model[key], pair.Value.ToArray());
        }

        Assert.Equal(model.Count, seen.Count);
    }
}
