using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Coordination.Remote;

/// <summary>
/// A watch over a connection that may break: every call says from which revision it asks, so that nothing is missed and
/// nothing comes twice, whatever was lost.
/// </summary>
/// <param name="id">The store whose revisions are meant; null for the one that answers first.</param>
internal sealed class RemoteWatch(RemoteStore store, uint number, KeyRange range, Gfid id, Revision from)
{
    private Gfid _id = id;
    private Revision _next = from;
    private long _pauseMs;

    public uint Number => number;

    /// <summary>The next changes; none from time to time.</summary>
    public async Task<IReadOnlyList<WatchBatch>> NextAsync(CancellationToken cancellation)
    {
        var answer = await store.PollAsync(number, range, _id, _next, cancellation);
        switch (answer?.Status)
        {
            case StateStatus.Ok:
                _id = answer.Store;
                _next = answer.Value!.Next; // The answer is Ok.
                _pauseMs = 0;
                return answer.Value.Batches;
            case StateStatus.OtherStore:
                throw new RevisionCompactedException(Revision.None, answer.Reason);
            case StateStatus.Compacted or StateStatus.BadArgument:
                throw answer.ToException();
            default:
                // Not there now, or it had a failure of its own: a watch does not end by that.
                _pauseMs = Math.Clamp(_pauseMs * 2, Limits.WatchPauseMsMin, Limits.WatchPauseMsMax);
                await store.PauseAsync(_pauseMs, cancellation);
                return [];
        }
    }
}
