using System;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// Promises clients to tell them before what they have looked at is changed by somebody else. protocol/server finds the
/// first one on the way down from an export, always by the first subvolume.
/// </summary>
public interface ICacheGrants
{
    /// <summary>
    /// Gives a client the promise, or prolongs it. Any thread; does not block.
    /// </summary>
    /// <param name="client">The connection; what it looks at from now on is under the promise.</param>
    /// <param name="handled">The highest number of what it has been told, and has handled; 0 for none.</param>
    /// <param name="tell">
    /// Tells the client that an inode changes. The number is to be confirmed by <see cref="Handled"/> or the next
    /// renewal; 0 wants no answer. Sends in order, and is called under a lock: it must not block or wait.
    /// </param>
    CacheGrant Renew(ClientIdentity client, ulong handled, Action<Gfid, ulong> tell);

    /// <summary>The client has dropped what it was told to drop, up to this number. Any thread.</summary>
    void Handled(ClientIdentity client, ulong number);
}

/// <summary>
/// What a client is promised: for so many milliseconds after it has sent its request. A generation other than before
/// says that nothing holds which was promised before. Generation 0 is no promise.
/// </summary>
public readonly record struct CacheGrant(uint Generation, uint Milliseconds)
{
    public static CacheGrant None => default;
}
