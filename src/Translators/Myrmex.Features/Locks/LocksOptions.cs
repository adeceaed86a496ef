using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>Options of features/locks. Source: GlusterFS option names.</summary>
internal static class LocksOptions
{
    public const string MandatoryLocking = "mandatory-locking";
    public const string EnforceMandatoryLock = "enforce-mandatory-lock";
    public const string NotifyContention = "notify-contention";
    public const string NotifyContentionDelay = "notify-contention-delay";

    public static IReadOnlyList<OptionDeclaration> All { get; } =
    [
        new(MandatoryLocking, OptionKind.Choice, "off", "Locks that also stop reads and writes; not supported.")
        {
            Choices = ["off"],
        },
        new(EnforceMandatoryLock, OptionKind.Choice, "off", "Makes every lock mandatory; not supported.")
        {
            Choices = ["off"],
        },
        new(NotifyContention, OptionKind.Boolean, "on", "Tell the holder of a lock that another client waits for it.")
        {
            Live = true,
        },
        new(NotifyContentionDelay, OptionKind.Time, "5", "Least time between two such messages about the same lock.")
        {
            Minimum = 0,
            Maximum = 60,
            Live = true,
        },
    ];
}
