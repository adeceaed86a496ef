using System;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>
/// A set of fops, written as a comma separated list of names in any case: <c>lookup,write</c>. The GlusterFS names
/// <c>readv</c> and <c>writev</c> are known too.
/// </summary>
public readonly record struct FopSet
{
    private readonly ulong _bits;

    private FopSet(ulong bits)
    {
        _bits = bits;
    }

    public static FopSet Empty => default;

    public static FopSet All => new(ulong.MaxValue);

    public static FopSet Of(params ReadOnlySpan<FopCode> codes)
    {
        ulong bits = 0;
        foreach (var code in codes)
        {
            bits |= 1UL << (int)code;
        }

        return new FopSet(bits);
    }

    /// <summary>Throws <see cref="GraphException"/> for a name that is no fop.</summary>
    public static FopSet Parse(string text)
    {
        ulong bits = 0;
        foreach (var word in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var name = word.ToLowerInvariant() switch
            {
                "readv" => nameof(FopCode.Read),
                "writev" => nameof(FopCode.Write),
                "copy_file_range" => nameof(FopCode.CopyFileRange),
                _ => word,
            };
            if (char.IsAsciiDigit(name[0]) || !Enum.TryParse<FopCode>(name, ignoreCase: true, out var code)
                || code == FopCode.None)
            {
                throw new GraphException($"'{word}' is not the name of a fop");
            }

            bits |= 1UL << (int)code;
        }

        return new FopSet(bits);
    }

    public bool Contains(FopCode code) => (_bits >> (int)code & 1) != 0;

    public FopSet Without(FopSet other) => new(_bits & ~other._bits);
}
