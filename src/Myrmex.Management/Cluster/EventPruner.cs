using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.State;
using Myrmex.Runtime;

namespace Myrmex.Management.Cluster;

/// <summary>Keeps the number of events bounded; every node does, which does no harm.</summary>
internal sealed class EventPruner(IStateStore store, ClusterView view, Seams seams)
{
    private const long PeriodMs = 10_000;

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Pauses.WaitAsync(seams.Scheduler, PeriodMs, cancellation);
            try
            {
                await PruneAsync(cancellation);
            }
            catch (StateStoreException e)
            {
                Log.Information("events", "old events cannot be deleted", ("reason", e.Message));
            }
        }
    }

    /// <summary>Deletes the oldest when there are <see cref="Limits.EventsSlack"/> too many.</summary>
    public async Task PruneAsync(CancellationToken cancellation)
    {
        var rows = view.Events.Rows;
        if (rows.Count <= Limits.EventsKept + Limits.EventsSlack)
        {
            return;
        }

        var firstKept = rows.Keys.ElementAt(rows.Count - Limits.EventsKept);
        var old = KeyRange.Between(StateKeys.Events, StateKeys.Events + firstKept);
        await store.CommitAsync(StateTransaction.Always(new Operation.Delete(old)), cancellation);
    }
}
