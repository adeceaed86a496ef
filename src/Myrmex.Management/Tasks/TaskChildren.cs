using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Management.Bricks;
using Myrmex.Runtime.Linux;

namespace Myrmex.Management.Tasks;

/// <summary>
/// Processes of this machine: <c>myrmex rebalance-process</c>, one a task, found again by its <c>--status-file</c>
/// argument, which is unique to the daemon and the task. Files: <c>tasks/ID.json</c> in the working directory.
/// </summary>
internal sealed class TaskChildren(DaemonOptions options, IProcessControl processes) : ITaskChildren
{
    private const string Suffix = ".json";

    private readonly Dictionary<string, ProcessIdentity> _running = new(StringComparer.Ordinal);

    private string Directory => Path.Combine(options.WorkingDirectory, "tasks");

    /// <summary>Where the processes of tasks log.</summary>
    public string LogOf(ClusterTask task) => Path.Combine(options.LogDirectory, $"rebalance-{task.Volume}.log");

    public void Start(ClusterTask task)
    {
        System.IO.Directory.CreateDirectory(Directory);
        System.IO.Directory.CreateDirectory(options.LogDirectory);
        File.Delete(StatusFile(task.Id));
        // A report that it has been started, so that the task is known here also when the process dies at once.
        new TaskProgress { Task = task.Id, State = ClusterTaskState.NotStarted }.Write(StatusFile(task.Id));
        _running[task.Id] = processes.Start(
            [
                .. options.Executable, "rebalance-process", "--server", Server(), "--volume", task.Volume,
                "--task", task.Id, "--throttle", task.Throttle, "--log-file", LogOf(task),
                "--status-file", StatusFile(task.Id),
            ],
            LogOf(task));
    }

    public bool IsAlive(string task) => Find(task) is not null;

    public void Terminate(string task) => Signal(task, Sys.SignalTerminate);

    public void Kill(string task) => Signal(task, Sys.SignalKill);

    public TaskProgress? Read(string task) => TaskProgress.Read(StatusFile(task));

    public void Forget(string task)
    {
        _running.Remove(task);
        File.Delete(StatusFile(task));
    }

    public IReadOnlyList<string> Known() =>
        !System.IO.Directory.Exists(Directory)
            ? []
            : [.. System.IO.Directory.EnumerateFiles(Directory, "*" + Suffix)
                .Select(static path => Path.GetFileNameWithoutExtension(path))];

    private string StatusFile(string task) => Path.Combine(Directory, task + Suffix);

    private string Server() =>
        options.Bind is "0.0.0.0" or "" ? $"127.0.0.1:{options.Port}" : $"{options.Bind}:{options.Port}";

    private ProcessIdentity? Find(string task)
    {
        if (_running.TryGetValue(task, out var known))
        {
            if (processes.IsAlive(known))
            {
                return known;
            }

            _running.Remove(task);
        }

        if (processes.Find("--status-file", StatusFile(task)) is { } found)
        {
            _running[task] = found;
            return found;
        }

        return null;
    }

    private void Signal(string task, int signal)
    {
        if (Find(task) is { } process)
        {
            processes.Signal(process, signal);
        }
    }
}
