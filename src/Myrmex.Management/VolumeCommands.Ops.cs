using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management;

internal sealed partial class VolumeCommands
{
    /// <summary>As many as fit into a transaction.</summary>
    private const int MemberConditionsMax = 100;

    /// <summary>
    /// Asks another node whether it is there; false when it does not answer within
    /// <see cref="NodeLimits.RequestMs"/>. Null asks nobody: then only the lease of a node tells.
    /// </summary>
    public Func<NodeId, CancellationToken, Task<bool>>? Answers { get; set; }

    private Op NewOp(
        OpKind kind, Volume planned, IReadOnlyList<NodeId> nodes, IReadOnlyList<int> bricks, bool force) => new(
            seams.NewGfid().ToString(), kind, planned.Name, node.Id, instance, OpPhase.Check, nodes, planned, bricks)
        {
            Force = force,
            StartedUnixMs = seams.Clock.WallNs / 1_000_000,
        };

    /// <summary>
    /// Runs an op to its end: the change made by <paramref name="finish"/>, or everything taken back.
    /// </summary>
    /// <param name="modified">Revision of the volume that the op was decided on; none when there must be none.</param>
    /// <param name="conditions">What else must not have changed until the op is written.</param>
    /// <param name="also">What else is written with the op.</param>
    private async Task<Volume> RunOpAsync(
        Op op, Revision modified, IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> also,
        Func<Op, IReadOnlyList<OpPart>, OpEnd> finish, CancellationToken cancellation)
    {
        await UnlockedAsync(op.Volume, cancellation);
        worker.Enter(op.Id);
        var silent = new SilentNodes(Answers);
        try
        {
            await BeginAsync(op, modified, conditions, also, cancellation);
            try
            {
                await PartsAsync(op, OpPartState.Checked, Limits.OpCheckMs, silent, cancellation);
                op = op with { Phase = OpPhase.Do, IsSpread = IsSpread(op) };
                await AdvanceAsync(op, cancellation);
                var parts = await PartsAsync(op, OpPartState.Done, Limits.OpDoMs, silent, cancellation);
                var end = finish(op, parts);
                await FinishAsync(op, end, cancellation);
                return end.Volume;
            }
            catch (Exception e) when (e is CommandException or OperationCanceledException)
            {
                await TakeBackAsync(op, e.Message, silent, CancellationToken.None);
                throw;
            }
        }
        finally
        {
            worker.Leave(op.Id); // If it is still there, the worker takes it back.
        }
    }

    private async Task BeginAsync(
        Op op, Revision modified, IReadOnlyList<Condition> conditions, IReadOnlyList<Operation> also,
        CancellationToken cancellation)
    {
        var begun = await writer.CommitAsync(
            [
                .. conditions, Condition.Unchanged(StateKeys.Volume(op.Volume), modified),
                Condition.Missing(StateKeys.VolumeLock(op.Volume)),
                .. op.Nodes.Take(MemberConditionsMax).Select(n => Condition.Exists(NodeKeys.Node(n))),
            ],
            [
                .. also, Operation.PutValue(StateKeys.Op(op.Id), op.ToBytes()),
                Operation.PutValue(StateKeys.VolumeLock(op.Volume), System.Text.Encoding.ASCII.GetBytes(op.Id)),
            ],
            told: null, cancellation);
        ChangedException.ThrowUnless(begun);
    }

    private async Task AdvanceAsync(Op op, CancellationToken cancellation)
    {
        var key = StateKeys.Op(op.Id);
        var advanced = view.Ops.TryFind(op.Id, out var row) && await writer.CommitAsync(
            [Condition.Unchanged(key, row.Modified)], [Operation.PutValue(key, op.ToBytes())], told: null,
            cancellation);
        if (!advanced)
        {
            throw TakenBack(op);
        }
    }

    /// <summary>Waits until every node has come so far; throws what the first one that could not says.</summary>
    private async Task<IReadOnlyList<OpPart>> PartsAsync(
        Op op, OpPartState state, long timeoutMs, SilentNodes silent, CancellationToken cancellation)
    {
        bool HasCome(NodeId n) => view.PartOf(op, n)?.State == state;
        OpPart? Failed() => view.PartsOf(op).FirstOrDefault(p => p.State == OpPartState.Failed);
        bool IsLost(NodeId n) => !HasCome(n) && (!view.IsAlive(n) || silent.Contains(n));
        bool IsMine() => view.Ops.TryFind(op.Id, out var row) && row.Value.Phase == op.Phase;
        var begunNs = seams.Clock.MonotonicNs;
        await silent.WatchAsync(
            op.Nodes.Where(n => n != node.Id && !HasCome(n)),
            c => view.WaitAsync(
                () => op.Nodes.All(HasCome) || Failed() is not null || op.Nodes.Any(IsLost) || !IsMine(), timeoutMs,
                seams, c),
            HasCome, cancellation);
        if (Failed() is { } failed)
        {
            throw new CommandException(failed.Failure, failed.Error ?? "no reason is given");
        }

        if (!IsMine())
        {
            throw TakenBack(op);
        }

        if (op.Nodes.Where(n => !HasCome(n)).OrderByDescending(IsLost).ToList() is [var late, ..])
        {
            throw new CommandException(
                CommandFailure.Failed,
                $"{view.NameOf(late)} {WhyLate(late, silent, begunNs)}; nothing was changed");
        }

        return [.. op.Nodes.Select(n => view.PartOf(op, n)!)];
    }

    private string WhyLate(NodeId late, SilentNodes silent, long begunNs)
    {
        var seconds = (seams.Clock.MonotonicNs - begunNs) / 1e9;
        return !view.IsAlive(late) ? "is not heard of any more"
            : silent.Contains(late) && seconds < 0.1 ? "does not answer"
            : string.Create(CultureInfo.InvariantCulture, $"did not answer within {seconds:0.0} seconds");
    }

    /// <summary>The change, and the end of the op, in one transaction.</summary>
    private async Task FinishAsync(Op op, OpEnd end, CancellationToken cancellation)
    {
        var volume = end.Volume;
        if (!view.Ops.TryFind(op.Id, out var row))
        {
            throw TakenBack(op);
        }

        // Bound to the op: should it arrive late, after the op was aborted, it does nothing.
        var done = await writer.CommitAsync(
            [Condition.Unchanged(StateKeys.Op(op.Id), row.Modified)],
            [
                Operation.PutValue(StateKeys.Volume(volume.Name), VolumeJson.ToBytes(volume)),
                Operation.DeleteKey(StateKeys.Op(op.Id)),
                Operation.DeleteKey(StateKeys.VolumeLock(op.Volume)),
                new Operation.Delete(KeyRange.Prefix(StateKeys.PartsOf(op.Id))), .. end.Also,
            ],
            end.Event, cancellation);
        if (!done)
        {
            throw TakenBack(op);
        }

        Log.Information(
            "volumes", "volume changed", ("command", op.Kind), ("volume", volume.Name), ("id", volume.Id),
            ("version", volume.Version), ("bricks", volume.Bricks.Count));
    }

    /// <summary>Aborts, and waits a moment for the nodes that are heard of to have taken back their steps.</summary>
    private async Task TakeBackAsync(
        Op op, string reason, SilentNodes silent, CancellationToken cancellation)
    {
        await worker.AbortAsync(op.Id, reason, cancellation);
        await view.WaitAsync(
            () => !view.Ops.TryFind(op.Id, out _)
                || (view.PartsOf(op).Any()
                    && view.PartsOf(op).All(p => !view.IsAlive(p.Node) || silent.Contains(p.Node))),
            Limits.OpTakeBackMs, seams, cancellation);
    }

    /// <summary>All bricks of a new volume are empty, on all nodes.</summary>
    private bool IsSpread(Op op) =>
        op.Kind == OpKind.Create && op.Planned.DistributeCount > 1 && view.PartsOf(op).All(p => p.IsEmpty);

    /// <summary>What an op ends in.</summary>
    private sealed record OpEnd(Volume Volume, ClusterEvent Event)
    {
        /// <summary>What else is written in the transaction that makes the change.</summary>
        public IReadOnlyList<Operation> Also { get; init; } = [];
    }

    private static CommandException TakenBack(Op op) => new(
        CommandFailure.Failed,
        $"the command on {op.Volume} was taken back by another node, because this one was not heard of; try again");
}
