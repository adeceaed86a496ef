using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Management.Cluster;

/// <summary>The events of the cluster, from the view.</summary>
internal sealed class EventLog(ClusterView view, Seams seams) : IEventLog
{
    /// <summary>Between two looks when nothing tells of a change.</summary>
    private const long LookMs = 60_000;

    public long Last
    {
        get
        {
            // Numbers have no gaps.
            var rows = view.Events.Rows;
            return FirstOf(rows) + rows.Count - 1;
        }
    }

    public IReadOnlyList<ClusterEvent> Read(long after, int max)
    {
        var rows = view.Events.Rows;
        var read = new List<ClusterEvent>();
        var next = long.Max(after + 1, FirstOf(rows));
        while (read.Count < max && rows.TryGetValue(ClusterEvent.NameOf(next++), out var row))
        {
            read.Add(row.Value);
        }

        return read;
    }

    public async Task WaitAsync(long after, CancellationToken cancellation)
    {
        while (!await view.WaitAsync(() => Last > after, LookMs, seams, cancellation))
        {
            // Quiet for a while; wait on.
        }
    }

    /// <summary>Number of the oldest event that is kept; 1 when there was none.</summary>
    private static long FirstOf(ImmutableSortedDictionary<string, StateRow<ClusterEvent>> rows) =>
        rows.IsEmpty ? 1 : rows.Values.First().Value.Seq;
}
