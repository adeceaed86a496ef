using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Management.State;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>What happened to a member, for the log of the cluster.</summary>
/// <param name="Type">One of <see cref="EventTypes"/>.</param>
internal sealed record MemberEvent(string Type, NodeId Node, string Name);

/// <summary>
/// Commits under conditions, together with an event if there is one; false when a condition did not hold.
/// </summary>
internal delegate Task<bool> MemberCommit(
    IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> operations, MemberEvent? told,
    CancellationToken cancellation);

/// <summary>The members as one transaction read them.</summary>
/// <param name="Modified">When each record was changed last.</param>
/// <param name="Sequence">The counter of members: every change of who or what is called what goes through it.</param>
internal sealed record MemberSnapshot(
    IReadOnlyList<NodeRecord> Nodes, IReadOnlyDictionary<NodeId, Revision> Modified, IReadOnlySet<NodeId> Alive,
    StateEntry? Sequence)
{
    public NodeRecord? Find(NodeId id) => Nodes.FirstOrDefault(r => r.Id == id);

    public NodeRecord? FindName(string name) => Nodes.FirstOrDefault(r => r.HasName(name));

    public Revision ModifiedOf(NodeId id) => Modified.GetValueOrDefault(id);
}

/// <summary>
/// Reads and changes members in the store. Who is a member and what it is called changes under the condition that no
/// other such change came first: names are unique and sequences ordered whatever races.
/// </summary>
/// <param name="commit">Commits with events; null for a plain transaction without.</param>
internal sealed class MemberChanges(IStateStore store, MemberCommit? commit = null)
{
    public async Task<MemberSnapshot> ReadAsync(CancellationToken cancellation)
    {
        var result = await store.CommitAsync(
            StateTransaction.Always(
                new Operation.Get(KeyRange.Prefix(NodeKeys.Nodes), Limit: 0),
                new Operation.Get(KeyRange.Prefix(NodeKeys.Lives), Limit: 0),
                new Operation.Get(KeyRange.Single(NodeKeys.Sequence), Limit: 1)),
            cancellation);
        var nodes = new List<NodeRecord>();
        var modified = new Dictionary<NodeId, Revision>();
        foreach (var entry in result.Results[0].Entries)
        {
            var record = Parse(entry);
            nodes.Add(record);
            modified[record.Id] = entry.Modified;
        }

        var alive = new HashSet<NodeId>();
        foreach (var entry in result.Results[1].Entries)
        {
            if (NodeKeys.TryParse(entry.Key, NodeKeys.Lives, out var id))
            {
                alive.Add(id);
            }
        }

        return new MemberSnapshot(
            [.. nodes.OrderBy(r => r.Sequence)], modified, alive, result.Results[2].Entries.FirstOrDefault());
    }

    /// <summary>The member, read now; or null.</summary>
    public async Task<(NodeRecord Record, Revision Modified)?> FindAsync(NodeId id, CancellationToken cancellation) =>
        await store.GetAsync(NodeKeys.Node(id), cancellation) is { } entry ? (Parse(entry), entry.Modified) : null;

    /// <summary>
    /// Puts a record that was made from <paramref name="snapshot"/>, as a new member or under new names; false when
    /// another change of members came first.
    /// </summary>
    /// <param name="make">Makes the record, given the sequence for a new member.</param>
    public async Task<bool> PutAsync(
        MemberSnapshot snapshot, NodeId id, Func<long, NodeRecord> make, string type, CancellationToken cancellation)
    {
        var (unchanged, step, next) = StateCounter.Step(NodeKeys.Sequence, snapshot.Sequence);
        var record = make(next);
        return await CommitAsync(
            [unchanged, Condition.Unchanged(NodeKeys.Node(id), snapshot.ModifiedOf(id))],
            [step, Operation.PutValue(NodeKeys.Node(id), record.ToBytes())],
            new MemberEvent(type, id, record.Name), cancellation);
    }

    /// <summary>
    /// Changes what does not have to be unique in a record; answers the new one, or null when there is no such member.
    /// </summary>
    /// <param name="type">Of the event; null for a change that is no news.</param>
    public async Task<NodeRecord?> EditAsync(
        NodeId id, Func<NodeRecord, NodeRecord> edit, string? type, CancellationToken cancellation)
    {
        while (await FindAsync(id, cancellation) is var (before, modified))
        {
            var after = edit(before);
            if (after.ToBytes().AsSpan().SequenceEqual(before.ToBytes()))
            {
                return before;
            }

            var committed = await CommitAsync(
                [Condition.Unchanged(NodeKeys.Node(id), modified)],
                [Operation.PutValue(NodeKeys.Node(id), after.ToBytes())],
                type is null ? null : new MemberEvent(type, id, after.Name), cancellation);
            if (committed)
            {
                return after;
            }
        }

        return null;
    }

    /// <summary>
    /// Removes a member that holds no brick, with everything that shows it alive; false when the members or the places
    /// of bricks changed meanwhile. Throws <see cref="CommandException"/> when it holds bricks.
    /// </summary>
    public async Task<bool> RemoveAsync(
        MemberSnapshot snapshot, NodeRecord record, string heldMessage, CancellationToken cancellation)
    {
        var placement = await CheckHoldsNothingAsync(record.Id, heldMessage, cancellation);
        var (unchanged, step, _) = StateCounter.Step(NodeKeys.Sequence, snapshot.Sequence);
        return await CommitAsync(
            [
                unchanged, Condition.Unchanged(NodeKeys.Node(record.Id), snapshot.ModifiedOf(record.Id)),
                Condition.Unchanged(StateKeys.BrickCounter, placement),
            ],
            [
                step, Operation.DeleteKey(NodeKeys.Node(record.Id)), Operation.DeleteKey(NodeKeys.Life(record.Id)),
                Operation.DeleteKey(StateKeys.Run(record.Id)),
            ],
            new MemberEvent(EventTypes.PeerDetach, record.Id, record.Name), cancellation);
    }

    /// <summary>
    /// When bricks were given out last; none of them is on the node. Throws <see cref="CommandException"/> when one is.
    /// </summary>
    public async Task<Revision> CheckHoldsNothingAsync(
        NodeId node, string heldMessage, CancellationToken cancellation)
    {
        var read = await store.CommitAsync(
            StateTransaction.Always(
                new Operation.Get(KeyRange.Prefix(StateKeys.Volumes), Limit: 0),
                new Operation.Get(KeyRange.Single(StateKeys.BrickCounter), Limit: 1)),
            cancellation);
        return read.Results[0].Entries.Any(entry => Holds(entry, node))
            ? throw new CommandException(CommandFailure.Conflict, heldMessage)
            : read.Results[1].Entries.FirstOrDefault()?.Modified ?? Revision.None;
    }

    private static bool Holds(StateEntry volume, NodeId node) =>
        VolumeJson.FromBytes(volume.Value.Span).Bricks.Any(brick => brick.Node == node);

    private static NodeRecord Parse(StateEntry entry)
    {
        try
        {
            return NodeRecord.FromBytes(entry.Value.Span);
        }
        catch (JsonException e)
        {
            throw new StateStoreException($"{entry.Key} in the state store is damaged: {e.Message}", e);
        }
    }

    private async Task<bool> CommitAsync(
        IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> operations, MemberEvent? told,
        CancellationToken cancellation)
    {
        if (commit is not null)
        {
            return await commit(conditions, operations, told, cancellation);
        }

        var result = await store.CommitAsync(new StateTransaction(conditions, operations, []), cancellation);
        return result.Succeeded;
    }
}
