using System.Collections.Generic;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Graph;

public sealed class OptionTests
{
    [Theory]
    [InlineData("65536", 65536)]
    [InlineData("64KB", 65536)]
    [InlineData("1MB", 1048576)]
    [InlineData("1.5GB", 1610612736)]
    [InlineData("2g", 2147483648)]
    public void SizesTakeSuffixes(string text, long bytes)
    {
        Assert.True(OptionText.TrySize(text, out var value));
        Assert.Equal(bytes, value);
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("5min", 300)]
    [InlineData("2hr", 7200)]
    [InlineData("1days", 86400)]
    public void TimesTakeSuffixes(string text, long seconds)
    {
        Assert.True(OptionText.TryTime(text, out var value));
        Assert.Equal(seconds, value);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1MB")]
    [InlineData("99999999999PB")]
    public void WrongSizesAreRefused(string text) => Assert.False(OptionText.TrySize(text, out _));

    [Fact]
    public void ValuesOutOfRangeNameTheOptionAndTheRange()
    {
        var declaration = new OptionDeclaration("window", OptionKind.Size, "1MB", "help") { Minimum = 512, Maximum = 1 << 30 };
        var options = new OptionValues([declaration], [new KeyValuePair<string, string>("window", "4")]);
        var error = Assert.Throws<GraphException>(() => options.Validate("wb"));
        Assert.Contains("window", error.Message, System.StringComparison.Ordinal);
        Assert.Contains("512", error.Message, System.StringComparison.Ordinal);
    }

    [Fact]
    public void DefaultsStandInForMissingValues()
    {
        var options = new OptionValues([new OptionDeclaration("on", OptionKind.Boolean, "on", "help")], []);
        Assert.True(options.Boolean("on"));
        Assert.Equal(string.Empty, options.Text("unknown"));
    }
}
