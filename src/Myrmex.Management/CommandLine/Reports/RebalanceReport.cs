using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Management.Tasks;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>What one node has done for a rebalance.</summary>
/// <param name="NodeName">"localhost" for the node that is asked.</param>
/// <param name="NodeId">36 characters.</param>
/// <param name="Files">Files moved.</param>
/// <param name="SizeBytes">Bytes moved.</param>
/// <param name="Scanned">Files looked at.</param>
/// <param name="RuntimeMs">Since it began, until now or its end.</param>
public sealed record RebalanceRow(
    string NodeName, string NodeId, long Files, long SizeBytes, long Scanned, long Failures, long Skipped,
    ClusterTaskState State, long RuntimeMs);

/// <summary>The state of a rebalance, as <c>volume rebalance VOL status</c> shows it.</summary>
/// <param name="TaskId">36 characters.</param>
public sealed record RebalanceReport(string TaskId, string Volume, IReadOnlyList<RebalanceRow> Rows)
{
    public bool IsFixLayout => Rows.Count > 0 && Rows.All(static r => r.State >= ClusterTaskState.FixLayoutRunning);

    /// <summary>Sums; the longest time; the state that needs most attention.</summary>
    public RebalanceRow Total => new(
        string.Empty, string.Empty, Rows.Sum(r => r.Files), Rows.Sum(r => r.SizeBytes), Rows.Sum(r => r.Scanned),
        Rows.Sum(r => r.Failures), Rows.Sum(r => r.Skipped),
        Rows.Count == 0 ? ClusterTaskState.NotStarted : Rows.MaxBy(r => Weight(r.State))!.State,
        Rows.Count == 0 ? 0 : Rows.Max(r => r.RuntimeMs));

    /// <param name="nodeName">Name of the node that does or did it.</param>
    /// <param name="nowUnixMs">Milliseconds since 1970; clocks of other nodes may be a little ahead of it.</param>
    public static RebalanceReport Of(ClusterTask task, string nodeName, long nowUnixMs)
    {
        var endMs = task.IsFinished ? task.FinishedUnixMs : nowUnixMs;
        var row = new RebalanceRow(
            nodeName, task.Node.ToString(), Files: 0, SizeBytes: 0, task.Files, task.Failures, Skipped: 0, task.State,
            Math.Max(0, endMs - task.StartedUnixMs));
        return new RebalanceReport(task.Id, task.Volume, [row]);
    }

    /// <summary>Words of GlusterFS.</summary>
    public static string TextOf(ClusterTaskState state) => state switch
    {
        ClusterTaskState.NotStarted => "not started",
        ClusterTaskState.Running => "in progress",
        ClusterTaskState.Stopped => "stopped",
        ClusterTaskState.Completed => "completed",
        ClusterTaskState.Failed => "failed",
        ClusterTaskState.FixLayoutRunning => "fix-layout in progress",
        ClusterTaskState.FixLayoutStopped => "fix-layout stopped",
        ClusterTaskState.FixLayoutCompleted => "fix-layout completed",
        ClusterTaskState.FixLayoutFailed => "fix-layout failed",
        _ => "unknown",
    };

    /// <summary>
    /// The state as <c>volume status</c> shows it, which does not tell a layout fix from a rebalance.
    /// </summary>
    public static ClusterTaskState Plain(ClusterTaskState state) =>
        state >= ClusterTaskState.FixLayoutRunning ? state - 4 : state;

    private static int Weight(ClusterTaskState state) => Plain(state) switch
    {
        ClusterTaskState.Running => 5,
        ClusterTaskState.Failed => 4,
        ClusterTaskState.Stopped => 3,
        ClusterTaskState.Completed => 2,
        _ => 1,
    };
}
