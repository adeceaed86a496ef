using System;
using System.Linq;
using Myrmex.Management.Nodes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Nodes;

public sealed class JoinTokenTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(7, 32).Select(i => (byte)(i * 37))];
    private static readonly string Fingerprint = Convert.ToHexStringLower([.. Enumerable.Range(1, 32).Select(i => (byte)(i * 11))]);
    private static readonly string Text = new JoinToken(Secret, Fingerprint).ToText();

    [Fact]
    public void TextIsOneWordThatReadsBack()
    {
        Assert.Equal(4 + 109, Text.Length);
        Assert.All(Text, c => Assert.True(char.IsAsciiLetterOrDigit(c)));
        Same(JoinToken.Parse(Text));
    }

    [Fact]
    public void WhatCopyingDoesToItDoesNotMatter()
    {
        Same(JoinToken.Parse($"  {Text}\r\n"));
        Same(JoinToken.Parse(Text.ToUpperInvariant()));
        Same(JoinToken.Parse(Text[..50] + "\n  " + Text[50..80] + " " + Text[80..]));
    }

    [Fact]
    public void EveryWrongSignIsNoticed()
    {
        for (var i = 0; i < Text.Length; i++)
        {
            foreach (var c in "abc234-1")
            {
                if (c != Text[i])
                {
                    Assert.Throws<FormatException>(() => JoinToken.Parse(Text[..i] + c + Text[(i + 1)..]));
                }
            }

            Assert.Throws<FormatException>(() => JoinToken.Parse(Text[..i]));
            Assert.Throws<FormatException>(() => JoinToken.Parse(Text.Remove(i, 1)));
        }

        Assert.Throws<FormatException>(() => JoinToken.Parse(Text + "a"));
        Assert.Throws<FormatException>(() => JoinToken.Parse(string.Empty));
    }

    [Fact]
    public void ItIsNeverShownByAccident()
    {
        var token = new JoinToken(Secret, Fingerprint);
        Assert.DoesNotContain(Convert.ToHexStringLower(Secret), $"{token}");
        var refused = Assert.Throws<FormatException>(() => JoinToken.Parse(Text[..^1] + "7"));
        Assert.DoesNotContain(Text[10..30], refused.Message);
    }

    private static void Same(JoinToken token)
    {
        Assert.Equal(Secret, token.Secret.ToArray());
        Assert.Equal(Fingerprint, token.AuthorityFingerprint);
    }
}
