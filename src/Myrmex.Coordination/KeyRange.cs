using System;

namespace Myrmex.Coordination;

/// <summary>
/// Keys from <see cref="Start"/> up to but not including <see cref="End"/>, in byte order. A key is 1 to
/// <see cref="Limits.KeyLengthMax"/> printable ASCII characters without space, so that string order, byte order and the
/// order of every backing store are the same.
/// </summary>
public readonly record struct KeyRange
{
    private const char AfterLastKeyCharacter = (char)0x7F;

    private KeyRange(string start, string end)
    {
        Start = start;
        End = end;
    }

    public string Start { get; }

    public string End { get; }

    /// <summary>Every key.</summary>
    public static KeyRange All => new(string.Empty, AfterLastKeyCharacter.ToString());

    /// <summary>Exactly <paramref name="key"/>.</summary>
    public static KeyRange Single(string key)
    {
        CheckKey(key);
        return new KeyRange(key, key + '\0');
    }

    /// <summary>All keys that begin with <paramref name="prefix"/>.</summary>
    public static KeyRange Prefix(string prefix)
    {
        CheckKey(prefix);
        return new KeyRange(prefix, prefix[..^1] + (char)(prefix[^1] + 1));
    }

    public static KeyRange Between(string start, string end)
    {
        CheckKey(start);
        CheckKey(end);
        return new KeyRange(start, end);
    }

    /// <summary>
    /// The range with these ends as another process has sent them; false when no range has such ends.
    /// </summary>
    internal static bool TryParse(string start, string end, out KeyRange range)
    {
        range = new KeyRange(start, end);
        return IsEnd(start) && IsEnd(end);
    }

    public bool Contains(string key) =>
        string.CompareOrdinal(key, Start) >= 0 && string.CompareOrdinal(key, End) < 0;

    /// <summary>Throws <see cref="ArgumentException"/> for text that cannot be a key.</summary>
    public static void CheckKey(string key)
    {
        if (key.Length is 0 or > Limits.KeyLengthMax || key.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0)
        {
            throw new ArgumentException($"'{key}' is not a key of the state store", nameof(key));
        }
    }

    /// <summary>The end of a range may be a key with one character more, and characters that no key has.</summary>
    private static bool IsEnd(string text) =>
        text.Length <= Limits.KeyLengthMax + 1
        && text.AsSpan().IndexOfAnyExceptInRange('\0', AfterLastKeyCharacter) < 0;
}
