using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// Says how long what is promised to caches may hold, where several servers take turns: features/cache-leases stands
/// directly above it and promises nothing beyond. All members are safe for all threads and do not block.
/// </summary>
public interface ICacheTerm
{
    /// <summary>
    /// In which term this server serves, 0 while it does not, and up to when, by <c>IClock.BootNs</c>, no other one
    /// can begin to, whatever becomes of this one; 0 for nobody knows.
    /// </summary>
    (ulong Term, long UntilNs) CacheTerm { get; }

    /// <summary>
    /// Promises are wanted, or not any more. <see cref="CacheTerm"/> says 0 for the time before they are, and it takes
    /// a moment.
    /// </summary>
    void WantCacheTerm(bool isWanted);

    /// <summary>
    /// Passes a fop as the translator does, but only while it serves in the term; else EAGAIN, or EREMOTE when another
    /// server does, and nothing is done.
    /// </summary>
    ValueTask<TReply> InvokeIn<TFop, TReply>(ulong term, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>;
}
