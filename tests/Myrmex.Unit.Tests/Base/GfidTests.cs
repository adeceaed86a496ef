using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

public sealed class GfidTests
{
    [Fact]
    public void TextFormIsCanonicalAndParsesBack()
    {
        var gfid = new Gfid(0x0123456789abcdef, 0xfedcba9876543210);
        Assert.Equal("01234567-89ab-cdef-fedc-ba9876543210", gfid.ToString());
        Assert.True(Gfid.TryParse(gfid.ToString(), out var parsed));
        Assert.Equal(gfid, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("01234567-89ab-cdef-fedc-ba987654321")]
    [InlineData("01234567+89ab-cdef-fedc-ba9876543210")]
    [InlineData("g1234567-89ab-cdef-fedc-ba9876543210")]
    public void WrongTextIsRefused(string text) => Assert.False(Gfid.TryParse(text, out _));

    [Fact]
    public void InodeNumberIsTheLastEightBytesAndTheRootIsOne()
    {
        Assert.Equal(0xfedcba9876543210, new Gfid(1, 0xfedcba9876543210).Ino);
        Assert.Equal(1UL, Gfid.Root.Ino);
    }
}
