using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Management.State;
using Myrmex.Runtime;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Writes what a process of bricks has to tell into the events of the cluster, one after the other, as soon as the
/// state store takes it. An event whose outcome the store did not say may be there twice. Any thread.
/// </summary>
/// <param name="store">The state store of the cluster; null while there is none.</param>
public sealed class EventSender(Func<IStateStore?> store)
{
    /// <summary>Events that wait for the store; the oldest are dropped beyond.</summary>
    private const int WaitingMax = 1024;

    private const int RetryMs = 1_000;

    private readonly Lock _lock = new(); // Guards the fields; a leaf lock.
    private readonly Queue<ClusterEvent> _waiting = [];
    private bool _isSending;

    public void Tell(Seams seams, AdministratorNews news)
    {
        var told = new ClusterEvent(
            0, seams.Clock.WallNs / 1_000_000, news.Type, news.Volume, news.Node.Length > 0 ? news.Node : null,
            news.Data);
        lock (_lock)
        {
            if (_waiting.Count >= WaitingMax)
            {
                _ = _waiting.Dequeue();
            }

            _waiting.Enqueue(told);
            if (_isSending)
            {
                return;
            }

            _isSending = true;
        }

        _ = SendAsync(seams);
    }

    private async Task SendAsync(Seams seams)
    {
        await Task.Yield(); // Off the loop of the one that tells.
        while (TryPeek(out var told))
        {
            try
            {
                await SendAsync(told);
                lock (_lock)
                {
                    if (_waiting.TryPeek(out var first) && ReferenceEquals(first, told))
                    {
                        _ = _waiting.Dequeue();
                    }
                }
            }
            catch (StateStoreException e)
            {
                Log.Information("events", "an event waits for the state store", ("type", told.Type),
                    ("reason", e.Message));
                await Pauses.WaitAsync(seams.Scheduler, RetryMs, CancellationToken.None);
            }
        }
    }

    private bool TryPeek(out ClusterEvent told)
    {
        lock (_lock)
        {
            _isSending = _waiting.TryPeek(out var first);
            told = first!; // Set when the answer is true.
            return _isSending;
        }
    }

    private async Task SendAsync(ClusterEvent told)
    {
        var target = store() ?? throw new StateStoreException("this process knows no state store");
        while (true)
        {
            var read = await target.CommitAsync(
                StateTransaction.Always(new Operation.Get(KeyRange.Single(StateKeys.EventCounter), Limit: 0)),
                CancellationToken.None);
            var (unchanged, raise, seq) = StateCounter.Step(
                StateKeys.EventCounter, read.Results[0].Entries.FirstOrDefault());
            var put = Operation.PutValue(
                StateKeys.Events + ClusterEvent.NameOf(seq), (told with { Seq = seq }).ToBytes());
            var result = await target.CommitAsync(
                new StateTransaction([unchanged], [raise, put], []), CancellationToken.None);
            if (result.Succeeded)
            {
                return;
            }
        }
    }
}
