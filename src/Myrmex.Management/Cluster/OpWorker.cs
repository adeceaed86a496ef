using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>The steps of ops on one machine. Each may be done again after it was cut short.</summary>
internal interface IOpSteps
{
    /// <summary>
    /// Whether the step can be done; touches nothing. Throws <see cref="CommandException"/> when not.
    /// </summary>
    /// <returns>True when all brick directories concerned are empty.</returns>
    bool Check(Op op);

    /// <summary>
    /// Ends when nothing uses the brick directories that the step takes from other bricks of the volume. Touches
    /// nothing. Throws <see cref="CommandException"/> when they cannot be had.
    /// </summary>
    Task FreeAsync(Op op, CancellationToken cancellation);

    /// <summary>What there is before the step.</summary>
    IReadOnlyList<BrickBefore> Look(Op op);

    /// <summary>
    /// Makes the brick directories; answers their file systems by brick index. Throws <see cref="CommandException"/>.
    /// </summary>
    IReadOnlyDictionary<int, ulong> Mark(Op op);

    /// <summary>Ends when the bricks of the op are served. Throws <see cref="CommandException"/>.</summary>
    Task ServeAsync(Op op, CancellationToken cancellation);

    /// <summary>Ends when nothing of the step is left, as far as nobody else has used it.</summary>
    Task TakeBackAsync(Op op, OpPart part, CancellationToken cancellation);
}

/// <summary>
/// What a node does for ops: its own steps, the taking back of those that were aborted, and the aborting of ops whose
/// coordinator is gone. Everything is decided from the view, so that it does not matter what was cut short before. One
/// task an op; ops do not wait for each other.
/// </summary>
internal sealed class OpWorker(
    ClusterView view, ClusterWriter writer, NodeId node, string instance, IOpSteps steps, Seams seams)
{
    private readonly ConcurrentDictionary<string, bool> _commands = new(StringComparer.Ordinal);
    private readonly Signal _look = new();

    /// <summary>A command of this process owns the op from before it is written until <see cref="Leave"/>.</summary>
    public void Enter(string op) => _commands[op] = true;

    public void Leave(string op)
    {
        _commands.TryRemove(op, out _);
        _look.Set();
    }

    /// <summary>Works until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        void Wake(Revision revision) => _look.Set();
        view.Changed += Wake;
        var busy = new Dictionary<string, Task>(StringComparer.Ordinal);
        try
        {
            while (true)
            {
                foreach (var (id, task) in busy.Where(b => b.Value.IsCompleted).ToList())
                {
                    busy.Remove(id);
                    await task; // It ended as it should, or this ends too.
                }

                foreach (var id in view.Ops.Rows.Keys.Where(id => !busy.ContainsKey(id)))
                {
                    if (NextOf(id) is not null)
                    {
                        busy[id] = AttendAsync(id, cancellation);
                    }
                }

                await _look.WaitAsync(seams.Scheduler, Limits.OpRetryMs, cancellation);
            }
        }
        finally
        {
            view.Changed -= Wake;
            await Task.WhenAll(busy.Values).ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    /// <summary>Aborts an op as its coordinator; false when it is gone or aborted already.</summary>
    public async Task<bool> AbortAsync(string id, string reason, CancellationToken cancellation)
    {
        if (!view.Ops.TryFind(id, out var row) || row.Value.Phase == OpPhase.Abort)
        {
            return false;
        }

        var op = row.Value;
        var held = view.VolumeLocks.TryFind(op.Volume, out var holder) && holder.Value == id;
        var release = held ? new[] { Operation.DeleteKey(StateKeys.VolumeLock(op.Volume)) } : [];
        Condition[] same = held
            ? [Condition.Unchanged(StateKeys.VolumeLock(op.Volume), holder.Modified)] : [];
        var aborted = await writer.CommitAsync(
            [Condition.Unchanged(StateKeys.Op(id), row.Modified), .. same],
            [Operation.PutValue(StateKeys.Op(id), (op with { Phase = OpPhase.Abort }).ToBytes()), .. release],
            writer.NewEvent(
                EventTypes.CommandAborted, op.Volume, op.Coordinator,
                new Dictionary<string, string> { ["command"] = op.Kind.ToString(), ["reason"] = reason }),
            cancellation);
        if (aborted)
        {
            Log.Warning("ops", "command taken back", ("kind", op.Kind), ("volume", op.Volume), ("reason", reason));
        }

        return aborted;
    }

    private async Task AttendAsync(string id, CancellationToken cancellation)
    {
        await Task.Yield();
        try
        {
            while (NextOf(id) is { } next)
            {
                await next(cancellation);
            }
        }
        catch (StateStoreException e)
        {
            Log.Warning("ops", "the store failed during a command, trying again", ("op", id), ("reason", e.Message));
            await Pauses.WaitAsync(seams.Scheduler, Limits.OpRetryMs, cancellation);
        }
        finally
        {
            _look.Set();
        }
    }

    /// <summary>What this node has to do for an op now, or null.</summary>
    private Func<CancellationToken, Task>? NextOf(string id)
    {
        if (!view.Ops.TryFind(id, out var row))
        {
            return null;
        }

        var op = row.Value;
        var mine = view.Parts.TryFind($"{id}/{node}", out var part) ? part : (StateRow<OpPart>?)null;
        if (op.Phase == OpPhase.Abort)
        {
            return mine is { } left ? c => TakeBackAsync(op, left, c)
                : view.PartsOf(op).Any() ? null : c => ForgetAsync(row, c);
        }

        if (IsAbandoned(op))
        {
            return c => AbortAsync(id, "the daemon that ran it is gone", c);
        }

        if (!op.Nodes.Contains(node))
        {
            return null;
        }

        return (op.Phase, mine?.Value.State) switch
        {
            (OpPhase.Check, null) => c => CheckAsync(row, c),
            (OpPhase.Do, OpPartState.Checked or OpPartState.Marking or OpPartState.Serving) =>
                c => DoAsync(row, mine!.Value, c),
            _ => null,
        };
    }

    private bool IsAbandoned(Op op)
    {
        if (op.Coordinator == node && op.Instance == instance)
        {
            return !_commands.ContainsKey(op.Id);
        }

        return !view.Lives.TryFind(op.Coordinator.ToString(), out var life) || life.Value.Instance != op.Instance;
    }

    private async Task CheckAsync(StateRow<Op> row, CancellationToken cancellation)
    {
        var part = new OpPart(row.Value.Id, node, OpPartState.Checked, null, CommandFailure.Failed, []);
        try
        {
            part = part with { IsEmpty = steps.Check(row.Value) };
        }
        catch (CommandException e)
        {
            part = Failed(part, e);
        }

        await SaveAsync(row, part, Revision.None, cancellation);
    }

    private async Task DoAsync(StateRow<Op> row, StateRow<OpPart> mine, CancellationToken cancellation)
    {
        var op = row.Value;
        var part = mine.Value;
        var known = (Revision?)mine.Modified;
        try
        {
            if (part.State == OpPartState.Checked && op.Kind != OpKind.Start)
            {
                await steps.FreeAsync(op, cancellation);

                // What was there is written down before the first touch.
                part = part with { State = OpPartState.Marking, Before = steps.Look(op) };
                known = await SaveAsync(row, part, known.Value, cancellation);
            }

            if (known is not null && part.State == OpPartState.Marking)
            {
                part = part with { FileSystems = steps.Mark(op) };
            }

            if (known is not null && Serves(op) && part.State != OpPartState.Serving)
            {
                part = part with { State = OpPartState.Serving };
                known = await SaveAsync(row, part, known.Value, cancellation);
            }

            if (known is not null && Serves(op))
            {
                await steps.ServeAsync(op, cancellation);
            }

            part = part with { State = OpPartState.Done };
        }
        catch (CommandException e)
        {
            part = Failed(part, e);
        }

        if (known is { } revision)
        {
            await SaveAsync(row, part, revision, cancellation);
        }
    }

    private static bool Serves(Op op) =>
        op.Kind == OpKind.Start
        || (op.Kind is OpKind.AddBrick or OpKind.ReplaceBrick && op.Planned.Status == VolumeStatus.Started);

    private static OpPart Failed(OpPart part, CommandException e) =>
        part with { State = OpPartState.Failed, Error = e.Message, Failure = e.Failure };

    /// <summary>
    /// Writes a part as long as the op is as it was; null when it is not: then the view says what is next.
    /// </summary>
    private async Task<Revision?> SaveAsync(
        StateRow<Op> row, OpPart part, Revision known, CancellationToken cancellation)
    {
        var key = StateKeys.Part(row.Value.Id, node);
        var saved = await writer.CommitAsync(
            [Condition.Unchanged(StateKeys.Op(row.Value.Id), row.Modified), Condition.Unchanged(key, known)],
            [Operation.PutValue(key, part.ToBytes())], told: null, cancellation);
        return saved && view.Parts.TryFind($"{row.Value.Id}/{node}", out var now) ? now.Modified : null;
    }

    private async Task TakeBackAsync(Op op, StateRow<OpPart> mine, CancellationToken cancellation)
    {
        await steps.TakeBackAsync(op, mine.Value, cancellation);
        var key = StateKeys.Part(op.Id, node);
        await writer.CommitAsync(
            [Condition.Unchanged(key, mine.Modified)], [Operation.DeleteKey(key)], told: null, cancellation);
    }

    private async Task ForgetAsync(StateRow<Op> row, CancellationToken cancellation)
    {
        var key = StateKeys.Op(row.Value.Id);
        await writer.CommitAsync(
            [Condition.Unchanged(key, row.Modified)], [Operation.DeleteKey(key)], told: null, cancellation);
    }
}
