using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;
using Myrmex.Management.CommandLine.Reports;
using Myrmex.Management.Http;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Tasks;

/// <summary>Rebalances and the list of tasks, as the REST service calls them.</summary>
internal sealed class RebalanceService(ClusterView view, ClusterWriter writer, TaskCommands tasks, IClock clock)
    : IRebalanceCommands, ITaskLog
{
    private const string FixLayout = "fix-layout";
    private const string Throttle = "normal";

    public IReadOnlyList<TaskMessage> Tasks =>
    [
        .. view.Tasks.Rows.Values.Select(r => r.Value).OrderByDescending(t => t.StartedUnixMs).Select(t =>
            new TaskMessage(
            t.Id, FixLayout, StateOf(t), t.Volume, t.Node.ToString(),
            new Dictionary<string, long>
            {
                ["directories"] = t.Directories,
                ["files"] = t.Files,
                ["failures"] = t.Failures,
            },
            t.StartedUnixMs, t.IsFinished ? t.FinishedUnixMs : NowMs, t.Error)),
    ];

    private long NowMs => clock.WallNs / 1_000_000;

    public Task<RebalanceMessage> StartAsync(
        string volume, string kind, bool force, CancellationToken cancellation) => RefusedAsync(async () =>
    {
        var found = Find(volume);
        if (found.Status != VolumeStatus.Started)
        {
            throw new CommandException(
                CommandFailure.Conflict, $"Volume {volume} needs to be started to perform rebalance");
        }

        if (kind != FixLayout)
        {
            throw new CommandException(
                CommandFailure.NotSupported, "this version moves no files; use 'fix-layout start'");
        }

        var node = found.Bricks.Select(b => b.Node).Cast<NodeId?>().FirstOrDefault(n => view.IsAlive(n!.Value))
            ?? throw new CommandException(CommandFailure.Conflict, "no node with bricks of the volume is heard of");
        var task = await tasks.StartFixLayoutAsync(found, node, Throttle, cancellation);
        await writer.TellAsync(
            writer.NewEvent(
                EventTypes.TaskStart, volume, node, new Dictionary<string, string> { ["task"] = task.Id }),
            cancellation);
        return ToMessage(task);
    });

    public Task<RebalanceMessage> StopAsync(string volume, CancellationToken cancellation) =>
        RefusedAsync(async () => ToMessage(await tasks.StopAsync(Find(volume), cancellation)));

    public Task<RebalanceMessage> StatusAsync(string volume, CancellationToken cancellation) =>
        RefusedAsync(async () => ToMessage(await tasks.StatusAsync(Find(volume), cancellation)));

    private static async Task<T> RefusedAsync<T>(Func<Task<T>> command)
    {
        try
        {
            return await command();
        }
        catch (TaskRefusedException e)
        {
            throw new CommandException(CommandFailure.Conflict, e.Message);
        }
    }

    private static string StateOf(ClusterTask task) => RebalanceReport.Plain(task.State) switch
    {
        ClusterTaskState.NotStarted => "waiting",
        ClusterTaskState.Running => "running",
        ClusterTaskState.Completed => "done",
        ClusterTaskState.Stopped => "stopped",
        _ => "failed",
    };

    private Volume Find(string volume) => view.Volumes.TryFind(volume, out var row)
        ? row.Value : throw new CommandException(CommandFailure.NotFound, $"Volume {volume} does not exist");

    private RebalanceMessage ToMessage(ClusterTask task)
    {
        var endMs = task.IsFinished ? task.FinishedUnixMs : NowMs;
        return new RebalanceMessage(task.Volume, task.Id, FixLayout, [
            new RebalanceNodeMessage(
                task.Node.ToString(), view.NameOf(task.Node), Files: 0, SizeBytes: 0, task.Files, task.Failures,
                Skipped: 0, (int)task.State, RebalanceReport.TextOf(task.State),
                Math.Max(0, endMs - task.StartedUnixMs) / 1000.0),
        ]);
    }
}
