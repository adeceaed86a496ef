namespace Myrmex.Features;

/// <summary>Bounds of the lock tables.</summary>
internal static class LockLimits
{
    /// <summary>Most locks held and most waiting per file and kind; beyond it ENOLCK.</summary>
    public const int PerFileMax = 100_000;

    /// <summary>Most waiting requests looked at by one search for a deadlock; beyond it the request simply waits.</summary>
    public const int DeadlockStepsMax = 256;
}
