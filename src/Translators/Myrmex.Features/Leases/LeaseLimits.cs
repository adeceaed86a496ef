namespace Myrmex.Features.Leases;

/// <summary>Every bound of features/leases.</summary>
internal static class LeaseLimits
{
    /// <summary>Leases of one inode; beyond it none is granted.</summary>
    public const int PerInodeMax = 64;

    /// <summary>Leases of one client (of one connection, or of one session of a replica set).</summary>
    public const int PerClientMax = 16_384;

    /// <summary>Fops that wait for leases of one inode; beyond it EAGAIN.</summary>
    public const int WaitsPerInodeMax = 256;

    /// <summary>
    /// Fops of one connection that wait, at once; beyond it EAGAIN. Half of what a connection may have under way
    /// (server.outstanding-rpc-limit), so that what gives a lease back always gets through.
    /// </summary>
    public const int WaitsPerClientMax = 32;

    /// <summary>With a log, waits are looked at so often: others may have ended what they wait for.</summary>
    public const long LookAgainMs = 500;

    /// <summary>
    /// With a log a fop waits so long before its client is to come again: a change that waits holds up others of its
    /// session.
    /// </summary>
    public const long LoggedWaitMs = 1_000;

    /// <summary>The time in which it comes, which nobody gets a lease in.</summary>
    public const long WantedMs = 5_000;

    /// <summary>
    /// How long leases of a client behind a proxy are kept that has left without a word: as long as its locks.
    /// </summary>
    public const long LeftMs = LockLimits.LeftMs;

    public const long LeftSlackMs = LockLimits.LeftSlackMs;

    public const int Shards = 16;
}
