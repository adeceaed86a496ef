using System;
using System.Linq;
using System.Text;
using Myrmex.Cluster.Dht;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>Values were read from a stock GlusterFS 10.3 library and mount.</summary>
public sealed class NameHashTests
{
    [Theory]
    [InlineData("a", 0x3a17e4e6)]
    [InlineData("b", 0x6f558edc)]
    [InlineData("f1", 0xd3b4775a)]
    [InlineData("abc", 0xba8bd29a)]
    [InlineData("abcd", 0xd89627f6)]
    [InlineData("hello", 0xa7923147)]
    [InlineData("file.txt", 0xc7426d64)]
    [InlineData("readme.md", 0x7ee6f58d)]
    [InlineData("0123456789", 0x65dc40b9)]
    [InlineData("exactly15bytes_", 0x0e7a637d)]
    [InlineData("exactly_16_bytes", 0xb3a75521)]
    [InlineData("f1-hard", 0x4157d830)]
    [InlineData(".hidden", 0x209c6459)]
    [InlineData("/", 0x8619bd58)]
    [InlineData("exactly_17_bytes_", 0xf82d2360)]
    [InlineData("twenty-characters-ok", 0x82e68c92)]
    [InlineData("this is a longer name with spaces.dat", 0x5f20614e)]
    [InlineData("café", 0x9e089967)]
    [InlineData("é", 0x65cfcaa1)]
    [InlineData("日本語.txt", 0xb065afb9)]
    [InlineData("naïveté", 0x36abba8e)]
    [InlineData("img_0001.jpg", 0x609413de)]
    [InlineData(".file.txt.AbC123", 0xd5435da4)]
    [InlineData("/dir1", 0xc8cb193d)]
    [InlineData("aé", 0xb6d766de)]
    public void EqualsTheHashOfTheStockLibrary(string name, uint expected) =>
        Assert.Equal(expected, NameHash.Compute(Encoding.UTF8.GetBytes(name)));

    [Theory]
    [InlineData(31, 0x9e618aa3)]
    [InlineData(32, 0xc87b8428)]
    [InlineData(64, 0x50ca7b2e)]
    [InlineData(255, 0x8ca66f57)]
    public void EqualsTheHashOfTheStockLibraryForLongNames(int length, uint expected) =>
        Assert.Equal(expected, NameHash.Compute(Enumerable.Repeat((byte)'x', length).ToArray()));

    [Fact]
    public void ExtendsTheSignOfALoneHighByte() => Assert.Equal(0xee42408aU, NameHash.Compute([0xff]));

    [Fact]
    public void DoesNotAllocate()
    {
        var name = "this is a longer name with spaces.dat"u8.ToArray();
        NameHash.Compute(name);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            NameHash.Compute(name);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(".file.txt.AbC123", "file.txt")]
    [InlineData(".a.b.c", "a.b")]
    [InlineData(".hidden", ".hidden")]
    [InlineData("..x", "..x")]
    [InlineData("...x", ".")]
    [InlineData(".a.", ".a.")]
    [InlineData(".a.b", "a")]
    [InlineData("plain.txt", "plain.txt")]
    public void TheRsyncRuleKeepsTheFinalName(string name, string hashed)
    {
        foreach (var munger in new[] { new NameMunger("", ""), new NameMunger("(null)", "none"), new NameMunger("^[.](.+)[.][^.]+$", "") })
        {
            Assert.Equal(hashed, Encoding.UTF8.GetString(munger.Munge(Encoding.UTF8.GetBytes(name))));
        }
    }

    [Fact]
    public void TheRsyncRuleCanBeSwitchedOff() =>
        Assert.Equal(0xd5435da4U, new NameMunger("none", "").Hash(".file.txt.AbC123"u8));

    [Fact]
    public void TheExtraRuleComesFirst()
    {
        var munger = new NameMunger("", "^(.+)~$");
        Assert.Equal("a.txt"u8.ToArray(), munger.Munge("a.txt~"u8).ToArray());
        Assert.Equal("file.txt"u8.ToArray(), munger.Munge(".file.txt.AbC123"u8).ToArray());
        Assert.Equal(new byte[] { 0xff, 0x80 }, munger.Munge([0xff, 0x80, (byte)'~']).ToArray());
    }

    [Fact]
    public void ABadExpressionIsAGraphError() =>
        Assert.Throws<Myrmex.Graph.GraphException>(() => new NameMunger("", "((("));
}
