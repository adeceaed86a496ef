namespace Myrmex.Features.CacheLeases;

/// <summary>How much may be promised now.</summary>
/// <param name="Term">In which term of the server; 0 where it alone serves.</param>
/// <param name="LeaseMs">For how long a client may answer from memory after it has asked; 0: no more time.</param>
/// <param name="EndNs">Up to when it is waited for, by <c>IClock.BootNs</c>.</param>
internal readonly record struct LeaseSpan(ulong Term, uint LeaseMs, long EndNs)
{
    /// <summary>A server that alone serves promises always the same.</summary>
    public static LeaseSpan Alone(long nowNs) => new(0, CacheLeaseLimits.LeaseMs, nowNs + CacheLeaseLimits.WaitNs);

    /// <summary>
    /// Nobody else can begin to serve before then; 0 for nobody knows, so there is no more time. The client's clock may
    /// run slower than those of who can, by an eighth; what is waited for here is an eighth more than what is promised,
    /// and within the time too.
    /// </summary>
    public static LeaseSpan Within(ulong term, long nowNs, long untilNs)
    {
        var leaseMs = untilNs <= nowNs ? 0 : (untilNs - nowNs) * CacheLeaseLimits.PromisedEighths / 8 / 1_000_000;
        return leaseMs < CacheLeaseLimits.LeaseMsMin ? new LeaseSpan(term, 0, 0)
            : new LeaseSpan(term, (uint)leaseMs, nowNs + (leaseMs * 9 / 8 * 1_000_000));
    }
}
