using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Bricks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Nodes;
using Myrmex.Management.Proxies;
using Myrmex.Management.State;
using Myrmex.Management.Tasks;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>
/// The commands on volumes. What a volume is changes in one transaction of the store of the cluster; before it, a
/// command only does what can be taken back (see <see cref="Op"/>), and after it, only what follows from the new state.
/// So a daemon may be killed at any instant: a command that was not answered has either happened or leaves nothing.
/// Commands run at once with others, here and on other nodes: one that was decided on what somebody else has changed
/// meanwhile is decided again. All throw <see cref="CommandException"/>, and <see cref="StateStoreException"/> when the
/// store does not answer.
/// </summary>
internal sealed partial class VolumeCommands(
    ClusterView view, ClusterWriter writer, OpWorker worker, BrickPlan plan, ProxyPlacement placement, LocalNode node,
    string instance, Seams seams) : IVolumeCommands, IAddBrickCommand, IReplaceBrickCommands
{
    public IReadOnlyList<Volume> List() => [.. view.Volumes.Rows.Values.Select(r => r.Value)];

    public Volume Find(string name) => Row(name).Value;

    /// <summary>Throws when there is no such volume, or it is not what the caller expects.</summary>
    public Task<Volume> CheckAsync(VolumeTarget target, CancellationToken cancellation) =>
        DecideAsync(async () => (await RowAsync(target, cancellation)).Value);

    /// <summary>Serves the bricks; answers when clients can use all of those whose nodes are heard of.</summary>
    /// <param name="force">
    /// A started volume is fine too: bricks that are not online are tried again, and those that reset-brick has taken
    /// out of service are taken into it again.
    /// </param>
    public Task<Volume> StartAsync(
        VolumeTarget target, bool force, CancellationToken cancellation) => DecideAsync(async () =>
    {
        var (volume, modified) = await RowAsync(target, cancellation);
        var name = volume.Name;
        if (volume.Status == VolumeStatus.Started && !force)
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {name} already started");
        }

        var reset = volume.Bricks.Where(b => b.IsReset).Select(b => b.Index).ToList();
        var planned = force && reset.Count > 0 ? volume.Reset(reset, isReset: false) : volume;
        var served = planned.Bricks.Where(b => !b.IsReset).ToList();
        var nodes = served.Select(b => b.Node).Distinct().Where(view.IsAlive).ToList();
        if (nodes.Count == 0)
        {
            plan.CheckAlive(volume.Bricks.Select(b => b.Node).Distinct());
        }

        var op = NewOp(OpKind.Start, planned, nodes, [.. served.Select(b => b.Index)], force);
        return await RunOpAsync(op, modified, [], [], (o, _) =>
        {
            var started = o.Planned.Status == VolumeStatus.Started
                ? o.Planned : o.Planned.With(VolumeStatus.Started);
            return new OpEnd(started, writer.NewEvent(EventTypes.VolumeStart, name));
        }, cancellation);
    });

    /// <summary>
    /// Ends serving the bricks; answers when clients can use none of them any more, as far as their nodes are heard of.
    /// </summary>
    /// <param name="force">A volume that is not started is fine too.</param>
    public async Task<Volume> StopAsync(VolumeTarget target, bool force, CancellationToken cancellation)
    {
        var name = target.Name;
        var stopped = await DecideAsync(async () =>
        {
            var (volume, _) = await RowAsync(target, cancellation);
            if (volume.Status != VolumeStatus.Started)
            {
                return force ? volume : throw new CommandException(
                    CommandFailure.Conflict, $"Volume {name} is not in the started state");
            }

            return await SaveAsync(
                volume, volume.With(VolumeStatus.Stopped), writer.NewEvent(EventTypes.VolumeStop, name), cancellation);
        });
        var revision = view.Volumes.TryFind(name, out var row) ? row.Modified.Value : 0;
        bool IsGone(NodeId n) => view.RunOf(n) is not { } run
            || (run.Revision >= revision && run.Bricks.All(b => b.Volume != name));
        var nodes = stopped.Bricks.Select(b => b.Node).Distinct().ToList();
        if (!await view.WaitAsync(() => nodes.All(IsGone), Limits.BrickStopMs, seams, cancellation))
        {
            Log.Error("volumes", "bricks of a stopped volume still serve", ("volume", name));
        }

        return stopped;
    }

    /// <summary>Forgets a volume that is not started. Its bricks keep their data and their marks.</summary>
    public Task<Volume> DeleteAsync(VolumeTarget target, CancellationToken cancellation) => DecideAsync(async () =>
    {
        var (volume, modified) = await RowAsync(target, cancellation);
        var name = volume.Name;
        if (volume.Status == VolumeStatus.Started)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Volume {name} has been started.Volume needs to be stopped before deletion.");
        }

        await UnlockedAsync(name, cancellation);
        var deleted = await writer.CommitAsync(
            [Condition.Unchanged(StateKeys.Volume(name), modified), Condition.Missing(StateKeys.VolumeLock(name))],
            [
                Operation.DeleteKey(StateKeys.Volume(name)), Operation.DeleteKey(TaskKeys.VolumeTask(name)),
                .. view.Tasks.Rows.Values.Where(t => t.Value.Volume == name)
                    .Select(t => Operation.DeleteKey(TaskKeys.Task(t.Value.Id))),
                .. ReplicaKeys.Deletion(volume),
            ],
            writer.NewEvent(EventTypes.VolumeDelete, name, data: Data(("id", volume.Id.ToString()))), cancellation);
        ChangedException.ThrowUnless(deleted);
        Log.Information("volumes", "volume deleted", ("volume", name), ("id", volume.Id));
        return volume;
    });

    /// <summary>What runs of one volume. Only of a started one, as in GlusterFS.</summary>
    public VolumeReport Status(string name, bool detail)
    {
        var volume = Find(name);
        if (volume.Status != VolumeStatus.Started)
        {
            throw new CommandException(CommandFailure.Conflict, $"Volume {name} is not started");
        }

        var mounts = detail ? MountTable.Read() : [];
        return new VolumeReport(volume, [.. volume.Bricks.Select(b => Report(volume, b, detail, mounts))])
        {
            Proxies = ProxiesOf(volume),
        };
    }

    /// <summary>The proxies that should run, of all started volumes.</summary>
    public IReadOnlyList<ProxyReport> Proxies() =>
        [.. List().Where(v => v.Status == VolumeStatus.Started).SelectMany(ProxiesOf)];

    private List<ProxyReport> ProxiesOf(Volume volume) =>
    [
        .. placement.NodesOf(volume).Select(
            n => ReportOf(volume, n, view.RunOf(n.Id)?.Proxies.FirstOrDefault(p => p.Volume == volume.Name))),
    ];

    private static ProxyReport ReportOf(Volume volume, NodeRecord node, ProxyRun? run) =>
        (run is { Online: true }
            ? new ProxyReport(volume.Name, node, Online: true, run.Port, run.Pid) { Drain = run.Drain }
            : new ProxyReport(volume.Name, node, Online: false, 0, 0)) with
        {
            FailedUpgrade = run?.FailedUpgrade,
        };

    private static Dictionary<string, string> Data(params (string Key, string Value)[] pairs) =>
        pairs.ToDictionary(p => p.Key, p => p.Value);

    private StateRow<Volume> Row(string name) => view.Volumes.TryFind(name, out var row)
        ? row : throw Unknown(name);

    private static CommandException Unknown(string name) =>
        new(CommandFailure.NotFound, $"Volume {name} does not exist");

    /// <summary>
    /// The volume that a command is decided on, if it is what the caller expects. The command commits on the condition
    /// that the row is still this one, and is decided again when it is not: so what is expected holds when it changes.
    /// </summary>
    private async Task<StateRow<Volume>> RowAsync(VolumeTarget target, CancellationToken cancellation)
    {
        if (target.Expected is not { } expected)
        {
            return Row(target.Name);
        }

        var isKnown = view.Volumes.TryFind(target.Name, out var row);
        if (isKnown && expected.Holds(VolumeTarget.TagOf(row.Value)))
        {
            return row;
        }

        // The caller may have seen on another node what the view does not show yet: only the store knows.
        var isLatest = await writer.CommitAsync(
            [Condition.Unchanged(StateKeys.Volume(target.Name), isKnown ? row.Modified : Revision.None)], [],
            told: null, cancellation);
        ChangedException.ThrowUnless(isLatest);
        throw isKnown
            ? expected.Failed($"Volume {target.Name}", VolumeTarget.TagOf(row.Value)) : Unknown(target.Name);
    }

    private BrickReport Report(Volume volume, Brick brick, bool detail, IReadOnlyList<MountEntry> mounts)
    {
        var run = view.RunOf(brick.Node)?.Bricks.FirstOrDefault(b => b.Path == brick.Path && b.Volume == volume.Name);
        BrickDetail? more = null;
        if (detail && brick.Node == node.Id && MountTable.Holding(mounts, brick.Path) is { } mount
            && Sys.PathSpace(brick.Path, out var space) >= 0)
        {
            more = new BrickDetail(mount.Device, mount.FileSystem, mount.Options, space);
        }

        return run is { Online: true }
            ? new BrickReport(brick, Online: true, run.Port, run.Pid, more)
            : new BrickReport(brick, Online: false, 0, 0, more);
    }

    /// <summary>Decides and does a command; once more when somebody has changed what it was decided on.</summary>
    private static async Task<T> DecideAsync<T>(Func<Task<T>> command)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await command();
            }
            catch (ChangedException) when (attempt < Limits.CommandAttemptsMax)
            {
                // The view shows the change: decide on that.
            }
            catch (ChangedException)
            {
                throw new CommandException(
                    CommandFailure.Conflict,
                    "other commands keep changing the same things at the same time; try again");
            }
        }
    }

    /// <summary>Waits a moment for another command on the volume; throws when that takes longer.</summary>
    private async Task UnlockedAsync(string volume, CancellationToken cancellation)
    {
        bool IsFree() => !view.VolumeLocks.TryFind(volume, out _);
        if (!await view.WaitAsync(IsFree, Limits.VolumeLockWaitMs, seams, cancellation))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"Another transaction is in progress for {volume}. Please try again after some time.");
        }
    }

    private async Task<Volume> SaveAsync(
        Volume before, Volume after, ClusterEvent told, CancellationToken cancellation)
    {
        await UnlockedAsync(after.Name, cancellation);
        var row = Row(after.Name);
        ChangedException.ThrowUnless(ReferenceEquals(row.Value, before));
        var saved = await writer.CommitAsync(
            [
                Condition.Unchanged(StateKeys.Volume(after.Name), row.Modified),
                Condition.Missing(StateKeys.VolumeLock(after.Name)),
            ],
            [
                Operation.PutValue(StateKeys.Volume(after.Name), VolumeJson.ToBytes(after)),
                .. ReplicaKeys.Settings(before, after),
            ],
            told, cancellation);
        ChangedException.ThrowUnless(saved);
        Log.Information(
            "volumes", "volume changed", ("volume", after.Name), ("version", after.Version),
            ("from", before.Status), ("to", after.Status));
        return after;
    }

    /// <summary>Somebody has changed what a command was decided on.</summary>
    private sealed class ChangedException : Exception
    {
        public static void ThrowUnless(bool unchanged)
        {
            if (!unchanged)
            {
                throw new ChangedException();
            }
        }
    }
}
