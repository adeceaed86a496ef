using System.Collections.Generic;

namespace Myrmex.Management.Tasks;

/// <summary>The processes of tasks on this node. They outlive the daemon and are found again by the next one.</summary>
internal interface ITaskChildren
{
    /// <summary>
    /// Starts a process for a task; what was reported of it before is forgotten. Throws
    /// <see cref="System.IO.IOException"/> when it cannot be started.
    /// </summary>
    void Start(ClusterTask task);

    /// <summary>A process works for this task, whoever has started it.</summary>
    bool IsAlive(string task);

    /// <summary>Asks the process to end; it reports that it was stopped.</summary>
    void Terminate(string task);

    void Kill(string task);

    /// <summary>What the process has reported last; null when it has not.</summary>
    TaskProgress? Read(string task);

    /// <summary>Removes what is left of a task whose process has ended.</summary>
    void Forget(string task);

    /// <summary>Tasks of which something is left on this node: a process or a report.</summary>
    IReadOnlyList<string> Known();
}
