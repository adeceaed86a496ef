using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>Options of performance/open-behind. Source: GlusterFS option names of the volume file.</summary>
internal static class OpenBehindOptions
{
    public const string PassThrough = "pass-through";
    public const string LazyOpen = "lazy-open";
    public const string ReadAfterOpen = "read-after-open";

    public static IReadOnlyList<OptionDeclaration> All { get; } =
    [
        new(PassThrough, OptionKind.Boolean, "off", "Let every open go to the subvolume before it is answered.")
        {
            Live = true,
        },
        new(LazyOpen, OptionKind.Boolean, "on", "Open only when a fop needs it; off: right after the answer.")
        {
            Live = true,
        },
        new(ReadAfterOpen, OptionKind.Boolean, "on", "A read that does not come to the end of the file opens it.")
        {
            Live = true,
        },
    ];
}

/// <summary>What the options say at one moment.</summary>
internal sealed record OpenBehindSettings(bool IsOn, bool IsLazy, bool ReadOpens)
{
    public static OpenBehindSettings From(OptionValues options) => new(
        !options.Boolean(OpenBehindOptions.PassThrough),
        options.Boolean(OpenBehindOptions.LazyOpen),
        options.Boolean(OpenBehindOptions.ReadAfterOpen));
}

/// <summary>Bounds of open-behind.</summary>
internal static class OpenBehindLimits
{
    /// <summary>Fds that are answered and not open; beyond it an open goes to the subvolume.</summary>
    public const int UnopenedMax = 65536;
}
