using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Management.Tasks;

namespace Myrmex.Unit.Tests.Management.Tasks;

/// <summary>Processes of tasks on one machine; they go on when the daemon is killed.</summary>
internal sealed class FakeChildren : ITaskChildren
{
    private readonly Dictionary<string, bool> _alive = [];
    private readonly Dictionary<string, TaskProgress> _reports = [];

    public int Starts { get; private set; }

    public int Terminated { get; private set; }

    public int Killed { get; private set; }

    /// <summary>Ignores the wish to end.</summary>
    public bool IsStubborn { get; set; }

    public bool CannotStart { get; set; }

    public void Start(ClusterTask task)
    {
        if (CannotStart)
        {
            throw new IOException("no process");
        }

        Starts++;
        _alive[task.Id] = true;
        _reports[task.Id] = new TaskProgress { Task = task.Id };
    }

    public bool IsAlive(string task) => _alive.GetValueOrDefault(task);

    public void Terminate(string task)
    {
        Terminated++;
        if (!IsStubborn)
        {
            End(task, ClusterTaskState.FixLayoutStopped);
        }
    }

    public void Kill(string task)
    {
        Killed++;
        _alive[task] = false;
    }

    public TaskProgress? Read(string task) => _reports.GetValueOrDefault(task);

    public void Forget(string task)
    {
        _alive.Remove(task);
        _reports.Remove(task);
    }

    public IReadOnlyList<string> Known() => [.. _reports.Keys.Order()];

    /// <summary>The process does some of its work.</summary>
    public void Work(string task, long directories) => _reports[task] = _reports[task] with
    {
        State = ClusterTaskState.FixLayoutRunning,
        Directories = directories,
        Files = directories * 10,
    };

    /// <summary>The process writes its last report and ends.</summary>
    public void End(string task, ClusterTaskState state, string error = "")
    {
        _reports[task] = _reports[task] with { State = state, Error = error };
        _alive[task] = false;
    }

    /// <summary>The process is killed.</summary>
    public void Die(string task) => _alive[task] = false;
}
