namespace Myrmex.Features;

/// <summary>Bounds of the lock tables.</summary>
internal static class LockLimits
{
    /// <summary>Most locks held and most waiting per file and kind; beyond it ENOLCK.</summary>
    public const int PerFileMax = 100_000;

    /// <summary>Most waiting requests looked at by one search for a deadlock; beyond it the request simply waits.</summary>
    public const int DeadlockStepsMax = 256;

    /// <summary>
    /// How long locks of a session are kept whose connection is gone. Longer than it takes a client to find another
    /// proxy; one that has died with its proxy keeps others waiting for so long.
    /// </summary>
    public const long LeftMs = 10_000;

    public const long LeftSlackMs = 50;

    /// <summary>Sessions whose epochs are remembered; beyond it those without locks are forgotten.</summary>
    public const int SessionsMax = 65_536;
}
