using System;
using System.Text;
using System.Text.RegularExpressions;
using Myrmex.Graph;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Reduces a name to the part that is hashed, so that a temporary name lands where the final one will: rsync's
/// <c>.file.txt.AbC123</c> is placed like <c>file.txt</c>. The extra expression is asked first, then the rsync rule.
/// Source: options extra-hash-regex and rsync-hash-regex.
/// </summary>
internal sealed class NameMunger
{
    /// <summary>The rule that stands when rsync-hash-regex is not set; it is not run as an expression.</summary>
    public const string RsyncRule = @"^\.(.+)\.[^.]+$";

    private readonly Regex? _extra;
    private readonly Regex? _rsync;
    private readonly bool _rsyncBuiltIn;

    /// <param name="rsyncRule">Empty or "(null)": the built-in rule; "none": no rule; else an expression.</param>
    /// <param name="extraRule">Empty, "(null)" or "none": no rule; else an expression.</param>
    public NameMunger(string rsyncRule, string extraRule)
    {
        _rsyncBuiltIn = rsyncRule is "" or "(null)" or RsyncRule;
        _rsync = _rsyncBuiltIn || IsNone(rsyncRule) ? null : Compile("rsync-hash-regex", rsyncRule);
        _extra = extraRule is "" or "(null)" || IsNone(extraRule) ? null : Compile("extra-hash-regex", extraRule);
    }

    /// <summary>Hash of a name or path after munging.</summary>
    public uint Hash(ReadOnlySpan<byte> name) => NameHash.Compute(Munge(name));

    /// <summary>The part of <paramref name="name"/> that is hashed; lent from the name.</summary>
    public ReadOnlySpan<byte> Munge(ReadOnlySpan<byte> name)
    {
        if (_extra is not null && TryMatch(_extra, name, out var part))
        {
            return part;
        }

        if (_rsyncBuiltIn)
        {
            return TryRsync(name, out part) ? part : name;
        }

        return _rsync is not null && TryMatch(_rsync, name, out part) ? part : name;
    }

    private static bool IsNone(string rule) => string.Equals(rule, "none", StringComparison.OrdinalIgnoreCase);

    private static bool TryRsync(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> part)
    {
        part = default;
        if (name.Length < 4 || name[0] != (byte)'.')
        {
            return false;
        }

        var last = name.LastIndexOf((byte)'.');
        if (last < 2 || last == name.Length - 1)
        {
            return false;
        }

        part = name[1..last];
        return true;
    }

    // Bytes become the characters of the same number, so that positions in the match are positions in the name.
    private static bool TryMatch(Regex rule, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> part)
    {
        part = default;
        var match = rule.Match(Encoding.Latin1.GetString(name));
        if (!match.Success || match.Groups.Count < 2 || match.Groups[1].Length == 0)
        {
            return false;
        }

        part = name.Slice(match.Groups[1].Index, match.Groups[1].Length);
        return true;
    }

    private static Regex Compile(string option, string rule)
    {
        try
        {
            // No backtracking: a name chosen by a user must not be able to stall a thread.
            return new Regex(
                rule, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new GraphException(
                $"option {option}: '{rule}' is not an expression that can be used: {e.Message}", e);
        }
    }
}
