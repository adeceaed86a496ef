using System.Collections.Generic;
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

    public long Last => view.Events.Rows.IsEmpty ? 0 : view.Events.Rows.Values.Last().Value.Seq;

    public IReadOnlyList<ClusterEvent> Read(long after, int max)
    {
        var rows = view.Events.Rows;
        if (rows.IsEmpty || max <= 0)
        {
            return [];
        }

        // Numbers have no gaps: the place of a number follows from the first one.
        var first = rows.Values.First().Value.Seq;
        var skip = (int)long.Clamp(after + 1 - first, 0, rows.Count);
        var read = new List<ClusterEvent>();
        for (var i = skip; i < rows.Count && read.Count < max; i++)
        {
            read.Add(rows.Values.ElementAt(i).Value);
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
}
