using System;
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
/// Changes of the cluster's state. A change and the event that tells of it are one transaction. Returns when the view
/// of this node shows the change.
/// </summary>
/// <param name="patienceMs">How long the outcome of a change is looked for.</param>
internal sealed class ClusterWriter(
    IStateStore store, ClusterView view, Seams seams, long patienceMs = Limits.CommitMs)
{
    private static readonly IReadOnlyDictionary<string, string> NoData = new Dictionary<string, string>();

    /// <summary>An event of now; its number is given when it is written.</summary>
    public ClusterEvent NewEvent(
        string type, string? volume = null, NodeId? node = null, IReadOnlyDictionary<string, string>? data = null) =>
        new(0, seams.Clock.WallNs / 1_000_000, type, volume, node?.ToString(), data ?? NoData);

    /// <summary>
    /// Makes the change if all conditions hold. False when one did not: the view then shows why. Throws
    /// <see cref="StateStoreException"/>, after which the change may have been made or not (the store did not answer
    /// for <see cref="Limits.CommitMs"/>), unless it is a <see cref="TransactionRefusedException"/>.
    /// </summary>
    public async Task<bool> CommitAsync(
        IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> operations, ClusterEvent? told,
        CancellationToken cancellation)
    {
        var counter = view.Find(StateKeys.EventCounter);
        while (true)
        {
            var result = await CommitSurelyAsync(Transaction(conditions, operations, told, counter), cancellation);
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

    /// <summary>
    /// Commits, and when the store does not say whether the change was made, finds out. Sent again it does nothing a
    /// second time: something that it puts or deletes is in its conditions. When those do not hold any more, it was
    /// made if everything is as it would have left it.
    /// </summary>
    private async Task<TransactionResult> CommitSurelyAsync(
        StateTransaction transaction, CancellationToken cancellation)
    {
        var deadlineNs = seams.Clock.MonotonicNs + (patienceMs * 1_000_000);
        for (var isUnsure = false; ; isUnsure = true)
        {
            try
            {
                var result = await store.CommitAsync(transaction, cancellation);
                return isUnsure && !result.Succeeded && await IsMadeAsync(transaction, cancellation)
                    ? result with { Succeeded = true } : result;
            }
            catch (StateStoreException e) when (
                e is not TransactionRefusedException && IsRepeatable(transaction)
                && seams.Clock.MonotonicNs < deadlineNs)
            {
                Log.Information("state", "the outcome of a change is looked for", ("reason", e.Message));
                await Pauses.WaitAsync(seams.Scheduler, Limits.CommitRetryMs, cancellation);
            }
        }
    }

    private static bool IsRepeatable(StateTransaction transaction) => transaction.Conditions.Any(c =>
        c.Target is ConditionTarget.Modified or ConditionTarget.Created && transaction.Then.Any(o => o switch
        {
            Operation.Put put => put.Key == c.Key,
            Operation.Delete delete => delete.Range.Contains(c.Key),
            _ => false,
        }));

    private async Task<bool> IsMadeAsync(StateTransaction transaction, CancellationToken cancellation)
    {
        var changes = transaction.Then.Where(o => o is not Operation.Get).ToList();
        var read = await store.CommitAsync(
            StateTransaction.Always([.. changes.Select(o => new Operation.Get(RangeOf(o), Limit: 1))]), cancellation);
        for (var i = 0; i < changes.Count; i++)
        {
            var now = read.Results[i].Entries.FirstOrDefault();
            var isAsLeft = changes[i] switch
            {
                // Others may have told more since: the event itself says that it was told.
                Operation.Put { Key: StateKeys.EventCounter } => true,
                Operation.Put put => now?.Value.Span.SequenceEqual(put.Value.Span) == true,
                _ => now is null,
            };
            if (!isAsLeft)
            {
                return false;
            }
        }

        return true;
    }

    private static KeyRange RangeOf(Operation operation) => operation switch
    {
        Operation.Put put => KeyRange.Single(put.Key),
        Operation.Delete delete => delete.Range,
        _ => throw new InvalidOperationException("not a change"),
    };

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
