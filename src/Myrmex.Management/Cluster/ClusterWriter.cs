using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Changes of the cluster's state. A change and the event that tells of it are one transaction. Returns when the view of
/// this node shows the change.
/// </summary>
internal sealed class ClusterWriter(IStateStore store, ClusterView view, IClock clock)
{
    private static readonly IReadOnlyDictionary<string, string> NoData = new Dictionary<string, string>();

    /// <summary>An event of now; its number is given when it is written.</summary>
    public ClusterEvent NewEvent(
        string type, string? volume = null, NodeId? node = null, IReadOnlyDictionary<string, string>? data = null) =>
        new(0, clock.WallNs / 1_000_000, type, volume, node?.ToString(), data ?? NoData);

    /// <summary>
    /// Makes the change if all conditions hold. False when one did not: the view then shows why. Throws
    /// <see cref="StateStoreException"/>, after which the change may have been made or not, unless it is a
    /// <see cref="TransactionRefusedException"/>.
    /// </summary>
    public async Task<bool> CommitAsync(
        IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> operations, ClusterEvent? told,
        CancellationToken cancellation)
    {
        var counter = view.Find(StateKeys.EventCounter);
        while (true)
        {
            var result = await store.CommitAsync(Transaction(conditions, operations, told, counter), cancellation);
            await view.ReachAsync(result.Revision, cancellation);
            if (result.Succeeded || told is null)
            {
                return result.Succeeded;
            }

            // Somebody else's event came in between, or a condition of the caller does not hold.
            var now = result.Results[0].Entries.FirstOrDefault();
            if (now?.Modified == counter?.Modified)
            {
                return false;
            }

            counter = now;
        }
    }

    /// <summary>The same for a change of members.</summary>
    public Task<bool> CommitMembersAsync(
        IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> operations, MemberEvent? told,
        CancellationToken cancellation) => CommitAsync(
            conditions, operations,
            told is null ? null : NewEvent(
                told.Type, node: told.Node, data: new Dictionary<string, string> { ["name"] = told.Name }),
            cancellation);

    /// <summary>Writes an event that tells of no change in the store.</summary>
    public Task TellAsync(ClusterEvent told, CancellationToken cancellation) => CommitAsync([], [], told, cancellation);

    private static StateTransaction Transaction(
        IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> operations, ClusterEvent? told,
        StateEntry? counter)
    {
        if (told is null)
        {
            return new StateTransaction(conditions, operations, []);
        }

        var (unchanged, raise, seq) = StateCounter.Step(StateKeys.EventCounter, counter);
        var put = Operation.PutValue(
            StateKeys.Events + ClusterEvent.NameOf(seq), (told with { Seq = seq }).ToBytes());
        return new StateTransaction(
            [.. conditions, unchanged], [.. operations, raise, put],
            [new Operation.Get(KeyRange.Single(StateKeys.EventCounter), Limit: 0)]);
    }
}
