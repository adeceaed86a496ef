using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>Options of performance/shared-cache.</summary>
internal static class SharedCacheOptions
{
    public const string IsOn = "cache";
    public const string CacheSize = "cache-size";

    public static IReadOnlyList<OptionDeclaration> All { get; } =
    [
        new(IsOn, OptionKind.Boolean, "off", "Answer looks from memory while the bricks promise to tell of changes.")
        { Live = true },
        new(CacheSize, OptionKind.Size, "256MB", "Memory for what is kept, in bytes.")
        {
            Minimum = 0,
            Maximum = 1L << 40,
            Live = true,
        },
    ];
}
