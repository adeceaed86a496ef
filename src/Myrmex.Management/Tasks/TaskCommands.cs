using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Tasks;

/// <summary>
/// What administrators do with tasks, each in one transaction. All may throw <see cref="StateStoreException"/>; whether
/// the change was made is not known then, and the same command may be given again.
/// </summary>
public sealed class TaskCommands(IStateStore store, Seams seams)
{
    /// <summary>
    /// Makes a task that fixes all layouts of a started volume, to be done by <paramref name="node"/>. Refused while
    /// the volume has an unfinished task.
    /// </summary>
    /// <param name="node">A living node, best one with bricks of the volume.</param>
    public async Task<ClusterTask> StartFixLayoutAsync(
        Volume volume, NodeId node, string throttle, CancellationToken cancellation)
    {
        if (volume.Status != VolumeStatus.Started)
        {
            throw new TaskRefusedException($"Volume {volume.Name} needs to be started to perform rebalance");
        }

        var task = new ClusterTask
        {
            Id = seams.NewGfid().ToString(),
            Kind = ClusterTaskKind.FixLayout,
            Volume = volume.Name,
            VolumeId = volume.Id,
            Node = node,
            State = ClusterTaskState.FixLayoutRunning,
            Throttle = throttle,
            StartedUnixMs = seams.Clock.WallNs / 1_000_000,
        };
        var (pointer, last) = await LastAsync(volume.Name, cancellation);
        if (last is { IsFinished: false } && last.VolumeId == volume.Id)
        {
            throw new TaskRefusedException($"Rebalance on {volume.Name} is already started");
        }

        var result = await store.CommitAsync(
            new StateTransaction(
                [
                    Condition.Unchanged(TaskKeys.VolumeTask(volume.Name), pointer?.Modified ?? Revision.None),
                    Condition.Missing(TaskKeys.Task(task.Id)),
                ],
                [
                    Operation.PutValue(TaskKeys.VolumeTask(volume.Name), Encoding.ASCII.GetBytes(task.Id)),
                    Operation.PutValue(TaskKeys.Task(task.Id), task.ToBytes()),
                    .. last is { } old && last.Id != task.Id
                        ? new[] { Operation.DeleteKey(TaskKeys.Task(old.Id)) } : [],
                ],
                []),
            cancellation);
        return result.Succeeded
            ? task
            : throw new TaskRefusedException($"Rebalance on {volume.Name} is already started");
    }

    /// <summary>The last task of a volume, whether it is finished or not; refused when there is none.</summary>
    public async Task<ClusterTask> StatusAsync(Volume volume, CancellationToken cancellation)
    {
        var (_, last) = await LastAsync(volume.Name, cancellation);
        return last is not null && last.VolumeId == volume.Id ? last : throw NotStarted(volume);
    }

    /// <summary>
    /// Asks for the end of the volume's task; answers it as it was. Its node ends it soon. Refused when none runs.
    /// </summary>
    public async Task<ClusterTask> StopAsync(Volume volume, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < TaskLimits.ChangeRetriesMax; attempt++)
        {
            var (_, last) = await LastAsync(volume.Name, cancellation);
            if (last is null || last.VolumeId != volume.Id || last.IsFinished)
            {
                throw NotStarted(volume);
            }

            if (last.Wish == ClusterTaskWish.Stop)
            {
                return last;
            }

            var entry = await store.GetAsync(TaskKeys.Task(last.Id), cancellation);
            if (entry is null)
            {
                continue;
            }

            var now = ClusterTask.FromBytes(entry.Value.Span);
            var wanted = now with { Wish = ClusterTaskWish.Stop };
            if (!now.IsFinished
                && await store.CompareAndPutAsync(entry.Key, entry.Modified, wanted.ToBytes(), cancellation))
            {
                return wanted;
            }
        }

        throw new TaskRefusedException($"The task of volume {volume.Name} keeps changing; try again");
    }

    /// <summary>
    /// What must be added to the transaction that deletes a volume: its task goes too. Its process ends because the
    /// record is gone.
    /// </summary>
    public async Task<Operation[]> DeletionOfAsync(string volume, CancellationToken cancellation)
    {
        var (pointer, last) = await LastAsync(volume, cancellation);
        return (pointer, last) switch
        {
            (null, _) => [],
            (_, null) => [Operation.DeleteKey(pointer.Key)],
            _ => [Operation.DeleteKey(pointer.Key), Operation.DeleteKey(TaskKeys.Task(last.Id))],
        };
    }

    private static TaskRefusedException NotStarted(Volume volume) =>
        new($"Rebalance not started for volume {volume.Name}.");

    private async Task<(StateEntry? Pointer, ClusterTask? Last)> LastAsync(
        string volume, CancellationToken cancellation)
    {
        var pointer = await store.GetAsync(TaskKeys.VolumeTask(volume), cancellation);
        if (pointer is null)
        {
            return (null, null);
        }

        var id = Encoding.ASCII.GetString(pointer.Value.Span);
        var entry = await store.GetAsync(TaskKeys.Task(id), cancellation);
        return (pointer, entry is null ? null : ClusterTask.FromBytes(entry.Value.Span));
    }
}
