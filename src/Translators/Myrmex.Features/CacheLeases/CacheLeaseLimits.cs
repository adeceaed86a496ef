namespace Myrmex.Features.CacheLeases;

/// <summary>Every bound of features/cache-leases, and its times.</summary>
internal static class CacheLeaseLimits
{
    /// <summary>For how long a client may answer from memory after it has sent the request that was granted.</summary>
    public const uint LeaseMs = 2_000;

    /// <summary>
    /// For how long it is waited for a client that says nothing, from its last request: an eighth more, for clocks that
    /// run at different rates.
    /// </summary>
    public const long WaitNs = 2_250_000_000;

    /// <summary>
    /// What of the time for which no other server can begin is promised, in eighths: clocks run at different rates.
    /// </summary>
    public const long PromisedEighths = 7;

    /// <summary>A promise for less than this is none: it would be over before the client hears of it.</summary>
    public const uint LeaseMsMin = 20;

    /// <summary>What a client is told within so long counts as told at once.</summary>
    public const long MomentNs = 10_000_000;

    /// <summary>
    /// For how long a look is remembered. Clients keep nothing longer than 60 s after they have asked.
    /// </summary>
    public const long RememberNs = 90_000_000_000;

    /// <summary>A look renews what is remembered when less than this is left of it.</summary>
    public const long RenewNs = 75_000_000_000;

    /// <summary>Inodes of which it is remembered who has looked at them; the one seen longest ago goes first.</summary>
    public const int InodesMax = 1 << 18;

    public const int Shards = 16;

    /// <summary>Clients that are remembered of one inode; the first of them goes first.</summary>
    public const int HoldersOfInodeMax = 64;

    /// <summary>Clients that are promised something at one time.</summary>
    public const int HoldersMax = 1024;

    /// <summary>
    /// Places for the number of an inode's last change; a look that shares one is in vain now and then.
    /// </summary>
    public const int ChangeSlots = 1 << 14;

    /// <summary>Inodes whose time is over that are forgotten with each one that is remembered.</summary>
    public const int ExpiredAtOnce = 2;

    /// <summary>Queues in which changes of names wait for each other.</summary>
    public const int Turns = 1 << 10;
}
