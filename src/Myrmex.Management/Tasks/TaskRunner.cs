using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.IO;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Tasks;

/// <summary>
/// Does the tasks that are this node's. One loop owns all of its state and compares what should be with what is, so
/// that it does not matter what was interrupted before: a process is started, adopted, started again when it dies,
/// ended when the task is not this node's (any more), and its reports go into the store, at most once a second.
/// Invariants: a record is changed only on condition that it is as it was seen; only the node it names changes it,
/// except for a wish and for taking over from a dead node. Two processes at one task, for a moment after that, do no
/// harm: layouts are fixed under locks, and fixing them again changes nothing.
/// </summary>
internal sealed class TaskRunner
{
    private const string Room = "tasks";

    private readonly IStateStore _store;
    private readonly NodeId _node;
    private readonly ITaskChildren _children;
    private readonly Seams _seams;
    private readonly StateView _tasks;
    private readonly StateView _lives;
    private readonly Signal _look = new();

    // Owned by the loop; times are monotonic nanoseconds.
    private readonly Dictionary<NodeId, long> _missingSinceNs = [];
    private readonly Dictionary<string, long> _toldToStopNs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _startAllowedNs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _reportedNs = new(StringComparer.Ordinal);

    public TaskRunner(IStateStore store, NodeId node, ITaskChildren children, Seams seams)
    {
        _store = store;
        _node = node;
        _children = children;
        _seams = seams;
        _tasks = new StateView(store, KeyRange.Prefix(TaskKeys.Tasks), seams.Scheduler);
        _lives = new StateView(store, KeyRange.Prefix(NodeKeys.Lives), seams.Scheduler);
        _tasks.Changed += (_, _) => _look.Set();
        _lives.Changed += (_, _) => _look.Set();
    }

    /// <summary>
    /// Raised by the loop when this node has finished a task, after it is in the store. Not raised when the daemon is
    /// killed in between.
    /// </summary>
    public event Action<ClusterTask>? Finished;

    /// <summary>The loop; runs until it is cancelled and leaves the processes alone.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var following = Task.WhenAll(_tasks.FollowAsync(stop.Token), _lives.FollowAsync(stop.Token));
        try
        {
            await RefreshUntilReadAsync(cancellation);
            while (true)
            {
                var pauseMs = TaskLimits.LookPeriodMs;
                try
                {
                    pauseMs = await LookAsync(cancellation) ? TaskLimits.LookPeriodMs : TaskLimits.IdlePeriodMs;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception
                    or StateStoreException)
                {
                    Log.Error(Room, "tasks could not be looked after, trying again", ("reason", e.Message));
                }

                await _look.WaitAsync(_seams.Scheduler, pauseMs, cancellation);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Reads what the loop looks at; for those who do not follow. Throws <see cref="StateStoreException"/>.
    /// </summary>
    internal async Task RefreshAsync(CancellationToken cancellation)
    {
        await _tasks.LoadAsync(cancellation);
        await _lives.LoadAsync(cancellation);
    }

    /// <summary>
    /// One comparison of what should be and what is; true when something is to be looked at again soon.
    /// </summary>
    internal async Task<bool> LookAsync(CancellationToken cancellation)
    {
        NoteMissing();
        var busy = false;
        var mine = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in _tasks.Current.Entries.Values)
        {
            if (TryRead(entry) is not { IsFinished: false } task)
            {
                continue;
            }

            if (task.Node == _node)
            {
                mine.Add(task.Id);
                busy = true;
                await AttendAsync(entry, task, cancellation);
            }
            else
            {
                busy |= _missingSinceNs.ContainsKey(task.Node);
                await TakeOverAsync(entry, task, cancellation);
            }
        }

        foreach (var id in _children.Known())
        {
            if (!mine.Contains(id))
            {
                busy = true;
                EndForeign(id);
            }
        }

        return busy;
    }

    private static ClusterTask? TryRead(StateEntry entry)
    {
        try
        {
            return ClusterTask.FromBytes(entry.Value.Span);
        }
        catch (JsonException e)
        {
            Log.Error(Room, "record of a task cannot be read", ("key", entry.Key), ("reason", e.Message));
            return null;
        }
    }

    private async Task RefreshUntilReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await RefreshAsync(cancellation);
                return;
            }
            catch (StateStoreException e)
            {
                Log.Warning(Room, "tasks cannot be read", ("reason", e.Message));
                await Pauses.WaitAsync(_seams.Scheduler, TaskLimits.LookPeriodMs, cancellation);
            }
        }
    }

    /// <summary>Notes since when the nodes of tasks have been dead.</summary>
    private void NoteMissing()
    {
        var lives = _lives.Current.Entries;
        var missing = new HashSet<NodeId>();
        foreach (var entry in _tasks.Current.Entries.Values)
        {
            if (TryRead(entry) is { IsFinished: false } task && !lives.ContainsKey(NodeKeys.Life(task.Node)))
            {
                missing.Add(task.Node);
                _missingSinceNs.TryAdd(task.Node, _seams.Clock.MonotonicNs);
            }
        }

        foreach (var node in new List<NodeId>(_missingSinceNs.Keys))
        {
            if (!missing.Contains(node))
            {
                _missingSinceNs.Remove(node);
            }
        }
    }

    /// <summary>A task whose node has been dead for long is this node's, if nobody is faster.</summary>
    private async Task TakeOverAsync(StateEntry entry, ClusterTask task, CancellationToken cancellation)
    {
        if (!_missingSinceNs.TryGetValue(task.Node, out var sinceNs)
            || _seams.Clock.MonotonicNs - sinceNs < TaskLimits.TakeOverMs * 1_000_000
            || !_lives.Current.Entries.ContainsKey(NodeKeys.Life(_node)))
        {
            return;
        }

        var taken = task with
        {
            Node = _node,
            TakeOvers = task.TakeOvers + 1,
            Restarts = 0,
            Directories = 0,
            Files = 0,
            Failures = 0,
        };
        var result = await _store.CommitAsync(
            new StateTransaction(
                [
                    Condition.Unchanged(entry.Key, entry.Modified),
                    Condition.Missing(NodeKeys.Life(task.Node)),
                ],
                [Operation.PutValue(entry.Key, taken.ToBytes())],
                []),
            cancellation);
        if (result.Succeeded)
        {
            Log.Warning(
                Room, "task taken over from a dead node",
                ("task", task.Id), ("volume", task.Volume), ("node", task.Node));
            _look.Set();
        }
    }

    /// <summary>A task of this node: what its process is to do, and what it has done.</summary>
    private async Task AttendAsync(StateEntry entry, ClusterTask task, CancellationToken cancellation)
    {
        var isAlive = _children.IsAlive(task.Id);
        var progress = _children.Read(task.Id); // After the look at the process: an ended one has written its last.
        if (!isAlive && progress is { IsFinal: true })
        {
            await FinishAsync(entry, task, progress.State, progress, cancellation);
        }
        else if (task.Wish == ClusterTaskWish.Stop)
        {
            await StopAsync(entry, task, isAlive, progress, cancellation);
        }
        else if (isAlive)
        {
            await ReportAsync(entry, task, progress, cancellation);
        }
        else
        {
            await StartAsync(entry, task, isRestart: progress is not null, cancellation);
        }
    }

    private async Task StopAsync(
        StateEntry entry, ClusterTask task, bool isAlive, TaskProgress? progress, CancellationToken cancellation)
    {
        if (!isAlive)
        {
            await FinishAsync(entry, task, ClusterTaskState.FixLayoutStopped, progress, cancellation);
            return;
        }

        End(task.Id);
    }

    /// <summary>Tells a process to end, and kills it when it does not.</summary>
    private void End(string id)
    {
        if (_toldToStopNs.TryAdd(id, _seams.Clock.MonotonicNs))
        {
            _children.Terminate(id);
        }
        else if (_seams.Clock.MonotonicNs - _toldToStopNs[id] > TaskLimits.StopMs * 1_000_000)
        {
            Log.Warning(Room, "process of a task does not end, killing it", ("task", id));
            _children.Kill(id);
        }
    }

    /// <summary>A task that is finished, gone, or another node's.</summary>
    private void EndForeign(string id)
    {
        if (_children.IsAlive(id))
        {
            End(id);
            return;
        }

        _children.Forget(id);
        Drop(id);
    }

    private void Drop(string id)
    {
        _toldToStopNs.Remove(id);
        _startAllowedNs.Remove(id);
        _reportedNs.Remove(id);
    }

    private async Task StartAsync(
        StateEntry entry, ClusterTask task, bool isRestart, CancellationToken cancellation)
    {
        if (!isRestart)
        {
            Start(task);
            return;
        }

        if (task.Restarts >= TaskLimits.RestartsMax)
        {
            var failed = task with { Error = "its process keeps dying; see the log of the node" };
            await FinishAsync(entry, failed, ClusterTaskState.FixLayoutFailed, progress: null, cancellation);
            return;
        }

        var nowNs = _seams.Clock.MonotonicNs;
        if (!_startAllowedNs.TryGetValue(task.Id, out var allowedNs))
        {
            var pauseMs = Math.Min(
                TaskLimits.RestartPauseMsMin << Math.Min(task.Restarts, 10), TaskLimits.RestartPauseMsMax);
            Log.Error(Room, "process of a task died", ("task", task.Id), ("restart-in-ms", pauseMs));
            _startAllowedNs[task.Id] = nowNs + (pauseMs * 1_000_000);
            return;
        }

        // Counted before it is started, so that a task that kills its node ends some day.
        var counted = task with { Restarts = task.Restarts + 1 };
        if (nowNs >= allowedNs && await PutAsync(entry, counted, cancellation))
        {
            _startAllowedNs.Remove(task.Id);
            Start(counted);
        }
    }

    private void Start(ClusterTask task)
    {
        _children.Start(task);
        Log.Information(
            Room, "task is being done here", ("task", task.Id), ("volume", task.Volume), ("restarts", task.Restarts));
    }

    private async Task ReportAsync(
        StateEntry entry, ClusterTask task, TaskProgress? progress, CancellationToken cancellation)
    {
        var nowNs = _seams.Clock.MonotonicNs;
        var isDue = !_reportedNs.TryGetValue(task.Id, out var lastNs)
            || nowNs - lastNs >= TaskLimits.LookPeriodMs * 1_000_000;
        if (progress is null || !isDue || With(task, progress) is var now && now == task)
        {
            return;
        }

        _reportedNs[task.Id] = nowNs;
        await PutAsync(entry, now, cancellation);
    }

    private static ClusterTask With(ClusterTask task, TaskProgress? progress) =>
        progress is null ? task : task with
        {
            Directories = progress.Directories,
            Files = progress.Files,
            Failures = progress.Failures,
        };

    private async Task FinishAsync(
        StateEntry entry, ClusterTask task, ClusterTaskState state, TaskProgress? progress,
        CancellationToken cancellation)
    {
        var ended = With(task, progress) with
        {
            State = state,
            FinishedUnixMs = Math.Max(_seams.Clock.WallNs / 1_000_000, 1),
            Error = progress is { Error.Length: > 0 } ? progress.Error : task.Error,
        };
        if (await PutAsync(entry, ended, cancellation))
        {
            // Its report goes with the next look, when the end is seen: until then it is what the end is made of.
            Log.Information(
                Room, "task has ended", ("task", task.Id), ("volume", task.Volume), ("state", (int)state));
            Finished?.Invoke(ended);
        }
    }

    /// <summary>False when others have changed the record: it is looked at again when that is seen.</summary>
    private Task<bool> PutAsync(StateEntry entry, ClusterTask task, CancellationToken cancellation) =>
        _store.CompareAndPutAsync(entry.Key, entry.Modified, task.ToBytes(), cancellation);
}
