using System;
using System.Security.Cryptography;
using System.Text;

namespace Myrmex.Management.Nodes;

/// <summary>
/// What lets a node into a cluster: a secret of 32 bytes that both sides prove to know, and the fingerprint of the
/// cluster's authority. Text form, version 1: <c>mxj1</c> and base32 (RFC 4648, lower case, no padding) of 32 bytes
/// secret, 32 bytes fingerprint and the first 4 bytes of the SHA-256 of these. One word without signs; spaces and line
/// ends that copying adds, and capitals, do not matter.
/// </summary>
internal sealed class JoinToken(byte[] secret, string authorityFingerprint)
{
    public const string Prefix = "mxj1";

    private const int PartBytes = 32;
    private const int ChecksumBytes = 4;
    private const int PayloadBytes = (2 * PartBytes) + ChecksumBytes;
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>Characters of a file or text that is looked at.</summary>
    public const int TextLengthMax = 4096;

    /// <summary>Lends the secret. Never logged.</summary>
    public ReadOnlySpan<byte> Secret => secret;

    /// <summary>SHA-256 of the authority's certificate, hexadecimal.</summary>
    public string AuthorityFingerprint => authorityFingerprint;

    /// <summary>Throws <see cref="FormatException"/>, whose message never shows the text.</summary>
    public static JoinToken Parse(string text)
    {
        var word = Squeeze(text);
        if (!word.StartsWith(Prefix, StringComparison.Ordinal))
        {
            throw new FormatException(
                word.StartsWith(Prefix[..^1], StringComparison.Ordinal)
                    ? "the join token is of a version that is not known here" : "this is not a join token");
        }

        var payload = FromBase32(word.AsSpan(Prefix.Length));
        if (payload is null || payload.Length != PayloadBytes)
        {
            throw new FormatException("the join token is not complete");
        }

        var body = payload.AsSpan(0, 2 * PartBytes);
        if (!SHA256.HashData(body).AsSpan(0, ChecksumBytes).SequenceEqual(payload.AsSpan(2 * PartBytes)))
        {
            throw new FormatException("the join token has a typing error");
        }

        return new JoinToken(
            body[..PartBytes].ToArray(), System.Convert.ToHexStringLower(body[PartBytes..]));
    }

    /// <summary>The text form, for the administrator: it contains the secret.</summary>
    public string ToText()
    {
        var payload = new byte[PayloadBytes];
        secret.CopyTo(payload.AsSpan());
        System.Convert.FromHexString(authorityFingerprint).CopyTo(payload.AsSpan(PartBytes));
        SHA256.HashData(payload.AsSpan(0, 2 * PartBytes)).AsSpan(0, ChecksumBytes)
            .CopyTo(payload.AsSpan(2 * PartBytes));
        return Prefix + ToBase32(payload);
    }

    /// <summary>Without the secret, in case it is ever written somewhere.</summary>
    public override string ToString() => $"join token of the authority {authorityFingerprint}";

    private static string Squeeze(string text)
    {
        var word = new StringBuilder();
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, TextLengthMax)))
        {
            if (!char.IsWhiteSpace(c))
            {
                word.Append(char.ToLowerInvariant(c));
            }
        }

        return word.ToString();
    }

    private static string ToBase32(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        var bits = 0;
        var held = 0;
        foreach (var b in bytes)
        {
            held = (held << 8) | b;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                text.Append(Alphabet[(held >> bits) & 31]);
            }

            held &= (1 << bits) - 1;
        }

        return bits == 0 ? text.ToString() : text.Append(Alphabet[(held << (5 - bits)) & 31]).ToString();
    }

    /// <summary>Null for other signs, and when the bits that are left over are not zero.</summary>
    private static byte[]? FromBase32(ReadOnlySpan<char> text)
    {
        var bytes = new byte[text.Length * 5 / 8];
        var filled = 0;
        var bits = 0;
        var held = 0;
        foreach (var c in text)
        {
            var value = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (value < 0)
            {
                return null;
            }

            held = (held << 5) | value;
            bits += 5;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[filled++] = (byte)(held >> bits);
                held &= (1 << bits) - 1;
            }
        }

        return held == 0 && bits < 5 ? bytes : null;
    }
}
