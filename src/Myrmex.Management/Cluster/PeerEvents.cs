using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Tells when nodes come and go. The oldest node that is heard of tells of all of them; when two take themselves for it
/// for a moment, an event may be told twice, and one that goes with the teller not at all.
/// </summary>
internal sealed class PeerEvents(
    ClusterView view, ClusterWriter writer, NodeDirectory directory, NodeId self, Seams seams)
{
    public async Task RunAsync(CancellationToken cancellation)
    {
        var look = new Signal();
        void Wake(IReadOnlyList<string> names) => look.Set();
        view.Lives.Changed += Wake;
        var known = Alive();
        try
        {
            while (true)
            {
                await look.WaitAsync(seams.Scheduler, Limits.SupervisePeriodMs * 10, cancellation);
                var now = Alive();
                if (IsTeller(now))
                {
                    await TellAsync(now.Except(known), EventTypes.PeerConnect, cancellation);
                    await TellAsync(known.Except(now), EventTypes.PeerDisconnect, cancellation);
                }

                known = now;
            }
        }
        finally
        {
            view.Lives.Changed -= Wake;
        }
    }

    private HashSet<NodeId> Alive() => [.. directory.All.Select(n => n.Id).Where(view.IsAlive)];

    private bool IsTeller(HashSet<NodeId> alive) => directory.All.FirstOrDefault(n => alive.Contains(n.Id))?.Id == self;

    private async Task TellAsync(IEnumerable<NodeId> nodes, string type, CancellationToken cancellation)
    {
        foreach (var node in nodes)
        {
            try
            {
                var name = new Dictionary<string, string> { ["name"] = view.NameOf(node) };
                await writer.TellAsync(writer.NewEvent(type, node: node, data: name), cancellation);
            }
            catch (StateStoreException e)
            {
                Log.Warning("events", "an event is not told", ("type", type), ("reason", e.Message));
            }
        }
    }
}
